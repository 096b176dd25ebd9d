"""R10: readers who leave in the middle of an answer, again and again: no task, handle or thread of theirs stays, and memory is flat."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from crash_kit import Store
from damage import dense_settings
from service_kit import Client, serving

from ingest.build import ingest_paths

pytest_plugins = ("service_kit",)

BODY = json.dumps({"question": "What is the share of number 5?", "stream": True}).encode()
HEADERS = [(b"host", b"testserver"), (b"content-type", b"application/json")]
AT_ONCE = 10
# Engines, caches and pools fill first.
WARM_UP = 40
MOST_MB = 20.0


async def leave(client: Client) -> bool:
    """Ask for a stream and go away at its first bytes, as a browser does that is closed; return whether an answer had begun."""
    asked, gone, began = False, asyncio.Event(), False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": BODY, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal began
        began = began or message.get("status") == 200
        if message["type"] == "http.response.body":
            gone.set()

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/v1/ask",
        "raw_path": b"/v1/ask", "query_string": b"", "root_path": "", "headers": HEADERS, "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }  # fmt: skip
    await asyncio.wait_for(client.app(scope, receive, send), 60)  # type: ignore[arg-type]
    return began


def held() -> dict[str, float]:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "tasks": len(asyncio.all_tasks()),
        "handles": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "memory_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
    }


async def leave_again_and_again(store: Store, times: int) -> dict[str, Any]:
    for number in range(12):
        store.put(f"more-{number}.md", f"# More {number}\n\nThe share of number {number} is {number * 7}%. 企業 {number} 也是。\n")
    ingest_paths(dense_settings(store), [store.corpus])
    settings = dense_settings(store).model_copy(update={"service": dense_settings(store).service.model_copy(update={"rate_per_minute": 0})})
    async with serving(settings) as client:

        async def some(count: int) -> int:
            began = 0
            for _ in range(0, count, AT_ONCE):
                began += sum(await asyncio.gather(*(leave(client) for _ in range(AT_ONCE))))
            await asyncio.sleep(0.2)
            return began

        assert await some(WARM_UP) == WARM_UP
        before = held()
        assert await some(times) == times
        after = held()
        assert (await client.ask("What is the share of number 5?"))["status"] == "answered"
    return {"left": times, "before": before, "after": after}


def check(report: dict[str, Any]) -> None:
    before, after = report["before"], report["after"]
    # The watcher's pause is a task now and then, and the pool opens the catalogue once a thread: what stays of readers would be hundreds.
    assert after["tasks"] <= before["tasks"] + 5, report
    assert after["threads"] <= before["threads"] + 1, report
    assert after["handles"] <= before["handles"] + 16, report
    assert after["memory_mb"] - before["memory_mb"] < MOST_MB, report


async def test_a_hundred_who_leave(store: Store) -> None:
    check(await leave_again_and_again(store, 100))


@pytest.mark.crash
async def test_a_thousand_who_leave(store: Store, repository: Path) -> None:
    report = await leave_again_and_again(store, 1000)
    path = repository / "build" / "leaving.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    check(report)
