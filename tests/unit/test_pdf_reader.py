"""PDF: locked, damaged and empty files, and the order, tables and furniture of pages made for the purpose."""

from __future__ import annotations

import io
from pathlib import Path

import makers
import pypdf
import pytest
from pypdf.annotations import Text
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, RectangleObject, TextStringObject

from ingest.kb.errors import LimitExceeded, LockedFile, ReadError
from ingest.kb.model import Page, unpack_boxes
from ingest.kb.settings import ReadSettings

LEFT = " ".join(f"Left sentence number {n} tells of the use of models in firms." for n in range(1, 12))
RIGHT = " ".join(f"Right sentence number {n} tells of the cost of models in firms." for n in range(1, 12))
ROWS = [
    ("Model", "Share", "Cost"),
    ("Alpha", "12.5%", "3.20"),
    ("Beta", "7.1%", "0.85"),
    ("Gamma", "4.0%", "1.10"),
    ("Delta", "2.2%", "9.99"),
]


def pages_of(tmp_path: Path, data: bytes, **options: str) -> list[Page]:
    """Return the pages of a PDF, each checked."""
    _, pages = makers.read(makers.put(tmp_path, "report.pdf", data), password=options.get("password"))
    for page in pages:
        makers.check_page(page)
        if page.boxes is not None:
            assert len(unpack_boxes(page.boxes)) == len(page.text)
    return pages


def squeeze(text: str) -> str:
    """Return a text with runs of white space as one space."""
    return " ".join(text.split())


# ---- text and boxes --------------------------------------------------------------------------------------------------------------------


def test_prose_is_one_paragraph_with_a_box_for_every_character(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_plain([makers.PROSE]))
    assert makers.kinds(page) == [("paragraph", makers.PROSE.strip())]
    assert (round(page.width), round(page.height)) == (595, 842)
    assert page.boxes is not None
    boxes = unpack_boxes(page.boxes)
    printed = [box for char, box in zip(page.text, boxes, strict=True) if not char.isspace()]
    assert all(0 < x0 < x1 < 1 and 0 < y0 < y1 < 1 for x0, y0, x1, y1 in printed)
    # The text was set in a column of 470 points at 60 points from the left, 110 from the top.
    assert 0.09 < min(box[0] for box in printed) < 0.12
    assert 0.12 < min(box[1] for box in printed) < 0.16
    assert max(box[2] for box in printed) < 0.91


def test_boxes_follow_the_words(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_plain([makers.PROSE]))
    assert page.boxes is not None
    boxes = unpack_boxes(page.boxes)
    first, later = page.text.index("Most"), page.text.index("service desks")
    assert boxes[first][1] < boxes[later][1]
    assert all(boxes[i][2] <= boxes[i + 1][0] + 0.002 for i in range(first, first + 3))


def test_hyphens_at_line_ends_are_undone(tmp_path: Path) -> None:
    (page,) = pages_of(
        tmp_path,
        makers.pdf_plain(["The report speaks of a remark-\nable gain in the use of mod-\nels at work, in state-of-the-art\nsystems."]),
    )
    assert squeeze(page.text) == "The report speaks of a remarkable gain in the use of models at work, in state-of-the-art systems."


def test_the_title_comes_from_metadata(tmp_path: Path) -> None:
    head, _ = makers.read(makers.put(tmp_path, "a.pdf", makers.pdf_plain([makers.PROSE], title="Models in 2025")))
    assert head.title == "Models in 2025"
    assert head.date
    head, _ = makers.read(makers.put(tmp_path, "b.pdf", makers.pdf_plain([makers.PROSE], title="Microsoft Word - draft.docx")))
    assert head.title != "Microsoft Word - draft.docx"


def test_the_largest_line_is_the_title_where_metadata_has_none(tmp_path: Path) -> None:
    head, _ = makers.read(makers.put(tmp_path, "a.pdf", makers.pdf_two_columns(LEFT, RIGHT)))
    assert head.title == "A report in two columns that a reader follows"


