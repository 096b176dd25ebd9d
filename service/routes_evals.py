"""``POST /v1/evals``, ``GET``, ``DELETE /v1/evals/{id}`` and its events: measuring the running service, one run at a time."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from ingest.kb import DependencyError, NotFoundError, WenjuError
from ingest.kb.generation import write_atomically
from service import hooks
from service.described import EventStream, gives, streams
from service.events import Event, event_stream
from service.shapes import EvalRun, EvalRunList
from service.state import State, require_key, state_of

__all__ = ["EvalRuns", "router"]

router = APIRouter(prefix="/v1/evals", dependencies=[Depends(require_key)], tags=["evals"])
_log = logging.getLogger("wenju.evals")
_KEPT = 200
_WAITING = 10
_MOST_CASES = 2_000
_LOOK_S = 0.1
_RECORD = ("id", "object", "name", "set", "state", "created", "finished", "questions", "done", "measures", "errors")
_ID = re.compile(r"eval_[0-9a-f]{32}")


class EvalRequest(BaseModel):
    """Questions in the form of an eval set's lines."""

    model_config = ConfigDict(extra="forbid")

    cases: list[dict[str, Any]] = Field(min_length=1, max_length=_MOST_CASES)
    name: str = Field("posted", min_length=1, max_length=200)


class TooManyRuns(WenjuError):
    """More runs wait than it makes sense to queue."""

    code = "too_many_evals"
    exit_code = 6
    status = 429


class _Stopped(Exception):
    """The run was stopped, or the service stops: it is given up, nothing of it is kept."""


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without what is our own business."""
    return {name: value for name, value in record.items() if name != "stop"}


class EvalRuns:
    """The runs of one application: records in memory, whole runs as files in ``data_dir/evals``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._records: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._waiting: deque[tuple[State, dict[str, Any], hooks.EvalWork]] = deque()
        self._busy = False
        for path in sorted(folder.glob("eval_*.json"), key=lambda item: item.stat().st_mtime):
            try:
                run = json.loads(path.read_text("utf-8"))
                self._records[run["id"]] = {name: run[name] for name in _RECORD if name in run} | {"stop": False}
            except (OSError, ValueError, KeyError, TypeError) as error:
                _log.warning("%s is no eval run: %s", path.name, error)

    def _record(self, run_id: str) -> dict[str, Any]:
        record = self._records.get(run_id) if _ID.fullmatch(run_id) else None
        if record is None:
            raise NotFoundError(f"there is no eval run {run_id[:80]}", hint=f"GET /v1/evals lists them; the last {_KEPT} are kept.")
        return record

    def records(self) -> list[dict[str, Any]]:
        """Return the runs without their results, newest first."""
        with self._lock:
            return [_shown(record) for record in reversed(self._records.values())]

    def get(self, run_id: str) -> dict[str, Any]:
        """Return a run, with summary and results once it is done.

        Raises:
            NotFoundError: There is no such run.
        """
        with self._lock:
            record = self._record(run_id)
        path = self._folder / f"{run_id}.json"
        if record["state"] != "done" or not path.exists():
            return _shown(record)
        whole: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return whole

    def stop(self, run_id: str) -> dict[str, Any]:
        """Stop a run that waits or goes on, forget one that has ended; return its record.

        Raises:
            NotFoundError: There is no such run.
        """
        with self._lock:
            record = self._record(run_id)
            record["stop"] = True
            if record["state"] == "queued":
                self._waiting = deque(item for item in self._waiting if item[1] is not record)
                record["errors"] = [{"code": "stopped", "reason": "the run was stopped", "hint": "Post it again to measure."}]
                record["state"] = "failed"
            elif record["state"] != "running":
                del self._records[run_id]
                (self._folder / f"{run_id}.json").unlink(missing_ok=True)
        return _shown(record)

    async def events(self, run_id: str) -> AsyncIterator[Event]:
        """Yield the record of a run whenever it changes: ``progress`` while it goes on, ``done`` at its end."""
        record = self._record(run_id)
        last: dict[str, Any] = {}
        while True:
            now = _shown(record)
            ended = now["state"] in ("done", "failed")
            if now != last:
                yield "done" if ended else "progress", now
                last = now
            if ended:
                return
            await asyncio.sleep(_LOOK_S)

    def start(self, state: State, work: hooks.EvalWork, name: str, questions: int) -> dict[str, Any]:
        """Queue a run and return its record.

        Raises:
            TooManyRuns: Ten are waiting.
        """
        with self._lock:
            if sum(record["state"] in ("queued", "running") for record in self._records.values()) >= _WAITING:
                raise TooManyRuns(f"{_WAITING} eval runs are waiting", hint="Wait for one to end; they run one at a time.")
            record = {
                "id": f"eval_{uuid.uuid4().hex}",
                "object": "eval_run",
                "name": name,
                "set": name,
                "state": "queued",
                "created": int(time.time()),
                "questions": questions,
                "done": 0,
                "stop": False,
                "measures": {},
                "errors": [],
            }
            self._records[str(record["id"])] = record
            shown = _shown(record)
            self._waiting.append((state, record, work))
            if not self._busy:
                self._busy = True
                # No pool: its idle thread would look like a job cut short when the service stops.
                threading.Thread(target=self._drain, name="wenju-evals", daemon=True).start()
        return shown

    def _drain(self) -> None:
        """Run what waits, one after the other."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                state, record, work = self._waiting.popleft()
            self._run(state, record, work)

    def _run(self, state: State, record: dict[str, Any], work: hooks.EvalWork) -> None:
        def progress(done: int, _total: int) -> None:
            record["done"] = done
            if record["stop"] or state.stopping.is_set():
                raise _Stopped

        record["state"] = "running"
        try:
            progress(0, record["questions"])
            run = work(progress)
            measures = run["summary"]["headline"]
            if record["stop"]:
                raise _Stopped
            finished = record | {"state": "done", "done": record["questions"], "measures": measures, "finished": int(time.time())}
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._folder / f"{record['id']}.json", json.dumps(run | _shown(finished), ensure_ascii=False).encode("utf-8"))
            with self._lock:
                record.update(finished)
            self._forget()
        except _Stopped:
            record["errors"] = [{"code": "stopped", "reason": "the run was stopped", "hint": "Post it again to measure."}]
            record["state"] = "failed"
        except WenjuError as error:
            record["errors"] = [{"code": error.code, "reason": error.message, "hint": error.hint}]
            record["state"] = "failed"
        except Exception as error:
            _log.exception("eval run %s failed", record["id"])
            record["errors"] = [{"code": "internal", "reason": type(error).__name__, "hint": "The log has the details."}]
            record["state"] = "failed"

    def _forget(self) -> None:
        with self._lock:
            old = [name for name, record in self._records.items() if record["state"] in ("done", "failed")][:-_KEPT]
            for name in old:
                del self._records[name]
        for name in old:
            (self._folder / f"{name}.json").unlink(missing_ok=True)


def _runs(request: Request) -> EvalRuns:
    """Return the application's runs; the folder is read when the first request asks."""
    app = request.app.state
    if not hasattr(app, "evals"):
        app.evals = EvalRuns(Path(state_of(request).settings.data_dir) / "evals")
    runs: EvalRuns = app.evals
    return runs


