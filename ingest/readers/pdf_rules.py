"""What is drawn on a PDF page besides text: straight rules, the grids they make, and the areas of charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray

from ingest.readers.pdf_lines import Frame
from ingest.readers.pdf_paths import Box, find_bars, find_charts, in_frames, read_paths

__all__ = ["Drawing", "Grid", "Rule", "find_drawing"]

_THIN = 2.0
_SHORT = 8.0
_NEAR = 2.5
# A form (an embedded figure) larger than this share of the page is the page itself, wrapped by its producer.
_WHOLE_PAGE = 0.6


@dataclass(frozen=True, slots=True)
class Grid:
    """Borders of a ruled table in points of the shown page: ``xs`` of the columns, ``ys`` of the rows, both ascending."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal rule in points of the shown page."""

    x0: float
    x1: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn on a page, in points of the shown page.

    Attributes:
        grids: Tables with rules on all inner borders.
        rules: Horizontal rules from top to bottom, those of charts left out.
        charts: Areas (x0, y0, x1, y1) of charts and embedded figures.
    """

    grids: tuple[Grid, ...] = ()
    rules: tuple[Rule, ...] = ()
    charts: tuple[Box, ...] = ()


def _shown(boxes: Sequence[Box], frame: Frame) -> NDArray[np.float64]:
    """Return PDF boxes as ordered boxes in points of the shown page, origin top left, shape (n, 4)."""
    raw = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    ordered = np.stack([raw[:, [0, 2]].min(1), raw[:, [1, 3]].min(1), raw[:, [0, 2]].max(1), raw[:, [1, 3]].max(1)], axis=1)
    width, height = frame.size
    shown: NDArray[np.float64] = frame.fractions(ordered) * np.array([width, height, width, height])
    return shown


def find_drawing(page: Any, frame: Frame) -> Drawing:
    """Return the rules, grids and charts of a page; nothing where PDFium cannot tell.

    Args:
        page: A pypdfium2 page.
        frame: Its visible area.
    """
    try:
        paths = read_paths(page)
    except (pdfium.PdfiumError, ValueError, AttributeError):
        return Drawing()
    segments, slanted, filled = (_shown(part, frame) for part in (paths.segments, paths.slanted, paths.filled))
    width, height = frame.size
    forms = [box for box in _shown(paths.forms, frame) if 100 < (box[2] - box[0]) * (box[3] - box[1]) < _WHOLE_PAGE * width * height]
    framed = _shown(paths.framed, frame)
    charts = find_charts(segments, np.concatenate([slanted, find_bars(filled, framed), np.array(forms).reshape(-1, 4)]))
    charts = in_frames(charts, framed)
    charts = [box for box in charts if (box[2] - box[0]) * (box[3] - box[1]) < 0.9 * width * height]
    spans = segments[:, 2:] - segments[:, :2]
    inside = np.zeros(len(segments), dtype=bool)
    for x0, y0, x1, y1 in charts:
        inside |= (segments[:, 0] > x0 - 3) & (segments[:, 1] > y0 - 3) & (segments[:, 2] < x1 + 3) & (segments[:, 3] < y1 + 3)
    flat = segments[(spans[:, 1] < _THIN) & (spans[:, 0] > _SHORT) & ~inside]
    upright = segments[(spans[:, 0] < _THIN) & (spans[:, 1] > _SHORT * 0.6) & ~inside]
    return Drawing(tuple(_grids(flat, upright)), tuple(_rules(flat)), tuple(charts))


def _rules(flat: NDArray[np.float64]) -> list[Rule]:
    """Return horizontal rules, those drawn in pieces or twice made one."""
    out: list[Rule] = []
    for x0, y0, x1, y1 in sorted(flat.tolist(), key=lambda item: (item[1] + item[3], item[0])):
        y = (y0 + y1) / 2
        near = [place for place, last in enumerate(out) if y - last.y <= 1.6 and x0 <= last.x1 + 2 and last.x0 <= x1 + 2]
        if near:
            last = out[near[-1]]
            out[near[-1]] = Rule(min(last.x0, x0), max(last.x1, x1), last.y)
        else:
            out.append(Rule(x0, x1, y))
    return out


def _merge(values: Sequence[float]) -> list[float]:
    """Return values with those nearer than ``_NEAR`` to each other made one."""
    out: list[list[float]] = []
    for value in sorted(values):
        if out and value - out[-1][-1] <= _NEAR:
            out[-1].append(value)
        else:
            out.append([value])
    return [float(np.mean(group)) for group in out]


def _grids(flat: NDArray[np.float64], upright: NDArray[np.float64]) -> Iterator[Grid]:
    """Yield the ruled tables of a page: at least two rows and two columns with lines on all inner borders."""
    if len(flat) < 3 or len(upright) < 3:
        return
    for top, bottom in _clusters(upright):
        inside = upright[(upright[:, 1] >= top - _NEAR) & (upright[:, 3] <= bottom + _NEAR)]
        rules = flat[(flat[:, 1] >= top - _NEAR) & (flat[:, 3] <= bottom + _NEAR)]
        xs = _merge(inside[:, 0].tolist())
        # A row border runs over most of the table's width, in one piece or in several.
        left, right = xs[0], xs[-1]
        ys = [y for y in _merge(rules[:, 1].tolist()) if _covered(rules[np.abs(rules[:, 1] - y) <= _NEAR], left, right) > 0.45]
        if len(xs) >= 3 and len(ys) >= 3 and min(np.diff(xs)) > 5 and min(np.diff(ys)) > 5:
            yield Grid(tuple(xs), tuple(ys))


def _covered(rules: Any, left: float, right: float) -> float:
    spans = sorted((max(rule[0], left), min(rule[2], right)) for rule in rules)
    total, at = 0.0, left
    for start, end in spans:
        if end > at:
            total += end - max(start, at)
            at = end
    return total / max(right - left, 1.0)


def _clusters(upright: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the heights (top, bottom) of the runs of upright lines that hang together."""
    spans = sorted((float(line[1]), float(line[3])) for line in upright)
    out: list[list[float]] = []
    for top, bottom in spans:
        if out and top <= out[-1][1] + _NEAR:
            out[-1][1] = max(out[-1][1], bottom)
        else:
            out.append([top, bottom])
    return [(top, bottom) for top, bottom in out if bottom - top > 2 * _SHORT]
