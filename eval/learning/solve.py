"""Two convex models by Newton's method: choosing one of a group (softmax), and yes or no with signs given (logistic)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit_logistic", "fit_softmax"]

_STEPS = 60
_TOLERANCE = 1e-6


def fit_softmax(
    inputs: NDArray[np.float64], right: NDArray[np.float64], groups: NDArray[np.int64], *, weight: NDArray[np.float64], l2: float
) -> NDArray[np.float64]:
    """Return the weights under which the right rows of each group are likeliest, shape (features,).

    Multinomial logistic regression with one choice a group (McFadden 1974); where several rows are right they share it.

    Args:
        inputs: Shape (rows, features).
        right: 1 for a right row, else 0, shape (rows,); groups without a right row are left out.
        groups: Number of each row's group, rows of one group side by side.
        weight: Of each row's group.
        l2: Half of it times the squared weights is added to the loss.
    """
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    place = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(groups)]))
    number = np.add.reduceat(right, starts)
    target = right / np.maximum(number, 1)[place]
    share = weight * (number > 0)[place]
    found = np.zeros(inputs.shape[1])

    def state(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = inputs @ weights
        scores -= np.maximum.reduceat(scores, starts)[place]
        total = np.add.reduceat(np.exp(scores), starts)[place]
        loss = -float((share * target * (scores - np.log(total))).sum()) + l2 / 2 * float(weights @ weights)
        return loss, np.exp(scores) / total

    loss, chance = state(found)
    for _ in range(_STEPS):
        gradient = inputs.T @ (share * (chance - target)) + l2 * found
        mean = np.add.reduceat(inputs * chance[:, None], starts)
        hessian = (inputs * (share * chance)[:, None]).T @ inputs - (mean * share[starts][:, None]).T @ mean + l2 * np.eye(len(found))
        step = np.linalg.solve(hessian, gradient)
        scale = 1.0
        while (new := state(found - scale * step))[0] > loss and scale > 1e-4:
            scale /= 2
        found = found - scale * step
        done = loss - new[0] < _TOLERANCE * max(loss, 1.0)
        loss, chance = new
        if done:
            break
    return found


def fit_logistic(
    inputs: NDArray[np.float64], right: NDArray[np.float64], signs: NDArray[np.int64], *, weight: NDArray[np.float64], l2: float
) -> tuple[NDArray[np.float64], float]:
    """Return weights, shape (features,), and bias of a logistic regression whose weights keep the signs given.

    Newton's method over the weights that are free; one that would take the wrong sign is held at zero (projected Newton, Bertsekas 1982).

    Args:
        inputs: Shape (rows, features).
        right: 1 or 0, shape (rows,).
        signs: 1 for a weight that must not be negative, −1 for one that must not be positive, 0 for either.
        weight: Of each row.
        l2: Half of it times the squared weights, the bias left out, is added to the loss.
    """
    table = np.c_[inputs, np.ones(len(inputs))]
    limits = np.r_[signs, 0]
    penalty = np.r_[np.full(len(signs), l2), 0.0]
    found = np.zeros(table.shape[1])

    def loss_of(weights: NDArray[np.float64]) -> float:
        scores = table @ weights
        return float((weight * (np.logaddexp(0.0, scores) - right * scores)).sum() + (penalty * weights**2).sum() / 2)

    loss = loss_of(found)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(table @ found, -30, 30)))
        gradient = table.T @ (weight * (chance - right)) + penalty * found
        held = (found == 0) & (limits * gradient > 0)
        free = ~held
        hessian = (table[:, free] * (weight * chance * (1 - chance))[:, None]).T @ table[:, free] + np.diag(penalty[free] + 1e-9)
        step = np.zeros_like(found)
        step[free] = np.linalg.solve(hessian, gradient[free])
        scale = 1.0
        while True:
            new = found - scale * step
            new = np.where(limits * new < 0, 0.0, new)
            if loss_of(new) <= loss or scale < 1e-4:
                break
            scale /= 2
        done = loss - loss_of(new) < _TOLERANCE * max(loss, 1.0)
        found, loss = new, loss_of(new)
        if done:
            break
    return found[:-1], float(found[-1])