# ---- layout ----------------------------------------------------------------------------------------------------------------------------


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_two_columns(LEFT, RIGHT))
    assert makers.kinds(page)[0] == ("heading", "A report in two columns that a reader follows")
    text = squeeze(page.text)
    assert LEFT in text
    assert RIGHT in text
    assert text.index("Left sentence number 11") < text.index("Right sentence number 1 ")
    assert all(block.heading == ("A report in two columns that a reader follows",) for block in page.blocks[1:])


@pytest.mark.parametrize("ruled", [True, False])
def test_tables_are_rows_with_their_header(tmp_path: Path, ruled: bool) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_table(ROWS, ruled=ruled))
    assert makers.of_kind(page, "table_row") == [" | ".join(row) for row in ROWS]
    assert {block.header for block in page.blocks if block.kind == "table_row"} == {"Model | Share | Cost"}
    assert [squeeze(text) for text in makers.of_kind(page, "paragraph")] == [
        makers.PROSE.strip(),
        "After the table the text goes on. " + makers.PROSE.strip(),
    ]


@pytest.mark.parametrize("count", [2, 3, 6])
def test_running_heads_feet_and_page_numbers_are_left_out(tmp_path: Path, count: int) -> None:
    pages = pages_of(tmp_path, makers.pdf_running_heads(count))
    assert len(pages) == count
    for number, page in enumerate(pages):
        assert squeeze(page.text) == f"The body of page number {'abcdefgh'[number] * 4} stands here. {makers.PROSE.strip()}"


def test_heads_that_change_with_the_chapter_are_left_out_and_headers_of_tables_stay(tmp_path: Path) -> None:
    pdf = makers.new_pdf()
    for chapter, name in enumerate(("Money", "Work", "Schools", "Health"), 1):
        pdf.add_page()
        pdf.set_font("Helvetica", size=8)
        pdf.text(430, 40, f"{name} in figures")
        pdf.set_font("Helvetica", size=11)
        for row, cells in enumerate((("Item", "Share", "Cost"), (f"{name} one", f"{chapter}.5%", "3.20"), (f"{name} two", "7.1%", "0.85"))):
            for column, text in enumerate(cells):
                pdf.text(60 + 150 * column, 80 + 14 * row, text)
        pdf.set_xy(60, 160)
        pdf.multi_cell(w=470, h=14, text=makers.PROSE, align="L")
    pages = pages_of(tmp_path, bytes(pdf.output()))
    assert not any("in figures" in page.text for page in pages)
    assert all({block.header for block in page.blocks if block.kind == "table_row"} == {"Item | Share | Cost"} for page in pages)


def test_words_over_line_ends_keep_the_hyphens_of_their_own(tmp_path: Path) -> None:
    lines = [
        "Programming comes first. The write-",
        "ups speak of open-",
        "weight models and of OpenRouter; the pro-",
        "gramming share grew on Open-",
        "Router, see example.org/reports/state-",
        "of-models for more. A weight is open; open weights. An instruction-",
        "tuned model is fine-tuned by each instruction. A cross-",
        "lingual test, a cross-lingual set, a cross-lingual task, a cross-lingual",
        "score, cross-lingual sums and a cross-lingual index are no crosslingual thing.",
        "Costs are low. A low-",
        "cost body costs little; cost is a word, and so is title and body. A title-",
        "body pair is two, a plug-",
        "and-play part is plug-and-play.",
    ]
    (page,) = pages_of(tmp_path, makers.pdf_plain(["\n".join(lines)]))
    text = squeeze(page.text)
    for words in ("write-ups", "open-weight models", "the programming share", "on OpenRouter,", "example.org/reports/state-of-models"):
        assert words in text
    for words in ("instruction-tuned model", "A cross-lingual test", "A low-cost body", "A title-body pair", "a plug-and-play part"):
        assert words in text


