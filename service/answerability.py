"""Whether the evidence answers the question, judged before any text is made.

Coverage alone does not tell near misses (AUC 0.57 to 0.60 in our measurements): the passage about the right attribute of the wrong entity
covers nearly every word. So names are looked for on their own, with the title, the headings and the neighbouring sentences as context, and
all that the ranking knows of the best sentence is weighed too. An amount of money that no passage names, and sentences that state nothing,
speak against an answer whatever the model says.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ingest.kb import Analyser, fold
from service.candidates import Candidate, about, analysed, by_vectors, is_dull, unit_terms
from service.cues import asks_money, names_money
from service.features import FEATURES
from service.question import ANSWER_TYPES, Question, Unit
from service.rerank import COSINE_SCALE
from service.retrieve import Retrieval

__all__ = ["SIGNALS", "SIGNS", "Evidence", "judge", "signals"]

# What is made for the judgement, and which way it may speak: for an answer, against one, or either (0).
_OWN = {
    "sentence_coverage": 1,
    "evidence_coverage": 1,
    "names_found": 1,
    "names_in_sentence": 1,
    "missing_share": -1,
    "kind_present": 1,
    "passage_score": 1,
    "margin": 1,
    "cross": 0,
    "figures_found": 1,
    "figures_in_sentence": 1,
    "salient_missing": -1,
    "names_in_document": 1,
    "nearest_cosine": 1,
    "passage_lead": 1,
    "never_told": -1,
    "kind_absent": -1,
    "score": 0,
    "behind_second": 0,
    "behind_third": 0,
    "units": 0,
}
# In another language words cannot be found and names are translated: what is missing there says less.
_ACROSS = ("evidence_coverage", "names_found", "missing_share", "salient_missing", "best cosine")
# Of the three best sentences the largest value counts too.
_TOP = {name: FEATURES.index(name) for name in ("unit_coverage", "type_present", "type_near", "run", "rarest", "enumeration", "tightness")}
_SIGNED = (
    _OWN
    | {f"best {name}": 0 for name in FEATURES}
    | {f"top {name}": 0 for name in _TOP}
    | {f"{name} across": 0 for name in _ACROSS}
    | {f"asks {name}": 0 for name in ANSWER_TYPES}
)
SIGNALS, SIGNS = tuple(_SIGNED), tuple(_SIGNED.values())


_COSINE, _COSINE_GAP = FEATURES.index("cosine"), FEATURES.index("cosine_gap")
# Whole numbers up to this are counts of what is asked for.
_COUNTS = 12
# What the word that names the kind of the answer counts.
_KIND_ASKED = 0.2
# Just below the default threshold: a rule speaks against the answer, whatever the model says.
_DOUBTFUL = 0.45


@dataclass(frozen=True, slots=True)
class Evidence:
    """The judgement.

    Attributes:
        probability: That the best sentences answer the question, 0 to 1.
        signals: What it was made from, by name.
        missing: The parts of the question that the evidence does not speak of, as asked.
    """

    probability: float
    signals: dict[str, float]
    missing: tuple[str, ...]


def signals(
    question: Question, retrieval: Retrieval, ranked: Sequence[Candidate], analyser: Analyser
) -> tuple[dict[str, float], list[int]]:
    """Return the signals and the places of the question's units that no evidence speaks of."""
    idf = {term: value for term, value, _ in retrieval.terms}
    units = question.units
    weight = [
        max((idf.get(t, 0.0) for t in unit.terms), default=0.0) * (_KIND_ASKED if unit.kind_asked else unit.salience) for unit in units
    ]
    total = sum(weight) or 1.0
    best = ranked[0]
    passage = unit_terms(analysed(analyser, best.hit.text))
    whole = best.matched | best.context | {i for i, unit in enumerate(units) if any(term in passage for term in unit.terms)}
    missing = [i for i in range(len(units)) if i not in whole]
    names = [i for i, unit in enumerate(units) if unit.kind == "name" and not unit.low]
    figures = [i for i, unit in enumerate(units) if unit.kind == "figure" and not _is_count(unit)]
    scores = [candidate.score for candidate in ranked[:6]]
    others = [math.exp(score - scores[0]) for score in scores]
    cross = question.crosses(best.hit.passage.language)
    place = {"share": 1, "number": 1, "date": 1}.get(question.type)
    salient = [i for i, unit in enumerate(units) if _heavy(unit)]
    own = {
        "sentence_coverage": sum(weight[i] for i in best.matched) / total,
        "evidence_coverage": sum(weight[i] for i in whole) / total,
        "names_found": _share(names, whole),
        "names_in_sentence": _share(names, best.matched),
        "missing_share": sum(weight[i] for i in missing) / total,
        "kind_present": best.values[4] if place else 0.7,
        "passage_score": min(best.hit.scores.get("lexical", 0.0), 1.5),
        "margin": 1.0 / sum(others),
        "cross": 1.0 if cross else 0.0,
        "figures_found": _share(figures, whole),
        "figures_in_sentence": _share(figures, best.matched),
        "salient_missing": sum(weight[i] for i in salient if i in missing) / (sum(weight[i] for i in salient) or 1.0),
        # Read the document's other passages only for a name that is still missing.
        "names_in_document": _share(
            names, whole if whole.issuperset(names) else whole | _told_by_document(question, retrieval, best, analyser)
        ),
        "nearest_cosine": best.values[_COSINE] - best.values[_COSINE_GAP],
        "passage_lead": retrieval.lead * COSINE_SCALE if best.cosine is not None else 0.0,
        "never_told": float(_never_told(question, retrieval)),
        "kind_absent": float(_kind_absent(question, ranked)),
        "score": best.score,
        "behind_second": best.score - ranked[min(1, len(ranked) - 1)].score,
        "behind_third": best.score - ranked[min(2, len(ranked) - 1)].score,
        "units": float(len(units)),
    }
    own |= {f"best {name}": value for name, value in zip(FEATURES, best.values, strict=True)}
    own |= {f"top {name}": max(candidate.values[place] for candidate in ranked[:3]) for name, place in _TOP.items()}
    own |= {f"{name} across": own[name] if cross else 0.0 for name in _ACROSS}
    own |= {f"asks {name}": float(question.type == name) for name in ANSWER_TYPES}
    return own, missing


