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


@pytest.mark.parametrize(
    ("text", "to", "converted"),
    [
        (
            "报告发布后，模型的参数与间接指标都公开了，项目仍在进程中。",
            "zh-TW",
            "報告發布後，模型的參數與間接指標都公開了，項目仍在進程中。",
        ),
        ("受访对象支持循环经济与法律程序。", "zh-TW", "受訪對象支持循環經濟與法律程序。"),
        ("程序员把文件夹里的软件代码扩展了。", "zh-TW", "程式設計師把資料夾裡的軟體程式碼擴展了。"),
        ("核心指標與時間序列見簡報，政策由機關執行，資料已整合。", "zh-Hans", "核心指标与时间序列见简报，政策由机关执行，数据已整合。"),
        ("程式設計師用軟體的資料夾與執行緒儲存向量。", "zh-Hans", "程序员用软件的文件夹与线程储存向量。"),
    ],
)
def test_words_of_reports_are_no_computing_terms(text: str, to: str, converted: str) -> None:
    assert convert_prose(text, to) == converted
