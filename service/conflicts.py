"""Sources that disagree on the asked figure: the same subject, attribute and period with values that cannot be one.

A wrong alarm costs more trust than a missed one, so two sentences count as disagreeing only if each gives exactly one value for what is
asked, both hold the same parts of the question, and nothing that tells them apart stands in only one: a period, a place, a group, a
forecast, an average, a change rather than a level.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.kb import Analyser, Quantity
from service.candidates import Candidate, unit_places
from service.conflict_marks import AT_LEAST, AT_MOST, CLAUSE, GROUPS, JOINING, MODES, RANGE, ROUGH, ROUGH_AFTER
from service.followup_slots import Slot, slots
from service.question import Question, read_question
from service.records import Answer

__all__ = ["Statement", "disagreeing", "note_conflict"]

# Sentences looked at; those further down hardly speak of what is asked.
_LOOKED_AT = 16
# How far a figure may be from another and still be it: in percent points for a fraction in words, relative with "about".
_FRACTION = 1.5
_TENTHS = 5.0
_ABOUT = 0.1

_NAMES = frozenset({"company", "model", "product", "org", "latin", "place", "person"})


@dataclass(frozen=True, slots=True)
class Statement:
    """What one sentence gives as the asked figure.

    Attributes:
        candidate: The sentence.
        value: The figure or date.
        low: Least value that it can mean, in percent, the unit or as a date's number.
        high: Greatest value that it can mean.
    """

    candidate: Candidate
    value: Quantity
    low: float
    high: float


def disagreeing(question: Question, ranked: Sequence[Candidate], analyser: Analyser, *, most: int = 3) -> list[Statement]:
    """Return statements of different documents that give different values for what is asked, best first; empty if they agree.

    Args:
        question: As read.
        ranked: Sentences, best first.
        analyser: The knowledge base's.
        most: Statements at most.
    """
    if question.type not in ("share", "number", "date") or not ranked:
        return []
    first = _stated(question, ranked[0])
    if first is None or not _on_subject(question, ranked[0]):
        return []
    found = [first]
    traits = _traits(question, first, analyser)
    for candidate in ranked[1:_LOOKED_AT]:
        if len(found) >= most:
            break
        if candidate.hit.document.id in {one.candidate.hit.document.id for one in found} or not _covers(question, candidate, ranked[0]):
            continue
        other = _stated(question, candidate)
        if other is None or not _comparable(first.value, other.value, first, other) or _traits(question, other, analyser) != traits:
            continue
        if all(_differ(one, other) for one in found):
            found.append(other)
    return found if len(found) > 1 else []


def note_conflict(answer: Answer, disputed: Sequence[Statement]) -> None:
    """Add the note that says which citations disagree, and on what, to an answer made of the statements in order.

    One whose quotation did not verify has no citation and is left out; with a single one left there is nothing to disagree.
    """
    by_place = {(c.document_id, c.start_char_index, c.end_char_index): c.id for c in answer.citations}
    values = []
    for statement in disputed:
        candidate, value = statement.candidate, statement.value
        cited = by_place.get((candidate.hit.document.id, candidate.start, candidate.end))
        if cited is not None:
            values.append({"text": candidate.text[value.start : value.end], "citation_id": cited})
    if len(values) > 1:
        answer.notes.append({"kind": "conflict", "values": values, "citation_ids": [value["citation_id"] for value in values]})


def _on_subject(question: Question, candidate: Candidate) -> bool:
    """Return whether a sentence holds every name and place of the question and most of the rest."""
    wanted = {i for i, unit in enumerate(question.units) if not unit.low}
    named = {i for i in wanted if question.units[i].kind == "name"}
    return named <= candidate.matched | candidate.context and len(wanted & (candidate.matched | candidate.context)) * 3 >= len(wanted) * 2


def _covers(question: Question, candidate: Candidate, first: Candidate) -> bool:
    """Return whether a sentence holds what of the question the first one holds."""
    needed = {i for i in first.matched if not question.units[i].low}
    names = {i for i, unit in enumerate(question.units) if unit.kind in ("name", "figure") and not unit.low}
    return needed - names <= candidate.matched and names & (first.matched | first.context) <= candidate.matched | candidate.context


def _fits(question: Question, quantity: Quantity) -> bool:
    kinds = {"share": ("percent",), "number": ("number", "percent"), "date": ("date",)}[question.type]
    decimal = question.type == "share" and quantity.kind == "number" and 0 < quantity.value < 1
    return (quantity.kind in kinds or decimal) and quantity.unit != "month-day"


def _clauses(folded: str) -> list[tuple[int, int]]:
    cuts = [0, *(found.end() for found in CLAUSE.finditer(folded)), len(folded)]
    return [(a, b) for a, b in pairwise(cuts) if a < b]


def _stated(question: Question, candidate: Candidate) -> Statement | None:
    """Return the one value that a sentence gives for what is asked; None if it gives none, or more than one that could be it."""
    folded = candidate.analysis.folded
    if candidate.hit.passage.kind == "table_row" or "?" in folded or "？" in folded:
        return None
    asked = {term for quantity in question.analysis.quantities for term in quantity.terms}
    values = [q for q in candidate.analysis.quantities if _fits(question, q) and q.term not in asked and not asked & set(q.terms)]
    if len(values) > 1:
        values = _nearest(question, candidate, values)
    if len({value.term for value in values}) != 1:
        return None
    value = values[0]
    if RANGE.search(folded[max(0, value.start - 8) : value.end + 8]):
        return None
    low, high = _bounds(folded, value)
    return Statement(candidate, value, low, high)


def _nearest(question: Question, candidate: Candidate, values: Sequence[Quantity]) -> list[Quantity]:
    """Return the values in the clause that holds most of the question's units."""
    places = [place for i in candidate.matched for place in unit_places(question.units[i], candidate.analysis) if not question.units[i].low]
    held = [(sum(a <= start < b for start, _ in places), a, b) for a, b in _clauses(candidate.analysis.folded)]
    most = max(count for count, _, _ in held)
    best = [(a, b) for count, a, b in held if count == most]
    return [value for value in values if any(a <= value.start < b for a, b in best)] if most else []


