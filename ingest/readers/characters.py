"""The characters of a page: what a reader cannot see or what a font broke is put right, everything else stays as written."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = ["clean", "clean_character", "garbage_score", "is_cjk"]

# Invisible on the page: soft hyphen, zero-width and bidirectional controls, byte order mark, tags, variation selectors.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff]"
)
# Folded by NFKC: ligatures, Kangxi and CJK radicals, compatibility ideographs, mathematical letters.
_COMPATIBILITY = re.compile("[\u2e80-\u2fdf\uf900-\ufaff\ufb00-\ufb06\U0001d400-\U0001d7ff\U0002f800-\U0002fa1f]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPACES = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_SCRIPTS = ("LATIN", "CJK", "GREEK", "CYRILLIC", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH", "KANGXI")
_OTHERS = ("MODIFIER", "COMBINING", "IDEOGRAPHIC", "SUPERSCRIPT", "SUBSCRIPT", "MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER")


def is_cjk(char: str) -> bool:
    """Return whether a character is set without spaces: Han, kana, CJK and full-width punctuation."""
    return (
        "\u2e80" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" or "\uff00" <= char <= "\uffef" or "\U00020000" <= char <= "\U0003ffff"
    )


def clean_character(char: str) -> str:
    """Return what stands for one character: nothing, a space, itself, or its compatibility form."""
    if " " <= char <= "~" or "\u3000" < char <= "\u9fff":
        return char
    if _INVISIBLE.match(char):
        return ""
    if _COMPATIBILITY.match(char):
        return unicodedata.normalize("NFKC", char)
    if char != "\n" and (_CONTROL.match(char) or _SPACES.match(char) or "\ud800" <= char <= "\udfff"):
        return " "
    return char


def clean(text: str) -> str:
    """Return a text with ``clean_character`` applied to each character; line ends become newlines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _INVISIBLE.sub("", text)
    text = _COMPATIBILITY.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    return re.sub("[\ud800-\udfff]", " ", _SPACES.sub(" ", _CONTROL.sub(" ", text)))


@cache
def _strange(char: str) -> bool:
    category = unicodedata.category(char)
    if category in ("Cn", "Co", "Cs", "Cc") or char == "\ufffd":
        return char not in "\n\r\t"
    if ord(char) < 0x250 or category[0] not in "LM":
        return False
    return not unicodedata.name(char, "").startswith(_SCRIPTS + _OTHERS)


def garbage_score(text: str) -> float:
    """Return the share (0 to 1) of characters that no report in Chinese or English holds: unassigned, private, of another script.

    Good pages score 0.00 to 0.01, pages whose font has no character map 0.05 to 0.5.
    """
    seen = [char for char in text if not char.isspace()]
    return sum(map(_strange, seen)) / len(seen) if seen else 0.0
