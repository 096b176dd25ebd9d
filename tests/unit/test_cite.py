"""A quotation is shown only if it stands where it is said to stand; answers cite, stay short and do not repeat themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from service_kit import QUESTION, UNANSWERABLE, Library

from ingest.kb import KnowledgeBase, Page, fold
from service.answering import answer_now
from service.citations import verify

pytest_plugins = ("service_kit",)

TEXT = "亞洲的開支佔比升至約 31%。\nIt fell  to 7 in May."


@pytest.fixture(scope="module")
def kb(library: Library) -> Iterator[KnowledgeBase]:
    base = KnowledgeBase(library.settings())
    yield base
    base.close()


@pytest.mark.parametrize(
    ("start", "end", "quoted", "state"),
    [
        (0, 2, "亞洲", "exact"),
        (0, len(TEXT), TEXT, "exact"),
        (0, 2, "亚洲", "normalized"),
        (16, len(TEXT), "It fell to 7 in May.", "normalized"),
        (16, len(TEXT), "IT FELL TO 7 IN MAY.", "normalized"),
        (11, 14, "３１％", "normalized"),
        (0, 2, "非洲", None),
        (1, 3, "亞洲", None),
        (11, 14, "32%", None),
        (0, 0, "", None),
        (3, 1, "的", None),
        (-2, 2, "亞洲", None),
        (0, len(TEXT) + 1, TEXT, None),
    ],
)
def test_verify(start: int, end: int, quoted: str, state: str | None) -> None:
    assert verify(Page(1, TEXT), start, end, quoted) == state


@pytest.mark.parametrize("question", [QUESTION, "玻璃鞋族群的五個月留存率是多少？", "2025 年生成式人工智能用户规模是多少？"])
def test_what_an_answer_cites_stands_there(kb: KnowledgeBase, question: str) -> None:
    answer = answer_now(kb, question)
    assert answer.status != "refused"
    known = {citation.id for citation in answer.citations}
    for citation in answer.citations:
        page = kb.catalogue.page(citation.document_id, citation.page or 1)
        span = page.text[citation.start_char_index : citation.end_char_index]
        assert fold(span) == fold(citation.cited_text)
        assert f"start={citation.start_char_index}&end={citation.end_char_index}" in citation.url
    for segment in answer.segments:
        assert set(segment.citation_ids) <= known
        assert segment.citation_ids
        assert answer.answer[segment.start : segment.end] == segment.text


def test_a_refusal_cites_nothing_as_an_answer(kb: KnowledgeBase) -> None:
    answer = answer_now(kb, UNANSWERABLE)
    assert answer.status == "refused"
    assert answer.citations == []
    assert answer.refusal is not None
