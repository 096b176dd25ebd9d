"""One line without an end: read within the limits, or refused by name with the reason; the files beside it are read all the same."""

from __future__ import annotations

import time
from pathlib import Path

import makers
import pytest

from ingest.blocks import Page
from ingest.build import BuildSummary, FileResult, ingest_paths
from ingest.kb.model import Block
from ingest.kb.sentences import sentence_spans
from ingest.kb.settings import EmbeddingSettings, ReadSettings, RetrievalSettings, Settings
from ingest.readers.markdown import read_markdown
from ingest.split import split_page

MEGABYTES_50 = 49_999_990
WORDS = "The model served many tokens in every region of the world and grew "


def _ingested(tmp_path: Path, text: str, **limits: int) -> tuple[BuildSummary, FileResult, float]:
    """Ingest a line beside a good file; return what became of it and the seconds it took of this process's own."""
    line = makers.put(tmp_path, "line.txt", text)
    good = makers.put(tmp_path, "good.md", "# Use\n\nQwen served 5.59 trillion tokens.\n")
    settings = Settings(data_dir=tmp_path / "data", embedding=EmbeddingSettings(provider="none"), read=ReadSettings(**limits))
    started = time.process_time()
    summary = ingest_paths(settings, [line, good])
    seconds = time.process_time() - started
    found = {Path(result.path).name: result for result in summary.files}
    assert found["good.md"].outcome != "failed"
    return summary, found["line.txt"], seconds


@pytest.mark.parametrize("text", ["x", WORDS], ids=["one word", "words"])
def test_one_line_of_megabytes_is_read(tmp_path: Path, text: str) -> None:
    summary, line, seconds = _ingested(tmp_path, (text * 2_000_000)[:2_000_000])
    assert (line.code, summary.exit_code) == ("", 0)
    assert line.passages > 500
    assert seconds < 60


def test_one_line_of_50_megabytes_is_refused_by_name_and_costs_the_parent_nothing(tmp_path: Path) -> None:
    summary, line, seconds = _ingested(tmp_path, (WORDS * 800_000)[:MEGABYTES_50])
    assert (line.code, summary.exit_code) == ("limit", 3)
    assert line.reason == "line.txt: has more than 10,000,000 characters of text, which is the limit"
    assert "WENJU_READ__MAX_CHARS" in line.hint
    assert seconds < 20


def test_the_limit_can_be_set(tmp_path: Path) -> None:
    summary, line, _ = _ingested(tmp_path, "word " * 1_000, max_chars=4_999)
    assert (line.code, summary.exit_code) == ("", 0), "the space at the end is no text"
    summary, line, _ = _ingested(tmp_path, "words" * 1_000, max_chars=4_999)
    assert (line.code, summary.exit_code) == ("limit", 3)


def test_the_limit_counts_all_pages_of_a_document(tmp_path: Path) -> None:
    pages = makers.pdf_plain([makers.PROSE] * 3)
    path = makers.put(tmp_path, "a.pdf", pages)
    size = sum(len(page.text) for page in makers.read(path)[1])
    settings = Settings(data_dir=tmp_path / "data", embedding=EmbeddingSettings(provider="none"), read=ReadSettings(max_chars=size - 1))
    assert [result.code for result in ingest_paths(settings, [path]).failed] == ["limit"]


# What follows takes minutes, or hours, for a splitter that copies the rest of the line for each piece or looks at each character again and
# again; in proportion it is a second.


def _seconds(text: str) -> float:
    page = Page(1, text, (Block("paragraph", 0, len(text)),))
    started = time.process_time()
    for _ in split_page(page, document_id="doc", sha256="", language="en", settings=RetrievalSettings()):
        pass
    return time.process_time() - started


@pytest.mark.parametrize(
    ("text", "size"),
    [("x", 20_000_000), (".", 1_000_000), ("A. ", 1_000_000), ("模型，", 1_000_000), ('."', 1_000_000), (" ", 1_000_000)],
    ids=["one word", "full stops", "initials", "Chinese without an end", "quotes", "spaces"],
)
def test_splitting_a_line_takes_time_in_proportion(text: str, size: int) -> None:
    assert _seconds((text * (size // len(text) + 1))[:size] + "x") < 25


def test_full_stops_without_an_end_are_one_sentence() -> None:
    started = time.process_time()
    assert sentence_spans("." * 200_000 + "x") == [(0, 200_001)]
    assert time.process_time() - started < 10


def test_a_line_of_spaces_in_markdown_takes_time_in_proportion() -> None:
    started = time.process_time()
    _, page = read_markdown(b"a" + b" " * 500_000 + b"b", name="a.md")
    assert isinstance(page, Page)
    assert page.text.startswith("a")
    assert time.process_time() - started < 10
