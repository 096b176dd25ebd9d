"""An answer as events: ``start``, ``retrieval``, ``delta`` and ``citation``, then ``done``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ingest.kb import Language
from service.answer import extractive, prepare
from service.events import Event
from service.records import Answer, Turn
from service.retrieve import Filters

if TYPE_CHECKING:
    from service.state import State

__all__ = ["answer_events", "replay"]


def replay(answer: Answer) -> list[Event]:
    """Return a finished answer as the events between ``retrieval`` and ``done``; the joined deltas equal the answer."""
    events: list[Event] = []
    at = 0
    cited = {citation.id: citation for citation in answer.citations}
    ends = [*(segment.start for segment in answer.segments[1:]), len(answer.answer)] if answer.segments else [len(answer.answer)]
    for place, end in enumerate(ends):
        if answer.segments:
            for citation_id in answer.segments[place].citation_ids:
                if citation_id in cited:
                    events.append(("citation", asdict(cited.pop(citation_id))))
        events.append(("delta", {"text": answer.answer[at:end]}))
        at = end
    return events


async def answer_events(
    state: State,
    question: str,
    *,
    history: Sequence[Turn] = (),
    language: Language | None = None,
    top_k: int = 8,
    filters: Filters | None = None,
    explain: bool = False,
    generate: bool = True,
) -> AsyncIterator[Event]:
    """Yield the events of one answer; see ``service.answer.prepare`` for the arguments."""
    from service.routes_ask import count_answer

    yield "start", {"question": question}
    prepared = await state.in_thread(
        prepare, state.kb, question, history=history, language=language, top_k=top_k, filters=filters, explain=explain
    )
    found: dict[str, Any] = {
        "generation": prepared.retrieval.generation,
        "legs": prepared.retrieval.legs,
        "candidates": prepared.retrieval.candidates,
        "degraded": prepared.retrieval.degraded,
        "standalone_question": prepared.question.text,
        "language": prepared.question.language,
        "passages": [
            {"passage_id": hit.passage.id, "document_id": hit.document.id, "document_title": hit.document.title, "page": hit.passage.page if hit.document.paged else None}
            for hit in prepared.retrieval.hits
        ],
    }
    yield "retrieval", found
    answer = await state.in_thread(extractive, state.kb, prepared)
    for event in replay(answer):
        yield event
    state.remember(answer)
    count_answer(state, answer)
    yield "done", answer.as_json()
