"""What retrieval is asked for and what it gives: filters, hits, and how they were found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.kb import Document, Passage, PassageRef, fold

__all__ = ["Filters", "Hit", "Retrieval"]


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
        alternates: Passages that say the same, in other documents or scripts.
        fusion: The terms that make up the score: the rerank model's logit, what the dense leg adds to it, the passage's worth as a source.
        features: What the rerank model looked at, in its order; None for a hit that was made elsewhere.
        opening: First characters of the document.
        cosines: Of its sentences' vectors with the question's, shape (sentences,); None without them.
    """

    ref: PassageRef
    passage: Passage
    text: str
    document: Document
    score: float
    scores: dict[str, float] = field(default_factory=dict)
    alternates: list[str] = field(default_factory=list)
    fusion: dict[str, float] = field(default_factory=dict)
    features: NDArray[np.float64] | None = None
    opening: str = ""
    cosines: NDArray[np.float32] | None = None


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
    # How far the nearest passage of the dense leg stands out from its candidates' mean, in cosine.
    lead: float = 0.0
