"""From a question to ranked passages: lexical and dense legs, one fused ranking that is fair to every language."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from ingest.kb import KnowledgeBase, PassageRef, Snapshot, WenjuError
from service.fusion import index_terms, lexical_scores, near_terms
from service.hits import Candidates, best_hits, is_reference
from service.question import Question
from service.rerank import near_features, near_logits, passage_features, rerank_logits, sigmoid
from service.retrieved import Filters, Hit, Retrieval

__all__ = ["Filters", "Hit", "Retrieval", "is_reference", "joined", "retrieve"]

_PHRASE_DEPTH = 5
# Of the candidates, for each passage wanted this many are ranked again by their nearest sentence.
_REREAD = 3

# Cosine of a question with the hundred passages nearest to it, on average (measured on two corpora of some hundred passages).
_BEHIND = 0.83


def retrieve(
    kb: KnowledgeBase,
    snapshot: Snapshot,
    question: Question,
    *,
    top_k: int,
    filters: Filters | None = None,
    dense: bool = True,
) -> Retrieval:
    """Return the best passages for a question, best first.

    Args:
        kb: For the embedder and the settings.
        snapshot: The generation that answers.
        question: As read.
        top_k: Most passages to return.
        filters: What may be used.
        dense: False leaves the dense leg out.
    """
    filters = filters or Filters()
    documents = filters.documents(snapshot.documents)
    languages = frozenset(filters.languages) or None
    settings = kb.settings.retrieval
    timings: dict[str, float] = {}
    legs, degraded = ["lexical"], []
    near: dict[PassageRef, float] = {}
    vector: NDArray[np.float32] | None = None
    started = time.perf_counter()
    if dense and kb.embedder is not None and snapshot.has_vectors:
        try:
            vector = kb.embedder.embed_question(question.text)
            found = snapshot.dense(vector, limit=settings.candidates, documents=documents, languages=languages)
            near = dict(zip(found.refs, found.scores, strict=True))
            legs.append("dense")
            if found.degraded:
                degraded.append("vector")
        except WenjuError:
            degraded.append("vector")
        timings["dense"] = (time.perf_counter() - started) * 1000
    elif dense and kb.embedder is not None and snapshot.passages:
        # Damaged, or of another model than the settings name.
        degraded.append("vector")
    started = time.perf_counter()
    terms = index_terms(question)
    lexical = snapshot.lexical(
        terms,
        # A phrase may stand further down than its words alone would take it.
        limit=settings.candidates * (_PHRASE_DEPTH if question.exact else 1),
        documents=documents,
        languages=languages,
        also=list(near)[: settings.candidates],
    )
    base = lexical_scores(question, terms, lexical.weights, lexical.idf, lexical.languages)
    timings["lexical"] = (time.perf_counter() - started) * 1000
    started = time.perf_counter()
    values = passage_features(question, terms, lexical.weights, lexical.idf, lexical.languages, base)
    logits = rerank_logits(values)
    candidates = Candidates(lexical.refs, base, logits, values)
    if vector is not None and kb.embedder is not None and kb.embedder.of_sentences:
        across = np.array([question.crosses(language) for language in lexical.languages], dtype=np.float64)
        candidates.cosine = snapshot.cosines(vector, lexical.refs)
        _by_meaning(snapshot, candidates, across, vector, kb.embedder.identity, most=top_k * _REREAD)
    else:
        candidates.cosine, candidates.near = near_terms(lexical.refs, near, settings.dense_weight)
    candidates.fused = sigmoid(logits + candidates.near)
    hits, dropped = best_hits(snapshot, candidates, phrases=question.exact, top_k=top_k)
    for hit in hits:
        hit.opening = snapshot.opening(hit.document.id)
    timings["rerank"] = (time.perf_counter() - started) * 1000
    explained = [(t.term, float(i), t.weight) for t, i in zip(terms, lexical.idf, strict=True)]
    result = Retrieval(hits, legs, len(lexical.refs), degraded, snapshot.generation.name, timings, explained, dropped)
    # idf of a term that no passage has: ln(1 + (N + 0.5) / 0.5).
    if near:
        # In a corpus of a few passages nothing stands behind the nearest: as many are reckoned with as stand there in others.
        missing = max(0, settings.candidates - len(near))
        result.lead = max(near.values()) - (sum(near.values()) + missing * _BEHIND) / (len(near) + missing)
    result.unseen_idf = math.log(1 + (snapshot.spoken_of + 0.5) / 0.5)
    return result


def _by_meaning(
    snapshot: Snapshot, candidates: Candidates, across: NDArray[np.float64], vector: NDArray[np.float32], model: str, *, most: int
) -> None:
    """Add what the multilingual model says: of all candidates by their passage, then of the best by their nearest sentence.

    A passage of many sentences says one of them as well as a passage of one does. Those that are not read stay behind those that are.
    """
    logits = candidates.logits
    first = near_logits(near_features(logits, across, candidates.cosine, None))
    best = np.argsort(-first, kind="stable")[:most]
    entries = snapshot.passages_at([candidates.refs[place] for place in best])
    candidates.read = {int(place): entry for place, entry in zip(best, entries, strict=True) if entry is not None}
    rows = snapshot.sentence_vectors(model, list(candidates.read.values()))
    candidates.cosines = {place: own @ vector for place, own in zip(candidates.read, rows, strict=True) if own is not None and len(own)}
    final = first
    if candidates.cosines:
        places = np.array(list(candidates.cosines))
        nearest = np.array([float(own.max()) for own in candidates.cosines.values()])
        second = near_logits(near_features(logits[places], across[places], candidates.cosine[places], nearest))
        rest = np.ones(len(logits), dtype=bool)
        rest[places] = False
        final = first - max(0.0, float(first[rest].max(initial=-np.inf) - second.min()))
        final[places] = second
    candidates.near = final - logits


def joined(first: Retrieval, second: Retrieval, *, top_k: int) -> Retrieval:
    """Return two retrievals of one question (as asked, and translated) as one: each passage with its better score.

    Args:
        first: Of the question as asked; its terms explain the result.
        second: Of its translation.
        top_k: Most passages.
    """
    best: dict[str, Hit] = {}
    for hit in (*first.hits, *second.hits):
        kept = best.get(hit.passage.id)
        if kept is None or hit.score > kept.score:
            best[hit.passage.id] = hit
    first.hits = sorted(best.values(), key=lambda hit: -hit.score)[:top_k]
    first.legs = [*first.legs, "translation"]
    return first
