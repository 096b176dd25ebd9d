"""The one way to an answer: extractive, or generated where a language model is configured."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ingest.kb import KnowledgeBase, Language
from service.answer import extractive, prepare
from service.records import Answer, Turn
from service.retrieve import Filters

if TYPE_CHECKING:
    from service.state import State

__all__ = ["answer_now", "answer_question"]


def answer_now(
    kb: KnowledgeBase,
    question: str,
    *,
    history: Sequence[Turn] = (),
    language: Language | None = None,
    top_k: int = 8,
    filters: Filters | None = None,
    explain: bool = False,
) -> Answer:
    """Return the extractive answer to a question; see ``service.answer.prepare`` for the arguments."""
    prepared = prepare(kb, question, history=history, language=language, top_k=top_k, filters=filters, explain=explain)
    return extractive(kb, prepared)


async def answer_question(
    state: State,
    question: str,
    *,
    history: Sequence[Turn] = (),
    language: Language | None = None,
    top_k: int = 8,
    filters: Filters | None = None,
    explain: bool = False,
    generate: bool = True,
) -> dict[str, Any]:
    """Return the answer object to a question asked of the service: that of the last event of ``answer_events``."""
    from service.streaming import answer_events

    options = {"history": history, "language": language, "top_k": top_k, "filters": filters, "explain": explain, "generate": generate}
    async with aclosing(answer_events(state, question, **options)) as events:  # type: ignore[arg-type]
        async for name, data in events:
            if name == "done":
                return data
    raise RuntimeError("an answer's events ended without `done`")
