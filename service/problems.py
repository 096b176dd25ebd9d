"""Errors as RFC 9457 ``application/problem+json``; the OpenAI routes answer in OpenAI's shape."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ingest.kb import WenjuError
from service.textsafe import safe_text

__all__ = ["install", "problem", "respond", "sentence", "unexpected"]

_log = logging.getLogger("wenju.service")
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ENDS = (".", "!", "?", "…")
_RETRY = {429: "5", 503: "5", 409: "5"}


def problem(
    status: int, code: str, detail: str, *, hint: str = "", instance: str = "", headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return an error response.

    Args:
        status: HTTP status.
        code: Stable and machine-readable.
        detail: What, where, why.
        hint: What to do.
        instance: The request's id.
        headers: Further headers.
        more: Further members.
    """
    body = {"type": f"about:blank#{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": safe_text(detail)}
    body |= {"hint": hint} if hint else {}
    body |= {"request_id": instance} if instance else {}
    return JSONResponse(body | more, status, _waiting(status) | (headers or {}), "application/problem+json")


def _waiting(status: int) -> dict[str, str]:
    return {"Retry-After": _RETRY[status]} if status in _RETRY else {}


def respond(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    headers: dict[str, str] | None = None,
    param: str | None = None,
    **more: Any,
) -> JSONResponse:
    """Return an error response in the shape that the request's route has; see ``problem`` for the arguments.

    Args:
        request: What was asked.
        status: HTTP status.
        code: Stable and machine-readable.
        detail: What, where, why.
        hint: What to do.
        headers: Further headers.
        param: The part of the request that is wrong, for OpenAI's shape.
        more: Further members, for our own.
    """
    if request.scope["path"].startswith(("/v1/chat", "/v1/models")):
        kind = "invalid_request_error" if status < 500 else "server_error"
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, kind)
        error = {"message": safe_text(sentence(detail, hint)), "type": kind, "param": param, "code": code}
        return JSONResponse({"error": error}, status, _waiting(status) | (headers or {}))
    return problem(status, code, detail, hint=hint, instance=request.scope.get("wenju.request_id", ""), headers=headers, **more)


def sentence(detail: str, hint: str) -> str:
    """Return what is wrong and what to do about it in one string.

    >>> sentence("there is no model x", "Use wenju.")
    'there is no model x. Use wenju.'
    """
    return f"{detail}{'' if detail.endswith(_ENDS) else '.'} {hint}" if hint else detail


async def _wenju(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WenjuError)
    if error.status >= 500:
        _log.error("%s: %s", error.code, error.message)
    return respond(request, error.status, error.code, error.message, hint=error.hint, param=getattr(error, "param", None))


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"field": ".".join(map(str, item["loc"])), "reason": item["msg"].removeprefix("Value error, ")} for item in error.errors()[:20]
    ]
    broken = any(item["type"] == "json_invalid" for item in error.errors())
    detail = "the body is not valid JSON" if broken else "; ".join(f"{item['field']}: {item['reason']}" for item in faults[:5])
    code = "invalid_json" if broken else "invalid_request"
    param = None if broken else _param(error.errors()[0]["loc"])
    return respond(request, 422, code, detail, hint="See /docs for what the route takes.", param=param, errors=faults)


def _param(place: Sequence[int | str]) -> str | None:
    """Return the name of a place in a body as OpenAI writes it.

    >>> _param(("body", "messages", 0, "role")), _param(("body",))
    ('messages[0].role', None)
    """
    names = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[1:])
    return names.removeprefix(".") or None


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400 and isinstance(error.__cause__, UnicodeDecodeError | RecursionError):
        # FastAPI's word for JSON that is broken in a way the JSON parser has no word for.
        return respond(request, 422, "invalid_json", "the body is not valid JSON", hint="See /docs for what the route takes.")
    code = _CODES.get(error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"))
    detail = (
        str(error.detail)
        if error.detail != HTTPStatus(error.status_code).phrase
        else f"{request.method} {request.scope['path'][:200]}: {error.detail}"
    )
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    return respond(request, error.status_code, code, detail, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Return every method that some route takes at this path; the router itself names those of the first one alone."""
    path = {"type": "http", "path": request.scope["path"], "root_path": request.scope.get("root_path", ""), "headers": []}
    routes = request.app.router.routes
    found = [m for m in _METHODS if any(route.matches({**path, "method": m})[0] is Match.FULL for route in routes)]
    return ["GET", "HEAD", *found[1:]] if "GET" in found else found


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """Return the answer to an error that nobody foresaw; the log has what it was."""
    _log.error("unexpected %s", type(error).__name__, exc_info=error)
    return respond(request, 500, "internal", "something went wrong on our side", hint="The log has the details under the request's id.")


def install(app: FastAPI) -> None:
    """Add the handlers to an application."""
    app.add_exception_handler(WenjuError, _wenju)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, unexpected)
