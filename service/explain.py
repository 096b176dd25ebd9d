"""Why a search found what it found: the question as read, each leg's rank and score, the fusion's terms, the features, what was dropped."""

from __future__ import annotations

from typing import Any

from ingest.kb import KnowledgeBase
from service.question import Question
from service.rerank import FEATURE_NAMES
from service.retrieved import Hit, Retrieval

__all__ = ["explain_question", "explain_search"]


def explain_question(question: Question) -> dict[str, Any]:
    """Return a question as it was read."""
    return {
        "folded": question.analysis.folded,
        "types": list(question.types),
        "concepts": [
            {"concept": match.concept.key, "text": question.text[match.start : match.end], "nested": match.nested}
            for match in question.analysis.concepts
        ],
        "units": [
            {"text": question.text[unit.start : unit.end], "kind": unit.kind, "low": unit.low, "terms": list(unit.terms)}
            for unit in question.units
        ],
        "exact_phrases": list(question.exact),
    }


def explain_search(kb: KnowledgeBase, question: Question, found: Retrieval | None) -> dict[str, Any]:
    """Return what ``explain: true`` adds to a search.

    Args:
        kb: For the settings.
        question: As read.
        found: What was retrieved; None if there was nothing to search in.
    """
    out = explain_question(question)
    if found is None:
        return out
    dense = "dense" in found.legs
    return out | {
        "terms": [{"term": term, "idf": round(idf, 3), "weight": weight} for term, idf, weight in found.terms],
        "candidates": found.candidates,
        "fusion": {
            "score": "sigmoid(rerank_logit + dense) × worth",
            "dense": "dense_weight × (cosine − least) / (greatest − least), over the dense leg's candidates",
            "dense_weight": kb.settings.retrieval.dense_weight if dense else 0.0,
        },
        "hits": [_hit(hit) for hit in found.hits],
        "dropped": found.dropped,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    legs = {"lexical": {"rank": hit.scores["lexical_rank"], "score": hit.scores["lexical"]}}
    if "dense_rank" in hit.scores:
        legs["dense"] = {"rank": hit.scores["dense_rank"], "score": hit.scores["dense"]}
    values = [] if hit.features is None else [round(float(value), 3) for value in hit.features]
    return {
        "passage_id": hit.passage.id,
        "legs": legs,
        "fusion": {name: round(value, 4) for name, value in hit.fusion.items()} | {"score": round(hit.score, 4)},
        "features": dict(zip(FEATURE_NAMES, values, strict=False)),
        "alternates": hit.alternates,
    }
