"""From the questions' results to the figures of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from eval.measures import refusal
from eval.measures.intervals import bootstrap
from eval.measures.latency import percentile
from eval.measures.parity import parity

__all__ = ["HEADLINE", "price_run", "slice_of", "summarise"]

HEADLINE = (
    "accuracy",
    "answered",
    "refused_right",
    "hit@1",
    "hit@5",
    "hit@10",
    "mrr",
    "ndcg@10",
    "citation_precision",
    "citation_coverage",
    "evidence_recall",
    "quote_verified",
    "page_accuracy",
)
_SLICED = ("accuracy", "answered", "refused_right", "hit@1", "hit@5", "mrr", "page_accuracy")
_FEWEST_GROUPS = 5
Result = dict[str, Any]


def _measure(results: Sequence[Result], name: str) -> dict[str, Any] | None:
    rows = [(r["scores"][name], r["group_id"]) for r in results if r["scores"][name] is not None]
    if not rows:
        return None
    values = [value for value, _ in rows]
    interval = bootstrap(values, groups=[group for _, group in rows])
    assert interval is not None
    return {"value": sum(values) / len(values), "low": interval[0], "high": interval[1], "n": len(values)}


def _slice(results: Sequence[Result]) -> dict[str, Any]:
    """Return a slice's measures; what few groups say has no interval, for drawing three groups again and again tells nothing."""
    out = {name: found for name in _SLICED if (found := _measure(results, name)) is not None}
    if len({result["group_id"] for result in results}) < _FEWEST_GROUPS:
        out = {name: {"value": item["value"], "low": None, "high": None, "n": item["n"]} for name, item in out.items()}
    return out


def slice_of(result: Result, key: str) -> str:
    """Return the slice that a result falls into, empty if it is in none.

    Args:
        result: Of a run or a baseline.
        key: ``language``, ``crosses``, ``type`` or ``document`` (that of the first evidence).
    """
    if key != "document":
        return str(result.get(key, ""))
    return str(result["evidence"][0]["document"]) if result.get("evidence") else ""


def _slices(results: Sequence[Result], key: str) -> dict[str, Any]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(slice_of(result, key), []).append(result)
    return {name: _slice(members) for name, members in sorted(found.items()) if name}


def _usage(results: Sequence[Result]) -> dict[str, Any] | None:
    """Return the tokens that a language model read and wrote for the answers; None where none was asked."""
    used = [result["usage"] for result in results if result.get("usage")]
    if not used:
        return None
    out: dict[str, Any] = {name: sum(item[name] for item in used) for name in ("prompt_tokens", "completion_tokens")}
    return out | {"answers": len(used), "estimated": any(item.get("estimated") for item in used)}


def price_run(run: dict[str, Any], read: float, written: float) -> None:
    """Put the cost of a run's tokens into its summary.

    Args:
        run: Of ``run_cases``.
        read: Price of a million tokens read, in any currency.
        written: Of a million tokens written.
    """
    usage = run["summary"]["usage"]
    if usage is not None:
        cost = (usage["prompt_tokens"] * read + usage["completion_tokens"] * written) / 1e6
        usage |= {"prices": [read, written], "cost": cost, "cost_per_answer": cost / usage["answers"]}


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """Return the summary of a run: headline with 95 % intervals, slices, refusals, parity, latency, failures."""
    headline = {name: found for name in HEADLINE if (found := _measure(results, name)) is not None}
    judged = [r for r in results if r["scores"]["accuracy"] is not None or not r["answerable"]]
    follow = [r["scores"]["accuracy"] for r in results if r["follow_up"] and r["scores"]["accuracy"] is not None]
    confidence = [float(r["answer"].get("confidence") or 0.0) for r in judged]
    right = [bool(r["scores"]["accuracy"]) for r in judged]
    outcomes: dict[str, dict[str, float]] = {}
    for r in judged:
        if r["scores"]["accuracy"] is not None:
            outcomes.setdefault(r["group_id"], {})[r["language"]] = r["scores"]["accuracy"]
    times = [r["ms"] for r in results]
    table = refusal.two_by_two([r["answerable"] for r in judged], [r["answer"]["status"] == "refused" for r in judged])
    curve = refusal.risk_coverage(confidence, right)
    return {
        "questions": len(results),
        "headline": headline,
        "follow_up_accuracy": {"value": sum(follow) / len(follow), "n": len(follow)} if follow else None,
        "refusals": {
            **table,
            "auroc": refusal.auroc(
                [c for c, r in zip(confidence, judged, strict=True) if r["answerable"]],
                [c for c, r in zip(confidence, judged, strict=True) if not r["answerable"]],
            ),
            "calibration_error": refusal.calibration_error(confidence, right),
            "reliability": refusal.reliability(confidence, right),
            "risk_coverage": curve[:: max(1, len(curve) // 100)] if curve else [],
        },
        "parity": {
            "zh-Hant–zh-Hans": parity(outcomes, "zh-Hant", "zh-Hans"),
            "zh-Hant–en": parity(outcomes, "zh-Hant", "en"),
            "zh-Hans–en": parity(outcomes, "zh-Hans", "en"),
        },
        "slices": {
            "language": _slices(results, "language"),
            "crossing": _slices(results, "crosses"),
            "type": _slices(results, "type"),
            "document": _slices(results, "document"),
        },
        "latency_ms": {"p50": percentile(times, 0.5), "p95": percentile(times, 0.95), "p99": percentile(times, 0.99)},
        "usage": _usage(results),
        "failures": dict(Counter(r["failure"] for r in results if r["failure"]).most_common()),
    }
