"""The command line of the set tools: ``new``, ``review``, ``convert``, ``promote``, ``speed``, ``reading``."""

from __future__ import annotations

from typing import Any

__all__ = ["register"]


def register(actions: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
