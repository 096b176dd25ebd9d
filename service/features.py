"""What can be said of each candidate sentence with respect to a question: the features that the ranking weighs.

The headings above, the table's header, the neighbouring sentences and what the document says of itself are context.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from ingest.kb import Analyser
from ingest.kb.tokens import is_han
from service.candidates import Candidate, about, is_source_line, terms_in, unit_places
from service.cues import (
    CAPTION,
    COUNTED,
    SEPARATORS,
    SUPERLATIVE,
    asks_name,
    defines,
    kind_present,
    names_something,
    nearness,
    other_date,
    proper_spans,
)
from service.question import Question, Unit
from service.rerank import COSINE_MIDDLE, COSINE_SCALE

__all__ = ["BY_VECTORS", "FEATURES", "features"]

FEATURES = (
    "coverage",
    "unit_coverage",
    "name_coverage",
    "context_coverage",
    "type_present",
    "type_near",
    "passage_score",
    "passage_rank",
    "length",
    "short",
    "run",
    "questionish",
    "first",
    "title_names",
    "low_rank",
    "density",
    "novelty",
    "table",
    "caption",
    "reference",
    "rarest",
    "rarest_near",
    "missing",
    "word_coverage",
    "bigram_coverage",
    "concept_coverage",
    "salient_coverage",
    "salient_missing",
    "superlative",
    "enumeration",
    "subject_first",
    "tightness",
    "named",
    "counted",
    "other_date",
    "naming",
    "rival",
    "defines",
    "cosine",
    "cosine_gap",
    "cosine_first",
    "passage_cosine",
    "cosine_before",
    "cosine_after",
)
# What is said by vectors alone.
BY_VECTORS = ("cosine", "cosine_gap", "cosine_first", "passage_cosine", "cosine_before", "cosine_after")


# A name goes on after a hyphen with what begins with a capital in print or holds a figure; suffixes of its own make no other name.
_GOES_ON = re.compile(
    r"-(?!based|like|style|powered|driven|related|only|specific|generated|trained|class|level|equivalent|compatible)[a-z0-9]"
)


def rival(question: Question, candidate: Candidate) -> float:
    """Return the share of the question's named subjects that a sentence lacks while it speaks of others of the same kind.

    *Taiwan ranks 22nd* has the attribute that is asked of the United States, and another subject.
    """
    named = [i for i, unit in enumerate(question.units) if unit.name_kind]
    if not named:
        return 0.0
    asked = {term for unit in question.units for term in unit.terms}
    others = {m.concept.kind for m in candidate.analysis.concepts if not m.nested and "c" + m.concept.key not in asked}
    lacking = [i for i in named if i not in candidate.matched and question.units[i].name_kind in others]
    return len(lacking) / len(named)


def _counted(unit: Unit | None, candidate: Candidate, size: int) -> float:
    """Return whether a figure of the sentence counts what the question wants counted: it stands right before it."""
    if unit is None:
        return 0.0
    reach = 3 if size == 40 else 14
    ends = [quantity.end for quantity in candidate.analysis.quantities if quantity.kind != "date"]
    return 1.0 if any(0 <= start - end <= reach for start, _ in unit_places(unit, candidate.analysis) for end in ends) else 0.0


def _tightness(places: Sequence[tuple[int, int]], size: int) -> float:
    """Return how close together the question's units stand: 1 side by side, one half when spread over ``size`` characters."""
    if not places:
        return 0.0
    return size / (size + max(end for _, end in places) - min(start for start, _ in places))


def _longest_run(question: str, text: str) -> int:
    """Return the length of the longest common substring, in characters without spaces; at most 12 is told apart."""
    q, t = _bare(question), _bare(text)
    best = 0
    for start in range(len(q)):
        while best < 12 and start + best < len(q) and q[start : start + best + 1] in t:
            best += 1
    return best


