"""Reading order of a PDF page: tables and charts, columns, running text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from ingest.readers.pdf_cells import Table
from ingest.readers.pdf_charts import chart_lines, labelled_bars
from ingest.readers.pdf_columns import rows_of
from ingest.readers.pdf_flow import Paragraph, flow, joins
from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rules import Drawing
from ingest.readers.pdf_tables import find_tables, ruled_tables

__all__ = ["Piece", "lay_out"]

_LEADERS = re.compile(r"(?:\.\s?){5,}|…{2,}|(?:·\s?){5,}")
_ENTRY = re.compile(rf"(?:{_LEADERS.pattern}).*?(?:\b[ivxlc]{{1,6}}|\d{{1,4}})\W*$", re.IGNORECASE)
Piece = Paragraph | Table


@dataclass(slots=True)
class _Area:
    """A table or chart: what it is read as, and its lines, which are taken out of the page's flow."""

    members: list[Line]
    pieces: list[Piece]


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
    return at if overlap > 4 * median(line.y1 - line.y0 for line in prose) else None


def _bands(lines: Sequence[Line], gutter: float) -> list[list[Line]]:
    """Return runs of lines in reading order: what crosses the gutter parts the page, between stand the left and the right column."""
    over = {id(line) for line in lines if line.x0 < gutter - 2 and line.x1 > gutter + 2}
    over |= _tails(lines, over, gutter)
    crossing = sorted((line for line in lines if id(line) in over), key=lambda line: line.middle)
    rest = [line for line in lines if id(line) not in over]
    out: list[list[Line]] = []
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


def _tails(lines: Sequence[Line], over: set[int], gutter: float) -> set[int]:
    """Return the short last lines of paragraphs that run over the gutter: right under one, from its edge, beside nothing."""
    found: set[int] = set()
    wide = [line for line in lines if id(line) in over]
    for line in sorted(lines, key=lambda item: item.middle):
        if id(line) in over or line.x1 > gutter + 2:
            continue
        alone = not any(item.x0 > gutter - 2 and min(item.y1, line.y1) - max(item.y0, line.y0) > 0 for item in lines)
        above = [item for item in wide if 0 < line.middle - item.middle < 1.8 * (line.y1 - line.y0)]
        if alone and any(
            abs(item.size - line.size) < 0.3 and item.bold == line.bold and item.x0 - 25 < line.x0 < item.x0 + 4 for item in above
        ):
            found.add(id(line))
            wide.append(line)
    return found


def lay_out(lines: Sequence[Line], *, width: float, height: float, body: float, drawing: Drawing | None = None) -> list[Piece]:
    """Return the pieces of a page in reading order; footnotes last.

    Args:
        lines: Without furniture.
        width: Of the page, in points.
        height: Of the page, in points.
        body: Font size of the document's running text.
        drawing: What is drawn on the page.
    """
    drawing = drawing or Drawing()
    if sum(1 for line in lines if _LEADERS.search(line.text)) >= 4:
        rows = rows_of([line for line in lines if not line.sideways])
        # Dots alone make no contents: a picture of a document has them where its text is left out.
        if sum(1 for row in rows if _ENTRY.search(" ".join(line.text for line in row))) >= 4:
            return [Paragraph(row, "contents") for row in rows]
    areas, free = _areas(lines, drawing, body)
    # Text turned on the page (stamps, turned tables) stands after what is read upright, line by line.
    turned: list[Piece] = [Paragraph([line]) for line in free if line.sideways]
    free = [line for line in free if not line.sideways]
    gutter = _gutter(free, width)
    if gutter is not None:
        wide = [table for table in find_tables(free, width=width, whole=True) if _straddles(table, gutter)]
        areas += [_Area(table.members, [table]) for table in wide]
        taken = {id(line) for table in wide for line in table.members}
        free = [line for line in free if id(line) not in taken]
    holders = [_holder(area, number) for number, area in enumerate(areas)]
    runs = _bands([*free, *holders], gutter) if gutter is not None else [[*free, *holders]]
    pieces: list[Piece] = []
    for run in runs:
        own = [areas[-1 - line.order] for line in run if line.order < 0]
        rest = [line for line in run if line.order >= 0]
        room = max((line.x1 for line in rest), default=0) - min((line.x0 for line in rest), default=0)
        own += [_Area(table.members, [table]) for table in find_tables(rest, width=max(room, 1.0))]
        pieces += _interleave(rest, own, body=body, bottom=0.55 * height)
    return _in_order(pieces) + turned


def _areas(lines: Sequence[Line], drawing: Drawing, body: float) -> tuple[list[_Area], list[Line]]:
    """Return the tables that rules show and the charts, and the lines in neither."""
    areas: list[_Area] = []
    free = list(lines)
    for box in drawing.charts:
        labels = chart_lines(free, box, body=body)
        if labels:
            areas.append(_Area(labels, _chart(labels)))
            taken = {id(line) for line in labels}
            free = [line for line in free if id(line) not in taken]
    tables = ruled_tables([line for line in free if not line.sideways], drawing)
    areas += [_Area(table.members, [table]) for table in tables]
    taken = {id(line) for table in tables for line in table.members}
    return areas, [line for line in free if id(line) not in taken]


def _chart(labels: Sequence[Line]) -> list[Piece]:
    bars = labelled_bars(labels)
    taken = {id(line) for line in bars.members} if bars is not None else set()
    rest: list[Piece] = [Paragraph(row, "figure") for row in rows_of([line for line in labels if id(line) not in taken])]
    return [bars, *rest] if bars is not None else rest


def _straddles(table: Table, gutter: float) -> bool:
    """Return whether a table runs over the gutter: cells on both sides, in most rows."""
    both = 0
    for row in table.rows:
        lines = [line for cell in row for line in cell]
        both += any(line.x1 < gutter for line in lines) and any(line.x0 > gutter for line in lines)
    return both >= 0.6 * len(table.rows)


def _holder(area: _Area, number: int) -> Line:
    """Return a place holder of an area's size for the page's flow (``order`` -1, -2 …)."""
    edges = np.array([[line.x0, line.y0, line.x1, line.y1] for line in area.members])
    box = np.array([[edges[:, 0].min(), edges[:, 1].min(), edges[:, 2].max(), edges[:, 3].max()]])
    return Line(" ", box, 1.0, False, -1 - number)


def _in_order(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces with footnotes last and with paragraphs joined that go on in the next column."""
    out: list[Piece] = []
    notes: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Paragraph) and piece.kind == "footnote":
            notes.append(piece)
            continue
        previous = out[-1] if out else None
        if isinstance(piece, Paragraph) and isinstance(previous, Paragraph) and joins(previous, piece):
            previous.lines.extend(piece.lines)
            previous.open_end = piece.open_end
        else:
            out.append(piece)
    return out + notes


def _interleave(run: Sequence[Line], areas: Sequence[_Area], *, body: float, bottom: float) -> list[Piece]:
    """Return the paragraphs, tables and charts of a column by height."""
    taken = {id(line) for area in areas for line in area.members}
    rest = [line for line in run if id(line) not in taken]
    out: list[Piece] = []
    for area in sorted(areas, key=lambda item: min(line.y0 for line in item.members)):
        top = min(line.y0 for line in area.members)
        out += flow([line for line in rest if line.middle < top], body=body, bottom=bottom)
        rest = [line for line in rest if line.middle >= top]
        out += area.pieces
    return out + list(flow(rest, body=body, bottom=bottom))
