"""Follow-up questions made to stand alone."""

from __future__ import annotations

import pytest

from ingest.kb.analyse import Analyser
from ingest.kb.lexicon import load_lexicon
from service.followup import standalone
from service.records import Turn


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return Analyser(load_lexicon())


def _after(before: str, text: str, analyser: Analyser) -> str:
    return standalone(text, [Turn("user", before), Turn("assistant", "An answer of no matter.")], analyser)


@pytest.mark.parametrize(
    ("before", "text", "part", "gone"),
    [
        ("DeepSeek 的詞元用量是多少？", "那 Qwen 呢？", "Qwen", "DeepSeek"),
        ("DeepSeek 的词元用量是多少？", "Qwen 呢", "Qwen", "DeepSeek"),
        ("How many tokens did DeepSeek have?", "What about Qwen?", "Qwen", "DeepSeek"),
        ("How many tokens did DeepSeek have?", "and Qwen?", "Qwen", "DeepSeek"),
        ("What was the share of Asia in 2024?", "How about in 2025?", "2025", "2024"),
    ],
)
def test_the_new_part_takes_the_place_of_its_like(analyser: Analyser, before: str, text: str, part: str, gone: str) -> None:
    question = _after(before, text, analyser)
    assert part in question
    assert gone not in question
    assert len(question) > len(text)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("What is DeepSeek?", "How large is its share?"),
        ("DeepSeek 是什麼？", "它的份額是多少？"),
        ("DeepSeek 是什么？", "该公司的份额是多少？"),
    ],
)
def test_a_pronoun_becomes_the_name(analyser: Analyser, before: str, text: str) -> None:
    question = _after(before, text, analyser)
    assert "DeepSeek" in question
    assert question.endswith(text[-3:])


@pytest.mark.parametrize("text", ["What is the walnut harvest of Oregon?", "全球的支出是多少？", ""])
def test_what_stands_alone_is_left_alone(analyser: Analyser, text: str) -> None:
    assert _after("DeepSeek 的詞元用量是多少？", text, analyser) == text


@pytest.mark.parametrize("text", ["那 Qwen 呢？", "What about it?"])
def test_without_a_question_before_nothing_is_filled(analyser: Analyser, text: str) -> None:
    assert standalone(text, [], analyser) == text
    assert standalone(text, [Turn("assistant", "DeepSeek leads.")], analyser) == text


def test_a_chain_of_follow_ups(analyser: Analyser) -> None:
    history = [Turn("user", "How many tokens did DeepSeek have?"), Turn("user", "What about Qwen?")]
    question = standalone("And Mistral?", history, analyser)
    assert "Mistral" in question
    assert "tokens" in question
    assert "Qwen" not in question


def test_a_long_history_is_no_deep_recursion(analyser: Analyser) -> None:
    history = [Turn("user", "What about Qwen?")] * 400
    assert standalone("And Mistral?", history, analyser)