def test_a_line_that_begins_with_a_table_s_name_goes_on_with_its_sentence(tmp_path: Path) -> None:
    lines = [
        "The figures of all the models over long documents are presented once more in",
        "Table 4. Sparse search turns out to be the better of the two by about ten points.",
        "",
        "Table 5. What the second search costs.",
    ]
    (page,) = pages_of(tmp_path, makers.pdf_plain(["\n".join(lines)]))
    assert makers.kinds(page) == [("paragraph", " ".join(lines[:2])), ("caption", lines[3])]


def test_dots_in_a_picture_make_no_table_of_contents(tmp_path: Path) -> None:
    lines = [
        "# Guide ......",
        "Positive pairs .......",
        "## Conclusion ...... .......",
        "self-supervised ....... has",
        *makers.PROSE.strip().split("\n"),
    ]
    (page,) = pages_of(tmp_path, makers.pdf_plain(["\n".join(lines)]))
    assert "contents" not in {kind for kind, _ in makers.kinds(page)}
    entries = [f"Chapter {n} ........ {n * 7}" for n in range(1, 6)]
    (page,) = pages_of(tmp_path, makers.pdf_plain(["\n".join(entries)]))
    assert {kind for kind, _ in makers.kinds(page)} == {"contents"}


def test_large_type_in_wide_lines_is_one_paragraph(tmp_path: Path) -> None:
    pdf = makers.new_pdf()
    for text, size, height in (
        (makers.PROSE * 8, 9, 12),
        ("The board states that this report is true and whole " * 4 + "in all its parts.", 12, 31),
    ):
        pdf.add_page()
        pdf.set_font("Helvetica", size=size)
        pdf.set_xy(60, 110)
        pdf.multi_cell(w=470, h=height, text=text, align="L")
    _, page = pages_of(tmp_path, bytes(pdf.output()))
    assert [kind for kind, _ in makers.kinds(page)] == ["paragraph"]


def test_characters_beyond_the_first_plane_are_read(tmp_path: Path) -> None:
    # A letter of mathematics, a rare ideograph: a and b of a standard font, which a map of the file says to be these.
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def /CMapType 2 def\n"
        b"1 begincodespacerange <00> <FF> endcodespacerange\n"
        b"3 beginbfchar <61> <D835DC58> <62> <D842DFB7> <63> <0063> endbfchar endcmap end end"
    )
    content = b"BT /F 12 Tf 60 700 Td (cac) Tj 0 -40 Td (bcb) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(cmap), cmap),
    ]
    (page,) = pages_of(tmp_path, makers.pdf_of_objects(objects))
    # The letter is folded to the plain one; each character has a box of its own.
    assert page.text.split() == ["ckc", "\U00020bb7c\U00020bb7"]
    assert page.boxes is not None
    boxes = unpack_boxes(page.boxes)
    assert all(x1 > x0 for (x0, _, x1, _), char in zip(boxes, page.text, strict=True) if not char.isspace())


def test_the_head_of_a_single_page_stays(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_running_heads(1))
    assert "Survey of models - Chapter 1" in page.text


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_is_read_as_it_is_shown(tmp_path: Path, degrees: int) -> None:
    upright = makers.pdf_plain([makers.PROSE])
    (straight,), (turned,) = pages_of(tmp_path, upright), pages_of(tmp_path, makers.pdf_rotated(upright, degrees))
    assert turned.text == straight.text
    assert (turned.width, turned.height) == pytest.approx((straight.width, straight.height), abs=0.1)
    assert straight.boxes is not None
    assert turned.boxes is not None
    printed = [not char.isspace() for char in straight.text]
    boxes, wanted = unpack_boxes(turned.boxes)[printed], unpack_boxes(straight.boxes)[printed]
    assert boxes[:, [0, 2]] == pytest.approx(wanted[:, [0, 2]], abs=0.005)
    # Turned letters have boxes of their own height instead of the font's.
    assert (boxes[:, 1] >= wanted[:, 1] - 0.002).all()
    assert (boxes[:, 3] <= wanted[:, 3] + 0.002).all()