@lru_cache(maxsize=8192)
def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def features(question: Question, found: list[Candidate], weights: dict[str, float], analyser: Analyser) -> None:
    """Fill ``matched``, ``context`` and ``values`` of the candidates.

    Args:
        question: As read.
        found: All candidates of one question, in order.
        weights: idf of the question's terms, by term.
        analyser: For titles and headings.
    """
    units = question.units
    importance = [(_unit_weight(unit, weights)) for unit in units]
    total_units = sum(importance) or 1.0
    names = [place for place, unit in enumerate(units) if unit.kind in ("name", "figure")]
    total_names = sum(importance[place] for place in names) or 1.0
    terms = {
        term: weights.get(term, 0.0) * {"w": 1.0, "b": 0.5, "u": 0.3, "n": 1.0, "c": 0.6}[term[0]] for term in question.analysis.terms()
    }
    total_terms = sum(terms.values()) or 1.0
    own_terms = [c.analysis.keys() | c.header if c.header else c.analysis.keys() for c in found]
    # Which units each sentence has, and which what stands above it has: asked once, not for every neighbour.
    held = [_held(units, mine) for mine in own_terms]
    above = {id(c.hit): _held(units, _context_terms(c, analyser)) for c in {id(c.hit): c for c in found}.values()}
    weighed = list(terms.items())
    heaviest = max(range(len(units)), key=lambda i: importance[i], default=-1)
    asked_words = frozenset(word for word, _, _ in question.analysis.words)
    fields = {field: sum(weight for term, weight in terms.items() if term[0] == field) or 1.0 for field in "wbc"}
    salient = [place for place, unit in enumerate(units) if unit.salience >= 1.0]
    total_salient = sum(importance[i] for i in salient) or 1.0
    superlative = bool(SUPERLATIVE.search(question.analysis.folded))
    several = question.type in ("list", "reason", "comparison", "manner")
    folded = question.analysis.folded
    ends = {found.end() for found in COUNTED.finditer(folded)}
    counted = next((unit for unit in units if unit.start in ends), None)
    asked_dates = frozenset(q.term for q in question.analysis.quantities if q.kind == "date")
    naming = asks_name(question)
    best_passage = max((c.hit.score for c in found), default=1.0) or 1.0
    nearest = max((c.cosine for c in found if c.cosine is not None), default=0.0)
    for place, candidate in enumerate(found):
        mine = own_terms[place]
        candidate.matched = {i for i in range(len(units)) if i in held[place]}
        candidate.matched -= {i for i in names if i in candidate.matched and _longer_name(question, units[i], candidate)}
        around = set(above[id(candidate.hit)])
        for other in (place - 1, place + 1, place - 2):
            if 0 <= other < len(found) and found[other].hit is candidate.hit:
                around |= held[other]
        candidate.context = {i for i in range(len(units)) if i not in candidate.matched and i in around}
        present, spans = kind_present(question, candidate.analysis, candidate.text)
        places = [p for i in candidate.matched for p in unit_places(units[i], candidate.analysis)]
        size = 40 if not question.english or any(is_han(c) for c in candidate.text[:20]) else 100
        has = [(term, weight) for term, weight in weighed if term in mine]
        coverage = sum([weight for _, weight in has]) / total_terms
        matched_weight = sum(importance[i] for i in candidate.matched)
        length = len(candidate.text) / (1.0 if size == 40 else 3.0)
        title = _title_names(candidate, names, above[id(candidate.hit)])
        candidate.values = [
            coverage,
            matched_weight / total_units,
            sum(importance[i] for i in names if i in candidate.matched) / total_names if names else 0.5,
            sum(importance[i] for i in candidate.context) / total_units,
            present,
            nearness(spans, places, size),
            candidate.hit.score / best_passage,
            1.0 / (1 + candidate.rank),
            math.log1p(length) / 5.0,
            1.0 if length < 8 else 0.0,
            _longest_run(question.analysis.folded, candidate.analysis.folded) / 12.0,
            1.0 if candidate.text.rstrip()[-1:] in "?？" else 0.0,
            1.0 if candidate.position == 0 else 0.0,
            title,
            1.0 if candidate.rank == 0 else 0.0,
            matched_weight / (total_units * (1 + math.log1p(length / 20))),
            _novelty(candidate, asked_words),
            1.0 if candidate.hit.passage.kind == "table_row" else 0.0,
            1.0 if candidate.hit.passage.kind == "caption" or CAPTION.match(candidate.text) else 0.0,
            1.0 if is_source_line(candidate) else 0.0,
            1.0 if heaviest in candidate.matched else 0.0,
            1.0 if heaviest in candidate.matched or heaviest in candidate.context else 0.0,
            (len(units) - len(candidate.matched | candidate.context)) / max(len(units), 1),
            *(sum([weight for term, weight in has if term[0] == field]) / fields[field] for field in "wbc"),
            sum(importance[i] for i in salient if i in candidate.matched) / total_salient if salient else 0.5,
            sum(importance[i] for i in salient if i not in candidate.matched | candidate.context) / total_salient if salient else 0.0,
            float(superlative and bool(SUPERLATIVE.search(candidate.analysis.folded))),
            min(len(SEPARATORS.findall(candidate.analysis.folded)), 4) / 4 if several else 0.0,
            1.0 if any(start <= 3 for start, _ in places) else 0.0,
            _tightness(places, size) * matched_weight / total_units,
            1.0 if proper_spans(question, candidate.analysis, candidate.text) else 0.0,
            _counted(counted, candidate, size),
            float(other_date(asked_dates, candidate.analysis)),
            1.0 if naming and names_something(candidate.analysis) else 0.0,
            rival(question, candidate),
            1.0 if "definition" in question.types and defines(candidate.analysis, places) else 0.0,
            *_by_vectors(found, place, nearest),
        ]


