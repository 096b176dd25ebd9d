"""The slots of a question: stretches of one sort (a company, a place, a year, a topic), which a follow-up fills anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.kb import Analyser, Language, fold, to_script
from ingest.kb.tokens import is_han
from service.question import Question, Unit

__all__ = ["Slot", "in_language", "put_in", "slots", "without_asking"]

_ENTITY = frozenset({"company", "model", "product", "org", "latin"})
# GPT-4o Mini, Claude.ai, Gemini 2.5 Pro: a name goes on while its words begin with capitals or digits.
_NAME_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+\-]*(?:\s(?!(?:19|20)\d\d\b)(?:[A-Z]|\d+(?![\d\s]*[年月]))[A-Za-z0-9.+\-]*)*(?<![.\-])")
_WHOLE_WORLD = re.compile(r"全球|全世界|世界|global(?:ly)?|worldwide")
# Prepositions that the lexicon lists as words.
_LINKS = frozenset("through via among per using 通过 透过 其中 换成 换作 改成".split())
# Who tells a figure is seldom whom it is about.
_TELLS = re.compile(
    r"\s*(?:(?:的|'s)?\s?(?:报告|研究|调查|数据|report|study|survey))?\s*(?:里|中)?\s*"
    r"(?:估计|估|指出|表示|认为|显示|发现|预测|自己的?判断|estimate|say|said|find|found|expect|forecast|report|own\b)"
)
_TOLD_BY = re.compile(r"(?:according to|\bby|据|根据|按|按照|依)\s*$")
# Words of measure, beside which another word names the topic.
_MEASURES = re.compile(
    r"(?:share|shares|percentage|percent|proportion|fraction|rate|number|amount|size|points?|many|much|total|average)s?"
    r"|份额|占比|比例|比重|比率|百分点|数量|总数|数字|多少"
)
# The words of a question that ask, with the copula before them in Chinese and behind them in English.
_ASKING = re.compile(
    r"(?:大约|大概|约|又|会|一共|总共)*(?:是|为|有|占|达|到|在|有着)?"
    r"(?:百分之几|百分之多少|多少(?:个|家|种|次|人|倍)?|几(?:成|个|家|种|次|倍|年|款|位|项)"
    r"|什么时候|何时|哪(?:一)?年|哪个?月|哪(?:一)?(?:家|个|款|种|位|国|里|些)|什么|谁|为什么|为何|如何|怎么样|怎样|怎么|吗|呢)"
    r"|^(?:and |so |but )?(?:what|which|how|who|whom|whose|when|where|why)"
    r"(?:\s(?:many|much|is|are|was|were|did|does|do|has|have|had|of|large|big))*\s"
)


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of a question.

    Attributes:
        start: First character.
        end: One past the last.
        sort: The lexicon's kind (``company``, ``place`` …), ``latin``, ``date``, ``figure`` or ``topic``.
        terms: Index terms any of which expresses it.
        low: True if it says little about the subject.
        measure: True if it only says what is measured (share, rate, number).
        source: True if it is who tells the figure, not whom it is about.
    """

    start: int
    end: int
    sort: str
    terms: frozenset[str]
    low: bool = False
    measure: bool = False
    source: bool = False


def slots(question: Question, analyser: Analyser) -> list[Slot]:
    """Return the slots of a question, in order; words of one topic that stand together are one."""
    text, folded = question.text, question.analysis.folded
    dates = {(q.start, q.end) for q in question.analysis.quantities if q.kind == "date" or q.unit == "month-day"}
    out: list[Slot] = []
    for unit in question.units:
        # December is a concept of its own inside December 2024.
        inside = any(a <= unit.start and unit.end <= b and (a, b) != (unit.start, unit.end) for a, b in dates)
        if inside or (out and unit.start < out[-1].end):
            continue
        if folded[unit.start : unit.end] in _LINKS:
            continue
        sort = _sort(unit, text, analyser, dates)
        end = unit.end
        if sort in _ENTITY and (run := _NAME_RUN.match(text, unit.start)):
            end = max(end, run.end())
        source = bool(_TELLS.match(folded, end) or _TOLD_BY.search(folded[: unit.start]))
        measure = sort == "topic" and bool(_MEASURES.fullmatch(folded[unit.start : end]))
        slot = Slot(unit.start, end, sort, frozenset(unit.terms), unit.low and sort == "topic", measure, source)
        if out and sort == out[-1].sort == "figure" and re.fullmatch(r"\s*(?:到|至|-|~|to|and)\s*", folded[out[-1].end : slot.start]):
            last = out.pop()
            slot = Slot(last.start, end, sort, last.terms | slot.terms)
        joined = out and sort == out[-1].sort == "topic" and not text[out[-1].end : slot.start].strip(" 的")
        if joined and (out[-1].low, out[-1].measure) == (slot.low, measure):
            last = out.pop()
            slot = Slot(last.start, end, sort, last.terms | slot.terms, slot.low, measure)
        out.append(slot)
    return out


