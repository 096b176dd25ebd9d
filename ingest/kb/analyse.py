"""The one analyser: the same terms for passages and questions.

Fields (first character of a term):

* ``w`` words: Chinese words (rjieba, search mode) and stems of Latin words
* ``b`` Chinese character bigrams
* ``u`` Chinese characters
* ``n`` figures, shares and dates by value
* ``c`` concepts of the lexicon, which have no language
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from ingest.kb.folding import FOLD_VERSION, fold
from ingest.kb.lexicon import ConceptMatch, Lexicon
from ingest.kb.numbers import Quantity, find_quantities
from ingest.kb.tokens import Token, stem, tokenise

__all__ = ["ANALYSER_VERSION", "FIELDS", "STOP_WORDS", "Analyser", "Analysis"]

ANALYSER_VERSION = f"6.{FOLD_VERSION}"
FIELDS = "wbunc"

# Words that only hold a sentence together; they are indexed nowhere.
STOP_WORDS = frozenset(
    "a an and are as at be been by did do does for from had has have he her his in into is it its of on or our s she so such "
    "than that the their them then there these they this to was we were which will with would you your i about also can could "
    "what when where who whom whose why how if not no but".split()
)
# What stands after a name: m3, r1, 4o, v2.
_VERSION = re.compile(r"[a-z]\d+|\d+[a-z]")
# Latin question words stay out of the word index as well, the answer type carries them.
_HAN_STOP = frozenset("的 了 是 在 和 与 及 或 而 也 都 就 被 把 对 从 到 于 之 其 这 那 个 为 以 有 所 等 吗 呢 吧 啊 中 上 下".split())


@dataclass(slots=True)
class Analysis:
    """What one text holds.

    Attributes:
        folded: The folded text; all offsets are those of the original too.
        tokens: Runs of letters and of Chinese characters.
        words: (word or stem, start, end) in order; stop words left out.
        quantities: Figures, shares and dates.
        concepts: Concepts, nested ones included.
    """

    folded: str
    tokens: list[Token]
    words: list[tuple[str, int, int]]
    quantities: list[Quantity]
    concepts: list[ConceptMatch]
    _terms: Counter[str] | None = field(default=None, repr=False, compare=False)
    _keys: frozenset[str] | None = field(default=None, repr=False, compare=False)

    def terms(self) -> Counter[str]:
        """Return the index terms with their counts; the first character of a term is its field. It is kept: do not change it."""
        if self._terms is None:
            self._terms = self._counted()
        return self._terms

    def keys(self) -> frozenset[str]:
        """Return the index terms without their counts; kept too."""
        if self._keys is None:
            self._keys = frozenset(self.terms())
        return self._keys

    def _counted(self) -> Counter[str]:
        out = ["w" + word for word, _, _ in self.words]
        for token in self.tokens:
            if token.kind == "han":
                text = token.text
                out += ["u" + char for char in text]
                out += ["b" + text[i : i + 2] for i in range(len(text) - 1)]
        for quantity in self.quantities:
            out += ["n" + term for term in quantity.terms]
        out += ["c" + match.concept.key for match in self.concepts if match.concept.kind not in ("question", "unit")]
        return Counter(out)


@cache
def _segmenter() -> Any:
    import rjieba

    return rjieba


class Analyser:
    """Analyses texts with one lexicon.

    Args:
        lexicon: The concepts to find.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    @property
    def version(self) -> str:
        """What must be equal between an index and its questions."""
        return f"{ANALYSER_VERSION}/{self.lexicon.version}"

    def analyse(self, text: str) -> Analysis:
        """Return the analysis of a text in any language and script."""
        folded = fold(text)
        tokens = tokenise(folded)
        words: list[tuple[str, int, int]] = []
        for token in tokens:
            if token.kind == "han":
                words.extend(_han_words(token))
            elif token.text not in STOP_WORDS:
                words.append((stem(token.text), token.start, token.end))
        words.extend(_compounds(folded, tokens))
        return Analysis(folded, tokens, words, find_quantities(folded), self.lexicon.find(folded, text, tokens))


def _han_words(token: Token) -> list[tuple[str, int, int]]:
    """Return a run's words: whole words, and inside long ones the shorter words that the dictionary knows."""
    out = []
    at = token.start
    for word in _segmenter().cut(token.text):
        if word not in _HAN_STOP:
            out.append((word, at, at + len(word)))
            if len(word) > 2:
                out.extend((part, at + start, at + end) for part, start, end in _inner_words(word))
        at += len(word)
    return out


@cache
def _inner_words(word: str) -> tuple[tuple[str, int, int], ...]:
    found = []
    for part in _segmenter().cut_for_search(word):
        start = word.find(part)
        if part != word and start >= 0:
            found.append((part, start, start + len(part)))
    return tuple(found)


def _compounds(folded: str, tokens: list[Token]) -> list[tuple[str, int, int]]:
    """Return hyphenated and dotted names as one word too (gpt-4o → gpt4o), and such names written apart (bge m3 → bgem3)."""
    out = []
    for left, right in pairwise(tokens):
        if not (left.kind == right.kind == "word" and right.start - left.end == 1):
            continue
        letters, between = left.text + right.text, folded[left.end]
        joined = between in "-." and any(c.isalpha() for c in letters) and any(c.isdigit() for c in letters)
        apart = between == " " and left.text.isalpha() and len(left.text) > 1 and len(right.text) < 5 and _VERSION.fullmatch(right.text)
        if joined or apart:
            out.append((letters, left.start, right.end))
    return out
