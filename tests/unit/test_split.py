"""Passages: whole sentences of one page, one section and one table, whose spans are what is stored."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import makers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.blocks import Block, Page
from ingest.kb.catalogue import Catalogue
from ingest.kb.model import Document, Passage
from ingest.kb.script import detect_language
from ingest.kb.sentences import sentence_spans
from ingest.kb.settings import RetrievalSettings
from ingest.readers.markdown import read_markdown
from ingest.split import split_page

SIZES = RetrievalSettings()


def page_of(text: str) -> Page:
    """Return the page of a Markdown text."""
    page = list(read_markdown(text.encode("utf-8"), name="digest.md"))[1]
    assert isinstance(page, Page)
    return page


def split(page: Page, *, sha256: str = "ab" * 32, sizes: RetrievalSettings = SIZES) -> list[Passage]:
    """Return a page's passages."""
    return list(split_page(page, document_id="doc_1", sha256=sha256, language=detect_language(page.text), settings=sizes))


def texts(page: Page, passages: Sequence[Passage]) -> list[str]:
    """Return the passages' texts."""
    return [page.text[passage.start : passage.end] for passage in passages]


def check(page: Page, passages: Sequence[Passage]) -> None:
    """Assert what holds of every page's passages."""
    at = 0
    for passage in passages:
        assert at <= passage.start < passage.end <= len(page.text)
        at = passage.end
        touched = [block for block in page.blocks if block.start < passage.end and block.end > passage.start]
        assert {block.kind for block in touched}.isdisjoint({"heading", "contents", "figure"})
        assert {block.heading for block in touched} == {passage.heading}
        assert len({block.kind == "table_row" for block in touched}) == 1
        if passage.kind == "table_row":
            assert {block.header for block in touched} == {passage.header}
            assert (passage.start, passage.end) == (touched[0].start, touched[-1].end)
    assert len({passage.id for passage in passages}) == len(passages)
    held = "".join(page.text[passage.start : passage.end] for passage in passages)
    body = "".join(page.text[block.start : block.end] for block in page.blocks if block.kind not in ("heading", "contents", "figure"))
    assert sum(map(str.isalnum, held)) == sum(map(str.isalnum, body))


def check_stored(folder: Path, pages: Sequence[Page], passages: Sequence[Passage], name: str = "doc_1") -> None:
    """Assert that the catalogue gives back each passage with the text of its span, whichever way it is asked."""
    catalogue = Catalogue(folder / "catalogue.sqlite3", create=True)
    document = Document(name, "ab" * 32, "a.md", "A", "en", "text/markdown", 1, len(pages), paged=False)
    catalogue.put_document(document, pages, passages, splitter="1", source=None)
    by_number = {page.number: page.text for page in pages}
    wanted = {passage.id: (passage, by_number[passage.page][passage.start : passage.end]) for passage in passages}
    assert {passage.id: (passage, text) for passage, text in catalogue.passages_of([name])} == wanted
    assert catalogue.passages(list(wanted)) == wanted
    assert [page.text for page in catalogue.pages(name)] == [page.text for page in pages]
    catalogue.close()


# ---- borders ---------------------------------------------------------------------------------------------------------------------------


def test_passages_never_cross_a_heading() -> None:
    page = page_of("# A\n\nOne.\n\n## B\n\nTwo.\n\n## C\n\nThree.\n\n# D\n\nFour.\n")
    passages = split(page)
    assert [(passage.heading, text) for passage, text in zip(passages, texts(page, passages), strict=True)] == [
        (("A",), "One."),
        (("A", "B"), "Two."),
        (("A", "C"), "Three."),
        (("D",), "Four."),
    ]
    check(page, passages)


def test_sections_of_the_same_title_are_two() -> None:
    page = page_of("## Results\n\nOne.\n\n## Results\n\nTwo.\n")
    assert texts(page, split(page)) == ["One.", "Two."]


def test_text_before_and_after_a_table_is_apart_from_it() -> None:
    page = page_of("Before.\n\n| A | b |\n|---|---|\n| 1 | 2 |\n\nAfter.\n")
    passages = split(page)
    assert [(passage.kind, text) for passage, text in zip(passages, texts(page, passages), strict=True)] == [
        ("paragraph", "Before."),
        ("table_row", "A | b\n1 | 2"),
        ("paragraph", "After."),
    ]


