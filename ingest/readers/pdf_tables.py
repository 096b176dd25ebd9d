"""Tables of a PDF page: rows of cells that stand in columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rules import Grid

__all__ = ["Table", "find_tables", "rows_of", "ruled_tables"]

_MIN_ROWS = 3
_MIN_FILLED = 0.55
_NUMBER = re.compile(
    r"^[-−–+<>≤≥~≈±]?[\s$¥€£NT]*[-−]?\d[\d,.\s]*\s*(?:%|％|‰|[KMBTkx×]|億|亿|萬|万|兆|元|次|倍)?[*†‡]*$|^[-–—/]$|^N/?A$", re.IGNORECASE
)


@dataclass(slots=True)
class Table:
    """A table: rows of columns of lines (a cell may hold several lines).

    Attributes:
        rows: For each row, for each column, its lines in reading order.
        header_rows: How many rows at the top are the header.
        members: All lines, for taking them out of the page's flow.
    """

    rows: list[list[list[Line]]]
    header_rows: int
    members: list[Line]


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines grouped by height on the page, top to bottom, each group from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda item: (item.middle, item.x0)):
        if rows:
            last = rows[-1][-1]
            reach = 0.5 * min(last.y1 - last.y0, line.y1 - line.y0)
            if abs(line.middle - last.middle) < reach:
                rows[-1].append(line)
                continue
        rows.append([line])
    return [sorted(row, key=lambda item: item.x0) for row in rows]


def _columns(rows: Sequence[Sequence[Line]]) -> list[tuple[float, float]]:
    """Return the x ranges of the columns: overlapping cells of all rows but spanning ones joined."""
    ranges: list[list[float]] = []
    most = max(len(row) for row in rows)
    cells = [line for row in rows if len(row) >= max(2, most * 0.5) for line in row]
    for line in sorted(cells, key=lambda item: item.x1 - item.x0):
        hits = [r for r in ranges if min(r[1], line.x1) - max(r[0], line.x0) > 0]
        if not hits:
            ranges.append([line.x0, line.x1])
        elif len(hits) == 1:
            hits[0][0], hits[0][1] = min(hits[0][0], line.x0), max(hits[0][1], line.x1)
    return [(r[0], r[1]) for r in sorted(ranges)]


def _place(line: Line, columns: Sequence[tuple[float, float]]) -> int:
    overlaps = [min(line.x1, right) - max(line.x0, left) for left, right in columns]
    return int(np.argmax(overlaps))


def _aligned(above: Sequence[Line], below: Sequence[Line]) -> bool:
    """Return whether two rows can be of one table: most cells of the shorter stand under a cell of the longer."""
    short, long = sorted((above, below), key=len)
    hits = sum(1 for line in short if any(min(line.x1, other.x1) > max(line.x0, other.x0) for other in long))
    return hits >= max(1, round(0.6 * len(short)))


def _prose(row: Sequence[Line], width: float) -> bool:
    """Return whether a row looks like running text in columns: two or three long pieces without figures."""
    return len(row) <= 3 and all(line.x1 - line.x0 > 0.28 * width and len(line.text) > 25 for line in row)


def _is_number(text: str) -> bool:
    return bool(_NUMBER.match(text.strip()))


def _header_rows(rows: Sequence[Sequence[Sequence[Line]]]) -> int:
    """Return how many rows stand before the first with figures; 1 if there is none."""
    for number, row in enumerate(rows):
        cells = [" ".join(line.text for line in cell) for cell in row if cell]
        if sum(map(_is_number, cells[1:])) >= max(1, len(cells[1:]) * 0.4):
            return min(number, 3) if number else 0
    return 1


def _cut(line: Line, columns: Sequence[tuple[float, float]]) -> list[Line]:
    """Return a line that runs over several columns as one line for each of them, cut at the spaces nearest to their borders."""
    hit = [
        place
        for place, (left, right) in enumerate(columns)
        if min(line.x1, right) - max(line.x0, left) > 0.4 * min(right - left, line.x1 - line.x0)
    ]
    if len(hit) < 2 or " " not in line.text:
        return [line]
    cuts = []
    for a, b in pairwise(hit):
        border = (columns[a][1] + columns[b][0]) / 2
        spaces = [i for i, char in enumerate(line.text) if char == " "]
        best = min(spaces, key=lambda i: abs((line.boxes[i - 1][2] + line.boxes[i + 1][0]) / 2 - border))
        if abs((line.boxes[best - 1][2] + line.boxes[best + 1][0]) / 2 - border) < 2 * line.size and best not in cuts:
            cuts.append(best)
    out, at = [], 0
    for cut in [*sorted(cuts), len(line.text)]:
        if cut > at:
            out.append(Line(line.text[at:cut], line.boxes[at:cut], line.size, line.bold, line.order))
        at = cut + 1
    return out


def _build(group: Sequence[Sequence[Line]]) -> Table | None:
    columns = _columns(group)
    if len(columns) < 2:
        return None
    rows: list[list[list[Line]]] = []
    steps = [b[0].middle - a[0].middle for a, b in pairwise(group) if len(a) > 1 and len(b) > 1]
    pitch = float(np.median(steps)) if steps else 0.0
    for number, row in enumerate(group):
        cells: list[list[Line]] = [[] for _ in columns]
        for line in row:
            for part in _cut(line, columns):
                cells[_place(part, columns)].append(part)
        if rows and _same_row(rows[-1], cells, row[0].middle - group[number - 1][0].middle, pitch):
            for above, below in zip(rows[-1], cells, strict=True):
                above.extend(below)
            continue
        rows.append(cells)
    if len(rows) < 2:
        return None
    return Table(rows, _header_rows(rows), [line for row in group for line in row])


def _same_row(above: Sequence[Sequence[Line]], cells: Sequence[Sequence[Line]], step: float, pitch: float) -> bool:
    """Return whether lines go on with the cells of the row above: they are close, and add no figure under a figure."""
    filled = [place for place, cell in enumerate(cells) if cell]
    before = [place for place, cell in enumerate(above) if cell]
    close = step < 0.85 * pitch
    if close and not set(filled) & set(before):
        return True
    if any(_is_number(line.text) for cell in cells for line in cell):
        return False
    return (close and len(filled) < len(cells)) or (not cells[0] and len(filled) <= len(cells) / 2 and step < 1.2 * pitch)


def ruled_tables(lines: Sequence[Line], grids: Sequence[Grid]) -> list[Table]:
    """Return the tables that stand in ruled grids, cell by cell.

    Args:
        lines: Of the page.
        grids: Found by ``pdf_rules.find_grids``.
    """
    tables = []
    for grid in grids:
        inside = [
            line
            for line in lines
            if grid.ys[0] - 2 <= line.middle <= grid.ys[-1] + 2 and grid.xs[0] - 2 <= line.x0 and line.x1 <= grid.xs[-1] + 4
        ]
        columns = list(zip(grid.xs, grid.xs[1:], strict=False))
        rows: list[list[list[Line]]] = [[[] for _ in columns] for _ in range(len(grid.ys) - 1)]
        for line in sorted(inside, key=lambda item: (item.middle, item.x0)):
            place = min(max(int(np.searchsorted(grid.ys, line.middle)) - 1, 0), len(rows) - 1)
            for part in _cut(line, columns):
                rows[place][_place(part, columns)].append(part)
        rows = [row for row in rows if any(row)]
        kept = [place for place in range(len(columns)) if any(row[place] for row in rows)]
        rows = [[row[place] for place in kept] for row in rows]
        if len(rows) >= 2 and len(kept) >= 2 and sum(1 for row in rows if sum(map(bool, row)) >= 2) >= 2 and _honest(rows, inside):
            tables.append(Table(rows, _header_rows(rows), inside))
    return tables


def _captions_above(group: list[list[Line]], rows: Sequence[Sequence[Line]], at: int) -> None:
    """Put before a table's rows those right above that name its columns: one line over several columns, or a label at half height."""
    columns = _columns(group)
    for row in reversed(rows[max(0, at - 3) : at]):
        first = group[0]
        gap = min(line.y0 for line in first) - max(line.y1 for line in row)
        height = first[0].y1 - first[0].y0
        parts = [part for line in row for part in _cut(line, columns)]
        names = len(parts) >= max(2, 0.5 * len(columns)) and all(len(part.text) <= 40 for part in parts)
        beside = gap < -0.15 * height and len(row) == 1 and len(row[0].text) <= 40
        if gap > 0.9 * height or not (names or beside):
            return
        group.insert(0, list(row))


