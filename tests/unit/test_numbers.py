"""Figures, shares and dates are read by value, however and in whatever language they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kb.folding import fold
from ingest.kb.numbers import Quantity, find_quantities


def _read(text: str) -> list[Quantity]:
    return find_quantities(fold(text))


def _one(text: str) -> Quantity:
    found = _read(text)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    "writings",
    [
        ("100 萬億", "100 万亿", "100 trillion", "100T", "100 兆", "一百萬億", "一百万亿", "１００ 萬億"),
        ("1e14", "1E14", "1e+14", "10^14", "1×10^14", "約 1e14", "100T"),
        ("1.5e-3", "0.0015", "1.5 × 10^-3"),
        ("1/3", "三分之一", "one third", "a third", "one-third"),
        ("2/3", "三分之二", "two thirds", "two-thirds"),
        ("1/4", "四分之一", "a quarter", "one fourth"),
        ("13.0%", "13%", "13 percent", "13 per cent", "１３％", "百分之十三", "百分之 13"),
        ("一半", "half", "1/2", "50%", "五成", "百分之五十"),
        ("七成八", "78%", "78 %", "百分之七十八"),
        ("三成半", "35%"),
        ("5‰", "0.5%"),
        ("1,234,567", "1234567"),
        ("3.5 億", "3.5 亿", "350 million", "350M"),
        ("32 億", "3.2 billion", "3.2bn", "3.2B"),
        ("2 兆", "2 万亿", "2 trillion", "two trillion"),
        ("十二", "12", "twelve"),
        ("三百二十四", "324"),
        ("兩萬", "两万", "20000", "20,000", "20 thousand", "20k"),
        ("二十三", "twenty-three", "23"),
        ("1.3 倍", "1.3x", "1.3 times"),
        ("$5 billion", "US$5 billion", "50 億美元", "5,000,000,000"),
    ],
)
def test_writings_of_one_value_share_one_term(writings: tuple[str, ...]) -> None:
    terms = {text: tuple(item.term for item in _read(text)) for text in writings}
    assert len(set(terms.values())) == 1, terms
    assert all(len(found) == 1 for found in terms.values()), terms


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024 年 12 月 5 日", "2024-12-05"),
        ("2024年12月5號", "2024-12-05"),
        ("5 December 2024", "2024-12-05"),
        ("December 5, 2024", "2024-12-05"),
        ("5th of December 2024", "2024-12-05"),
        ("Dec. 5 2024", "2024-12-05"),
        ("2024-12-05", "2024-12-05"),
        ("2024/12/5", "2024-12-05"),
        ("截至 2025 年 6 月", "2025-06"),
        ("as of June 2025", "2025-06"),
        ("2025-06", "2025-06"),
        ("二〇二五年", "2025"),
        ("2025 年第一季", "2025-Q1"),
        ("2025年第三季度", "2025-Q3"),
        ("2025 年第 4 季度", "2025-Q4"),
        ("Q1 2025", "2025-Q1"),
        ("2025 Q1", "2025-Q1"),
        ("2025Q1", "2025-Q1"),
        ("first quarter of 2025", "2025-Q1"),
        ("in 2025", "2025"),
        ("mid-2024", "2024"),
        ("民國 113 年", "2024"),
        ("民國 113 年 5 月 2 日", "2024-05-02"),
        ("民国一一三年", "2024"),
        ("民國九十八年", "2009"),
        ("二〇二五年十二月五日", "2025-12-05"),
        ("二○二五年", "2025"),
        ("一九八四年", "1984"),
    ],
)
def test_dates(text: str, date: str) -> None:
    found = _read(text)
    assert [item.date for item in found] == [date]
    assert found[0].kind == "date"
    assert found[0].term == f"d:{date}"


def test_a_day_counts_as_its_month_and_year() -> None:
    assert _one("2024 年 12 月 5 日").terms == ("d:2024", "d:2024-12", "d:2024-12-05")
    assert _one("Q2 2025").terms == ("d:2025", "d:2025-Q2")
    assert _one("13%").terms == ("p:13",)


@pytest.mark.parametrize(
    ("text", "kind", "value", "unit"),
    [
        ("占 69.7%", "percent", 69.7, ""),
        ("佔比升至約 31%", "percent", 31.0, ""),
        ("提高 5 個百分點", "percent", 5.0, "points"),
        ("提高 5 个百分点", "percent", 5.0, "points"),
        ("up 5 percentage points", "percent", 5.0, "points"),
        ("US$252.3 billion", "number", 252.3e9, "usd"),
        ("NT$300", "number", 300.0, "twd"),
        ("€12", "number", 12.0, "eur"),
        ("280 倍", "number", 280.0, "times"),
        ("三十倍", "number", 30.0, "times"),
        ("a 280-fold drop", "number", 280.0, "times"),
        ("三點五億", "number", 3.5e8, ""),
        ("三点五亿", "number", 3.5e8, ""),
        ("十二點五萬", "number", 125_000.0, ""),
        ("零點五", "number", 0.5, ""),
        ("兩點五倍", "number", 2.5, "times"),
        ("三點五個百分點", "percent", 3.5, "points"),
        ("三个百分点", "percent", 3.0, "points"),
        ("百分之三點五", "percent", 3.5, ""),
        ("百分之百", "percent", 100.0, ""),
        ("萬分之一", "percent", 0.01, "fraction"),
        ("十万分之三", "percent", 0.003, "fraction"),
        ("三千五", "number", 3500.0, ""),
        ("兩萬五", "number", 25_000.0, ""),
        ("一百零八", "number", 108.0, ""),
        ("兩億三千萬", "number", 2.3e8, ""),
        ("參數一百億", "number", 1e10, ""),
        ("千萬人口", "number", 1e7, ""),
        ("三家公司", "number", 3.0, ""),
        ("五个国家", "number", 5.0, ""),
        ("half a million", "number", 500_000.0, ""),
        ("5 千瓦", "number", 5.0, ""),
        ("100 兆瓦", "number", 100.0, ""),
        ("100 兆元", "number", 1e14, ""),
        ("top 5", "number", 5.0, ""),
        ("14.37 兆個詞元", "number", 14.37e12, ""),
    ],
)
def test_value_and_unit(text: str, kind: str, value: float, unit: str) -> None:
    item = _one(text)
    assert (item.kind, item.unit) == (kind, unit)
    assert item.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "pair",
    [
        ("13%", "13"),
        ("13%", "31%"),
        ("13%", "13.1%"),
        ("100 億", "100 萬"),
        ("1.3", "13"),
        ("2024", "2025"),
        ("2024-12-05", "2024-05-12"),
        ("三分之一", "三分之二"),
        ("2025 Q1", "2025-01"),
    ],
)
def test_other_values_have_other_terms(pair: tuple[str, str]) -> None:
    left, right = (_one(text) for text in pair)
    assert left.term != right.term


@pytest.mark.parametrize(
    "text",
    [
        "",
        "。",
        "一般來說，一定要統一",
        "GPT-",
        "完成了",
        "分成幾類",
        "成立於",
        "km",
        "一",
        *("千萬不要 千萬別 千万别急 千万要记得 千萬記得 千万小心 萬一 万一 万万没想到".split()),
        *("一些 一方面 另一方面 一樣 一直 進一步 十分 十分重要 百分百 統一 唯一 之一 同一".split()),
        *("三三兩兩 三三两两 七七八八 三五成群 一五一十 千千萬萬 千方百計 千家万户 百家爭鳴 一一列舉 一成不變 一成不变 五成名".split()),
        *("一點一滴 一点一滴 差一點 有一点".split()),
        *("數百萬 數十億 数千万 幾十萬 几千".split()),
        *("十七八 三四十 三五".split()),
        *("零一萬物 零一万物 千問 三星 四川 兩岸 半導體 第一半導體 三國 五四 九一一 二二八 百度".split()),
        *("第三方 第三家 第二名 每兩年".split()),
        *("GPT-4 Llama-3 COVID-19 Qwen2.5 Top-5 24/7".split()),
        "a third party",
        "a third country",
        "the first half",
        "half-life",
    ],
)
def test_words_with_numerals_in_them_are_no_figures(text: str) -> None:
    assert _read(text) == []


@pytest.mark.parametrize(("text", "values"), [("三點十五分", [15]), ("三点五十分", [50]), ("十七八萬人中的三百人", [300])])
def test_what_is_no_decimal_and_no_numeral_leaves_its_neighbours_alone(text: str, values: list[float]) -> None:
    assert [item.value for item in _read(text)] == values


@pytest.mark.parametrize("text", ["e5-small", "2e5a", "1e14f00", "550e8400-e29b", "a-1e5", "v1e5", "5e3-x", "1e400", "1.2e3.4"])
def test_what_looks_like_a_power_in_an_identifier_is_none(text: str) -> None:
    assert all(item.value < 1e3 for item in _read(text))


def test_a_range_of_powers_is_two_figures() -> None:
    assert [item.value for item in _read("1e14-1e15")] == [1e14, 1e15]


@pytest.mark.parametrize("text", ["GPT-4", "v2.1", "h100"])
def test_names_do_not_break_the_reader(text: str) -> None:
    for item in _read(text):
        assert item.end <= len(text)


def test_several_in_one_sentence_in_order() -> None:
    text = "從 2024 年的 55% 升至 2025 年的 78%，用戶達 1.2 億。"
    assert [item.term for item in _read(text)] == ["d:2024", "p:55", "d:2025", "p:78", "n:120000000"]


def test_the_span_is_the_figure_itself() -> None:
    text = "全年支出  US$5.2 billion，較前一年多三成。"
    assert [text[item.start : item.end] for item in _read(text)] == ["US$5.2 billion", "三成"]


@given(st.text(alphabet="0123456789.,%/年月日-萬亿兆億千百十一二三半成分之點点 qkmbt$Q季第", max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    folded = fold(text)
    at = 0
    for item in find_quantities(folded):
        assert at <= item.start < item.end <= len(folded)
        assert folded[item.start : item.end].strip()
        assert item.term == item.terms[-1]
        at = item.end


@given(st.integers(0, 99_999_999))
def test_a_whole_number_keeps_its_value(number: int) -> None:
    for text in (f"{number:,} 件", f"共 {number} 件"):
        found = _read(text)
        assert [item.value for item in found] == [float(number)]
