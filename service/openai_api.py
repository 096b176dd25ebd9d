"""``POST /v1/chat/completions`` and ``GET /v1/models`` for clients that speak OpenAI's protocol."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ingest.kb import WenjuError
from service.answering import answer_question
from service.described import gives
from service.records import Turn
from service.requests import InvalidRequest, check_question
from service.schemas import NullIsNotGiven, nullable
from service.shapes import Completion, ModelList, ModelRecord
from service.state import State, require_key, state_of
from service.streaming import LEFT, answer_events, while_there
from service.textsafe import safe_text

__all__ = ["router"]

router = APIRouter(prefix="/v1", dependencies=[Depends(require_key)], tags=["openai"])
_MODELS = ("wenju", "wenju-extractive")
_TURNS = 20


class ChatPart(BaseModel):
    """One part of a message's content; only text is read."""

    model_config = ConfigDict(extra="allow")
    type: str = "text"
    text: str = ""


class ChatMessage(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="allow")
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ChatPart] | None = None

    def text(self) -> str:
        """Return the content's text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream should hold."""

    model_config = ConfigDict(extra="allow")
    include_usage: bool = False


class ChatRequest(NullIsNotGiven):
    """A completion as OpenAI's clients ask for it; what does not concern citations is accepted and left alone."""

    model_config = ConfigDict(extra="allow", json_schema_extra=nullable)
    model: str = "wenju"
    messages: list[ChatMessage] = Field(min_length=1, max_length=200)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int = 1


class _NoModel(InvalidRequest):
    """A model that is not ours."""

    code = "model_not_found"
    status = 404


def _read(body: ChatRequest) -> tuple[str, list[Turn], bool]:
    """Return the question, the turns before it, and whether a language model may write the answer."""
    if body.model not in _MODELS:
        raise _NoModel(f"there is no model {body.model[:80]}", hint=f"Use {' or '.join(_MODELS)}.", param="model")
    if body.n != 1:
        raise InvalidRequest("n must be 1", hint="Ask several times for several answers.", param="n")
    asked = [place for place, message in enumerate(body.messages) if message.role == "user"]
    if not asked:
        raise InvalidRequest("there is no message of the user", hint="Add a message with role user.", param="messages")
    try:
        question = check_question(body.messages[asked[-1]].text())
    except InvalidRequest as error:
        error.param = f"messages[{asked[-1]}].content"
        raise
    # System messages are taken note of by nobody: what is shown is decided by the evidence.
    turns = [Turn(m.role, m.text()[:20_000]) for m in body.messages[: asked[-1]] if m.role in ("user", "assistant")]
    return question, turns[-_TURNS:], body.model == "wenju"


def _tokens(text: str) -> int:
    wide = sum(char > "\u2e7f" for char in text)
    return wide + (len(text) - wide + 3) // 4


def _usage(body: ChatRequest, text: str) -> dict[str, int]:
    prompt = sum(_tokens(message.text()) + 4 for message in body.messages)
    return {"prompt_tokens": prompt, "completion_tokens": _tokens(text), "total_tokens": prompt + _tokens(text)}


def _extras(answer: Mapping[str, Any], base: str) -> dict[str, Any]:
    """Return what a message carries beside its text: OpenAI's annotations and our own objects."""
    segments = {name: segment for segment in reversed(answer["segments"]) for name in segment["citation_ids"]}
    annotations = []
    for citation in answer["citations"]:
        segment = segments.get(citation["id"], {"start": 0, "end": 0})
        link = {
            "start_index": segment["start"],
            "end_index": segment["end"],
            "title": citation["document_title"],
            "url": base + citation["url"],
        }
        annotations.append({"type": "url_citation", "url_citation": link})
    return {"annotations": annotations, "citations": answer["citations"], "status": answer["status"], "refusal_details": answer["refusal"]}


def _completion(body: ChatRequest, answer: Mapping[str, Any], base: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer["answer"], "refusal": None, **_extras(answer, base)}
    return {
        "id": f"chatcmpl-{answer['id'].removeprefix('ans_')}",
        "object": "chat.completion",
        "created": answer["created"],
        "model": body.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _usage(body, answer["answer"]),
        "system_fingerprint": answer["retrieval"]["generation"],
    }


async def _chunks(state: State, body: ChatRequest, question: str, turns: list[Turn], generate: bool, base: str) -> AsyncIterator[str]:
    ident, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        record = {"id": ident, "object": "chat.completion.chunk", "created": created, "model": body.model, "choices": [choice], **more}
        return f"data: {safe_text(json.dumps(record, ensure_ascii=False))}\n\n"

    text = ""
    try:
        yield chunk({"role": "assistant", "content": ""})
        async with aclosing(answer_events(state, question, history=turns, generate=generate)) as events:
            async for name, data in events:
                if state.stopping.is_set():
                    yield _stream_error("shutting_down", "the service is stopping")
                    return
                if name == "delta":
                    text += data["text"]
                    yield chunk({"content": data["text"]})
                elif name == "done":
                    yield chunk(_extras(data, base), "stop")
        if body.stream_options and body.stream_options.include_usage:
            record = {"id": ident, "object": "chat.completion.chunk", "created": created, "model": body.model, "choices": []}
            yield f"data: {json.dumps(record | {'usage': _usage(body, text)})}\n\n"
        yield "data: [DONE]\n\n"
    except WenjuError as error:
        yield _stream_error(error.code, error.message)
    except Exception:
        yield _stream_error("internal", "something went wrong on our side")


def _stream_error(code: str, message: str) -> str:
    return f"data: {json.dumps({'error': {'message': message, 'type': 'server_error', 'param': None, 'code': code}})}\n\n"


@router.get("/models", response_model=None, responses=gives(ModelList))
async def models(request: Request) -> Response:
    """List our models."""
    data = [{"id": name, "object": "model", "created": 1_760_000_000, "owned_by": "wenju"} for name in _MODELS]
    return JSONResponse({"object": "list", "data": data})


@router.get("/models/{name}", response_model=None, responses=gives(ModelRecord))
async def model(name: str, request: Request) -> Response:
    """Return one of our models."""
    if name not in _MODELS:
        raise _NoModel(f"there is no model {name[:80]}", hint=f"Use {' or '.join(_MODELS)}.", param="model")
    return JSONResponse({"id": name, "object": "model", "created": 1_760_000_000, "owned_by": "wenju"})


@router.post("/chat/completions", response_model=None, responses=gives(Completion, stream=True))
async def chat(body: ChatRequest, request: Request) -> Response:
    """Answer the last message of the user with citations, in OpenAI's shape, streaming or not."""
    state = state_of(request)
    question, turns, generate = _read(body)
    base = str(request.base_url).rstrip("/")
    if body.stream:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_chunks(state, body, question, turns, generate, base), media_type="text/event-stream", headers=headers)
    answer = await while_there(request, answer_question(state, question, history=turns, generate=generate))
    if answer is None:
        return Response(status_code=LEFT)
    return JSONResponse(_completion(body, answer, base))
