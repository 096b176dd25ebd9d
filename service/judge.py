"""An optional second opinion on a sentence that the rules find supported: the language model itself, or a model of entailment."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module

from ingest.kb import Language, SettingsError
from service.llm import LlmError, Message, Model
from service.prompting import prompt

__all__ = ["Judge", "make_judge"]

# Takes a sentence, the passages it cites and the language of the answer; None where the judge could not say.
Judge = Callable[[str, Sequence[str], Language], Awaitable[bool | None]]


def make_judge(model: Model) -> Judge | None:
    """Return the judge that ``llm.judge`` names, None if it names none.

    Args:
        model: The configured language model.

    Raises:
        SettingsError: It cannot be imported.
    """
    name = model.settings.judge
    if not name:
        return None
    return _asked(model) if name == "llm" else _entailed(name, model.settings.judge_threshold)


def _asked(model: Model) -> Judge:
    """Return the judge that asks the language model, in one word; an answer that is neither yes nor no says nothing."""

    async def judge(sentence: str, passages: Sequence[str], language: Language) -> bool | None:
        fence = f"<<<{secrets.token_hex(8)}>>>"
        system = Message("system", prompt("judge", language).replace("{fence}", fence))
        try:
            said = await model.complete([system, Message("user", f"{fence}\n{chr(10).join(passages)}\n{fence}\n\n{sentence}")])
        except LlmError:
            return None
        return {"YES": True, "NO": False}.get(said.strip(" .。\n").upper()[:3].strip(" .,。，"))

    return judge


def _entailed(name: str, threshold: float) -> Judge:
    """Return the judge that asks a function of (premise, hypothesis) for the probability of entailment, 0 to 1."""
    module, _, attribute = name.partition(":")
    try:
        function: Callable[[str, str], float] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"llm.judge names {name}, which cannot be imported", hint="Write llm or module:function.") from error

    def best(sentence: str, passages: Sequence[str]) -> bool:
        return max((float(function(passage, sentence)) for passage in passages), default=0.0) >= threshold

    async def judge(sentence: str, passages: Sequence[str], language: Language) -> bool | None:
        try:
            return await asyncio.to_thread(best, sentence, passages)
        except Exception:
            # Somebody else's model: whatever it raises, the answer must not end here.
            return None

    return judge
