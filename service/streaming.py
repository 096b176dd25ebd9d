"""An answer as events: ``start``, ``retrieval``, ``delta`` and ``citation``, then ``done``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from fastapi import Request

from ingest.kb import Language
from service.answer import AskOptions, Prepared, extractive, may_answer, prepare
from service.events import Event
from service.question import spoken_language
from service.records import Answer, Turn
from service.telemetry import span

if TYPE_CHECKING:
    from service.llm import Model
    from service.state import State

__all__ = ["LEFT", "answer_events", "replay", "while_there"]

T = TypeVar("T")
# What is answered to a client who has left: nobody reads it, but the log should say so (nginx's status for it).
LEFT = 499


async def while_there(request: Request, answer: Coroutine[Any, Any, T]) -> T | None:
    """Return an answer that is not streamed; None if the client left before it was ready, which stops the work on it.

    Args:
        request: Its body has been read.
        answer: Cancelled when the client leaves.
    """
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        return await work if work.done() else None
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def replay(answer: Answer) -> list[Event]:
    """Return a finished answer as the events between ``retrieval`` and ``done``; the joined deltas equal the answer."""
    events: list[Event] = []
    at = 0
    cited = {citation.id: citation for citation in answer.citations}
    ends = [*(segment.start for segment in answer.segments[1:]), len(answer.answer)] if answer.segments else [len(answer.answer)]
    for place, end in enumerate(ends):
        if answer.segments:
            new = [cited.pop(citation_id) for citation_id in answer.segments[place].citation_ids if citation_id in cited]
            events += [("citation", asdict(citation)) for citation in new]
        events.append(("delta", {"text": answer.answer[at:end]}))
        at = end
    return events


async def answer_events(state: State, question: str, *, generate: bool = True, **options: Unpack[AskOptions]) -> AsyncGenerator[Event]:
    """Yield the events of one answer.

    Args:
        state: Of the service.
        question: As asked.
        generate: Whether the configured language model may write the answer.
        options: As ``service.answer.prepare`` takes them.
    """
    state.note_question(question)
    yield "start", {"question": question}
    model = state.model if generate else None
    alone, translation = "", ""
    if model is not None:
        history = options.get("history", ())
        spoken = options.get("language") or spoken_language(question, history, state.kb.analyser, options.get("fallback"))
        alone, translation = await _prompted(state, model, question, history, spoken)
    with span("retrieval") as made:
        prepared = await state.in_thread(prepare, state.kb, question, alone=alone or None, translation=translation, **options)
        made.note({"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.top_k": options.get("top_k", 0)})
    yield "retrieval", _found(prepared)
    record: dict[str, Any] = {}
    if model is not None and may_answer(state.kb, prepared):
        from service.generate import generated_events

        async with aclosing(generated_events(state.kb, prepared, model, state.metrics)) as events:
            async for name, data in events:
                if name == "done":
                    record = data
                else:
                    yield name, data
    else:
        answer = await state.in_thread(extractive, state.kb, prepared)
        for event in replay(answer):
            yield event
        record = answer.as_json()
    state.remember(record)
    state.metrics.count_answer(record)
    yield "done", record


async def _prompted(state: State, model: Model, question: str, history: Sequence[Turn], spoken: Language) -> tuple[str, str]:
    """Return the question made to stand alone and its translation, each empty where the model is not needed or fails."""
    from service.llm import LlmError
    from service.prompting import condense, translate

    alone = translation = ""
    with suppress(LlmError):
        if any(turn.role == "user" for turn in history):
            alone = await condense(model, [(t.role, t.content) for t in history if t.role != "system"], question, spoken)
        if state.settings.llm.translate:
            translation = await translate(model, alone or question, spoken)
    return alone, translation


def _found(prepared: Prepared) -> dict[str, Any]:
    retrieval = prepared.retrieval
    return {
        "generation": retrieval.generation,
        "legs": retrieval.legs,
        "candidates": retrieval.candidates,
        "degraded": retrieval.degraded,
        "standalone_question": prepared.question.text,
        "language": prepared.question.language,
        "passages": [
            {
                "passage_id": hit.passage.id,
                "document_id": hit.document.id,
                "document_title": hit.document.title,
                "page": hit.passage.page if hit.document.paged else None,
                "text": hit.text[:300],
            }
            for hit in retrieval.hits
        ],
    }
