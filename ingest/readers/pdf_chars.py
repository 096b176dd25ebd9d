"""The characters of a PDF page in bulk: PDFium is asked from C loops, not from one of Python for each character.

PDFium has no call for all boxes of a page, and a call through ctypes with declared arguments takes 0.3 to 0.7 µs: several for each of a
page's 4,000 characters would be most of a page's time. Here ``map`` drives the calls, their pointers are made once, and what is the same
for all characters of a text object is asked once for each object.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

__all__ = ["Characters", "read_characters"]

# Characters asked for at a time: bounds what is kept between pages.
_CHUNK = 8_192
_BOLD = re.compile(r"bold|[-,]medi(?:um)?\b|heavy|black|[-,]bd\b|cmbx|cmssbx|demi", re.IGNORECASE)
_WORD_ENDS = (0x20, 0x0A, 0x0D)
# ISO 32000-1, 9.6.2.2: fonts that need not be in the file, and are of Latin letters or symbols.
_STANDARD = re.compile(r"^(?:Helvetica|Times|Courier|Arial|TimesNewRoman|CourierNew|Symbol|ZapfDingbats)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Characters:
    """The n characters of a page in content order.

    Attributes:
        codes: Code points, shape (n,).
        boxes: Left, bottom, right, top in PDF points, shape (n, 4); bottom and top are the font's.
        sizes: Font sizes in points, shape (n,).
        bold: Shape (n,).
        sideways: Whether turned by 90° against the page as shown, shape (n,).
        foreign: Whether a font, other than the standard ones, is not in the file.
    """

    codes: NDArray[np.int64]
    boxes: NDArray[np.float64]
    sizes: NDArray[np.float64]
    bold: NDArray[np.bool_]
    sideways: NDArray[np.bool_]
    foreign: bool


class _Bulk:
    """PDFium's functions without declared arguments, which ctypes calls in a third of the time, and memory for what they write.

    Every argument has to be of the C type by itself: pointers by ``byref``, indices as int.
    """

    def __init__(self) -> None:
        self.code_of = _bare(pdfium_c.FPDFText_GetUnicode, ctypes.c_uint)
        self.object_of = _bare(pdfium_c.FPDFText_GetTextObject, ctypes.c_size_t)
        self.size_of = _bare(pdfium_c.FPDFText_GetFontSize, ctypes.c_double)
        self.angle_of = _bare(pdfium_c.FPDFText_GetCharAngle, ctypes.c_float)
        self.font_of = _bare(pdfium_c.FPDFTextObj_GetFont, ctypes.c_size_t)
        self._box_of = _bare(pdfium_c.FPDFText_GetCharBox, None)
        self._loose_of = _bare(pdfium_c.FPDFText_GetLooseCharBox, None)
        self._boxes = np.zeros((_CHUNK, 4))
        self._loose = np.zeros((_CHUNK, 4), dtype=np.float32)
        doubles = (ctypes.c_double * (4 * _CHUNK)).from_buffer(self._boxes.data)
        floats = (ctypes.c_float * (4 * _CHUNK)).from_buffer(self._loose.data)
        # FPDFText_GetCharBox writes left, right, bottom, top; kept are left, bottom, right, top.
        self._places = [[ctypes.byref(doubles, 8 * at) for at in range(side, 4 * _CHUNK, 4)] for side in (0, 2, 1, 3)]
        self._rects = [ctypes.byref(floats, 16 * at) for at in range(_CHUNK)]

    def boxes(self, page: Any, count: int) -> NDArray[np.float64]:
        """Return left and right of the characters' own shapes, bottom and top of their fonts', shape (count, 4).

        The loose box has the height of the font: boxes of one line are then of one height, and spaces have one.
        """
        out = np.zeros((count, 4))
        for start in range(0, count, _CHUNK):
            end = min(count, start + _CHUNK)
            self._boxes[:] = 0
            self._loose[:] = 0
            deque(map(self._box_of, repeat(page), range(start, end), *self._places), maxlen=0)
            deque(map(self._loose_of, repeat(page), range(start, end), self._rects), maxlen=0)
            out[start:end] = self._boxes[: end - start]
            # FS_RECTF is left, top, right, bottom.
            loose = self._loose[: end - start, [3, 1]]
            higher = loose[:, 1] > loose[:, 0]
            out[start:end, [1, 3]] = np.where(higher[:, None], loose, out[start:end, [1, 3]])
        return out


def _bare(function: Any, result: Any) -> Callable[..., Any]:
    return ctypes.PYFUNCTYPE(result)(ctypes.cast(function, ctypes.c_void_p).value or 0)


@cache
def _bulk() -> _Bulk:
    return _Bulk()


def read_characters(textpage: Any, rotation: int) -> Characters:
    """Return the characters of a page.

    Args:
        textpage: A pypdfium2 text page.
        rotation: Of its page, in degrees.

    Raises:
        ValueError: A code is no character's.
    """
    count = max(0, textpage.count_chars())
    bulk, page = _bulk(), ctypes.byref(textpage.raw.contents) if count else None
    every = range(count)
    codes = np.fromiter(map(bulk.code_of, repeat(page), every), np.int64, count)
    objects = np.fromiter(map(bulk.object_of, repeat(page), every), np.uint64, count)
    boxes = bulk.boxes(page, count)
    starts = np.flatnonzero(np.concatenate([[True], objects[1:] != objects[:-1]])) if count else np.zeros(0, dtype=np.int64)
    lengths = np.diff(np.append(starts, count))
    said = np.repeat(np.fromiter(map(bulk.size_of, repeat(page), starts.tolist()), np.float64, len(starts)), lengths)
    tall = boxes[:, 3] - boxes[:, 1]
    # A font scaled by its matrix says size 1 and is none the smaller for it: its box tells.
    sizes = np.where(((0.5 * tall <= said) & (said <= 2 * tall)) | (tall == 0), said, 0.9 * tall)
    bold, sideways = _styles(bulk, textpage.raw, codes, sizes, objects, rotation)
    codes, kept = _paired(codes)
    return Characters(codes, boxes[kept], sizes[kept], bold[kept], sideways[kept], _has_foreign(set(objects[starts].tolist())))


def _paired(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return codes with pairs of surrogates as the one character they are, and the places that are left.

    PDFium counts in units of UTF-16: a letter of mathematics, a rare ideograph or an emoji is two, with the same box.
    """
    high = np.flatnonzero((codes[:-1] >> 10 == 0xD800 >> 10) & (codes[1:] >> 10 == 0xDC00 >> 10))
    if not len(high):
        return codes, np.arange(len(codes))
    whole = codes.copy()
    whole[high] = 0x10000 + ((codes[high] & 0x3FF) << 10) + (codes[high + 1] & 0x3FF)
    kept = np.delete(np.arange(len(codes)), high + 1)
    return whole[kept], kept


