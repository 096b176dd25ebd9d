"""Figures, shares and dates in running text, by value.

One parser serves the index, the questions, the check of generated sentences and the eval measures, so that 100 萬億, 100 trillion and
100T are one thing everywhere: a ``Quantity`` with a canonical ``term``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

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
        if self.kind == "date":
            return f"d:{self.date}"
        if self.kind == "percent":
            return f"p:{_canonical(round(self.value, 2))}"
        return f"n:{_canonical(self.value)}"

    @property
    def terms(self) -> tuple[str, ...]:
        """The canonical term and its coarser ones (a day also counts as its month and year)."""
        if self.kind != "date":
            return (self.term,)
        parts = self.date.split("-")
        return tuple(f"d:{'-'.join(parts[: size + 1])}" for size in range(len(parts)))


def _canonical(value: float) -> str:
    return format(value, ".10g")


_ZH_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_ZH_SMALL = {"十": 10, "百": 100, "千": 1000}
_ZH_LARGE = {"万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "兆": 1e12}
_EN_SCALE = {
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
_EN_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_EN_WORDS = {word: value for value, word in enumerate(_EN_UNITS)} | {word: 20 + 10 * place for place, word in enumerate(_EN_TENS)}
_EN_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        1,
    )
    for name in names
}

_YEAR = r"(?:1[0-9]|20|21)\d{2}"
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ZH_NUM = "零〇一二两兩三四五六七八九十百千万萬亿億兆"
_NUM = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_ZH_SCALE = r"(?:万亿|萬億|千万|千萬|百万|百萬|十万|十萬|十亿|十億|百亿|百億|千亿|千億|万|萬|亿|億|兆|千|百)"

_PATTERN = re.compile(
    rf"""
    (?P<isodate>(?<![\d.]){_YEAR}(?P<sep>[-/.])(?:0?[1-9]|1[0-2])(?P=sep)(?:0?[1-9]|[12]\d|3[01])(?![\d]))
  | (?P<zhdate>(?<!\d)(?P<zy>{_YEAR})\s?年\s?(?:(?P<zm>0?[1-9]|1[0-2])\s?月(?:\s?(?P<zd>0?[1-9]|[12]\d|3[01])\s?[日号號])?
        |第?\s?(?P<zq>[1-4一二三四])\s?季度?)?)
  | (?P<zhmd>(?<![\d年])(?P<ym>0?[1-9]|1[0-2])\s?月\s?(?P<yd>0?[1-9]|[12]\d|3[01])\s?[日号號])
  | (?P<quarter>\bq(?P<q1>[1-4])\s*(?:of\s+)?(?P<qy1>{_YEAR})\b|\b(?P<qy2>{_YEAR})\s*[-]?q(?P<q2>[1-4])\b
        |\b(?P<qw>first|second|third|fourth)\s+quarter\s+of\s+(?P<qy3>{_YEAR})\b)
  | (?P<endate>\b(?:(?P<d1>[0-3]?\d)(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>{_MONTH})\.?,?\s+(?P<y1>{_YEAR})
        |(?P<m2>{_MONTH})\.?\s+(?P<d2>[0-3]?\d)(?:st|nd|rd|th)?,?\s+(?P<y2>{_YEAR})
        |(?P<m3>{_MONTH})\.?,?\s+(?:of\s+)?(?P<y3>{_YEAR}))\b)
  | (?P<isomonth>(?<![\d.\-]){_YEAR}-(?:0[1-9]|1[0-2])(?![\d\-]))
  | (?P<zhfrac>(?P<fd>[{_ZH_NUM}]+|\d+)\s?分之\s?(?P<fn>[{_ZH_NUM}]+(?:点[零〇一二三四五六七八九]+)?|{_NUM}))
  | (?P<tenths>(?P<tn>[一二两兩三四五六七八九]|(?<![\d.])[1-9])\s?成(?P<th>[一二三四五六七八九半])?(?![立为為功本员員长長果就分交熟]))
  | (?P<half>一半|半数|半數|过半|過半)
  | (?P<slash>(?<![\d/.])(?P<sn>\d{{1,2}})\s?/\s?(?P<sd>\d{{1,3}})(?![\d/]))
  | (?P<enfrac>\b(?P<en_n>a|an|one|two|three|four)[\s-]+(?P<en_d>half|third|quarter|fourth|fifth|sixth|eighth|tenth)s?\b|\bhalf\b)
  | (?P<pct>(?P<pn>{_NUM})\s?(?:%|％|‰|percent\b|per\s?cent\b|pct\b|个?百分点|個?百分點|percentage[\s-]points?\b))
  | (?P<num>(?<![\d.a-z])(?<!\d,)(?:(?P<cur>us\$|usd|nt\$|hk\$|rmb|cny|[$€£¥])\s?)?(?P<nn>{_NUM})
        (?:\s?(?P<zs>{_ZH_SCALE})|[\s-]?(?P<es>hundred|thousand|million|billion|trillion|mn|bn|tn)\b|(?P<suf>[kmbt])\b)?
        (?P<times>\s?(?:倍|x\b|times\b|-?fold\b))?)
  | (?P<zhnum>[{_ZH_NUM}]+(?:点[零〇一二三四五六七八九]+)?(?P<ztimes>倍)?)
  | (?P<ennum>\b(?:{"|".join(_EN_WORDS)})(?:[\s-](?:{"|".join(_EN_UNITS[1:10])}))?
        (?:[\s-](?P<ens>hundred|thousand|million|billion|trillion))?\b(?P<entimes>\s?times\b|-?fold\b)?)
    """,
    re.VERBOSE,
)
_CURRENCY = {"us$": "usd", "usd": "usd", "$": "usd", "nt$": "twd", "hk$": "hkd", "rmb": "cny", "cny": "cny"} | {
    "€": "eur",
    "£": "gbp",
    "¥": "cny",
}
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "first": 1, "second": 2, "third": 3, "fourth": 4}


def _zh_value(text: str) -> float | None:
    """Return the value of a Chinese numeral (三百二十四, 一百万亿, 二〇二五), None if it is none."""
    whole, _, fraction = text.partition("点")
    if not whole:
        return None
    if all(c in _ZH_DIGITS for c in whole):
        if len(whole) > 1 and len(whole) != 4 and "〇" not in whole and "零" not in whole:
            return None
        value = float(int("".join(str(_ZH_DIGITS[c]) for c in whole)))
    else:
        total = section = digit = 0.0
        for char in whole:
            if char in _ZH_DIGITS:
                digit = _ZH_DIGITS[char]
            elif char in _ZH_SMALL:
                section += (digit or 1) * _ZH_SMALL[char]
                digit = 0
            else:
                scale = _ZH_LARGE[char]
                section += digit
                if section == 0 and total == 0:
                    return None
                if section:
                    total += section * scale
                else:
                    total *= scale
                section = digit = 0
        value = total + section + digit
    if fraction:
        value += sum(_ZH_DIGITS[c] / 10 ** (place + 1) for place, c in enumerate(fraction))
    return value


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _zh_scale(text: str) -> float:
    value = 1.0
    for char in text:
        value *= _ZH_SMALL.get(char, 0) or _ZH_LARGE.get(char, 1.0)
    return value


def _iso(year: str, month: str | int | None = None, day: str | int | None = None) -> str:
    out = year
    if month:
        out += f"-{int(month):02d}"
        if day:
            out += f"-{int(day):02d}"
    return out


def _date(found: re.Match[str]) -> str | None:
    group = found.group
    if group("isodate"):
        return _iso(*re.split(r"[-/.]", group("isodate")))
    if group("isomonth"):
        return str(group("isomonth"))
    if group("zhdate"):
        if group("zq"):
            return f"{group('zy')}-Q{_QUARTERS.get(group('zq')) or int(group('zq'))}"
        return _iso(group("zy"), group("zm"), group("zd"))
    if group("quarter"):
        year = group("qy1") or group("qy2") or group("qy3")
        quarter = group("q1") or group("q2") or _QUARTERS[group("qw")]
        return f"{year}-Q{quarter}"
    if group("endate"):
        for place in "12":
            if group(f"y{place}"):
                return _iso(group(f"y{place}"), _MONTHS[group(f"m{place}")], group(f"d{place}"))
        return _iso(group("y3"), _MONTHS[group("m3")])
    return None


def _share(found: re.Match[str]) -> tuple[float, str] | None:
    """Return (percent, unit) for the ways to write a share."""
    group = found.group
    if group("pct"):
        unit = "points" if re.search("点|點|point", group("pct")) else ""
        value = _number(group("pn"))
        return (value / 10 if "‰" in group("pct") else value), unit
    if group("half"):
        return 50.0, "fraction"
    if group("slash"):
        return (100.0 * int(group("sn")) / int(group("sd")), "fraction") if int(group("sd")) else None
    if group("enfrac"):
        if not group("en_d"):
            return 50.0, "fraction"
        upper = {"a": 1, "an": 1}.get(group("en_n")) or _EN_WORDS[group("en_n")]
        return 100.0 * upper / _EN_PARTS[group("en_d")], "fraction"
    if group("tenths"):
        tenth = _ZH_DIGITS.get(group("tn")) or int(group("tn"))
        rest = {"半": 5}.get(group("th")) or _ZH_DIGITS.get(group("th") or "", 0)
        return tenth * 10.0 + rest, ""
    if group("zhfrac"):
        lower, upper_text = group("fd"), group("fn")
        divisor = float(lower) if lower.isdigit() else _zh_value(lower)
        share = _number(upper_text) if upper_text[0].isdigit() else _zh_value(upper_text)
        if divisor and share is not None:
            return 100.0 * share / divisor, "" if divisor == 100 else "fraction"
    return None


def _plain(found: re.Match[str]) -> tuple[float, str] | None:
    """Return (value, unit) for plain numbers."""
    group = found.group
    if group("num"):
        value = _number(group("nn"))
        if group("zs"):
            value *= _zh_scale(group("zs"))
        elif group("es"):
            value *= _EN_SCALE[group("es")]
        elif group("suf"):
            value *= _EN_SCALE[group("suf")]
        unit = "times" if group("times") else _CURRENCY.get((group("cur") or "").strip(), "")
        return value, unit
    if group("zhnum"):
        text = group("zhnum").removesuffix("倍")
        zh_value = _zh_value(text)
        # One bare numeral (一, 千, 万) is far more often part of a word than a figure.
        if zh_value is None or (len(text) == 1 and not group("ztimes")):
            return None
        return zh_value, "times" if group("ztimes") else ""
    if group("ennum"):
        words = re.split(r"[\s-]+", group("ennum"))
        value = float(sum(_EN_WORDS.get(word, 0) for word in words))
        if group("ens"):
            value *= _EN_SCALE[group("ens")]
        return value, "times" if group("entimes") else ""
    return None


def find_quantities(folded: str) -> list[Quantity]:
    """Return the figures, shares and dates of a folded text, in order, not overlapping.

    Args:
        folded: Text after ``fold`` (lower case, half width, Simplified); offsets are those of this text, which ``fold`` keeps equal to
            the original's. A plain four-digit number from 1000 to 2199 without a unit counts as a year.
    """
    out: list[Quantity] = []
    for found in _PATTERN.finditer(folded):
        start, end = found.span()
        start += len(found.group()) - len(found.group().lstrip())
        date = _date(found)
        if date is not None:
            out.append(Quantity("date", float(date[:4]), start, end, date=date))
            continue
        if found.group("zhmd"):
            date = f"--{int(found.group('ym')):02d}-{int(found.group('yd')):02d}"
            out.append(Quantity("number", float(found.group("ym")) * 100 + float(found.group("yd")), start, end, unit="month-day"))
            continue
        share = _share(found)
        if share is not None:
            out.append(Quantity("percent", share[0], start, end, unit=share[1]))
            continue
        plain = _plain(found)
        if plain is None:
            continue
        value, unit = plain
        text = found.group().strip()
        if not unit and re.fullmatch(_YEAR, text):
            out.append(Quantity("date", value, start, end, date=text))
        else:
            out.append(Quantity("number", value, start, end, unit=unit))
    return out
