"""Scanned pages: named with what to do where there is no OCR, read and marked where there is."""

from __future__ import annotations

import io
import unicodedata
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import makers
import numpy as np
import pypdf
import pytest

from ingest.build import ingest_paths
from ingest.kb.errors import SettingsError
from ingest.kb.knowledge import KnowledgeBase
from ingest.kb.model import Page, unpack_boxes
from ingest.kb.settings import ReadSettings, Settings, load_settings
from ingest.readers.ocr import advice, find_engine
from ingest.readers.ocr_pages import _even_sizes, _size
from ingest.readers.pdf_lines import Line

FAKE = "makers:FakeOcr"
SAID = makers.FakeOcr.said
REPORTS = ("ai-use-brief-en.pdf", "ai-economy-brief-zh-hant.pdf", "open-models-brief-zh-hans.pdf")
needs_engine = pytest.mark.skipif(bool(advice(ReadSettings())), reason="the extra `ocr` is not installed (make ocr)")


def pages_of(tmp_path: Path, data: bytes, ocr: str = FAKE, **read: Any) -> list[Page]:
    """Return the pages of a PDF read with an engine."""
    _, pages = makers.read(makers.put(tmp_path, "report.pdf", data), settings=ReadSettings(ocr=ocr, **read))
    for page in pages:
        makers.check_page(page)
    return pages


def joined(*parts: bytes) -> bytes:
    """Return PDFs one behind the other."""
    writer = pypdf.PdfWriter()
    for part in parts:
        writer.append(io.BytesIO(part))
    return makers._written(writer)


# ---- which pages -----------------------------------------------------------------------------------------------------------------------


def test_only_pages_without_text_are_read_from_their_picture(tmp_path: Path) -> None:
    pages = pages_of(tmp_path, joined(makers.pdf_plain([makers.PROSE]), makers.pdf_picture(), makers.pdf_plain([""])))
    assert [(page.ocr, page.text[:10]) for page in pages] == [(False, "Most firms"), (True, SAID[:10]), (False, "")]
    assert [page.warnings for page in pages] == [(), (), ("blank",)]


def test_a_box_of_a_letter_read_by_ocr_lies_over_it(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_picture())
    assert page.text == SAID
    assert page.boxes is not None
    boxes = unpack_boxes(page.boxes)
    # The black bar of the picture: 80 to 300 of 600 across, 80 to 120 of 800 down.
    edges = [boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()]
    assert edges == pytest.approx([80 / 600, 80 / 800, 300 / 600, 120 / 800], abs=0.003)
    assert all(boxes[i, 2] <= boxes[i + 1, 0] + 0.001 for i in range(len(boxes) - 1))


def test_a_scan_that_is_shown_turned_is_read_as_shown(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_rotated(makers.pdf_picture(), 90))
    assert page.boxes is not None
    boxes = unpack_boxes(page.boxes)
    assert (boxes[:, 0].min(), boxes[:, 1].min()) == pytest.approx((80 / 600, 80 / 800), abs=0.003)


def test_a_scan_with_a_stamp_is_read_if_ocr_finds_clearly_more(tmp_path: Path) -> None:
    scan = makers.pdf_scan(makers.pdf_plain([makers.PROSE]), stamp="REF 0012")
    (page,) = pages_of(tmp_path, scan)
    assert (page.ocr, page.text) == (True, SAID)
    (page,) = pages_of(tmp_path, scan, ocr="makers:BlindOcr")
    assert (page.ocr, page.text, page.warnings) == (False, "REF 0012", ())


def test_a_font_without_a_character_map_is_read_from_its_picture(tmp_path: Path) -> None:
    data = makers.pdf_scrambled()
    (page,) = pages_of(tmp_path, data, ocr="off")
    assert (page.text, page.ocr) == ("", False)
    assert "no character map" in page.warnings[0]
    (page,) = pages_of(tmp_path, data)
    assert (page.text, page.ocr, page.warnings) == (SAID, True, ())


def test_a_page_on_which_ocr_finds_nothing_says_so(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_picture(), ocr="makers:BlindOcr")
    assert (page.text, page.ocr, page.warnings) == ("", False, ("no text layer, and OCR found no text",))


def test_an_engine_that_fails_costs_the_page_only(tmp_path: Path) -> None:
    text, scan = pages_of(tmp_path, joined(makers.pdf_plain([makers.PROSE]), makers.pdf_picture()), ocr="makers:BrokenOcr")
    assert text.text.startswith("Most firms")
    assert (scan.text, scan.ocr) == ("", False)
    assert scan.warnings == ("no text layer, and OCR failed (RuntimeError: no memory for the picture)",)


def test_pages_left_when_the_time_is_up_are_named(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_picture(), ocr_timeout_s=0)
    assert page.ocr is False
    assert "read.ocr_timeout_s" in page.warnings[0]


# ---- switched off or not installed -----------------------------------------------------------------------------------------------------


def test_off_is_off(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_picture(), ocr="off")
    assert (page.text, page.ocr, page.warnings) == ("", False, ("no text layer",))
    assert find_engine(ReadSettings(ocr="off")) is None
    assert "WENJU_READ__OCR" in advice(ReadSettings(ocr="off"))


