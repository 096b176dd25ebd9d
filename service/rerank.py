"""Reranking: how much of what is asked a candidate passage holds, and where, from the lexical leg's own counts.

No passage is read for it: which question term stands in which candidate is known from scoring.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ingest.kb import WeightedTerm
from service.question import Question

__all__ = [
    "COSINE_MIDDLE",
    "COSINE_SCALE",
    "FEATURE_NAMES",
    "PASSAGE_FEATURES",
    "near_features",
    "near_logits",
    "passage_features",
    "rerank_logits",
    "sigmoid",
]

PASSAGE_FEATURES = (
    "lexical",
    "relative",
    "coverage",
    "coverage_around",
    "names",
    "names_around",
    "figures",
    "rarest",
    "count",
)
# As ``passage_features`` returns them: for all, for those in the other language, and what only that language's rivals tell.
FEATURE_NAMES = (
    *PASSAGE_FEATURES,
    *(f"{name} across" for name in PASSAGE_FEATURES),
    "across",
    *(f"{name} of the best in the asker's language" for name in ("lexical", "coverage", "coverage_around")),
)


# Features without sentences; and how cosines of the embedded encoder, which lie between 0.7 and 0.95, are spread around zero.
_NEAR = 6
COSINE_MIDDLE, COSINE_SCALE = 0.8, 10.0


def passage_features(
    question: Question,
    terms: Sequence[WeightedTerm],
    weights: NDArray[np.float64],
    idf: NDArray[np.float64],
    languages: Sequence[str],
    base: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the features of the candidates, shape (n, 2 × features + 4): once for all, once more for those in the other language.

    Args:
        question: As read.
        terms: Its index terms.
        weights: What each term gives each candidate, shape (n, terms).
        idf: Of the terms.
        languages: Of the candidates.
        base: Their lexical scores.
    """
    place = {term.term: column for column, term in enumerate(terms)}
    units = question.units
    n = len(base)
    present = weights > 0
    text = np.zeros((n, len(units)), dtype=bool)
    around = np.zeros((n, len(units)), dtype=bool)
    worth = np.zeros(len(units))
    for number, unit in enumerate(units):
        columns = [place[term] for term in unit.terms if term in place]
        heads = [place["h" + term] for term in unit.terms if "h" + term in place]
        if columns:
            text[:, number] = present[:, columns].any(axis=1)
            worth[number] = idf[columns].max()
        around[:, number] = text[:, number] | (present[:, heads].any(axis=1) if heads else False)
        worth[number] *= 0.3 if unit.low else 1.0
    names = np.array([unit.kind == "name" for unit in units], dtype=bool)
    figures = np.array([unit.kind == "figure" for unit in units], dtype=bool)

    def share(found: NDArray[np.bool_], which: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        chosen = worth if which is None else worth * which
        total = chosen.sum()
        return found @ chosen / total if total > 0 else np.full(n, 0.5)

    top = float(base.max(initial=0.0)) or 1.0
    rare = int(worth.argmax()) if len(units) else -1
    columns_out = [
        base,
        base / top,
        share(text),
        share(around),
        share(text, names),
        share(around, names),
        share(around, figures),
        around[:, rare].astype(np.float64) if rare >= 0 else np.zeros(n),
        text.sum(axis=1) / max(len(units), 1),
    ]
    values = np.stack(columns_out, axis=1)
    other = np.array([question.crosses(language) for language in languages], dtype=np.float64)
    # A passage in the other language is wanted where those in the asker's own do not cover the question.
    own = other == 0
    rivals = [float(values[own, column].max(initial=0.0)) for column in (0, 2, 3)]
    context = np.stack([other, *(other * rival for rival in rivals)], axis=1)
    return np.concatenate([values, values * other[:, None], context], axis=1)


@cache
def _models() -> dict[str, NDArray[np.float64]]:
    record = json.loads(files("service").joinpath("reranking.json").read_text("utf-8"))
    return {name: np.array(weights) for name, weights in record.items()}


def rerank_logits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the candidates' logits from their features: a linear model learnt by maximising the likelihood of the right passage."""
    weights = _models()["without_vectors"]
    logits: NDArray[np.float64] = values @ weights[:-1] + weights[-1]
    return logits


def near_features(
    logits: NDArray[np.float64], across: NDArray[np.float64], cosine: NDArray[np.float64], sentence: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return what is known of candidates once the multilingual model has its say, shape (n, 6), or (n, 9) with sentences.

    Args:
        logits: Of ``rerank_logits``, shape (n,).
        across: 1 for a passage in the other language than the question's, else 0; vectors of two languages lie further apart.
        cosine: Of the passages, shape (n,).
        sentence: Of the nearest sentence of each, shape (n,); None before any passage is read.
    """
    parts = [logits, logits * across, across]
    for values in (cosine,) if sentence is None else (cosine, sentence):
        spread = (values - COSINE_MIDDLE) * COSINE_SCALE
        behind = (values - values.max(initial=-1.0)) * COSINE_SCALE
        parts += [spread, spread * across, behind * across]
    return np.stack(parts, axis=1)


def near_logits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the candidates' logits from ``near_features``, by the model that fits their number."""
    weights = _models()["with_vectors" if values.shape[1] == _NEAR else "with_sentences"]
    logits: NDArray[np.float64] = values @ weights
    return logits


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + e^-x) of each value."""
    out: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(values, -30, 30)))
    return out
