"""A circuit breaker: what fails again and again is left alone for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

__all__ = ["Breaker"]

_OPEN_AFTER = 3
_HALF_OPEN_S = 10.0


class Breaker:
    """Opens after three failures in a row; lets one try through after ten seconds.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._opened = 0.0
        self._trying = False

    @property
    def state(self) -> Literal["ok", "degraded", "down"]:
        """``ok``, ``degraded`` (failures, still tried) or ``down`` (open)."""
        return "ok" if not self._failures else "degraded" if self._failures < _OPEN_AFTER else "down"

    def allow(self) -> bool:
        """Return whether a call may be made now."""
        if self._failures < _OPEN_AFTER:
            return True
        if self._clock() - self._opened < _HALF_OPEN_S or self._trying:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """Close the circuit."""
        self._failures, self._trying = 0, False

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        self._opened, self._trying = self._clock(), False

    def abandoned(self) -> None:
        """Forget a try that was neither: the client left."""
        self._trying = False
