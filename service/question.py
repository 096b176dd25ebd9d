"""What a question asks: its language, its units of meaning, the kind of answer it wants."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from ingest.kb import Analyser, Analysis, Language, detect_language, detect_script, fold
from ingest.kb.tokens import is_han
from service.records import Turn
from service.salience import LOW, saliences

__all__ = ["ANSWER_TYPES", "AnswerType", "Question", "Unit", "read_question", "spoken_language"]

AnswerType = Literal[
    "share", "number", "date", "person", "place", "entity", "reason", "manner", "definition", "list", "comparison", "polar", "fact"
]
ANSWER_TYPES: tuple[AnswerType, ...] = (
    "share",
    "number",
    "date",
    "person",
    "place",
    "entity",
    "reason",
    "manner",
    "definition",
    "list",
    "comparison",
    "polar",
    "fact",
)

# Patterns over folded text (lower case, Simplified), first match wins; Chinese and English side by side.
_TYPES: tuple[tuple[AnswerType, str], ...] = (
    (
        "share",
        r"百分之几|百分之多少|百分比|几成|(?:多少|多大|多高|几)[^，。？]{0,4}(?:份额|比例|占比|比重|比率|百分点)"
        r"|(?:份额|比例|占比|比重|比率|渗透率|普及率|采用率|使用率|成功率|增长率|增幅|涨幅|降幅|跌幅)[^，。？]{0,8}(?:多少|几何|多大|多高"
        r"|是几|为何$)"
        r"|占[^，。？]{0,16}(?:多少|几)|\b(?:what|which|how (?:large|big|high|great) (?:a|an|is|was|are|were)(?: the)?)\s+(?:\w+\s+){0,3}"
        r"(?:share|percentage|percent|proportion|fraction|rate)\b|\bhow many percent",
    ),
    (
        "date",
        r"何时|什么时候|什么时间|几时|哪(?:一|个)?年|哪(?:一|几)?(?:天|日)|哪(?:一|几|个)?月|几月|几号|哪个?季度|何年|何月|何日|日期"
        r"|\bwhen\b|\b(?:what|which) (?:year|month|date|day|quarter|century|decade)\b|\bsince when\b",
    ),
    ("person", r"谁|哪(?:一)?位|何人|什么人|哪些人|\bwho(?:m|se)?\b|\bwhich (?:person|people|author|authors)\b"),
    (
        "reason",
        r"为何|为什么|为啥|因何|何故|(?:什么|哪些|哪几个?|何种)(?:主要)?原因|原因(?:是|为|有|何在|[？?]|$)|归因于什么|什么缘故|理由(?:是|有)|怎么会|\bwhy\b|\breasons?\b"
        r"|\bwhat (?:caused|causes|led|explains|drove|drives)\b|\bto what (?:do|does|did|is|are|was|were)\b",
    ),
    (
        "number",
        r"第几|排几|\branks?\b|多少|几(?:个|家|人|种|次|倍|篇|项|名|年|天|月|岁|届|所|座|条|间|款|美元|元|亿|万|千|百|位|层|章|页|国|类)|多大|多高|多长|多久"
        r"|多远|多快|多重|多深|多宽"
        r"|(?:数量|人数|金额|价格|成本|总数|总额|规模|长度|面积|高度)[^，。？]{0,6}(?:是|为|有)?(?:什么|何|几)?[？?]?$"
        r"|\bhow (?:many|much|long|old|far|fast|tall|high|large|big|often|deep|wide|heavy|expensive)\b"
        r"|\bwhat (?:is|was|are|were) the (?:\w+\s+){0,3}(?:number|price|cost|amount|size|length|population|value|median|average|total"
        r"|score|count)\b",
    ),
    (
        "place",
        r"哪里|哪儿|何处|何地|什么地方|哪(?:一)?个?(?:国家|地区|城市|地方|州|省|市|大洲|洲|地)|哪国|\bwhere\b"
        r"|\b(?:what|which) (?:country|countries|city|place|region|state|continent|location)\b",
    ),
    (
        "definition",
        r"什么是|是什么意思|指的是什么|是指什么|的?定义|何谓|含义|所谓|\bwhat (?:is|are) (?:an? )?[\w\s-]+\?*$|\bwhat does [^?]* mean\b"
        r"|\bdefin(?:e|ed|ition)\b|\bmeant by\b",
    ),
    (
        "comparison",
        r"比较|相比|对比|差异|差别|区别|差距|有何不同|有什么不同|哪个更|谁更|孰|\bcompare[ds]?\b|\bcomparison\b"
        r"|\bdiffer(?:s|ence|ences|ent)?\b|\bversus\b|\bvs\b",
    ),
    (
        "list",
        r"哪些|哪几|列出|有什么|包括什么|包含什么|分别|\bwhich [a-z-]+s (?:are|were|have|do|did)\b|\bwhat (?:are|were) the\b|\blist\b"
        r"|\bname the\b",
    ),
    (
        "entity",
        r"哪(?:一)?(?:家|个|款|种|项|类|所|本|部|支|间|份|门|场|派)|何种|什么(?:公司|模型|机构|语言|组织|类别|工具|平台|产品|名字|名称)"
        r"|什么(?!是|时候|时间|地方|意思|叫|样|人|关系|区别|不同|影响|用|好|问题|原因|内容|情况)[^，。？?的是]{2,10}[？?]?$|用了什么|采用什么"
        r"|\bwhich\b|\bwhat (?:company|model|organi[sz]ation|language|category|tool|platform|product|name|type|kind)\b"
        r"|^what (?!(?:is|are|was|were|do|does|did|has|have|had|can|will|would|should|could|about|if|the|to)\b|happen)"
        r"(?:[\w-]+ ){1,4}(?:is|are|was|were|do|does|did|has|have|had|can|will)\b",
    ),
    ("manner", r"如何|怎么|怎样|怎么样|用什么方法|透过什么|通过什么|\bhow\b"),
    (
        "polar",
        r"是否|有没有|是不是|能不能|会不会|可否|吗[？?]?$|^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b",
    ),
)
_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _TYPES)

# Words that make a sentence a question or a request; they say nothing about its subject.
_ASKING = (
    r"请问|请列出|请说明|请告诉我|多少|几成|几个|百分之几|何时|什么时候|哪一年|哪年|为何|为什么|如何|怎么样|怎样|怎么|什么|哪一家|哪一个|哪一款|哪一种|哪一位"
    r"|哪家|哪个|哪些|哪里|哪位|哪国|哪款|哪种|哪几|哪|谁|是否|有没有|吗|呢"
)
_FUNCTION = re.compile(
    _ASKING + r"|请|大约|大概|左右|根据|依据|按照|报告中|报告里|报告|文中|文章|指出|提到|显示|分别|目前|到底|究竟|帮我|麻烦|我?想知道"
    r"|用(?:大白话|白话|一句话|简单的话)来?[讲说]?|(?:简单|通俗)来?[讲说]"
    r"|\bin (?:plain|simple) (?:words|terms|english)\b|\bin (?:short|a nutshell)\b"
)
# What a passage that answers need not say.
_UNSAID = re.compile(r"什么是|是什么|" + _ASKING + r"|(?:大约|应该?)?是(?=多少|几|什么|谁|哪)|应该?(?=如何|怎)")
_GLOSS = re.compile(r"\s?[（(]([^（）()]{1,40})[）)]")
_WHICH = re.compile(
    r"(?:哪(?:一|几)?(?:个|家|种|款|类|项|座|位|份|片|门|些)?|什么样的|什么|\b(?:which|what)(?: (?:kind|type|sort)s? of)?(?: an?)? )"
)
_CASUAL_EN = frozenset(
    "what which who whom whose when where why how many much long old far do does did is are was were be been has have had can could "
    "will would should may might please tell me give list name according report say says said mention mentioned describe described "
    "explain about roughly approximately around there any some".split()
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of meaning of a question: a concept, a word no concept covers, or a figure.

    Attributes:
        terms: Index terms any of which expresses it.
        start: First character in the question.
        end: One past the last.
        kind: ``concept``, ``word``, ``name`` (Latin name or one the lexicon lists) or ``figure``.
        low: True if it says little about the subject.
        salience: How much it says about the subject, 0 to 1 (``service.salience``).
        name_kind: ``company``, ``place`` … for a name of the lexicon, else empty.
        kind_asked: True for the word after *which*: the answer is one of its kind, and need not name it.
    """

    terms: tuple[str, ...]
    start: int
    end: int
    kind: str
    low: bool = False
    salience: float = 1.0
    kind_asked: bool = False
    name_kind: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as read.

    Attributes:
        text: As asked.
        language: That the answer is written in: the question's own, or the one that was asked for.
        own: The language of its words.
        analysis: Of its text.
        types: Kinds of answer it wants, the most telling first.
        units: What it is about.
        subject: Analysis of the text without the words that ask: what is to be found. Offsets are those of the text.
        phrases: Folded texts in quotation marks.
        exact: Those of them that must occur literally: all in a text that begins with a quotation mark, and those in English marks
            where nothing is asked, as in any search. Within a question they set off a term, which a passage may call otherwise.
    """

    text: str
    language: Language
    analysis: Analysis
    types: tuple[AnswerType, ...]
    units: tuple[Unit, ...]
    subject: Analysis
    phrases: tuple[str, ...]
    exact: tuple[str, ...] = ()
    own: Language = "en"

    @property
    def type(self) -> AnswerType:
        """The most telling kind of answer."""
        return self.types[0]

    @property
    def english(self) -> bool:
        """Whether its own words are English, whatever language the answer is to be in."""
        return self.own == "en"

    def crosses(self, language: str) -> bool:
        """Return whether a text in a language is in the other one than the question's own words."""
        return (language == "en") != self.english


