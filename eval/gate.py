"""The gate: thresholds beside a set, and no significant loss against a baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.cases import SetError

__all__ = ["check_gate", "load_thresholds"]


def load_thresholds(sets: Sequence[Path]) -> dict[str, float]:
    """Return the thresholds of the sets' gate files (``NAME.gate.json`` beside ``NAME.jsonl``).

    Where several name a measure the lowest holds.

    Raises:
        SetError: There is no gate file, or it is malformed.
    """
    out: dict[str, float] = {}
    for path in sets:
        gate = path.with_suffix(".gate.json")
        if not gate.exists():
            raise SetError(f"there are no thresholds for {path}", hint=f'Write {gate} like {{"accuracy": 0.9, "quote_verified": 1.0}}.')
        try:
            for name, value in json.loads(gate.read_text("utf-8")).items():
                out[name] = min(float(value), out.get(name, float(value)))
        except (ValueError, AttributeError, TypeError) as error:
            raise SetError(f"{gate} is malformed: {error}", hint="It maps names of measures to the least value that passes.") from error
    return out


def _figure(run: dict[str, Any], name: str) -> float | None:
    """Return a figure of a run: a headline measure, or ``slice/value/measure`` such as ``language/zh-Hant/accuracy``."""
    summary = run["summary"]
    if name in summary["headline"]:
        return float(summary["headline"][name]["value"])
    if name == "follow_up_accuracy":
        return float(summary[name]["value"]) if summary[name] else None
    if name.startswith("max:latency_ms."):
        value = summary["latency_ms"].get(name.rpartition(".")[2])
        return None if value is None else float(value)
    parts = name.split("/")
    if len(parts) == 3:
        found = summary["slices"].get(parts[0], {}).get(parts[1], {}).get(parts[2])
        return float(found["value"]) if found else None
    return None


def check_gate(run: dict[str, Any], thresholds: dict[str, float]) -> list[dict[str, Any]]:
    """Return a verdict for each threshold: ``measure``, ``wanted``, ``found``, ``passed``. What was not measured does not pass."""
    out = []
    for name, wanted in thresholds.items():
        found = _figure(run, name)
        passed = found is not None and (found <= wanted if name.startswith("max:") else found >= wanted - 1e-9)
        out.append({"measure": name, "wanted": wanted, "found": found, "passed": passed})
    return out
