"""Uncertainty: bootstrap intervals, the paired bootstrap, McNemar's exact test."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["bootstrap", "holm", "mcnemar", "paired_bootstrap"]

_ROUNDS = 2_000
_SEED = 20_250_101


def bootstrap(values: Sequence[float], *, groups: Sequence[str] | None = None) -> tuple[float, float] | None:
    """Return the 95 % percentile interval of the mean (Efron 1979).

    Whole groups are drawn where given, since questions of a group hang together.

    Args:
        values: Outcomes.
        groups: The group of each.
    """
    if not values:
        return None
    rng = np.random.default_rng(_SEED)
    if groups is None:
        data = np.asarray(values, dtype=np.float64)
        means = data[rng.integers(0, len(data), (_ROUNDS, len(data)))].mean(axis=1)
    else:
        names = sorted(set(groups))
        place = {name: i for i, name in enumerate(names)}
        total, count = np.zeros(len(names)), np.zeros(len(names))
        for value, group in zip(values, groups, strict=True):
            total[place[group]] += value
            count[place[group]] += 1
        drawn = rng.integers(0, len(names), (_ROUNDS, len(names)))
        means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def paired_bootstrap(before: Sequence[float], after: Sequence[float], *, groups: Sequence[str] | None = None) -> tuple[float, float, float]:
    """Return the mean difference (after minus before) with its 95 % interval over paired outcomes.

    Args:
        before: Outcomes.
        after: The same questions' outcomes.
        groups: The group of each; whole groups are drawn where given.
    """
    difference = [float(b) - float(a) for a, b in zip(before, after, strict=True)]
    interval = bootstrap(difference, groups=groups)
    if interval is None:
        return 0.0, 0.0, 0.0
    return sum(difference) / len(difference), *interval


def mcnemar(won: int, lost: int) -> float:
    """Return the two-sided p value of McNemar's exact test: a binomial test of ``won`` against ``lost`` at one half."""
    total = won + lost
    if total == 0:
        return 1.0
    tail: float = sum(math.comb(total, i) for i in range(min(won, lost) + 1)) / 2**total
    return min(1.0, 2 * tail)


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Return which of several tests are significant so that all of them together err once in twenty (Holm 1979).

    Args:
        p_values: One a test.
        alpha: The chance of one or more false alarms.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    out = [False] * len(p_values)
    for rank, place in enumerate(order):
        if p_values[place] > alpha / (len(p_values) - rank):
            break
        out[place] = True
    return out
