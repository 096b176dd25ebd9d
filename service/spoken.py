"""What a language model says, cut into sentences as it comes; its marks of citation and of layout."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from ingest.kb import Language, detect_script, to_script

__all__ = ["NO_ANSWER", "numbers", "sentences", "split", "tidy", "unmarked"]

NO_ANSWER = "NO_ANSWER"
_MARKS = re.compile(r"\s*(?:\[\s*\d+(?:\s*[,，、;]\s*\d+)*\s*\]|［\d+］|【\d+】)+")
_NUMBER = re.compile(r"\d+")
# A sentence ends at its stop, with closing quotes and the marks that follow; a stop without a space after it is no end in English.
_END = re.compile(r"(?:[。！？!?]+[」』”’\"')）]*|\.[\"'”’)]*(?=\s|\[|$)|\n)(?:\s*\[\s*\d+(?:\s*[,，、;]\s*\d+)*\s*\])*[。.]?")
_MAX_TEXT = 12_000


def numbers(sentence: str) -> list[int]:
    """Return the numbers that a sentence cites, in order."""
    return [int(n) for marks in _MARKS.findall(sentence) for n in _NUMBER.findall(marks)]


def unmarked(sentence: str, language: Language) -> str:
    """Return a sentence without its marks of citation, tidied."""
    return tidy(_MARKS.sub("", sentence), language)


def tidy(text: str, language: Language) -> str:
    """Return a sentence without list marks and emphasis, in the asker's script."""
    text = re.sub(r"^\s*(?:[-*•]|\d+[.)、])\s+", "", " ".join(text.split()))
    text = re.sub(r"\*\*|__|`", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\s+([。，、；：！？.,;:!?])", r"\1", text).strip()
    found = detect_script(text)
    return to_script(text, language) if language != "en" and found not in (None, language) else text


def split(buffer: str, *, final: bool) -> tuple[list[str], str]:
    """Return the whole sentences at the head of a buffer and the rest.

    A sentence is whole when something follows it: marks may still come after its stop.
    """
    out: list[str] = []
    at = 0
    for match in _END.finditer(buffer):
        if match.end() <= at:
            continue
        rest = buffer[match.end() :]
        if not final and (not rest.strip() or rest.lstrip().startswith("[")):
            break
        out.append(buffer[at : match.end()])
        at = match.end()
    if final and buffer[at:].strip():
        out.append(buffer[at:])
        at = len(buffer)
    return out, buffer[at:]


async def sentences(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield the sentences of a stream as soon as each is whole."""
    buffer, total = "", 0
    async for piece in pieces:
        buffer += piece
        total += len(piece)
        ready, buffer = split(buffer, final=False)
        for sentence in ready:
            yield sentence
        if total > _MAX_TEXT:
            break
    for sentence in split(buffer, final=True)[0]:
        yield sentence
