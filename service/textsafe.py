"""Text that may be sent: lone surrogates cannot be written as UTF-8."""

from __future__ import annotations

__all__ = ["safe_text"]


def safe_text(text: str) -> str:
    """Return the text with lone surrogates replaced by U+FFFD."""
    return text.encode("utf-8", "replace").decode("utf-8") if any("\ud800" <= char <= "\udfff" for char in text) else text
