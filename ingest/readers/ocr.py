"""OCR engines: the one that is used for scanned pages, and what a person can do to have one.

``auto`` takes RapidOCR where the extra ``ocr`` is installed (its models lie in its wheel: nothing is downloaded); ``module:Class`` takes
any class with the same ``read``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.kb.settings import ReadSettings

__all__ = ["OcrEngine", "OcrLine", "advice", "find_engine"]


@dataclass(frozen=True, slots=True)
class OcrLine:
    """A line as an engine reads it.

    Attributes:
        text: What it reads.
        boxes: Shape (len(text), 4): x0, y0, x1, y1 of each character in pixels of the picture, origin at the top left.
    """

    text: str
    boxes: NDArray[np.float64]


class OcrEngine(Protocol):
    """What reads text from a picture."""

    def read(self, image: NDArray[np.uint8]) -> Sequence[OcrLine]:
        """Return the lines of a picture of shape (height, width, 3), RGB."""
        ...


def _installed() -> bool:
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def advice(settings: ReadSettings) -> str:
    """Return what to do to have scanned pages read, empty if OCR is on already."""
    if settings.ocr == "off":
        return "To read scans by OCR, set read.ocr (WENJU_READ__OCR) to auto."
    if settings.ocr == "auto" and not _installed():
        return "To read scans by OCR, install the extra `ocr` (`make ocr`) and ingest the file again with --force."
    return ""


def find_engine(settings: ReadSettings) -> OcrEngine | None:
    """Return a new engine, None if there is none or it is switched off."""
    if advice(settings):
        return None
    target = "ingest.readers.ocr_rapid:RapidEngine" if settings.ocr == "auto" else settings.ocr
    module, _, name = target.partition(":")
    engine: OcrEngine = getattr(import_module(module), name)()
    return engine
