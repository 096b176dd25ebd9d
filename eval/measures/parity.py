"""Parity: the same question should fare the same in every script and language."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["parity"]


def parity(outcomes: Mapping[str, Mapping[str, float]], left: str, right: str) -> dict[str, float] | None:
    """Return how two languages differ over the groups that have both; None if there is no such group.

    Args:
        outcomes: For each group, the outcome (0 or 1) by language.
        left: One language.
        right: The other.

    Returns:
        ``difference`` (mean of left minus right, in points of 100), ``agreement`` (share of groups with equal outcome), ``groups``.
    """
    pairs = [(by[left], by[right]) for by in outcomes.values() if left in by and right in by]
    if not pairs:
        return None
    difference = 100 * sum(a - b for a, b in pairs) / len(pairs)
    agreement = sum(a == b for a, b in pairs) / len(pairs)
    return {"difference": difference, "agreement": agreement, "groups": len(pairs)}
