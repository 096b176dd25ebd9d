"""Retrieval: hit@k, reciprocal rank, nDCG@10, from the relevance of the ranked passages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.cases import Evidence, squeeze

__all__ = ["hit_at", "is_relevant", "ndcg_at", "reciprocal_rank"]

_GRAM = 6


def _overlap(quote: str, text: str) -> float:
    """Return the share of a quote's character 6-grams that occur in a text."""
    if len(quote) <= _GRAM:
        return float(quote in text)
    grams = [quote[i : i + _GRAM] for i in range(len(quote) - _GRAM + 1)]
    return sum(gram in text for gram in grams) / len(grams)


def is_relevant(document: str, page: int | None, text: str, evidence: Sequence[Evidence]) -> bool:
    """Return whether a passage holds gold evidence: the same document and page, and at least half of the quote's words.

    Args:
        document: File name.
        page: From 1; None counts as 1.
        text: Of the passage.
        evidence: Gold.
    """
    flat = squeeze(text)
    for item in evidence:
        if item.document != document or item.page != (page or 1):
            continue
        quote = squeeze(item.quote)
        if quote and (quote in flat or _overlap(quote, flat) >= 0.5):
            return True
    return False


def hit_at(relevance: Sequence[bool], k: int) -> float:
    """Return 1 if one of the first k is relevant, else 0."""
    return float(any(relevance[:k]))


def reciprocal_rank(relevance: Sequence[bool]) -> float:
    """Return 1 / rank of the first relevant one, 0 if there is none (a question with no result counts as zero)."""
    return next((1 / rank for rank, relevant in enumerate(relevance, 1) if relevant), 0.0)


def ndcg_at(relevance: Sequence[bool], k: int, relevant: int) -> float:
    """Return the normalised discounted cumulative gain with binary gains (Järvelin and Kekäläinen 2002, log base 2).

    Args:
        relevance: Of the ranked passages.
        k: Cut-off.
        relevant: How many relevant passages there are.
    """
    gain = sum(1 / math.log2(rank + 1) for rank, flag in enumerate(relevance[:k], 1) if flag)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(max(relevant, sum(relevance[:k])), k) + 1))
    return gain / ideal if ideal else 0.0
