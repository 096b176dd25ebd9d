"""The paths drawn on a PDF page, and the areas of charts that they show."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

__all__ = ["Box", "Paths", "find_bars", "find_charts", "in_frames", "read_paths"]

_THIN = 2.0
_MAX_SEGMENTS = 20_000
_MAX_DEPTH = 4
# A rectangle has no more strokes than this.
_RECTANGLE = 6
# Parts of one chart stand nearer to each other than this, in points.
_CHART_GAP = 14.0
Matrix = tuple[float, float, float, float, float, float]
Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Paths:
    """Drawn paths in PDF points: straight segments; boxes of slanted or curved paths, of filled and all rectangles, of embedded figures."""

    segments: list[Box]
    slanted: list[Box]
    filled: list[Box]
    framed: list[Box]
    forms: list[Box]


def _times(outer: Matrix, inner: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def _objects(page: Any) -> Iterator[tuple[Any, int, Matrix]]:
    """Yield a page's objects with type and the matrix of the forms they stand in; forms before what they hold."""
    stack: list[tuple[Any, bool, Matrix, int]] = [(page.raw, False, (1, 0, 0, 1, 0, 0), 0)]
    while stack:
        holder, is_form, outer, depth = stack.pop()
        count = pdfium_c.FPDFFormObj_CountObjects(holder) if is_form else pdfium_c.FPDFPage_CountObjects(holder)
        for index in range(max(0, min(count, _MAX_SEGMENTS))):
            item = pdfium_c.FPDFFormObj_GetObject(holder, index) if is_form else pdfium_c.FPDFPage_GetObject(holder, index)
            kind = pdfium_c.FPDFPageObj_GetType(item)
            if kind in (pdfium_c.FPDF_PAGEOBJ_PATH, pdfium_c.FPDF_PAGEOBJ_FORM):
                yield item, kind, outer
            if kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
                stack.append((item, True, _times(outer, _matrix(item)), depth + 1))


def _matrix(item: Any) -> Matrix:
    found = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFPageObj_GetMatrix(item, found)
    return (found.a, found.b, found.c, found.d, found.e, found.f)


def _bounds(item: Any, outer: Matrix) -> Box:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium_c.FPDFPageObj_GetBounds(item, left, bottom, right, top)
    a, b, c, d, e, f = outer
    corners = [(x, y) for x in (left.value, right.value) for y in (bottom.value, top.value)]
    xs, ys = [a * x + c * y + e for x, y in corners], [b * x + d * y + f for x, y in corners]
    return (min(xs), min(ys), max(xs), max(ys))


def read_paths(page: Any) -> Paths:
    """Return the paths drawn on a pypdfium2 page, in its own points, those in forms put in their place."""
    found = Paths([], [], [], [], [])
    mode, stroked = ctypes.c_int(), ctypes.c_int()
    for item, kind, outer in _objects(page):
        box = _bounds(item, outer)
        if kind == pdfium_c.FPDF_PAGEOBJ_FORM:
            found.forms.append(box)
            continue
        count = pdfium_c.FPDFPath_CountSegments(item)
        segments, slanted = _segments(item, count, _times(outer, _matrix(item)))
        found.segments += segments
        pdfium_c.FPDFPath_GetDrawMode(item, mode, stroked)
        if slanted:
            found.slanted.append(box)
        elif count <= _RECTANGLE and min(box[2] - box[0], box[3] - box[1]) > _THIN:
            found.framed.append(box)
            if mode.value:
                found.filled.append(box)
        if len(found.segments) > _MAX_SEGMENTS:
            break
    return found


def _segments(item: Any, count: int, matrix: Matrix) -> tuple[list[Box], bool]:
    """Return a path's straight strokes (x0, y0, x1, y1), and whether any of its strokes is slanted or curved."""
    a, b, c, d, e, f = matrix
    x, y = ctypes.c_float(), ctypes.c_float()
    out: list[Box] = []
    last = start = (0.0, 0.0)
    slanted = False
    for index in range(min(count, _MAX_SEGMENTS)):
        segment = pdfium_c.FPDFPath_GetPathSegment(item, index)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        point = (a * x.value + c * y.value + e, b * x.value + d * y.value + f)
        shape = pdfium_c.FPDFPathSegment_GetType(segment)
        if shape == pdfium_c.FPDF_SEGMENT_MOVETO:
            start = point
        else:
            slanted |= min(abs(point[0] - last[0]), abs(point[1] - last[1])) > _THIN
            if shape == pdfium_c.FPDF_SEGMENT_LINETO:
                out.append((*last, *point))
        if pdfium_c.FPDFPathSegment_GetClose(segment):
            out.append((*point, *start))
        last = point
    return out, slanted


