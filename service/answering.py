"""The one way to an answer: extractive, or generated where a language model is configured."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Unpack

from ingest.kb import KnowledgeBase
from service.answer import AskOptions, extractive, prepare
from service.records import Answer

if TYPE_CHECKING:
    from service.state import State

__all__ = ["answer_now", "answer_question"]


def answer_now(kb: KnowledgeBase, question: str, **options: Unpack[AskOptions]) -> Answer:
    """Return the extractive answer to a question."""
    return extractive(kb, prepare(kb, question, **options))


async def answer_question(state: State, question: str, *, generate: bool = True, **options: Unpack[AskOptions]) -> dict[str, Any]:
    """Return the answer object to a question asked of the service: that of the last event of ``answer_events``."""
    # Events bring the web framework with them, which the command line, the other caller of this module, has no need to import.
    from service.streaming import answer_events

    async with aclosing(answer_events(state, question, generate=generate, **options)) as events:
        async for name, data in events:
            if name == "done":
                return data
    raise RuntimeError("an answer's events ended without `done`")
