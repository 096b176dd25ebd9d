"""Encodings: UTF-8 with and without a mark, UTF-16, GB18030 and Big5 told apart, and what is no text."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import makers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kb.errors import UnsupportedFile
from ingest.readers.characters import clean, clean_character, garbage_score
from ingest.readers.decode import decode

SIMPLIFIED = "人工智能在企业中的采用率逐年上升，二〇二五年达到百分之七十八。数据来自一千多名受访者，软件与金融行业领先。"
TRADITIONAL = "人工智慧在企業中的採用率逐年上升，去年達到百分之七十八。資料來自一千多名受訪者，軟體與金融業領先其他產業。"


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "gb2312"])
def test_simplified_text_in_national_encodings(encoding: str) -> None:
    text = SIMPLIFIED.replace("〇", "零")
    assert decode(text.encode(encoding), name="x") == (text, "gb18030")


def test_traditional_text_in_big5() -> None:
    text, encoding = decode(TRADITIONAL.encode("big5"), name="x")
    assert text == TRADITIONAL
    assert encoding in ("big5hkscs", "cp950")


def test_hong_kong_characters_in_big5() -> None:
    text = "呢份報告話，香港有七成公司用緊人工智能嘅工具，佢哋嘅員工亦都開始學習點樣運用數據。"
    assert decode(text.encode("big5hkscs"), name="x") == (text, "big5hkscs")


@pytest.mark.parametrize("short", ["人工智能", "数据与软件", "模型的使用情况"])
def test_short_simplified_text(short: str) -> None:
    assert decode(short.encode("gb18030"), name="x")[0] == short


@pytest.mark.parametrize("short", ["人工智慧", "資料與軟體", "模型的使用情形"])
def test_short_traditional_text(short: str) -> None:
    assert decode(short.encode("big5"), name="x")[0] == short


def test_english_with_a_few_chinese_words_in_gbk() -> None:
    text = "The report (报告) says that 78% of firms use models (模型)."
    assert decode(text.encode("gbk"), name="x")[0] == text


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe\x00\x00", "utf-32-le")],
)
def test_byte_order_marks(mark: bytes, encoding: str) -> None:
    text = "模型 models"
    found, _ = decode(mark + text.encode(encoding), name="x")
    assert found == text


def test_latin_1_by_guess() -> None:
    text = "Le modèle a été évalué près de Genève ; les résultats obtenus y sont présentés à la fin. " * 4
    assert decode(text.encode("latin-1"), name="x")[0] == text


def test_a_few_broken_bytes_in_utf_8_are_shown_not_refused() -> None:
    data = (TRADITIONAL * 20).encode("utf-8")
    text, encoding = decode(data[:300] + b"\xff" + data[300:], name="x")
    assert encoding == "utf-8 with errors"
    assert text.count("\ufffd") <= 3
    assert text.replace("\ufffd", "")[-100:] == (TRADITIONAL * 20)[-100:]


def test_a_truncated_last_character_is_no_reason_to_refuse() -> None:
    text, _ = decode((TRADITIONAL * 5).encode("utf-8")[:-1], name="x")
    assert text.startswith(TRADITIONAL)


def test_bytes_that_are_no_text_are_refused() -> None:
    data = bytes(range(128, 256)) * 20 + b"\x00\x01\x02\xff"
    with pytest.raises(UnsupportedFile, match="is not text: byte 0x80 at 0"):
        decode(data, name="x")


@pytest.mark.parametrize(("text", "encoding"), [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "big5")])
def test_a_digest_in_a_national_encoding_says_so(tmp_path: Path, text: str, encoding: str) -> None:
    path = makers.put(tmp_path, "digest.md", f"# 報告\n\n{text}\n".encode(encoding))
    head, pages = makers.read(path)
    assert makers.of_kind(pages[0], "paragraph") == [text]
    assert len(head.warnings) == 1
    assert head.warnings[0].startswith("read as ")
    assert head.metadata["encoding"] in head.warnings[0]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_utf_8_is_read_as_written(text: str) -> None:
    data = text.encode("utf-8")
    assert decode(data, name="x")[0] == text.removeprefix("\ufeff")


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        text, encoding = decode(data, name="x")
    except UnsupportedFile:
        return
    assert isinstance(text, str)
    assert encoding


# ---- characters ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffmark", "softhyphen zerowidth mark"),
        ("turned \u202etxet\u202c back\u2067x\u2069", "turned txet backx"),
        ("ﬁnd ﬀ", "find ff"),
        ("⼈⼯", "人工"),
        ("\u00a0\u2003\u202f|", "   |"),
        ("bell\x07 nul\x00", "bell  nul "),
        ("hid\U000e0041\U000e0042den", "hidden"),
        ("lone \ud800 surrogate", "lone   surrogate"),
        ("２０２５年　“quoted”", "２０２５年　“quoted”"),
    ],
)
def test_clean(written: str, seen: str) -> None:
    assert clean(written) == seen


@given(st.characters())
def test_clean_character_agrees_with_clean(char: str) -> None:
    if char not in "\n\r":
        assert clean_character(char) == clean(char)


@given(st.text(max_size=100))
def test_clean_is_idempotent_and_leaves_nothing_invisible(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not any(unicodedata.category(char) in ("Cs", "Cc") and char != "\n" for char in once)


def test_garbage_scores() -> None:
    assert garbage_score(TRADITIONAL + SIMPLIFIED + makers.PROSE) == 0.0
    assert garbage_score("\ue001\ue002\ue003ab") == pytest.approx(0.6)
    assert garbage_score("ກຂຄງ") == 1.0
    assert garbage_score("  \n") == 0.0
