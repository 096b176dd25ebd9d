"""The gate before every route: request ids, host and origin rules, size and rate limits, headers, the access log."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
import uuid
from collections import OrderedDict
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.kb import Settings
from service.metrics import Metrics
from service.problems import respond, unexpected
from service.state import KEY_NEEDED, shows_key
from service.telemetry import Span, span

__all__ = ["CSP", "Guard"]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
# Swagger UI sets inline styles and assigns markup.
_DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SAFE = {"GET", "HEAD", "OPTIONS"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_MAX_ADDRESSES = 10_000
# Of a length; Python refuses to read numbers of thousands of digits.
_DIGITS = 18
# Not counted against the rate: probes and the page's own files.
_FREE = ("/healthz", "/readyz", "/web/", "/metrics")

_log = logging.getLogger("wenju.access")


class _TooLarge(HTTPException):
    """The body goes over the limit while it is being read; FastAPI turns every other kind of error there into a 400."""


class _Bucket:
    """Token buckets by key or address; the least recently seen are forgotten."""

    def __init__(self, per_minute: int) -> None:
        self._rate = per_minute / 60
        self._size = max(1.0, per_minute / 6)
        self._level: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> float:
        """Take a token; return 0, or the seconds until there is one."""
        if self._rate <= 0:
            return 0.0
        now = time.monotonic()
        level, at = self._level.pop(who, (self._size, now))
        level = min(self._size, level + (now - at) * self._rate)
        granted = level >= 1
        self._level[who] = (level - 1 if granted else level, now)
        while len(self._level) > _MAX_ADDRESSES:
            self._level.popitem(last=False)
        return 0.0 if granted else (1 - level) / self._rate


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "OTHER"


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self.settings = settings.service
        self.metrics = metrics
        self._keys = {hashlib.sha256(key.get_secret_value().encode()).digest() for key in settings.api_keys}
        self._bucket = _Bucket(self.settings.rate_per_minute)
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with span(_method(scope)) as made:
            await self._answer(scope, receive, send, made)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, made: Span) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope["wenju.request_id"] = request_id
        started = time.perf_counter()
        seen: dict[str, Any] = {"status": 0}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                seen["seconds"] = time.perf_counter() - started
                self._headers(scope, message, request_id)
            await send(message)

        refusal = self._refusal(scope, headers)
        counted = not scope["path"].startswith(_FREE)
        try:
            if refusal is not None:
                await refusal(scope, receive, guarded)
                return
            self._active += counted
            self.metrics.in_flight.inc()
            try:
                await self.app(scope, self._counted(receive), guarded)
            except _TooLarge:
                if not seen["status"]:
                    await self._too_large(Request(scope))(scope, receive, guarded)
            except Exception as error:
                # Answered here: what lies outside of this gate would answer without our headers.
                if seen["status"]:
                    raise
                await (await unexpected(Request(scope), error))(scope, receive, guarded)
            finally:
                self._active -= counted
                self.metrics.in_flight.dec()
        finally:
            self._record(scope, seen, request_id, started, made)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> Any:
        """Return the response that turns a request away, None if it may pass."""
        path, method, request = scope["path"], scope["method"], Request(scope)
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._host_allowed(host):
            hint = "Add it to WENJU_SERVICE__ALLOWED_HOSTS."
            return respond(request, 400, "unknown_host", "the Host header names no host of this service", hint=hint)
        if method not in _SAFE and not self._same_site(headers, host):
            return respond(request, 403, "cross_site", "requests that change something are not taken from other sites")
        state = getattr(getattr(scope.get("app"), "state", None), "wenju", None)
        if state is not None and state.stopping.is_set() and not path.startswith("/healthz"):
            return respond(request, 503, "shutting_down", "the service is stopping", hint="Try again in a moment.")
        length = headers.get(b"content-length", b"")
        if length and (not length.isdigit() or len(length) > _DIGITS or int(length) > self.settings.max_body_bytes):
            return self._too_large(request)
        if path.startswith(_FREE):
            return None
        if self._active >= self.settings.max_concurrency:
            detail = f"{self._active} requests are being answered, the most is {self.settings.max_concurrency}"
            return respond(request, 429, "busy", detail, hint="Try again in a moment, or raise WENJU_SERVICE__MAX_CONCURRENCY.")
        wait = self._bucket.take(self._who(scope, headers))
        if wait:
            detail = f"too many requests from this key or address, {self.settings.rate_per_minute} a minute are taken"
            hint = "Wait as long as Retry-After says, or raise WENJU_SERVICE__RATE_PER_MINUTE."
            return respond(request, 429, "rate_limited", detail, hint=hint, headers={"Retry-After": str(int(wait) + 1)})
        # The routes ask for the key too; asked here, nobody without one makes us read a body.
        if method not in _SAFE and state is not None and not shows_key(state, scope):
            return respond(request, 401, "unauthorized", KEY_NEEDED, headers={"WWW-Authenticate": "Bearer"})
        return None

    def _who(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """Return whose tokens a request takes: its key's if that is one of ours, else its address's, so that no made-up key buys more."""
        digest = hashlib.sha256(headers.get(b"authorization", b"").partition(b" ")[2].strip()).digest()
        return digest.hex() if digest in self._keys else str((scope.get("client") or ("unknown", 0))[0])

    def _host_allowed(self, host: str) -> bool:
        name = re.sub(r":\d+$", "", host).lower()
        return "*" in self.settings.allowed_hosts or name in (allowed.lower() for allowed in self.settings.allowed_hosts)

    @staticmethod
    def _same_site(headers: dict[bytes, bytes], host: str) -> bool:
        """Datasette's rule: what the browser says of the site decides; without that, an Origin must be our own host."""
        site = headers.get(b"sec-fetch-site", b"").decode("latin-1")
        if site:
            return site in ("same-origin", "none")
        origin = headers.get(b"origin", b"").decode("latin-1")
        return not origin or re.sub(r"^https?://", "", origin) == host

    def _too_large(self, request: Request) -> Any:
        limit = self.settings.max_body_bytes
        hint = "Raise WENJU_SERVICE__MAX_BODY_BYTES."
        return respond(request, 413, "too_large", f"the body is larger than {limit:,} bytes", hint=hint)

    def _counted(self, receive: Receive) -> Receive:
        """Count a body's bytes while it is read, and give it so much time from now; what is received after its end may take any time."""
        total = 0
        until: float | None = time.monotonic() + self.settings.body_timeout_s

        async def counting() -> Message:
            nonlocal total, until
            try:
                async with asyncio.timeout(None if until is None else until - time.monotonic()):
                    message = await receive()
            except TimeoutError as error:
                detail = f"the body did not come to its end within {self.settings.body_timeout_s:g} s (WENJU_SERVICE__BODY_TIMEOUT_S)"
                # What is still on its way would be taken for the next request.
                raise HTTPException(408, detail, {"Connection": "close"}) from error
            if message["type"] != "http.request" or not message.get("more_body"):
                until = None
            if message["type"] == "http.request":
                total += len(message.get("body", b""))
                if total > self.settings.max_body_bytes:
                    raise _TooLarge(413, f"the body is larger than {self.settings.max_body_bytes:,} bytes")
            return message

        return counting

    @staticmethod
    def _headers(scope: Scope, message: Message, request_id: str) -> None:
        path = scope["path"]
        policy = _DOCS_CSP if path.startswith("/docs") else CSP
        present = {name.lower() for name, _ in message["headers"]}
        extra = [*_HEADERS, (b"x-request-id", request_id.encode()), (b"content-security-policy", policy.encode())]
        if b"cache-control" not in present:
            extra.append((b"cache-control", b"no-store"))
        message["headers"] = [*message["headers"], *(item for item in extra if item[0] not in present)]

    def _record(self, scope: Scope, seen: dict[str, Any], request_id: str, started: float, made: Span) -> None:
        route = getattr(scope.get("route"), "path", None) or ("static" if scope["path"].startswith("/web/") else "other")
        seconds = time.perf_counter() - started
        method = _method(scope)
        made.note(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": seen["status"],
                "wenju.request_id": request_id,
            },
            name=f"{method} {route}",
        )
        self.metrics.requests.labels(route, method, str(seen["status"])).inc()
        self.metrics.seconds.labels(route).observe(seen.get("seconds", seconds))
        facts = {"request_id": request_id, "method": method, "route": route, "status": seen["status"], "ms": round(seconds * 1000, 1)}
        _log.info("%s %s %s", method, route, seen["status"], extra={"facts": facts})
