"""One analyser for passages and questions, whatever the script."""

from __future__ import annotations

import pytest

from ingest.kb.analyse import FIELDS, Analyser
from ingest.kb.lexicon import Lexicon, load_lexicon, parse_lexicon

SENTENCES = (
    ("報告指出，2025 年人工智慧的採用率達 78%。", "报告指出，2025 年人工智慧的采用率达 78%。"),
    ("亞洲的開支佔比升至約三分之一", "亚洲的开支占比升至约三分之一"),
    ("國產開源模型的詞元用量", "国产开源模型的词元用量"),
    ("使用者留存：五個月後的保留率", "使用者留存：五个月后的保留率"),
    ("後來裡面的團隊發現了什麼", "后来里面的团队发现了什么"),
)


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return Analyser(load_lexicon())


@pytest.mark.parametrize(("traditional", "simplified"), SENTENCES)
def test_both_scripts_have_the_same_terms(analyser: Analyser, traditional: str, simplified: str) -> None:
    left, right = analyser.analyse(traditional), analyser.analyse(simplified)
    assert left.terms() == right.terms()
    assert [(w, a, b) for w, a, b in left.words] == [(w, a, b) for w, a, b in right.words]


def test_full_width_is_half_width(analyser: Analyser) -> None:
    assert analyser.analyse("ＧＰＴ－４　有１３％").terms() == analyser.analyse("GPT-4 有13%").terms()


def test_every_field_is_there_and_no_other(analyser: Analyser) -> None:
    terms = analyser.analyse("2025 年，大型語言模型 (LLM) 的 benchmark 分數達 78%。").terms()
    assert {term[0] for term in terms} == set(FIELDS)


def test_regional_words_share_a_concept(analyser: Analyser) -> None:
    found = [
        {term for term in analyser.analyse(text).terms() if term[0] == "c"} for text in ("開源軟體", "开源软件", "open-source software")
    ]
    assert set.intersection(*found)


def test_figures_meet_across_languages(analyser: Analyser) -> None:
    found = [
        {t for t in analyser.analyse(text).terms() if t[0] == "n"} for text in ("100 萬億個詞元", "100万亿词元", "100 trillion tokens")
    ]
    assert found[0] == found[1] == found[2] == {"nn:1e+14"}


def test_inflections_meet(analyser: Analyser) -> None:
    assert analyser.analyse("models reasoning").terms()["wmodel"] == analyser.analyse("model reasons").terms()["wmodel"] == 1


def test_stop_words_are_no_terms(analyser: Analyser) -> None:
    assert not [term for term in analyser.analyse("what is the of and").terms() if term[0] == "w"]


def test_names_with_hyphens_are_one_word_too(analyser: Analyser) -> None:
    assert "wgpt4o" in analyser.analyse("GPT-4o").terms()
    assert "wqwen2" in analyser.analyse("Qwen-2").terms()


@pytest.mark.parametrize("text", ["", "   ", "？！。", "😀🎉", "\x00", "\u200b"])
def test_texts_without_words_have_no_terms(analyser: Analyser, text: str) -> None:
    assert not analyser.analyse(text).terms()


def test_word_offsets_are_those_of_the_text(analyser: Analyser) -> None:
    text = "「採用率」達 78%，models 也在其中。"
    for word, start, end in analyser.analyse(text).words:
        assert 0 <= start < end <= len(text)
        assert analyser.analyse(text).folded[start:end].startswith(word[:3])


def test_version_changes_with_the_lexicon(analyser: Analyser) -> None:
    other = Analyser(Lexicon.build(list(parse_lexicon(["agent\t智能体\t\t\t"], source="made"))))
    assert other.version != analyser.version
    assert other.version.split("/")[0] == analyser.version.split("/")[0]


def test_a_version_written_apart_is_the_same_name() -> None:
    def words(text: str) -> set[str]:
        return {word for word, _, _ in Analyser(Lexicon.build(())).analyse(text).words}

    assert "bgem3" in words("BGE M3-Embedding") & words("BGE-M3")
    assert "deepseekr1" in words("DeepSeek R1 reasons") & words("DeepSeek-R1 reasons")
    assert "in2024" not in words("grew in 2024")
