"""Counting what a language model reads and writes for an answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar
from typing import Any

from ingest.kb import Settings
from ingest.kb.tokens import is_han
from service.llm import Breaker, Message, Model

__all__ = ["CountingModel", "about_tokens", "counted"]

_Counter = dict[str, Any]
# Each answer is made in a context of its own, so that answers side by side do not count for each other.
_current: ContextVar[_Counter | None] = ContextVar("usage", default=None)


def about_tokens(text: str) -> int:
    """Return about how many tokens a text has: one for a Chinese character, one for four others.

    Endpoints tell the true number only at the end of a stream, and not all of them do.
    """
    han = sum(1 for char in text if is_han(char))
    return han + (len(text) - han + 3) // 4


def counted() -> _Counter:
    """Begin to count in this context; return what grows."""
    counter: _Counter = {"prompt_tokens": 0, "completion_tokens": 0, "calls": 0, "estimated": True}
    _current.set(counter)
    return counter


class CountingModel(Model):
    """A language model that counts what passes through it."""

    def __init__(self, settings: Settings, breaker: Breaker) -> None:
        super().__init__(settings, breaker)

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str]:
        """Yield the completion's text as it comes, and count it."""
        counter = _current.get()
        if counter is not None:
            counter["calls"] += 1
            counter["prompt_tokens"] += sum(about_tokens(message.content) + 4 for message in messages)
        said = ""
        try:
            async for piece in super().stream(messages):
                said += piece
                yield piece
        finally:
            if counter is not None:
                counter["completion_tokens"] += about_tokens(said)
