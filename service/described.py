"""The OpenAPI document: what every route has in common, its errors and its key, said in one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from service.shapes import OpenAIError, Problem

__all__ = ["Described", "EventStream", "Original", "Picture", "also", "gives", "streams"]

_SAFE = ("get", "head", "options")
# Not counted against any limit, see ``service.guard``.
_FREE = ("/healthz", "/readyz", "/metrics")
_OPENAI = ("/v1/chat", "/v1/models")
_MEANT = {
    400: "The Host header names no host of this service, or the body cannot be read.",
    401: "A valid key is needed.",
    403: "The service is read-only, or the request comes from another site.",
    404: "There is no such thing.",
    408: "The body took too long to arrive.",
    413: "The body or the file is too large.",
    422: "The request is not understood.",
    429: "Too many requests; `Retry-After` has the seconds to wait.",
    500: "Something went wrong on our side.",
    503: "The index or a part that is needed is down, or the service is stopping.",
}
_REF = "#/components/schemas/{model}"


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


class Original(FileResponse):
    """A document's bytes."""

    media_type = "application/octet-stream"


class Picture(Response):
    """A page's picture."""

    media_type = "image/webp"


# One event, as OpenAPI 3.2 describes a stream by its items; the data are JSON, or the mark that ends a stream of OpenAI's protocol.
_EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}


def streams() -> dict[int | str, dict[str, Any]]:
    """Return what a route answers that gives nothing but server-sent events."""
    return {200: {"content": {"text/event-stream": {"schema": _EVENT}}}}


def gives(model: Any, status: int = 200, *, stream: bool = False, job: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return what a route answers when all is well, as FastAPI takes it.

    Args:
        model: The record's.
        status: Its HTTP status.
        stream: It may be server-sent events as well.
        job: ``Location`` names where the work can be followed.
    """
    record: dict[str, Any] = {"model": model}
    record |= {"content": {"text/event-stream": {"schema": _EVENT}}} if stream else {}
    record |= {"headers": {"Location": {"schema": {"type": "string"}, "description": "Where the work can be followed."}}} if job else {}
    return {status: record}


def also(*statuses: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return further answers without a body."""
    return {status: {"description": meaning} for status, meaning in statuses}


class Described(FastAPI):
    """The application, with an OpenAPI document that says all of that.

    Attributes:
        locked: Whether a key is asked for.
    """

    locked = False

    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        if not self.openapi_schema:
            schema = super().openapi()
            _, shapes = models_json_schema([(Problem, "serialization"), (OpenAIError, "serialization")], ref_template=_REF)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(shapes["$defs"])
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            for path, item in schema["paths"].items():
                for method, operation in item.items():
                    self._describe(path, method, operation)
        return dict(self.openapi_schema or {})

    def _describe(self, path: str, method: str, operation: dict[str, Any]) -> None:
        if "security" in operation and not self.locked:
            operation["security"].insert(0, {})
        name, kind = ("OpenAIError", "application/json") if path.startswith(_OPENAI) else ("Problem", "application/problem+json")
        told = {kind: {"schema": {"$ref": _REF.format(model=name)}}}
        responses = operation["responses"]
        for status in _errors(path, method, operation):
            known = responses.get(str(status), {}) if status != 422 else {}
            # What a route says of itself stays beside it.
            responses[str(status)] = {"description": _MEANT[status]} | known | {"content": told | known.get("content", {})}
        for kind, given in responses.get("200", {}).get("content", {}).items():
            if kind in (Original.media_type, Picture.media_type):
                given["schema"]["format"] = "binary"


def _errors(path: str, method: str, operation: dict[str, Any]) -> Iterator[int]:
    yield from (400, 500, 503)
    if "security" in operation:
        yield 401
    if method not in _SAFE:
        yield 403
    if "requestBody" in operation:
        yield from (408, 413)
    if ("{" in path and "204" not in operation["responses"]) or path.startswith("/v1/chat"):
        yield 404
    if "422" in operation["responses"]:
        yield 422
    if path not in _FREE:
        yield 429
