"""What the terminal shows of an ingest: progress on standard error, the table of files on standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from ingest.build import BuildSummary, Progress

__all__ = ["Display", "print_summary"]

_MARKS = {"added": "+", "updated": "~", "unchanged": "=", "removed": "-", "failed": "!"}


class Display:
    """A progress bar where standard error is a terminal, a line per stage elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._quiet = quiet
        self._stage = ""

    def __enter__(self) -> Display:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("{task.description:10}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[file]}"),
            )
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, progress: Progress) -> None:
        """Show a step."""
        if self._quiet:
            return
        name = Path(progress.current).name if progress.current else ""
        if self._bar is not None:
            if progress.stage not in self._tasks:
                self._tasks[progress.stage] = self._bar.add_task(progress.stage, total=progress.total, file="")
            self._bar.update(self._tasks[progress.stage], completed=progress.done, total=progress.total, file=name)
        elif progress.stage == "reading" and name:
            print(f"reading {progress.done}/{progress.total} {name}", file=sys.stderr)
        elif progress.stage != self._stage:
            print(f"{progress.stage} …", file=sys.stderr)
        self._stage = progress.stage


def print_summary(summary: BuildSummary) -> None:
    """Print what became of each file, then the totals."""
    for result in summary.files:
        name = Path(result.path).name
        if result.outcome == "failed":
            # Some reasons begin with the file's name, for where they stand alone.
            print(f"! {name}: {result.reason.removeprefix(name).removeprefix(':').lstrip()}")
            if result.hint:
                print(f"    → {result.hint}")
            continue
        size = (
            f"{result.pages} p., {result.passages} passages, {result.seconds:.1f} s"
            if result.outcome in ("added", "updated") and not summary.dry_run
            else ""
        )
        print(f"{_MARKS[result.outcome]} {name}  {result.outcome}  {size}".rstrip())
        for warning in result.warnings:
            print(f"    ⚠ {warning}")
    if summary.dry_run:
        print("dry run: nothing was written")
        return
    print(
        f"{summary.documents} documents, {summary.passages} passages in generation {summary.generation}; "
        f"{len(summary.failed)} file(s) failed; {summary.seconds:.1f} s"
    )
