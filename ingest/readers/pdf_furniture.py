"""Running heads, feet and page numbers: lines in the margins that come back from page to page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_tables import rows_of

__all__ = ["mark_furniture"]

_MARGIN = 0.12
_PAGE_NUMBER = re.compile(
    r"^(?:[-–—·|]\s*)?(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of)\s*\d{1,4})?(?:\s*[-–—·|])?$|^第?\s*\d{1,4}\s*[頁页]?(?:\s*[/,，共]\s*共?\s*\d{1,4}\s*[頁页]?)?$",
    re.IGNORECASE,
)


def _key(text: str) -> str:
    return re.sub(r"\d+|\b[ivxlc]{1,6}\b", "#", " ".join(text.lower().split()))


def _edge_rows(lines: Sequence[Line], height: float) -> list[list[Line]]:
    """Return up to three rows at the head and at the foot of a page, within the margins."""
    rows = rows_of(lines)
    head = [row for row in rows[:3] if row[0].y1 < _MARGIN * height]
    foot = [row for row in rows[-3:] if row[0].y0 > (1 - _MARGIN) * height]
    return head + [row for row in foot if row not in head]


def mark_furniture(pages: Sequence[tuple[Sequence[Line], float]]) -> None:
    """Set ``furniture`` on lines that repeat in the margins of pages, and on page numbers there.

    A line repeats if, with its figures masked, it stands at the same height of at least three pages (two in a document of two or three).

    Args:
        pages: Lines and height of every page.
    """
    seen: Counter[tuple[str, int]] = Counter()
    edges = []
    for lines, height in pages:
        rows = _edge_rows(lines, height)
        edges.append(rows)
        places = {(_key(line.text), round(40 * line.middle / height)) for row in rows for line in row}
        seen.update(places)
    need = 3 if len(pages) > 3 else 2
    for (_, height), rows in zip(pages, edges, strict=True):
        for row in rows:
            for line in row:
                place = round(40 * line.middle / height)
                times = sum(seen[_key(line.text), near] for near in (place - 1, place, place + 1))
                if times >= need or _PAGE_NUMBER.match(line.text.strip()):
                    line.furniture = True
