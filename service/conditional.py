"""``HEAD`` for every ``GET`` route, and ``304`` for what the client has already (RFC 9110 §9.3.2, §13.1.2)."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Conditional", "knows"]

# What a 304 repeats of the 200 that it stands for.
_KEPT = (b"cache-control", b"content-location", b"date", b"etag", b"expires", b"vary")


def knows(sent: str, tag: str) -> bool:
    """Return whether an ``If-None-Match`` names a tag; compared weakly, as that header asks for.

    >>> knows('"a", W/"b"', '"b"'), knows("*", '"b"'), knows('"a"', '"b"')
    (True, True, False)
    """
    every = [part.strip().removeprefix("W/") for part in sent.split(",")]
    return sent.strip() == "*" or tag.removeprefix("W/") in every


class Conditional:
    """ASGI middleware: such a request is answered as a ``GET`` up to its headers, and its work ends there.

    Args:
        app: The application; what it mounts under ``/mcp`` is left alone, a ``GET`` there is a stream that is held open.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        head = scope["type"] == "http" and scope["method"] == "HEAD"
        known = ", ".join(Headers(scope=scope).getlist("if-none-match")) if head or scope.get("method") == "GET" else ""
        if not (head or known) or scope["path"].startswith("/mcp"):
            await self._app(scope, receive, send)
            return
        # A copy: the server must go on seeing the method that was sent.
        inner = {**scope, "method": "GET"}
        bare = asyncio.Event()

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                tag = Headers(raw=message["headers"]).get("etag")
                if known and tag is not None and message["status"] in (200, 206) and knows(known, tag):
                    kept = [item for item in message["headers"] if item[0].lower() in _KEPT]
                    message = {**message, "status": 304, "headers": kept}
                await send(message)
                if head or message["status"] == 304:
                    bare.set()
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif not bare.is_set():
                await send(message)

        answer = asyncio.ensure_future(self._app(inner, receive, headed))
        enough = asyncio.ensure_future(bare.wait())
        try:
            await asyncio.wait({answer, enough}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                await answer
        finally:
            # The access log wants to know it.
            if "route" in inner:
                scope["route"] = inner["route"]
            enough.cancel()
            if not answer.done():
                answer.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await answer
