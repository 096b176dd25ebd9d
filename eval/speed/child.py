"""One measurement in a process of its own, so that memory and cold start are one pipeline's: ``python -m eval.speed.child``."""

from __future__ import annotations

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from eval.measures.latency import percentile

__all__ = ["main"]

_WARM_UP = 10
_THREADS = 4


def _memory_mib() -> float:
    """Return what the process holds now; where the system does not tell, the most it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * resource.getpagesize() / 2**20
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (2**20 if sys.platform == "darwin" else 2**10)


def _build(side: Any, folder: Path, texts: list[str], *, dense: bool) -> dict[str, Any]:
    started = time.perf_counter()
    name = side.build(folder, texts, dense=dense)
    seconds = time.perf_counter() - started
    return {"built": name, "ingest_s": seconds, "passages_per_s": len(texts) / seconds, "ingest_memory_mib": _memory_mib()}


def _ask(side: Any, folder: Path, questions: list[str], *, dense: bool) -> dict[str, Any]:
    find = side.open_searcher(folder, dense=dense)
    find(questions[0])
    ready = time.time()
    for question in questions[:_WARM_UP]:
        find(question)
    times, found = [], 0
    for question in questions:
        started = time.perf_counter()
        found += find(question) > 0
        times.append((time.perf_counter() - started) * 1000)
    started = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(find, questions))
    seconds = time.perf_counter() - started
    return {
        "ready_at": ready,
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
        "queries_per_s": len(questions) / seconds,
        "memory_mib": _memory_mib(),
        "answered": found / len(questions),
    }


def main() -> int:
    """Read the order on standard input, write the figures to standard output."""
    order = json.load(sys.stdin)
    side = import_module(f"eval.speed.{order['side']}")
    folder = Path(order["folder"])
    work = _build if order["stage"] == "build" else _ask
    figures = work(side, folder, order["texts"], dense=order["dense"])
    # Libraries print as they like: the last line is ours.
    print("\n" + json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
