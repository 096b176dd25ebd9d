"""Extractive answers: the sentences that answer, best first.

A linear ranking over the features of ``service.sentences``; its weights (``ranking.json``) were learnt by maximising the likelihood of
the sentence that holds the answer on public dev sets (``wenju eval train`` repeats it).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ingest.kb import Analyser, fold
from service.question import Question
from service.retrieve import Retrieval
from service.sentences import FEATURES, Candidate, candidates, features

__all__ = ["choose", "expand", "rank_sentences"]

_GROUPS = ({"share", "number", "date"}, {"person", "place", "entity"})
_SEVERAL = frozenset({"list", "comparison", "reason", "manner"})


@cache
def _weights() -> NDArray[np.float64]:
    record = json.loads(files("service").joinpath("ranking.json").read_text("utf-8"))
    return np.array(record["weights"])


def expand(values: Sequence[Sequence[float]], question_type: str, crossing: Sequence[bool]) -> NDArray[np.float64]:
    """Return the ranking's inputs, shape (n, 2 × features + 7).

    Presence and nearness of the asked kind count by group of kinds; every feature counts anew for a sentence in the other language, where
    words and runs cannot match and concepts, figures and names must do.

    Args:
        values: Of ``service.sentences.features``, one row a sentence.
        question_type: What is asked for.
        crossing: Whether each sentence is in the other language.
    """
    base = np.array(values, dtype=np.float64).reshape(-1, len(FEATURES))
    group = next((place for place, kinds in enumerate(_GROUPS) if question_type in kinds), 2)
    place = FEATURES.index("type_present")
    parts = [base[:, place : place + 2] * (which == group) for which in range(3)]
    other = np.array(crossing, dtype=np.float64).reshape(-1, 1)
    return np.concatenate([base, *parts, base * other, other], axis=1)


def rank_sentences(question: Question, retrieval: Retrieval, analyser: Analyser) -> list[Candidate]:
    """Return the sentences of the retrieved passages, best first, with their scores."""
    found = candidates(retrieval.hits, analyser)
    if not found:
        return []
    features(question, found, {term: idf for term, idf, _ in retrieval.terms}, analyser)
    crossing = [(c.hit.passage.language == "en") != (question.language == "en") for c in found]
    for candidate, score in zip(found, expand([c.values for c in found], question.type, crossing) @ _weights(), strict=True):
        candidate.score = float(score)
    return sorted(found, key=lambda candidate: -candidate.score)


def _same(left: Candidate, right: Candidate) -> bool:
    """Return whether two sentences say the same in the same words, in whatever script."""
    a = "".join(c for c in fold(left.text) if c.isalnum())
    b = "".join(c for c in fold(right.text) if c.isalnum())
    return a in b or b in a


def choose(question: Question, ranked: Sequence[Candidate], *, max_sentences: int, max_chars: int) -> list[Candidate]:
    """Return the sentences of the answer, best first.

    One sentence when the ranking is sure of it; a second and third while the likelihood that the answer stands in those taken is
    below nine in ten, or where several things are asked for.

    Args:
        question: As read.
        ranked: Sentences, best first.
        max_sentences: Most sentences.
        max_chars: Most characters of all sentences together; the first is taken whatever its length.
    """
    if not ranked:
        return []
    scores = np.array([candidate.score for candidate in ranked])
    likelihood = np.exp(scores - scores.max())
    likelihood /= likelihood.sum()
    taken = [ranked[0]]
    mass, used = float(likelihood[0]), len(ranked[0].text)
    for candidate, share in zip(ranked[1:], likelihood[1:], strict=True):
        if len(taken) >= max_sentences:
            break
        if question.type not in _SEVERAL and mass >= 0.9:
            break
        if share < 0.04 or used + len(candidate.text) + 8 * (len(taken) + 1) > max_chars:
            continue
        if any(_same(candidate, other) for other in taken):
            continue
        taken.append(candidate)
        mass += float(share)
        used += len(candidate.text)
    return taken
