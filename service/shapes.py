"""What the HTTP routes give, for the OpenAPI document: our own records where there are such, so that the two cannot part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ingest.kb import Document, Language
from service.records import Answer

__all__ = [
    "AnswerObject",
    "Completion",
    "DocumentDetails",
    "DocumentList",
    "DocumentRecord",
    "EvalRun",
    "EvalRunList",
    "FeedbackRecord",
    "Life",
    "ModelList",
    "ModelRecord",
    "OpenAIError",
    "PageRecord",
    "Problem",
    "Readiness",
    "SearchResult",
    "SuggestionList",
    "Version",
]

_Part = Literal["ok", "degraded", "down"]


@dataclass(slots=True, kw_only=True)
class AnswerObject(Answer):
    """The answer to a question, or its refusal."""

    object: Literal["answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord(Document):
    """A document; ``deduplicated`` stands with an upload whose bytes are here already."""

    object: Literal["document"]
    passages: int
    deduplicated: bool = False


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is known of a page beside its text."""

    page: int
    page_label: str | None
    characters: int
    ocr: bool
    warnings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDetails(DocumentRecord):
    """A document with its pages."""

    pages: list[PageFacts]


class _Shape(BaseModel):
    """A shape that may get further members."""

    model_config = ConfigDict(extra="allow")


class DocumentList(_Shape):
    """A page of the list of documents."""

    object: Literal["list"]
    data: list[DocumentRecord]
    has_more: bool
    total: int
    generation: str


class BlockRecord(_Shape):
    """A run of a page's text."""

    kind: str
    start: int
    end: int
    heading: list[str]


class PageRecord(_Shape):
    """A page's text and its blocks; character indices count code points from the start of the page."""

    object: Literal["page"]
    document_id: str
    document_title: str
    page: int
    page_label: str | None
    page_count: int
    text: str
    blocks: list[BlockRecord]
    converted: bool
    script: str | None
    ocr: bool
    warnings: list[str]


class PassageHit(_Shape):
    """A passage that was found."""

    passage_id: str
    document_id: str
    document_title: str
    file_name: str
    page: int | None
    page_label: str | None
    heading: list[str]
    language: Language
    text: str
    start_char_index: int
    end_char_index: int
    score: float
    scores: dict[str, Any]


class SearchResult(_Shape):
    """The passages that fit best, best first."""

    object: Literal["list"]
    data: list[PassageHit]
    generation: str
    language: Language
    legs: list[str]
    degraded: list[str]
    timings_ms: dict[str, float]


class FeedbackRecord(_Shape):
    """A vote that was kept."""

    object: Literal["feedback"]
    answer_id: str
    vote: Literal["up", "down"]
    created: str


class Suggestion(_Shape):
    """A question that some document answers."""

    question: str
    language: Language
    document_id: str


class SuggestionList(_Shape):
    """Questions to begin with."""

    object: Literal["list"]
    data: list[Suggestion]


class EvalRun(_Shape):
    """A measurement; once it is done also its summary and every question's result."""

    id: str
    object: Literal["eval_run"]
    state: Literal["queued", "running", "done", "failed"]
    questions: int | list[Any]
    done: int


class EvalRunList(_Shape):
    """The measurements, newest first."""

    object: Literal["list"]
    data: list[EvalRun]


class Life(_Shape):
    """The process lives."""

    status: Literal["ok"]


class Readiness(_Shape):
    """How each part is that is configured: ``catalogue``, ``lexical``, ``vector``, ``llm``."""

    status: _Part
    parts: dict[str, _Part]
    documents: int
    generation: str
    detail: str
    model: str


class Version(_Shape):
    """What is running."""

    name: str
    version: str
    embedding: str
    model: str
    read_only: bool


class ModelRecord(_Shape):
    """A model, as OpenAI describes one."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(_Shape):
    """Our models."""

    object: Literal["list"]
    data: list[ModelRecord]


class Completion(_Shape):
    """A chat completion; its message has ``annotations``, ``citations`` and ``status`` beside OpenAI's members."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]


class Fault(_Shape):
    """One field that is wrong."""

    field: str
    reason: str


class Problem(_Shape):
    """An error (RFC 9457): ``code`` is stable, ``detail`` says what is wrong, ``hint`` what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None
    request_id: str | None = None
    errors: list[Fault] | None = None


class OpenAIFault(_Shape):
    """What is wrong, as OpenAI says it."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(_Shape):
    """An error of the OpenAI routes."""

    error: OpenAIFault
