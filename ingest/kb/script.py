"""Scripts: which one a text is in, and prose turned into the reader's.

Conversion by phrase (``s2twp``, ``tw2sp``) changes lengths and words; it is for Wenju's own prose and for reading aids, never for
quotations and never for search keys.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Literal

from ingest.kb.model import Language
from ingest.kb.phrases import BOTH, PAIRS, WORDINGS
from ingest.kb.tokens import is_han

__all__ = ["convert_prose", "detect_language", "detect_script", "to_script"]

_CONFIGS = {
    ("zh-Hans", "zh-Hant"): "s2twp",
    ("zh-Hans", "zh-TW"): "s2twp",
    ("zh-Hans", "zh-HK"): "s2hkp",
    ("zh-Hant", "zh-Hans"): "tw2sp",
}
_SAMPLE = 20_000
_LONG = 4  # characters


@cache
def _converter(config: str) -> Any:
    import opencc

    return opencc.OpenCC(config)


def _convert(config: str, text: str) -> str:
    # The regional configurations stop at a NUL without a word.
    converted: str = _converter(config).convert(text.replace("\x00", " "))
    return converted


@cache
def _words(config: str) -> tuple[dict[str, str], re.Pattern[str]]:
    """Return what the words of a configuration by phrase become, and a pattern that finds the longest of them at each place."""
    wording, words = WORDINGS[config], {}
    if wording.both == "forth":
        words = {word: _convert(config, word) for word in BOTH} | {old: _convert(wording.plain, new) for old, new in PAIRS.items()}
    elif wording.both == "back":
        words = {_convert("s2twp", word): word for word in BOTH} | {_convert("s2tw", new): old for old, new in PAIRS.items()}
    words |= {word: _convert(config, word) for word in wording.taken}
    words |= {word: _convert(wording.plain, word) for word in wording.kept}
    words |= {old: _convert(wording.plain, new) for old, new in wording.own.items()}
    for pair, written in wording.written.items():
        words |= {word: "".join(pair[1] if char == pair[0] else _convert(wording.plain, char) for char in word) for word in written}
    endings: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        endings.setdefault(word[0], []).append(re.escape(word[1:]))
    return words, re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in endings.items()))


def _cut(simplified: str) -> list[str]:
    import rjieba

    words: list[str] = rjieba.cut(simplified, False)
    return words


def _borders(words: list[str]) -> tuple[list[int], list[int]]:
    """Return for each place of a text the start and the end of the word that it is in."""
    starts: list[int] = []
    ends: list[int] = []
    for word in words:
        at = len(starts)
        starts += [at] * len(word)
        ends += [at + len(word)] * len(word)
    return starts, ends


@lru_cache(maxsize=20_000)
def _alone(config: str, text: str) -> str:
    return _convert(config, text)


def _by_character(config: str, words: list[str]) -> str:
    """Return words in traditional characters, and none by a phrase of OpenCC's that lies across two of them: 对冲 in 应对|冲突."""
    text = "".join(words)
    converted = list(_convert(config, text))
    if len(converted) != len(text):
        return "".join(converted)
    end = 0
    for place, word in enumerate(words):
        start, end = end, end + len(word)
        if len(word) == 1 or (alone := _alone(config, word)) == "".join(converted[start:end]):
            continue
        # A phrase of whole words may know better (巡回|法庭): it needs more than the next character of the word beside.
        whole = "".join(converted[start:end])
        beside = [near if len(near) > 1 else "" for near in (words[place - 1] if place else "", *words[place + 1 : place + 2])]
        before = beside[0] and _alone(config, beside[0][-1] + word[:-1])[1:]
        after = beside[-1] and len(beside) > 1 and _alone(config, word[1:] + beside[1][0])[:-1]
        if (before == whole[:-1] != alone[:-1]) or (after == whole[1:] != alone[1:]):
            converted[start:end] = alone
    return "".join(converted)


def _stands_alone(start: int, end: int, starts: list[int], ends: list[int]) -> bool:
    """Return whether a find is words, or begins or ends one: 多工 in 許多|工作 does not, nor 内存 in 国内|存款, nor 子音 in 电子音乐.

    Longer finds are not met by chance, and of them the dictionary does not know enough.
    """
    if end - start != 2:
        return True
    within = starts[start] == starts[end - 1]
    begins, ends_there = starts[start] == start, ends[end - 1] == end
    return (begins and ends_there) or (within and (begins or ends_there or ends[start] - starts[start] > _LONG))


def _by_phrase(config: str, text: str) -> str:
    """Return a text converted by character, and its words of the other wording by phrase."""
    plain = WORDINGS[config].plain
    words, pattern = _words(config)
    if config == "tw2sp":
        converted = _convert(plain, text)
        cut = _cut(converted)
    else:
        cut = _cut(text)
        converted = _by_character(plain, cut)
    found = pattern.search(text)
    if found is None:
        return converted
    starts, ends = _borders(cut)
    parts, done = [], 0
    while found is not None:
        start, end = found.span()
        if _stands_alone(start, end, starts, ends):
            parts += [converted[done:start], words[found.group()]]
            done = end
        else:
            end = start + 1
        found = pattern.search(text, end)
    return "".join([*parts, converted[done:]])


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


def convert_prose(text: str, to: str, *, of: Literal["zh-Hant", "zh-Hans"] | None = None) -> str:
    """Return Chinese prose in another script, by phrase.

    Args:
        text: In either script.
        to: ``zh-Hans``, ``zh-Hant``, ``zh-TW`` or ``zh-HK``.
        of: The script of what the text is a part of, for a text whose own characters do not tell (人工智慧, 参考文獻).
    """
    found = detect_script(text) or of
    if found == "zh-Hant" and to == "zh-HK":
        return _convert("t2hk", text)
    if found is None and to == "zh-Hans":
        # 参考文獻 is as much of the one script as of the other.
        return _convert("t2s", text)
    if found == to or (found == "zh-Hant" and to != "zh-Hans"):
        return text
    return _by_phrase(_CONFIGS[found or "zh-Hans", to], text)


def to_script(text: str, language: Language) -> str:
    """Return prose in the script of a language; English stays as it is."""
    return text if language == "en" else convert_prose(text, language)
