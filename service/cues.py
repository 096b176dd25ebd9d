"""Whether a sentence holds the kind of thing that is asked for: a figure, a rank, a date exact enough, a name, a reason."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.kb import Analysis
from service.question import Question
from service.salience import tagged_people

__all__ = [
    "CAPTION",
    "COUNTED",
    "SEPARATORS",
    "SUPERLATIVE",
    "asks_money",
    "asks_name",
    "belongs_to_name",
    "defines",
    "is_code",
    "is_cut_off",
    "kind_present",
    "names_money",
    "names_something",
    "nearness",
    "other_date",
    "people",
    "proper_spans",
]

# A place in an order is asked for, and stands as one: 排第几, where does it rank; 第 24 位, 24th, second.
_RANK = re.compile(r"第几|排几|排名[^，。？]{0,8}(?:多少|如何|怎么样|几)|\branks?\b|\bin what (?:place|position)\b|\bwhat place\b")
_ORDINAL = re.compile(
    r"第\s?\d+|第[一二三四五六七八九十百]+|首位|居首|榜首|末位|垫底|\b\d+(?:st|nd|rd|th)\b"
    r"|\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last) (?:place|rank|position)"
    r"|\brank(?:s|ed|ing)? (?:number |no\. ?|at )?\d+|\b(?:rank(?:s|ed)|come|comes|came|placed) (?:first|second|third|fourth|fifth|last)"
    r"|(?:排名|名次|排行)\D{0,3}\d+"
)
SUPERLATIVE = re.compile(
    r"最|首次|首位|居首|榜首|第一大|第一名|领先|\b(?:most|least|top|leads?|leading|first|highest|lowest|largest|biggest|smallest|cheapest"
    r"|fastest|strongest|weakest|fewest|best|worst|greatest|longest|shortest|oldest|newest|latest|earliest|dearest)\b"
)
# How exact a date is wanted: parts of an ISO date.
_DAY = re.compile(r"哪(?:一|几)?(?:天|日)|几号|何日|\b(?:what|which|exact) (?:day|date)\b|日期")
_MONTH = re.compile(r"哪(?:一|几)?个?月|几月|何月|\b(?:what|which) month\b")
# What is counted stands right after these: how many months, 多少个月.
COUNTED = re.compile(
    r"(?:多少|几|百分之几)(?:个|家|人次|名|位|款|种|项|篇|座|台|间|件|条|倍)?|\bhow (?:many|much)(?: more| fewer| of the)? "
)
_ASKS_NAME = re.compile(
    r"叫什么|叫做什么|怎么称呼|如何称呼|称为什么|称作什么|什么名(?:字|称)|\bwhat (?:is|was|are|were) [^?]{0,60}\b(?:called|named|known as)"
    r"|\bwhat (?:do|does|did) [^?]{0,40}\bcall\b|\bname (?:for|of|given)\b|\bterm (?:for|used)\b"
)
_NAMES = re.compile(
    r"称为|称之为|称作|叫做|叫作|名为|命名为|取名|所谓|\b(?:call(?:s|ed)?|named?|terms?|termed|dubs?|dubbed|known as|label(?:s|led))\b"
)
# A table's or figure's caption, which says what is shown and not what is so.
CAPTION = re.compile(r"^\W*(?:表|圖|图|table|figure|fig\.|chart|exhibit)\s?\d+(?:[.-]\d+)?(?=\W|\s|$)", re.IGNORECASE)
SEPARATORS = re.compile(r"[、；;]|, | and |以及|和|及")
_REASON = re.compile(
    r"归因|归结|源于|源自|来自|出于|在于|缘于|得益于|受惠于|为了|以致|之所以|理由|带动|推动|因为|由于|因此|原因|导致|所以|使得"
    r"|because|since|therefore|reason|owing|attribut|explain|owes|credit|due to|thanks to|as a result|result of|driven by|c[oa]mes? from"
    r"|so that"
)
_DEFINITION = re.compile(
    r"指的|指在|指 |是指|意指|定义|也就是|就是|叫做|称作|称为|所谓|意为|意思|是一种|即"
    r"| is an? | are |means|called|refers to|defined as|known as"
)
_MANNER = re.compile(r"通过|透过|借由|利用|采用|方式|方法|以便|by |through|using|via|method")
_CUES = {"reason": _REASON, "definition": _DEFINITION, "manner": _MANNER}
# What a thing is follows its name: X is a …, X, a …, X 是…, X 指…, X：….
_DEFINES = re.compile(
    r"\W{0,3}(?:\([^()]{1,40}\)\W{0,2})?(?:是|指|即|为|乃|意指|意为|:|is an? |are |refers? to|means |stands for|denotes|, an? |, the )"
)
# Lines of a program in running text.
_CODE = re.compile(
    r"^\s*(?:import \w|from \w+ import|def \w+\(|return |for \w+ in |while |if __|#include|\$ |sudo |pip |curl |const |let |var |print\()"
    r"|^\s*\w{3,}(?:, \w+)* = (?:await )?[\w.]*\w[(\[{]|[;{}]\s*$|\w+_\w+ = |\w+\([^()]*\) *#|\w\(\)(?:\s|$)|\w+\.\w+\(\w*\)"
)
# What is asked for is an amount of money; what makes a figure one, beside it or in the header of its column.
_MONEY_ASKED = re.compile(
    r"多少(?:钱|美元|人民币|港元|港币|新台币|台币|欧元|日元|元)|几(?:块|美元|元)"
    r"|(?:价格|售价|定价|单价|费用|成本|花费|营收|营业收入|收入|利润|金额|投资额|融资额|估值|市值|薪资|薪水|工资|罚款|补贴)"
    r"[^，。？?]{0,6}(?:多少|多大|多高|几何)"
    r"|\bhow much (?:money|does|did|do|will|would|is|was|are|were)\b.{0,60}\b(?:cost|pay|paid|spend|spent|charge|earn|raise|invest|worth)"
    r"|\bwhat (?:is|was|are|were|does|did)\b.{0,60}\b(?:price|costs?|revenues?|fees?|salary|valuation|market cap|profit)\b"
    r"|\bat what price\b|\bhow many (?:us )?(?:dollars|euros|yuan)\b"
)
_MONEY = re.compile(
    r"[$€£¥￥]|美元|美金|人民币|港元|港币|台币|欧元|日元|英镑|元(?!素|数据|年|件|组|首|旦|凶|老)|块钱|\b(?:usd|rmb|cny|hkd|ntd|dollars?|cents?|euros?|yuan)\b"
)
# A sentence that a page, a table or a formula cut off: it ends on a word that something has to follow.
_CUT_OFF = re.compile(
    r"(?:\b(?:an?|the|of|in|on|at|to|for|from|by|with|and|or|that|which|this|these|is|are|was|were|as|than|has|have|doesn['’]t|not|our|their|its)"
    r"|[的和与及在为把被])\s*$"
)
# A run that ends where a figure begins; with a letter in it the figure belongs to a name (o1-1217, pass@1, Qwen-32B).
_RUN = re.compile(r"[a-z0-9._@-]*[._@-]$|[a-z]+$")
_BEFORE_YEAR = ("mid-", "early-", "late-", "pre-", "post-")
_PEOPLE_LATIN = re.compile(r"\b[A-Z][a-zà-ÿ]+(?: [A-Z]\.)?(?: (?:van|von|de|der|la|bin|al))?[ ·‧][A-Z][a-zà-ÿ]{1,}")
_PROPER_KINDS = frozenset({"company", "model", "product", "person", "place", "org", "report"})


def _figures(question: Question, analysis: Analysis) -> list[tuple[int, int]]:
    """Return the spans of a sentence that could be the asked figure, share or date: of its kind, and not in the question."""
    folded = question.analysis.folded
    if _RANK.search(folded):
        return [found.span() for found in _ORDINAL.finditer(analysis.folded)]
    asked = {term for quantity in question.analysis.quantities for term in quantity.terms}
    exact = 2 if _DAY.search(folded) else 1 if _MONTH.search(folded) else 0
    out = []
    for quantity in analysis.quantities:
        if quantity.term in asked or in_name(analysis, quantity.start, quantity.end):
            continue
        fits = {
            "share": quantity.kind == "percent",
            "date": (quantity.kind == "date" and quantity.date.count("-") >= exact) or quantity.unit == "month-day",
            "number": quantity.kind in ("number", "percent"),
        }
        if any(fits.get(kind, False) for kind in question.types):
            out.append((quantity.start, quantity.end))
    return out


def proper_spans(question: Question, analysis: Analysis, text: str) -> list[tuple[int, int]]:
    """Return the names in a sentence that the question does not name: Latin names and those the lexicon lists.

    Args:
        question: As read.
        analysis: Of the sentence.
        text: The sentence as it stands.
    """
    asked = {term for unit in question.units for term in unit.terms}
    out = [(m.start, m.end) for m in analysis.concepts if m.concept.kind in _PROPER_KINDS and "c" + m.concept.key not in asked]
    latin = (token for token in analysis.tokens if token.kind == "word" and token.start > 0 and text[token.start].isupper())
    return out + [(token.start, token.end) for token in latin if "w" + token.text not in asked]


def kind_present(question: Question, analysis: Analysis, text: str) -> tuple[float, list[tuple[int, int]]]:
    """Return whether a sentence holds the kind of thing that is asked (0 to 1), and where."""
    kind = question.type
    if kind in ("share", "number", "date"):
        spans = _figures(question, analysis)
        return (1.0 if spans else 0.0), spans
    if kind == "person":
        spans = people(analysis, text)
        return (1.0 if spans else 0.0), spans
    if kind in ("place", "entity"):
        spans = proper_spans(question, analysis, text)
        return (1.0 if spans else 0.3), spans
    # Of several kinds (哪些原因: a list of reasons) the first that has cues of its own counts.
    cue = next((_CUES[name] for name in question.types if name in _CUES), None)
    return (0.5 if cue is None else float(bool(cue.search(analysis.folded)))), []


def in_name(analysis: Analysis, start: int, end: int) -> bool:
    """Return whether a figure is part of a name (o1-1217, Gemini 2.5 Pro) or the mark of a list item, (1)."""
    folded = analysis.folded
    if any(m.start < start and end <= m.end and m.concept.kind in _PROPER_KINDS for m in analysis.concepts):
        return True
    return belongs_to_name(folded, start, end)


def belongs_to_name(folded: str, start: int, end: int) -> bool:
    """Return whether the characters around a figure make it part of a name or the mark of a list item."""
    run = _RUN.search(folded[max(0, start - 40) : start])
    before = run.group() if run else ""
    if any(char.isalpha() for char in before) and not before.endswith(_BEFORE_YEAR):
        return True
    return folded[start - 1 : start] == "(" and folded[end : end + 1] == ")" and folded[start:end].isdigit() and end - start < 3


def people(analysis: Analysis, text: str) -> list[tuple[int, int]]:
    """Return the spans of a sentence that look like persons' names.

    Those the lexicon lists, Chinese words tagged as names, and two or more Latin words with capitals that name nothing else.
    """
    out = [(m.start, m.end) for m in analysis.concepts if m.concept.kind == "person"]
    out += [(start, end) for start, end in tagged_people(analysis.tokens) if 2 <= end - start <= 4]
    others = [(m.start, m.end) for m in analysis.concepts if m.concept.kind and m.concept.kind != "person"]
    for found in _PEOPLE_LATIN.finditer(text):
        if not any(a < found.end() and found.start() < b for a, b in others):
            out.append(found.span())
    return out


def defines(analysis: Analysis, places: Sequence[tuple[int, int]]) -> bool:
    """Return whether what stands at one of the places is said to be something there."""
    return any(_DEFINES.match(analysis.folded, end) for _, end in places)


def is_code(text: str) -> bool:
    """Return whether a sentence is a line of a program."""
    return bool(_CODE.search(text))


def asks_money(question: Question) -> bool:
    """Return whether the question asks for an amount of money."""
    return question.type != "share" and bool(_MONEY_ASKED.search(question.analysis.folded))


def names_money(text: str) -> bool:
    """Return whether a folded text names a currency."""
    return bool(_MONEY.search(text))


def is_cut_off(folded: str) -> bool:
    """Return whether a sentence breaks off before its end."""
    return bool(_CUT_OFF.search(folded))


def asks_name(question: Question) -> bool:
    """Return whether the question asks what something is called."""
    return bool(_ASKS_NAME.search(question.analysis.folded))


def names_something(analysis: Analysis) -> bool:
    """Return whether a sentence says what something is called."""
    return bool(_NAMES.search(analysis.folded))


def other_date(asked: frozenset[str], analysis: Analysis) -> bool:
    """Return whether a sentence speaks of dates, and of none that the question names.

    Args:
        asked: Terms of the question's dates.
        analysis: Of the sentence.
    """
    dates = [quantity for quantity in analysis.quantities if quantity.kind == "date"]
    return bool(asked and dates) and not any(asked & set(quantity.terms) for quantity in dates)


def nearness(spans: Sequence[tuple[int, int]], places: Sequence[tuple[int, int]], size: int) -> float:
    """Return how near the nearest span is to the question's units on average: 1 beside them, falling to 0 at ``size`` characters."""
    if not spans or not places:
        return 0.0
    best = 0.0
    for start, end in spans:
        gaps = [max(0, start - b, a - end) for a, b in places]
        best = max(best, sum(max(0.0, 1 - gap / size) for gap in gaps) / len(gaps))
    return best