def _heavy(unit: Unit) -> bool:
    """Return whether a unit names what the question is about."""
    return unit.salience >= 1.0 and not unit.kind_asked and not _is_count(unit)


def _is_count(unit: Unit) -> bool:
    """Return whether a figure only says how many are asked for, as in 哪三種做法: an answer need not say it."""
    values = [term.removeprefix("nn:") for term in unit.terms if term.startswith("nn:")]
    return unit.kind == "figure" and any(value.isdigit() and int(value) <= _COUNTS for value in values)


def _told_by_document(question: Question, retrieval: Retrieval, best: Candidate, analyser: Analyser) -> set[int]:
    """Return the places of the units that the best sentence's document speaks of: of itself, or in another retrieved passage."""
    same = [hit for hit in retrieval.hits if hit.document.id == best.hit.document.id]
    told = set(unit_terms(analysed(analyser, about(best.hit)))).union(*(unit_terms(analysed(analyser, hit.text)) for hit in same))
    return {i for i, unit in enumerate(question.units) if any(term in told for term in unit.terms)}


def _share(wanted: Sequence[int], found: set[int]) -> float:
    """Return the share of the wanted units that are found; where none is wanted, what questions have on average."""
    return sum(1 for i in wanted if i in found) / len(wanted) if wanted else 0.7


# What stands before a name at the head of an English question, and is read with it.
_AUXILIARY = re.compile(r"^(?:(?:did|does|do|is|are|was|were|has|have|had|can|could|will|would|the|an?)\s+)+(?=\S)", re.IGNORECASE)


@cache
def _models() -> dict[str, dict[str, float]]:
    record: dict[str, dict[str, float]] = json.loads(files("service").joinpath("answerability.json").read_text("utf-8"))
    return record


def _never_told(question: Question, retrieval: Retrieval) -> bool:
    """Return whether half or more of what is asked about is a concept or name that no passage of the corpus speaks of."""
    idf = {term: value for term, value, _ in retrieval.terms}
    ceiling = max(idf.values(), default=0.0)
    worth = [(unit, [idf[term] for term in unit.terms if term in idf]) for unit in question.units if _heavy(unit)]
    total = sum(max(values, default=0.0) for _, values in worth)
    # A unit is told of if any of its terms is: 通報 is both to report and to notify.
    absent = [max(values) for unit, values in worth if unit.kind in ("concept", "name") and values and min(values) >= 0.999 * ceiling]
    return ceiling > 0 and math.isclose(ceiling, retrieval.unseen_idf, rel_tol=1e-3) and bool(absent) and sum(absent) >= total / 2


def _kind_absent(question: Question, ranked: Sequence[Candidate]) -> bool:
    """Return whether a figure, share, date or person is asked for and none of the best sentences has one."""
    return question.type in ("share", "number", "date", "person") and all(candidate.values[4] == 0.0 for candidate in ranked[:3])


def _money_absent(question: Question, ranked: Sequence[Candidate]) -> bool:
    """Return whether an amount of money is asked for and no passage of the best sentences names a currency."""
    if not asks_money(question):
        return False
    passages = {candidate.hit.passage.id: candidate.hit for candidate in ranked[:3]}
    return not any(names_money(fold(" ".join((hit.text, hit.passage.header, *hit.passage.heading)))) for hit in passages.values())


def _names_nothing(question: Question) -> bool:
    """Return whether a question is about small figures alone, as a sum is (1+1等於多少？)."""
    counts = sum(_is_count(unit) for unit in question.units)
    return counts > 1 and all(unit.low or _is_count(unit) for unit in question.units)


def judge(question: Question, retrieval: Retrieval, ranked: Sequence[Candidate], analyser: Analyser) -> Evidence:
    """Return how likely the best sentences answer the question.

    A logistic model over ``SIGNALS``; its weights (``answerability.json``) were fitted on question sets of our own.
    """
    if not ranked:
        return Evidence(0.0, {}, tuple(question.text[u.start : u.end] for u in question.units))
    values, missing = signals(question, retrieval, ranked, analyser)
    model = _models()[by_vectors(ranked)]
    logit = model["bias"] + sum(model.get(name, 0.0) * value for name, value in values.items())
    probability = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
    if is_dull(ranked[0]) or _money_absent(question, ranked) or _names_nothing(question):
        probability = min(probability, _DOUBTFUL)
    rounded = {name: round(value, 4) for name, value in values.items()}
    idf = {term: value for term, value, _ in retrieval.terms}
    return Evidence(
        probability, rounded, tuple(_said(question, i) for i in missing if _worth_saying(question, i, idf, 0.999 * retrieval.unseen_idf))
    )


def _said(question: Question, place: int) -> str:
    unit = question.units[place]
    return _AUXILIARY.sub("", question.text[unit.start : unit.end])


def _worth_saying(question: Question, place: int, idf: Mapping[str, float], unseen: float) -> bool:
    """Return whether a reader should be told that a unit is missing: it names something, or no passage of the corpus has it."""
    unit = question.units[place]
    if unit.low or len(_said(question, place)) < 2:
        return False
    nowhere = min((idf.get(term, 0.0) for term in unit.terms), default=0.0) >= unseen
    return nowhere or (unit.kind != "word" and unit.salience >= 1.0)