def _sort(unit: Unit, text: str, analyser: Analyser, dates: set[tuple[int, int]]) -> str:
    if unit.kind == "figure":
        return "date" if (unit.start, unit.end) in dates else "figure"
    kinds = [concept.kind for term in unit.terms if term[0] == "c" and (concept := analyser.lexicon.get(term[1:]))]
    named = next((kind for kind in kinds if kind in _ENTITY | {"place", "person", "report"}), "")
    written = text[unit.start : unit.end]
    if _WHOLE_WORLD.fullmatch(fold(written)):
        return "place"
    latin = not is_han(written[0]) and any(c.isupper() for c in written) and (unit.start > 0 or written[1:] != written[1:].lower())
    return named or ("latin" if latin or unit.kind == "name" else "topic")


def _likeness(new: Slot, old: Slot, question: Question) -> float:
    """Return how fit the old slot is to be replaced by the new one; 0 if they are not of one sort."""
    if new.sort == old.sort:
        fit = 4.0
    elif new.sort in _ENTITY and old.sort in _ENTITY:
        fit = 3.0
    elif {new.sort, old.sort} <= _ENTITY | {"topic"} and "topic" in (new.sort, old.sort):
        fit = 1.0
    else:
        return 0.0
    if (old.low or old.measure) and new.sort != "topic":
        return 0.0
    if old.low or (old.measure and not new.measure):
        fit -= 2.5
    if old.source:
        fit -= 2.0
    # The topic stands next to the words that ask in Chinese, late in the question in English; a name or place may be anywhere.
    return max(fit, 0.1) + 0.5 * old.start / max(len(question.text), 1) * (new.sort == "topic")


def _place_of(new: Slot, before: Question, old: Sequence[Slot], taken: set[Slot]) -> Slot | None:
    fits = [(_likeness(new, slot, before), slot) for slot in old if slot not in taken]
    best = max(fits, key=lambda fit: fit[0], default=(0.0, None))
    return best[1] if best[0] > 0 else None


def put_in(before: Question, part: Question, analyser: Analyser, *, only_new: bool = False) -> str:
    """Return the last question with each slot of ``part`` in the place of its like, or added where there is none.

    Args:
        before: The last question that stands alone.
        part: What the follow-up names (Qwen, in Asia, 2023 年的歐洲).
        analyser: The knowledge base's.
        only_new: Whether what the question before has too is left as it is there.
    """
    old = slots(before, analyser)

    def known(new: Slot) -> bool:
        # The lexicon holds GPT-3 and GPT-4 for one concept.
        said = _said(part, new)
        return any(new.terms & slot.terms and (said == _said(before, slot) or not said.isascii() or new.sort == "topic") for slot in old)

    news = slots(part, analyser)
    named = [slot for slot in news if slot.sort != "topic"]
    topics = [slot for slot in news if slot.sort == "topic"]
    fresh = [slot for slot in named if not known(slot)]
    fresh += [slot for slot in topics if not known(slot) and (not slot.low or not named)]
    if not fresh and only_new:
        return before.text
    head = _same_head(before, part, old, topics)
    if head is not None and not only_new:
        return before.text[: head[0]] + _spoken(part, head[2], head[3], before, analyser) + before.text[head[1] :]
    fresh = fresh or news[:1]
    if not fresh:
        return _added(before.text, part.text, "topic", before.language)
    text, taken, edits = before.text, set[Slot](), []
    extra: list[tuple[str, str]] = []
    for slot in fresh:
        place = _place_of(slot, before, old, taken)
        if place is None:
            start = _with_preposition(part.text, slot.start) if before.language == part.language == "en" else slot.start
            extra.append((_spoken(part, start, slot.end, before, analyser), slot.sort))
            continue
        taken.add(place)
        edits.append((place.start, place.end, _fitted(_spoken(part, slot.start, slot.end, before, analyser), place, before)))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    for new, sort in extra:
        text = _added(text, new, sort, before.language)
    return text


