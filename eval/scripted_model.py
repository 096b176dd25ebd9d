"""A model that needs no model, for measuring: an OpenAI-compatible server that reads out the passages it is shown, a token at a time.

``python -m eval.scripted_model PORT RATE SENTENCES`` serves on loopback until it is ended. Its sentences stand in the passages word for
word, so all of them are supported.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ingest.kb import sentence_spans

__all__ = ["PIECE", "make_app", "spoken"]

# Characters of one token, about as many as in English.
PIECE = 4
_PASSAGE = re.compile(r"^\[(\d+)\] .*\n", re.MULTILINE)
_LEAST = 20


def spoken(messages: list[dict[str, Any]], sentences: int) -> str:
    """Return the answer: one sentence of each of the first passages, with its number.

    Args:
        messages: Of the request.
        sentences: Most sentences.
    """
    parts = _PASSAGE.split(str(messages[-1]["content"]).rpartition("<<<")[0])
    out = []
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        found = [text[start:end] for start, end in sentence_spans(text) if end - start >= _LEAST]
        out += [f"{found[0]}[{number}]"] if found else []
    return " ".join(out[:sentences]) or "NO_ANSWER"


def make_app(rate: float, sentences: int) -> Starlette:
    """Return the server.

    Args:
        rate: Tokens a second.
        sentences: Most sentences of an answer.
    """

    async def completions(request: Request) -> Response:
        body = await request.json()
        text = spoken(body["messages"], sentences)
        if not body.get("stream"):
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return JSONResponse({"id": "x", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice]})
        return StreamingResponse(_chunks(text, rate), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])])


async def _chunks(text: str, rate: float) -> AsyncIterator[str]:
    began = time.monotonic()
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    for place, piece in enumerate(pieces, 1):
        # By the clock and not from piece to piece, so that being late once does not add up.
        await asyncio.sleep(max(0.0, began + place / rate - time.monotonic()))
        yield _chunk({"role": "assistant", "content": piece}, None)
    yield _chunk({}, "stop")
    yield "data: [DONE]\n\n"


def _chunk(delta: dict[str, str], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    record = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice]}
    return f"data: {json.dumps(record)}\n\n"


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(make_app(float(sys.argv[2]), int(sys.argv[3])), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
