"""What the language model is shown: prompts per language, passages fenced as data, within a budget of tokens."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from ingest.kb import Language, to_script
from service.answer import Prepared
from service.llm import Message, Model
from service.retrieve import Hit
from service.spoken import NO_ANSWER

__all__ = ["answer_messages", "condense", "prompt", "repair_messages", "translate"]


@cache
def prompt(name: str, language: Language) -> str:
    """Return a prompt of ``service/prompts``."""
    return files("service").joinpath("prompts", f"{name}.{language}.txt").read_text("utf-8").strip()


def _tokens(text: str) -> int:
    """Return about how many tokens a text has: one for a Chinese character, one for four others."""
    chinese = sum("\u2e80" <= char <= "\uffef" for char in text)
    return chinese + (len(text) - chinese) // 4 + 1


def _shown(text: str) -> str:
    """Return a passage as the model sees it: what looks like one of our marks is no mark, nor what looks like a fence."""
    return re.sub(r"\[(\d+)\]", r"［\1］", text).replace("<<<", "‹‹‹").replace(">>>", "›››")


def _passages(hits: Sequence[Hit], budget: int) -> tuple[str, list[Hit]]:
    """Return the fenced passages' text and those that fit the budget of tokens."""
    lines: list[str] = []
    kept: list[Hit] = []
    for hit in hits:
        place = f"p. {hit.passage.page}" if hit.document.paged else ""
        head = " · ".join(part for part in (hit.document.title, hit.document.date or "", place, *hit.passage.heading[-1:]) if part)
        header = f"\n{hit.passage.header}" if hit.passage.header else ""
        block = f"[{len(kept) + 1}] {_shown(head)}{_shown(header)}\n{_shown(hit.text)}\n"
        if kept and budget < _tokens(block):
            break
        budget -= _tokens(block)
        lines.append(block)
        kept.append(hit)
    return "\n".join(lines), kept


def answer_messages(prepared: Prepared, budget: int) -> tuple[list[Message], list[Hit]]:
    """Return the messages that ask for an answer, and the passages numbered in them.

    The fence is drawn anew for every request, so that no document can close it.
    """
    language = prepared.question.language
    fence = f"<<<{secrets.token_hex(8)}>>>"
    text, kept = _passages(prepared.retrieval.hits, budget)
    system = prompt("answer", language).replace("{fence}", fence)
    asked = {"en": "Question", "zh-Hant": "問題", "zh-Hans": "问题"}[language]
    user = f"{fence}\n{text}{fence}\n\n{asked}: {prepared.question.text}"
    return [Message("system", system), Message("user", user)], kept


def repair_messages(messages: Sequence[Message], said: str, withheld: Sequence[str], language: Language) -> list[Message]:
    """Return the messages that ask once for the withheld sentences anew."""
    wanted = "\n".join(f"- {sentence}" for sentence in withheld)
    return [*messages, Message("assistant", said), Message("user", f"{prompt('repair', language)}\n\n{wanted}")]


async def condense(model: Model, turns: Sequence[tuple[str, str]], question: str, language: Language) -> str:
    """Return a chat's last question made to stand alone by the model.

    Args:
        model: The configured model.
        turns: Role and content of earlier turns, oldest first.
        question: As asked.
        language: Of the question.

    Raises:
        LlmError: The model failed; rules then do it.
    """
    lines = "\n".join(f"{role}: {content[:600]}" for role, content in turns[-8:])
    messages = [Message("system", prompt("condense", language)), Message("user", f"{lines}\nuser: {question}")]
    text = " ".join((await model.complete(messages)).split()).strip('"「」“” ')
    if not text or NO_ANSWER in text or len(text) > 4 * len(question) + 200:
        return question
    return to_script(text, language) if language != "en" else text


async def translate(model: Model, question: str, language: Language) -> str:
    """Return a question in the other language, for a further leg of retrieval; empty if the model says nothing of use.

    Raises:
        LlmError: The model failed.
    """
    messages = [Message("system", prompt("translate", language)), Message("user", question)]
    text = " ".join((await model.complete(messages)).split())
    return text if 0 < len(text) < 1_000 else ""
