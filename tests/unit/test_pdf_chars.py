"""Characters of a page read in bulk: what they say is what PDFium says of each by itself."""

from __future__ import annotations

import ctypes

import makers
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest
from test_chinese_fonts import TEXT, pdf_not_embedded

from ingest.readers import pdf_chars
from ingest.readers.pdf_chars import Characters, read_characters


def read(data: bytes) -> tuple[Characters, list[tuple[int, list[float]]]]:
    """Return the first page's characters, and code and box of each as single calls give them."""
    document = pdfium.PdfDocument(data)
    page = document[0]
    textpage = page.get_textpage()
    found = read_characters(textpage, page.get_rotation())
    single = []
    for index in range(textpage.count_chars()):
        left, bottom, right, top = textpage.get_charbox(index)
        rect = pdfium_c.FS_RECTF()
        if pdfium_c.FPDFText_GetLooseCharBox(textpage.raw, index, ctypes.byref(rect)) and rect.top > rect.bottom:
            bottom, top = rect.bottom, rect.top
        single.append((pdfium_c.FPDFText_GetUnicode(textpage.raw, index), [left, bottom, right, top]))
    document.close()
    return found, single


@pytest.mark.parametrize("chunk", [7, 8_192])
@pytest.mark.parametrize("degrees", [0, 90])
def test_codes_and_boxes_are_those_of_single_calls(monkeypatch: pytest.MonkeyPatch, chunk: int, degrees: int) -> None:
    monkeypatch.setattr(pdf_chars, "_CHUNK", chunk)
    pdf_chars._bulk.cache_clear()
    try:
        plain = makers.pdf_plain([makers.PROSE])
        found, single = read(makers.pdf_rotated(plain, degrees) if degrees else plain)
    finally:
        pdf_chars._bulk.cache_clear()
    assert len(single) > 100
    assert found.codes.tolist() == [code for code, _ in single]
    assert np.array_equal(found.boxes, np.array([box for _, box in single]))
    # The turned page is shown upright; line ends have no direction.
    assert not found.sideways[found.codes > 32].any()


def test_a_font_that_is_not_in_the_file_is_told_from_the_standard_ones() -> None:
    assert read(pdf_not_embedded(TEXT, "GBK-EUC-H", "CIDFontType2"))[0].foreign
    standard, _ = read(makers.pdf_plain([makers.PROSE]))
    assert not standard.foreign


def test_an_empty_page_has_no_characters() -> None:
    found, _ = read(makers.pdf_plain([""]))
    assert len(found.codes) == len(found.boxes) == len(found.sizes) == len(found.bold) == 0
