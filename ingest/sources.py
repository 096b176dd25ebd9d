"""Which files to ingest: the paths a user gives, walked in order, less what ``.wenjuignore`` names."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.kb.errors import SourceError

__all__ = ["IGNORE_FILE", "SUFFIXES", "digest", "find_files", "sample_corpus"]

IGNORE_FILE = ".wenjuignore"
# What a folder is searched for; a file that is named outright is read whatever its suffix.
SUFFIXES = frozenset({".pdf", ".md", ".markdown", ".mdx", ".mdown", ".txt", ".text", ".html", ".htm", ".xhtml", ".docx"})


def sample_corpus() -> Path:
    """Return the folder of the sample corpus, which is installed beside this package.

    Not by ``importlib.resources``: to it, ``corpus`` is whatever folder of that name comes first on the path, or several at once.
    """
    return Path(__file__).resolve().parent.parent / "corpus"


def _ignored(folder: Path) -> list[str]:
    path = folder / IGNORE_FILE
    if not path.is_file():
        return []
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _walk(folder: Path, rules: Sequence[tuple[Path, str]]) -> Iterator[Path]:
    rules = [*rules, *((folder, pattern) for pattern in _ignored(folder))]
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        hidden = any(
            fnmatch.fnmatch(str(entry.relative_to(base)), pattern.rstrip("/")) or fnmatch.fnmatch(entry.name, pattern.rstrip("/"))
            for base, pattern in rules
            if not pattern.endswith("/") or entry.is_dir()
        )
        if hidden:
            continue
        if entry.is_dir():
            yield from _walk(entry, rules)
        elif entry.suffix.lower() in SUFFIXES:
            yield entry


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files to read, absolute, each once, in order; none if no path is given.

    Raises:
        SourceError: A path does not exist, or there is nothing to read in any of them.
    """
    out: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise SourceError(f"there is no file or folder {path}", hint="Check the spelling; give a file or a folder of reports.")
        found = _walk(path.resolve(), ()) if path.is_dir() else iter([path.resolve()])
        out.update(dict.fromkeys(found))
    if paths and not out:
        names = ", ".join(str(path) for path in paths)
        raise SourceError(
            f"there is nothing to read in {names}", hint=f"Put files there: {' '.join(sorted(SUFFIXES))}. Nothing was changed."
        )
    return list(out)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