def _honest(rows: Sequence[Sequence[Sequence[Line]]], lines: Sequence[Line]) -> bool:
    """Return whether a grid is a table and no drawing over text: its borders cut few lines, its cells are mostly filled."""
    parts = sum(len(cell) for row in rows for cell in row)
    cells = sum(len(row) for row in rows)
    filled = sum(1 for row in rows for cell in row if cell)
    return parts - len(lines) <= 0.35 * len(lines) and filled >= 0.4 * cells


def find_tables(lines: Sequence[Line], *, width: float, whole: bool = False) -> list[Table]:
    """Return the tables among the lines of a page or column.

    A table is a run of at least three rows, at least two of them with two cells or more that stand under each other and are not running
    text.

    Args:
        lines: Of one page or column.
        width: Of the page or column, in points.
        whole: The lines are those of a page with columns: rows with running text in them are of no table.
    """
    tables: list[Table] = []
    group: list[list[Line]] = []
    every = rows_of(lines)
    begin = 0

    def finish() -> None:
        while group and len(group[-1]) < 2:
            group.pop()
        several = [row for row in group if len(row) >= 2]
        figures = sum(_is_number(line.text) for row in several for line in row)
        short = sum(len(line.text) <= 40 for row in several for line in row) / max(1, sum(map(len, several)))
        if len(several) >= _MIN_ROWS and (figures >= len(several) or (short > 0.8 and _regular(several))):
            _captions_above(group, every, begin)
            table = _build(group)
            if table is not None and _filled(table.rows) >= _MIN_FILLED:
                tables.append(table)
        group.clear()

    for number, row in enumerate(every):
        if len(row) >= 2 and not _prose(row, width) and not (whole and any(line.x1 - line.x0 > 0.3 * width for line in row)):
            last = next((other for other in reversed(group) if len(other) > 1), None)
            if last is not None and (
                not _aligned(last, row) or row[0].y0 - max(line.y1 for line in group[-1]) > 2.2 * (row[0].y1 - row[0].y0)
            ):
                finish()
            begin = begin if group else number
            group.append(row)
        elif len(row) == 1 and len(group) >= 1 and _continues(group, row[0], width):
            group.append(row)
        else:
            finish()
    finish()
    return tables


