"""RapidOCR as an OCR engine: PP-OCRv6 on onnxruntime, models of 31 MB in the wheel of rapidocr, one model for Chinese and English.

Measured beside Debian's tesseract (see ``docs/ocr.md``); what is set here halves time and memory at the same accuracy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.readers.ocr import OcrLine

__all__ = ["RapidEngine"]

# Lines are looked for on a picture of so many pixels at most, and read from the full one.
_DETECT_SIDE = 1_280
_OPTIONS: dict[str, Any] = {
    "Global.log_level": "critical",
    "Global.max_side_len": 100_000,
    "Global.use_cls": False,
    "Det.limit_type": "max",
    "Det.limit_side_len": _DETECT_SIDE,
    "Rec.rec_batch_num": 1,
    # One thread: ingest reads files side by side, and each further thread takes address space, which is limited.
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


class RapidEngine:
    """Reads pictures with RapidOCR."""

    def __init__(self) -> None:
        from rapidocr import RapidOCR

        self._ocr = RapidOCR(params=dict(_OPTIONS))

    def read(self, image: NDArray[np.uint8]) -> list[OcrLine]:
        """Return the lines of a picture of shape (height, width, 3), RGB, each with a box for every character."""
        # OpenCV's order of colours is BGR.
        found = self._ocr(np.ascontiguousarray(image[:, :, ::-1]), return_word_box=True, return_single_char_box=True)
        if getattr(found, "txts", None) is None:
            return []
        words = found.word_results if len(found.word_results or ()) == len(found.txts) else [()] * len(found.txts)
        return [
            OcrLine(text, _boxes(text, np.asarray(quad, dtype=np.float64), chars))
            for text, quad, chars in zip(found.txts, found.boxes, words, strict=True)
        ]


def _boxes(text: str, quad: NDArray[np.float64], chars: Any) -> NDArray[np.float64]:
    """Return a box for each character of a line: those that the engine gives to its visible ones, and what lies between for spaces.

    Args:
        text: The line.
        quad: Its corners, shape (4, 2).
        chars: Triples of character, confidence and corners; if they do not fit the text, the line's box is parted evenly.
    """
    left, top = quad.min(axis=0)
    right, bottom = quad.max(axis=0)
    edges = np.linspace(left, right, len(text) + 1)
    out = np.stack([edges[:-1], np.full(len(text), top), edges[1:], np.full(len(text), bottom)], axis=1)
    places = [at for at, char in enumerate(text) if not char.isspace()]
    if [text[at] for at in places] != [char for char, _, _ in chars]:
        return out
    for at, (_, _, corners) in zip(places, chars, strict=True):
        points = np.asarray(corners, dtype=np.float64)
        out[at] = *points.min(axis=0), *points.max(axis=0)
    for at, char in enumerate(text):
        if char.isspace() and 0 < at < len(text) - 1:
            out[at] = out[at - 1, 2], out[at - 1, 1], max(out[at + 1, 0], out[at - 1, 2]), out[at - 1, 3]
    return out
