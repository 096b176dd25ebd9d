"""The second opinion on a PDF page: pypdf, asked where PDFium's text looks wrong or thin."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import Any

from ingest.readers.characters import clean, garbage_score

__all__ = ["SecondReader"]

_BAD = 0.02
# Fewer characters than this on a page that has fonts: PDFium may have lost those of one font.
_THIN = 400
_CJK_ENCODINGS = ("GB", "UniGB", "GBK", "B5", "ETen", "UniCNS", "HKscs", "UniJIS", "90ms", "KSC")


class SecondReader:
    """Reads single pages with pypdf.

    pypdf is 13 to 25 times slower than PDFium, so it is asked only where there is a reason: a garbage score, few characters, or a Chinese
    font that is not embedded (PDFium then may give nothing for it).
    """

    def __init__(self, path: Path, password: str | None) -> None:
        self._path = path
        self._password = password

    @cached_property
    def _reader(self) -> Any:
        import pypdf

        logging.getLogger("pypdf").setLevel(logging.CRITICAL)
        try:
            reader = pypdf.PdfReader(str(self._path), password=self._password)
            if reader.is_encrypted and self._password is None:
                reader.decrypt("")
            return reader
        except Exception:
            # pypdf raises whatever the damage provokes; without it PDFium's text stands.
            return None

    def worth(self, number: int, text: str, score: float, *, foreign: bool) -> bool:
        """Return whether a page should be read a second time.

        Args:
            number: Page, from 0.
            text: As PDFium reads it.
            score: Its garbage score.
            foreign: Whether PDFium saw a font that is not in the file; only then pypdf, which takes long to open a page, is asked for the
                encodings.
        """
        return score > _BAD or sum(map(len, text.split())) < _THIN or (foreign and self._foreign_font(number))

    def _foreign_font(self, number: int) -> bool:
        if self._reader is None:
            return False
        try:
            fonts = self._reader.pages[number].get("/Resources", {}).get_object().get("/Font", {}).get_object()
            for font in fonts.values():
                encoding = str(font.get_object().get("/Encoding", "")).lstrip("/")
                if encoding.startswith(_CJK_ENCODINGS):
                    descendant = font.get_object()["/DescendantFonts"][0].get_object()
                    descriptor = descendant.get("/FontDescriptor", {}).get_object()
                    if not any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")):
                        return True
        except Exception:
            return False
        return False

    def text(self, number: int) -> str:
        """Return the page's text as pypdf reads it, empty if it cannot."""
        if self._reader is None:
            return ""
        try:
            found = clean(self._reader.pages[number].extract_text() or "")
        except Exception:
            return ""
        return found if garbage_score(found) <= _BAD else ""
