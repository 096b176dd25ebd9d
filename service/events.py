"""Server-sent events: an answer as it comes into being."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

from ingest.kb import WenjuError
from service.textsafe import safe_text

__all__ = ["Event", "event_stream"]

_PING_S = 15.0
Event = tuple[str, dict[str, Any]]


def _frame(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {safe_text(json.dumps(data, ensure_ascii=False))}\n\n"


async def _frames(events: AsyncIterator[Event], stopping: asyncio.Event) -> AsyncIterator[str]:
    """Yield frames; a comment every 15 s keeps the line open; it always ends with ``done`` or ``error``."""
    source = aiter(events)
    halted = asyncio.ensure_future(stopping.wait())
    pending: asyncio.Future[Event] | None = None
    ended = False
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(source))
            waited: set[asyncio.Future[Any]] = {pending, halted}
            await asyncio.wait(waited, timeout=_PING_S, return_when=asyncio.FIRST_COMPLETED)
            if pending.done():
                try:
                    name, data = pending.result()
                except StopAsyncIteration:
                    break
                pending = None
                ended = name in ("done", "error")
                yield _frame(name, data)
            elif halted.done():
                yield _frame("error", {"code": "shutting_down", "message": "the service is stopping"})
                ended = True
                break
            else:
                yield ": ping\n\n"
    except WenjuError as error:
        ended = True
        yield _frame("error", {"code": error.code, "message": error.message, "hint": error.hint})
    except Exception as error:
        ended = True
        yield _frame("error", {"code": "internal", "message": type(error).__name__})
    finally:
        halted.cancel()
        if pending is not None and not pending.done():
            pending.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await pending
        with contextlib.suppress(Exception):
            await source.aclose()  # type: ignore[attr-defined]
    if not ended:
        yield _frame("error", {"code": "internal", "message": "the answer broke off"})


def event_stream(events: AsyncIterator[Event], stopping: asyncio.Event) -> StreamingResponse:
    """Return the response that streams events.

    Args:
        events: Name and data of each event; closed when the client leaves.
        stopping: Set when the service stops.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_frames(events, stopping), media_type="text/event-stream", headers=headers)
