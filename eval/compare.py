"""Two runs side by side: won and lost questions, and whether the difference is more than chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval.cases import SetError
from eval.measures.intervals import mcnemar, paired_bootstrap

__all__ = ["compare_runs", "load_run", "outcome"]

_ALPHA = 0.05


def load_run(path: Path) -> dict[str, Any]:
    """Return a run from its file.

    Raises:
        SetError: The file is missing, half written or no run.
    """
    try:
        run: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SetError(f"there is no run {path}", hint="`wenju eval run SET --json FILE` writes one.") from error
    except ValueError as error:
        raise SetError(
            f"{path} is broken or half written: {error}", hint="Run the evaluation again; it goes on where it stopped."
        ) from error
    if not isinstance(run, dict) or run.get("object") != "eval_run":
        raise SetError(f"{path} is no eval run", hint="`wenju eval run SET --json FILE` writes one.")
    return dict(run)


def outcome(result: dict[str, Any]) -> float | None:
    """Return 1 if a question went right (answered rightly, or refused rightly), 0 if not, None if it measures retrieval alone."""
    scores = result["scores"]
    if not result["answerable"]:
        return float(scores["refused_right"])
    if scores["accuracy"] is not None:
        return float(scores["accuracy"])
    hit = scores["hit@5"]
    return None if hit is None else float(hit)


def _verdict(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    won = sum(b > a for a, b in pairs)
    lost = sum(b < a for a, b in pairs)
    mean, low, high = paired_bootstrap([a for a, _ in pairs], [b for _, b in pairs])
    p = mcnemar(won, lost)
    significant = p < _ALPHA and not low <= 0 <= high
    verdict = "better" if significant and mean > 0 else "worse" if significant and mean < 0 else "no significant difference"
    return {"n": len(pairs), "won": won, "lost": lost, "difference": mean, "low": low, "high": high, "p": p, "verdict": verdict}


def compare_runs(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return the comparison of two runs over the questions that both have.

    The difference is tested by McNemar's exact test and must leave zero outside the paired bootstrap interval (both at 5 %). Citations
    and refusals are compared too: a loss of verified quotes or right pages is a loss even where answers stayed right.

    Raises:
        SetError: The runs share no question.
    """
    old = {result["id"]: result for result in before["results"]}
    rows = [(old[r["id"]], r) for r in after["results"] if r["id"] in old]
    scored = [(a, b, oa, ob) for a, b in rows if (oa := outcome(a)) is not None and (ob := outcome(b)) is not None]
    if not scored:
        raise SetError("the two runs have no question in common", hint="Compare runs of the same set.")
    pairs = [(oa, ob) for _, _, oa, ob in scored]
    slices: dict[str, dict[str, Any]] = {}
    for key in ("language", "type", "crosses"):
        for value in sorted({str(a[key]) for a, *_ in scored}):
            slices[f"{key}/{value}"] = _verdict([(oa, ob) for a, _, oa, ob in scored if str(a[key]) == value])
    measures = {}
    for name in (
        "quote_verified",
        "page_accuracy",
        "citation_coverage",
        "citation_precision",
        "evidence_recall",
        "hit@5",
        "refused_right",
        "answered",
    ):
        both = [(a["scores"][name], b["scores"][name]) for a, b in rows if a["scores"][name] is not None and b["scores"][name] is not None]
        if both:
            measures[name] = _verdict([(float(x), float(y)) for x, y in both])
    overall = _verdict(pairs)
    worse = [f"{name}" for name, item in measures.items() if item["verdict"] == "worse"]
    return {
        "object": "eval_comparison",
        "overall": overall,
        "measures": measures,
        "slices": slices,
        "won": [b["id"] for _, b, oa, ob in scored if ob > oa],
        "lost": [b["id"] for _, b, oa, ob in scored if ob < oa],
        "only_before": len(old) - len(rows),
        "only_after": len(after["results"]) - len(rows),
        "worse": (["overall"] if overall["verdict"] == "worse" else []) + worse,
        "fingerprints": [before["fingerprint"], after["fingerprint"]],
    }
