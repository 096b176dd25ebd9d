"""The rows of a table: which lines make one row, and which rows are the header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import median

import numpy as np

from ingest.readers.pdf_columns import Span, size_of
from ingest.readers.pdf_lines import Line

__all__ = ["group_rows", "heads_below", "is_caption", "is_number", "lift_labels", "merged", "names_again", "text_of"]

_CAPTION = re.compile(
    r"^(?:figure|fig\.|table|chart|exhibit|box|圖表|图表|圖|图|表)\s*[A-Z]?\d+(?:[.\-–]\d+)*[a-z]?"
    r"(?:\s*[:：.|、　](?!\d)|\s*$|\s+(?!顯示|显示|列|給出|给出|中|為|为|是|說明|说明|總結|总结|可見|可见|所|的|裡|里))",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"^[-−–+<>≤≥~≈±(（]?[\s$¥€£NTUS]*[-−]?\d[\d,.\s]*\s*(?:%|％|‰|[KMBTkx×]|億|亿|萬|万|兆|元|次|倍|times|pp)?"
    r"(?:\s?[(（±][^)）]{1,12}[)）]?|[–−-]\d[\d.,]*%?)?[*†‡)）]*$|^[-–—/]$|^N/?A$",
    re.IGNORECASE,
)
_YEAR = re.compile(r"^(?:19|20)\d\d(?:\s*年)?$")


def is_caption(text: str) -> bool:
    """Return whether a line begins the caption of a figure or table; ``Table 2 shows`` begins a sentence."""
    match = _CAPTION.match(text)
    if match is None:
        return False
    return not (text[0].isascii() and text[match.end() : match.end() + 1].islower() and match.group()[-1:].isspace())


def is_number(text: str) -> bool:
    """Return whether a cell holds a figure, or the dash that stands for one."""
    return bool(_NUMBER.match(text.strip()))


def merged(rows: Sequence[Sequence[Sequence[Line]]]) -> list[list[Line]]:
    """Return rows of cells as one row."""
    return [[line for row in rows for line in row[place]] for place in range(len(rows[0]))]


def text_of(cell: Sequence[Line]) -> str:
    """Return a cell's lines, a space between."""
    return " ".join(line.text for line in cell)


def group_rows(
    rows: Sequence[Sequence[Line]],
    placed: Sequence[Sequence[Sequence[Line]]],
    columns: Sequence[Span],
    borders: Sequence[float],
    *,
    drawn: bool,
) -> tuple[list[list[int]], int, bool]:
    """Return which lines (by index) make which row, how many rows are the header, and whether that is sure.

    ``drawn`` says that every border between rows is in ``borders``.
    """
    if borders:
        bands: dict[int, list[int]] = {}
        for index, row in enumerate(rows):
            bands.setdefault(int(np.searchsorted(borders, row[0].middle)), []).append(index)
        ruled = [bands[key] for key in sorted(bands)]
        stacked = [_stacked([placed[index] for index in band]) for band in ruled]
        # Rules between all rows; a single band of several rows is one where a rule was not found.
        if (drawn or len(ruled) >= 3) and sum(stacked[1:]) <= 0.2 * len(ruled):
            first = [line for index in ruled[0] for line in rows[index]]
            rest = [line for band in ruled[1:] for index in band for line in rows[index]]
            count, sure = _first_is_header(merged([placed[index] for index in ruled[0]]), first, rest)
            split = [
                group
                for band, several in zip(ruled[1:], stacked[1:], strict=True)
                for group in (_wrapped(rows, placed, columns, band) if several else [band])
            ]
            return [ruled[0], *split], count, sure
        if 0 in bands and len(ruled) >= 2 and len(bands[0]) <= 5:
            count = _ruled_header(ruled, placed)
            body = [group for band in ruled[count:] for group in _wrapped(rows, placed, columns, band)]
            return [*ruled[:count], *body], count, True
    groups = _wrapped(rows, placed, columns, list(range(len(rows))))
    count, sure = _header_rows([[placed[index] for index in group] for group in groups])
    return groups, count, sure


