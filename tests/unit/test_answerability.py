"""Whether the evidence answers: a question about what is not there is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from makers import put
from service_kit import QUESTION, UNANSWERABLE, Library

from ingest.build import ingest_paths
from ingest.kb import KnowledgeBase, Settings
from service.answerability import SIGNALS, Evidence, judge
from service.answering import answer_now
from service.extract import rank_sentences
from service.question import read_question
from service.retrieve import retrieve

pytest_plugins = ("service_kit",)


@pytest.fixture(scope="module")
def kb(library: Library) -> Iterator[KnowledgeBase]:
    base = KnowledgeBase(library.settings())
    yield base
    base.close()


def _judge(kb: KnowledgeBase, text: str) -> Evidence:
    snapshot = kb.snapshot()
    assert snapshot is not None
    question = read_question(text, kb.analyser)
    found = retrieve(kb, snapshot, question, top_k=8)
    return judge(question, found, rank_sentences(question, found, kb.analyser), kb.analyser)


def test_what_is_there_is_likelier_than_what_is_not(kb: KnowledgeBase) -> None:
    there, not_there = _judge(kb, QUESTION), _judge(kb, UNANSWERABLE)
    assert 0 <= not_there.probability < 0.5 < there.probability <= 1
    assert set(there.signals) == set(SIGNALS)


def test_what_is_missing_is_named(kb: KnowledgeBase) -> None:
    missing = " ".join(_judge(kb, UNANSWERABLE).missing)
    assert "Kent" in missing or "cricket" in missing


@pytest.mark.parametrize(
    ("question", "told", "untold"),
    [
        ("Did Zorblax use the glass slipper cohort in 2031?", {"Zorblax", "2031"}, {"Did Zorblax", "use"}),
        ("2031 年玻璃鞋族群的佐布拉克斯是多少？", {"2031 年"}, {"是"}),
    ],
)
def test_what_is_missing_is_told_in_words_that_say_something(kb: KnowledgeBase, question: str, told: set[str], untold: set[str]) -> None:
    missing = set(_judge(kb, question).missing)
    assert told <= missing
    assert untold.isdisjoint(missing)


def test_nothing_found_is_no_evidence(kb: KnowledgeBase) -> None:
    found = _judge(kb, "zqxjk vwpfq")
    assert found.probability == 0.0
    assert found.missing == ("zqxjk", "vwpfq")


@pytest.mark.parametrize(
    "question", [UNANSWERABLE, "1911 年肯特郡板球賽誰贏了？", "1911 年肯特郡板球赛谁赢了？", "😀", "1+1等於多少？", "What is 2 + 3?"]
)
def test_the_unanswerable_is_refused(kb: KnowledgeBase, question: str) -> None:
    answer = answer_now(kb, question)
    assert answer.status == "refused"
    assert answer.refusal is not None
    assert answer.refusal.message


SURVEY = """# Model survey

The survey asked 1,204 developers in 31 countries. 62% of them use an open model at work, up from 41% a year before.

The authors are Jane Roe and Li Wei.
"""


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("How many developers were surveyed?", "1,204"),
        ("What share of developers use an open model at work?", "62%"),
        ("调查了多少个国家的开发者？", "31"),
        ("Who wrote the survey?", "Jane Roe"),
        ("What is the average salary of the developers?", ""),
        ("Who won the cricket match between Kent and Surrey?", ""),
    ],
)
def test_a_library_of_one_short_document_answers_too(tmp_path: Path, question: str, part: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", embedding={"provider": "none"})
    assert not ingest_paths(settings, [put(tmp_path, "survey.md", SURVEY)]).failed
    base = KnowledgeBase(settings)
    answer = answer_now(base, question)
    base.close()
    assert answer.status == ("answered" if part else "refused")
    assert part in answer.answer


@pytest.mark.parametrize(
    ("files", "language"),
    [
        ({"a.md": "# 基金\n\n甲基金的規模達 35 億元，由王大明管理。\n"}, "zh-Hant"),
        ({"a.md": "# 基金\n\n甲基金的规模达 35 亿元，由王大明管理。\n"}, "zh-Hans"),
        ({"a.md": "# 基金\n\n甲基金的規模達 35 億元，由王大明管理。\n", "b.md": "# 汇率\n\n人民币汇率升至 7.1 元。\n"}, "zh-Hans"),
    ],
)
def test_a_question_in_neither_script_is_answered_in_that_of_the_documents(tmp_path: Path, files: dict[str, str], language: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", embedding={"provider": "none"})
    assert not ingest_paths(settings, [put(tmp_path, name, text) for name, text in files.items()]).failed
    base = KnowledgeBase(settings)
    assert answer_now(base, "甲基金由何人管理？").language == language
    assert answer_now(base, "甲基金由何人管理？", fallback="zh-Hant").language == "zh-Hant"
    assert answer_now(base, "甲基金的规模是多少？").language == "zh-Hans"
    base.close()
