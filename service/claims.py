"""What a sentence says, taken apart for checking: figures, dates, names and content, clause by clause; languages meet in the lexicon."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.kb import Analyser, Analysis, fold
from ingest.kb.numbers import Quantity, find_quantities

__all__ = ["Clause", "Sentence", "Unit", "language_of", "read_sentence"]

_NAME_KINDS = {"company", "person", "model", "place", "org", "product"}
# Organisations, products and models are called by one another's names; places and people are not.
_KIND = {"company": "maker", "model": "maker", "product": "maker", "org": "maker"}
_CLAUSE = re.compile(r"[，,；;()（）:：](?!\d{3}(?!\d))|\b(?:while|but|whereas|although|against|versus)\b|而|但")
_LIST = re.compile(r"、|\b(?:and|than)\b|和|与|及|比")
# "from 233 in 2024 to 362 in 2025", 从……降到……: each end has its own figure and date.
_RANGE = re.compile(r"\bto\b(?=[^,;.]{0,14}\d)|[到至](?=[^，；。]{0,14}\d)")
# Gemini 2.0 Flash, claude-3.7-sonnet: the version is part of the name, not a figure.
_VERSIONED = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]+(?:-[A-Za-z0-9.]+)*-\d[A-Za-z0-9.]*(?:-[A-Za-z0-9.]+)*"
    r"(?: (?:Mini|Pro|Flash|Nano|Turbo|Max|Codex))*(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])[A-Z][A-Za-z]* \d{1,2}(?:\.\d+)?[a-z]?(?: [A-Z][a-z]+)+"
    r"|(?<![A-Za-z0-9])[A-Z][A-Za-z]* \d{1,2}\.\d(?![\d%])(?= ?[\u4e00-\u9fff,，)])(?! ?[倍万萬亿億兆个個美百千分成])"
)
_STOP = frozenset(
    "report according show shown say said find found state also however thus "
    "显示 指出 表示 报告 根据 约 约为 大约 左右 其中 分别 另外 此外".split()
)
_NEGATION = re.compile(
    r"\b(?:not(?! only\b)|no(?! longer than\b)|never|none|nobody|nothing|neither|nor|without|cannot|hardly|barely|fails? to|failed to)\b"
    r"|n't\b|(?<!南)非(?!洲|常|营利|凡)|没(?!收|落)|(?<!毫)无(?!论|线|人机|疑|数)|未(?!来|必)"
    r"|不(?!同|到|足|过|少|断|仅|只|但|等|如|久|妨|论|管|料|变|满|可思议|平衡)"
)
_HALF = re.compile(r"(?P<y1>20\d\d)\s?年\s?(?P<h1>[上下])半年|\b(?P<h2>first|second) half of (?P<y2>20\d\d)\b")
_NOT_A_FIGURE = re.compile(
    r"\bhalf[ -](?:a[ -])?year\b|\b(?:first|second|this|that) half\b|半年|\bone\b(?! (?:third|quarter|half|million|billion))"
)
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH_DAY = re.compile(rf"\b(?P<d1>\d{{1,2}}) (?P<m1>{'|'.join(_MONTHS)})\b|\b(?P<m2>{'|'.join(_MONTHS)}) (?P<d2>\d{{1,2}})\b(?!,? ?\d)")
_MONTH = re.compile(rf"\b(?P<en>{'|'.join(_MONTHS)})\b|(?<!\d)(?P<zh>0?[1-9]|1[0-2]) ?月")
_RELATIVE = re.compile(r"\b(?:year|month|quarter)s? (?:before|earlier|ago)\b|\bprevious year\b|[一两]年前|前一年|上年|去年|同期|半年")
_YEAR_CHINA = re.compile(r"\d{4} ?年(?=中国)")
_SMALL = {char: value for value, chars in enumerate(("零", "一", "二两", "三", "四", "五", "六", "七", "八", "九", "十")) for char in chars}
_COUNT = re.compile(r"第?(?P<n>[二三四五六七八九十两])(?= ?(?:个|家|位|次|倍|年|周|月|项|款|种|段|大|名|组))")


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing said: ``terms`` are alternatives, one of which must be borne out.

    Attributes:
        kind: ``figure``, ``date``, ``relative`` (a year before), ``name``, ``concept`` or ``word``.
        sort: Of a name: ``maker``, ``place``, ``person`` or ``latin``; two of one sort can be mistaken for one another.
    """

    kind: str
    terms: frozenset[str]
    start: int
    end: int
    weight: float = 1.0
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch between commas, or all that is said up to a figure; ``topic`` are the names that hold for it if it has none itself."""

    units: tuple[Unit, ...]
    denied: bool
    terms: frozenset[str]
    topic: tuple[Unit, ...] = ()

    def names(self) -> tuple[Unit, ...]:
        """Return the names of it, else those it takes over from what stands before."""
        return tuple(self.of("name")) or self.topic

    def of(self, kind: str) -> list[Unit]:
        """Return the units of one kind."""
        return [unit for unit in self.units if unit.kind == kind]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: its units, all of its terms, its clauses, and groups of what belongs to one figure."""

    text: str
    folded: str
    start: int
    end: int
    units: tuple[Unit, ...]
    terms: frozenset[str]
    clauses: tuple[Clause, ...]
    groups: tuple[Clause, ...]
    language: str

    def of(self, kind: str) -> list[Unit]:
        """Return the units of one kind."""
        return [unit for unit in self.units if unit.kind == kind]

    def held(self, unit: Unit) -> list[Unit]:
        """Return the places where it has what a unit says."""
        return [other for other in self.units if other.terms & unit.terms]


