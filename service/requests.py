"""Checking what is asked, before any work is done; the command line and the HTTP service share it."""

from __future__ import annotations

import re
import unicodedata

from ingest.kb import WenjuError

__all__ = ["MAX_QUESTION", "InvalidRequest", "check_question"]

MAX_QUESTION = 4_000


class InvalidRequest(WenjuError):
    """A request that cannot be carried out as it is."""

    code = "invalid_request"
    exit_code = 2
    status = 422


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
        raise InvalidRequest("the question is empty", hint="Ask in Traditional Chinese, Simplified Chinese or English.")
    return seen.strip()
