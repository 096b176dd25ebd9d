"""An answer with the language model at the terminal: as the service makes it, what is going on told on standard error."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Unpack

from ingest.kb import Settings
from service.answer import AskOptions
from service.metrics import Metrics
from service.state import State
from service.streaming import answer_events

__all__ = ["answer_at_terminal"]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def answer_at_terminal(
    settings: Settings, question: str, *, write: Callable[[str], None] | None = None, **options: Unpack[AskOptions]
) -> dict[str, Any]:
    """Return the answer object; where the model fails or nothing it says is supported, the extractive one, which says so in its notes.

    Args:
        settings: With a language model.
        question: As asked.
        write: Takes the answer's text as it comes; a model on one's own machine takes its time.
        options: As ``service.answer.prepare`` takes them.

    Raises:
        KnowledgeBaseError: There is no knowledge base: asking makes none.
        SettingsError: The language model's settings cannot be used.
    """
    return asyncio.run(_answer(settings, question, write, options))


async def _answer(settings: Settings, question: str, write: Callable[[str], None] | None, options: AskOptions) -> dict[str, Any]:
    state = State(settings, Metrics(), create=False)
    record: dict[str, Any] = {}
    try:
        _tell("searching …")
        async with aclosing(answer_events(state, question, **options)) as events:
            async for name, data in events:
                if name == "retrieval":
                    _tell(f"{len(data['passages'])} passages found; if they hold an answer, {settings.llm.model} words it …")
                elif name == "delta" and write is not None:
                    write(data["text"])
                elif name == "done":
                    record = data
    finally:
        await state.close()
    return record
