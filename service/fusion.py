"""One score from several legs: BM25 made fair to every language, the rerank model's logits, and the dense leg on top.

The lexical score of a passage is BM25 with generation-wide statistics, divided by what a passage in its language could reach at most: a
Chinese question's words and characters cannot occur in an English passage, its concepts and figures can. Raw scores would let whole
languages sink in a mixed corpus.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.kb import PassageRef, WeightedTerm
from ingest.kb.tokens import is_han
from service.question import Question

__all__ = ["FIELD_WEIGHTS", "index_terms", "lexical_scores", "near_terms"]

# Weight of each field; words, bigrams and characters as in the research, the others tuned on the same dev sets.
FIELD_WEIGHTS = {"w": 1.0, "b": 0.5, "u": 0.5, "n": 0.5, "c": 0.3}
HEADING_WEIGHT = 0.25
# A passage in the other language is judged by concepts, names and figures alone; what it reaches there counts this much.
CROSS_WEIGHT = 0.6
CROSS_CONCEPT_WEIGHT = 1.0


def index_terms(question: Question) -> list[WeightedTerm]:
    """Return the question's index terms: every field for the text, words, bigrams and concepts again for the headings."""
    counts = question.subject.terms()
    terms = [WeightedTerm(term, FIELD_WEIGHTS[term[0]]) for term in counts]
    terms += [WeightedTerm("h" + term, HEADING_WEIGHT * FIELD_WEIGHTS[term[0]]) for term in counts if term[0] in "wc"]
    return terms


def _masses(terms: Sequence[WeightedTerm], idf: NDArray[np.float64], question: Question) -> tuple[float, float, NDArray[np.float64]]:
    """Return what a passage can reach in the question's language and in the other, and per term its factor for the other language."""
    asked = {term for unit in question.units for term in unit.terms}
    names = {term for unit in question.units if unit.kind == "name" for term in unit.terms}
    weights = np.array([term.weight for term in terms]) * idf
    text = np.array([term.term[0] != "h" for term in terms], dtype=bool)
    same = float(weights[text].sum())
    across = np.array([_crosses(term.term, question, names) for term in terms], dtype=bool)
    boost = (
        np.array([CROSS_CONCEPT_WEIGHT / FIELD_WEIGHTS["c"] if term.term.removeprefix("h")[0] == "c" else 1.0 for term in terms]) * across
    )
    # Words that no concept covers cannot be found in the other language; they count as missing there.
    lost = np.array([term.term[0] == "w" and term.term in asked for term in terms], dtype=bool) & ~across
    other = float((weights * boost)[text].sum() + idf[lost].sum())
    return max(same, 1e-9), max(other, 1e-9), boost


def _crosses(term: str, question: Question, names: Collection[str]) -> bool:
    """Return whether a term can occur in a text of the other language: concepts, figures, and Latin names in Chinese questions."""
    body = term[1:] if term[0] == "h" else term
    if body[0] in "cn":
        return True
    if body[0] != "w" or is_han(body[1]):
        return False
    return not question.english or body in names


def lexical_scores(
    question: Question, terms: Sequence[WeightedTerm], weights: NDArray[np.float64], idf: NDArray[np.float64], languages: Sequence[str]
) -> NDArray[np.float64]:
    """Return the candidates' lexical scores: the share each holds of what a passage in its language could hold.

    Args:
        question: As read.
        terms: Its index terms.
        weights: What each term gives each candidate, shape (n, terms).
        idf: Of the terms.
        languages: Of the candidates.
    """
    same, other, boost = _masses(terms, idf, question)
    own = np.array([not question.crosses(language) for language in languages], dtype=bool)
    direct = weights.sum(axis=1) / same
    crossed = CROSS_WEIGHT * (weights @ boost) / other
    # A passage in the asker's language may also be reached by concepts alone (a paraphrase).
    return np.asarray(np.where(own, direct, crossed), dtype=np.float64)


def near_terms(refs: Sequence[PassageRef], near: dict[PassageRef, float], weight: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the candidates' cosines, and what each adds to the rerank model's logits.

    A convex combination: the nearest passage of the dense leg is worth ``weight``, the least near of its candidates nothing.
    """
    if not near or not len(refs):
        return np.zeros(len(refs)), np.zeros(len(refs))
    floor, top = min(near.values()), max(near.values())
    cosine = np.array([near.get(ref, floor) for ref in refs])
    return cosine, weight * (cosine - floor) / max(top - floor, 1e-6)
