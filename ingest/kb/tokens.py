"""Cutting folded text into tokens, and the canonical form in which lexicon terms are matched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

__all__ = ["Canonical", "Token", "canonical", "is_han", "is_han_run", "stem", "tokenise"]

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007\U00020000-\U0003ffff"
_ALNUM = r"0-9a-z\u00df-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u052f"
_TOKEN = re.compile(rf"(?P<han>[{HAN}]+)|(?P<word>[{_ALNUM}]+)")
_HAN_CHAR = re.compile(rf"[{HAN}]")
_HAN_RUN = re.compile(rf"[{HAN}]+")


class Token(NamedTuple):
    """A run of one kind: ``han`` runs are not yet cut into words; ``word`` is a run of Latin, Greek or Cyrillic letters and digits."""

    kind: str
    text: str
    start: int
    end: int


def is_han(char: str) -> bool:
    """Return whether a character is a Chinese ideograph, those beyond the Basic Multilingual Plane included."""
    return bool(_HAN_CHAR.match(char))


def is_han_run(text: str) -> bool:
    """Return whether a text is Chinese ideographs and nothing else: it is its own canonical form."""
    return bool(_HAN_RUN.fullmatch(text))


def tokenise(folded: str) -> list[Token]:
    """Return the runs of a folded text, in order; all else (punctuation, space) is left out."""
    # Not by Token(…): most of an analysis' time went into calls like that.
    return list(map(_token, ((found.lastgroup, found.group(), *found.span()) for found in _TOKEN.finditer(folded))))


_token: Any = partial(tuple.__new__, Token)


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


@cache
def stem(word: str) -> str:
    """Return the Porter2 stem of a lower-case Latin word; words with digits stay as they are."""
    if not word.isalpha():
        return word
    stemmed: str = _stemmer().stemWord(word)
    return stemmed


@dataclass(frozen=True, slots=True)
class Canonical:
    """A text as lexicon terms are matched in it.

    Han characters stand as they are; each Latin word is its stem between two spaces, so that no term can begin or end inside a word;
    everything else is a newline when it separates (punctuation) and nothing when it is a space, hyphen or apostrophe.

    Attributes:
        text: The canonical form.
        starts: For each of its characters, the offset in the folded text where that character's run begins.
        ends: For each of its characters, the offset one past that run.
    """

    text: str
    starts: list[int]
    ends: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the folded text for a span of the canonical form."""
        return self.starts[start], self.ends[end - 1]


_SOFT = frozenset(" \t\n\r-'·・_")


def canonical(folded: str, tokens: Sequence[Token] | None = None) -> Canonical:
    """Return the canonical form of a folded text.

    Args:
        folded: The text.
        tokens: Of ``tokenise``, if they are at hand.
    """
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for kind, text, start, end in tokenise(folded) if tokens is None else tokens:
        if start > at and not _SOFT.issuperset(folded[at:start]):
            parts.append("\n")
            starts.append(at)
            ends.append(start)
        if kind == "han":
            parts.append(text)
            starts.extend(range(start, end))
            ends.extend(range(start + 1, end + 1))
        elif not (text == "s" and start and folded[start - 1] == "'"):
            word = f" {stem(text)} "
            parts.append(word)
            starts.extend([start] * len(word))
            ends.extend([end] * len(word))
        at = end
    return Canonical("".join(parts), starts, ends)
