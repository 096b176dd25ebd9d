"""Latency, throughput, memory and cold start of the search, and the pace of ingest, beside a plain LlamaIndex pipeline in the same run."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.cases import SetError
from ingest.kb import DependencyError

__all__ = ["parse_sizes", "speed_report", "speed_text"]

_TIMEOUT_S = 7_200
_MOST = 1_000_000
# Name, heading, and whether less is better.
_FIGURES = (
    ("p50_ms", "search p50 ms", True),
    ("p99_ms", "search p99 ms", True),
    ("queries_per_s", "searches/s, 4 threads", False),
    ("passages_per_s", "ingest passages/s", False),
    ("memory_mib", "memory MiB", True),
    ("cold_start_s", "cold start s", True),
)


def parse_sizes(text: str) -> list[int]:
    """Return the sizes of ``1000,10000``.

    Raises:
        SetError: One is no number between 1 and a million.
    """
    out = []
    for part in text.split(","):
        if not part.strip().isdecimal() or not 1 <= int(part) <= _MOST:
            raise SetError(f"{part.strip()!r} is no number of passages", hint=f"Like --sizes 1000,10000; at most {_MOST:,}.")
        out.append(int(part))
    return out


def _child(side: str, stage: str, folder: Path, texts: Sequence[str], *, dense: bool) -> dict[str, Any]:
    """Run one stage in a process of its own."""
    order = {"side": side, "stage": stage, "folder": str(folder), "texts": list(texts), "dense": dense}
    started = time.time()
    command = [sys.executable, "-m", "eval.speed.child"]
    done = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        raise DependencyError(f"measuring {side} failed: {done.stderr.strip()[-600:]}")
    figures: dict[str, Any] = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    if "ready_at" in figures:
        figures["cold_start_s"] = figures.pop("ready_at") - started
    return figures


def _measure(side: str, texts: Sequence[str], questions: Sequence[str], *, dense: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        built = _child(side, "build", Path(folder), texts, dense=dense)
        return built | _child(side, "ask", Path(folder), questions, dense=dense)


def speed_report(sizes: Sequence[int], *, queries: int = 200, dense: bool = True) -> dict[str, Any]:
    """Return the figures of both pipelines at each size, and their ratios.

    Args:
        sizes: Numbers of passages.
        queries: Questions at each size.
        dense: Whether both have vectors, by the same embedder.

    Raises:
        DependencyError: A measurement failed.
    """
    from eval.speed.passages import make_passages, make_questions
    from eval.speed.rival import has_bm25, parts

    questions = make_questions(queries)
    rows = []
    for size in sizes:
        texts = make_passages(size)
        ours = _measure("ours", texts, questions, dense=dense)
        # The embedder may be switched off by a setting: then the other side has none either.
        vectors = dense and ours["built"] != "none"
        rival = _measure("rival", texts, questions, dense=vectors) if parts(dense=vectors) else None
        rows.append({"passages": size, "ours": ours, "rival": rival, "ratios": _ratios(ours, rival)})
    notes = [] if has_bm25() else ["llama-index-retrievers-bm25 is not installed: the other pipeline has no BM25 leg"]
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    return {"object": "speed_report", "queries": queries, "machine": machine, "notes": notes, "sizes": rows}


def _ratios(ours: dict[str, Any], rival: dict[str, Any] | None) -> dict[str, float]:
    """Return how many times better ours is in each figure; below 1 it is worse."""
    if rival is None:
        return {}
    return {name: rival[name] / ours[name] if less else ours[name] / rival[name] for name, _, less in _FIGURES}


def speed_text(report: dict[str, Any]) -> str:
    """Return the report for the terminal."""
    lines = []
    for row in report["sizes"]:
        rival = row["rival"]
        lines.append(f"{row['passages']:,} passages, {report['queries']} questions; embedder {row['ours']['built']}")
        lines.append(f"  {'':24}{'wenju':>10}{rival['built'] if rival else 'no other pipeline':>62}   times better")
        for name, heading, _ in _FIGURES:
            other = f"{rival[name]:>62.2f}   {row['ratios'][name]:.2f}" if rival else ""
            lines.append(f"  {heading:24}{row['ours'][name]:>10.2f}{other}")
    return "\n".join(lines + [f"note: {note}" for note in report["notes"]])
