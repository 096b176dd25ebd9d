"""From a span of a page's text to rectangles on the page."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.kb.model import Page, Rect, unpack_boxes

__all__ = ["rects_for_span"]

_MIN_SIZE = 0.001


def _rect(page: int, boxes: Sequence[Sequence[float]]) -> Rect:
    x0, y0 = min(box[0] for box in boxes), min(box[1] for box in boxes)
    x1, y1 = max(box[2] for box in boxes), max(box[3] for box in boxes)
    x1, y1 = max(x1, min(1.0, x0 + _MIN_SIZE)), max(y1, min(1.0, y0 + _MIN_SIZE))
    x0, y0 = min(x0, x1 - _MIN_SIZE), min(y0, y1 - _MIN_SIZE)
    return Rect(page, round(x0, 5), round(y0, 5), round(x1, 5), round(y1, 5))


def rects_for_span(page: Page, start: int, end: int) -> tuple[Rect, ...]:
    """Return one rectangle per line of a span, in reading order; empty for a page without boxes.

    A new line begins where a character lies left of the one before it or off its height. A span none of whose characters has a box gets
    the area of the page's whole text.

    Args:
        page: With its packed boxes.
        start: First character in ``page.text``.
        end: One past the last.
    """
    if page.boxes is None:
        return ()
    every = unpack_boxes(page.boxes)
    known = (every[:, 2] > every[:, 0]) & (every[:, 3] > every[:, 1])
    # As plain lists: numpy takes longer for four numbers than for all of them.
    boxes: list[list[float]] = every[start:end][known[start:end]].tolist()
    if not boxes:
        boxes = every[known].tolist()
        return (_rect(page.number, boxes),) if boxes else (Rect(page.number, 0.0, 0.0, 1.0, 1.0),)
    lines: list[list[list[float]]] = []
    for box in boxes:
        last = lines[-1][-1] if lines else None
        if last is not None:
            middle = (box[1] + box[3]) / 2
            same = last[1] <= middle <= last[3] or box[1] <= (last[1] + last[3]) / 2 <= box[3]
            if same and box[0] >= last[0] - (last[2] - last[0]):
                lines[-1].append(box)
                continue
        lines.append([box])
    return tuple(_rect(page.number, line) for line in lines)