def test_long_tables_are_cut_between_rows_and_keep_their_header() -> None:
    page = page_of("| n | square |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(50)))
    passages = split(page)
    assert len(passages) > 3
    assert {passage.header for passage in passages} == {"n | square"}
    assert all(len(text.split("\n")) <= 12 for text in texts(page, passages))
    check(page, passages)


def test_footnotes_and_captions_stand_alone() -> None:
    blocks = (
        Block("paragraph", 0, 4),
        Block("caption", 5, 9),
        Block("paragraph", 10, 14),
        Block("footnote", 15, 19),
        Block("footnote", 20, 24),
    )
    page = Page(1, "One.\nTwo.\nThr.\nFou.\nFiv.", blocks)
    assert texts(page, split(page)) == ["One.", "Two.", "Thr.", "Fou.", "Fiv."]


def test_contents_and_headings_are_not_retrieved() -> None:
    page = Page(1, "Title\nChapter 1 12\nText.", (Block("heading", 0, 5, level=1), Block("contents", 6, 18), Block("paragraph", 19, 24)))
    assert texts(page, split(page)) == ["Text."]


def test_a_page_without_blocks_is_one_paragraph() -> None:
    page = Page(3, "First. Second.")
    assert [(passage.page, passage.start, passage.end) for passage in split(page)] == [(3, 0, 14)]
    assert split(Page(1, " \n ")) == []


def test_marks_alone_are_no_passage() -> None:
    assert split(page_of("* * *\n\n。。。\n\n| - | - |\n|---|---|\n")) == []


# ---- sizes -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "target"),
    [
        ("模型的使用在各行各業逐年成長，去年達到新高。", SIZES.passage_chars_zh),
        ("The use of models grew in every branch last year. ", SIZES.passage_chars_en),
    ],
)
def test_passages_are_near_their_target_and_whole_sentences(sentence: str, target: int) -> None:
    page = page_of(sentence * 200)
    passages = split(page)
    check(page, passages)
    found = texts(page, passages)
    assert all(text.endswith(sentence.strip()) and text.startswith(sentence[:4]) for text in found)
    assert all(0.6 * target <= len(text) <= 1.3 * target for text in found[:-1])


def test_a_sentence_without_end_is_cut() -> None:
    page = page_of("字" * 10_000)
    passages = split(page)
    check(page, passages)
    assert all(len(text) <= 4 * SIZES.passage_chars_zh for text in texts(page, passages))


def test_languages_of_mixed_documents() -> None:
    parts = ("人工智慧在企業中的採用率逐年上升，資料如下。", "人工智能在企业中的采用率逐年上升，数据如下。", "The use of models grew.")
    page = page_of("".join(f"# {number}\n\n{part}\n\n" for number, part in enumerate(parts)))
    assert [passage.language for passage in split(page)] == ["zh-Hant", "zh-Hans", "en"]


# ---- identifiers -----------------------------------------------------------------------------------------------------------------------


def test_identifiers_are_stable() -> None:
    page = page_of("# A\n\nOne.\n\n# B\n\nTwo.\n")
    first, again = split(page), split(page_of("# A\n\nOne.\n\n# B\n\nTwo.\n"))
    assert [passage.id for passage in first] == [passage.id for passage in again]
    # Written out: an identifier that a user keeps must name the same passage in the next version of the program.
    digest = hashlib.sha256(f"{'ab' * 32}:1:{first[0].start}:{first[0].end}:1".encode()).hexdigest()
    assert first[0].id == f"psg_{digest[:24]}"


def test_identifiers_differ_by_document_and_page() -> None:
    page = page_of("One.")
    names = {split(page)[0].id, split(page, sha256="cd" * 32)[0].id, split(Page(2, "One."))[0].id}
    assert len(names) == 3


