"""Plain text: paragraphs between blank lines, lines of one paragraph joined."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.blocks import Head, Page
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import clean, is_cjk
from ingest.readers.decode import decode

__all__ = ["join_lines", "read_text"]

_LIST = re.compile(r"\s*(?:[-*•·]|\d{1,3}[.)、])\s")
_HEADING_CHARS = 60


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


def read_text(data: bytes, *, name: str) -> Iterator[Head | Page]:
    """Yield the head and the one page of a plain text file.

    Raises:
        UnsupportedFile: The bytes are no text.
    """
    text, encoding = decode(data, name=name)
    builder = TextBuilder()
    title = ""
    for part in re.split(r"\n\s*\n", clean(text)):
        lines = [line for line in part.split("\n") if line.strip()]
        if not lines:
            continue
        if not title and len(lines) == 1 and len(lines[0].strip()) <= _HEADING_CHARS and lines[0].strip()[-1] not in "。.!?！？；;，,":
            title = lines[0].strip()
            builder.add("heading", title, level=1)
        elif all(_LIST.match(line) for line in lines):
            for line in lines:
                builder.add("list_item", line)
        else:
            builder.add("paragraph", join_lines(lines))
    warnings = () if encoding.startswith("utf-8") and "errors" not in encoding else (f"read as {encoding}",)
    yield Head("text/plain", title=title, warnings=warnings, metadata={"encoding": encoding})
    yield Page(1, builder.text, tuple(builder.blocks))
