"""Scanned pages of a PDF: which they are, and what OCR reads on their pictures, as lines for the layout."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from ingest.kb.settings import ReadSettings
from ingest.kb.worker import more_time
from ingest.readers.characters import clean_character
from ingest.readers.ocr import OcrEngine, OcrLine, find_engine
from ingest.readers.pdf_lines import Frame, Line

__all__ = ["read_scans"]

# A picture of more pixels than this (a poster, a page box made to do harm) is drawn smaller.
_MAX_PIXELS = 16_000_000
# A page with fewer characters than this under a picture that fills it is a scan with a stamp; OCR has to find clearly more on it.
_STAMP = 60
_FILLS = 0.7
_CLEARLY = 3
# The widths of letters in ems, as in Helvetica: from them and a line's width comes its font size.
_NARROW = frozenset("ijl.,:;'|!It()[]f -")
_WIDE = frozenset("mwMW%@—")
# Around the letters of a line the box of a text detector leaves about so many points.
_PADDING = 2.5


class _Raw(Protocol):
    """A page as the extractors left it; ``plain`` is text without places."""

    frame: Frame
    lines: list[Line]
    plain: str | None
    warnings: list[str]
    ocr: bool


def read_scans(pdf: Any, pages: Sequence[_Raw], settings: ReadSettings) -> None:
    """Read the pages without a text layer from their pictures, where there is an engine; others are left as they are.

    Args:
        pdf: A pypdfium2 document.
        pages: All its pages in order; changed in place: ``lines``, ``ocr``, ``warnings``.
        settings: Engine, resolution and time.
    """
    wanted = [number for number, raw in enumerate(pages) if raw.plain is None and (not raw.lines or _is_stamped(pdf, number, raw))]
    if not wanted:
        return
    engine = find_engine(settings)
    if engine is None:
        for number in wanted:
            if not pages[number].lines and _is_blank(pdf, number):
                pages[number].warnings.append("blank")
        return
    more_time(settings.ocr_timeout_s)
    ends = time.monotonic() + settings.ocr_timeout_s
    read = []
    for number in wanted:
        raw = pages[number]
        if time.monotonic() > ends:
            if not raw.lines:
                raw.warnings = [f"not read: the {settings.ocr_timeout_s:g} s for OCR of one file (read.ocr_timeout_s) were used up"]
            continue
        lines, fault = _page_lines(pdf, number, raw.frame, engine, settings.ocr_dpi)
        if raw.lines and _letters(lines) < _CLEARLY * _letters(raw.lines):
            continue
        raw.warnings = [*raw.warnings, fault] if fault else []
        if lines:
            raw.lines, raw.ocr = lines, True
            read.append(lines)
    _even_sizes(read)


def _letters(lines: Sequence[Line]) -> int:
    return sum(len(line.text) for line in lines)


def _is_blank(pdf: Any, number: int) -> bool:
    try:
        page = pdf[number]
        there = next(iter(page.get_objects(max_depth=1)), None)
        page.close()
    except pdfium.PdfiumError:
        return False
    return there is None


def _is_stamped(pdf: Any, number: int, raw: _Raw) -> bool:
    if _letters(raw.lines) >= _STAMP:
        return False
    try:
        page = pdf[number]
        boxes = [item.get_bounds() for item in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3)]
        page.close()
    except pdfium.PdfiumError:
        return False
    area = raw.frame.width * raw.frame.height
    return any((right - left) * (top - bottom) >= _FILLS * area for left, bottom, right, top in boxes)


def _page_lines(pdf: Any, number: int, frame: Frame, engine: OcrEngine, dpi: int) -> tuple[list[Line], str]:
    """Return the lines that OCR finds on a page's picture and, if there are none, why."""
    width, height = frame.size
    scale = min(dpi / 72, (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
    try:
        page = pdf[number]
        bitmap = page.render(scale=scale, rev_byteorder=True)
        image = np.array(bitmap.to_pil().convert("RGB"))
        bitmap.close()
        page.close()
    except pdfium.PdfiumError as error:
        return [], f"cannot be drawn for OCR ({error})"
    if int(image.max()) - int(image.min()) < 16:
        return [], "blank"
    points = np.array([width, height, width, height]) / np.array([image.shape[1], image.shape[0]] * 2)
    try:
        found = engine.read(image)
    except MemoryError:
        raise
    except Exception as error:
        # Engines raise whatever goes wrong within them: it costs this page, not the file.
        return [], f"no text layer, and OCR failed ({type(error).__name__}: {' '.join(str(error).split())[-160:]})"
    lines = [line for place, item in enumerate(found) if (line := _line(item, points, place)) is not None]
    return lines, "" if lines else "no text layer, and OCR found no text"


def _line(item: OcrLine, points: NDArray[np.float64], order: int) -> Line | None:
    text: list[str] = []
    rows: list[NDArray[np.float64]] = []
    for char, box in zip(item.text, item.boxes * points, strict=True):
        for piece in clean_character(char):
            if piece != " " or (text and text[-1] != " "):
                text.append(piece)
                rows.append(box)
    while text and text[-1] == " ":
        text.pop()
        rows.pop()
    if not text:
        return None
    boxes = np.array(rows)
    upright = boxes[:, 2].max() - boxes[:, 0].min() >= 0.5 * (boxes[:, 3].max() - boxes[:, 1].min()) or len(text) < 3
    return Line("".join(text), boxes, _size("".join(text), boxes), False, order, sideways=not upright)


def _em(char: str) -> float:
    if char >= "\u2e80":
        return 1.0
    if char in _NARROW:
        return 0.29
    if char in _WIDE:
        return 0.83
    return 0.65 if char.isupper() else 0.52


def _ems(text: str) -> float:
    return sum(map(_em, text))


def _size(text: str, boxes: NDArray[np.float64]) -> float:
    """Return the font size (points) that a line of this text and width has: the height of a detector's box says much less."""
    width = float(boxes[:, 2].max() - boxes[:, 0].min())
    return round(max(width - _PADDING, 1.0) / max(_ems(text), 0.25), 1)


def _even_sizes(pages: Sequence[Sequence[Line]]) -> None:
    """Set the size of lines that differ from the running text's by no more than the estimate is unsure of to just that.

    Sizes are estimated from widths: ± 12 % for a line of eight ems, of a word or a figure they say next to nothing.
    """
    weights: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            if _ems(line.text) >= 8:
                weights[round(line.size * 2) / 2] += len(line.text)
    if not weights:
        return
    body = weights.most_common(1)[0][0]
    for lines in pages:
        for line in lines:
            ems = _ems(line.text)
            unsure = 0.12 if ems >= 8 else 0.2 if ems >= 4 else 0.6
            if abs(line.size - body) <= unsure * body or re.fullmatch(r"[\d\W]+", line.text):
                line.size = body