def _styles(
    bulk: _Bulk, handle: Any, codes: NDArray[np.int64], sizes: NDArray[np.float64], objects: NDArray[np.uint64], rotation: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for each character whether it is bold and whether it is turned sideways: asked where its size changes or a word begins."""
    if not len(codes):
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    begins = np.concatenate([[True], (sizes[1:] != sizes[:-1]) | np.isin(codes[:-1], _WORD_ENDS)])
    places = np.flatnonzero(begins)
    page = ctypes.byref(handle.contents)
    known: dict[int, tuple[bool, bool]] = {}
    heavy: dict[int, bool] = {}
    names: dict[bytes, bool] = {}
    found: list[tuple[bool, bool]] = []
    for place, item in zip(places.tolist(), objects[places].tolist(), strict=True):
        style = known.get(item)
        if style is None:
            # Radians, counted from the page's own axes: seen from the reader's side the page's rotation comes off.
            angle = round(math.degrees(bulk.angle_of(page, place)) - rotation) % 180
            style = (False, 45 < angle < 135)
            if item:
                font = _font_of(item)
                if font not in heavy:
                    heavy[font] = _is_heavy(handle, place, names)
                style = known[item] = (heavy[font], style[1])
        found.append(style)
    table = np.repeat(np.array(found, dtype=bool), np.diff(np.append(places, len(codes))), axis=0)
    return table[:, 0], table[:, 1]


def _is_heavy(handle: Any, place: int, names: dict[bytes, bool]) -> bool:
    """Return whether a character's font is bold, by its name or its weight."""
    buffer = ctypes.create_string_buffer(128)
    length = pdfium_c.FPDFText_GetFontInfo(handle, place, buffer, 128, ctypes.c_int())
    name = buffer.raw[: max(0, min(length, 128) - 1)]
    if name not in names:
        names[name] = bool(_BOLD.search(name.decode("utf-8", "replace"))) or pdfium_c.FPDFText_GetFontWeight(handle, place) >= 600
    return names[name]


def _has_foreign(objects: set[int]) -> bool:
    """Return whether a text object's font is neither in the file nor a standard one."""
    fonts = {_font_of(item) for item in objects - {0}} - {0}
    return any(_is_foreign(ctypes.cast(font, pdfium_c.FPDF_FONT)) for font in fonts)


def _font_of(item: int) -> int:
    """Return the address of a text object's font, 0 without one."""
    found: int = _bulk().font_of(ctypes.c_void_p(item))
    return found


def _is_foreign(font: Any) -> bool:
    if pdfium_c.FPDFFont_GetIsEmbedded(font):
        return False
    buffer = ctypes.create_string_buffer(128)
    length = pdfium_c.FPDFFont_GetBaseFontName(font, buffer, 128)
    return not _STANDARD.match(buffer.raw[: max(0, min(length, 128) - 1)].decode("utf-8", "replace"))