def language_of(text: str) -> str:
    """Return ``zh`` if a text has a Chinese character, else ``en``."""
    return "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"


def _figure(quantity: Quantity) -> Unit:
    terms = {quantity.term}
    kind = "date" if quantity.kind == "date" else "figure"
    if quantity.unit == "month-day":
        month, day = divmod(int(quantity.value), 100)
        kind, terms = "date", {f"d:--{month:02d}-{day:02d}"}
    return Unit(kind, frozenset(terms), quantity.start, quantity.end)


def _figures(folded: str) -> list[Unit]:
    """Return figures and dates; halves of years and months without a year are dates too."""
    folded = re.sub(r"(\d+)( ?[多余])(?=[万亿百千])", lambda m: " " * len(m[2]) + m[1], folded)
    taken: list[Unit] = []
    for found in _HALF.finditer(folded):
        year = found["y1"] or found["y2"]
        half = "1" if (found["h1"] or found["h2"]) in ("上", "first") else "2"
        taken.append(Unit("date", frozenset({f"d:{year}-H{half}"}), *found.span()))
    blank = [*taken, *(Unit("", frozenset(), *m.span()) for m in _NOT_A_FIGURE.finditer(folded))]
    quantities = [q for q in find_quantities(folded) if not any(b.start < q.end and q.start < b.end for b in blank)]
    # A day and a month without a year: 25 June, 6 月.
    dates = [q for q in quantities if q.kind == "date" or q.unit == "month-day"]
    for pattern in (_MONTH_DAY, _MONTH):
        for found in pattern.finditer(folded):
            spans = [(d.start, d.end) for d in dates] + [(t.start, t.end) for t in taken]
            if any(start < found.end() and found.start() < end for start, end in spans):
                continue
            taken.append(Unit("date", frozenset({_yearless(found)}), *found.span()))
    figures = [_figure(q) for q in quantities if not any(t.start < q.end and q.start < t.end for t in taken)]
    counts = [
        Unit("figure", frozenset({f"n:{_SMALL[m['n']]}"}), *m.span("n"), weight=0.5)
        for m in _COUNT.finditer(folded)
        if not any(f.start < m.end() and m.start() < f.end for f in [*figures, *taken])
    ]
    return sorted([*taken, *figures, *counts], key=lambda unit: unit.start)