_NAME_KINDS = frozenset({"company", "model", "product", "person", "place", "org", "report"})
# Words without which hardly an English question is asked.
_ENGLISH = re.compile(
    r"\b(?:the|of|is|are|was|were|be|what|how|who|whose|which|when|where|why|did|does|do|has|have|had|in|on|at|for|to|by|from|with|about|tell"
    r"|list|compare|explain|summari[sz]e|describe)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[“\"「『《]([^”\"」』》]{2,60})[”\"」』》]")


def _types(folded: str) -> tuple[AnswerType, ...]:
    found = [(name, match.start()) for name, pattern in _COMPILED if (match := pattern.search(folded.strip()))]
    return tuple(name for name, _ in found) or ("fact",)


def _function_spans(folded: str) -> list[tuple[int, int]]:
    return [found.span() for found in _FUNCTION.finditer(folded)]


def _units(analysis: Analysis, text: str) -> tuple[Unit, ...]:
    skip = _function_spans(analysis.folded)

    def functional(start: int, end: int) -> bool:
        return any(a <= start and end <= b for a, b in skip)

    units: dict[tuple[int, int], Unit] = {}
    asking = [(m.start, m.end) for m in analysis.concepts if m.concept.kind == "question" and not m.nested]
    for match in analysis.concepts:
        concept = match.concept
        # What is asked may stand inside the words that ask: 成立 in 什么时候成立.
        # The many of how many is none.
        attribute = match.nested and not concept.low and any(a <= match.start and match.end <= b for a, b in asking)
        if (match.nested and not attribute) or concept.kind in ("question", "unit") or functional(match.start, match.end):
            continue
        named = concept.kind if concept.kind in _NAME_KINDS else ""
        kind = "name" if named else "concept"
        span = (match.start, match.end)
        terms: tuple[str, ...] = ("c" + concept.key,)
        if span in units:
            terms = (*units[span].terms, *terms)
        units[span] = Unit(terms, *span, kind, concept.low)
    covered = list(units)
    for quantity in analysis.quantities:
        units[quantity.start, quantity.end] = Unit(("n" + quantity.term,), quantity.start, quantity.end, "figure")
    taken = [*covered, *((q.start, q.end) for q in analysis.quantities)]
    question_words = [(m.start, m.end) for m in analysis.concepts if m.concept.kind == "question"]
    for word, start, end in analysis.words:
        if any(a < end and start < b for a, b in taken) or functional(start, end):
            continue
        if any(a <= start and end <= b for a, b in question_words) or word in _CASUAL_EN:
            continue
        if any(a <= start and end <= b and (a, b) != (start, end) for a, b in units):
            continue
        original = text[start:end]
        latin = not is_han(word[0])
        proper = latin and ((original[:1].isupper() and start > 0) or any(c.isdigit() for c in original) or original.isupper())
        kind = "name" if proper else "word"
        units[start, end] = Unit(("w" + word,), start, end, kind, len(word) == 1 and not latin)
    worths, asked = saliences(analysis.tokens), {found.end() for found in _WHICH.finditer(analysis.folded)}
    return tuple(_weighed(unit, worths, asked) for unit in _glossed([units[span] for span in sorted(units)], analysis.folded))


