"""Ruled tables: the grid that a page's drawn lines make, and the cells in it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingest.readers.pdf_lines import Frame

__all__ = ["Grid", "find_grids"]

_THIN = 2.0
_SHORT = 8.0
_MAX_SEGMENTS = 20_000
_NEAR = 2.5


@dataclass(frozen=True, slots=True)
class Grid:
    """Borders of a ruled table in points of the shown page: ``xs`` of the columns, ``ys`` of the rows, both ascending."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]


def _segments(page: Any) -> list[tuple[float, float, float, float]]:
    """Return the straight lines and thin rectangles drawn on a page, as (x0, y0, x1, y1) in PDF points."""
    out: list[tuple[float, float, float, float]] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    matrix = pdfium_c.FS_MATRIX()
    for item in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_PATH], max_depth=3):
        handle = item.raw
        pdfium_c.FPDFPageObj_GetMatrix(handle, matrix)
        last = start = (0.0, 0.0)
        for index in range(pdfium_c.FPDFPath_CountSegments(handle)):
            segment = pdfium_c.FPDFPath_GetPathSegment(handle, index)
            pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
            point = (matrix.a * x.value + matrix.c * y.value + matrix.e, matrix.b * x.value + matrix.d * y.value + matrix.f)
            kind = pdfium_c.FPDFPathSegment_GetType(segment)
            if kind == pdfium_c.FPDF_SEGMENT_MOVETO:
                start = point
            elif kind == pdfium_c.FPDF_SEGMENT_LINETO:
                out.append((*last, *point))
            if pdfium_c.FPDFPathSegment_GetClose(segment):
                out.append((*point, *start))
            last = point
        if len(out) > _MAX_SEGMENTS:
            break
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


def find_grids(page: Any, frame: Frame) -> list[Grid]:
    """Return the ruled tables of a page: at least two rows and two columns with lines on all inner borders.

    Args:
        page: A pypdfium2 page.
        frame: Its visible area.
    """
    try:
        raw = np.array(_segments(page), dtype=np.float64).reshape(-1, 4)
    except (pdfium.PdfiumError, ValueError, AttributeError):
        return []
    if len(raw) < 6:
        return []
    ordered = np.stack([raw[:, [0, 2]].min(1), raw[:, [1, 3]].min(1), raw[:, [0, 2]].max(1), raw[:, [1, 3]].max(1)], axis=1)
    width, height = frame.size
    boxes = frame.fractions(ordered) * np.array([width, height, width, height])
    spans = boxes[:, 2:] - boxes[:, :2]
    flat = boxes[(spans[:, 1] < _THIN) & (spans[:, 0] > _SHORT)]
    upright = boxes[(spans[:, 0] < _THIN) & (spans[:, 1] > _SHORT * 0.6)]
    if len(flat) < 3 or len(upright) < 3:
        return []
    grids = []
    for top, bottom in _clusters(flat, upright):
        inside = upright[(upright[:, 1] >= top - _NEAR) & (upright[:, 3] <= bottom + _NEAR)]
        rules = flat[(flat[:, 1] >= top - _NEAR) & (flat[:, 3] <= bottom + _NEAR)]
        xs = _merge(inside[:, 0].tolist())
        # A row border runs over most of the table's width, in one piece or in several.
        left, right = xs[0], xs[-1]
        ys = [y for y in _merge(rules[:, 1].tolist()) if _covered(rules[np.abs(rules[:, 1] - y) <= _NEAR], left, right) > 0.45]
        if len(xs) >= 3 and len(ys) >= 3 and min(np.diff(xs)) > 5 and min(np.diff(ys)) > 5:
            grids.append(Grid(tuple(xs), tuple(ys)))
    return grids


def _covered(rules: Any, left: float, right: float) -> float:
    spans = sorted((max(rule[0], left), min(rule[2], right)) for rule in rules)
    total, at = 0.0, left
    for start, end in spans:
        if end > at:
            total += end - max(start, at)
            at = end
    return total / max(right - left, 1.0)


def _clusters(flat: Any, upright: Any) -> list[tuple[float, float]]:
    """Return the heights (top, bottom) of the runs of upright lines that hang together."""
    spans = sorted((float(line[1]), float(line[3])) for line in upright)
    out: list[list[float]] = []
    for top, bottom in spans:
        if out and top <= out[-1][1] + _NEAR:
            out[-1][1] = max(out[-1][1], bottom)
        else:
            out.append([top, bottom])
    return [(top, bottom) for top, bottom in out if bottom - top > 2 * _SHORT]
