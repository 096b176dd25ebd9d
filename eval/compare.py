"""Two runs side by side: won and lost questions, and whether the difference is more than chance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.cases import SetError
from eval.measures.intervals import holm, mcnemar, paired_bootstrap
from eval.summary import slice_of

__all__ = ["compare_runs", "load_run", "outcome"]

_ALPHA = 0.05
_GUARDED = (
    "quote_verified",
    "page_accuracy",
    "citation_coverage",
    "citation_precision",
    "evidence_recall",
    "hit@5",
    "refused_right",
    "answered",
)
Result = dict[str, Any]


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


Pair = tuple[float, float, str]


def _verdict(pairs: Sequence[Pair]) -> dict[str, Any]:
    won = sum(b > a for a, b, _ in pairs)
    lost = sum(b < a for a, b, _ in pairs)
    mean, low, high = paired_bootstrap([a for a, *_ in pairs], [b for _, b, _ in pairs], groups=[group for *_, group in pairs])
    p = mcnemar(won, lost)
    significant = p < _ALPHA and not low <= 0 <= high
    verdict = "better" if significant and mean > 0 else "worse" if significant and mean < 0 else "no significant difference"
    return {"n": len(pairs), "won": won, "lost": lost, "difference": mean, "low": low, "high": high, "p": p, "verdict": verdict}


def _worse(items: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return what got worse: so many tests at 5 % each would cry wolf, hence Holm's correction over all of them."""
    kept = holm([item["p"] for item in items.values()], _ALPHA)
    return [name for (name, item), significant in zip(items.items(), kept, strict=True) if significant and item["verdict"] == "worse"]


def _slices(scored: Sequence[tuple[Result, Result, float, float]]) -> dict[str, dict[str, Any]]:
    out = {}
    for key in ("language", "crosses", "type", "document"):
        found: dict[str, list[Pair]] = {}
        for a, b, before, after in scored:
            name = slice_of(b, key)
            if name:
                found.setdefault(name, []).append((before, after, _group(a)))
        out.update({f"{key}/{name}": _verdict(pairs) for name, pairs in sorted(found.items())})
    return out


def _group(result: Result) -> str:
    return str(result.get("group_id") or result["id"])


def compare_runs(before: Result, after: Result) -> dict[str, Any]:
    """Return the comparison of two runs over the questions that both have.

    The difference is tested by McNemar's exact test and must leave zero outside the paired bootstrap interval (both at 5 %; whole groups
    are drawn, since a question's three scripts hang together). Citations and refusals are compared too, and the languages one by one: a
    loss of verified quotes, of right pages or in one script is a loss even where answers stayed right on the whole.

    Raises:
        SetError: The runs share no question.
    """
    old = {result["id"]: result for result in before["results"]}
    rows = [(old[r["id"]], r) for r in after["results"] if r["id"] in old]
    scored = [(a, b, oa, ob) for a, b in rows if (oa := outcome(a)) is not None and (ob := outcome(b)) is not None]
    if not scored:
        raise SetError("the two runs have no question in common", hint="Compare runs of the same set.")
    slices = _slices(scored)
    measures = {}
    for name in _GUARDED:
        both = [
            (float(x), float(y), _group(a))
            for a, b in rows
            if (x := a["scores"].get(name)) is not None and (y := b["scores"].get(name)) is not None
        ]
        if both:
            measures[name] = _verdict(both)
    overall = _verdict([(oa, ob, _group(a)) for a, _, oa, ob in scored])
    guarded = measures | {name: item for name, item in slices.items() if name.startswith(("language/", "crosses/"))}
    return {
        "object": "eval_comparison",
        "overall": overall,
        "measures": measures,
        "slices": slices,
        "won": [b["id"] for _, b, oa, ob in scored if ob > oa],
        "lost": [b["id"] for _, b, oa, ob in scored if ob < oa],
        "tied": [b["id"] for _, b, oa, ob in scored if ob == oa],
        "only_before": len(old) - len(rows),
        "only_after": len(after["results"]) - len(rows),
        "changed": _changed(rows),
        "worse": (["overall"] if overall["verdict"] == "worse" else []) + _worse(guarded),
        "fingerprints": [before["fingerprint"], after["fingerprint"]],
    }


def _changed(rows: Sequence[tuple[Result, Result]]) -> list[str]:
    """Return the questions whose wording or expected answers are not the same in both runs, so that their outcomes compare little."""
    told = ("question", "expected", "evidence")
    return [b["id"] for a, b in rows if any(name in a and a[name] != b.get(name) for name in told) or a["answerable"] != b["answerable"]]