def _glossed(units: Sequence[Unit], folded: str) -> list[Unit]:
    """Return the units in order, those in brackets joined to the one before them: 多元宇宙（Plurality）names one thing twice."""
    out: list[Unit] = []
    brackets = [(found.start(), found.end()) for found in _GLOSS.finditer(folded)]
    for unit in units:
        inside = next((start for start, end in brackets if start < unit.start and unit.end < end), None)
        if inside is not None and out and out[-1].end == inside and unit.kind != "figure":
            before = out[-1]
            kind = "name" if "name" in (before.kind, unit.kind) else before.kind
            out[-1] = replace(before, terms=(*before.terms, *unit.terms), kind=kind, name_kind=before.name_kind or unit.name_kind)
        else:
            out.append(unit)
    return out


def _weighed(unit: Unit, worths: Sequence[tuple[int, int, float]], asked: Collection[int]) -> Unit:
    """Return a unit with its salience.

    Args:
        unit: Of the question.
        worths: Spans of the question's words and how much each says.
        asked: Where the words end that ask which.
    """
    if unit.kind in ("name", "figure"):
        return unit
    inside = [worth for start, end, worth in worths if start < unit.end and unit.start < end]
    worth = max(inside, default=1.0)
    return replace(unit, salience=min(worth, LOW) if unit.low else worth, kind_asked=unit.start in asked)


