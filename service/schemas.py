"""What the HTTP routes take."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ingest.kb import Language
from service.records import Turn
from service.requests import MAX_QUESTION
from service.retrieve import Filters

__all__ = ["AskRequest", "FeedbackRequest", "FilterFields", "HistoryTurn", "SearchRequest"]

_Date = Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FilterFields(_Body):
    """Which passages may be used."""

    document_ids: list[_Short] | None = Field(None, max_length=500)
    languages: list[Language] | None = Field(None, max_length=3)
    tags: list[_Short] | None = Field(None, max_length=100)
    date_from: _Date | None = None
    date_to: _Date | None = None

    def filters(self) -> Filters:
        """Return them as the retriever takes them."""
        return Filters(
            tuple(self.document_ids or ()), tuple(self.languages or ()), tuple(self.tags or ()), self.date_from or "", self.date_to or ""
        )


class HistoryTurn(_Body):
    """One earlier message."""

    role: Literal["user", "assistant", "system"]
    content: str = Field(max_length=20_000)

    def turn(self) -> Turn:
        """Return it as the answerer takes it."""
        return Turn(self.role, self.content)


class AskRequest(_Body):
    """A question."""

    question: str = Field(max_length=MAX_QUESTION)
    history: list[HistoryTurn] = Field(default_factory=list, max_length=20)
    language: Literal["auto", "zh-Hant", "zh-Hans", "en"] = "auto"
    top_k: int = Field(8, ge=1, le=50)
    filters: FilterFields | None = None
    stream: bool = False
    explain: bool = False
    model: Literal["auto", "extractive"] = "auto"


class SearchRequest(_Body):
    """A search."""

    query: str = Field(max_length=MAX_QUESTION)
    top_k: int = Field(10, ge=1, le=100)
    filters: FilterFields | None = None
    explain: bool = False


class FeedbackRequest(_Body):
    """A vote on an answer."""

    answer_id: Annotated[str, StringConstraints(pattern=r"^ans_[0-9a-f]{32}$")]
    vote: Literal["up", "down"]
    reason: str | None = Field(None, max_length=200)
    comment: str | None = Field(None, max_length=4_000)
