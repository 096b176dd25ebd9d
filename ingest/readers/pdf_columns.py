"""The columns of a table: lines on one height, their parts between wide gaps, and the corridors without ink between columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np

from ingest.readers.pdf_lines import Line

__all__ = ["Span", "atoms", "find_columns", "place_row", "rows_of", "size_of"]

Span = tuple[float, float]
# A gap wider than this many font sizes parts two cells; a word space is 0.2 to 0.4.
_GAP = 0.5
# A column border is free of ink over at least this many font sizes.
_CORRIDOR = 0.2
_STEP = 0.5
# Columns of figures may stand no further apart than words.
_FIGURES = re.compile(r"^(?:(?:[-−–+]?\d[\d,]*\.\d+%?|[-–—])\s+){2,}(?:[-−–+]?\d[\d,]*\.\d+%?|[-–—])$")
# Their ink leaves half of their square free, on this side.
_FREE_RIGHT = "，。、；：！？）」』】》〉．”’"
_FREE_LEFT = "（「『【《〈“‘"


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


def size_of(line: Line) -> float:
    """Return a line's font size; where the font says too little, what its height tells."""
    return max(line.size, 0.7 * (line.y1 - line.y0))


def _slice(line: Line, start: int, end: int) -> Line:
    while start < end and line.text[start] == " ":
        start += 1
    while end > start and line.text[end - 1] == " ":
        end -= 1
    return Line(line.text[start:end], line.boxes[start:end], line.size, line.bold, line.order)


def atoms(line: Line) -> list[tuple[int, int]]:
    """Return the (start, end) of the parts of a line between gaps that are wider than word spaces."""
    if line.atoms is None:
        line.atoms = _atoms(line)
    return line.atoms


def _atoms(line: Line) -> list[tuple[int, int]]:
    if _FIGURES.match(line.text):
        return [match.span() for match in re.finditer(r"\S+", line.text)]
    size = size_of(line)
    out: list[tuple[int, int]] = []
    lefts, rights = line.boxes[:, 0].tolist(), line.boxes[:, 2].tolist()
    start = last = -1
    for index, char in enumerate(line.text):
        if char in " \u3000":
            continue
        if start < 0:
            start = index
        else:
            gap = lefts[index] - rights[last]
            gap -= 0.6 * size * ((line.text[last] in _FREE_RIGHT) + (char in _FREE_LEFT))
            if gap > _GAP * size:
                out.append((start, last + 1))
                start = index
        last = index
    return [*out, (start, last + 1)] if start >= 0 else []


def _spans(row: Sequence[Line]) -> list[Span]:
    return [(float(line.boxes[start][0]), float(line.boxes[end - 1][2])) for line in row for start, end in atoms(line)]