def test_an_inherited_page_size_holds(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_inherited(makers.PROSE))
    assert (round(page.width), round(page.height)) == (595, 842)
    assert squeeze(page.text) == makers.PROSE.strip()


def test_text_set_sideways_keeps_its_words(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_sideways(makers.PROSE))
    assert set(makers.PROSE.split()) <= set(page.text.split())


def test_an_empty_page_among_others_is_marked(tmp_path: Path) -> None:
    pages = pages_of(tmp_path, makers.pdf_plain([makers.PROSE, "", makers.PROSE]))
    assert [bool(page.text) for page in pages] == [True, False, True]
    assert pages[1].warnings == ("blank",)
    assert pages[1].boxes is None
    assert [page.number for page in pages] == [1, 2, 3]


def test_a_picture_of_a_page_has_no_text(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "scan.pdf", makers.pdf_picture()))
    assert head.page_count == 1
    assert [(page.text, page.warnings) for page in pages] == [("", ("no text layer",))]


# ---- locked ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_locked_file_opens_with_either_password(tmp_path: Path, algorithm: str) -> None:
    data = makers.pdf_locked(
        makers.pdf_plain([makers.PROSE]), user="讀者 pass" if algorithm == "AES-256" else "reader", owner="owner", algorithm=algorithm
    )
    for password in ("讀者 pass" if algorithm == "AES-256" else "reader", "owner"):
        (page,) = pages_of(tmp_path, data, password=password)
        assert "78% of all firms" in page.text


@pytest.mark.parametrize("password", [None, "", "wrong"])
def test_a_locked_file_is_named_as_such(tmp_path: Path, password: str | None) -> None:
    path = makers.put(tmp_path, "a.pdf", makers.pdf_locked(makers.pdf_plain([makers.PROSE]), user="reader", owner="owner"))
    with pytest.raises(LockedFile, match="is locked") as caught:
        makers.read(path, password=password)
    assert caught.value.code == "locked_file"
    assert "--password" in caught.value.hint
    assert "reader" not in caught.value.message
    assert not password or password not in caught.value.message


def test_a_file_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, makers.pdf_locked(makers.pdf_plain([makers.PROSE]), user="", owner="owner"))
    assert "78% of all firms" in page.text


# ---- damaged ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95])
def test_a_cut_off_file_is_read_or_refused(tmp_path: Path, part: float) -> None:
    data = makers.pdf_plain([makers.PROSE] * 5)
    try:
        pages = pages_of(tmp_path, data[: int(len(data) * part)])
    except ReadError as error:
        fault = error
    else:
        assert 1 <= len(pages) <= 5
        return
    assert "damaged PDF" in fault.message or "without pages" in fault.message
    assert fault.hint


def test_a_header_alone_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="damaged PDF"):
        makers.read(makers.put(tmp_path, "a.pdf", b"%PDF-1.7\n" + b"nothing of a PDF " * 50))


