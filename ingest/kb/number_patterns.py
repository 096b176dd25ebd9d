"""The one pattern that finds figures, shares and dates in a folded text, and the tables that name its parts.

Numerals stand inside words of both languages (千万不要, 三三两两, 一成不变, GPT-4, a third party, 5 千瓦): what is no figure there is
told by the characters around it, since cutting every text into words first would cost more than the rest of the analysis.
"""

from __future__ import annotations

import re

from ingest.kb.numerals import EN_UNITS, EN_WORDS, ZH_NUMERALS, ZH_SCALES

__all__ = ["CURRENCIES", "MONTHS", "PATTERN", "QUARTERS", "YEAR"]

MONTHS = {
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
QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "first": 1, "second": 2, "third": 3, "fourth": 4}
CURRENCIES = {
    "us$": "usd",
    "usd": "usd",
    "$": "usd",
    "nt$": "twd",
    "hk$": "hkd",
    "rmb": "cny",
    "cny": "cny",
    "€": "eur",
    "£": "gbp",
    "¥": "cny",
}

YEAR = r"(?:1[0-9]|20|21)\d{2}"
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DIGIT = "零〇○一二两三四五六七八九"
_NUM = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
# 点 is a decimal point, but not in 三点十五分 or 三点五十分 (the time of day) nor in 一点一滴.
_POINT = rf"(?:点[{_DIGIT}]+(?![十刻滴点]))"
_ZH_NUM = rf"[{ZH_NUMERALS}]+(?:{_POINT}[十百千万亿兆]*)?"
# 千瓦, 千克 and 兆字节 are units of their own: their 千 and 兆 do not multiply.
_SCALE = (
    r"(?:万亿|千万|百万|十万|十亿|百亿|千亿|万|亿|兆(?!瓦|赫|字节|位元|帕|比特|欧|焦)"
    r"|千(?!瓦|米|克|卡|赫|帕|字节|兆|焦|伏|比特|位元|公里)|百)"
)
# 数百万 and 几十 name no number (zhnum below), 参数一百亿 does.
# What a single numeral counts: 三家, 五个. Never after 一, which is mostly an article, nor in ordinals and 千, 万 (千家万户).
_COUNTED = "个|家|种|项|倍|篇|款|次|人|名|位|届|所|座|条|间|类|份|国家|台|部|层|页|章|岁|年|天|周|小时|分钟|秒|个月|季度?|大类"
_NO_TENTHS = "立为功本员长果就分交熟群形型语名人体全套行绩品效心对双败因都吉千百"
# Words that make of "a third", "a quarter" an ordinal or a span of time.
_ORDINAL = (
    r"part(?:y|ies)|person|world|time|year|option|place|way|group|factor|reason|country|model|company|firm|round|wave|generation|edition"
    r"|version|point|question|study|stage|phase|step|kind|type|category|grade|floor|century|day|week|month|one|author|source|report"
)

# How any of them begins: told first, at each character, since most of a text begins none and the alternatives are many.
_BEGINS = (
    rf"(?=[\d.$€£¥民半过{_DIGIT}{ZH_NUMERALS}]|\b(?:q[1-4]|(?:first|second|third|fourth)\s|{_MONTH}|half\b|an?[\s-]"
    rf"|{'|'.join(EN_WORDS)})|us\$|usd|nt\$|hk\$|rmb|cny|(?:mid|pre|post|early|late)-)"
)