def test_without_the_extra_the_advice_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.readers.ocr.find_spec", lambda name: None)
    assert find_engine(ReadSettings()) is None
    assert "`ocr`" in advice(ReadSettings())
    assert advice(ReadSettings(ocr=FAKE)) == ""


@pytest.mark.parametrize("value", ["on", "", "os:", "a b:c", "auto "])
def test_another_value_of_the_setting_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_READ__OCR", value)
    with pytest.raises(SettingsError, match=r"read\.ocr"):
        load_settings()


def test_the_report_names_scanned_pages_and_how_to_have_them_read(tmp_path: Path) -> None:
    path = makers.put(tmp_path, "half.pdf", joined(makers.pdf_plain([makers.PROSE]), makers.pdf_picture()))
    whole = makers.put(tmp_path, "scan.pdf", makers.pdf_picture())
    settings = Settings(data_dir=tmp_path / "data", embedding={"provider": "none"}, read={"ocr": "off"})
    half, scan = ingest_paths(settings, [path, whole]).files
    assert half.warnings == ("no text on 1 of 2 pages: 2", advice(settings.read))
    assert (scan.outcome, scan.code, scan.hint) == ("failed", "no_text", advice(settings.read))


def test_read_pages_are_marked_in_report_and_catalogue(tmp_path: Path) -> None:
    path = makers.put(tmp_path, "half.pdf", joined(makers.pdf_plain([makers.PROSE]), makers.pdf_picture()))
    settings = Settings(data_dir=tmp_path / "data", embedding={"provider": "none"}, read={"ocr": FAKE})
    (result,) = ingest_paths(settings, [path]).files
    assert result.warnings == ("read by OCR, may hold errors: 1 of 2 pages: 2",)
    kb = KnowledgeBase(settings)
    pages = list(kb.catalogue.pages(result.document_id))
    texts = [text for passage, text in kb.catalogue.passages_of([result.document_id]) if passage.page == 2]
    kb.close()
    assert [page.ocr for page in pages] == [False, True]
    assert texts == [SAID]


# ---- sizes -----------------------------------------------------------------------------------------------------------------------------


def line(text: str, size: float) -> Line:
    """Return a line with boxes of no matter."""
    return Line(text, np.tile([0.0, 0.0, 1.0, 1.0], (len(text), 1)), size, False, 0)


def test_the_size_of_a_line_comes_from_its_width(tmp_path: Path) -> None:
    for size in (8, 11, 16):
        pdf = makers.new_pdf()
        pdf.add_page()
        pdf.set_font("Helvetica", size=size)
        pdf.text(60, 100, "The share of firms rose to 78% in 2025")
        _, (page,) = makers.read(makers.put(tmp_path, "a.pdf", makers._bytes(pdf)))
        assert page.boxes is not None
        boxes = unpack_boxes(page.boxes) * np.array([page.width, page.height] * 2)
        # A text detector's box is wider than the letters.
        boxes[-1, 2] += 2.5
        assert _size(page.text, boxes) == pytest.approx(size, rel=0.08)


def test_sizes_near_that_of_the_running_text_become_the_same() -> None:
    body = [line("A line of the running text that goes from edge to edge", 10.0 + 0.1 * n) for n in range(3)] * 4
    off, head, figure = line("A line of the running text, a bit off", 11.0), line("A heading of its own size", 14.0), line("59.4", 16.0)
    _even_sizes([[*body, off], [head, figure]])
    assert [item.size for item in (*body[:3], off, figure)] == [10.0] * 5
    assert head.size == 14.0


# ---- the engine of the extra -----------------------------------------------------------------------------------------------------------


def letters(text: str) -> str:
    """Return what counts of a text: OCR sets spaces and the width of punctuation by guess."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@needs_engine
@pytest.mark.slow
@pytest.mark.parametrize("name", REPORTS)
def test_a_scan_of_a_report_reads_as_the_report(name: str, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("OCR asked for the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    writer = pypdf.PdfWriter()
    writer.append(repository / "corpus" / "reports" / name, pages=(3, 4))
    data = makers._written(writer)
    _, (wanted,) = makers.read(makers.put(tmp_path, "text.pdf", data))
    (page,) = pages_of(tmp_path, makers.pdf_scan(data), ocr="auto")
    assert page.ocr
    paragraphs = [text for text in makers.of_kind(wanted, "paragraph") if len(text) > 80]
    assert len(paragraphs) >= 3
    for text in paragraphs:
        same = SequenceMatcher(None, letters(text), letters(page.text), autojunk=False)
        assert sum(block.size for block in same.get_matching_blocks()) >= 0.98 * len(letters(text))
    # The boxes lie where the text does.
    assert page.boxes is not None
    assert wanted.boxes is not None
    probe = letters(paragraphs[0])[:12]
    places = []
    for item in (wanted, page):
        kept = [(char, at) for at, char in enumerate(item.text) if not char.isspace()]
        start = "".join(unicodedata.normalize("NFKC", char) for char, _ in kept).find(probe)
        assert start >= 0
        assert item.boxes is not None
        places.append(unpack_boxes(item.boxes)[kept[start][1]])
    assert places[1] == pytest.approx(places[0], abs=0.012)
