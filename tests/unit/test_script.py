"""Which script a text is in, and prose in the reader's."""

from __future__ import annotations

import pytest

from ingest.kb.script import convert_prose, detect_language, detect_script, to_script


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("資料庫與軟體", "zh-Hant"),
        ("数据库与软件", "zh-Hans"),
        ("大模型", None),
        ("占", None),
        ("台", None),
        ("里", None),
        ("占比", None),
        ("台北", None),
        ("公里", None),
        ("後來", "zh-Hant"),
        ("后来", "zh-Hans"),
        ("台灣的占比", "zh-Hant"),
        ("中国占 69.7%", "zh-Hans"),
        ("中國占 69.7%", "zh-Hant"),
        ("跑了 42 公里的選手", "zh-Hant"),
        ("皇后住在台中", None),
        ("", None),
        ("hello", None),
        ("資料\x00庫", "zh-Hant"),
    ],
)
def test_script(text: str, script: str | None) -> None:
    assert detect_script(text) == script


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is AI?", "en"),
        ("什麼是 AI？", "zh-Hant"),
        ("什么是 AI？", "zh-Hans"),
        ("GPT-4 的占比", "zh-Hans"),
        ("DeepSeek 以多少詞元居首？", "zh-Hant"),
        ("The word 人 means person in the Chinese language of today", "en"),
        ("123 %", "en"),
        ("", "en"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("text", "to", "converted"),
    [
        ("软件与信息", "zh-TW", "軟體與資訊"),
        ("软件与信息", "zh-Hant", "軟體與資訊"),
        ("软件", "zh-HK", "軟件"),
        ("軟體與資訊", "zh-Hans", "软件与信息"),
        ("已經是繁體的軟體", "zh-Hant", "已經是繁體的軟體"),
        ("已经是简体的软件", "zh-Hans", "已经是简体的软件"),
        ("大模型", "zh-Hans", "大模型"),
    ],
)
def test_prose(text: str, to: str, converted: str) -> None:
    assert convert_prose(text, to) == converted


def test_english_stays() -> None:
    assert to_script("software 软件", "en") == "software 软件"
    assert to_script("software", "zh-Hant") == "software"


def test_a_nul_does_not_cut_the_text() -> None:
    assert convert_prose("软件\x00信息", "zh-TW").endswith("資訊")
