"""From ranked places to hits: passages are read, lists of sources step back, phrases must occur, the same text stands once."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingest.kb import Document, Passage, PassageRef, Snapshot, fold
from service.rerank import sigmoid
from service.retrieved import Hit

__all__ = ["Candidates", "best_hits", "is_reference"]

_REFERENCE_WORTH = 0.5
_CAPTION_WORTH = 0.8
_REFERENCES = re.compile(
    r"^\W*(?:[\dA-Z]{1,3}[.、 ]+)?(?:資料|参考|參考|引用|本文)?(?:來源|来源|文獻|文献|資料|资料|書目|书目|sources?|references?"
    r"|bibliography|works cited|further reading)"
    r"(?:\s*(?:與|与|和|及|and|&)\s*\S{1,12}(?:\s\S{1,12})?)?\W*$",
    re.IGNORECASE,
)
# Of the candidates at most this many for each hit wanted are ever looked at, and in rounds of little more than are wanted.
_DEPTH, _SPARE = 3, 4
_NOT_ALNUM = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+")
# Passages of two documents with the same figures and this share of their pairs of characters in common say the same: measured on the sample
# corpus, where digests in two scripts reach 0.79 to 0.93 and lists of sources that differ in their chapters 0.76.
_TWIN = 0.78


@dataclass(slots=True)
class Candidates:
    """What is known of the candidates before the hits are chosen.

    Attributes:
        refs: Where they stand.
        lexical: Of the lexical leg, shape (n,).
        logits: Of the rerank model, shape (n,).
        features: What the rerank model looked at, shape (n, features).
        cosine: Of the dense leg, shape (n,); zeros without one.
        near: What the dense leg adds to the logits, shape (n,).
        fused: Their scores, shape (n,).
        read: Passages that were read already, with their text, by place.
        cosines: Of their sentences, by place.
    """

    refs: Sequence[PassageRef]
    lexical: NDArray[np.float64]
    logits: NDArray[np.float64]
    features: NDArray[np.float64]
    cosine: NDArray[np.float64] = field(init=False)
    near: NDArray[np.float64] = field(init=False)
    fused: NDArray[np.float64] = field(init=False)
    read: dict[int, tuple[Passage, str]] = field(default_factory=dict)
    cosines: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cosine = self.near = np.zeros(len(self.refs))
        self.fused = sigmoid(self.logits)

    def hit(self, place: int, passage: Passage, text: str, document: Document, score: float) -> Hit:
        """Return the hit of a candidate that was read."""
        scores = {
            "lexical": round(float(self.lexical[place]), 4),
            "dense": round(float(self.cosine[place]), 4),
            "lexical_rank": _rank(self.lexical, place),
        }
        if self.near.any():
            scores["dense_rank"] = _rank(self.cosine, place)
        hit = Hit(self.refs[place], passage, text, document, score, scores)
        hit.fusion = {
            "rerank_logit": float(self.logits[place]),
            "dense": float(self.near[place]),
            "worth": _worth(passage),
        }
        hit.features = self.features[place]
        hit.cosines = self.cosines.get(place)
        return hit


def _rank(scores: NDArray[np.float64], place: int) -> int:
    return int(np.count_nonzero(scores > scores[place])) + 1


def _worth(passage: Passage) -> float:
    """Return a passage's worth as a source of answers: lists of references name everything and state nothing, captions little."""
    if is_reference(passage):
        return _REFERENCE_WORTH
    return _CAPTION_WORTH if passage.kind == "caption" else 1.0


def is_reference(passage: Passage) -> bool:
    """Return whether a passage stands in a list of sources or references, by its headings."""
    return any(map(_is_reference, passage.heading))


@lru_cache(maxsize=4096)
def _is_reference(heading: str) -> bool:
    return bool(_REFERENCES.match(heading))


