"""Whether a sentence holds the kind of thing that is asked for."""

from __future__ import annotations

import pytest

from ingest.kb import Analyser, fold
from ingest.kb.lexicon import load_lexicon
from service.cues import (
    asks_money,
    asks_name,
    belongs_to_name,
    defines,
    is_code,
    is_cut_off,
    kind_present,
    names_money,
    names_something,
    other_date,
    people,
)
from service.question import read_question

ANALYSER = Analyser(load_lexicon())


def _present(question: str, sentence: str) -> float:
    return kind_present(read_question(question, ANALYSER), ANALYSER.analyse(sentence), sentence)[0]


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("美國的普及率排第幾？", "美国的使用率为 28.3%，排在第 24 位。", "美国的使用率为 28.3%。"),
        ("What rank does Japan hold?", "Japan ranked 12th in the list.", "Japan had 3,200 users."),
        ("報告是哪一天發表的？", "報告於 2026 年 1 月 8 日發表。", "報告於 2026 年 1 月發表。"),
        ("On what date was it released?", "It was released on 8 January 2026.", "It was released in 2026."),
        ("报告是哪个月发布的？", "报告在 2026 年 1 月发布。", "报告在 2026 年发布。"),
        ("报告是哪一年发布的？", "报告在 2026 年发布。", "报告长 18 页。"),
        ("中國模型的份額是多少？", "中國模型平均佔 13.0%。", "中國模型成長很快。"),
        ("为什么下降？", "报告把原因归为成本上升。", "去年下降了两成。"),
        ("Why did it fall?", "The fall is attributed to higher costs.", "It fell by a fifth."),
        ("什麼是衍生模型？", "衍生模型是指由他人模型微調而成的模型。", "衍生模型的數量增加了。"),
    ],
)
def test_the_kind_asked_for(question: str, right: str, wrong: str) -> None:
    assert _present(question, right) > _present(question, wrong)


def test_a_figure_of_the_question_is_no_answer() -> None:
    assert _present("Which share grew after 2024 to more than 30%?", "It grew to 30% in 2024.") == 0.0


@pytest.mark.parametrize(
    "text", ["報告把它叫什麼？", "报告给它起了什么名字？", "What does the report call this?", "What is this effect called?"]
)
def test_asking_for_a_name(text: str) -> None:
    assert asks_name(read_question(text, ANALYSER))


def test_saying_a_name() -> None:
    assert names_something(ANALYSER.analyse("報告把這群人稱為「奠基世代」。"))
    assert names_something(ANALYSER.analyse("The report calls them a founding cohort."))
    assert not names_something(ANALYSER.analyse("這群人留了下來。"))


def test_another_date_than_the_one_asked_for() -> None:
    asked = frozenset({"d:2025-11"})
    assert other_date(asked, ANALYSER.analyse("In March 2025 it was 40%."))
    assert not other_date(asked, ANALYSER.analyse("In November 2025 it was 40%."))
    assert not other_date(asked, ANALYSER.analyse("It was 40%."))
    assert not other_date(frozenset(), ANALYSER.analyse("In March 2025 it was 40%."))


@pytest.mark.parametrize(
    ("text", "figure", "inside"),
    [
        ("OpenAI-o1-1217 outperforms it.", "1217", True),
        ("It reaches 79.8% pass@1 there.", "1", True),
        ("Qwen-32B scores well.", "32", True),
        ("Since mid-2025 it has grown.", "2025", False),
        ("(1) Naive RAG is simple.", "1", True),
        ("It fell to 14.37 trillion.", "14.37", False),
        ("The 200k samples helped.", "200", False),
    ],
)
def test_figures_inside_names(text: str, figure: str, inside: bool) -> None:
    start = text.index(figure)
    assert belongs_to_name(text.lower(), start, start + len(figure)) is inside


@pytest.mark.parametrize(
    ("text", "someone"),
    [
        ("The report was written by Malika Aubakirova and two others.", True),
        ("作者是王小明與兩位同事。", True),
        ("The report was written in two months.", False),
        ("報告花了兩個月寫成。", False),
        ("Hugging Face and OpenRouter took part.", False),
    ],
)
def test_people(text: str, someone: bool) -> None:
    assert bool(people(ANALYSER.analyse(text), text)) is someone


def test_what_a_thing_is() -> None:
    for text in ("InfLLM is a sparse attention.", "InfLLM (v2), a sparse attention, reads blocks.", "InfLLM 是一種稀疏注意力。"):
        assert defines(ANALYSER.analyse(text), [(0, 6)]), text
    assert not defines(ANALYSER.analyse("InfLLM uses mean pooling."), [(0, 6)])


@pytest.mark.parametrize(
    "text", ["sub_emb = BGE(batch) # only collect", "import torch", "model.gradient_checkpointing_enable()", "return x;"]
)
def test_code(text: str) -> None:
    assert is_code(text)


@pytest.mark.parametrize("text", ["It reads up to 8,192 tokens (see Table 3).", "模型支援一百種語言。", "From 2024 it grew."])
def test_prose_is_no_code(text: str) -> None:
    assert not is_code(text)


@pytest.mark.parametrize(
    "text",
    ["This indicates that", "In long document retrieval, M3's sparse doesn’t", "The result is presented in", "份额最大的", "模型包括甲和"],
)
def test_a_sentence_that_breaks_off(text: str) -> None:
    assert is_cut_off(fold(text))


@pytest.mark.parametrize("text", ["The mill at Horn grinds rye.", "What is it for?", "资料来自哪里，没有说明。", "Rye, oats and barley"])
def test_a_whole_sentence_does_not(text: str) -> None:
    assert not is_cut_off(fold(text))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("訓練花了多少美元？", True),
        ("DeepSeek 2025 年的营业收入是多少？", True),
        ("What was OpenRouter's revenue in 2025?", True),
        ("How much does it cost to train the model?", True),
        ("延迟预算的及格线是多少？", False),
        ("程式設計的占比是多少？", False),
        ("How many tokens were used?", False),
    ],
)
def test_an_amount_of_money_is_asked_for(text: str, asked: bool) -> None:
    assert asks_money(read_question(text, ANALYSER)) == asked


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("收購價 5.6 億美元", True),
        ("营业收入（元）", True),
        ("a revenue of $2.5 billion", True),
        ("元素和公元年份", False),
        ("31 hours a month", False),
    ],
)
def test_a_currency_is_named(text: str, named: bool) -> None:
    assert names_money(fold(text)) == named
