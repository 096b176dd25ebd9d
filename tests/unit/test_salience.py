"""How much each word of a question says about its subject."""

from __future__ import annotations

import pytest

from ingest.kb import Analyser, fold
from ingest.kb.lexicon import load_lexicon
from ingest.kb.tokens import tokenise
from service.question import read_question
from service.salience import saliences


def _worth(text: str) -> dict[str, float]:
    folded = fold(text)
    return {folded[start:end]: worth for start, end, worth in saliences(tokenise(folded))}


@pytest.mark.parametrize(
    ("text", "heavy", "light"),
    [
        ("这项研究怎么判断一笔用量属于哪个地区？", ["研究", "用量", "地区"], ["怎么", "判断", "属于", "哪个"]),
        ("這項研究怎麼判斷一筆用量屬於哪個地區？", ["用量", "地区"], ["判断", "属于"]),
        ("What percentage of respondents are already scaling agents somewhere?", ["percentage", "agents"], ["already", "somewhere", "are"]),
        ("What caused the spike in tool calls?", ["spike", "tool"], ["caused", "the", "in"]),
    ],
)
def test_nouns_say_more_than_verbs_and_adverbs(text: str, heavy: list[str], light: list[str]) -> None:
    worth = _worth(text)
    assert all(worth[word] == 1.0 for word in heavy if word in worth), worth
    assert any(word in worth for word in heavy)
    assert all(worth[word] <= 0.4 for word in light if word in worth), worth
    assert any(word in worth for word in light)


@pytest.mark.parametrize("text", ["In which city was the report released?", "報告是在哪個城市發表的？", "报告是在哪座城市发布的？"])
def test_the_kind_that_is_asked_for_need_not_be_named(text: str) -> None:
    question = read_question(text, Analyser(load_lexicon()))
    cities = [unit for unit in question.units if question.text[unit.start : unit.end].lower() in ("city", "城市")]
    assert all(unit.kind_asked for unit in cities)
    reports = [unit for unit in question.units if question.text[unit.start : unit.end].lower() in ("report", "報告", "报告")]
    assert not any(unit.kind_asked for unit in reports)


def test_names_and_figures_say_most() -> None:
    question = read_question("Did Qwen pass 14.37 trillion tokens in 2025?", Analyser(load_lexicon()))
    told = {question.text[unit.start : unit.end]: unit for unit in question.units}
    assert told["Qwen"].salience == 1.0
    assert {unit.salience for unit in question.units if unit.kind == "figure"} == {1.0}


def test_a_gloss_in_brackets_is_another_name_of_the_same() -> None:
    question = read_question("什麼是多元宇宙（Plurality）？", Analyser(load_lexicon()))
    assert any({"wplural"} < set(unit.terms) for unit in question.units)
    assert not any(unit.terms == ("wplural",) for unit in question.units)


def test_asking_words_are_not_looked_for() -> None:
    analyser = Analyser(load_lexicon())
    subject = read_question("RAG 的分块大小应该怎么选？", analyser).subject
    assert "分块" in subject.folded
    assert "怎么" not in subject.folded
    assert read_question("多少？", analyser).subject.folded == "多少?"