def read_question(text: str, analyser: Analyser, *, language: Language | None = None, fallback: Language | None = None) -> Question:
    """Return a question as read.

    Args:
        text: As asked.
        analyser: The knowledge base's.
        language: What the caller says it is in; None detects it.
        fallback: Taken when the characters do not tell Traditional from Simplified (session or interface language).
    """
    read = _read(text, analyser)
    if language is None:
        language = read.own
        if language != "en" and detect_script(text) is None and fallback in ("zh-Hant", "zh-Hans"):
            language = fallback
    return replace(read, language=language)


# A question is read more than once on its way: to tell its language, and to answer it.
@lru_cache(maxsize=64)
def _read(text: str, analyser: Analyser) -> Question:
    """Return a question as read, its language left open."""
    analysis = analyser.analyse(text)
    found = list(_QUOTED.finditer(text))
    types = _types(analysis.folded)
    begins, asks = text.strip()[:1] in tuple('"“「『'), types != ("fact",) or "?" in analysis.folded
    phrases = tuple(fold(match.group(1)) for match in found)
    exact = tuple(fold(match.group(1)) for match in found if begins or (match.group()[0] in '"“' and not asks))
    units, subject = _units(analysis, text), _subject(analysis, analyser)
    return Question(text, "en", analysis, types, units, subject, phrases, exact, _own_language(text))


def _own_language(text: str) -> Language:
    """Return the language of a question's words; Latin names make no Chinese question English (Cloudflare AI Gateway 適合誰？)."""
    found = detect_language(text)
    if found != "en" or not any(map(is_han, text)) or _ENGLISH.search(text):
        return found
    return detect_script(text) or "zh-Hans"


def _subject(analysis: Analysis, analyser: Analyser) -> Analysis:
    """Return the analysis of what is asked about; a question of nothing but asking words keeps them."""
    rest = _UNSAID.sub(lambda found: "\n" * len(found.group()), analysis.folded)
    return analyser.analyse(rest) if rest != analysis.folded and any(char.isalnum() for char in rest) else analysis


def spoken_language(text: str, history: Sequence[Turn], analyser: Analyser, fallback: Language | None = None) -> Language:
    """Return the language to answer in.

    It is the question's own. Where its characters do not tell Traditional from Simplified, it is that of the question before, or the
    reader's.

    Args:
        text: As asked.
        history: Earlier turns, oldest first.
        analyser: The knowledge base's.
        fallback: The reader's language.
    """
    asked = [turn.content for turn in history if turn.role == "user"]
    if asked:
        before = read_question(asked[-1], analyser, fallback=fallback).language
        fallback = fallback if before == "en" else before
    return read_question(text, analyser, fallback=fallback).language
