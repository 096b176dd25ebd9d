"""Baselines: runs cut down to what a comparison needs, small enough to keep beside the code.

``python -m eval.baseline RUN.json OUT.json`` writes one; ``make baselines`` refreshes all of them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from eval.compare import load_run

__all__ = ["slim"]

_KEPT = ("id", "group_id", "language", "type", "answerable", "crosses", "follow_up", "scores", "failure")


def slim(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run with its figures and each question's scores, without questions, answers and passages."""
    results = [{name: result[name] for name in _KEPT} for result in run["results"]]
    summary = {name: run["summary"][name] for name in ("questions", "headline", "follow_up_accuracy", "failures")}
    fingerprint = {name: value for name, value in run["fingerprint"].items() if name != "corpus"}
    return {"object": "eval_run", "created": run["created"], "fingerprint": fingerprint, "summary": summary, "results": results}


def main() -> int:
    """Write a baseline from a run's file."""
    source, target = map(Path, sys.argv[1:3])
    lines = json.dumps(slim(load_run(source)), ensure_ascii=False).replace('{"id"', '\n{"id"')
    target.write_text(lines + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
