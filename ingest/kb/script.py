"""Scripts: which one a text is in, and prose turned into the reader's.

Conversion by phrase (``s2twp``, ``tw2sp``) changes lengths and words; it is for Wenju's own prose and for reading aids, never for
quotations and never for search keys.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from ingest.kb.model import Language
from ingest.kb.phrases import KEPT
from ingest.kb.tokens import is_han

__all__ = ["convert_prose", "detect_language", "detect_script", "to_script"]

_CONFIGS = {
    ("zh-Hans", "zh-Hant"): "s2twp",
    ("zh-Hans", "zh-TW"): "s2twp",
    ("zh-Hans", "zh-HK"): "s2hkp",
    ("zh-Hant", "zh-Hans"): "tw2sp",
}
_SAMPLE = 20_000


@cache
def _converter(config: str) -> Any:
    import opencc

    return opencc.OpenCC(config)


def _convert(config: str, text: str) -> str:
    # The regional configurations stop at a NUL without a word.
    converted: str = _converter(config).convert(text.replace("\x00", " "))
    return converted


def _by_phrase(config: str, text: str) -> str:
    """Return a text converted by phrase, but for the phrases that are no computing terms in reports."""
    if config not in KEPT:
        return _convert(config, text)
    pattern, plain, exceptions = KEPT[config]
    parts, at = [], 0
    for found in pattern.finditer(text):
        kept = _convert(plain, found.group())
        parts += [_convert(config, text[at : found.start()]), exceptions.get(kept, kept)]
        at = found.end()
    return "".join([*parts, _convert(config, text[at:])])


@cache
def _common_in_both(char: str) -> bool:
    """Return whether a simplified character is also a common traditional one (占, 台, 里, 后): Big5's first level holds it."""
    return b"\xa4" <= char.encode("big5", "ignore")[:1] <= b"\xc6"


def detect_script(text: str) -> Literal["zh-Hant", "zh-Hans"] | None:
    """Return the Chinese script of a text, None if no character of it tells (大模型 is both).

    Characters that exist only in one script are counted: those that ``t2s`` changes against those that ``s2t`` changes.
    """
    sample = text[:_SAMPLE].replace("\x00", " ")
    traditional = sum(1 for a, b in zip(sample, _convert("t2s", sample), strict=False) if a != b)
    simplified = sum(1 for a, b in zip(sample, _convert("s2t", sample), strict=False) if a != b and not _common_in_both(a))
    if traditional == simplified:
        return None
    return "zh-Hant" if traditional > simplified else "zh-Hans"


def detect_language(text: str) -> Language:
    """Return the language of a text; Chinese that shows no script counts as Simplified."""
    sample = text[:_SAMPLE]
    han = sum(1 for char in sample if is_han(char))
    latin = sum(1 for char in sample if char.isascii() and char.isalpha())
    if han * 6 < latin or not han:
        return "en"
    return detect_script(sample) or "zh-Hans"


def convert_prose(text: str, to: str) -> str:
    """Return Chinese prose in another script, by phrase.

    Args:
        text: In either script.
        to: ``zh-Hans``, ``zh-Hant``, ``zh-TW`` or ``zh-HK``.
    """
    found = detect_script(text)
    if found == "zh-Hant" and to == "zh-HK":
        return _convert("t2hk", text)
    if found == to or (found == "zh-Hant" and to != "zh-Hans") or (found is None and to == "zh-Hans"):
        return text
    return _by_phrase(_CONFIGS[found or "zh-Hans", to], text)


def to_script(text: str, language: Language) -> str:
    """Return prose in the script of a language; English stays as it is."""
    return text if language == "en" else convert_prose(text, language)
