"""The command line of eval."""

from __future__ import annotations

from typing import Any

__all__ = ["register"]


def register(commands: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
