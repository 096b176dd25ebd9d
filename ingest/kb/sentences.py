"""Sentence borders of Chinese and English text, as spans of the original."""

from __future__ import annotations

import re

__all__ = ["sentence_spans", "statement_spans"]

_CLOSERS = "」』”’\"')）】》〉]］"
# Full stops are looked at from the first of a run only, and without going back: a line of nothing else costs one look at each.
_END = re.compile(rf"[。！？!?｡]+[{re.escape(_CLOSERS)}]*|(?<!\.)\.++[{re.escape(_CLOSERS)}]*+(?=\s|$)|\n+")
# A full stop after one of these does not end a sentence.
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st vs etc e.g i.e cf al fig figs eq eqs sec no nos vol pp approx inc ltd co corp jr sr dept est u.s u.k u.n "
    "a.m p.m ph.d jan feb mar apr jun jul aug sep sept oct nov dec tab ref refs ch p".split()
)
_LAST_WORD = re.compile(r"([A-Za-z][A-Za-z.]*)$")


def _is_abbreviation(text: str, stop: int) -> bool:
    """Return whether the full stop at ``stop`` belongs to an abbreviation, an initial or a list number."""
    before = text[max(0, stop - 12) : stop]
    found = _LAST_WORD.search(before)
    if found:
        word = found.group(1).lower()
        return word in _ABBREVIATIONS or (len(word) == 1 and found.group(1).isupper())
    return bool(re.search(r"(?:^|\n)\s*\d{1,2}$", before))


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return the spans of the sentences in ``text[start:end]``.

    Borders are 。！？!? with closing quotes (semicolons and ellipses join the parts of one sentence), a full stop before a space
    (not after an abbreviation, an initial or a list number; decimals have no space), and line ends. Surrounding spaces are left out;
    the spans are ordered and do not overlap.
    """
    end = len(text) if end is None else end
    spans = []
    at = start
    position = start
    while position < end:
        found = _END.search(text, position, end)
        stop = found.end() if found else end
        if found and found.group()[0] == ".":
            follows = text[stop : min(stop + 2, end)].lstrip()[:1]
            if stop < end and (_is_abbreviation(text, found.start()) or (follows.islower() and found.group() != "...")):
                position = stop
                continue
        piece = text[at:stop]
        left = at + len(piece) - len(piece.lstrip())
        right = at + len(piece.rstrip())
        if right > left:
            spans.append((left, right))
        at = position = stop
    left, right = at + len(text[at:end]) - len(text[at:end].lstrip()), at + len(text[at:end].rstrip())
    if right > left:
        spans.append((left, right))
    return spans


def statement_spans(kind: str, text: str) -> list[tuple[int, int]]:
    """Return the spans of what can be cited of a passage: its sentences, or the rows of a table.

    Args:
        kind: Of the passage.
        text: Of the passage.
    """
    if kind != "table_row":
        return sentence_spans(text)
    spans, at = [], 0
    for line in text.split("\n"):
        if line.strip():
            spans.append((at, at + len(line)))
        at += len(line) + 1
    return spans
