"""Figures, shares and dates in running text, by value.

One parser serves the index, the questions, the check of generated sentences and the eval measures, so that 100 萬億, 100 trillion and
100T are one thing everywhere: a ``Quantity`` with a canonical ``term``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ingest.kb.number_patterns import CURRENCIES, MONTHS, PATTERN, QUARTERS, YEAR
from ingest.kb.numerals import EN_PARTS, EN_SCALES, EN_WORDS, ZH_DIGITS, zh_scale, zh_value, zh_year

__all__ = ["Quantity", "QuantityKind", "find_quantities"]

QuantityKind = Literal["number", "percent", "date"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One figure or date in a text.

    Attributes:
        kind: ``percent`` covers %, 百分之…, 成 and fractions (1/3 has the value 33.3333 and the unit ``fraction``).
        value: Number or percent; for a date the year.
        unit: ``times``, ``points``, ``fraction``, ``usd`` … or empty.
        date: ISO date (YYYY, YYYY-MM, YYYY-MM-DD or YYYY-Qn) for a date, else empty.
        start: First character.
        end: One past the last character.
    """

    kind: QuantityKind
    value: float
    start: int
    end: int
    unit: str = ""
    date: str = ""

    @property
    def term(self) -> str:
        """The canonical index term; equal values have equal terms."""
        return _term(self.kind, self.value, self.date)

    @property
    def terms(self) -> tuple[str, ...]:
        """The canonical term and its coarser ones (a day also counts as its month and year)."""
        if self.kind != "date":
            return (self.term,)
        parts = self.date.split("-")
        return tuple(f"d:{'-'.join(parts[: size + 1])}" for size in range(len(parts)))


@lru_cache(maxsize=16_384)
def _term(kind: QuantityKind, value: float, date: str) -> str:
    if kind == "date":
        return f"d:{date}"
    if kind == "percent":
        return f"p:{_canonical(round(value, 2) or float(format(value, '.2g')))}"
    return f"n:{_canonical(value)}"


def _canonical(value: float) -> str:
    return format(value, ".10g")


# 千万 before these is an adverb (千万不要, 千万要记得), not a figure.
_ADVERB = re.compile(r"[不别勿莫要记请得可没无难]|小心|注意|当心|拜托|保重|留意")
_ROC = 1911  # Year 1 of the Republic of China is 1912.


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _iso(year: str, month: str | int | None = None, day: str | int | None = None) -> str:
    out = year
    if month:
        out += f"-{int(month):02d}"
        if day:
            out += f"-{int(day):02d}"
    return out


def _roc_date(found: re.Match[str]) -> str | None:
    text = found["roc"]
    # The year is often said digit by digit: 民国一一三年.
    spelt = "".join(str(ZH_DIGITS.get(char, char)) for char in text)
    year = float(spelt) if spelt.isdigit() else zh_value(text)
    return _iso(str(int(year) + _ROC), found["rm"], found["rd"]) if year else None


def _zh_date(found: re.Match[str]) -> str:
    if found["zq"]:
        return f"{found['zy']}-Q{QUARTERS.get(found['zq']) or int(found['zq'])}"
    return _iso(found["zy"], found["zm"], found["zd"])


def _han_date(found: re.Match[str]) -> str | None:
    month, day = (int(zh_value(found[part] or "零") or 0) for part in ("hm", "hd"))
    year = zh_year(found["year"])
    return _iso(year, month, day) if year else None


def _quarter(found: re.Match[str]) -> str:
    return f"{found['qy1'] or found['qy2'] or found['qy3']}-Q{found['q1'] or found['q2'] or QUARTERS[found['qw']]}"


def _en_date(found: re.Match[str]) -> str:
    for place in "12":
        if found[f"y{place}"]:
            return _iso(found[f"y{place}"], MONTHS[found[f"m{place}"]], found[f"d{place}"])
    return _iso(found["y3"], MONTHS[found["m3"]])


# What each alternative of the pattern is, by its name: an ISO date, a share as (percent, unit), or a number as (value, unit).
_DATES: dict[str, Callable[[re.Match[str]], str | None]] = {
    "isodate": lambda found: _iso(*re.split(r"[-/.]", found["isodate"])),
    "isomonth": lambda found: found["isomonth"],
    "rocdate": _roc_date,
    "zhdate": _zh_date,
    "handate": _han_date,
    "quarter": _quarter,
    "endate": _en_date,
    "era": lambda found: found["ey"],
}
_Read = tuple[float, str] | None


def _percent(found: re.Match[str]) -> _Read:
    value = _number(found["pn"])
    return (value / 10 if "‰" in found["pct"] else value), "points" if re.search("点|point", found["pct"]) else ""


def _zh_points(found: re.Match[str]) -> _Read:
    value = zh_value(found["zpn"])
    return None if value is None else (value, "points")


