"""Thresholds beside a set, and what passes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.cases import SetError
from eval.gate import check_gate, load_thresholds


def _run() -> dict[str, Any]:
    return {
        "summary": {
            "headline": {"accuracy": {"value": 0.9}},
            "follow_up_accuracy": None,
            "latency_ms": {"p50": 40.0, "p95": 120.0},
            "slices": {"language": {"zh-Hant": {"accuracy": {"value": 0.8}}}},
        }
    }


@pytest.mark.parametrize(
    ("name", "wanted", "passed"),
    [
        ("accuracy", 0.9, True),
        ("accuracy", 0.9 + 1e-12, True),
        ("accuracy", 0.91, False),
        ("language/zh-Hant/accuracy", 0.8, True),
        ("language/zh-Hant/accuracy", 0.81, False),
        ("language/zh-Hans/accuracy", 0.0, False),
        ("follow_up_accuracy", 0.0, False),
        ("max:latency_ms.p95", 120, True),
        ("max:latency_ms.p95", 119, False),
        ("max:latency_ms.p99", 1e9, False),
        ("acuracy", 0.0, False),
    ],
)
def test_verdict(name: str, wanted: float, passed: bool) -> None:
    (verdict,) = check_gate(_run(), {name: wanted})
    assert verdict["passed"] is passed
    assert (verdict["measure"], verdict["wanted"]) == (name, wanted)


def test_what_was_not_measured_is_told() -> None:
    (verdict,) = check_gate(_run(), {"hit@5": 0.1})
    assert verdict["found"] is None
    assert not verdict["passed"]


def test_the_lowest_threshold_of_several_sets_holds(tmp_path: Path) -> None:
    (tmp_path / "a.gate.json").write_text('{"accuracy": 0.9, "hit@5": 0.5}')
    (tmp_path / "b.gate.json").write_text('{"accuracy": 0.7}')
    assert load_thresholds([tmp_path / "a.jsonl", tmp_path / "b.jsonl"]) == {"accuracy": 0.7, "hit@5": 0.5}


def test_a_missing_gate_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetError, match="no thresholds"):
        load_thresholds([tmp_path / "a.jsonl"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"accuracy": "high"}', '{"accuracy": null}', "3"])
def test_a_malformed_gate_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.gate.json").write_text(text)
    with pytest.raises(SetError, match=r"a\.gate\.json is malformed"):
        load_thresholds([tmp_path / "a.jsonl"])


@pytest.mark.parametrize("name", ["dev", "test", "crossing"])
def test_our_own_gates_can_be_read(repository: Path, name: str) -> None:
    assert load_thresholds([repository / "eval" / "sets" / f"{name}.jsonl"])