def _ruled_header(bands: Sequence[Sequence[int]], placed: Sequence[Sequence[Sequence[Line]]]) -> int:
    """Return how many of the bands between rules are the header: the first, and those under it that name its columns finer."""
    count = 1
    filled = [[sum(map(bool, placed[index])) for index in band] for band in bands]
    while count + 1 < len(bands) and len(bands[count]) <= 3 and max(filled[count]) > max(filled[count - 1]):
        if any(is_number(text_of(cell)) and not _YEAR.match(text_of(cell)) for index in bands[count] for cell in placed[index] if cell):
            break
        count += 1
    return count


def _stacked(rows: Sequence[Sequence[Sequence[Line]]]) -> bool:
    """Return whether lines between two rules are several rows: figures under figures, or most cells begun anew."""
    for above, below in combinations(rows, 2):
        if any(is_number(text_of(a)) and is_number(text_of(b)) for a, b in zip(above[1:], below[1:], strict=True) if a and b):
            return True
    full = [sum(map(bool, row)) for row in rows]
    return len(rows) >= 4 and float(np.mean(full)) > 0.8 * len(rows[0])


def _first_is_header(cells: Sequence[Sequence[Line]], first: Sequence[Line], rest: Sequence[Line]) -> tuple[int, bool]:
    """Return 1 if the first of rows with rules between is their header, else 0; and whether that is sure."""
    bold = all(line.bold for line in first) and not all(line.bold for line in rest)
    texts = [text_of(cell) for cell in cells if cell]
    figures = sum(is_number(text) and not _YEAR.match(text) for text in texts[1:])
    if bold:
        return 1, True
    return (0, False) if figures >= max(1, 0.5 * len(texts[1:])) else (1, False)


def _wrapped(
    rows: Sequence[Sequence[Line]], placed: Sequence[Sequence[Sequence[Line]]], columns: Sequence[Span], order: Sequence[int]
) -> list[list[int]]:
    """Return lines (by index) in groups: a line that goes on with the cells above it stands with them."""
    steps = [rows[b][0].middle - rows[a][0].middle for a, b in pairwise(order) if sum(map(bool, placed[a])) > 1 < sum(map(bool, placed[b]))]
    pitch = median(steps) if steps else 0.0
    out: list[list[int]] = []
    for index in order:
        if out:
            before = out[-1][-1]
            above = merged([placed[item] for item in out[-1]])
            if _goes_on(above, placed[index], columns, rows[index][0].middle - rows[before][0].middle, pitch):
                out[-1].append(index)
                continue
        out.append([index])
    return out


def _goes_on(above: Sequence[Sequence[Line]], cells: Sequence[Sequence[Line]], columns: Sequence[Span], step: float, pitch: float) -> bool:
    """Return whether a line goes on with the cells of the row above it."""
    filled = [place for place, cell in enumerate(cells) if cell]
    before = [place for place, cell in enumerate(above) if cell]
    close = step < 0.85 * pitch
    if close and not set(filled) & set(before):
        return True
    if any(is_number(text_of(cells[place])) for place in filled) or not set(filled) <= set(before):
        return False
    if close and len(filled) < len(cells):
        return True
    # A cell is broken where the next word would not have fitted: then, and only then, the line under it is no row of its own.
    full = all(_is_full(above[place], cells[place], columns[place]) for place in filled)
    return full and len(filled) < len(before) and (not cells[0] or len(filled) == 1) and (step < 1.25 * pitch or not pitch)


def _is_full(above: Sequence[Line], below: Sequence[Line], column: Span) -> bool:
    last, first = above[-1], below[0]
    width = last.x1 - last.x0
    if width < 4 * size_of(last):
        return False
    end = first.text.find(" ") if first.text[0].isascii() else 1
    word = float(first.boxes[end - 1 if end > 0 else -1][2]) - first.x0
    return width + word + 0.2 * size_of(last) > column[1] - column[0]