def _bounds(folded: str, value: Quantity) -> tuple[float, float]:
    """Return what a figure can mean: the width of its last digit, more for a fraction in words and after "about"."""
    if value.kind == "date":
        return value.value, value.value
    number = value.value * (100.0 if value.kind == "number" and 0 < value.value < 1 else 1.0)
    written = folded[value.start : value.end]
    if value.unit == "fraction":
        slack = _FRACTION
    elif value.kind == "percent" and "成" in written:
        slack = _TENTHS
    else:
        digits = re.sub(r"[^\d.]", "", written)
        shown = float(digits) if re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", digits) else 0.0
        decimals = len(digits.partition(".")[2])
        slack = 0.5 * 10.0**-decimals * (number / shown if shown else 0.0)
        if value.kind == "number" and not shown:
            slack = 0.0
        elif value.kind == "number" and decimals == 0 and number == shown and value.unit != "times":
            # 1,200 may be 1,234 cut short; 1,234 is itself. A count below a hundred is exact.
            slack = 0.5 * 10.0 ** (len(digits) - len(digits.rstrip("0"))) if number >= 100 else 0.0
    before, after = folded[max(0, value.start - 16) : value.start], folded[value.end : value.end + 8]
    if AT_LEAST.search(before):
        return number, number * 1.5
    if AT_MOST.search(before):
        return number * 0.7, number
    if ROUGH.search(before) or ROUGH_AFTER.match(after):
        # A third already says "about"; 26.7 with "about" before it is still no 30.
        slack = max(slack, min(_ABOUT * number, 1.0) if value.kind == "percent" else _ABOUT * number)
    return number - slack, number + slack


