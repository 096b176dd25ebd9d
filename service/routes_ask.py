"""``POST /v1/ask``, ``/v1/search``, ``/v1/feedback``, ``GET /v1/suggestions``."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from service.answering import answer_question
from service.described import gives
from service.events import Event, event_stream
from service.requests import check_question, reader_script
from service.schemas import AskRequest, FeedbackRequest, SearchRequest
from service.searching import search
from service.shapes import AnswerObject, FeedbackRecord, SearchResult, SuggestionList
from service.state import require_key, state_of
from service.streaming import LEFT, answer_events, while_there

__all__ = ["router"]

router = APIRouter(prefix="/v1", dependencies=[Depends(require_key)], tags=["ask"])


def _options(body: AskRequest, request: Request) -> dict[str, Any]:
    return {
        "history": [turn.turn() for turn in body.history],
        "language": None if body.language == "auto" else body.language,
        "fallback": reader_script(request.headers.get("accept-language")),
        "top_k": body.top_k,
        "filters": body.filters.filters() if body.filters else None,
        "explain": body.explain,
        "generate": body.model == "auto",
    }


@router.post("/ask", response_model=None, responses=gives(AnswerObject, stream=True))
async def ask(body: AskRequest, request: Request) -> Response:
    """Answer a question with citations, or refuse; with ``stream`` as server-sent events."""
    state = state_of(request)
    question = check_question(body.question)
    if body.stream:

        async def events() -> AsyncIterator[Event]:
            async for name, data in answer_events(state, question, **_options(body, request)):
                yield name, data

        return event_stream(events(), state.stopping)
    answer = await while_there(request, answer_question(state, question, **_options(body, request)))
    return JSONResponse(answer) if answer is not None else Response(status_code=LEFT)


@router.post("/search", response_model=None, responses=gives(SearchResult))
async def search_route(body: SearchRequest, request: Request) -> Response:
    """List the passages that fit a query best."""
    state = state_of(request)
    query = check_question(body.query)
    state.note_question(query)
    filters = body.filters.filters() if body.filters else None
    return JSONResponse(await state.in_thread(search, state.kb, query, top_k=body.top_k, filters=filters, explain=body.explain))


@router.post("/feedback", status_code=201, response_model=None, responses=gives(FeedbackRecord, 201))
async def feedback(body: FeedbackRequest, request: Request) -> Response:
    """Keep a vote on an answer as a candidate eval case."""
    state = state_of(request)
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    record = body.model_dump() | {"answer": state.recent.get(body.answer_id)}
    await state.in_thread(state.kb.catalogue.put_feedback, created, record)
    state.metrics.feedback.labels(body.vote).inc()
    return JSONResponse({"object": "feedback", "answer_id": body.answer_id, "vote": body.vote, "created": created}, 201)


@router.delete("/feedback/{answer_id}", status_code=204, response_model=None)
async def take_back(answer_id: Annotated[str, Path(pattern=r"^ans_[0-9a-f]{32}$")], request: Request) -> Response:
    """Forget the votes on an answer; whoever has its id may, as whoever has it may vote."""
    state = state_of(request)
    await state.in_thread(state.kb.catalogue.drop_feedback, answer_id)
    return Response(status_code=204)


@router.get("/suggestions", response_model=None, responses=gives(SuggestionList))
async def suggestions(request: Request, limit: int = 6, document_id: Annotated[list[str] | None, Query(max_length=20)] = None) -> Response:
    """Return questions that the corpus can answer, for an empty page; with ``document_id`` those that these documents answer."""
    state = state_of(request)
    most = max(1, min(limit, 20))
    if document_id:
        found = await state.in_thread(state.suggestions.about, document_id, most)
    else:
        found = await state.in_thread(state.suggestions.first, most)
    return JSONResponse({"object": "list", "data": found})
