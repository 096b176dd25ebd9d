"""From a question to ranked passages: lexical and dense legs, one fused ranking that is fair to every language.

The lexical score of a passage is BM25 with generation-wide statistics, divided by what a passage in its language could reach at most: a
Chinese question's words and characters cannot occur in an English passage, its concepts and figures can. Raw scores would let whole
languages sink in a mixed corpus.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.kb import Document, KnowledgeBase, Passage, PassageRef, Snapshot, WeightedTerm, WenjuError, fold
from ingest.kb.tokens import is_han
from service.question import Question
from service.rerank import passage_features, rerank_logits, sigmoid

__all__ = ["FIELD_WEIGHTS", "Filters", "Hit", "Retrieval", "is_reference", "joined", "retrieve"]

# Weight of each field; words, bigrams and characters as in the research, the others tuned on the same dev sets.
FIELD_WEIGHTS = {"w": 1.0, "b": 0.5, "u": 0.5, "n": 0.5, "c": 0.3}
HEADING_WEIGHT = 0.25
_REFERENCE_WORTH = 0.5
_CAPTION_WORTH = 0.8
_REFERENCES = re.compile(
    r"^\W*(?:[\dA-Z]{1,3}[.、 ]+)?(?:資料|参考|參考|引用|本文)?(?:來源|来源|文獻|文献|資料|资料|書目|书目|sources?|references?"
    r"|bibliography|works cited|further reading)"
    r"(?:\s*(?:與|与|和|及|and|&)\s*\S{1,12}(?:\s\S{1,12})?)?\W*$",
    re.IGNORECASE,
)
# A passage in the other language is judged by concepts, names and figures alone; what it reaches there counts this much.
CROSS_WEIGHT = 0.6
CROSS_CONCEPT_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Filters:
    """What passages may be used."""

    document_ids: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    date_from: str = ""
    date_to: str = ""

    def documents(self, documents: dict[str, Document]) -> frozenset[str] | None:
        """Return the ids of the documents that pass, None when all do."""
        if not (self.document_ids or self.tags or self.date_from or self.date_to):
            return None
        wanted, tags = set(self.document_ids), {fold(tag) for tag in self.tags}
        return frozenset(
            document.id
            for document in documents.values()
            if (not wanted or document.id in wanted)
            and (not tags or tags & {fold(tag) for tag in document.tags})
            and (not self.date_from or (document.date or "") >= self.date_from)
            and (not self.date_to or (document.date or "9999")[: len(self.date_to)] <= self.date_to)
        )


@dataclass(slots=True)
class Hit:
    """A retrieved passage.

    Attributes:
        score: Fused score; comparable within one answer only.
        scores: What each leg gave it, and its rank there.
        alternates: Passages with the same folded text, in other documents or scripts.
    """

    ref: PassageRef
    passage: Passage
    text: str
    document: Document
    score: float
    scores: dict[str, float] = field(default_factory=dict)
    alternates: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Retrieval:
    """What was found for a question, with how."""

    hits: list[Hit]
    legs: list[str]
    candidates: int
    degraded: list[str]
    generation: str
    timings_ms: dict[str, float]
    terms: list[tuple[str, float, float]] = field(default_factory=list)
    dropped: list[dict[str, str]] = field(default_factory=list)
    unseen_idf: float = 0.0


def _terms(question: Question) -> list[WeightedTerm]:
    """Return the question's index terms: every field for the text, words, bigrams and concepts again for the headings."""
    counts = question.analysis.terms()
    terms = [WeightedTerm(term, FIELD_WEIGHTS[term[0]]) for term in counts]
    terms += [WeightedTerm("h" + term, HEADING_WEIGHT * FIELD_WEIGHTS[term[0]]) for term in counts if term[0] in "wc"]
    return terms


def _masses(terms: Sequence[WeightedTerm], idf: NDArray[np.float64], question: Question) -> tuple[float, float, NDArray[np.float64]]:
    """Return what a passage can reach in the question's language and in the other, and per term its factor for the other language."""
    weights = np.array([term.weight for term in terms]) * idf
    text = np.array([term.term[0] != "h" for term in terms], dtype=bool)
    same = float(weights[text].sum())
    across = np.array([_crosses(term.term, question) for term in terms], dtype=bool)
    boost = np.array([CROSS_CONCEPT_WEIGHT / FIELD_WEIGHTS["c"] if "c" in term.term[:2] else 1.0 for term in terms]) * across
    # Words that no concept covers cannot be found in the other language; they count as missing there.
    lost = sum(
        idf[place]
        for place, term in enumerate(terms)
        if term.term[0] == "w" and not across[place] and term.term in {t for unit in question.units for t in unit.terms}
    )
    other = float((weights * boost)[text].sum() + lost)
    return max(same, 1e-9), max(other, 1e-9), boost