def _comparable(one: Quantity, other: Quantity, first: Statement, second: Statement) -> bool:
    """Return whether two values measure in the same unit."""
    if one.kind == "date" or other.kind == "date":
        return one.kind == other.kind
    shares = ["fraction" if q.unit == "fraction" else q.unit for q in (one, other)]
    plain = [("" if unit == "fraction" else unit) for unit in shares]
    if plain[0] != plain[1]:
        return False
    percent = [q.kind == "percent" or 0 < q.value < 1 for q in (one, other)]
    if percent[0] != percent[1]:
        return False
    counted = [_counted(statement) for statement in (first, second)]
    return percent[0] or not counted[0] or not counted[1] or bool(counted[0] & counted[1])


def _counted(statement: Statement) -> frozenset[str]:
    """Return the terms of what stands right behind a number: its unit or what it counts."""
    analysis, end = statement.candidate.analysis, statement.value.end
    near = {"c" + match.concept.key for match in analysis.concepts if 0 <= match.start - end <= 2}
    return frozenset(near | {"w" + word for word, start, _ in analysis.words if 0 <= start - end <= 1})


def _traits(question: Question, statement: Statement, analyser: Analyser) -> tuple[object, ...]:
    """Return all that must be the same of two statements for their values to be of one thing: period, names, groups, mode."""
    candidate = statement.candidate
    folded = candidate.analysis.folded
    read = read_question(candidate.text, analyser)
    told = slots(read, analyser)
    end = next(b for a, b in _clauses(folded) if a <= statement.value.start < b)
    asked = frozenset(term for unit in question.units for term in unit.terms)
    return (
        _period(question, statement, analyser),
        frozenset(slot.terms for slot in told if _named(slot, candidate.text) and not slot.terms & asked and slot.start < end),
        tuple(bool(mode.search(folded)) for mode in MODES),
        tuple(bool(group.search(folded)) for group in GROUPS),
        _modifiers(read, candidate, question, asked),
    )


def _named(slot: Slot, text: str) -> bool:
    """Return whether a slot names a thing that is not just who tells; a capital at the start of a sentence may be a name's."""
    first = slot.start == 0 and text[:1].isupper() and all(term[0] == "w" for term in slot.terms)
    return (slot.sort in _NAMES or first) and not slot.source


def _modifiers(read: Question, candidate: Candidate, question: Question, asked: frozenset[str]) -> frozenset[str]:
    """Return what stands right beside the question's parts in a sentence and narrows them: developers in 開發者市占率."""
    places = [place for i in candidate.matched for place in unit_places(question.units[i], candidate.analysis)]
    folded, out = candidate.analysis.folded, set[str]()
    for unit in read.units:
        if unit.low or unit.kind not in ("concept", "word") or asked & set(unit.terms) or folded[unit.start : unit.end] in JOINING:
            continue
        gaps = [folded[min(unit.end, end) : max(unit.start, start)] for start, end in places]
        if any(gap.strip() in ("", "的", "之") and len(gap) <= 2 for gap in gaps):
            out.update(unit.terms)
    return frozenset(out)


def _period(question: Question, statement: Statement, analyser: Analyser) -> frozenset[str]:
    """Return the dates that a statement is of: those of the sentence, else of its heading or title, else the year of its document."""
    if question.type == "date":
        return frozenset()
    candidate = statement.candidate
    dates = frozenset(q.date for q in candidate.analysis.quantities if q.kind == "date")
    if not dates:
        context = " ".join((*candidate.hit.passage.heading, candidate.hit.document.title))
        dates = frozenset(q.date for q in analyser.analyse(context).quantities if q.kind == "date")
    if not dates and candidate.hit.document.date:
        dates = frozenset({candidate.hit.document.date[:4]})
    return dates


def _differ(one: Statement, other: Statement) -> bool:
    """Return whether two values cannot be one; a coarse date agrees with a finer one in it."""
    if one.value.kind == "date":
        left, right = one.value.date, other.value.date
        return not (left.startswith(right) or right.startswith(left))
    return one.high < other.low or other.high < one.low