def _best_first(snapshot: Snapshot, found: Candidates, order: NDArray[np.int64], size: int) -> Iterator[tuple[int, float, Passage, str]]:
    """Yield (place, score with its worth, passage, text), best first; read in rounds, since few are wanted and reading is dear.

    No worth is above 1: what is not read yet cannot beat what scores as much as the best of it without its worth.
    """
    waiting: list[tuple[float, int, int, Passage, str]] = []
    for start in range(0, len(order), size):
        some = order[start : start + size].tolist()
        unread = [place for place in some if place not in found.read]
        entries = found.read | dict(zip(unread, snapshot.passages_at([found.refs[place] for place in unread]), strict=True))
        for position, place in enumerate(some, start):
            entry = entries[place]
            if entry is not None:
                heapq.heappush(waiting, (-float(found.fused[place]) * _worth(entry[0]), position, place, *entry))
        bound = float(found.fused[order[start + size]]) if start + size < len(order) else 0.0
        while waiting and -waiting[0][0] >= bound:
            score, _, place, passage, text = heapq.heappop(waiting)
            yield place, -score, passage, text


def best_hits(snapshot: Snapshot, found: Candidates, *, phrases: Sequence[str], top_k: int) -> tuple[list[Hit], list[dict[str, str]]]:
    """Return the best hits, and what was dropped on the way with the reason.

    Args:
        snapshot: To read from.
        found: The candidates.
        phrases: Folded texts that must occur.
        top_k: Most hits.
    """
    order = np.argsort(-found.fused, kind="stable")
    order = order[found.fused[order] > 0]
    if not phrases:
        order = order[: top_k * _DEPTH + 2 * _SPARE]
    hits: list[Hit] = []
    seen = _Seen()
    dropped: list[dict[str, str]] = []
    for place, score, passage, text in _best_first(snapshot, found, order, top_k + _SPARE):
        document = snapshot.documents.get(passage.document_id)
        if document is None:
            continue
        if phrases and any(phrase not in fold(text) for phrase in phrases):
            dropped.append({"passage_id": passage.id, "reason": "the quoted phrase does not occur"})
            continue
        twin, how = seen.twin(passage, text)
        if twin is not None:
            twin.alternates.append(passage.id)
            dropped.append({"passage_id": passage.id, "reason": f"{how} as {twin.passage.id}"})
            continue
        hit = found.hit(place, passage, text, document, score)
        seen.add(hit)
        hits.append(hit)
        if len(hits) == top_k:
            break
    return hits, dropped


class _Seen:
    """The hits so far, to tell when one comes that says the same: word for word after folding, or nearly so in another document."""

    def __init__(self) -> None:
        self._hits: list[tuple[Hit, tuple[str, ...]]] = []
        self._bare: dict[str, str] = {}

    def add(self, hit: Hit) -> None:
        self._hits.append((hit, _figures(hit.text)))

    def twin(self, passage: Passage, text: str) -> tuple[Hit | None, str]:
        """Return the hit that says the same, and how much the same."""
        digits = _figures(text)
        for hit, other_digits in self._hits:
            # Counting and folding are dear: only where the figures agree, then the length.
            if digits != other_digits:
                continue
            size, other_size = _size(text), _size(hit.text)
            if min(size, other_size) < _TWIN * max(size, other_size):
                continue
            mine, other = self._folded(passage.id, text), self._folded(hit.passage.id, hit.text)
            if mine == other:
                return hit, "same text"
            if hit.passage.document_id != passage.document_id and _alike(mine, other) >= _TWIN:
                return hit, "nearly the same text"
        return None, ""

    def _folded(self, name: str, text: str) -> str:
        if name not in self._bare:
            self._bare[name] = _NOT_ALNUM.sub("", fold(text))
        return self._bare[name]


@lru_cache(maxsize=2048)
def _figures(text: str) -> tuple[str, ...]:
    return tuple(sorted(_DIGITS.findall(text)))


@lru_cache(maxsize=2048)
def _size(text: str) -> int:
    return len(_NOT_ALNUM.sub("", text))


def _alike(first: str, second: str) -> float:
    """Return the share of pairs of neighbouring characters that two texts have in common (Jaccard)."""
    left, right = ({text[at : at + 2] for at in range(len(text) - 1)} for text in (first, second))
    return len(left & right) / max(len(left | right), 1)
