"""How an answer says the sentences of its sources."""

from __future__ import annotations

import re

from ingest.kb import Language, to_script
from service.candidates import Candidate
from service.messages import say

__all__ = ["prose"]

_MARKS = frozenset("。！？；：，、.!?;:,…—")


def prose(candidate: Candidate, language: Language, *, before: Candidate | None) -> str:
    """Return a sentence as the answer says it: Chinese in the asker's script, another language quoted with a lead-in.

    Args:
        candidate: The sentence.
        language: Of the answer.
        before: The sentence that it follows; after one in the same language the lead-in is not said again.
    """
    source = candidate.hit.passage
    again = before is not None and (before.hit.passage.language == "en") == (source.language == "en")
    text = candidate.text
    if source.kind == "table_row":
        text = _row(candidate, text)
    text = _one_line(text, wide=source.language != "en")
    if language == "en":
        return text if source.language == "en" or again else f"{say('lead_zh', 'en')}{text}"
    return (text if again else f"{say('lead_en', language)}{text}") if source.language == "en" else to_script(text, language)


def _one_line(text: str, *, wide: bool) -> str:
    """Return a sentence, or a lead-in with the items under it, as one line; items that end without a mark are parted by semicolons."""
    lines = [re.sub(r"^[•●▪■◦‣∙·*-]\s+", "", " ".join(line.split())) for line in text.split("\n")]
    out = ""
    for line in filter(None, lines):
        if out:
            out += ("" if wide else " ") if out[-1] in _MARKS else "；" if wide else "; "
        out += line
    return out


def _cells(row: str) -> list[str]:
    """Return the cells of a row; empty ones at its ends have lost the space beside their bar."""
    return [cell.strip() for cell in re.split(r"(?:^|(?<=\s))\|(?=\s|$)", row)]


def _row(candidate: Candidate, text: str) -> str:
    """Return a table row with its column names, so that it reads on its own: name: value pairs."""
    cells, header = _cells(text), _cells(candidate.hit.passage.header)
    wide = candidate.hit.passage.language != "en"
    colon, comma = ("：", "，") if wide else (": ", ", ")
    if len(cells) != len(header) or cells == header:
        return comma.join(filter(None, cells))
    # A cell without a value says nothing.
    pairs = [f"{name}{colon}{value}" if name else value for name, value in zip(header[1:], cells[1:], strict=True) if value]
    if not (cells[0] and pairs):
        return cells[0] or comma.join(pairs)
    return f"{cells[0]}{colon if len(pairs) > 1 else comma}{comma.join(pairs)}"
