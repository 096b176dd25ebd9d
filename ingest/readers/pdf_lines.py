"""The lines of a PDF page from PDFium's characters: runs on one baseline, each character with its box."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from ingest.readers.characters import clean_character
from ingest.readers.pdf_chars import Characters

__all__ = ["Frame", "Line", "page_lines"]

# A gap wider than this many font sizes separates two cells or columns; a word space is 0.2 to 0.5.
_CELL_GAP = 1.1
# PDFium marks a hyphen at a line's end with one of these.
_HYPHENS = "\x02\ufffe"
_HYPHEN_CODES = tuple(map(ord, _HYPHENS))
# Whether a character is a space, by its code; no character beyond the table is.
_SPACE = np.array([chr(code).isspace() for code in range(0x3002)])
# What is not taken over as it stands: characters that cleaning may change, hyphens at line ends, doubled spaces.
_ODD = re.compile("[^ -~\u3001-\u9fff\uff00-\uff60]|  ")


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
        atoms: Its parts between wide gaps (start, end), once they were asked for.
        x0: Left edge; ``x1``, ``y0``, ``y1`` are the other edges, ``middle`` the height of its middle.
    """

    text: str
    boxes: NDArray[np.float64]
    size: float
    bold: bool
    order: int
    furniture: bool = field(default=False)
    sideways: bool = field(default=False)
    atoms: list[tuple[int, int]] | None = field(default=None, init=False)

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


def _runs(
    codes: NDArray[np.int64], ends: NDArray[np.bool_], boxes: NDArray[np.float64], sideways: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and ends of runs: cut at line ends, at jumps of the baseline, at steps back and at wide gaps.

    Args:
        codes: Of the characters.
        ends: Which of them end a line.
        boxes: x0, lower edge, x1, upper edge, heights counted upwards.
        sideways: Which of them are turned.
    """
    blank = _SPACE[np.minimum(codes, len(_SPACE) - 1)] | ((boxes[:, 2] <= boxes[:, 0]) & ~np.isin(codes, _HYPHEN_CODES))
    inked = np.flatnonzero(~blank & ~ends)
    if not len(inked):
        return inked, inked
    before, after = inked[:-1], inked[1:]
    tall = boxes[:, 3] - boxes[:, 1]
    height = np.maximum(np.maximum(tall[before], tall[after]), 1.0)
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    gap = boxes[after, 0] - boxes[before, 2]
    apart = (np.abs(middle[after] - middle[before]) > 0.55 * height) | (gap < -1.5 * height) | (gap > _CELL_GAP * height)
    apart &= ~(sideways[before] & sideways[after])
    lines = np.append(np.flatnonzero(ends), len(codes))
    next_end = lines[np.searchsorted(lines, inked)]
    cut = np.flatnonzero(apart | (next_end[:-1] != next_end[1:]))
    starts = inked[np.append(0, cut + 1)]
    return starts, np.minimum(np.append(starts[1:], len(codes)), next_end[np.append(cut, len(inked) - 1)])


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


def page_lines(characters: Characters, frame: Frame) -> list[Line]:
    """Return the lines of a page, in content order.

    Args:
        characters: Of the page.
        frame: Of the page.
    """
    codes = characters.codes
    if not len(codes):
        return []
    width, height = frame.size
    shown = frame.fractions(characters.boxes) * np.array([width, height, width, height])
    # Text set far outside the page is not seen by a reader.
    outside = (shown[:, 2] < -2) | (shown[:, 0] > width + 2) | (shown[:, 3] < -2) | (shown[:, 1] > height + 2)
    flipped = np.stack([shown[:, 0], -shown[:, 3], shown[:, 2], -shown[:, 1]], axis=1)
    ends = outside & ~_SPACE[np.minimum(codes, len(_SPACE) - 1)] | np.isin(codes, (0x0A, 0x0D))
    text = codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    sizes = characters.sizes
    changes = np.cumsum(np.append(False, sizes[1:] != sizes[:-1])).tolist()
    heavy = np.append(0, np.cumsum(characters.bold)).tolist()
    sideways = characters.sideways.tolist()
    lines: list[Line] = []
    starts, stops = _runs(codes, ends, flipped, characters.sideways)
    for start, end in zip(starts.tolist(), stops.tolist(), strict=True):
        part = text[start:end]
        size = float(sizes[start]) if changes[start] == changes[end - 1] else median(sizes[start:end].tolist())
        bold = (heavy[end] - heavy[start]) / (end - start) > 0.6
        if _ODD.search(part):
            line = _line(part, shown[start:end], len(lines), size, bold)
        else:
            part = part.rstrip(" ")
            line = Line(part, shown[start : start + len(part)], size, bold, len(lines))
        if line is not None:
            line.sideways = sideways[start]
            lines.append(line)
    return lines
