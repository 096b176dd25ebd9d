"""Folding never moves a character: citations are cut by offset."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.kb.folding import fold, fold_script


@given(st.text(max_size=80))
@settings(max_examples=400)
def test_any_text_keeps_its_length(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert len(fold_script(text)) == len(text)


@given(st.text(alphabet="ＡＢｃ０１９％資料庫資料库軟體鼠標滑鼠裡里台臺佔占ﬁßİΣ\u0000㍿㎏½①　 \u00a0—’", max_size=60))
def test_mixed_width_and_script_keeps_its_length(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="資料軟體AＢ c1２。", max_size=20), st.text(alphabet="網絡電腦xＹ 3４，", max_size=20))
def test_prefixes_fold_alike_for_characters_that_stand_alone(left: str, right: str) -> None:
    assert fold(left + right)[: len(left)] == fold(left)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡＩ 資料庫", "ai 资料库"),
        ("RAG", "rag"),
        ("１３％", "13%"),
        ("GPT‑4 — it’s", "gpt-4 - it's"),
        ("a\u3000b\u00a0c", "a b c"),
        ("台灣、臺灣", "台湾、台湾"),
        ("裡面", "里面"),
        ("a\x00b", "a b"),
        ("資\x00料", "资 料"),
        ("", ""),
    ],
)
def test_folded_form(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize("pair", [("軟體", "软体"), ("網絡", "网络"), ("軟件", "软件"), ("Ｑ１", "q1"), ("人工智慧發展", "人工智慧发展")])
def test_scripts_and_widths_meet(pair: tuple[str, str]) -> None:
    assert fold(pair[0]) == fold(pair[1])


def test_words_are_not_swapped() -> None:
    """Vocabulary is the lexicon's matter: swapping it would move offsets."""
    assert fold("軟體") != fold("软件")