def _crosses(term: str, question: Question) -> bool:
    """Return whether a term can occur in a text of the other language: concepts, figures, and Latin names in Chinese questions."""
    body = term[1:] if term[0] == "h" else term
    if body[0] in "cn":
        return True
    if body[0] != "w" or is_han(body[1]):
        return False
    return question.language != "en" or any(body in unit.terms and unit.kind == "name" for unit in question.units)


def _lexical_scores(
    question: Question, terms: Sequence[WeightedTerm], weights: NDArray[np.float64], idf: NDArray[np.float64], languages: Sequence[str]
) -> NDArray[np.float64]:
    same, other, boost = _masses(terms, idf, question)
    own = np.array([(language == "en") == (question.language == "en") for language in languages], dtype=bool)
    direct = weights.sum(axis=1) / same
    crossed = CROSS_WEIGHT * (weights * boost).sum(axis=1) / other
    # A passage in the asker's language may also be reached by concepts alone (a paraphrase).
    return np.asarray(np.where(own, direct, crossed), dtype=np.float64)


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
    started = time.perf_counter()
    terms = _terms(question)
    lexical = snapshot.lexical(
        terms, limit=settings.candidates, documents=documents, languages=languages, also=list(near)[: settings.candidates]
    )
    base = _lexical_scores(question, terms, lexical.weights, lexical.idf, lexical.languages)
    timings["lexical"] = (time.perf_counter() - started) * 1000
    started = time.perf_counter()
    values = passage_features(question, terms, lexical.weights, lexical.idf, lexical.languages, base)
    fused, cosine = _fuse(rerank_logits(values), lexical.refs, near, settings.dense_weight)
    order = np.argsort(-fused, kind="stable")
    order = order[fused[order] > 0][: top_k * 3 + 8]
    hits, dropped = _hits(snapshot, lexical.refs, order, fused, base, cosine, question, top_k)
    timings["rerank"] = (time.perf_counter() - started) * 1000
    explained = [(t.term, float(i), t.weight) for t, i in zip(terms, lexical.idf, strict=True)]
    result = Retrieval(hits, legs, len(lexical.refs), degraded, snapshot.generation.name, timings, explained, dropped)
    # idf of a term that no passage has: ln(1 + (N + 0.5) / 0.5).
    result.unseen_idf = math.log(1 + (snapshot.statistics.passages + 0.5) / 0.5)
    return result


def _fuse(
    logits: NDArray[np.float64], refs: Sequence[PassageRef], near: dict[PassageRef, float], weight: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the fused scores (0 to 1) and the cosines.

    A convex combination in the logits of the rerank model: the nearest passage of the dense leg is worth ``weight``, the least near of its
    candidates nothing.
    """
    if not near or not len(logits):
        return sigmoid(logits), np.zeros(len(logits))
    floor, top = min(near.values()), max(near.values())
    cosine = np.array([near.get(ref, floor) for ref in refs])
    return sigmoid(logits + weight * (cosine - floor) / max(top - floor, 1e-6)), cosine


def _worth(passage: Passage) -> float:
    """Return a passage's worth as a source of answers: lists of references name everything and state nothing, captions little."""
    if is_reference(passage):
        return _REFERENCE_WORTH
    return _CAPTION_WORTH if passage.kind == "caption" else 1.0


def is_reference(passage: Passage) -> bool:
    """Return whether a passage stands in a list of sources or references, by its headings."""
    return any(_REFERENCES.match(heading) for heading in passage.heading)


def _hits(
    snapshot: Snapshot,
    refs: Sequence[PassageRef],
    order: NDArray[np.int64],
    fused: NDArray[np.float64],
    base: NDArray[np.float64],
    cosine: NDArray[np.float64],
    question: Question,
    top_k: int,
) -> tuple[list[Hit], list[dict[str, str]]]:
    found = snapshot.passages_at([refs[place] for place in order])
    fused = fused.copy()
    for place, entry in zip(order, found, strict=True):
        if entry is not None:
            fused[place] *= _worth(entry[0])
    best_first = sorted(zip(order, found, strict=True), key=lambda item: -fused[item[0]])
    hits: list[Hit] = []
    seen: dict[str, Hit] = {}
    dropped: list[dict[str, str]] = []
    for place, entry in best_first:
        if entry is None:
            continue
        passage, text = entry
        document = snapshot.documents.get(passage.document_id)
        if document is None:
            continue
        folded = fold(text)
        if any(phrase not in folded for phrase in question.phrases) and question.text.strip()[:1] in '"“「『':
            dropped.append({"passage_id": passage.id, "reason": "the quoted phrase does not occur"})
            continue
        key = "".join(char for char in folded if char.isalnum())
        if key in seen:
            seen[key].alternates.append(passage.id)
            dropped.append({"passage_id": passage.id, "reason": f"same text as {seen[key].passage.id}"})
            continue
        scores = {"lexical": round(float(base[place]), 4), "dense": round(float(cosine[place]), 4)}
        hit = Hit(refs[place], passage, text, document, float(fused[place]), scores)
        seen[key] = hit
        hits.append(hit)
        if len(hits) == top_k:
            break
    return hits, dropped


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
