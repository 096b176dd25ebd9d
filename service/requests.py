"""Checking what is asked, before any work is done; the command line and the HTTP service share it."""

from __future__ import annotations

import re
import unicodedata

from ingest.kb import Language, WenjuError

__all__ = ["MAX_QUESTION", "InvalidRequest", "check_question", "reader_script"]

MAX_QUESTION = 4_000


class InvalidRequest(WenjuError):
    """A request that cannot be carried out as it is."""

    code = "invalid_request"
    exit_code = 2
    status = 422

    def __init__(self, message: str, *, hint: str = "", param: str | None = None) -> None:
        """Take which part of the request is meant, beside what every error takes."""
        super().__init__(message, hint=hint)
        self.param = param


def check_question(text: str) -> str:
    """Return the question without characters that nobody can see.

    Raises:
        InvalidRequest: It is empty, without a letter or figure, or over ``MAX_QUESTION`` characters.
    """
    if len(text) > MAX_QUESTION:
        raise InvalidRequest(
            f"the question has {len(text):,} characters, the most is {MAX_QUESTION:,}",
            hint="Ask in fewer words; put documents into the corpus.",
        )
    seen = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co") or char in "\n\t")
    if not re.search(r"\w", seen):
        fault = "the question holds no words, only signs" if seen.strip() else "the question is empty"
        raise InvalidRequest(fault, hint="Ask in Traditional Chinese, Simplified Chinese or English.")
    return seen.strip()


def reader_script(header: str | None) -> Language | None:
    """Return the script in which somebody reads Chinese, as an ``Accept-Language`` header (RFC 9110 §12.5.4) tells it.

    Args:
        header: As sent; quality values order it, equal ones keep their place.

    Returns:
        ``zh-Hant`` for Chinese so marked and that of Taiwan, Hong Kong and Macau, ``zh-Hans`` for other Chinese (as CLDR's likely subtags
        have it); None if no Chinese is named.
    """
    wishes: list[tuple[float, str]] = []
    for part in (header or "")[:1_000].lower().split(","):
        tag, _, weight = part.strip().partition(";")
        quality = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", weight)
        if re.fullmatch(r"zh(?:-[a-z0-9-]+)?\s*", tag):
            wishes.append((float(quality[1]) if quality else 1.0, tag))
    best = max((quality for quality, _ in wishes), default=0.0)
    if best == 0:
        return None
    tag = next(tag for quality, tag in wishes if quality == best)
    return "zh-Hant" if re.search(r"-(?:hant|tw|hk|mo)\b", tag) and "-hans" not in tag else "zh-Hans"
