"""Answer accuracy: every required part is there, nothing forbidden, in at most 300 characters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.cases import squeeze
from ingest.kb import find_quantities, fold

__all__ = ["MAX_CHARS", "holds", "is_correct"]

MAX_CHARS = 300
_MARK = re.compile(r"\[\d+\]")


def holds(answer: str, alternative: str) -> bool:
    """Return whether an answer holds an alternative: its words after folding, or its figure by value.

    A figure counts by value (``13.0 %`` for ``13%``, ``1 trillion`` for ``1 兆``) only if the alternative is nothing but that figure.
    """
    wanted = squeeze(alternative)
    if wanted and _contains(squeeze(answer), wanted):
        return True
    folded = fold(alternative).strip()
    figures = find_quantities(folded)
    if len(figures) != 1 or any(char.isalnum() for char in folded[: figures[0].start] + folded[figures[0].end :]):
        return False
    # A day in the answer also says its year; a year does not say the day.
    return any(figures[0].term in figure.terms for figure in find_quantities(fold(answer)))


def _contains(text: str, wanted: str) -> bool:
    """Containment that does not find 3 in 13 or 13 in 2013."""
    for match in re.finditer(re.escape(wanted), text):
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if wanted[0].isdigit() and (before.isdigit() or (before == "." and match.start() > 1 and text[match.start() - 2].isdigit())):
            continue
        if wanted[-1].isdigit() and (after.isdigit() or (after == "." and text[match.end() + 1 : match.end() + 2].isdigit())):
            continue
        return True
    return False


def is_correct(answer: str, answers: Sequence[Sequence[str]], must_not_include: Sequence[str] = ()) -> bool:
    """Return whether an answer is right.

    Args:
        answer: The text, citation marks included (they are not counted).
        answers: Required parts with their alternatives.
        must_not_include: Texts that make it wrong.
    """
    # A mark parts two sentences: 110[1]1,200 are two figures.
    text = _MARK.sub("\n", answer)
    if len(_MARK.sub("", answer)) > MAX_CHARS or any(holds(text, bad) for bad in must_not_include):
        return False
    return all(any(holds(text, alternative) for alternative in part) for part in answers)
