"""Reading order of a PDF page: columns, paragraphs, headings, captions, footnotes, tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rules import Grid
from ingest.readers.pdf_tables import Table, find_tables, rows_of, ruled_tables

__all__ = ["Paragraph", "Piece", "lay_out"]

_CAPTION = re.compile(
    r"^(?:figure|fig\.|table|chart|exhibit|圖|图|表|圖表|图表)\s*[A-Z]?\d+(?:[.\-–]\d+)*\s*(?:[:：.|、　]|\s|$)", re.IGNORECASE
)
_BULLET = re.compile(r"^(?:[•●▪■◦‣∙·–—*-]|\(?\d{1,2}[.)）、]|[（(][一二三四五六七八九十\d]+[)）]|[①-⑳])\s*\S")
_LEADERS = re.compile(r"(?:\.\s?){5,}|…{2,}|(?:·\s?){5,}")
_ENDS = re.compile(r"[。！？!?.:：;；][\"'”’」』)）\]]*\d*$")
_NOTE = re.compile(r"^(?:\d{1,3}|[*†‡§¹²³⁴⁵⁶⁷⁸⁹⁰]+)\s?[^\W\d_]")
_MARK = re.compile(r"^(?:\d{1,3}|[*†‡§¹²³⁴⁵⁶⁷⁸⁹⁰]+)\s?\S")


@dataclass(slots=True)
class Paragraph:
    """Lines that are read as one."""

    lines: list[Line]
    kind: Literal["paragraph", "list_item", "caption", "footnote", "heading", "contents"] = "paragraph"
    open_end: bool = field(default=False)

    @property
    def text(self) -> str:
        """Its lines, a space between."""
        return " ".join(line.text for line in self.lines)


Piece = Paragraph | Table


def _gutter(lines: Sequence[Line], width: float) -> float | None:
    """Return the x of the gutter of a two-column page, None for one column.

    A gutter is crossed by few lines and has prose on both sides at the same heights.
    """
    prose = [line for line in lines if len(line.text) >= 12 or line.x1 - line.x0 > 0.2 * width]
    if len(prose) < 12:
        return None
    best: tuple[int, float] | None = None
    for at in np.linspace(0.36, 0.64, 57) * width:
        left = [line for line in prose if line.x1 <= at + 1]
        right = [line for line in prose if line.x0 >= at - 1]
        crossing = len(prose) - len(left) - len(right)
        if len(left) < 5 or len(right) < 5 or crossing > 0.35 * len(prose):
            continue
        if best is None or crossing < best[0]:
            best = (crossing, float(at))
    if best is None:
        return None
    at = best[1]
    left = [line for line in prose if line.x1 <= at + 1]
    right = [line for line in prose if line.x0 >= at - 1]
    for side, room in ((left, at - min(line.x0 for line in left)), (right, max(line.x1 for line in right) - at)):
        wide = [line.x1 - line.x0 for line in side]
        if room <= 0 or np.percentile(wide, 70) < 0.7 * room:
            return None
    bottom = min(max(line.y1 for line in left), max(line.y1 for line in right))
    overlap = bottom - max(min(line.y0 for line in left), min(line.y0 for line in right))
    return at if overlap > 4 * float(np.median([line.y1 - line.y0 for line in prose])) else None


def _bands(lines: Sequence[Line], gutter: float) -> list[list[Line]]:
    """Return runs of lines in reading order: what crosses the gutter parts the page, between stand the left and the right column."""
    crossing = sorted((line for line in lines if line.x0 < gutter - 2 and line.x1 > gutter + 2), key=lambda line: line.middle)
    sides = [line for line in lines if not (line.x0 < gutter - 2 and line.x1 > gutter + 2)]
    # A short centred line next to nothing (a page title of one word) belongs with what crosses.
    out: list[list[Line]] = []
    rest = list(sides)
    at = 0
    while at < len(crossing) or rest:
        top = crossing[at].middle if at < len(crossing) else float("inf")
        above = [line for line in rest if line.middle < top]
        rest = [line for line in rest if line.middle >= top]
        out += [
            part for part in ([line for line in above if line.x1 <= gutter + 2], [line for line in above if line.x1 > gutter + 2]) if part
        ]
        if at >= len(crossing):
            break
        run = [crossing[at]]
        at += 1
        while at < len(crossing) and not any(run[-1].middle < line.middle < crossing[at].middle for line in rest):
            run.append(crossing[at])
            at += 1
        # Lines beside a crossing line at its very height (cells of a full-width table) go with it.
        beside = [line for line in rest if any(abs(line.middle - item.middle) < 0.5 * (item.y1 - item.y0) for item in run)]
        rest = [line for line in rest if line not in beside]
        out.append(run + beside)
    return out


def _flow(run: Sequence[Line], *, body: float, bottom: float) -> list[Paragraph]:
    """Return the paragraphs of lines that stand in one column."""
    rows = rows_of(run)
    if not rows:
        return []
    left = float(np.percentile([row[0].x0 for row in rows], 15))
    right = float(np.percentile([row[-1].x1 for row in rows], 90))
    steps = [b[0].middle - a[0].middle for a, b in pairwise(rows) if abs(a[0].size - b[0].size) < 0.6]
    close = [step for step in steps if 0 < step < 3 * body]
    pitch = float(np.median(close)) if close else 1.5 * body
    out: list[Paragraph] = []
    before: list[Line] | None = None
    for row in rows:
        if before is None or _breaks(before, row, out[-1], left=left, right=right, pitch=pitch, body=body, bottom=bottom):
            out.append(Paragraph([], _kind(row, body=body, bottom=bottom)))
        out[-1].lines.extend(row)
        before = row
    if out and before is not None:
        out[-1].open_end = not _ENDS.search(before[-1].text)
    return out


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
    if step > 1.45 * pitch or _CAPTION.match(line.text):
        return True
    heavy = all(item.bold for item in before)
    if heavy != all(item.bold for item in row) and (heavy or _ENDS.search(last.text)):
        return last.x1 < right - 3 * line.size or not heavy
    text = " ".join(item.text for item in row)
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


def _kind(row: Sequence[Line], *, body: float, bottom: float) -> Literal["paragraph", "list_item", "caption", "footnote", "heading"]:
    line = row[0]
    text = " ".join(item.text for item in row)
    if _CAPTION.match(text):
        return "caption"
    if line.size < 0.9 * body and line.y0 > bottom and _MARK.match(line.text):
        return "footnote"
    return "list_item" if _BULLET.match(text) and not re.match(r"^\d+(?:\.\d+)+\.?\s", text) else "paragraph"


def _split_heading(piece: Paragraph, body: float) -> Paragraph:
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


def _contents(lines: Sequence[Line]) -> list[Piece]:
    """Return the rows of a table of contents, one piece each."""
    return [Paragraph(row, "contents") for row in rows_of(lines)]


def lay_out(lines: Sequence[Line], *, width: float, height: float, body: float, grids: Sequence[Grid] = ()) -> list[Piece]:
    """Return the pieces of a page in reading order; footnotes last.

    Args:
        lines: Without furniture.
        width: Of the page, in points.
        height: Of the page, in points.
        body: Font size of the document's running text.
        grids: Ruled tables of the page.
    """
    pieces: list[Piece] = []
    # Text turned on the page (axis labels, stamps, turned tables) stands after what is read upright, line by line.
    turned: list[Piece] = [Paragraph([line]) for line in lines if line.sideways]
    lines = [line for line in lines if not line.sideways]
    if sum(1 for line in lines if _LEADERS.search(line.text)) >= 4:
        return _contents(lines)
    ruled = ruled_tables(lines, grids)
    taken: set[int] = {id(line) for table in ruled for line in table.members}
    free = [line for line in lines if id(line) not in taken]
    gutter = _gutter(free, width)
    if gutter is not None:
        wide = [table for table in find_tables(free, width=width, whole=True) if _straddles(table, gutter)]
        ruled += wide
        taken |= {id(line) for table in wide for line in table.members}
    runs = _bands(_with_places(lines, ruled), gutter) if gutter is not None else [list(lines)]
    for run in runs:
        own = [
            table
            for table in ruled
            if any(table.members[0] is line for line in run)
            or any(line.order == -1 - n for n, t in enumerate(ruled) if t is table for line in run)
        ]
        rest = [line for line in run if id(line) not in taken and line.order >= 0]
        room = max((line.x1 for line in rest), default=0) - min((line.x0 for line in rest), default=0)
        tables = own + find_tables(rest, width=max(room, 1.0))
        pieces += _interleave(rest, tables, body=body, bottom=0.55 * height)
    out: list[Piece] = []
    notes: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Paragraph) and piece.kind == "footnote":
            notes.append(piece)
        elif isinstance(piece, Paragraph) and out and _joins(out[-1], piece):
            previous = out[-1]
            assert isinstance(previous, Paragraph)
            previous.lines.extend(piece.lines)
            previous.open_end = piece.open_end
        else:
            out.append(piece)
    return out + notes + turned


def _straddles(table: Table, gutter: float) -> bool:
    """Return whether a table runs over the gutter: cells on both sides, in most rows."""
    both = 0
    for row in table.rows:
        lines = [line for cell in row for line in cell]
        both += any(line.x1 < gutter for line in lines) and any(line.x0 > gutter for line in lines)
    return both >= 0.6 * len(table.rows)


def _with_places(lines: Sequence[Line], tables: Sequence[Table]) -> list[Line]:
    """Return the lines with those of each table replaced by one place holder of the table's size (``order`` -1, -2 …)."""
    taken = {id(line) for table in tables for line in table.members}
    out = [line for line in lines if id(line) not in taken]
    for number, table in enumerate(tables):
        edges = np.array([[line.x0, line.y0, line.x1, line.y1] for line in table.members])
        box = np.array([[edges[:, 0].min(), edges[:, 1].min(), edges[:, 2].max(), edges[:, 3].max()]])
        out.append(Line(" ", box, 1.0, False, -1 - number))
    return out


