"""Runs ``wenju`` commands in processes that may die: imports once, then forks for each request (a JSON line on standard input).

Files are read in the forked process itself, not in a further child: what is on trial here is the writing.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any


def prepare() -> Any:
    import ingest.build
    import ingest.cli
    import wenju
    from ingest.kb.analyse import Analyser
    from ingest.kb.catalogue import Catalogue
    from ingest.kb.lexicon import load_lexicon
    from ingest.kb.settings import ReadSettings
    from ingest.readers import read_file

    with tempfile.TemporaryDirectory() as folder:
        # Whatever loads on first use loads now, once; nothing here starts a thread, which a fork would lose.
        path = Path(folder) / "a.md"
        path.write_text("# One\n\nSome words.\n", "utf-8")
        list(read_file(path, ReadSettings()))
        Catalogue(Path(folder) / "catalogue.sqlite3", create=True).close()
    Analyser(load_lexicon(())).analyse("人工智慧的份額是多少？ What share?")

    def here(path: Any, *, settings: Any, password: str | None = None, name: str = "") -> Any:
        return read_file(path, settings, password=password, name=name)

    ingest.build.read_in_child = here
    assert threading.active_count() == 1
    return wenju.main


def child(main: Any, request: dict[str, Any]) -> None:
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(request["env"])
    if request.get("fsize") is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["fsize"], hard))
    code = 1
    try:
        code = main(request["argv"])
    except SystemExit as error:
        code = int(error.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(pid: int, kill_after: float | None) -> int:
    deadline = None if kill_after is None else time.monotonic() + kill_after
    while True:
        done, status = os.waitpid(pid, 0 if deadline is None else os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if deadline is not None and time.monotonic() >= deadline:
            os.kill(pid, signal.SIGKILL)
            deadline = None
        time.sleep(0.001)


def serve() -> None:
    out = os.fdopen(os.dup(1), "w")
    main = prepare()
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            child(main, request)
        code = wait(pid, request.get("kill_after"))
        print(json.dumps({"pid": pid, "code": code, "seconds": time.monotonic() - started}), file=out, flush=True)


if __name__ == "__main__":
    serve()