PATTERN = re.compile(
    rf"""
    {_BEGINS}(?:
    (?P<isodate>(?<![\d.]){YEAR}(?P<sep>[-/.])(?:0?[1-9]|1[0-2])(?P=sep)(?:0?[1-9]|[12]\d|3[01])(?![\d]))
  | (?P<rocdate>民国\s?(?P<roc>\d{{2,3}}|[{ZH_NUMERALS}]+)\s?年
        (?:\s?(?P<rm>0?[1-9]|1[0-2])\s?月(?:\s?(?P<rd>0?[1-9]|[12]\d|3[01])\s?[日号])?)?)
  | (?P<zhdate>(?<!\d)(?P<zy>{YEAR})\s?年\s?(?:(?P<zm>0?[1-9]|1[0-2])\s?月(?:\s?(?P<zd>0?[1-9]|[12]\d|3[01])\s?[日号])?
        |第?\s?(?P<zq>[1-4一二三四])\s?季度?)?)
  | (?P<handate>(?P<year>[一二][零〇○一二三四五六七八九]{{3}})年
        (?:(?P<hm>[一二三四五六七八九]|十[一二]?)月(?:(?P<hd>[一二三四五六七八九十]+)[日号])?)?)
  | (?P<zhmd>(?<![\d年])(?P<ym>0?[1-9]|1[0-2])\s?月\s?(?P<yd>0?[1-9]|[12]\d|3[01])\s?[日号])
  | (?P<quarter>\bq(?P<q1>[1-4])\s*(?:of\s+)?(?P<qy1>{YEAR})\b|\b(?P<qy2>{YEAR})\s*[-]?q(?P<q2>[1-4])\b
        |\b(?P<qw>first|second|third|fourth)\s+quarter\s+of\s+(?P<qy3>{YEAR})\b)
  | (?P<endate>\b(?:(?P<d1>[0-3]?\d)(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>{_MONTH})\.?,?\s+(?P<y1>{YEAR})
        |(?P<m2>{_MONTH})\.?\s+(?P<d2>[0-3]?\d)(?:st|nd|rd|th)?,?\s+(?P<y2>{YEAR})
        |(?P<m3>{_MONTH})\.?,?\s+(?:of\s+)?(?P<y3>{YEAR}))\b)
  | (?P<isomonth>(?<![\d.\-]){YEAR}-(?:0[1-9]|1[0-2])(?![\d\-]))
  | (?P<zhfrac>(?P<fd>[{ZH_NUMERALS}]+|\d+)\s?分之\s?(?P<fn>{_ZH_NUM}|{_NUM}))
  | (?P<tenths>(?<![三五])(?P<tn>[一二两三四五六七八九]|(?<![\d.])[1-9])\s?成(?P<th>[一二三四五六七八九半])?(?!不变|[{_NO_TENTHS}]))
  | (?P<half>一半(?!导)|半数|过半)
  | (?P<slash>(?<![\d/.])(?P<sn>\d{{1,2}})\s?/\s?(?P<sd>\d{{1,3}})(?![\d/]))
  | (?P<halfscale>\bhalf[\s-]an?[\s-](?P<hs>million|billion|trillion|hundred|thousand)\b)
  | (?P<enfrac>\b(?P<en_n>a|an|one|two|three|four)[\s-]+(?P<en_d>half|third|quarter|fourth|fifth|sixth|eighth|tenth)s?\b
        (?!\s(?:{_ORDINAL})\b)
        |(?<!first\s)(?<!second\s)(?<!latter\s)\bhalf\b(?![\s-](?:year|life|hour|time|way|day)\b))
  | (?P<pct>(?P<pn>{_NUM})\s?(?:%|‰|percent\b|per\s?cent\b|pct\b|个?百分点|percentage[\s-]points?\b))
  | (?P<zhpct>(?P<zpn>{_ZH_NUM})个?百分点)
  | (?P<power>(?<![\da-z_.^])(?<!\d,)(?:(?<![\da-z]-)|(?<=e\d-)|(?<=e\d\d-))
        (?:(?P<mantissa>{_NUM})(?:e(?P<exponent>[+-]?\d{{1,3}})|\s?[×x*·]\s?10\^(?P<raised>[+-]?\d{{1,3}}))|10\^(?P<ten>[+-]?\d{{1,3}}))
        (?![\da-z_^]|[.,]\d|-[a-z])(?P<powertimes>\s?(?:倍|times\b|-?fold\b))?)
  | (?P<num>(?<![\d.a-z])(?<!\d,)(?<![a-z]-)(?:(?P<cur>us\$|usd|nt\$|hk\$|rmb|cny|[$€£¥])\s?)?(?P<nn>{_NUM})
        (?:\s?(?P<zs>{_SCALE})|[\s-]?(?P<es>hundred|thousand|million|billion|trillion|mn|bn|tn)\b|(?P<suf>[kmbt])\b)?
        (?P<times>\s?(?:倍|x\b|times\b|-?fold\b))?)
  | (?P<era>(?:mid|pre|post|early|late)-(?P<ey>{YEAR})\b)
  | (?P<zhnum>(?!(?<=[数几])[{ZH_SCALES}])(?P<zn>{_ZH_NUM})(?P<ztimes>倍)?(?=(?P<counted>{_COUNTED})?))
  | (?P<ennum>\b(?:{"|".join(EN_WORDS)})(?:[\s-](?:{"|".join(EN_UNITS[1:10])}))?
        (?:[\s-](?P<ens>hundred|thousand|million|billion|trillion))?\b(?P<entimes>\s?times\b|-?fold\b)?)
    )""",
    re.VERBOSE,
)
