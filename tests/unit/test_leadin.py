"""Sentences that lead to a list or a paragraph: in answers they go on with it, and never stand alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from makers import put

from ingest.build import ingest_paths
from ingest.kb import KnowledgeBase, Settings
from service.answering import answer_now
from service.leadin import leads_in, runs_in

FILES = {
    "irrigation.md": """# 灌溉指南

## 適用

適合：

- 坡地果園
- 溫室蔬菜
- 任何水源不足的田

不適合：

- 水稻
- 魚塭

## 步驟

安裝滴灌管的順序建議如下：

1. 量出田的高低。
2. 裝上過濾器
3. 鋪設支管

有問題請留言。

## 分類

**按水源分。** 井水灌溉的成本每公頃是 300 元，河水是 120 元。

**按時間分。** 夜間灌溉的蒸發只有 8%。
""",
    "orchard.md": """# Orchard manual

The tools that a pruner of apple trees needs are:

- a folding saw
- bypass secateurs
- a ladder of three legs

The saw is cleaned with oil.

What the orchard of Kent never grows:
""",
}


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("leadin")
    settings = Settings(data_dir=folder / "data", embedding={"provider": "none"})
    assert not ingest_paths(settings, [put(folder / "files", name, text) for name, text in FILES.items()]).failed
    base = KnowledgeBase(settings)
    yield base
    base.close()


@pytest.mark.parametrize(
    ("question", "wanted", "absent"),
    [
        ("滴灌管的安裝順序是什麼？", "順序建議如下：量出田的高低。裝上過濾器；鋪設支管", "留言"),
        ("滴灌管的安装顺序是什么？", "顺序建议如下：量出田的高低。装上过滤器；铺设支管", "留言"),
        ("滴灌適合哪些地方？", "適合：坡地果園；溫室蔬菜；任何水源不足的田", "水稻"),
        ("滴灌不適合哪些地方？", "不適合：水稻；魚塭", "溫室"),
        ("Which tools does a pruner of apple trees need?", "are: a folding saw; bypass secateurs; a ladder of three legs", "never grows"),
        ("灌溉按時間怎麼分？", "按時間分。夜間灌溉的蒸發只有 8%。", "留言"),
    ],
)
def test_what_a_sentence_leads_to_is_said_with_it(kb: KnowledgeBase, question: str, wanted: str, absent: str) -> None:
    answer = answer_now(kb, question)
    assert wanted in answer.segments[0].text.replace("。 ", "。")
    assert absent not in answer.segments[0].text
    for segment, citation in zip(answer.segments, answer.citations, strict=True):
        # The quotation is one stretch of the page, word for word, from the lead-in to the last item.
        page = kb.catalogue.page(citation.document_id, 1)
        assert page.text[citation.start_char_index : citation.end_char_index] == citation.cited_text
        assert len(segment.text) <= 300


def test_a_lead_in_to_nothing_is_no_answer(kb: KnowledgeBase) -> None:
    answer = answer_now(kb, "What does the orchard of Kent never grow?")
    assert not any(leads_in(segment.text) for segment in answer.segments)


@pytest.mark.parametrize(
    ("text", "leads", "runs"),
    [
        ("順序如下：", True, True), ("Steps:", True, True), ("他說：「好：」", True, True), ("比例是 3：1。", False, True),
        ("按成本分流。", False, True), ("RAG 不難，難的是調到好用。", False, False), ("Cost of labour.", False, True),
        ("The cost of labour rose.", False, False), ("", False, False),
    ],
)  # fmt: skip
def test_which_sentences_lead_on(text: str, leads: bool, runs: bool) -> None:
    assert (leads_in(text), runs_in(text)) == (leads, runs)