def test_a_file_without_pages(tmp_path: Path) -> None:
    data = makers.pdf_of_objects([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"])
    with pytest.raises(ReadError, match=r"without pages|damaged"):
        makers.read(makers.put(tmp_path, "a.pdf", data))


def test_a_page_tree_that_points_at_itself_ends(tmp_path: Path) -> None:
    data = makers.pdf_of_objects([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 4 >>"])
    try:
        _, pages = makers.read(makers.put(tmp_path, "a.pdf", data))
    except ReadError:
        return
    assert all(not page.text for page in pages)


def test_a_page_count_that_lies_is_held_to_the_limit(tmp_path: Path) -> None:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>"
    data = makers.pdf_of_objects([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1000000000 >>", page])
    try:
        _, pages = makers.read(makers.put(tmp_path, "a.pdf", data))
    except ReadError:
        return
    assert len(pages) <= ReadSettings().max_pages


def test_a_page_without_size_or_of_a_mile_costs_that_page_only(tmp_path: Path) -> None:
    kids = [b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9000000 9000000] >>", b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 0 0] >>"]
    data = makers.pdf_of_objects([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>", *kids])
    _, pages = makers.read(makers.put(tmp_path, "a.pdf", data))
    assert [page.text for page in pages] == ["", ""]
    assert all(page.warnings for page in pages)


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    path = makers.put(tmp_path, "a.pdf", makers.pdf_plain(["one", "two", "three"]))
    assert len(makers.read(path, settings=ReadSettings(max_pages=3))[1]) == 3
    with pytest.raises(LimitExceeded, match="has 3 pages, the limit is 2"):
        makers.read(path, settings=ReadSettings(max_pages=2))


def test_pages_without_end_in_the_outline_are_survived(tmp_path: Path) -> None:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Outlines 4 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>",
        b"<< /Type /Outlines /First 5 0 R /Last 5 0 R /Count 1 >>",
        b"<< /Title (loop) /Parent 4 0 R /Next 5 0 R /First 5 0 R /Dest [3 0 R /Fit] >>",
    ]
    _, pages = makers.read(makers.put(tmp_path, "a.pdf", makers.pdf_of_objects(objects)))
    assert len(pages) == 1


# ---- beside the text -------------------------------------------------------------------------------------------------------------------


def test_attachments_notes_and_form_fields_are_listed_and_not_read(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(makers.pdf_plain([makers.PROSE, makers.PROSE])))
    writer.add_attachment("figures.csv", b"a,b")
    writer.add_annotation(1, Text(text="Check this figure", rect=(50, 550, 200, 650)))
    field = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Widget"),
            NameObject("/FT"): NameObject("/Tx"),
            NameObject("/T"): TextStringObject("answer"),
            NameObject("/V"): TextStringObject("secret value"),
            NameObject("/Rect"): ArrayObject([FloatObject(value) for value in (50, 50, 200, 80)]),
        }
    )
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(field)])
    out = io.BytesIO()
    writer.write(out)
    head, pages = makers.read(makers.put(tmp_path, "a.pdf", out.getvalue()))
    assert head.warnings == (
        "1 attached file(s) not read: figures.csv",
        "1 note(s) not read, on page 2",
        "1 form field(s) not read, on page 1",
    )
    assert [squeeze(page.text) for page in pages] == [makers.PROSE.strip()] * 2


def test_what_is_cropped_away_is_not_read_and_boxes_are_of_what_is_shown(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(makers.pdf_plain([makers.PROSE])))
    writer.pages[0].cropbox = RectangleObject((50, 642, 545, 742))
    out = io.BytesIO()
    writer.write(out)
    (page,) = pages_of(tmp_path, out.getvalue())
    assert (round(page.width), round(page.height)) == (495, 100)
    assert squeeze(page.text) == makers.PROSE.strip()
    assert page.boxes is not None
    # The text begins at 110 of 842 points from the top, of which 100 are cropped away.
    first = unpack_boxes(page.boxes)[0]
    assert 0.0 < first[0] < 0.05
    assert 0.08 < first[1] < 0.3


# ---- the project's own reports ---------------------------------------------------------------------------------------------------------


def test_the_reports_of_the_corpus_are_read_whole(repository: Path) -> None:
    paths = sorted((repository / "corpus" / "reports").glob("*.pdf"))
    assert len(paths) >= 3
    for path in paths:
        head, pages = makers.read(path)
        assert head.title
        assert head.page_count == len(pages)
        for page in pages:
            makers.check_page(page)
            assert page.text
            assert not page.warnings
            assert page.boxes is not None
            assert len(unpack_boxes(page.boxes)) == len(page.text)
