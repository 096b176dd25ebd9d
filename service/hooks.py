"""What a layer above the service lends it: the service may not import eval, so the command that mounts both puts it here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.state import State

__all__ = ["EvalWork", "PrepareEval"]

# A run ready to go: takes what is to be told after each question (done, total), returns the run as JSON.
EvalWork = Callable[[Callable[[int, int], None]], dict[str, Any]]
# Checks posted questions and returns the work; raises WenjuError if they are no eval set.
PrepareEval = Callable[["State", Sequence[Any], str], EvalWork]

eval_runner: PrepareEval | None = None
