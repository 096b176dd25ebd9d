"""Ingest jobs of the service: uploads and deletions, one after the other, in a thread of their own."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ingest.build import BuildSummary, Progress, ingest_paths, publish_catalogue, remove_documents
from ingest.kb import NotFoundError, Settings, WenjuError
from service.metrics import Metrics

__all__ = ["Job", "Jobs"]

_log = logging.getLogger("wenju.jobs")
_KEPT = 200
# An upload waits this long for an ingest from the command line to end.
_WAIT_S = 600.0


@dataclass(slots=True)
class Job:
    """A job as ``GET /v1/jobs/{id}`` shows it; times are Unix seconds.

    Attributes:
        pages_total: Of the files that are read; not known before a file is.
        document_id: What the file's bytes make it, also where reading it fails.
    """

    id: str
    kind: Literal["ingest", "remove", "rebuild"]
    file_name: str
    object: str = "job"
    state: Literal["queued", "running", "done", "failed"] = "queued"
    stage: str = "queued"
    files_done: int = 0
    files_total: int = 1
    pages_done: int = 0
    pages_total: int | None = None
    created: float = field(default_factory=time.time)
    last_event_at: float = field(default_factory=time.time)
    document_id: str | None = None
    generation: str = ""
    passages: int = 0
    warnings: list[str] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the record."""
        return asdict(self)


class Jobs:
    """The queue. A writer's lock keeps the command line and the service apart; within the service there is one worker."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="wenju-jobs")
        self.uploads = settings.data_dir / "uploads"

    def clear_uploads(self) -> None:
        """Remove what a service that was stopped in the middle of a job left: its jobs went with it, nobody waits for these files.

        For the start of a service alone: whoever else makes a queue over the same folder would take away what a running one is to read.
        """
        if not self._settings.service.read_only:
            shutil.rmtree(self.uploads, ignore_errors=True)

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFoundError: There is no such job, or it is long done.
        """
        if job_id not in self._jobs:
            raise NotFoundError(f"there is no job {job_id[:80]}", hint="Jobs are kept until the service restarts, the last 200 of them.")
        return self._jobs[job_id]

    def ingest(self, path: Path, name: str, document_id: str) -> Job:
        """Queue the ingest of an uploaded file, which is removed afterwards."""
        job = self._add("ingest", name)
        job.document_id = document_id

        def work() -> BuildSummary:
            try:
                return ingest_paths(
                    self._settings, [path], names={path: name}, report=self._reporter(job), wait_s=_WAIT_S, remove_missing=False
                )
            finally:
                shutil.rmtree(path.parent, ignore_errors=True)

        self._pool.submit(self._run, job, work)
        return job

    def remove(self, document_id: str, name: str) -> Job:
        """Queue the removal of a document."""
        job = self._add("remove", name)
        job.document_id = document_id
        self._pool.submit(
            self._run, job, lambda: remove_documents(self._settings, [document_id], report=self._reporter(job), wait_s=_WAIT_S)
        )
        return job

    def rebuild(self) -> Job:
        """Queue building the index again from the catalogue; no file is read and nothing that is known embedded again."""
        job = self._add("rebuild", "")
        job.files_total = 0
        report = self._reporter(job)
        self._pool.submit(self._run, job, lambda: publish_catalogue(self._settings, report=report, wait_s=_WAIT_S, rebuild=True))
        return job

    def _add(self, kind: Literal["ingest", "remove", "rebuild"], name: str) -> Job:
        job = Job(f"job_{uuid.uuid4().hex}", kind, name)
        self._jobs[job.id] = job
        while len(self._jobs) > _KEPT:
            self._jobs.popitem(last=False)
        return job

    @staticmethod
    def _reporter(job: Job) -> Callable[[Progress], None]:
        def report(progress: Progress) -> None:
            job.stage = progress.stage
            job.last_event_at = time.time()
            if progress.stage == "reading":
                job.files_done = progress.done
                job.pages_done += progress.pages
                job.pages_total = job.pages_done

        return report

    def _run(self, job: Job, work: Callable[[], BuildSummary]) -> None:
        job.state, job.stage, job.last_event_at = "running", "waiting", time.time()
        try:
            summary = work()
            job.generation, job.passages = summary.generation, sum(result.passages for result in summary.files)
            # Files that were known already, or are removed, are read by nobody.
            job.files_done = job.files_total = len(summary.files)
            job.pages_done = job.pages_total = sum(result.pages for result in summary.files)
            for result in summary.files:
                job.document_id = result.document_id or job.document_id
                job.warnings.extend(result.warnings)
                self._metrics.files.labels(result.outcome).inc()
                self._metrics.pages.inc(result.pages)
                if result.outcome == "failed":
                    job.errors.append({"file": job.file_name, "code": result.code, "reason": result.reason, "hint": result.hint})
            job.state = "failed" if summary.failed else "done"
        except WenjuError as error:
            job.state = "failed"
            job.errors.append({"file": job.file_name, "code": error.code, "reason": error.message, "hint": error.hint})
        except Exception as error:
            _log.exception("job %s failed", job.id)
            job.state = "failed"
            job.errors.append(
                {"file": job.file_name, "code": "internal", "reason": f"{type(error).__name__}", "hint": "The log has the details."}
            )
        job.stage, job.last_event_at = job.state, time.time()
        self._metrics.jobs.labels(job.state).inc()

    async def events(self, job: Job) -> AsyncIterator[dict[str, Any]]:
        """Yield the job whenever it changes, until it ends."""
        last: dict[str, Any] = {}
        while True:
            now = job.as_json()
            if now != last:
                yield now
                last = now
            if job.state in ("done", "failed"):
                return
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        """Stop taking jobs; one that runs is left to end by itself, published whole or not at all."""
        self._pool.shutdown(wait=False, cancel_futures=True)
