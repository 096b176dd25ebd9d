"""Fenced code in Markdown: which lines are left alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["mark_fenced"]

_FENCE = re.compile(r"\s{0,3}(?:>\s?)*(`{3,}|~{3,})")


def mark_fenced(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield each line with whether it belongs to a fenced block, the fences themselves included."""
    fence = ""
    for line in lines:
        match = _FENCE.match(line)
        if match and (not fence or (line.strip().lstrip("> ").startswith(fence) and not line.strip("`~> \t"))):
            fence = "" if fence else match.group(1)
            yield line, True
        else:
            yield line, bool(fence)
