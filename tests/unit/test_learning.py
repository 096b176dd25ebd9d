"""Fitting the two models: against models whose weights are known."""

from __future__ import annotations

import numpy as np
import pytest

from eval.learning.solve import fit_logistic, fit_softmax


def test_softmax_finds_the_weights_that_made_the_choices() -> None:
    rng = np.random.default_rng(3)
    true = np.array([2.0, -1.0, 0.5])
    inputs = rng.normal(size=(20_000, 3))
    groups = np.repeat(np.arange(4_000), 5)
    gumbel = rng.gumbel(size=20_000)  # the largest of score + Gumbel noise is a draw from the softmax
    best = (inputs @ true + gumbel).reshape(-1, 5).argmax(axis=1)
    right = np.zeros((4_000, 5))
    right[np.arange(4_000), best] = 1.0
    found = fit_softmax(inputs, right.ravel(), groups, weight=np.ones(20_000), l2=0.1)
    assert found == pytest.approx(true, abs=0.12)


def test_softmax_leaves_out_groups_without_a_right_row_and_counts_weights() -> None:
    inputs = np.array([[1.0], [0.0], [5.0], [0.0], [0.0], [1.0]])
    groups = np.array([0, 0, 1, 1, 2, 2])
    right = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    even = fit_softmax(inputs, right, groups, weight=np.ones(6), l2=1.0)
    assert even == pytest.approx([0.0], abs=1e-6)
    tilted = fit_softmax(inputs, right, groups, weight=np.array([3.0, 3, 1, 1, 1, 1]), l2=1.0)
    # 3(1 - s) - s = w with s = 1 / (1 + e^-w)
    weight = float(tilted[0])
    share = 1 / (1 + np.exp(-weight))
    assert 3 * (1 - share) - share == pytest.approx(weight, abs=1e-4)


def test_logistic_finds_the_weights_and_keeps_the_signs() -> None:
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(20_000, 3))
    chance = 1 / (1 + np.exp(-(inputs @ np.array([1.5, -0.8, 0.6]) + 0.4)))
    right = (rng.random(20_000) < chance).astype(float)
    free, bias = fit_logistic(inputs, right, np.array([1, -1, 0]), weight=np.ones(20_000), l2=0.1)
    assert free == pytest.approx([1.5, -0.8, 0.6], abs=0.1)
    assert bias == pytest.approx(0.4, abs=0.1)
    held, _ = fit_logistic(inputs, right, np.array([1, 1, -1]), weight=np.ones(20_000), l2=0.1)
    assert held[0] > 1.0
    assert held[1] == 0.0
    assert held[2] == 0.0
