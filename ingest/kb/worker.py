"""Child processes for work that may crash, hang or eat memory: parsing and rendering of files that strangers made.

A child runs one function at a time and streams back JSON frames, one a line; nothing that it sends is ever executed. It is used again for
the next file until it fails, then replaced. Limits (address space, processor time, no core files, no file writes) are set by the child
on itself before any file is opened; the wall clock is kept by the parent, who kills.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from ingest.kb import errors
from ingest.kb.errors import LimitExceeded, ReadError, WenjuError

__all__ = ["close_workers", "more_time", "run_in_child"]

# A worker is replaced after so many files: whatever a library leaks, it does not leak for long.
_FILES_PER_WORKER = 50
_IDLE_LIMIT = 2
_START = "import sys; sys.path[:] = sys.argv[1].split(chr(10)); from ingest.kb.worker import serve; serve()"


class _Worker:
    """One child process and its pipes."""

    def __init__(self) -> None:
        keep = ("PATH", "HOME", "LANG", "TMPDIR", "TESSDATA_PREFIX", "COVERAGE_PROCESS_START")
        env = {name: os.environ[name] for name in keep if name in os.environ}
        # One thread of algebra: each further one reserves address space that the limit counts.
        env |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
        env |= {"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
        paths = "\n".join(os.path.abspath(entry) if entry else os.getcwd() for entry in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            encoding="utf-8",
            start_new_session=True,
        )
        self.served = 0

    def kill(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait()


_idle: list[_Worker] = []
_lock = threading.Lock()


def _take() -> _Worker:
    with _lock:
        while _idle:
            worker = _idle.pop()
            if worker.process.poll() is None:
                return worker
            worker.kill()
    return _Worker()


def _give_back(worker: _Worker) -> None:
    worker.served += 1
    with _lock:
        if worker.served < _FILES_PER_WORKER and len(_idle) < _IDLE_LIMIT:
            _idle.append(worker)
            return
    worker.kill()


def close_workers() -> None:
    """End the idle children."""
    with _lock:
        workers, _idle[:] = list(_idle), []
    for worker in workers:
        worker.kill()


atexit.register(close_workers)


class _Clock:
    """Kills a worker when its time is up; the time can be extended, by ``spare_s`` in all."""

    def __init__(self, worker: _Worker, timeout_s: float, spare_s: float) -> None:
        self._worker = worker
        self._ends = time.monotonic() + timeout_s
        self._spare = spare_s
        self.seconds = timeout_s
        self.late = threading.Event()
        self._start()

    def _start(self) -> None:
        self._timer = threading.Timer(max(0.0, self._ends - time.monotonic()), self._stop)
        self._timer.daemon = True
        self._timer.start()

    def _stop(self) -> None:
        self.late.set()
        self._worker.process.kill()

    def extend(self, seconds: float) -> None:
        """Grant further seconds, as far as there are any left to grant."""
        granted = min(max(seconds, 0.0), self._spare)
        self._spare -= granted
        self.seconds += granted
        self._ends += granted
        self._timer.cancel()
        self._start()

    def cancel(self) -> None:
        """Let the worker live."""
        self._timer.cancel()


def run_in_child(
    target: str, arguments: dict[str, Any], *, name: str, timeout_s: float, memory_mb: int, spare_s: float = 0.0
) -> Iterator[Any]:
    """Yield what a generator function yields in a child process.

    Args:
        target: ``module:function``; takes ``arguments`` by name and yields values that JSON can hold.
        arguments: For the function.
        name: What is being worked on, for messages.
        timeout_s: Wall-clock and processor seconds.
        memory_mb: Address space of the child in MiB.
        spare_s: Seconds that the function may take beyond, if it asks for them with ``more_time``.

    Raises:
        LimitExceeded: Out of time or memory.
        ReadError: The child died, or raised this or one of its kinds.
    """
    worker = _take()
    clock = _Clock(worker, timeout_s, spare_s)
    clean = False
    try:
        stdin, stdout = worker.process.stdin, worker.process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            request = {"target": target, "arguments": arguments, "seconds": timeout_s, "memory_mb": memory_mb}
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            for line in stdout:
                frame = json.loads(line)
                if frame["is"] == "item":
                    yield frame["value"]
                elif frame["is"] == "time":
                    clock.extend(float(frame["seconds"]))
                elif frame["is"] == "error":
                    clean = not frame.get("spent", False)
                    raise _error(frame, name)
                else:
                    clean = True
                    return
        except (OSError, ValueError) as error:
            if not clock.late.is_set():
                raise ReadError(f"{name}: the reading process broke off ({error})", hint="Other files are not affected.") from error
        raise _death(worker, name, late=clock.late.is_set(), timeout_s=clock.seconds)
    finally:
        clock.cancel()
        if clean and not clock.late.is_set():
            _give_back(worker)
        else:
            worker.kill()


def _error(frame: dict[str, Any], name: str) -> WenjuError:
    kind = getattr(errors, frame["kind"], ReadError)
    if not (isinstance(kind, type) and issubclass(kind, WenjuError)):
        kind = ReadError
    return kind(f"{name}: {frame['message']}", hint=frame["hint"])


def _death(worker: _Worker, name: str, *, late: bool, timeout_s: float) -> ReadError:
    code = worker.process.wait()
    if late or code == -24:
        return LimitExceeded(
            f"{name}: reading took longer than {timeout_s:g} s", hint="Raise read.timeout_s (WENJU_READ__TIMEOUT_S) if you trust the file."
        )
    return ReadError(f"{name}: the reading process died (status {code})", hint="The file may be damaged; other files are not affected.")


# ---- in the child --------------------------------------------------------------------------------------------------------------------

_requests: list[Callable[[dict[str, Any]], None]] = []


def more_time(seconds: float) -> None:
    """Ask for further seconds for what is being done; the parent grants at most its ``spare_s``. Outside of a child nothing happens."""
    if not _requests:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if soft == resource.RLIM_INFINITY else soft + int(seconds), hard))
    _requests[0]({"is": "time", "seconds": seconds})


def _limit(seconds: float, memory_mb: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + int(seconds) + 2, hard))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve() -> None:
    """Answer requests until standard input ends (the child's whole life)."""
    # The pipe is kept for frames; what a library prints goes nowhere.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)

    def send(frame: dict[str, Any]) -> None:
        out.write(json.dumps(frame, ensure_ascii=True) + "\n")
        out.flush()

    _requests.append(send)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            module, _, function = request["target"].partition(":")
            handler = getattr(import_module(module), function)
            _limit(request["seconds"], request["memory_mb"])
            for value in handler(**request["arguments"]):
                send({"is": "item", "value": value})
            send({"is": "end"})
        except WenjuError as error:
            send({"is": "error", "kind": type(error).__name__, "message": error.message, "hint": error.hint})
        except MemoryError:
            limit = request["memory_mb"]
            hint = "Raise read.memory_mb (WENJU_READ__MEMORY_MB) if you trust the file."
            send({"is": "error", "kind": "LimitExceeded", "message": f"needs more than {limit} MiB of memory", "hint": hint, "spent": True})
        except RecursionError:
            hint = "The file is damaged or made to do harm; other files are not affected."
            send({"is": "error", "kind": "ReadError", "message": "is nested too deeply to read", "hint": hint, "spent": True})
        except Exception as error:
            message = f"cannot be read ({type(error).__name__}: {str(error)[:200]})"
            hint = "The file may be damaged; other files are not affected."
            send({"is": "error", "kind": "ReadError", "message": message, "hint": hint})
