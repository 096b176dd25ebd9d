"""Plain text: paragraphs between blank lines, lines of one paragraph joined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ingest.blocks import Head, Page
from ingest.kb.errors import UnsupportedFile
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import clean, is_cjk
from ingest.readers.decode import decode

__all__ = ["join_lines", "read_text"]

_LIST = re.compile(r"\s*(?:[-*•·]|\d{1,3}[.)、])\s")
_HEADING_CHARS = 60
_OTHERS = {".pdf": "PDF", ".docx": "Word file"}


def join_lines(lines: list[str]) -> str:
    """Return the lines of a paragraph as one: a hyphen at a line's end is undone, Chinese needs no space between lines."""
    out = ""
    for line in (line.strip() for line in lines):
        if not line:
            continue
        if not out:
            out = line
        elif out[-1] in "-\u2010" and out[-2:-1].isalpha() and line[:1].islower():
            out = out[:-1] + line
        elif is_cjk(out[-1]) and is_cjk(line[0]):
            out += line
        else:
            out += " " + line
    return out


def _paragraphs(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each run of lines that are not blank, with the number of its first line, from 1."""
    run: list[str] = []
    number = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            run.append(line)
        elif run:
            yield number - len(run), run
            run = []
    if run:
        yield number - len(run) + 1, run


def read_text(data: bytes, *, name: str) -> Iterator[Head | Page]:
    """Yield the head and the one page of a plain text file.

    Raises:
        UnsupportedFile: The bytes are no text, or a scrap under the name of another format.
    """
    text, encoding = decode(data, name=name)
    builder = TextBuilder()
    title = ""
    for first, lines in _paragraphs(clean(text)):
        alone = lines[0].strip()
        span = (first, first + len(lines) - 1)
        if not title and len(lines) == 1 and len(alone) <= _HEADING_CHARS and alone[-1] not in "。.!?！？；;，,":
            title = alone
            builder.add("heading", title, level=1, lines=span)
        elif all(_LIST.match(line) for line in lines):
            for number, line in enumerate(lines, first):
                builder.add("list_item", line, lines=(number, number))
        else:
            builder.add("paragraph", join_lines(lines), lines=span)
    suffix = Path(name).suffix.lower()
    if suffix in _OTHERS and all(block.kind == "heading" for block in builder.blocks):
        raise UnsupportedFile(f"is no {_OTHERS[suffix]}, whatever its name says", hint="Give the file again; the copy may have failed.")
    warnings = () if encoding.startswith("utf-8") and "errors" not in encoding else (f"read as {encoding}",)
    yield Head("text/plain", title=title, warnings=warnings, metadata={"encoding": encoding})
    yield Page(1, builder.text, tuple(builder.blocks))
