"""The running text of one column: paragraphs, headings, list items, captions, footnotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Literal

import numpy as np

from ingest.readers.pdf_columns import rows_of
from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rows import is_caption

__all__ = ["Paragraph", "flow", "joins"]

_ASKS_ON = re.compile(r"\b(?:in|of|to|see|by|from|and|or|the|with|at|on|cf\.|through|via)$|[見见如在於于和与與由]$", re.IGNORECASE)
_BULLET = re.compile(r"^(?:[•●▪■◦‣∙·–—*-]|\(?\d{1,2}[.)）、]|[（(][一二三四五六七八九十\d]+[)）]|[①-⑳])\s*\S")
_ENDS = re.compile(r"[。！？!?.:：;；][\"'”’」』)）\]]*\d*$")
_NOTE = re.compile(r"^(?:\d{1,3}|[*†‡§¹²³⁴⁵⁶⁷⁸⁹⁰]+)\s?[^\W\d_]")
_MARK = re.compile(r"^(?:\d{1,3}|[*†‡§¹²³⁴⁵⁶⁷⁸⁹⁰]+)\s?\S")
Kind = Literal["paragraph", "list_item", "caption", "footnote", "heading", "contents", "figure"]


@dataclass(slots=True)
class Paragraph:
    """Lines that are read as one."""

    lines: list[Line]
    kind: Kind = "paragraph"
    open_end: bool = field(default=False)

    @property
    def text(self) -> str:
        """Its lines, a space between."""
        return " ".join(line.text for line in self.lines)


def flow(run: Sequence[Line], *, body: float, bottom: float) -> list[Paragraph]:
    """Return the paragraphs of lines that stand in one column.

    Args:
        run: The lines.
        body: Font size of the document's running text.
        bottom: Height under which small print is footnotes, in points.
    """
    rows = rows_of(run)
    if not rows:
        return []
    left = float(np.percentile([row[0].x0 for row in rows], 15))
    right = float(np.percentile([row[-1].x1 for row in rows], 90))
    steps = [(b[0].middle - a[0].middle, b[0].size) for a, b in pairwise(rows) if abs(a[0].size - b[0].size) < 0.6]
    close = [step for step, size in steps if 0 < step < 3 * max(size, body)]
    pitch = median(close) if close else 1.5 * body
    out: list[Paragraph] = []
    before: list[Line] | None = None
    for row in rows:
        if before is None or _breaks(before, row, out[-1], left=left, right=right, pitch=pitch, body=body, bottom=bottom):
            out.append(Paragraph([], _kind(row, body=body, bottom=bottom)))
        out[-1].lines.extend(row)
        before = row
    if before is not None:
        out[-1].open_end = not _ENDS.search(before[-1].text)
    return [_with_heading(piece, body) for piece in out]


def _breaks(
    before: Sequence[Line],
    row: Sequence[Line],
    paragraph: Paragraph,
    *,
    left: float,
    right: float,
    pitch: float,
    body: float,
    bottom: float,
) -> bool:
    """Return whether a new paragraph begins with a row."""
    last, line = before[-1], row[0]
    if abs(last.size - line.size) > 0.12 * max(last.size, line.size):
        return True
    small = line.size < 0.92 * body and line.y0 > bottom and paragraph.kind in ("caption", "paragraph", "footnote")
    if small and _MARK.match(line.text) and _NOTE.match(line.text):
        return True
    step = line.middle - before[0].middle
    text = " ".join(item.text for item in row)
    if step > 1.45 * pitch:
        return True
    if is_caption(text):
        # ``… are presented in`` over ``Table 4. We see``: a full line that ends on a word that asks for the next one.
        return not (_ASKS_ON.search(last.text) and last.x1 > right - 3 * line.size and paragraph.kind == "paragraph")
    heavy = all(item.bold for item in before)
    if heavy != all(item.bold for item in row) and (heavy or _ENDS.search(last.text)):
        return last.x1 < right - 3 * line.size or not heavy
    if (
        _BULLET.match(text)
        and line.x0 < left + 60
        and (_ENDS.search(last.text) or last.x1 < right - 2 * line.size or paragraph.kind == "list_item")
    ):
        return not re.match(r"^[–—-]\s*\d", text) or bool(_ENDS.search(last.text))
    indented = line.x0 > left + 0.8 * line.size and before[0].x0 <= left + 0.3 * line.size
    if indented and paragraph.kind == "paragraph" and (_ENDS.search(last.text) or last.x1 < right - 2 * line.size):
        return True
    return bool(_ENDS.search(last.text)) and last.x1 < right - 4 * line.size and paragraph.kind != "caption"


def _kind(row: Sequence[Line], *, body: float, bottom: float) -> Kind:
    line = row[0]
    text = " ".join(item.text for item in row)
    if is_caption(text):
        return "caption"
    if line.size < 0.9 * body and line.y0 > bottom and _MARK.match(line.text):
        return "footnote"
    return "list_item" if _BULLET.match(text) and not re.match(r"^\d+(?:\.\d+)+\.?\s", text) else "paragraph"


def _with_heading(piece: Paragraph, body: float) -> Paragraph:
    """Mark a paragraph as a heading where its looks say so: larger or bold, short, not a sentence."""
    text = piece.text
    size = max(line.size for line in piece.lines)
    looks = size >= 1.14 * body or (all(line.bold for line in piece.lines) and size >= 0.98 * body)
    numbered = re.match(r"^(?:\d+(?:\.\d+)*\.?\s+\S|第[一二三四五六七八九十百\d]+[章節节篇部]|[一二三四五六七八九十]+、|[A-Z]\.\s)", text)
    short = len(text) <= (120 if not re.search(r"[\u4e00-\u9fff]", text) else 50) and len(piece.lines) <= 3
    letters = sum(char.isalpha() for char in text)
    sentence = re.search(r"[。，；,;]$", text) or (_ENDS.search(text) and not numbered and text[-1] in ".。")
    if piece.kind in ("paragraph", "list_item") and looks and short and letters >= 2 and not sentence:
        piece.kind = "heading"
    return piece


def joins(before: Paragraph, piece: Paragraph) -> bool:
    """Return whether a paragraph at the head of a column goes on from the one that ended the column before."""
    if not before.open_end or before.kind != piece.kind or before.kind not in ("paragraph", "list_item"):
        return False
    higher = piece.lines[0].y0 < before.lines[-1].y0
    first = piece.text[:1]
    fits = first.islower() or "\u4e00" <= first <= "\u9fff" or before.text.endswith("-")
    return higher and fits and abs(piece.lines[0].size - before.lines[-1].size) < 0.5 and not before.lines[-1].bold
