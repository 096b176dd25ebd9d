"""A run: every question asked once, judged, summed up."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from eval.askers import Asker
from eval.cases import Case, SetError
from eval.judging import judge_case
from eval.summary import summarise

__all__ = ["Progress", "essence", "missing_documents", "run_cases"]

Progress = Callable[[int, int], None]
_FORMAT = 2


def _commit() -> str:
    """Return the commit of the code that measures, with ``-dirty`` if it was changed since; empty for an installed copy."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()


def essence(run: dict[str, Any]) -> list[Any]:
    """Return what two runs of the same system over the same questions must have in common: all but times."""
    return [(r["id"], r["scores"], r["answer"]["answer"], [p["passage_id"] for p in r["passages"]]) for r in run["results"]]


def missing_documents(cases: Sequence[Case], documents: Mapping[str, Any]) -> list[str]:
    """Return the documents that a set names and a corpus does not hold.

    Raises:
        SetError: It holds none of them: the set is about another corpus.
    """
    wanted = {item.document for case in cases for item in case.evidence}
    missing = sorted(wanted - set(documents))
    if wanted and len(missing) == len(wanted):
        shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        have = f"holds {len(documents)} others" if documents else "is empty"
        raise SetError(
            f"the set is about another corpus: the knowledge base {have}, and none of its {len(wanted)} documents ({shown})",
            hint="Ingest the documents that the set is about, or name their knowledge base with --data-dir or --url.",
        )
    return missing


class _Kept:
    """The results of a run that is going on, in a file, so that a run that was cut short goes on where it was."""

    def __init__(self, path: Path | None, fingerprint: dict[str, Any]) -> None:
        self._path = path
        self.done: dict[str, dict[str, Any]] = {}
        if path is None:
            return
        if path.exists():
            self._read(path, fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written anew: what comes after a line that was cut off would be lost with it.
        self._file = path.open("w", encoding="utf-8")
        for record in (fingerprint, *self.done.values()):
            self._write(record)

    def _read(self, path: Path, fingerprint: dict[str, Any]) -> None:
        for number, line in enumerate(path.read_text("utf-8", errors="replace").split("\n")):
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                record = None
            if number == 0 and record != fingerprint:
                return
            if number and isinstance(record, dict) and "id" in record:
                self.done[record["id"]] = record

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()

    def add(self, result: dict[str, Any]) -> None:
        """Keep a result."""
        self.done[result["id"]] = result
        if self._path is not None:
            self._write(result)

    def close(self, *, whole: bool) -> None:
        """Close the file; a whole run needs it no more."""
        if self._path is not None:
            self._file.close()
            if whole:
                self._path.unlink(missing_ok=True)


def run_cases(
    cases: Sequence[Case],
    asker: Asker,
    *,
    names: Sequence[str] = (),
    workers: int = 2,
    progress: Progress | None = None,
    partial: Path | None = None,
) -> dict[str, Any]:
    """Return the run: fingerprint, summary and every question's result, in the order of the cases.

    Args:
        cases: Questions.
        asker: The system under test.
        names: Of the set files.
        workers: Questions asked side by side.
        progress: Is told how many are done.
        partial: File that keeps finished questions until the run is whole, so that a run cut short goes on where it was.

    Raises:
        SetError: The set is about another corpus.
        DependencyError: The service does not answer; what was done is kept in ``partial``.
    """
    questions = hashlib.sha256(json.dumps([case.as_json() for case in cases], ensure_ascii=False).encode()).hexdigest()[:16]
    fingerprint = {
        "format": _FORMAT,
        "commit": _commit(),
        "sets": list(names),
        "questions": len(cases),
        "questions_hash": questions,
        **asker.fingerprint(),
    }
    documents = asker.documents()
    missing = missing_documents(cases, documents)
    kept = _Kept(partial, fingerprint)
    todo = [case for case in cases if case.id not in kept.done]
    whole = False
    try:
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            waiting = [pool.submit(judge_case, case, asker, documents) for case in todo]
            try:
                # As they end, not in order: what is done must be kept even while a slow question holds up the others.
                for future in as_completed(waiting):
                    kept.add(future.result())
                    if progress is not None:
                        progress(len(kept.done), len(cases))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        whole = True
    finally:
        kept.close(whole=whole)
    results = [kept.done[case.id] for case in cases]
    return {
        "object": "eval_run",
        "created": int(time.time()),
        "fingerprint": fingerprint,
        "missing_documents": missing,
        "summary": summarise(results),
        "results": results,
    }