def _slash(found: re.Match[str]) -> _Read:
    upper, lower = int(found["sn"]), int(found["sd"])
    # 24/7 is no share.
    return (100.0 * upper / lower, "fraction") if upper < lower else None


def _en_fraction(found: re.Match[str]) -> _Read:
    if not found["en_d"]:
        return 50.0, "fraction"
    upper = {"a": 1, "an": 1}.get(found["en_n"]) or EN_WORDS[found["en_n"]]
    return 100.0 * upper / EN_PARTS[found["en_d"]], "fraction"


def _tenths(found: re.Match[str]) -> _Read:
    tenth = ZH_DIGITS.get(found["tn"]) or int(found["tn"])
    return tenth * 10.0 + ({"半": 5}.get(found["th"]) or ZH_DIGITS.get(found["th"] or "", 0)), ""


def _zh_fraction(found: re.Match[str]) -> _Read:
    lower, upper = found["fd"], found["fn"]
    # A bare scale is a numeral here: 万分之一.
    divisor = float(lower) if lower.isdigit() else zh_value(lower) or zh_scale(lower)
    share = _number(upper) if upper[0] in ".0123456789" else zh_value(upper)
    if not divisor or share is None:
        return None
    return 100.0 * share / divisor, "" if divisor == 100 else "fraction"


_SHARES: dict[str, Callable[[re.Match[str]], _Read]] = {
    "pct": _percent,
    "zhpct": _zh_points,
    "half": lambda _: (50.0, "fraction"),
    "slash": _slash,
    "enfrac": _en_fraction,
    "tenths": _tenths,
    "zhfrac": _zh_fraction,
}


def _arabic(found: re.Match[str]) -> _Read:
    value = _number(found["nn"])
    if found["zs"]:
        value *= zh_scale(found["zs"])
    elif found["es"] or found["suf"]:
        value *= EN_SCALES[found["es"] or found["suf"]]
    return value, "times" if found["times"] else CURRENCIES.get((found["cur"] or "").strip(), "")


def _power(found: re.Match[str]) -> _Read:
    """Read 1.5e-3 and 10^14; in an identifier (2e5a, 1e14f00) such a run is none."""
    value = float(f"{(found['mantissa'] or '1').replace(',', '')}e{found['exponent'] or found['raised'] or found['ten']}")
    return (value, "times" if found["powertimes"] else "") if math.isfinite(value) else None


def _chinese(found: re.Match[str]) -> _Read:
    text = found["zn"]
    value = zh_value(text)
    if value is None:
        return None
    if found["ztimes"]:
        return value, "times"
    if len(text) == 1:
        # One bare numeral (一, 千, 万) is far more often part of a word than a figure; 三家 and 五个 count.
        ordinal = found.string[max(0, found.start() - 1) : found.start()] in ("第", "每", "某")
        return (value, "") if found["counted"] and text in "二两三四五六七八九十" and not ordinal else None
    if text == "千万" and _ADVERB.match(found.string, found.end()):
        return None
    return value, ""


def _english(found: re.Match[str]) -> _Read:
    value = float(sum(EN_WORDS.get(word, 0) for word in re.split(r"[\s-]+", found["ennum"])))
    return value * EN_SCALES.get(found["ens"] or "", 1.0), "times" if found["entimes"] else ""


_NUMBERS: dict[str, Callable[[re.Match[str]], _Read]] = {
    "zhmd": lambda found: (float(found["ym"]) * 100 + float(found["yd"]), "month-day"),
    "num": _arabic,
    "power": _power,
    "zhnum": _chinese,
    "halfscale": lambda found: (0.5 * EN_SCALES[found["hs"]], ""),
    "ennum": _english,
}


def _quantity(found: re.Match[str]) -> Quantity | None:
    start, end = found.span()
    start += len(found.group()) - len(found.group().lstrip())
    name = found.lastgroup or ""
    if name in _DATES:
        date = _DATES[name](found)
        return Quantity("date", float(date[:4]), start, end, date=date) if date else None
    read = _SHARES[name](found) if name in _SHARES else _NUMBERS[name](found)
    if read is None:
        return None
    value, unit = read
    if name in _SHARES:
        return Quantity("percent", value, start, end, unit)
    text = found.group().strip()
    if not unit and re.fullmatch(YEAR, text):
        return Quantity("date", value, start, end, date=text)
    return Quantity("number", value, start, end, unit)


def find_quantities(folded: str) -> list[Quantity]:
    """Return the figures, shares and dates of a folded text, in order, not overlapping.

    Args:
        folded: Text after ``fold`` (lower case, half width, Simplified); offsets are those of this text, which ``fold`` keeps equal to
            the original's. A plain four-digit number from 1000 to 2199 without a unit counts as a year.
    """
    read = (_quantity(found) for found in PATTERN.finditer(folded))
    return [quantity for quantity in read if quantity is not None]