@router.post("", status_code=202, response_model=None, responses=gives(EvalRun, 202, job=True))
async def start_run(body: EvalRequest, request: Request) -> Response:
    """Ask every question of a posted set and judge the answers; the record says how far it is."""
    state = state_of(request)
    if hooks.eval_runner is None:
        raise DependencyError("this process cannot measure itself", hint="Start the service with `wenju serve`.")
    work = await state.in_thread(hooks.eval_runner, state, body.cases, body.name)
    record = _runs(request).start(state, work, body.name, len(body.cases))
    return JSONResponse(record, 202, {"Location": f"/v1/evals/{record['id']}"})


@router.get("", response_model=None, responses=gives(EvalRunList))
async def list_runs(request: Request) -> Response:
    """List the runs with their measures, newest first."""
    return JSONResponse({"object": "list", "data": _runs(request).records()})


@router.get("/{run_id}", response_model=None, responses=gives(EvalRun))
async def get_run(run_id: str, request: Request) -> Response:
    """Return one run: its record while it goes on, then its summary and every question's result."""
    return JSONResponse(await state_of(request).in_thread(_runs(request).get, run_id))


@router.get("/{run_id}/events", response_model=None, response_class=EventStream, responses=streams())
async def run_events(run_id: str, request: Request) -> Response:
    """Stream how far a run is until it ends."""
    runs = _runs(request)
    # Looked up before the stream begins, so that an unknown run is a 404.
    await state_of(request).in_thread(runs.get, run_id)
    return event_stream(runs.events(run_id), state_of(request).stopping)


@router.delete("/{run_id}", status_code=202, response_model=None, responses=gives(EvalRun, 202))
async def stop_run(run_id: str, request: Request) -> Response:
    """Stop a run that goes on, forget one that has ended: 202 with its record."""
    return JSONResponse(await state_of(request).in_thread(_runs(request).stop, run_id), 202)
