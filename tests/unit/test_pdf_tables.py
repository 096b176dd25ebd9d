"""PDF tables and charts: columns, rows, headers and captions of pages made for the purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import makers
import numpy as np
import pytest
from fpdf import FPDF

from ingest.kb.model import Page
from ingest.kb.settings import RetrievalSettings
from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rows import is_caption, is_number, lift_labels, text_of
from ingest.split import split_page

Cell = tuple[float, str]


def new_pdf() -> FPDF:
    """Return a PDF in points on A4."""
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_font("Helvetica", size=10)
    return pdf


def put_rows(pdf: FPDF, top: float, rows: Sequence[Sequence[Cell]], *, step: float = 14, style: str = "") -> float:
    """Set rows of (x, text) from a baseline on; return the next baseline."""
    pdf.set_font("Helvetica", style=style, size=10)
    for row in rows:
        for x, text in row:
            pdf.text(x, top, text)
        top += step
    pdf.set_font("Helvetica", size=10)
    return top


def page_of(tmp_path: Path, draw: Callable[[FPDF], None]) -> Page:
    """Return the one page that a function draws."""
    pdf = new_pdf()
    pdf.add_page()
    draw(pdf)
    _, (page,) = makers.read(makers.put(tmp_path, "page.pdf", bytes(pdf.output())))
    makers.check_page(page)
    return page


def table_of(page: Page) -> list[str]:
    """Return the rows of the page's tables."""
    return makers.of_kind(page, "table_row")


def headers_of(page: Page) -> set[str]:
    """Return the headers of the page's table rows."""
    return {block.header for block in page.blocks if block.kind == "table_row"}


