"""Learning how much the dense leg of the embedded model is worth: the weights behind ``service.rerank.near_logits``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.cases import Case, Evidence
from eval.learning.questions import case_question
from eval.learning.solve import fit_softmax
from eval.measures.retrieval import is_relevant
from ingest.kb import KnowledgeBase
from service.question import Question, read_question
from service.rerank import near_features
from service.retrieve import Hit, retrieve

__all__ = ["Pool", "cases_pools", "learn_fusion", "squad_pools"]

# Candidates of a question to learn from.
_POOL = 60


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates of one question.

    Attributes:
        source: Set that the question is from.
        features: What each model looks at, by the model's name, shape (candidates, features).
        right: 1 for a candidate that answers, else 0.
    """

    source: str
    features: dict[str, NDArray[np.float64]]
    right: NDArray[np.float64]


def _features(question: Question, hits: Sequence[Hit]) -> dict[str, NDArray[np.float64]]:
    logits = np.array([hit.fusion["rerank_logit"] for hit in hits])
    across = np.array([float(question.crosses(hit.passage.language)) for hit in hits])
    cosine = np.array([hit.scores["dense"] for hit in hits])
    sentence = np.array([float(hit.cosines.max()) for hit in hits if hit.cosines is not None])
    return {
        "with_vectors": near_features(logits, across, cosine, None),
        "with_sentences": near_features(logits, across, cosine, sentence),
    }


def _pool(kb: KnowledgeBase, text: str, source: str, is_right: Callable[[Hit], bool]) -> Iterator[Pool]:
    """Yield the candidates of a question, if one of them is right."""
    snapshot = kb.snapshot()
    assert snapshot is not None
    question = read_question(text, kb.analyser)
    hits = [hit for hit in retrieve(kb, snapshot, question, top_k=_POOL).hits if hit.cosines is not None]
    right = np.array([float(is_right(hit)) for hit in hits])
    if right.any():
        yield Pool(source, _features(question, hits), right)


def cases_pools(name: str, cases: Sequence[Case], kb: KnowledgeBase) -> Iterator[Pool]:
    """Yield the candidates of the cases that have evidence."""
    for case in cases:
        if case.evidence:

            def is_right(hit: Hit, wanted: tuple[Evidence, ...] = case.evidence) -> bool:
                return is_relevant(hit.document.file_name, hit.passage.page, hit.text, wanted)

            yield from _pool(kb, case_question(case, kb), name, is_right)


def squad_pools(name: str, questions: Sequence[tuple[str, str]], kb: KnowledgeBase) -> Iterator[Pool]:
    """Yield the candidates of questions of sets in SQuAD's format.

    Args:
        name: Of the set.
        questions: Each with the file name of its paragraph.
        kb: That holds the paragraphs, among others or not.
    """
    for text, wanted in questions:
        yield from _pool(kb, text, name, lambda hit, wanted=wanted: hit.document.file_name == wanted)  # type: ignore[misc]


def learn_fusion(pools: Iterable[Pool], weights: Mapping[str, float]) -> dict[str, list[float]]:
    """Return the two models' weights; prints how often the right passage is first and among five, per source.

    Args:
        pools: Candidates of each question.
        weights: Of a question, by source; 1 where it is not named.
    """
    known = list(pools)
    groups = np.concatenate([np.full(len(pool.right), number) for number, pool in enumerate(known)])
    weight = np.concatenate([np.full(len(pool.right), weights.get(pool.source, 1.0)) for pool in known])
    right = np.concatenate([pool.right for pool in known])
    out = {}
    for name in ("with_vectors", "with_sentences"):
        fitted = fit_softmax(np.concatenate([pool.features[name] for pool in known]), right, groups, weight=weight, l2=1.0)
        out[name] = [round(float(value), 4) for value in fitted]
        for source in dict.fromkeys(pool.source for pool in known):
            ranked = [p.right[np.argsort(-(p.features[name] @ fitted), kind="stable")] for p in known if p.source == source]
            first, five = np.mean([own[0] for own in ranked]), np.mean([own[:5].max() for own in ranked])
            print(f"  {name} {source}: first {first:.3f}, among five {five:.3f}, of {len(ranked)}")
    return out