def _filled(rows: Sequence[Sequence[Sequence[Line]]]) -> float:
    """Return the share of cells that hold something: the labels of a chart's axes and bars fall into rows too, mostly empty ones."""
    cells = [cell for row in rows for cell in row]
    return sum(1 for cell in cells if cell) / len(cells)


def _regular(rows: Sequence[Sequence[Line]]) -> bool:
    """Return whether the rows have about the same number of cells and begin at the same place."""
    counts = [len(row) for row in rows]
    starts = [row[0].x0 for row in rows]
    same = sum(1 for count in counts if count == max(set(counts), key=counts.count))
    return same >= 0.7 * len(rows) and float(np.median(np.abs(np.array(starts) - np.median(starts)))) < 6


def _continues(group: Sequence[Sequence[Line]], line: Line, width: float) -> bool:
    """Return whether a lone line under a table's row is a further line of one of its cells, or a row with a single cell."""
    last = group[-1]
    height = line.y1 - line.y0
    # A label of several rows is set at their middle: it overlaps the row above in height and stands beside it.
    if line.y0 < max(item.y1 for item in last) - 0.15 * height and all(line.x1 <= item.x0 or line.x0 >= item.x1 for item in last):
        return line.x1 - line.x0 < 0.4 * width
    near = line.y0 - max(item.y1 for item in last) < 0.9 * (line.y1 - line.y0)
    narrow = line.x1 - line.x0 < 0.4 * width
    under = any(min(line.x1, item.x1) > max(line.x0, item.x0) and abs(line.x0 - item.x0) < 40 for row in group[-3:] for item in row)
    return near and narrow and under
