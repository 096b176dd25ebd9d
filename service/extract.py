"""Extractive answers: the sentences that answer, best first.

A linear ranking over the features of ``service.features``; its weights (``ranking.json``) were learnt by maximising the likelihood of
the sentence that holds the answer on public dev sets (``python -m eval.learning`` repeats it).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ingest.kb import Analyser, fold, to_script
from service.candidates import Candidate, by_vectors, candidates, is_dull
from service.features import FEATURES, features
from service.instructions import is_instruction
from service.leadin import leads_in, says_the_opposite
from service.question import Question
from service.retrieve import Retrieval

__all__ = ["SEVERAL", "choose", "expand", "rank_sentences"]

_DULL_COST = 3.0
# Sentences that an answer, its evidence or a conflict is read from.
_READ = 20
# Of the best sentences these may give way to one that says the same in the asker's language, unless it scores this much less.
_LEADING, _TRANSLATION_COST = 3, 3.0
_GROUPS = ({"share", "number", "date"}, {"person", "place", "entity"})
# Several things are asked for, or a reason or a way, which takes more than a sentence.
SEVERAL = frozenset({"list", "comparison", "reason", "manner"})


@cache
def _weights() -> dict[str, NDArray[np.float64]]:
    record = json.loads(files("service").joinpath("ranking.json").read_text("utf-8"))
    return {name: np.array(weights) for name, weights in record.items()}


def expand(values: Sequence[Sequence[float]], question_type: str, crossing: Sequence[bool]) -> NDArray[np.float64]:
    """Return the ranking's inputs, shape (n, 2 × features + 7).

    Presence and nearness of the asked kind count by group of kinds; every feature counts anew for a sentence in the other language, where
    words and runs cannot match and concepts, figures and names must do.

    Args:
        values: Of ``service.features.features``, one row a sentence.
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
    crossing = [question.crosses(candidate.hit.passage.language) for candidate in found]
    weights = _weights()[by_vectors(found)]
    for candidate, score in zip(found, expand([c.values for c in found], question.type, crossing) @ weights, strict=True):
        # The public sets that the weights come from have no lists of sources and no code, so the model cannot know what they are worth.
        candidate.score = float(score) - (_DULL_COST if is_dull(candidate) or says_the_opposite(candidate, question.text) else 0.0)
    return _commands_last(sorted(found, key=lambda candidate: -candidate.score))


def _commands_last(ranked: list[Candidate]) -> list[Candidate]:
    """Return the sentences with those that tell a reader or a model what to do behind all others, as far down as any answer reads."""
    facts: list[Candidate] = []
    commands: list[Candidate] = []
    for place, candidate in enumerate(ranked):
        if len(facts) == _READ:
            facts += ranked[place:]
            break
        (commands if is_instruction(candidate.analysis.folded) else facts).append(candidate)
    for candidate in commands:
        candidate.score = facts[-1].score - 1.0 if facts else candidate.score
    return facts + commands


def _grams(text: str) -> set[str]:
    flat = "".join(c for c in fold(to_script(text, "zh-Hans")) if c.isalnum())
    return {flat[i : i + 2] for i in range(len(flat) - 1)} or {flat}


def _same(left: Candidate, right: Candidate) -> bool:
    """Return whether two sentences say the same.

    That is: most of the shorter one's bigrams in the longer (in whatever script and wording), or the same figures about the same concepts
    (in whatever language).
    """
    a, b = sorted((_grams(left.text), _grams(right.text)), key=len)
    if len(a & b) >= 0.7 * len(a):
        return True
    figures = [{q.term for q in c.analysis.quantities} for c in (left, right)]
    concepts = [{m.concept.key for m in c.analysis.concepts if not m.concept.low} for c in (left, right)]
    few, many = sorted(concepts, key=len)
    shared = len(few & many) >= 0.4 * max(len(few), 1)
    if len(figures[0]) > 1 and figures[0] == figures[1]:
        return True
    return bool(figures[0]) and (figures[0] <= figures[1] or figures[1] <= figures[0]) and bool(figures[1]) and shared


def _translates(left: Candidate, right: Candidate) -> bool:
    """Return whether two sentences in two languages say the same: the very same figures, one of several or about the same concepts."""
    figures = [{q.term for q in c.analysis.quantities} for c in (left, right)]
    few, many = sorted(({m.concept.key for m in c.analysis.concepts if not m.concept.low} for c in (left, right)), key=len)
    return bool(figures[0]) and figures[0] == figures[1] and (len(figures[0]) > 1 or len(few & many) >= 0.6 * max(len(few), 1))


def _own_language_first(question: Question, ranked: Sequence[Candidate]) -> list[Candidate]:
    """Return the sentences with one in the asker's language in front of its translation, where both stand near the top."""
    out = list(ranked)
    for place in range(min(_LEADING, len(out))):
        leader = out[place]
        if not _crosses(question, leader):
            continue
        for later in range(place + 1, min(_READ, len(out))):
            own = out[later]
            if own.score < leader.score - _TRANSLATION_COST:
                break
            if not _crosses(question, own) and _translates(leader, own):
                out.insert(place, out.pop(later))
                break
    return out


def _crosses(question: Question, candidate: Candidate) -> bool:
    """Return whether a sentence is in the other language than the answer is to be."""
    return (candidate.hit.passage.language == "en") != (question.language == "en")


def choose(
    question: Question,
    ranked: Sequence[Candidate],
    *,
    max_sentences: int,
    max_chars: int,
    written: Callable[[Candidate, Candidate | None], str],
    fitted: Callable[[Candidate], Candidate] = lambda candidate: candidate,
) -> list[Candidate]:
    """Return the sentences of the answer, best first.

    One sentence when the ranking is sure of it; a second and third while the likelihood that the answer stands in those taken is
    below nine in ten, or where several things are asked for.

    Args:
        question: As read.
        ranked: Sentences, best first.
        max_sentences: Most sentences.
        max_chars: Most characters of the answer, as written and without its marks; the first sentence is taken whatever its length.
        written: Returns a sentence as the answer will have it, after the one that it follows (None for the first).
        fitted: Returns a sentence as it fits into the answer, whole or cut; asked of those only that are looked at.
    """
    if not ranked:
        return []
    ranked = _own_language_first(question, ranked)
    scores = np.array([candidate.score for candidate in ranked])
    likelihood = np.exp(scores - scores.max())
    likelihood /= likelihood.sum()
    # What leads to something that is not there is no answer, unless there is nothing else.
    first, place = next(((whole, i) for i, whole in enumerate(map(fitted, ranked[:_LEADING])) if not leads_in(whole.text)), (None, 0))
    taken = [first or fitted(ranked[0])]
    mass, used = float(likelihood[place]), len(written(taken[0], None))
    for candidate, share in zip(ranked[place + 1 :], likelihood[place + 1 :], strict=True):
        if len(taken) >= max_sentences or (question.type not in SEVERAL and mass >= 0.9):
            break
        if share < 0.04:
            break
        candidate = fitted(candidate)
        if leads_in(candidate.text):
            continue
        text = written(candidate, taken[-1])
        if used + len(text) + 1 > max_chars:
            continue
        if any(_same(candidate, other) for other in taken):
            mass += float(share)
            continue
        taken.append(candidate)
        mass += float(share)
        used += len(text) + 1
    return taken