# ---- sentences -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It rose to 3.5 percent. It fell.", ["It rose to 3.5 percent.", "It fell."]),
        ("成長了。下降了！為何？", ["成長了。", "下降了！", "為何？"]),
        ("他說：「成長了。」然後離開。", ["他說：「成長了。」", "然後離開。"]),
        ("See Fig. 3 of Dr. Lee et al. for more. Next.", ["See Fig. 3 of Dr. Lee et al. for more.", "Next."]),
        ("a line\nanother line", ["a line", "another line"]),
        ("前半；後半。", ["前半；後半。"]),
        ("Yes! Really? Never.", ["Yes!", "Really?", "Never."]),
        ("  ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences


@pytest.mark.parametrize("text", ["It was built by Acme Corp.", "Take vitamin C.", "First this. So it is in the U.S.", "Yes! Really? No."])
def test_the_last_sentence_is_never_lost(text: str) -> None:
    spans = sentence_spans(text)
    assert spans
    assert spans[-1][1] == len(text)


def test_what_follows_a_paragraph_does_not_matter() -> None:
    page = page_of("The share rose.\n\niPhone sales fell.\n")
    assert "The share rose." in " ".join(texts(page, split(page)))


@example("B.", 0, 2)
@given(st.text(alphabet='aB1.。！? \n」"%模型', max_size=80), st.integers(0, 40), st.integers(0, 80))
def test_sentence_spans_lie_in_order_and_leave_nothing_out(text: str, start: int, end: int) -> None:
    start, end = min(start, len(text)), min(max(start, end), len(text))
    spans = sentence_spans(text, start, end)
    at = start
    for left, right in spans:
        assert at <= left < right <= end
        assert not text[at:left].strip()
        at = right
    assert not text[at:end].strip()


# ---- stored spans ----------------------------------------------------------------------------------------------------------------------

_SENTENCES = st.sampled_from(
    [
        "The share rose to 78%. ",
        "Most firms use models! ",
        "資料來自問卷。",
        "人工智能的采用率上升，",
        "why? ",
        "**Bold** [[a|b]] ",
        "e.g. this ",
        "x" * 400,
    ]
)
_PROSE = st.lists(_SENTENCES, min_size=1, max_size=12).map("".join)
_TABLES = st.integers(1, 30).map(lambda rows: "| a | 名 |\n|---|---|\n" + "".join(f"| {n} | 第{n}列 |\n" for n in range(rows)))
_OTHERS = st.sampled_from(["- one\n- two\n", "> said\n", "```\ncode | x\n```\n", "[^1]: note\n", "---\n", "<p>html</p>\n", "![](x)\n"])


@st.composite
def _digests(draw: st.DrawFn) -> str:
    parts = []
    for number, level in enumerate(draw(st.lists(st.integers(0, 4), max_size=10))):
        # Titles differ: what sections of the same title do is told above.
        parts += [f"{'#' * level} Section {number}\n"] if level else []
        parts.append(draw(st.one_of(_PROSE, _TABLES, _OTHERS)))
    return "\n".join(f"{part}\n" for part in parts)


@example("The share rose.\n\niPhone sales fell.\n", 320, 900)
@given(_digests(), st.integers(20, 400), st.integers(20, 900))
@settings(max_examples=100, deadline=None)
def test_passages_of_any_digest_keep_the_borders(text: str, chinese: int, english: int) -> None:
    page = page_of(text)
    check(page, split(page, sizes=RetrievalSettings(passage_chars_zh=chinese, passage_chars_en=english)))


@given(digest=_digests())
@settings(max_examples=25, deadline=None)
def test_stored_spans_of_any_digest_are_the_page_text(digest: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    page = page_of(digest)
    check_stored(tmp_path_factory.mktemp("catalogue"), [page], split(page))


def test_stored_spans_of_the_corpus_are_the_page_text(repository: Path, tmp_path: Path) -> None:
    paths = [path for folder in ("digests", "reports") for path in sorted((repository / "corpus" / folder).rglob("*.*"))]
    paths = [path for path in paths if path.suffix in (".md", ".pdf")]
    assert len(paths) > 20
    for number, path in enumerate(paths):
        _, pages = makers.read(path)
        name = f"doc_{number}"
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        passages = [p for page in pages for p in split_page(page, document_id=name, sha256=sha256, language="en", settings=SIZES)]
        assert passages
        for page in pages:
            makers.check_page(page)
            check(page, [passage for passage in passages if passage.page == page.number])
        check_stored(tmp_path, pages, passages, name)


# ---- large inputs ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["字", "word ", "。"])
def test_five_megabytes_on_one_line(tmp_path: Path, unit: str) -> None:
    path = makers.put(tmp_path, "line.txt", unit * (5_000_000 // len(unit.encode("utf-8"))))
    started = time.process_time()
    _, (page,) = makers.read(path)
    passages = split(page)
    assert time.process_time() - started < 30
    assert all(passage.end - passage.start <= 4 * SIZES.passage_chars_en for passage in passages)
    assert bool(passages) is (unit != "。")
