"""Tokens of a unigram language model (Kudo 2018, *Subword Regularization*): the pieces whose logarithms of probability add up to most.

The pieces and their order are those of the ``tokenizers`` library for the same vocabulary, which the tests compare. That library keeps a
hash map for each node of its trie, 260 MB for the quarter of a million pieces of XLM-RoBERTa; here they are one dictionary of 40 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["Unigram"]

_SPACE = "▁"
# What is unknown is this much less likely than the least likely piece (the constant of sentencepiece).
_PENALTY = 10.0
_WORDS_KEPT, _WORD_KEPT = 4096, 24


class Unigram:
    """A vocabulary, by which texts are cut.

    Args:
        pieces: In the order of their numbers; ``▁`` stands for the space before a word.
        scores: The logarithm of each one's probability.
        unknown: The number of the piece that stands for what no piece covers.
    """

    def __init__(self, pieces: Sequence[str], scores: Sequence[float], unknown: int) -> None:
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self._scores = array("d", scores)
        self._unknown = unknown
        self._unknown_score = min(self._scores) - _PENALTY
        # No piece that begins with a character is longer than this.
        self._longest: dict[str, int] = {}
        for piece in pieces:
            if piece and len(piece) > self._longest.get(piece[0], 1):
                self._longest[piece[0]] = len(piece)
        self._short = lru_cache(_WORDS_KEPT)(self._best)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text's pieces. Neighbours that are unknown are one."""
        numbers: list[int] = []
        if not text:
            return numbers
        for word in text.replace(" ", _SPACE).removeprefix(_SPACE).split(_SPACE):
            numbers += self._short(_SPACE + word) if len(word) < _WORD_KEPT else self._best(_SPACE + word)
        return numbers

    def _best(self, word: str) -> tuple[int, ...]:
        """Return the best pieces of a word (Viterbi 1967), of two as good the one found first."""
        numbers, scores, longest = self._numbers, self._scores, self._longest
        size = len(word)
        best = [float("-inf")] * (size + 1)
        best[0] = 0.0
        begins, pieces = [0] * (size + 1), [self._unknown] * (size + 1)
        for begin, char in enumerate(word):
            so_far = best[begin]
            for end in range(begin + 1, min(size, begin + longest.get(char, 1)) + 1):
                number = numbers.get(word[begin:end])
                if number is not None and so_far + scores[number] > best[end]:
                    best[end], begins[end], pieces[end] = so_far + scores[number], begin, number
            if char not in numbers and so_far + self._unknown_score > best[begin + 1]:
                best[begin + 1], begins[begin + 1], pieces[begin + 1] = so_far + self._unknown_score, begin, self._unknown
        found: list[int] = []
        end = size
        while end > 0:
            if not (found and found[-1] == pieces[end] == self._unknown):
                found.append(pieces[end])
            end = begins[end]
        return tuple(reversed(found))
