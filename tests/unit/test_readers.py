"""Readers: the kind of a file by its content, the limits of size, and what HTML, DOCX and plain text give."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import makers
import pytest

from ingest.kb.errors import LimitExceeded, NoTextFound, ReadError, UnsupportedFile
from ingest.kb.settings import ReadSettings
from ingest.readers import kind_of

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"%PDF-1.7\n...", "report.md", "pdf"),
        (b"\n\njunk of a mail gateway\n%PDF-1.4\n", "report.txt", "pdf"),
        (b"# A heading\n\nText.", "report.pdf", "markdown"),
        (b"Text alone, no marks.", "report.md", "markdown"),
        (b"Text alone, no marks.", "report.pdf", "text"),
        (b"# A heading\n\nText.", "report.txt", "text"),
        (b"see [this](https://example.org)", "", "markdown"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "page.md", "html"),
        (b"\xef\xbb\xbf  <!-- saved --> <HTML><body>x</body></HTML>", "page", "html"),
        (b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"></html>', "page.xhtml", "html"),
        (b"<p>a fragment in Markdown</p>", "notes.md", "markdown"),
        (b"\n<h1>a fragment of a page</h1>", "notes.html", "html"),
        (b"no tag at all", "notes.html", "text"),
        (_zip("word/document.xml", "[Content_Types].xml"), "report.md", "docx"),
        ("\ufeff標題".encode("utf-16-le"), "notes.txt", "text"),
    ],
)
def test_kind_is_told_by_content(data: bytes, name: str, kind: str) -> None:
    assert kind_of(data, name) == kind


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PNG, "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x7fELF\x02", "program"),
        (gzip.compress(b"x"), "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Office"),
        (b"SQLite format 3\x00", "database"),
        (_zip("xl/workbook.xml"), "another kind than DOCX"),
        (_zip("word/document.xml")[:40], "broken archive"),
        (b"\x01\x02\x00\x03 text", "binary"),
    ],
)
def test_other_kinds_are_refused_with_what_they_are(data: bytes, said: str) -> None:
    with pytest.raises(UnsupportedFile, match=said) as caught:
        kind_of(data, "digest.md")
    assert caught.value.hint
    assert caught.value.code == "unsupported"


def test_a_pdf_named_markdown_is_read_as_pdf(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "report.md", makers.pdf_plain([makers.PROSE])))
    assert (head.media_type, head.paged) == ("application/pdf", True)
    assert "78% of all firms" in pages[0].text


def test_markdown_named_pdf_is_read_as_markdown(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "report.pdf", "# Models\n\nA **bold** claim.\n"))
    assert head.media_type == "text/markdown"
    assert makers.kinds(pages[0]) == [("heading", "Models"), ("paragraph", "A bold claim.")]


def test_an_image_named_markdown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFile, match="PNG"):
        makers.read(makers.put(tmp_path, "digest.md", PNG))


def test_the_name_that_is_shown_gives_the_suffix(tmp_path: Path) -> None:
    path = makers.put(tmp_path, "upload-0001", "Only words.\n")
    assert makers.read(path, name="digest.md")[0].media_type == "text/markdown"
    assert makers.read(path)[0].media_type == "text/plain"


def test_an_empty_file_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(NoTextFound, match="0 bytes"):
        makers.read(makers.put(tmp_path, "empty.md", b""))


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = makers.put(tmp_path, "long.md", "# A\n\n" + "x" * 100)
    size = path.stat().st_size
    assert makers.read(path, settings=ReadSettings(max_bytes=size))[1]
    with pytest.raises(LimitExceeded, match=rf"{size:,} bytes, the limit is {size - 1:,}"):
        makers.read(path, settings=ReadSettings(max_bytes=size - 1))


# ---- plain text ----------------------------------------------------------------------------------------------------------------------


def test_plain_text_joins_lines_into_paragraphs(tmp_path: Path) -> None:
    text = "A short title\n\nThe use of mod-\nels grew in\nevery branch.\n\n模型的使用\n逐年成長。\n\n- one\n- two\n"
    head, pages = makers.read(makers.put(tmp_path, "notes.txt", text))
    assert head.title == "A short title"
    assert makers.kinds(pages[0]) == [
        ("heading", "A short title"),
        ("paragraph", "The use of models grew in every branch."),
        ("paragraph", "模型的使用逐年成長。"),
        ("list_item", "- one"),
        ("list_item", "- two"),
    ]
    assert pages[0].blocks[1].heading == ("A short title",)
    makers.check_page(pages[0])


# ---- HTML ----------------------------------------------------------------------------------------------------------------------------

ARTICLE = """<!DOCTYPE html>
<html lang="zh-TW"><head><title>人工智慧年報</title><meta charset="utf-8"></head>
<body>
<nav><a href="/">首頁</a> <a href="/about">關於本站</a></nav>
<article><h1>人工智慧年報</h1>
<p>二〇二五年，企業採用人工智慧的比例達到百分之七十八，前一年為百分之五十五，成長幅度為歷年最大。</p>
<p style="display:none">看不見的句子不該出現在答案裡。</p>
<h2>各地區的比例</h2>
<p>各地區的採用比例相差甚大，北美與亞太地區領先，歐洲的成長較為平緩，以下表格列出三個地區的數字。</p>
<table><tr><th>地區</th><th>比例</th></tr><tr><td>北美</td><td>82%</td></tr><tr><td>亞太</td><td>76%</td></tr></table>
<p>上述數字來自一千四百九十一位受訪者的問卷，調查期間為二〇二五年三月至六月，涵蓋一百零一個國家。</p>
</article>
<script>var hidden = "腳本裡的字";</script>
<footer>版權所有</footer>
</body></html>"""


def test_html_gives_the_main_content_with_tables_as_rows(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "saved.html", ARTICLE))
    page = pages[0]
    assert (head.title, head.language, head.media_type, head.paged) == ("人工智慧年報", "zh-Hant", "text/html", False)
    assert "企業採用人工智慧的比例達到百分之七十八" in page.text
    assert "北美 | 82%" in makers.of_kind(page, "table_row")
    row = next(block for block in page.blocks if page.text[block.start : block.end] == "亞太 | 76%")
    assert row.header == "地區 | 比例"
    assert row.heading[-1] == "各地區的比例"
    for absent in ("看不見", "腳本", "關於本站", "版權所有"):
        assert absent not in page.text
    makers.check_page(page)


def test_html_entities_are_characters_and_hidden_rows_are_no_text(tmp_path: Path) -> None:
    hidden = "<tr hidden><td>Secret</td><td>1%</td></tr><tr><td>A&amp;B &#x4EBA;&#24037;</td><td>&lt;5&nbsp;%</td></tr>"
    html = f"<html><body><template>Secret</template><table><tr><th>Firm</th><th>Share</th></tr>{hidden}</table></body></html>"
    _, (page,) = makers.read(makers.put(tmp_path, "t.html", html))
    assert makers.of_kind(page, "table_row") == ["Firm | Share", "A&B 人工 | <5 %"]
    assert "Secret" not in page.text


def test_html_of_a_table_alone_is_read_whole(tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>model-{n}</td><td>{n}%</td></tr>" for n in range(40))
    html = f"<html><body><table><tr><th>Model</th><th>Share</th></tr>{rows}</table></body></html>"
    _, pages = makers.read(makers.put(tmp_path, "t.html", html))
    found = makers.of_kind(pages[0], "table_row")
    assert found[0] == "Model | Share"
    assert len(found) == 41
    assert all(block.header == "Model | Share" for block in pages[0].blocks)


def test_html_takes_its_declared_encoding(tmp_path: Path) -> None:
    html = ARTICLE.replace("utf-8", "big5").replace("〇", "零").encode("big5")
    head, pages = makers.read(makers.put(tmp_path, "big5.html", html))
    assert head.metadata["encoding"] == "big5"
    assert "調查期間為二零二五年三月至六月" in pages[0].text


def test_html_with_a_wrong_declared_encoding_is_read_all_the_same(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "wrong.html", ARTICLE.replace("utf-8", "x-unknown")))
    assert head.metadata["encoding"] == "utf-8"
    assert "北美 | 82%" in pages[0].text


# ---- DOCX ----------------------------------------------------------------------------------------------------------------------------


def test_docx_keeps_headings_lists_and_tables_in_order(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "report.docx", makers.docx_report()))
    assert (head.title, head.publisher, head.tags) == ("Models at work", "Office of Figures", ("models", "work"))
    page = pages[0]
    assert [kind for kind, _ in makers.kinds(page)] == [
        "heading", "heading", "paragraph", "list_item", "heading", "table_row", "table_row", "table_row", "paragraph",
    ]  # fmt: skip
    assert makers.of_kind(page, "table_row") == ["Year | Share", "2024 | 55%", "2025 | 78%"]
    assert page.blocks[-1].heading == ("Use", "Figures")
    assert {block.header for block in page.blocks if block.kind == "table_row"} == {"Year | Share"}
    makers.check_page(page)


def test_docx_is_read_as_if_its_changes_were_accepted_with_its_footnotes(tmp_path: Path) -> None:
    _, (page,) = makers.read(makers.put(tmp_path, "edited.docx", makers.docx_edited()))
    assert makers.kinds(page) == [
        ("paragraph", "The share rose to 78% in 2025."),
        ("table_row", "55%"),
        ("footnote", "A survey of 1,491 people."),
    ]
    makers.check_page(page)


def test_docx_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="unpacks to more than"):
        makers.read(makers.put(tmp_path, "bomb.docx", makers.docx_bomb()))


def test_damaged_docx_is_a_read_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="damaged DOCX"):
        makers.read(makers.put(tmp_path, "broken.docx", _zip("word/document.xml")))
