"""What an answer is made of, as the HTTP contract names it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ingest.kb import Language

__all__ = ["Answer", "Citation", "Highlight", "Refusal", "Segment", "Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a chat."""

    role: Literal["user", "assistant", "system"]
    content: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A claim's evidence: a span of a stored page, found there letter by letter."""

    id: str
    index: int
    type: Literal["page_location", "char_location"]
    document_id: str
    document_title: str
    file_name: str
    document_sha256: str
    passage_id: str
    cited_text: str
    language: Language
    page: int | None
    page_end: int | None
    page_label: str | None
    heading: list[str]
    start_char_index: int
    end_char_index: int
    rects: list[dict[str, float]]
    url: str
    page_image_url: str | None
    verification: Literal["exact", "normalized"]
    score: float
    ocr: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the answer with its evidence; offsets count code points of the answer."""

    start: int
    end: int
    text: str
    citation_ids: list[str]


@dataclass(frozen=True, slots=True)
class Highlight:
    """The asked figure, date, name or phrase inside the answer."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer, and what came nearest."""

    code: Literal["no_evidence", "low_confidence", "empty_corpus"]
    message: str
    nearest: list[Citation]


@dataclass(slots=True)
class Answer:
    """The answer object of ``POST /v1/ask``."""

    id: str
    created: int
    model: str
    llm_generated: bool
    status: Literal["answered", "partial", "refused"]
    refusal: Refusal | None
    question: str
    standalone_question: str
    language: Language
    answer: str
    segments: list[Segment]
    highlights: list[Highlight]
    citations: list[Citation]
    retrieval: dict[str, Any]
    timings_ms: dict[str, float]
    confidence: float = 0.0
    notes: list[dict[str, Any]] = field(default_factory=list)
    verification: dict[str, int] = field(default_factory=dict)
    explain: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the object as the contract writes it."""
        record = asdict(self)
        if record["explain"] is None:
            del record["explain"]
        return {"id": record.pop("id"), "object": "answer", **record}