def find_bars(filled: NDArray[np.float64], framed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the filled rectangles that are bars of a chart: of one thickness, from one line, of different lengths.

    Shaded cells of a table are of one height too, but another cell begins where one ends.
    """
    keep = np.zeros(len(filled), dtype=bool)
    wide, tall = filled[:, 2] - filled[:, 0], filled[:, 3] - filled[:, 1]
    for index in range(len(filled)):
        lying = (np.abs(filled[:, 0] - filled[index, 0]) < 1) & (np.abs(tall - tall[index]) < 1)
        standing = (np.abs(filled[:, 3] - filled[index, 3]) < 1) & (np.abs(wide - wide[index]) < 1)
        for group, length in ((lying, wide), (standing, tall)):
            if group.sum() >= 3 and len(np.unique(np.round(length[group] / 3))) >= 2:
                keep |= group
    for index in np.flatnonzero(keep).tolist():
        x0, y0, x1, y1 = filled[index]
        level = (np.abs(framed[:, 1] - y0) < 1) & (np.abs(framed[:, 3] - y1) < 1)
        beside = (np.abs(framed[:, 0] - x1) < 1) | (np.abs(framed[:, 2] - x0) < 1)
        upright = (np.abs(framed[:, 0] - x0) < 1) & (np.abs(framed[:, 3] - framed[:, 1] - y1 + y0) < 1)
        over = (np.abs(framed[:, 1] - y1) < 1.5) | (np.abs(framed[:, 3] - y0) < 1.5)
        keep[index] = not ((level & beside) | (upright & over)).any()
    return filled[keep]


def find_charts(segments: NDArray[np.float64], seeds: NDArray[np.float64]) -> list[Box]:
    """Return the areas of charts.

    Args:
        segments: All straight strokes; axes and grid lines that touch a chart belong to it.
        seeds: Boxes of what only charts have: bars, slanted and curved strokes, embedded figures.
    """
    out: list[Box] = []
    strokes = segments.tolist()
    for box in _together([(x0, y0, x1, y1) for x0, y0, x1, y1 in seeds.tolist()], _CHART_GAP):
        grown = box
        for segment in strokes:
            if _touch(segment, box, 3.0) and segment[2] - segment[0] < 12 * max(box[2] - box[0], 40):
                grown = _union(grown, segment)
        if grown[2] - grown[0] > 40 and grown[3] - grown[1] > 30:
            out.append(grown)
    return _together(out, 0.0)


def in_frames(charts: Sequence[Box], frames: NDArray[np.float64]) -> list[Box]:
    """Return the charts, each grown to the smallest frame drawn around it: legend and axis labels stand within."""
    out = []
    for chart in charts:
        around = [
            box
            for box in frames.tolist()
            if box[0] <= chart[0] + 2 and box[1] <= chart[1] + 2 and box[2] >= chart[2] - 2 and box[3] >= chart[3] - 2
        ]
        around = [box for box in around if _area(box) < 6 * _area(chart)]
        out.append(_union(chart, min(around, key=_area)) if around else chart)
    return _together(out, 0.0)


def _together(boxes: Sequence[Box], gap: float) -> list[Box]:
    """Return boxes with those nearer than ``gap`` to each other made one."""
    out: list[Box] = []
    for start in sorted(boxes):
        box = start
        while near := [other for other in out if _touch(other, box, gap)]:
            for other in near:
                out.remove(other)
                box = _union(other, box)
        out.append(box)
    return out


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _touch(a: Sequence[float], b: Sequence[float], gap: float) -> bool:
    return a[0] - gap <= b[2] and b[0] - gap <= a[2] and a[1] - gap <= b[3] and b[1] - gap <= a[3]


def _union(a: Sequence[float], b: Sequence[float]) -> Box:
    return (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