def find_columns(rows: Sequence[Sequence[Line]], borders: Sequence[float]) -> list[Span]:
    """Return the columns of all rows, or of those under the first border where the rows above it run over several columns."""
    every = _columns(rows, min(2, len(rows) // 3))
    under = [row for row in rows if borders and row[0].middle > borders[0]]
    body = _columns(under) if sum(len(_spans(row)) >= 2 for row in under) >= 2 else []
    found = body if len(body) > len(every) else every
    return _stretch(found, rows) if found else []


def _columns(rows: Sequence[Sequence[Line]], least: int = 0) -> list[Span]:
    """Return the columns of rows: what lies between corridors that (nearly) no row has ink in.

    Args:
        rows: On one baseline each.
        least: So many rows at the top may span columns (a header's), to be left out of the count if that shows more columns.
    """
    best: list[Span] = []
    spans, size = [_spans(row) for row in rows], median(size_of(line) for row in rows for line in row)
    for skip in range(least + 1):
        found = _corridors(spans[skip:], size)
        if len(found) > len(best):
            best = found
    return best


def _corridors(rows: Sequence[Sequence[Span]], size: float) -> list[Span]:
    several = [row for row in rows if len(row) >= 2]
    if len(several) < 2:
        return []
    left, right = min(span[0] for row in several for span in row), max(span[1] for row in several for span in row)
    cover = np.zeros(int((right - left) / _STEP) + 2)
    for row in several:
        ink = np.zeros(len(cover), dtype=bool)
        for x0, x1 in row:
            ink[int((x0 - left) / _STEP) : int((x1 - left) / _STEP) + 1] = True
        cover += ink
    free = cover <= int(0.12 * len(several))
    borders: list[Span] = []
    start = -1
    for index, blank in enumerate([*free.tolist(), False]):
        if blank and start < 0:
            start = index
        elif not blank and start >= 0:
            if (index - start) * _STEP >= _CORRIDOR * size and start > 0 and index < len(cover):
                borders.append((left + start * _STEP, left + index * _STEP))
            start = -1
    edges = [left, *(edge for border in borders for edge in border), right]
    columns = _supported([(edges[i], edges[i + 1]) for i in range(0, len(edges), 2)], several)
    # Labels set at half height of the rows they are for stand alone, before the first column.
    labels = [row[0] for row in rows if len(row) == 1 and row[0][1] < columns[0][0]]
    return [(min(span[0] for span in labels), max(span[1] for span in labels)), *columns] if labels else columns


def _supported(columns: list[Span], rows: Sequence[Sequence[Span]]) -> list[Span]:
    """Return the columns with those that hold something in too few rows joined to the nearer neighbour."""
    least = max(2 if len(rows) > 3 else 1, int(0.1 * len(rows)))
    while len(columns) > 1:
        counts = [sum(any(min(x1, right) > max(x0, left) for x0, x1 in row) for row in rows) for left, right in columns]
        place = counts.index(min(counts))
        if counts[place] >= least:
            break
        beside = [at for at in (place - 1, place + 1) if 0 <= at < len(columns)]
        other = min(beside, key=lambda at: columns[max(place, at)][0] - columns[min(place, at)][1])
        first, second = sorted((place, other))
        columns[first : second + 1] = [(columns[first][0], columns[second][1])]
    return columns


def _stretch(columns: list[Span], rows: Sequence[Sequence[Line]]) -> list[Span]:
    """Return the columns with the outer ones reaching to the outermost ink: a header may stand out."""
    left, right = min(line.x0 for row in rows for line in row), max(line.x1 for row in rows for line in row)
    columns[0] = (min(left, columns[0][0]), columns[0][1])
    columns[-1] = (columns[-1][0], max(right, columns[-1][1]))
    return columns


def _place(span: Span, columns: Sequence[Span]) -> int:
    overlaps = [min(span[1], right) - max(span[0], left) for left, right in columns]
    return overlaps.index(max(overlaps))


def place_row(row: Sequence[Line], columns: Sequence[Span], *, strict: bool = False) -> list[list[Line]]:
    """Return a row's lines as cells, cut where they run over the border of two columns.

    Args:
        row: On one baseline.
        columns: Their left and right edges.
        strict: The borders are drawn: also cut at a plain word space on one.
    """
    cells: list[list[Line]] = [[] for _ in columns]
    for line in row:
        pieces: list[tuple[int, int, int]] = []
        for start, end in _tight(line, atoms(line), columns, least=0.0 if strict else 0.35):
            place = _place((float(line.boxes[start][0]), float(line.boxes[end - 1][2])), columns)
            if pieces and pieces[-1][2] == place:
                start = pieces.pop()[0]
            pieces.append((start, end, place))
        for start, end, place in pieces:
            cells[place].append(_slice(line, start, end) if end - start < len(line.text) else line)
    return cells


def _tight(line: Line, parts: Sequence[tuple[int, int]], columns: Sequence[Span], *, least: float) -> list[tuple[int, int]]:
    """Return the parts of a line, cut further at a space of ``least`` font sizes that stands on the border between two columns."""
    out: list[tuple[int, int]] = []
    size = size_of(line)
    for start, end in parts:
        x0, x1 = float(line.boxes[start][0]), float(line.boxes[end - 1][2])
        borders = [(a[1], b[0]) for a, b in pairwise(columns) if x0 < a[1] - size and x1 > b[0] + size]
        at = start
        for index in range(start + 1, end - 1):
            if not borders or line.text[index] != " " or index < at:
                continue
            left, right = float(line.boxes[index - 1][2]), float(line.boxes[index + 1][0])
            middle = (left + right) / 2
            if right - left >= least * size and any(
                low - 0.35 * size <= middle <= high + 0.35 * size and left < high and right > low for low, high in borders
            ):
                out.append((at, index))
                at = index + 1
        out.append((at, end))
    return out
