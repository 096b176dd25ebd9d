"""What the HTTP routes take."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ingest.kb import Language
from service.records import Turn
from service.requests import MAX_QUESTION
from service.retrieve import Filters

__all__ = ["AskRequest", "FeedbackRequest", "FilterFields", "HistoryTurn", "NullIsNotGiven", "SearchRequest", "nullable"]


def _is_a_date(text: str) -> str:
    """Return a date that the calendar has; year, month and day, or the first of them.

    Raises:
        ValueError: It has none such.
    """
    dt.date.fromisoformat(f"{text}-01-01"[:10])
    return text


def nullable(schema: dict[str, Any]) -> None:
    """Say in a model's schema that what may be left out may be null as well."""
    for name, field in schema.get("properties", {}).items():
        if name not in schema.get("required", ()) and {"type": "null"} not in field.get("anyOf", ()):
            outer = {key: field.pop(key) for key in ("title", "default", "description") if key in field}
            schema["properties"][name] = {"anyOf": [field, {"type": "null"}], **outer}


_Date = Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$"), AfterValidator(_is_a_date)]
# Declared only: what is empty is turned away in words of our own, with all that looks empty.
_SAID: dict[str, Any] = {"minLength": 1}
_Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NullIsNotGiven(BaseModel):
    """A body in which null stands for what is left out: many clients write out all that they leave open."""

    @model_validator(mode="before")
    @classmethod
    def _left_out(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        open_ = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: value for name, value in data.items() if value is not None or name not in open_}


class _Body(NullIsNotGiven):
    model_config = ConfigDict(extra="forbid", json_schema_extra=nullable)


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

    question: str = Field(max_length=MAX_QUESTION, json_schema_extra=_SAID)
    history: list[HistoryTurn] = Field(default_factory=list, max_length=20)
    language: Literal["auto", "zh-Hant", "zh-Hans", "en"] = "auto"
    top_k: int = Field(8, ge=1, le=50)
    filters: FilterFields | None = None
    stream: bool = False
    explain: bool = False
    model: Literal["auto", "extractive"] = "auto"


class SearchRequest(_Body):
    """A search."""

    query: str = Field(max_length=MAX_QUESTION, json_schema_extra=_SAID)
    top_k: int = Field(10, ge=1, le=100)
    filters: FilterFields | None = None
    explain: bool = False


class FeedbackRequest(_Body):
    """A vote on an answer."""

    answer_id: Annotated[str, StringConstraints(pattern=r"^ans_[0-9a-f]{32}$")]
    vote: Literal["up", "down"]
    reason: str | None = Field(None, max_length=200)
    comment: str | None = Field(None, max_length=4_000)
