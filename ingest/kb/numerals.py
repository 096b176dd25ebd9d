"""Values of written-out numerals: Chinese ones (三百二十四, 三点五亿, 二〇二五) and English number words."""

from __future__ import annotations

import re

__all__ = ["EN_PARTS", "EN_SCALES", "EN_UNITS", "EN_WORDS", "ZH_DIGITS", "ZH_NUMERALS", "ZH_SCALES", "zh_scale", "zh_value", "zh_year"]

ZH_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "两": 2, "兩": 2}
_ZH_SMALL = {"十": 10, "百": 100, "千": 1000}
_ZH_LARGE = {"万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "兆": 1e12}
ZH_SCALES = "".join((*_ZH_SMALL, *_ZH_LARGE))
ZH_NUMERALS = "".join((*ZH_DIGITS, ZH_SCALES))
# Two digits side by side (十七八: seventeen or eighteen) or two small scales (千百) make no numeral; a zero between is well.
_RUN = re.compile("[一二两三四五六七八九][零〇○一二两三四五六七八九]|[十百千]{2}")
EN_SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "mn": 1e6,
    "m": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "b": 1e9,
    "trillion": 1e12,
    "tn": 1e12,
    "t": 1e12,
}
EN_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
EN_WORDS = {word: value for value, word in enumerate(EN_UNITS)} | {word: 20 + 10 * place for place, word in enumerate(_EN_TENS)}
EN_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}


def zh_value(text: str) -> float | None:
    """Return the value of a Chinese numeral, None if the characters form none (一一, 三五, 十七八, 零一万, 万一).

    Args:
        text: Folded; digits and scales, perhaps one 点, after whose digits scales may follow (三点五亿).
    """
    whole, _, rest = text.partition("点")
    if rest:
        fraction = rest.rstrip(ZH_SCALES)
        left = _whole(whole) if whole != "零" and whole != "〇" else 0.0
        if left is None or not fraction or any(c not in ZH_DIGITS for c in fraction):
            return None
        return (left + float("0." + "".join(str(ZH_DIGITS[c]) for c in fraction))) * zh_scale(rest[len(fraction) :])
    return _whole(whole)


def _whole(text: str) -> float | None:
    if not text:
        return None
    if all(c in ZH_DIGITS for c in text):
        return _spelt(text)
    if text[0] in "零〇○":
        return None
    if _RUN.search(text):
        return None
    total = section = 0.0
    digit: int | None = None
    for char in text:
        if char in ZH_DIGITS:
            digit = ZH_DIGITS[char]
        elif char in _ZH_SMALL:
            section += (1 if digit is None else digit) * _ZH_SMALL[char]
            digit = None
        else:
            section += digit or 0
            if section == 0 and total == 0:
                return None
            # 万亿 and 亿万 multiply what stands before them; after a digit a scale counts what stands since the last scale.
            total = total + section * _ZH_LARGE[char] if section else total * _ZH_LARGE[char]
            section, digit = 0.0, None
    if digit is not None and len(text) > 1 and text[-2] in "百千万萬亿億":
        # 三千五 is 3500 and 两万五 is 25000: only 零 before the last digit makes it a unit.
        last = text[-2]
        return total + section + digit * (_ZH_SMALL.get(last) or _ZH_LARGE[last]) / 10
    return total + section + (digit or 0)


def _spelt(text: str) -> float | None:
    """Return the value of digits said one by one: a year, or a number with a zero in it; 三五 and 七七八八 are no numbers."""
    value = float("".join(str(ZH_DIGITS[c]) for c in text))
    if len(text) == 1:
        return value
    if zh_year(text):
        return value
    return value if any(ZH_DIGITS[c] == 0 for c in text) and ZH_DIGITS[text[0]] != 0 else None


def zh_year(text: str) -> str:
    """Return a year written in Chinese digits (二〇二五) in Arabic ones; empty if it is none between 1000 and 2199."""
    if len(text) != 4 or any(c not in ZH_DIGITS or c in "两兩" for c in text):
        return ""
    year = "".join(str(ZH_DIGITS[c]) for c in text)
    return year if "1000" <= year <= "2199" else ""


def zh_scale(text: str) -> float:
    """Return what scale characters multiply by: 万亿 is 1e12; 1 for none."""
    value = 1.0
    for char in text:
        value *= _ZH_SMALL.get(char, 0) or _ZH_LARGE.get(char, 1.0)
    return value
