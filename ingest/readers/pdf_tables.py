"""Where the tables of a PDF page are: in grids, between rules of one length, and in rows that stand under each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

from ingest.readers.pdf_cells import Table, build_table, sections
from ingest.readers.pdf_columns import atoms, place_row, rows_of
from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rows import is_caption, is_number
from ingest.readers.pdf_rules import Drawing, Grid, Rule

__all__ = ["find_tables", "ruled_tables"]

_MIN_ROWS = 3
_MIN_FILLED = 0.55
# The number or mark of a list's item or of a note, set apart from its text.
_ENUMERATED = re.compile(r"^(?:[(（\[]?\w{1,3}[.):：）、\]]|[•●▪■◦‣·–—*-])$")


def _aligned(above: Sequence[Line], below: Sequence[Line]) -> bool:
    """Return whether two rows can be of one table: most cells of the shorter stand under a cell of the longer."""
    short, long = sorted((above, below), key=len)
    hits = sum(1 for line in short if any(min(line.x1, other.x1) > max(line.x0, other.x0) for other in long))
    return hits >= max(1, round(0.6 * len(short)))


def _prose(row: Sequence[Line], width: float) -> bool:
    """Return whether a row looks like running text in columns: two or three long pieces without figures."""
    return len(row) <= 3 and all(line.x1 - line.x0 > 0.28 * width and len(line.text) > 25 for line in row)


def _is_caption(row: Sequence[Line]) -> bool:
    return is_caption(" ".join(line.text for line in row))


def ruled_tables(lines: Sequence[Line], drawing: Drawing) -> list[Table]:
    """Return the tables that rules show: in grids cell by cell, between horizontal rules of one length row by row.

    Args:
        lines: Of the page.
        drawing: Of the page.
    """
    tables = [part for grid in drawing.grids if (table := _in_grid(lines, grid)) is not None for part in sections(table)]
    taken = {id(line) for table in tables for line in table.members}
    rest = [line for line in lines if id(line) not in taken]
    for stack in _stacks(drawing.rules):
        for run in _table_runs(stack, rest):
            table = _between(run, rest, drawing.rules)
            if table is not None:
                tables += sections(table)
                taken |= {id(line) for line in table.members}
                rest = [line for line in rest if id(line) not in taken]
    return tables


def _in_grid(lines: Sequence[Line], grid: Grid) -> Table | None:
    inside = [
        line
        for line in lines
        if grid.ys[0] - 2 <= line.middle <= grid.ys[-1] + 2 and grid.xs[0] - 2 <= line.x0 and line.x1 <= grid.xs[-1] + 4
    ]
    if not inside:
        return None
    columns = list(zip(grid.xs, grid.xs[1:], strict=False))
    kept = [span for place, span in enumerate(columns) if any(place_row([line], columns, strict=True)[place] for line in inside)]
    if len(kept) < 2:
        return None
    table = build_table(inside, columns=kept, borders=grid.ys[1:-1])
    if table is None or sum(sum(map(bool, row)) >= 2 for row in table.rows) < 2 or not _honest(table):
        return None
    return table


def _honest(table: Table) -> bool:
    """Return whether a grid is a table and no drawing over text: its borders cut few lines, its cells are mostly filled."""
    parts = sum(len(cell) for row in table.rows for cell in row)
    return parts - len(table.members) <= 0.35 * len(table.members) and _filled(table.rows) >= 0.4


def _stacks(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Return rules of one length that stand above each other, two at least, the longest first."""
    out: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda item: item.y):
        if rule.x1 - rule.x0 < 60:
            continue
        for stack in out:
            if abs(stack[-1].x0 - rule.x0) < 3 and abs(stack[-1].x1 - rule.x1) < 3:
                stack.append(rule)
                break
        else:
            out.append([rule])
    return sorted((stack for stack in out if len(stack) >= 2), key=lambda stack: stack[0].x0 - stack[0].x1)


def _band(lines: Sequence[Line], above: Rule, below: Rule) -> list[Line]:
    return [line for line in lines if above.y < line.middle < below.y and above.x0 - 6 <= line.x0 and line.x1 <= above.x1 + 6]


def _cells(row: Sequence[Line]) -> int:
    return sum(len(atoms(line)) for line in row)


def _band_kind(band: Sequence[Line], width: float, height: float) -> str:
    """Return what stands between two rules: ``table``, a ``title`` of rows, nothing (``empty``), or what ends a table (``stop``)."""
    rows = rows_of(band)
    if not rows:
        return "empty" if height < 30 else "stop"
    if any(_is_caption(row) for row in rows):
        return "stop"
    several = [row for row in rows if _cells(row) >= 2]
    if several and (len(several) >= 0.3 * len(rows) or len(rows) <= 6) and sum(_prose(row, width) for row in several) < 0.6 * len(several):
        return "table"
    # Also the names of narrow columns, set no further apart than words.
    if len(rows) == 1 and len(band) == 1 and height < 4 * (band[0].y1 - band[0].y0) and band[0].text[-1] not in ".。:：;；":
        return "title"
    return "stop"


def _table_runs(stack: Sequence[Rule], lines: Sequence[Line]) -> list[list[Rule]]:
    """Return the runs of rules that have a table's rows between them."""
    out: list[list[Rule]] = []
    run: list[Rule] = []
    tables = 0
    for above, below in zip(stack, [*stack[1:], None], strict=True):
        kind = "stop"
        if below is not None:
            kind = _band_kind(_band(lines, above, below), above.x1 - above.x0, below.y - above.y)
        run.append(above)
        tables += kind == "table"
        if kind == "stop":
            if tables:
                out.append(run)
            run, tables = [], 0
    return out


