"""Retrieval over a handful of files: filters, phrases, twins, odd questions, and every language from every other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from makers import put

from ingest.build import ingest_paths
from ingest.kb import KnowledgeBase, Settings
from service.answer import prepare
from service.question import read_question
from service.retrieve import Filters, Retrieval, is_reference, retrieve

FILES = {
    "walnut.md": """---
title: Walnut harvest
date: 2024-05
tags: [nuts, harvest]
---
# Walnut harvest

The walnut harvest of Oregon reached 4,200 tonnes in 2024, the largest of ten years.

Farmers said that a late frost did little harm to the trees.
""",
    "tokens-hans.md": """---
title: 词元用量
date: 2025-06-30
tags: [用量]
---
# 词元用量

DeepSeek 以 14.37 万亿词元居首，远多于其他开源模型。

小型模型的份额逐年下降。
""",
    "agents-hant.md": """---
title: 代理式人工智慧
date: 2025-01
---
# 代理式人工智慧

企業導入人工智慧代理的比例在一年內升至 62%。

多數企業仍在試行階段，尚未全面推展。
""",
    "twin-hant.md": "# 雙胞\n\n程式設計占去所有詞元用量的一半以上，較去年大幅增加。\n",
    "twin-hans.md": "# 双胞\n\n程式设计占去所有词元用量的一半以上，较去年大幅增加。\n",
    "chips-en.md": """---
title: Chips
date: 2023
tags: [hardware, nuts]
---
# Chips

Export controls slowed the sale of advanced semiconductors to China in 2023.

## References