def _header_rows(rows: Sequence[Sequence[Sequence[Sequence[Line]]]]) -> tuple[int, bool]:
    """Return how many rows at the top of a table without rules are its header, and whether that is sure."""
    joined = [merged(row) for row in rows]
    bold = [all(line.bold for cell in row for line in cell) for row in joined]
    leading = next((index for index, heavy in enumerate(bold) if not heavy), len(bold))
    if 0 < leading <= 4 and leading < len(bold) and sum(bold[leading:]) <= 0.4 * len(bold[leading:]):
        return leading, True
    for index, row in enumerate(joined):
        texts = [text_of(cell) for cell in row if cell]
        if sum(is_number(text) for text in texts[1:]) >= max(1, 0.4 * len(texts[1:])) and len(texts) > 1:
            years = sum(bool(_YEAR.match(text)) for text in texts[1:])
            if index == 0:
                return (1, False) if years >= 0.6 * len(texts[1:]) else (0, False)
            named = index <= 3 and all(_names(above, below) for above, below in pairwise(joined[:index]))
            return (index if named else 1), True
    return 1, False


def names_again(rows: Sequence[Sequence[Sequence[Line]]], number: int, header: str) -> bool:
    """Return whether a row inside a table names the columns of those below it: words alone, one of them a name in the header so far.

    Args:
        rows: All rows of the table.
        number: Of the row, from 0.
        header: The names so far, joined with `` | ``.
    """
    if not header or number + 1 >= len(rows):
        return False
    texts = [text_of(cell).replace(" ", "") for cell in rows[number] if cell]
    if len(texts) < 2 or any(re.search(r"\d", text) or is_number(text) for text in texts):
        return False
    names = {name.replace(" ", "") for name in header.split(" | ") if name}
    return not names.isdisjoint(texts) and any(is_number(text_of(cell)) for cell in rows[number + 1][1:] if cell)


def lift_labels(rows: Sequence[Sequence[Sequence[Line]]]) -> tuple[list[list[list[Line]]], dict[int, list[Line]]]:
    """Return a table's rows without the labels of groups, and each label by the first row of its group.

    Such a label stands left of the names of rows, once, at half the height of its group, and so falls into the cell of a name that it
    does not belong to. Taken out only where every label has a group of its own, set apart by space.
    """
    plain = [[list(cell) for cell in row] for row in rows]
    starts = [row[0][0].x0 for row in rows[1:] if len(row[0]) == 1]
    if len(starts) < 4 or any(not row[0] for row in rows[1:]):
        return plain, {}
    edge = median(starts)
    if min(starts) < edge - 2:
        return plain, {}
    beside = {number: [line for line in row[0] if line.x1 < edge] for number, row in enumerate(rows) if number and len(row[0]) > 1}
    beside = {number: lines for number, lines in beside.items() if lines}
    names = [[line for line in row[0] if number not in beside or line.x1 >= edge] for number, row in enumerate(rows)]
    if len(beside) < 2 or any(not cell or min(line.x0 for line in cell) < edge - 2 for cell in names[1:]):
        return plain, {}
    steps = [below[0].middle - above[0].middle for above, below in pairwise(names[1:])]
    first, labels = 1, dict[int, list[Line]]()
    for number in range(1, len(rows)):
        if number > 1 and steps[number - 2] > 1.25 * median(steps):
            first = number
        if number in beside:
            if first in labels:
                return plain, {}
            labels[first] = beside[number]
    return [[cell, *row[1:]] for cell, row in zip(names, plain, strict=True)], labels


def heads_below(rows: Sequence[Sequence[Sequence[Line]]], number: int) -> list[list[Line]]:
    """Return the heads of a row that names columns anew, each over the column that it names.

    A form that has other columns further down keeps its first ones as a grid: then the heads stand beside the cells that they name,
    in the same order.
    """
    heads = [list({line.text: line for line in reversed(cell)}.values())[::-1] for cell in rows[number]]
    named = [place for place, cell in enumerate(heads) if cell]
    filled = Counter(tuple(place for place, cell in enumerate(row) if cell) for row in rows[number + 1 :])
    places = list(filled.most_common(1)[0][0])
    if places == named or len(places) != len(named):
        return heads
    out: list[list[Line]] = [[] for _ in heads]
    for place, old in zip(places, named, strict=True):
        out[place] = heads[old]
    return out


def _names(above: Sequence[Sequence[Line]], below: Sequence[Sequence[Line]]) -> bool:
    """Return whether two rows at the top can be of one header: they fill different columns, or the upper spans what the lower names."""
    first, second = ({place for place, cell in enumerate(row) if cell} for row in (above, below))
    return not first & second or not second <= first or 0 not in second or len(first) < len(second)