def _yearless(found: re.Match[str]) -> str:
    groups = found.groupdict()
    if "zh" in groups:
        month = _MONTHS.index(groups["en"]) + 1 if groups["en"] else int(groups["zh"])
        return f"d:--{month:02d}"
    month = _MONTHS.index(groups["m1"] or groups["m2"]) + 1
    return f"d:--{month:02d}-{int(groups['d1'] or groups['d2']):02d}"


def _bare(text: str) -> bool:
    """Return whether a match is a short lower-case word, which no abbreviation of a name is written as (on, us, who)."""
    return text.isascii() and text.islower() and len(text) < 5 and not any(char.isdigit() for char in text)


def _meanings(text: str, analysis: Analysis, figures: Sequence[Unit]) -> list[Unit]:
    """Return names and concepts; the concepts of one place are alternatives, the nested ones among them."""
    places: dict[tuple[int, int], list[tuple[str, str, bool]]] = {}
    outer = sorted({(m.start, m.end) for m in analysis.concepts if not m.nested})
    for match in analysis.concepts:
        place = next(((s, e) for s, e in outer if s <= match.start and match.end <= e), (match.start, match.end))
        kind = match.concept.kind
        if kind in _NAME_KINDS and _bare(text[match.start : match.end]):
            continue
        if not match.nested or kind not in _NAME_KINDS:
            places.setdefault(place, []).append(("c" + match.concept.key, kind if not match.nested else "nested", match.concept.low))
    out = []
    for (start, end), found in places.items():
        if any(f.start <= start and end <= f.end for f in figures):
            continue
        own = [item for item in found if item[1] != "nested"]
        if any(kind in _NAME_KINDS for _, kind, _ in own):
            own = [item for item in own if item[1] not in ("unit", "question")]
        names = [kind for _, kind, _ in own if kind in _NAME_KINDS]
        terms = frozenset(key for key, _, _ in found)
        if names and len(names) == len(own):
            out.append(Unit("name", frozenset(k for k, _, _ in own), start, end, 1.0, _KIND.get(names[0], names[0])))
        elif all(kind in ("question", "unit") for _, kind, _ in own):
            continue
        else:
            out.append(Unit("concept", terms, start, end, 0.4 if all(low for _, _, low in own) else 1.0))
    return out


def _latin(text: str, taken: Sequence[Unit]) -> list[Unit]:
    """Return Latin words that look like names: a capital (not merely at the start of an English sentence), or letters with figures."""
    found = []
    chinese = language_of(text) == "zh"
    for match in re.finditer(r"[A-Za-z][A-Za-z0-9]*(?:[.-][A-Za-z0-9]+)*", text):
        word = match.group()
        first = not text[: match.start()].strip(" \"'“‘(（「『")
        named = any(c.isdigit() for c in word) or word[1:] != word[1:].lower() or (word[0].isupper() and (chinese or not first))
        if named and not any(u.start < match.end() and match.start() < u.end for u in taken) and fold(word) not in _MONTHS:
            found.append(Unit("name", frozenset({"l" + fold(word)}), *match.span(), 1.0, "latin"))
    return found