1. Walnut harvest of Oregon, a report of semiconductors and walnut harvest.
""",
}


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("retrieve")
    settings = Settings(data_dir=folder / "data", embedding={"provider": "none"})
    summary = ingest_paths(settings, [put(folder / "files", name, text) for name, text in FILES.items()])
    assert not summary.failed
    base = KnowledgeBase(settings)
    yield base
    base.close()


def _find(kb: KnowledgeBase, text: str, *, top_k: int = 10, **filters: Any) -> Retrieval:
    snapshot = kb.snapshot()
    assert snapshot is not None
    return retrieve(kb, snapshot, read_question(text, kb.analyser), top_k=top_k, filters=Filters(**filters))


def _names(found: Retrieval) -> list[str]:
    return [hit.document.file_name for hit in found.hits]


@pytest.mark.parametrize(
    ("question", "file"),
    [
        ("How large was the walnut harvest?", "walnut.md"),
        ("DeepSeek 以多少詞元居首？", "tokens-hans.md"),
        ("DeepSeek 以多少词元居首？", "tokens-hans.md"),
        ("How many tokens did DeepSeek have?", "tokens-hans.md"),
        ("企業採用 AI 代理的比例是多少？", "agents-hant.md"),
        ("企业采用智能体的比例是多少？", "agents-hant.md"),
        ("What share of enterprises adopted AI agents?", "agents-hant.md"),
        ("出口管制如何影響先進半導體？", "chips-en.md"),
        ("出口管制对先进半导体有何影响？", "chips-en.md"),
        ("14.37 trillion", "tokens-hans.md"),
    ],
)
def test_the_passage_is_found_from_every_language(kb: KnowledgeBase, question: str, file: str) -> None:
    assert _names(_find(kb, question))[:1] == [file]


def test_scores_fall_and_spans_are_the_text(kb: KnowledgeBase) -> None:
    found = _find(kb, "詞元用量與企業的比例")
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    for hit in found.hits:
        page = kb.catalogue.page(hit.document.id, hit.passage.page)
        assert page.text[hit.passage.start : hit.passage.end] == hit.text
    assert found.legs == ["lexical"]


def test_top_k_is_the_most(kb: KnowledgeBase) -> None:
    assert len(_find(kb, "harvest tokens semiconductors 比例 企業", top_k=2).hits) == 2


def test_filter_by_document(kb: KnowledgeBase) -> None:
    everything = {hit.document.file_name: hit.document.id for hit in _find(kb, "walnut semiconductors").hits}
    assert set(_names(_find(kb, "walnut semiconductors", document_ids=(everything["chips-en.md"],)))) == {"chips-en.md"}
    assert _names(_find(kb, "walnut", document_ids=("doc_0000000000000000",))) == []


@pytest.mark.parametrize(
    ("languages", "files"),
    [
        (("en",), {"walnut.md", "chips-en.md"}),
        (("zh-Hans",), {"tokens-hans.md", "twin-hans.md"}),
        (("zh-Hant",), {"agents-hant.md", "twin-hant.md"}),
    ],
)
def test_filter_by_language(kb: KnowledgeBase, languages: tuple[str, ...], files: set[str]) -> None:
    found = _find(kb, "walnut harvest semiconductors 詞元用量 企業的比例 程式設計", languages=languages)
    assert found.hits
    assert set(_names(found)) <= files
    assert {hit.passage.language for hit in found.hits} == set(languages)


@pytest.mark.parametrize(
    ("filters", "files"),
    [
        ({"tags": ("nuts",)}, {"walnut.md", "chips-en.md"}),
        ({"tags": ("NUTS",)}, {"walnut.md", "chips-en.md"}),
        ({"tags": ("harvest",)}, {"walnut.md"}),
        ({"tags": ("none",)}, set()),
        ({"date_from": "2024"}, {"walnut.md"}),
        ({"date_to": "2023"}, {"chips-en.md"}),
        ({"date_from": "2024-05", "date_to": "2024"}, {"walnut.md"}),
        ({"date_from": "2024-06"}, set()),
        ({"date_to": "2024-04"}, {"chips-en.md"}),
        ({"date_to": "2024-05"}, {"walnut.md", "chips-en.md"}),
    ],
)
def test_filter_by_tag_and_date(kb: KnowledgeBase, filters: dict[str, Any], files: set[str]) -> None:
    found = set(_names(_find(kb, "walnut harvest semiconductors export", **filters)))
    assert found & {"walnut.md", "chips-en.md"} == files


def test_tags_of_either_script_meet(kb: KnowledgeBase) -> None:
    assert set(_names(_find(kb, "DeepSeek 詞元", tags=("用量",)))) == {"tokens-hans.md"}


@pytest.mark.parametrize("question", ['"late frost did little harm"', "“late frost”", '"LATE FROST"'])
def test_a_quoted_phrase_must_occur(kb: KnowledgeBase, question: str) -> None:
    found = _find(kb, question)
    assert found.hits
    assert all("late frost" in hit.text for hit in found.hits)


@pytest.mark.parametrize("question", ['"walnut frost harvest"', "「企業詞元」"])
def test_a_phrase_that_stands_nowhere_finds_nothing(kb: KnowledgeBase, question: str) -> None:
    found = _find(kb, question)
    assert found.hits == []
    assert {item["reason"] for item in found.dropped} == {"the quoted phrase does not occur"}


@pytest.mark.parametrize("question", ['semiconductors export China "late frost"', "walnut “late frost” semiconductors"])
def test_a_phrase_within_a_search_must_occur_too(kb: KnowledgeBase, question: str) -> None:
    found = _find(kb, question)
    assert [hit.document.file_name for hit in found.hits] == ["walnut.md"]
    assert {item["reason"] for item in found.dropped} == {"the quoted phrase does not occur"}


@pytest.mark.parametrize(
    ("question", "file"),
    [
        ('"The frost came late and harmed little": who said so?', "walnut.md"),
        ("「小模型的份額一年比一年低」是哪裡說的？", "tokens-hans.md"),
    ],
)
def test_who_asks_about_a_saying_may_have_it_in_other_words(kb: KnowledgeBase, question: str, file: str) -> None:
    assert _find(kb, question).hits == []
    prepared = prepare(kb, question)
    assert prepared.retrieval.hits[0].document.file_name == file


@pytest.mark.parametrize("question", ["企業導入「智能體」的比例是多少？", 'What share of enterprises adopted "AI agents"?'])
def test_a_term_set_off_within_a_question_need_not_occur(kb: KnowledgeBase, question: str) -> None:
    assert "agents-hant.md" in _names(_find(kb, question))


def test_a_traditional_phrase_finds_simplified_text(kb: KnowledgeBase) -> None:
    assert _names(_find(kb, "「小型模型的份額」")) == ["tokens-hans.md"]


def test_twins_in_two_scripts_are_one_hit(kb: KnowledgeBase) -> None:
    found = _find(kb, "程式設計占詞元用量多少？")
    twins = [hit for hit in found.hits if hit.document.file_name.startswith("twin")]
    assert len(twins) == 1
    assert len(twins[0].alternates) == 1
    assert any(item["reason"] == f"same text as {twins[0].passage.id}" for item in found.dropped)


def test_a_digest_in_the_other_wording_is_a_twin(tmp_path: Path) -> None:
    hant = "軟體工程占去全部詞元用量的 52%，較前一年的 31% 高出許多，其中多數請求來自自動執行的代理程式。"
    hans = "软件工程占去全部词元用量的 52%，较前一年的 31% 高出许多，其中多数请求来自自动执行的代理程序。"
    other = "软件工程占去全部词元用量的 47%，较前一年的 31% 高出许多，其中多数请求来自自动执行的代理程序。"
    files = [put(tmp_path / "files", f"{name}.md", f"# 用量\n\n{text}\n") for name, text in (("a", hant), ("b", hans), ("c", other))]
    settings = Settings(data_dir=tmp_path / "data", embedding={"provider": "none"})
    ingest_paths(settings, files)
    base = KnowledgeBase(settings)
    found = _find(base, "軟體工程占去多少詞元用量？")
    assert sorted(_names(found)) in (["a.md", "c.md"], ["b.md", "c.md"])
    assert [len(hit.alternates) for hit in found.hits if hit.document.file_name != "c.md"] == [1]
    assert any(item["reason"].startswith("nearly the same text as") for item in found.dropped)
    base.close()


@pytest.mark.parametrize("question", ["？！。，", "...", "😀🎉", "\x00", "\u200b\u200b", '()[]{}^~*"\\', "「」", "--", "——"])
def test_questions_without_words_find_nothing(kb: KnowledgeBase, question: str) -> None:
    assert _find(kb, question).hits == []


@pytest.mark.parametrize(
    "question",
    [
        "walnut AND (",
        'NEAR("walnut" harvest, 5)',
        "title:walnut*",
        "walnut OR NOT",
        "-walnut +harvest",
        "walnut^2 \\",
        "'; DROP TABLE pages;-- walnut",
        "walnut\x00harvest",
    ],
)
def test_operators_are_only_text(kb: KnowledgeBase, question: str) -> None:
    assert "walnut.md" in _names(_find(kb, question))


def test_a_very_long_question(kb: KnowledgeBase) -> None:
    assert _find(kb, "walnut " * 2_000).hits


def test_a_list_of_references_comes_last(kb: KnowledgeBase) -> None:
    found = _find(kb, "walnut harvest of Oregon")
    assert found.hits[0].document.file_name == "walnut.md"
    assert not is_reference(found.hits[0].passage)
    assert any(is_reference(hit.passage) for hit in found.hits)


def test_the_same_question_twice_is_the_same_ranking(kb: KnowledgeBase) -> None:
    first, second = (_find(kb, "詞元用量與 walnut") for _ in range(2))
    assert [(h.passage.id, h.score) for h in first.hits] == [(h.passage.id, h.score) for h in second.hits]


def test_nothing_published(tmp_path: Path) -> None:
    base = KnowledgeBase(Settings(data_dir=tmp_path, embedding={"provider": "none"}), create=True)
    assert base.snapshot() is None
    base.close()