def test_a_caption_is_kept_with_its_table_and_is_no_header(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.text(200, 100, "Table 2: Models and what they cost")
        pdf.line(60, 110, 500, 110)
        put_rows(pdf, 124, [[(64, "Model"), (250, "Share"), (400, "Cost")]])
        pdf.line(60, 130, 500, 130)
        put_rows(pdf, 144, [[(64, "Alpha"), (250, "12.5%"), (400, "3.20")], [(64, "Beta"), (250, "7.1%"), (400, "0.85")]])
        pdf.line(60, 164, 500, 164)

    page = page_of(tmp_path, draw)
    assert makers.kinds(page)[0] == ("caption", "Table 2: Models and what they cost")
    assert table_of(page) == ["Model | Share | Cost", "Alpha | 12.5% | 3.20", "Beta | 7.1% | 0.85"]
    assert headers_of(page) == {"Model | Share | Cost"}


def test_wrapped_cells_between_rules_are_one_row(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        tops = [100, 116, 144, 172, 188]
        for y in tops:
            pdf.line(60, y, 500, y)
        put_rows(pdf, 112, [[(64, "Publisher"), (200, "Report"), (400, "Date")]])
        put_rows(
            pdf,
            128,
            [[(64, "Institute of"), (200, "The state of models in firms"), (400, "April")], [(64, "Measures"), (200, "and offices")]],
            step=11,
        )
        put_rows(pdf, 156, [[(64, "Bureau"), (200, "Use of models"), (400, "May and")], [(400, "June")]], step=11)
        put_rows(pdf, 184, [[(64, "Office"), (200, "Prices"), (400, "July")]])

    page = page_of(tmp_path, draw)
    assert table_of(page) == [
        "Publisher | Report | Date",
        "Institute of Measures | The state of models in firms and offices | April",
        "Bureau | Use of models | May and June",
        "Office | Prices | July",
    ]
    assert headers_of(page) == {"Publisher | Report | Date"}


def test_a_head_over_two_columns_names_both(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.line(60, 100, 500, 100)
        put_rows(pdf, 113, [[(310, "Accuracy")]])
        pdf.line(250, 118, 430, 118)
        put_rows(pdf, 130, [[(64, "Model"), (260, "Easy"), (380, "Hard"), (450, "Cost")]])
        pdf.line(60, 136, 500, 136)
        put_rows(
            pdf,
            150,
            [[(64, "Alpha"), (260, "91.0"), (380, "44.5"), (450, "3.2")], [(64, "Beta"), (260, "88.2"), (380, "40.1"), (450, "1.1")]],
        )
        pdf.line(60, 170, 500, 170)

    page = page_of(tmp_path, draw)
    assert headers_of(page) == {"Model | Accuracy Easy | Accuracy Hard | Cost"}
    assert table_of(page)[1:] == ["Alpha | 91.0 | 44.5 | 3.2", "Beta | 88.2 | 40.1 | 1.1"]


def test_a_bold_header_of_two_lines_without_any_rule(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        put_rows(pdf, 100, [[(64, "Country"), (200, "Share of"), (320, "Growth")], [(200, "firms")]], step=12, style="B")
        put_rows(
            pdf,
            128,
            [[(64, name), (200, share), (320, "about a tenth")] for name, share in (("Japan", "12.0"), ("Korea", "9.5"), ("India", "3.1"))],
        )

    page = page_of(tmp_path, draw)
    assert headers_of(page) == {"Country | Share of firms | Growth"}
    assert table_of(page)[1:] == ["Japan | 12.0 | about a tenth", "Korea | 9.5 | about a tenth", "India | 3.1 | about a tenth"]


def test_columns_of_figures_may_stand_as_near_as_words(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.line(60, 100, 300, 100)
        put_rows(pdf, 112, [[(64, "Model"), (140, "ar"), (163, "bn"), (186, "en"), (209, "fa")]])
        pdf.line(60, 117, 300, 117)
        put_rows(pdf, 130, [[(64, name), (140, "31.9 39.5 48.2 26.7")] for name in ("Alpha", "Beta", "Gamma")])
        pdf.line(60, 162, 300, 162)

    page = page_of(tmp_path, draw)
    assert table_of(page)[1] == "Alpha | 31.9 | 39.5 | 48.2 | 26.7"
    assert headers_of(page) == {"Model | ar | bn | en | fa"}


def test_a_table_that_goes_on_overleaf_keeps_its_header(tmp_path: Path) -> None:
    pdf = new_pdf()
    for start, names in ((0, "ABCD"), (4, "EFGH")):
        pdf.add_page()
        top = 700.0 if not start else 60.0
        pdf.line(60, top - 12, 500, top - 12)
        if not start:
            put_rows(pdf, top, [[(64, "Item"), (250, "Amount"), (400, "Note")]])
            pdf.line(60, top + 4, 500, top + 4)
            top += 16
        for number, name in enumerate(names, start):
            put_rows(pdf, top, [[(64, f"Item {name}"), (250, f"{number + 1},000"), (400, "as paid")]])
            pdf.line(60, top + 4, 500, top + 4)
            top += 16
    _, pages = makers.read(makers.put(tmp_path, "two.pdf", bytes(pdf.output())))
    assert [headers_of(page) for page in pages] == [{"Item | Amount | Note"}] * 2
    assert table_of(pages[1])[0] == "Item E | 5,000 | as paid"


def test_shaded_cells_are_a_table_and_no_chart(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.set_fill_color(210)
        rows = [("Item", "Now", "Before"), ("Cash", "40.5", "45.1"), ("Debt", "12.0", "11.5"), ("Other", "3.3", "2.9")]
        for number, row in enumerate(rows):
            for place, text in enumerate(row):
                pdf.set_xy(60 + 140 * place, 100 + 20 * number)
                pdf.cell(w=140, h=20, text=text, border=1, fill=place == 0 or number == 0)

    page = page_of(tmp_path, draw)
    assert table_of(page) == ["Item | Now | Before", "Cash | 40.5 | 45.1", "Debt | 12.0 | 11.5", "Other | 3.3 | 2.9"]
    assert not makers.of_kind(page, "figure")


def draw_bars(pdf: FPDF) -> None:
    """Draw a chart of lying bars with a caption, labels, figures, an axis and a source."""
    pdf.text(60, 90, "The figure shows what the survey found among all firms that answered.")
    pdf.rect(60, 100, 440, 150)
    for number, (label, share) in enumerate((("Any use", 88), ("Tried agents", 62), ("Gain in profit", 39))):
        y = 120 + 25 * number
        pdf.text(70, y + 9, label)
        pdf.rect(180, y, 2.5 * share, 12, style="F")
        pdf.text(186 + 2.5 * share, y + 9, f"{share}%")
    for tick in (0, 50, 100):
        pdf.text(178 + 2.5 * tick, 210, str(tick))
    pdf.text(70, 240, "Source: a survey of firms, 2025.")
    pdf.text(180, 265, "Figure 2: Use of models, share of firms")


def test_a_chart_gives_its_labels_with_their_figures_and_no_ticks_to_passages(tmp_path: Path) -> None:
    page = page_of(tmp_path, draw_bars)
    assert table_of(page) == ["Any use | 88%", "Tried agents | 62%", "Gain in profit | 39%"]
    assert makers.of_kind(page, "figure") == ["0 50 100"]
    assert "Source: a survey of firms, 2025." in makers.of_kind(page, "paragraph")
    assert makers.of_kind(page, "caption") == ["Figure 2: Use of models, share of firms"]
    passages = list(split_page(page, document_id="doc", sha256="a" * 64, language="en", settings=RetrievalSettings()))
    assert passages
    assert not any("50 100" in page.text[passage.start : passage.end] for passage in passages)


def test_a_listing_between_rules_is_no_table(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.line(60, 100, 500, 100)
        put_rows(pdf, 113, [[(64, "Algorithm 1 A loop over the prompts")]])
        pdf.line(60, 118, 500, 118)
        put_rows(pdf, 132, [[(64, f"{n}:"), (90, f"take the next prompt and answer it {n}")] for n in range(1, 8)])
        pdf.line(60, 225, 500, 225)

    assert not table_of(page_of(tmp_path, draw))


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("Table 2: Average length", True),
        ("Table 2 | Comparison of models", True),
        ("Figure 3 The average response", True),
        ("Table 2 provides a comparison", False),
        ("表 1 本簡報引用的報告", True),
        ("圖 3　南韓與日本的普及率", True),
        ("表 2 列出了各家的用量", False),
        ("图 1 显示，差距在缩小", False),
    ],
)
def test_captions_are_told_from_sentences(text: str, caption: bool) -> None:
    assert is_caption(text) is caption


@pytest.mark.parametrize("text", ["14.37", "2,523 億", "$3.20", "12.3 (4.5)", "37B", "2.7 times", "0.7–0.9", "–", "-16.55%"])
def test_figures_with_units_are_figures(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize("text", ["CC-News", "2025 年 9 月", "about a third", "BF16", ""])
def test_words_are_no_figures(text: str) -> None:
    assert not is_number(text)


def test_rows_under_a_second_header_stand_under_its_names(tmp_path: Path) -> None:
    """A form of two tables in one grid: what the first one names must not be said of the figures of the second."""
    edges = (60, 180, 260, 320, 400, 480)
    rows: list[list[Cell]] = [
        [(64, "Holder"), (184, "Kind"), (264, "Share"), (324, "Restricted"), (404, "Pledged")],
        *([(64, f"Firm {name}"), (184, "legal"), (264, "29.43%"), (324, "257,055"), (404, "12,000")] for name in "ABC"),
        [(204, "Holders of free shares")],
        [(64, "Holder"), (184, "Free shares"), (324, "Type")],
        *([(64, f"Firm {name}"), (264, f"{number},895"), (324, "common")] for number, name in enumerate("ABCD", 11)),
    ]

    def draw(pdf: FPDF) -> None:
        for number, row in enumerate(rows):
            top = 100 + 18 * number
            put_rows(pdf, top + 13, [row])
            pdf.line(60, top, 480, top)
            for edge in (60, 480) if len(row) == 1 else edges:
                pdf.line(edge, top, edge, top + 18)
        pdf.line(60, 100 + 18 * len(rows), 480, 100 + 18 * len(rows))

    page = page_of(tmp_path, draw)
    first, second = "Holder | Kind | Share | Restricted | Pledged", "Holder |  | Free shares | Type |"
    assert [(page.text[b.start : b.end], b.header) for b in page.blocks] == [
        (first, first),
        *((f"Firm {name} | legal | 29.43% | 257,055 | 12,000", first) for name in "ABC"),
        ("Holders of free shares", ""),
        (second, second),
        *((f"Firm {name} |  | {number},895 | common |", second) for number, name in enumerate("ABCD", 11)),
    ]


def test_a_row_of_words_that_repeats_no_name_is_no_header(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.line(60, 100, 500, 100)
        put_rows(pdf, 113, [[(64, "Model"), (260, "Easy"), (380, "Licence")]])
        pdf.line(60, 118, 500, 118)
        put_rows(pdf, 132, [[(64, "Alpha"), (260, "91.0"), (380, "open")], [(64, "Beta"), (260, "none"), (380, "closed")]])
        put_rows(pdf, 160, [[(64, "Gamma"), (260, "88.2"), (380, "open")]])
        pdf.line(60, 166, 500, 166)

    assert headers_of(page_of(tmp_path, draw)) == {"Model | Easy | Licence"}


def line_at(text: str, x: float, y: float) -> Line:
    """Return a line of 10 points whose characters are 5 points wide."""
    boxes = np.array([[x + 5 * place, y, x + 5 * place + 5, y + 9] for place in range(len(text))], dtype=np.float64)
    return Line(text, boxes, 10.0, bold=False, order=0)


def grouped(space: float) -> list[list[list[Line]]]:
    """Return a table of two groups, their labels left of the names and in the cell of the name at half height."""
    rows, y = [[[line_at("Benchmark", 130, 100)], [line_at("Alpha", 320, 100)]]], 114.0
    for label, names in (("English", ("MMLU", "DROP", "SimpleQA")), ("Code", ("LiveBench", "Forces", "Verified"))):
        for place, name in enumerate(names):
            lines = [line_at(name, 130, y)]
            rows.append([[*lines, line_at(label, 80, y + 5)] if place == 1 else lines, [line_at("41.5", 320, y)]])
            y += 11
        y += space
    return rows


def test_labels_of_groups_are_lifted_out_of_the_names_of_rows() -> None:
    rows, labels = lift_labels(grouped(6))
    assert [text_of(row[0]) for row in rows] == ["Benchmark", "MMLU", "DROP", "SimpleQA", "LiveBench", "Forces", "Verified"]
    assert {place: text_of(lines) for place, lines in labels.items()} == {1: "English", 4: "Code"}


def test_labels_stay_where_no_space_tells_their_groups() -> None:
    rows, labels = lift_labels(grouped(0))
    assert (text_of(rows[2][0]), labels) == ("DROP English", {})


def test_a_name_on_two_lines_is_no_label() -> None:
    table = grouped(6)
    for row in (table[2], table[5]):
        row[0][1] = line_at("continued", 130, row[0][0].y0 + 9)
    rows, labels = lift_labels(table)
    assert (text_of(rows[2][0]), labels) == ("DROP continued", {})