def _between(run: Sequence[Rule], lines: Sequence[Line], rules: Sequence[Rule]) -> Table | None:
    """Return the table between the rules of a run, with the rows that stand on beyond them on a page where it is broken."""
    inside = _band(lines, run[0], run[-1])
    table = _built(inside, run, rules)
    if table is None:
        return None
    for down in (True, False):
        inside = inside + _beyond(table, [line for line in lines if line not in inside], run[-1 if down else 0], down=down)
    if len(inside) > len(table.members):
        table = _built(inside, run, rules) or table
    return table


def _built(inside: Sequence[Line], run: Sequence[Rule], rules: Sequence[Rule]) -> Table | None:
    top, bottom = min((line.middle for line in inside), default=0.0), max((line.middle for line in inside), default=0.0)
    borders = sorted(rule.y for rule in run if top < rule.y < bottom)
    width = run[0].x1 - run[0].x0
    partial = [rule for rule in rules if top < rule.y < bottom and rule.x1 - rule.x0 < 0.9 * width]
    table = build_table(inside, borders=borders, rules=partial) if inside else None
    if table is None or _filled(table.rows) < 0.4 or sum(sum(map(bool, row)) >= 2 for row in table.rows) < 0.5 * len(table.rows):
        return None
    firsts = [row[0][0].text for row in table.rows if row[0]]
    listed = sum(bool(_ENUMERATED.match(text)) for text in firsts) > 0.5 * max(1, len(firsts))
    return None if listed else table


def _beyond(table: Table, lines: Sequence[Line], rule: Rule, *, down: bool) -> list[Line]:
    """Return the lines of rows beyond the last (or before the first) rule that go on with a table's columns."""
    height = median(line.y1 - line.y0 for line in table.members)
    side = [line for line in lines if (line.y0 > rule.y - 2 if down else line.y1 < rule.y + 2)]
    near = [line for line in side if rule.x0 - 6 <= line.x0 and line.x1 <= rule.x1 + 6 and abs(line.y1 - line.y0 - height) < 0.35 * height]
    found: list[Line] = []
    edge = rule.y
    for row in rows_of(near)[:: 1 if down else -1]:
        gap = row[0].y0 - edge if down else edge - row[0].y1
        cells = place_row(row, table.columns)
        filled = sum(map(bool, cells))
        alone = sum(map(len, cells)) == filled and filled >= max(2, 0.5 * len(cells))
        if gap > 1.2 * height or not alone or _is_caption(row) or _prose(row, rule.x1 - rule.x0):
            break
        found += row
        edge = max(line.y1 for line in row) if down else min(line.y0 for line in row)
    return found


def find_tables(lines: Sequence[Line], *, width: float, whole: bool = False) -> list[Table]:
    """Return the tables without rules among the lines of a page or column.

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
        figures = sum(is_number(line.text) for row in several for line in row)
        short = sum(len(line.text) <= 40 for row in several for line in row) / max(1, sum(map(len, several)))
        listed = all(_ENUMERATED.match(row[0].text) for row in several)
        if len(several) >= _MIN_ROWS and not listed and (figures >= len(several) or (short > 0.8 and _regular(several))):
            _names_above(group, every, begin)
            table = build_table([line for row in group for line in row])
            if table is not None and _filled(table.rows) >= _MIN_FILLED:
                tables.append(table)
        group.clear()

    for number, row in enumerate(every):
        if _is_caption(row):
            finish()
        elif len(row) >= 2 and not _prose(row, width) and not (whole and any(line.x1 - line.x0 > 0.3 * width for line in row)):
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


def _names_above(group: list[list[Line]], rows: Sequence[Sequence[Line]], at: int) -> None:
    """Put before a table's rows those right above that name its columns: one line over several columns, or a label at half height."""
    for row in reversed(rows[max(0, at - 3) : at]):
        first = group[0]
        gap = min(line.y0 for line in first) - max(line.y1 for line in row)
        height = first[0].y1 - first[0].y0
        table = build_table([line for other in group for line in other])
        columns = table.columns if table is not None else []
        parts = [line for cell in place_row(row, columns) for line in cell] if columns else list(row)
        names = len(parts) >= max(2, 0.5 * len(columns)) and all(len(part.text) <= 40 for part in parts)
        beside = gap < -0.15 * height and len(row) == 1 and len(row[0].text) <= 40
        if gap > 0.9 * height or not (names or beside) or _is_caption(row):
            return
        group.insert(0, list(row))


def _filled(rows: Sequence[Sequence[Sequence[Line]]]) -> float:
    """Return the share of cells that hold something: the labels of a chart's axes and bars fall into rows too, mostly empty ones."""
    cells = [cell for row in rows for cell in row]
    return sum(1 for cell in cells if cell) / len(cells)


def _regular(rows: Sequence[Sequence[Line]]) -> bool:
    """Return whether the rows have about the same number of cells and begin at the same place."""
    counts = [len(row) for row in rows]
    starts = [row[0].x0 for row in rows]
    middle = median(starts)
    same = sum(1 for count in counts if count == max(set(counts), key=counts.count))
    return same >= 0.7 * len(rows) and median(abs(start - middle) for start in starts) < 6


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
