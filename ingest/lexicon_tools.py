"""Checking lexicon files, and turning a CC-CEDICT file into a second, lower-weighted layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.kb.errors import SettingsError, SourceError
from ingest.kb.folding import fold
from ingest.kb.generation import write_atomically
from ingest.kb.lexicon import Concept, parse_lexicon
from ingest.kb.tokens import is_han
from ingest.sources import sample_corpus

__all__ = ["check_files", "default_files", "import_cedict", "parse_cedict"]

# CC-CEDICT: Traditional Simplified [pin1 yin1] /sense; synonym/sense/
_ENTRY = re.compile(r"^(\S+) (\S+) \[[^\]]*\] /(.+)/\s*$")
_DROPPED = re.compile(
    r"\([^)]*\)|\[[^\]]*\]|^(?:CL:|variant of|old variant of|see |also written|surname |abbr\. for|used in|erhua variant|same as).*"
)
_MAX_SENSES, _MAX_WORDS = 3, 4


# The mainland keeps 昇 in names (昇腾), where folding writes 升.
_KEPT = str.maketrans("昇", "升")


def default_files() -> list[Path]:
    """Return Wenju's own lexicon files."""
    folder = sample_corpus() / "lexicon"
    return sorted(folder.glob("*.tsv"))


def _own_faults(concept: Concept, where: str) -> Iterator[str]:
    for column, terms in concept.terms.items():
        seen: set[str] = set()
        for term in terms:
            # OPEX alone is found in capitals only: opex beside it is no repetition.
            key = term if term.isupper() else term.casefold()
            if key in seen:
                yield f"{where}: {term!r} stands twice in the {column} column"
            seen.add(key)
    for term in concept.terms.get("zh-Hans", ()):
        if list(filter(is_han, fold(term))) != list(filter(is_han, term.translate(_KEPT))):
            yield f"{where}: {term!r} in the zh-Hans column is not written in Simplified characters"
    for column in ("zh-Hant-TW", "zh-Hant-HK"):
        for term in concept.terms.get(column, ()):
            if not re.search(r"[\u3400-\u9fffA-Za-z0-9]", term):
                yield f"{where}: {term!r} in the {column} column has no word in it"


def check_files(paths: Sequence[Path]) -> list[str]:
    """Return the faults of lexicon files, one line each; empty if all is well.

    Raises:
        SourceError: A file is missing.
    """
    faults: list[str] = []
    for path in paths:
        if not path.is_file():
            raise SourceError(f"there is no lexicon file {path}")
        for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
            where = f"{path.name}:{number}"
            if not line.strip() or line.startswith("#"):
                continue
            if line.count("\t") > 4:
                faults.append(f"{where}: there are more than five columns")
            try:
                for concept in parse_lexicon([line], source=where):
                    faults.extend(_own_faults(concept, where))
            except SettingsError as error:
                faults.append(error.message)
    return faults


def parse_cedict(lines: Sequence[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (Traditional, Simplified, English terms) of a dictionary in CC-CEDICT's format; entries without a usable sense are left out."""
    for line in lines:
        match = _ENTRY.match(line.strip())
        if not match or line.startswith("#"):
            continue
        terms: dict[str, None] = {}
        for sense in match.group(3).split("/"):
            for part in sense.split(";"):
                text = " ".join(_DROPPED.sub("", part).split()).removeprefix("to ").strip(" ,.")
                if re.fullmatch(r"[A-Za-z][A-Za-z0-9 '.-]*", text) and len(text.split()) <= _MAX_WORDS:
                    terms[text] = None
        if terms and re.search(r"[\u3400-\u9fff]", match.group(2)):
            yield match.group(1), match.group(2), tuple(terms)[:_MAX_SENSES]


def import_cedict(path: Path, folder: Path) -> tuple[int, Path]:
    """Write a CC-CEDICT file as a lexicon layer; returns how many concepts and where.

    Args:
        path: The dictionary, as its project publishes it (plain text).
        folder: For the layer; a folder of the setting ``lexicon_dirs``.

    Raises:
        SourceError: The file is missing or holds no entry.
    """
    if not path.is_file():
        raise SourceError(f"there is no file {path}", hint="Download cedict_ts.u8 and give its path.")
    rows = []
    for traditional, simplified, terms in parse_cedict(path.read_text("utf-8", "replace").split("\n")):
        if len(simplified) < 2:
            continue
        rows.append(f"{'; '.join(terms)}\t{simplified}\t{traditional if traditional != simplified else ''}\t\t")
    if not rows:
        raise SourceError(f"{path} holds no entry in CC-CEDICT's format", hint="A line looks like: 傳統 传统 [chuan2 tong3] /tradition/")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "layer2-cedict.tsv"
    write_atomically(target, ("# Imported; lower weight than Wenju's own concepts.\n" + "\n".join(rows) + "\n").encode())
    return len(rows), target
