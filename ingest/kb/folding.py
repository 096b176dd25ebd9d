"""Folding: the form of a text that is searched, never shown.

``fold`` keeps the length, so offset i of the folded text is offset i of the original: citations are cut and highlighted by offset.
"""

from __future__ import annotations

import unicodedata
from functools import cache

__all__ = ["FOLD_VERSION", "fold", "fold_script"]

FOLD_VERSION = "2"

# Blocks where NFKC or lower-casing maps one character to one other; the rest of Unicode stays as it is.
_RANGES = ((0x41, 0x3400), (0xF900, 0xFB00), (0xFE30, 0x10000), (0x2F800, 0x2FA20))
# Signs that writers use for one another; NFKC leaves them apart.
_SIGNS = {"’": "'", "‘": "'", "‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-", "\u3000": " ", "\u00a0": " ", "\u202f": " ", "\u2009": " "}


@cache
def _table() -> dict[int, str]:
    table: dict[int, str] = {}
    for first, last in _RANGES:
        for code in range(first, last):
            char = chr(code)
            folded = unicodedata.normalize("NFKC", char)
            folded = folded.lower() if len(folded) == 1 else char.lower()
            if len(folded) == 1 and folded != char:
                table[code] = folded
    table.update({ord(sign): plain for sign, plain in _SIGNS.items()})
    table[0] = " "  # OpenCC's regional configurations stop at a NUL.
    return table


@cache
def _opencc() -> object:
    import opencc

    return opencc.OpenCC("t2s")


def fold_script(text: str) -> str:
    """Return the text with Traditional characters replaced by Simplified ones, at the same length.

    Plain ``t2s`` is used rather than ``tw2sp``, which also swaps vocabulary and with it the length.

    >>> fold_script("資料庫 RAG")
    '资料库 RAG'
    """
    folded: str = _opencc().convert(text)  # type: ignore[attr-defined]
    if len(folded) == len(text):
        return folded
    return "".join(c if len(c) == 1 else o for o, c in ((o, _opencc().convert(o)) for o in text))  # type: ignore[attr-defined]


def fold(text: str) -> str:
    """Return the search form of a text: half width, lower case, Simplified, of the same length.

    >>> fold("ＡＩ 資料庫")
    'ai 资料库'
    """
    if text.isascii():
        return text.lower().replace("\x00", " ")
    return fold_script(text.translate(_table()))
