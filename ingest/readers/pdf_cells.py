"""From the lines of a table to its rows of cells, with the heads of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ingest.readers.pdf_columns import Span, find_columns, place_row, rows_of
from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rows import group_rows, is_number, merged, text_of
from ingest.readers.pdf_rules import Rule

__all__ = ["Table", "build_table", "sections"]


@dataclass(slots=True)
class Table:
    """A table: rows of columns of lines (a cell may hold several lines).

    Attributes:
        rows: For each row, for each column, its lines in reading order; the header, where there is one, is the first row.
        heads: For each column the lines that name it, those over several columns with each of them; empty without a header.
        members: All lines, for taking them out of the page's flow.
        columns: The columns' left and right edges, in points.
        sure: Whether the header shows as one (by a rule, by its weight, by figures under words) and is not only the first row.
    """

    rows: list[list[list[Line]]]
    heads: list[list[Line]]
    members: list[Line]
    columns: list[Span]
    sure: bool = field(default=False)


def build_table(
    lines: Sequence[Line], *, columns: Sequence[Span] | None = None, borders: Sequence[float] = (), rules: Sequence[Rule] = ()
) -> Table | None:
    """Return the table that lines make, None if they make none of two rows and two columns.

    Args:
        lines: All that stands in it.
        columns: Where rules show them; else they are found.
        borders: Heights of rules over its whole width, strictly inside, ascending.
        rules: Rules over a part of its width: they bind the columns under a head together.
    """
    rows = rows_of(lines)
    spread = list(columns) if columns is not None else find_columns(rows, borders)
    if len(spread) < 2:
        return None
    placed = [place_row(row, spread, strict=columns is not None) for row in rows]
    groups, count, sure = group_rows(rows, placed, spread, borders, drawn=columns is not None)
    if len(groups) < 2:
        return None
    heads = _heads([row for group in groups[:count] for row in group], rows, placed, spread, rules) if count else []
    cells = [merged([placed[index] for index in group]) for group in groups]
    if count > 1:
        cells[:count] = [merged(cells[:count])]
    return Table(cells, heads, list(lines), spread, sure)


def _heads(
    indices: Sequence[int],
    rows: Sequence[Sequence[Line]],
    placed: Sequence[Sequence[Sequence[Line]]],
    columns: Sequence[Span],
    rules: Sequence[Rule],
) -> list[list[Line]]:
    """Return for each column the header's lines over it; a head over several columns stands with each of them."""
    out: list[list[Line]] = [[] for _ in columns]
    lowest = max(indices)
    for index in indices:
        for place, cell in enumerate(placed[index]):
            for line in cell:
                over = {place, *_spanned(line, columns, rules, last=index == lowest)}
                taken = {other for other in over if other != place and placed[index][other]}
                for other in sorted(over - taken):
                    out[other].append(line)
    return out


def _spanned(line: Line, columns: Sequence[Span], rules: Sequence[Rule], *, last: bool) -> list[int]:
    """Return the columns a head stands over: those its rule underneath binds, else those it overlaps."""
    for rule in rules:
        if -3 < rule.y - line.y1 < 9 and rule.x0 - 3 <= line.x0 and line.x1 <= rule.x1 + 3:
            return [place for place, (left, right) in enumerate(columns) if rule.x0 - 2 <= (left + right) / 2 <= rule.x1 + 2]
    if last:
        return []
    return [
        place
        for place, (left, right) in enumerate(columns)
        if min(line.x1, right) - max(line.x0, left) > 0.4 * min(right - left, line.x1 - line.x0)
    ]


def sections(table: Table) -> list[Table]:
    """Return a table in parts where its columns are named anew further down.

    Such a row holds words where the row under it holds figures, and its first cell is empty, or it is bold, or a title stands over it.
    """
    starts = [number for number in range(2, len(table.rows) - 1) if _names_anew(table.rows, number)]
    if not starts:
        return [table]
    cuts = [0, *starts, len(table.rows)]
    parts = []
    for start, end in pairwise(cuts):
        rows = table.rows[start:end]
        members = [line for row in rows for cell in row for line in cell]
        parts.append(Table(rows, rows[0] if start else table.heads, members, table.columns, sure=True if start else table.sure))
    return parts


def _names_anew(rows: list[list[list[Line]]], number: int) -> bool:
    row, below, above = rows[number], rows[number + 1], rows[number - 1]
    figures = [place for place in range(1, len(row)) if is_number(text_of(below[place]))]
    if len(figures) < 2 or not all(row[place] and not is_number(text_of(row[place])) for place in figures):
        return False
    lines = [line for cell in row for line in cell]
    bold = all(line.bold for line in lines) and not all(line.bold for cell in below for line in cell)
    return not row[0] or bold or sum(map(bool, above)) == 1