def _held(units: Sequence[Unit], terms: frozenset[str]) -> frozenset[int]:
    """Return the places of the units of which a text has a term."""
    return frozenset(i for i, unit in enumerate(units) if not terms.isdisjoint(unit.terms))


def _by_vectors(found: Sequence[Candidate], place: int, nearest: float) -> list[float]:
    """Return what the vectors of a sentence, of its passage and of the sentences beside it say; zeros without them.

    What answers may not say what it is about (*this is hard to tune*): then the sentence before it does.
    """
    candidate = found[place]
    if candidate.cosine is None:
        return [0.0] * len(BY_VECTORS)
    beside = (found[at] if 0 <= at < len(found) else None for at in (place - 1, place + 1))
    return [
        _spread(candidate.cosine),
        _spread(candidate.cosine) - _spread(nearest),
        float(candidate.cosine == nearest),
        _spread(candidate.hit.scores.get("dense", COSINE_MIDDLE)),
        *(_spread(one.cosine) if one and one.cosine is not None and one.hit is candidate.hit else 0.0 for one in beside),
    ]


def _spread(cosine: float) -> float:
    return (cosine - COSINE_MIDDLE) * COSINE_SCALE


def _longer_name(question: Question, unit: Unit, candidate: Candidate) -> bool:
    """Return whether a name stands in the sentence only as the beginning of longer ones: R1-Zero-Qwen-32B is not R1-Zero."""
    if unit.kind != "name" or _GOES_ON.match(question.analysis.folded, unit.end):
        return False
    places = unit_places(unit, candidate.analysis)
    return bool(places) and all(_GOES_ON.match(candidate.analysis.folded, end) for _, end in places)


def _novelty(candidate: Candidate, asked: frozenset[str]) -> float:
    """Return the share of a sentence's words that the question does not have: one that only repeats the question answers nothing."""
    words = [word for word, _, _ in candidate.analysis.words]
    return sum(word not in asked for word in words) / len(words) if words else 0.0


def _unit_weight(unit: Unit, weights: dict[str, float]) -> float:
    weight = max((weights.get(term, 0.0) for term in unit.terms), default=0.0)
    return weight * (0.3 if unit.low else 1.5 if unit.kind in ("name", "figure") else max(unit.salience, 0.3))


def _context_terms(candidate: Candidate, analyser: Analyser) -> frozenset[str]:
    """Return the terms of what stands above a sentence: what the document says of itself, headings, table header."""
    hit = candidate.hit
    context = " \n ".join((about(hit), *hit.passage.heading, hit.passage.header))
    return terms_in(analyser, context)


def _title_names(candidate: Candidate, names: Sequence[int], above: frozenset[int]) -> float:
    """Return the share of the question's names that only the title or a heading gives the sentence."""
    if not names:
        return 0.0
    return sum(1.0 for i in names if i not in candidate.matched and i in above) / len(names)