def _joins(before: Piece, piece: Paragraph) -> bool:
    """Return whether a paragraph at the head of a column goes on from the one that ended the column before."""
    if (
        not isinstance(before, Paragraph)
        or not before.open_end
        or before.kind != piece.kind
        or before.kind not in ("paragraph", "list_item")
    ):
        return False
    higher = piece.lines[0].y0 < before.lines[-1].y0
    first = piece.text[:1]
    fits = first.islower() or "\u4e00" <= first <= "\u9fff" or before.text.endswith("-")
    return higher and fits and abs(piece.lines[0].size - before.lines[-1].size) < 0.5 and not before.lines[-1].bold


def _interleave(run: Sequence[Line], tables: Sequence[Table], *, body: float, bottom: float) -> list[Piece]:
    """Return the paragraphs and tables of a column by height."""
    taken = {id(line) for table in tables for line in table.members}
    rest = [line for line in run if id(line) not in taken]
    marks = sorted(((min(line.y0 for line in table.members), table) for table in tables), key=lambda item: item[0])
    out: list[Piece] = []
    for top, table in marks:
        above = [line for line in rest if line.middle < top]
        rest = [line for line in rest if line.middle >= top]
        out += [_split_heading(piece, body) for piece in _flow(above, body=body, bottom=bottom)]
        out.append(table)
    out += [_split_heading(piece, body) for piece in _flow(rest, body=body, bottom=bottom)]
    return out