def read_sentence(text: str, analyser: Analyser, start: int = 0) -> Sentence:
    """Return a sentence taken apart.

    Args:
        text: Of the sentence.
        analyser: The knowledge base's.
        start: Where it stands in its passage.
    """
    folded = fold(text)
    analysis = analyser.analyse(_without_years(text, folded))
    versions = [
        Unit("name", frozenset({"l" + fold(m.group())}), *m.span(), sort="maker")
        for m in _VERSIONED.finditer(text)
        if not re.match(rf"(?:{'|'.join(_MONTHS)})\b", folded[m.start() : m.end()])
    ]
    figures = [f for f in _figures(folded) if not _inside(f, versions)]
    meanings = [u for u in _meanings(text, analysis, figures) if not _inside(u, versions)]
    names = [*versions, *_latin(text, [*figures, *meanings, *versions])]
    taken = [*figures, *meanings, *names]
    earlier = [Unit("relative", frozenset(), *m.span(), weight=0.0) for m in _RELATIVE.finditer(folded)]
    words = []
    for word, first, last in analysis.words:
        covered = any(unit.start < last and first < unit.end for unit in taken)
        if not covered and word not in _STOP and len(word) > 1 and not any(c.isdigit() for c in word):
            words.append(Unit("word", frozenset({"w" + word}), first, last))
    units = tuple(sorted([*taken, *words, *earlier], key=lambda unit: unit.start))
    terms = {"c" + m.concept.key for m in analysis.concepts} | {"w" + word for word, _, _ in analysis.words}
    terms |= {term for unit in units for term in unit.terms} | {q.term for q in analysis.quantities if q.kind == "number"}
    terms |= {"l" + word for word in re.findall(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*", folded)}
    clauses = _cut(folded, units, _CLAUSE)
    groups = _grouped(_cut(folded, units, re.compile(f"{_CLAUSE.pattern}|{_LIST.pattern}|{_RANGE.pattern}")), folded)
    return Sentence(text, folded, start, start + len(text), units, frozenset(terms), clauses, groups, language_of(text))


def _without_years(text: str, folded: str) -> str:
    """Return a text of the same length without years before 中国, which would read as 年中 and 国."""
    return _YEAR_CHINA.sub(lambda m: "·" * len(m.group()), folded) if _YEAR_CHINA.search(folded) else text


def _inside(unit: Unit, others: Sequence[Unit]) -> bool:
    return any(other.start <= unit.start and unit.end <= other.end for other in others)


def _grouped(segments: Sequence[Clause], folded: str) -> tuple[Clause, ...]:
    """Return the segments joined so that each has a figure, as far as there are some; a semicolon ends a group."""
    out: list[Clause] = []
    held: list[Unit] = []
    denied = False
    topic: tuple[Unit, ...] = ()
    shared: frozenset[str] = frozenset()
    for place, segment in enumerate(segments):
        behind = segments[place - 1].units[-1].end if place else 0
        if out and not held and not segment.of("figure") and not re.search("[,，、;；]", folded[behind : segment.units[0].start]):
            # "73% of messages and calls": what follows without a comma still belongs to the figure before.
            out[-1] = _joined(out[-1], segment)
            topic = out[-1].names()
            continue
        if out and not held and _RANGE.search(folded, behind, segment.units[0].start + 14):
            # The second end of a range speaks of what the first one does.
            shared = frozenset(term for unit in out[-1].units if unit.kind not in ("figure", "date") for term in unit.terms)
        held += segment.units
        denied |= segment.denied
        follows = segments[place + 1].units[0].start if place + 1 < len(segments) else len(folded)
        ends = re.search("[;；]", folded[segment.units[-1].end : follows])
        if segment.of("figure") or ends or place + 1 == len(segments):
            group = Clause(tuple(held), denied, shared.union(*(unit.terms for unit in held)), topic)
            out.append(group)
            topic, held, denied, shared = group.names(), [], False, frozenset()
    return tuple(out)


def _joined(group: Clause, segment: Clause) -> Clause:
    return Clause(group.units + segment.units, group.denied or segment.denied, group.terms | segment.terms, group.topic)


def _cut(folded: str, units: Sequence[Unit], border: re.Pattern[str]) -> tuple[Clause, ...]:
    """Return the stretches between borders that no unit crosses."""
    cuts = [0]
    found = [m.span() for m in border.finditer(folded)]
    cuts += [start for start, end in found if not any(unit.start < end and start < unit.end for unit in units)]
    cuts.append(len(folded))
    out = []
    for first, last in pairwise(cuts):
        own = tuple(unit for unit in units if first <= unit.start < last)
        if own:
            denied = bool(_NEGATION.search(folded[first:last]))
            out.append(Clause(own, denied, frozenset(term for unit in own for term in unit.terms)))
    return tuple(out)
