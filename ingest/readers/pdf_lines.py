"""The lines of a PDF page from PDFium's characters: runs on one baseline, each character with its box."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from ingest.readers.characters import clean_character

__all__ = ["Frame", "Line", "page_lines"]

# A gap wider than this many font sizes separates two cells or columns; a word space is 0.2 to 0.5.
_CELL_GAP = 1.1
# PDFium marks a hyphen at a line's end with one of these.
_HYPHENS = "\x02\ufffe"


_BOLD = re.compile(r"bold|[-,]medi(?:um)?\b|heavy|black|[-,]bd\b|cmbx|cmssbx|demi", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frame:
    """The visible area of a page (crop box) and its rotation, for turning PDF coordinates into fractions of the image."""

    left: float
    bottom: float
    width: float
    height: float
    rotation: int

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page as shown, in points."""
        return (self.height, self.width) if self.rotation in (90, 270) else (self.width, self.height)

    def fractions(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return boxes (left, bottom, right, top in points) as x0, y0, x1, y1 fractions of the shown page, origin top left."""
        x0 = (boxes[:, 0] - self.left) / self.width
        x1 = (boxes[:, 2] - self.left) / self.width
        y0 = (boxes[:, 1] - self.bottom) / self.height
        y1 = (boxes[:, 3] - self.bottom) / self.height
        if self.rotation == 90:
            out = (y0, x0, y1, x1)
        elif self.rotation == 180:
            out = (1 - x1, y0, 1 - x0, y1)
        elif self.rotation == 270:
            out = (1 - y1, 1 - x1, 1 - y0, 1 - x0)
        else:
            out = (x0, 1 - y1, x1, 1 - y0)
        return np.stack(out, axis=1)


@dataclass(slots=True, eq=False)
class Line:
    """Characters on one baseline without a wide gap.

    Attributes:
        text: Cleaned.
        boxes: Shape (len(text), 4), x0, y0, x1, y1 in points of the page as shown, origin top left.
        size: Font size in points (median).
        bold: Whether most of it is bold.
        order: Place in the content stream.
        sideways: True for text turned by 90° against the page.
        furniture: True for running heads, feet and page numbers.
        x0: Left edge; ``x1``, ``y0``, ``y1`` are the other edges, ``middle`` the height of its middle.
    """

    text: str
    boxes: NDArray[np.float64]
    size: float
    bold: bool
    order: int
    furniture: bool = field(default=False)
    sideways: bool = field(default=False)

    x0: float = field(init=False)
    x1: float = field(init=False)
    y0: float = field(init=False)
    y1: float = field(init=False)
    middle: float = field(init=False)

    def __post_init__(self) -> None:
        self.x0 = float(self.boxes[0, 0])
        self.x1 = float(self.boxes[-1, 2])
        self.y0 = float(self.boxes[:, 1].min())
        self.y1 = float(self.boxes[:, 3].max())
        self.middle = (self.y0 + self.y1) / 2


def frame_of(page: Any) -> Frame:
    """Return the frame of a pypdfium2 page."""
    # The effective box: cropped, and inherited where the page itself has none, which its own boxes would not tell.
    box = pdfium_c.FS_RECTF()
    if pdfium_c.FPDF_GetPageBoundingBox(page.raw, box) and box.right - box.left >= 1 and box.top - box.bottom >= 1:
        return Frame(box.left, box.bottom, box.right - box.left, box.top - box.bottom, page.get_rotation())
    left, bottom, right, top = page.get_mediabox()
    return Frame(left, bottom, max(right - left, 1.0), max(top - bottom, 1.0), page.get_rotation())


def _characters(
    textpage: Any, count: int, rotation: int
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the page's characters with box (left, bottom, right, top), font size, weight and whether turned sideways, in content order."""
    handle = textpage.raw
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    refs = [ctypes.byref(value) for value in (left, right, bottom, top)]
    chars: list[str] = []
    boxes = np.zeros((count, 4))
    sizes = np.zeros(count)
    bold = np.zeros(count, dtype=bool)
    box_of, size_of, code_of, weight_of = (
        pdfium_c.FPDFText_GetCharBox,
        pdfium_c.FPDFText_GetFontSize,
        pdfium_c.FPDFText_GetUnicode,
        pdfium_c.FPDFText_GetFontWeight,
    )
    rect = pdfium_c.FS_RECTF()
    names: dict[bytes, bool] = {}
    buffer = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    heavy = turned = False
    sideways = np.zeros(count, dtype=bool)
    loose_of = pdfium_c.FPDFText_GetLooseCharBox
    loose = ctypes.byref(rect)
    for i in range(count):
        chars.append(chr(code_of(handle, i) or 0))
        box_of(handle, i, *refs)
        boxes[i] = left.value, bottom.value, right.value, top.value
        # The loose box has the height of the font: boxes of one line are then of one height, and spaces have one.
        if loose_of(handle, i, loose) and rect.top > rect.bottom:
            boxes[i, 1], boxes[i, 3] = rect.bottom, rect.top
        size = size_of(handle, i)
        tall = boxes[i, 3] - boxes[i, 1]
        # A font scaled by its matrix says size 1 and is none the smaller for it: its box tells.
        sizes[i] = size if 0.5 * tall <= size <= 2 * tall or not tall else 0.9 * tall
        # The font's name is asked for where its size changes or a word begins: asking for every character doubles the time.
        if i == 0 or sizes[i] != sizes[i - 1] or chars[i - 1] in " \r\n":
            length = pdfium_c.FPDFText_GetFontInfo(handle, i, buffer, 128, flags)
            name = buffer.raw[: max(0, min(length, 128) - 1)]
            if name not in names:
                names[name] = bool(_BOLD.search(name.decode("utf-8", "replace"))) or weight_of(handle, i) >= 600
            heavy = names[name]
            # Radians, counted from the page's own axes: seen from the reader's side the page's rotation comes off.
            angle = round(math.degrees(pdfium_c.FPDFText_GetCharAngle(handle, i)) - rotation) % 180
            turned = 45 < angle < 135
        bold[i] = heavy
        sideways[i] = turned
    return chars, boxes, sizes, bold, sideways


def _runs(chars: Sequence[str], boxes: NDArray[np.float64], sideways: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of runs: cut at line ends, at jumps of the baseline, at steps back and at wide gaps."""
    start = -1
    last = -1
    for i, char in enumerate(chars):
        if char in "\r\n":
            if start >= 0:
                yield start, i
            start = last = -1
            continue
        blank = char.isspace() or (boxes[i, 2] <= boxes[i, 0] and char not in _HYPHENS)
        if start < 0:
            if not blank:
                start = last = i
            continue
        if blank:
            continue
        if sideways[i] and sideways[last]:
            last = i
            continue
        height = max(boxes[last, 3] - boxes[last, 1], boxes[i, 3] - boxes[i, 1], 1.0)
        middle, before = (boxes[i, 1] + boxes[i, 3]) / 2, (boxes[last, 1] + boxes[last, 3]) / 2
        gap = boxes[i, 0] - boxes[last, 2]
        if abs(middle - before) > 0.55 * height or gap < -1.5 * height or gap > _CELL_GAP * height:
            yield start, i
            start = i
        last = i
    if start >= 0:
        yield start, len(chars)


def _line(chars: Sequence[str], boxes: NDArray[np.float64], order: int, size: float, bold: bool) -> Line | None:
    text: list[str] = []
    rows: list[NDArray[np.float64]] = []
    for char, box in zip(chars, boxes, strict=True):
        seen = "-" if char in _HYPHENS else clean_character(char)
        if char in _HYPHENS and rows and box[2] <= box[0]:
            box = np.array([rows[-1][2], rows[-1][1], rows[-1][2], rows[-1][3]])
        for piece in seen:
            if piece == " " and (not text or text[-1] == " "):
                continue
            text.append(piece)
            rows.append(box)
    while text and text[-1] == " ":
        text.pop()
        rows.pop()
    if not text:
        return None
    return Line("".join(text), np.array(rows), size, bold, order)


def page_lines(textpage: Any, frame: Frame) -> list[Line]:
    """Return the lines of a page, in content order.

    Args:
        textpage: A pypdfium2 text page.
        frame: Of its page.
    """
    count = textpage.count_chars()
    if count <= 0:
        return []
    chars, raw, sizes, bold, sideways = _characters(textpage, count, frame.rotation)
    width, height = frame.size
    shown = frame.fractions(raw) * np.array([width, height, width, height])
    # Text set far outside the page is not seen by a reader.
    outside = (shown[:, 2] < -2) | (shown[:, 0] > width + 2) | (shown[:, 3] < -2) | (shown[:, 1] > height + 2)
    chars = ["\n" if gone and not char.isspace() else char for char, gone in zip(chars, outside, strict=True)]
    flipped = raw.copy()
    flipped[:, [0, 2]] = shown[:, [0, 2]]
    flipped[:, [1, 3]] = -shown[:, [3, 1]]
    lines: list[Line] = []
    for start, end in _runs(chars, flipped, sideways):
        line = _line(chars[start:end], shown[start:end], len(lines), float(np.median(sizes[start:end])), bool(bold[start:end].mean() > 0.6))
        if line is not None:
            line.sideways = bool(sideways[start])
            lines.append(line)
    return lines