def _said(question: Question, slot: Slot) -> str:
    return question.analysis.folded[slot.start : slot.end]


def _same_head(before: Question, part: Question, old: Sequence[Slot], topics: Sequence[Slot]) -> tuple[int, int, int, int] | None:
    """Return (start, end, part start, part end) where both name one thing with other words before it: open models, closed models."""
    if not topics:
        return None
    last = topics[-1]
    for slot in old:
        if slot.sort != "topic" or not slot.terms & last.terms or part.text[last.end :].strip(" 呢?？"):
            continue
        start = slot.start
        for other in reversed([o for o in old if o.end <= slot.start]):
            if re.fullmatch(r"\s*(?:上的|里的|裡的|中的|的|'s)?\s*", before.text[other.end : start]) is None:
                break
            start = other.start
        if before.text[start : slot.end] != part.text.strip():
            return start, slot.end, 0, last.end
    return None


def _with_preposition(text: str, start: int) -> int:
    found = re.search(r"\b(?:in|for|on|at|by|with|from|of|through|via|among|to|under)\s+(?:the\s+)?$", text[:start], re.IGNORECASE)
    return found.start() if found else start


def _spoken(part: Question, start: int, end: int, before: Question, analyser: Analyser) -> str:
    return in_language(part.text[start:end].strip(), before.language, analyser)


def in_language(text: str, language: Language, analyser: Analyser) -> str:
    """Return a name or word as a question in another language says it, by the lexicon; as it is if that does not list it."""
    if language != "en":
        if any(is_han(char) for char in text):
            return to_script(text, language)
        wanted = ("zh-Hant-TW", "zh-Hans") if language == "zh-Hant" else ("zh-Hans",)
    else:
        if not any(is_han(char) for char in text):
            return text
        wanted = ("en",)
        year = re.fullmatch(r"(\d{4})\s?年", text)
        if year:
            return year.group(1)
    for match in analyser.lexicon.find(fold(text), text):
        # Names in Latin letters are written so in Chinese too; places are not.
        named = language != "en" and match.concept.kind != "place" and text != text.lower()
        if match.end - match.start == len(text) and not named:
            term = next((match.concept.terms[column][0] for column in wanted if match.concept.terms.get(column)), text)
            return to_script(term, language)
    return text


def _fitted(new: str, place: Slot, before: Question) -> str:
    """Return the new words with what the old ones had around them: 2023 for 2024 年 takes 年."""
    old = before.text[place.start : place.end]
    if place.sort == "date" and old.endswith("年") and re.fullmatch(r"\d{4}", new):
        return new + old[4:]
    ahead = place.start and is_han(before.text[place.start - 1]) and new[0].isascii() and not old[0].isascii()
    behind = before.text[place.end : place.end + 1].strip() and is_han(before.text[place.end]) and new[-1].isascii()
    return f"{' ' if ahead else ''}{new}{' ' if behind and not old[-1].isascii() else ''}"


def _added(text: str, new: str, sort: str, language: Language) -> str:
    """Return a question with something added for which it has no slot."""
    if language == "en":
        bare = text.rstrip(" ?？")
        prepared = new if re.match(r"(?:in|for|on|at|by|with|from|of|through|via|among|to|under)\b", new, re.IGNORECASE) else ""
        return f"{bare} {prepared or ('in ' if sort in ('place', 'date') else 'for ') + new}?"
    if sort == "date":
        return f"{new}，{text}"
    lead, tail = {"zh-Hant": ("就", "而言"), "zh-Hans": ("就", "而言")}[language]
    return f"在{new}，{text}" if sort == "place" else f"{lead} {new} {tail}，{text}" if new[0].isascii() else f"{lead}{new}{tail}，{text}"


def without_asking(question: Question) -> str:
    """Return a question without the words that ask: DeepSeek 的詞元用量, tokens did DeepSeek have."""
    text, folded = question.text, question.analysis.folded
    for found in reversed(list(_ASKING.finditer(folded))):
        text = text[: found.start()] + text[found.end() :]
    if question.language == "en":
        text = re.sub(r"\b(?:did|does|do) ", "", text)
    return re.sub(r"\s{2,}", " ", text).strip(" ?？，,。")
