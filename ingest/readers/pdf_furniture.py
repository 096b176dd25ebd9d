"""Running heads, feet and page numbers: lines in the margins that come back from page to page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ingest.readers.pdf_columns import rows_of
from ingest.readers.pdf_lines import Line

__all__ = ["mark_furniture"]

_MARGIN = 0.15
# A head or foot stands further from the text than this, in heights of its line; lines of text stand nearer.
_APART = 0.6
_PAGE_NUMBER = re.compile(
    r"^(?:[-–—·|]\s*)?(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of)\s*\d{1,4})?(?:\s*[-–—·|])?$|^第?\s*\d{1,4}\s*[頁页]?(?:\s*[/,，共]\s*共?\s*\d{1,4}\s*[頁页]?)?$",
    re.IGNORECASE,
)


def _key(text: str) -> str:
    return re.sub(r"\d+|\b[ivxlc]{1,6}\b", "#", " ".join(text.lower().split()))


Row = tuple[list[Line], float]


def _edges(lines: Sequence[Line], height: float) -> tuple[list[Row], list[Row]]:
    """Return up to three rows at the head and at the foot of a page, from the edge inwards, each with the gap to the next row inwards.

    The gap is in heights of the row; that to nothing is endless.
    """
    rows = rows_of(lines)
    head: list[Row] = []
    foot: list[Row] = []
    for count, row in enumerate(rows[:3]):
        if max(line.y1 for line in row) < _MARGIN * height:
            below = min(line.y0 for line in rows[count + 1]) if count + 1 < len(rows) else float("inf")
            head.append((row, (below - max(line.y1 for line in row)) / max(row[0].y1 - row[0].y0, 1.0)))
    for count, row in enumerate(reversed(rows[-3:])):
        at = len(rows) - 1 - count
        # A lone number that ends the page may stand higher, over a wide margin.
        if min(line.y0 for line in row) > (1 - _MARGIN) * height or (not count and len(row) == 1 and _number(row[0]) is not None):
            above = max(line.y1 for line in rows[at - 1]) if at else float("-inf")
            foot.append((row, (min(line.y0 for line in row) - above) / max(row[0].y1 - row[0].y0, 1.0)))
    return head, foot


def mark_furniture(pages: Sequence[tuple[Sequence[Line], float]]) -> None:
    """Set ``furniture`` on lines that repeat in the margins of pages, and on page numbers there.

    A line repeats if, with its figures masked, it stands at the same height of at least three pages (two in a document of two or three).
    Heads that change with the chapter do not repeat: they show by their place, which is that of a row of one size on most pages, away
    from the text. The header of a table at the head of several pages stands right over its rows and stays.

    Args:
        pages: Lines and height of every page.
    """
    seen: Counter[tuple[str, int]] = Counter()
    slots: Counter[tuple[int, int]] = Counter()
    edges: list[tuple[int, float, list[Row]]] = []
    for index, (lines, height) in enumerate(pages):
        sides = _edges(lines, height)
        edges += [(index, height, side) for side in sides if side]
        seen.update({(_key(line.text), round(40 * line.middle / height)) for side in sides for row, _ in side for line in row})
        slots.update({_slot(side[0][0][0]) for side in sides if side and side[0][1] > _APART and len(side[0][0]) <= 3})
    need = 3 if len(pages) > 3 else 2
    often = max(3, 0.5 * len(pages))
    sizes = [line.size for lines, _ in pages for line in lines]
    large = 1.1 * float(np.median(sizes)) if sizes else 0.0
    offsets = _offsets(edges)
    for index, height, rows in edges:
        numbers = {id(line) for line in rows[0][0] if _number(line) is not None and offsets[_number(line, index)] >= need}
        # Rows up to the first wide gap are one head or foot: it goes as a whole.
        ends = [count for count, (_, gap) in enumerate(rows) if gap > _APART]
        group = [row for row, _ in rows[: ends[0] + 1]] if ends else []
        hits = [[_repeats(line, height, seen) >= need or bool(_PAGE_NUMBER.match(line.text.strip())) for line in row] for row in group]
        whole = bool(group) and all(len(row) <= 3 for row in group) and all(all(flags) for flags in hits[1:])
        placed = len(group) == 1 and slots[_slot(group[0][0])] >= often and max(line.size for line in group[0]) < large
        for row, flags in zip(group, hits, strict=True):
            for line, hit in zip(row, flags, strict=True):
                line.furniture = whole and (hit or placed) and _in_margin(line, height)
        for line in rows[0][0]:
            line.furniture |= id(line) in numbers


def _in_margin(line: Line, height: float) -> bool:
    return line.y1 < _MARGIN * height or line.y0 > (1 - _MARGIN) * height


def _number(line: Line, index: int = 0) -> int | None:
    """Return a page number, less the page's place in the file: the same on all pages that are numbered on."""
    text = line.text.strip()
    return int(text) - index if text.isdecimal() and len(text) <= 4 else None


def _offsets(edges: Sequence[tuple[int, float, list[Row]]]) -> Counter[int | None]:
    return Counter(_number(line, index) for index, _, rows in edges for line in rows[0][0] if _number(line) is not None)


def _repeats(line: Line, height: float, seen: Counter[tuple[str, int]]) -> int:
    """Return on how many pages a line's words stand at its height."""
    key, place = _key(line.text), round(40 * line.middle / height)
    return sum(seen[key, near] for near in (place - 1, place, place + 1)) if sum(map(str.isalpha, key)) >= 2 else 0


def _slot(line: Line) -> tuple[int, int]:
    """Return a line's place on any page: its height and its size, to half a point."""
    return round(2 * line.middle), round(2 * line.size)
