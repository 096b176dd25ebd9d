"""Refusals: the 2 × 2 table, the risk–coverage curve, AUROC and calibration of the stated confidence."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["auroc", "calibration_error", "reliability", "risk_coverage", "two_by_two"]


def two_by_two(answerable: Sequence[bool], refused: Sequence[bool]) -> dict[str, int]:
    """Return the counts of answered and refused among answerable and unanswerable questions."""
    pairs = list(zip(answerable, refused, strict=True))
    return {
        "answerable_answered": pairs.count((True, False)),
        "answerable_refused": pairs.count((True, True)),
        "unanswerable_answered": pairs.count((False, False)),
        "unanswerable_refused": pairs.count((False, True)),
    }


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Return the probability that a positive scores above a negative, ties counting half (Mann–Whitney U); None if one is empty."""
    if not positive or not negative:
        return None
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


def reliability(confidence: Sequence[float], correct: Sequence[bool], bins: int = 10) -> list[dict[str, float]]:
    """Return, per bin of confidence, the mean confidence, the share that is right and the count; empty bins are left out."""
    out = []
    for place in range(bins):
        low, high = place / bins, (place + 1) / bins
        inside = [(c, r) for c, r in zip(confidence, correct, strict=True) if low <= c < high or (place == bins - 1 and c == 1.0)]
        if inside:
            mean = sum(c for c, _ in inside) / len(inside)
            right = sum(r for _, r in inside) / len(inside)
            out.append({"low": low, "high": high, "confidence": mean, "accuracy": right, "n": len(inside)})
    return out


def calibration_error(confidence: Sequence[float], correct: Sequence[bool], bins: int = 10) -> float | None:
    """Return the expected calibration error: the mean gap of confidence and accuracy, weighted by bin size (Guo et al. 2017)."""
    if not confidence:
        return None
    return sum(b["n"] * abs(b["confidence"] - b["accuracy"]) for b in reliability(confidence, correct, bins)) / len(confidence)


def risk_coverage(confidence: Sequence[float], correct: Sequence[bool]) -> list[tuple[float, float]]:
    """Return (coverage, risk) when only the most confident are answered, one point for each question."""
    order = sorted(range(len(confidence)), key=lambda i: (-confidence[i], i))
    wrong = 0
    out = []
    for count, place in enumerate(order, 1):
        wrong += not correct[place]
        out.append((count / len(order), wrong / count))
    return out
