"""R19: the service under mixed load for as long as asked (``make soak MINUTES=60``); its memory and handles must stay flat.

Asks in three scripts, plain and streamed and by OpenAI's protocol, searches, reads pages and pictures, uploads and removes documents while
it asks, breaks off streams half way, and sends requests that must be turned away. The figures go to ``build/soak.json``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from service_kit import QUESTION, ROOT, UNANSWERABLE, Library, Served, served

from ingest.build import ingest_paths
from ingest.kb import Settings

pytest_plugins = ("service_kit",)

SEED = 20_261_124
WORKERS = 6
# A reader's longest pause between two requests: without any, what is measured is how long the queue grows.
THINK_S = 1.0
# Caches fill, engines and models load: the slope is taken after this share of the run.
WARM_UP = 0.3
MAX_SLOPE_MB = 1.0
# More than these are merged (ingest).
SEGMENTS = 8
ASKED = (
    QUESTION,
    UNANSWERABLE,
    "生成式人工智慧的使用者有多少？",
    "生成式人工智能的用户规模是多少？",
    "How many AI incidents were reported in 2025?",
    "推理模型占多少 token？",
)


@dataclass
class Watch:
    """What a process holds, read from ``/proc`` every few seconds."""

    process: int
    seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    async def look(self, until: float) -> None:
        began = time.monotonic()
        home = Path(f"/proc/{self.process}")
        while time.monotonic() < until:
            status = dict(line.split(":", 1) for line in (home / "status").read_text().splitlines() if ":" in line)
            self.seconds.append(time.monotonic() - began)
            self.memory_mb.append(int(status["VmRSS"].split()[0]) / 1024)
            self.handles.append(len(list((home / "fd").iterdir())))
            self.threads.append(int(status["Threads"]))
            await asyncio.sleep(3)

    def slope(self, values: list[Any]) -> float:
        """Return the growth a minute, by least squares over what comes after the warm-up."""
        start = int(len(values) * WARM_UP)
        minutes = np.array(self.seconds[start:]) / 60
        return float(np.polyfit(minutes, np.array(values[start:], dtype=float), 1)[0])


class Reader:
    """One reader, who does now this, now that."""

    def __init__(self, client: httpx.AsyncClient, number: int, seen: Counter[str], times: list[float]) -> None:
        self.client, self.number, self.seen, self.times = client, number, seen, times
        self.chance = random.Random(SEED + number)
        self.uploads = 0

    async def run(self, until: float) -> None:
        doings: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.ask, 30), (self.stream, 15), (self.leave, 8), (self.chat, 8),
            (self.search, 20), (self.read, 12), (self.wrong, 5), (self.add, 1),
        ]  # fmt: skip
        while time.monotonic() < until:
            (doing,) = self.chance.choices([d for d, _ in doings], [weight for _, weight in doings])
            began = time.monotonic()
            await doing()
            self.times.append(time.monotonic() - began)
            await asyncio.sleep(self.chance.uniform(0, THINK_S))

    async def _send(self, what: str, method: str, path: str, *, good: tuple[int, ...] = (200,), **more: Any) -> httpx.Response:
        response = await self.client.request(method, path, **more)
        self.seen[what] += 1
        self.seen[f"status {response.status_code}"] += 1
        assert response.status_code in good, f"{what}: {response.status_code} {response.text[:500]}"
        return response

    async def ask(self) -> None:
        answer = await self._send(
            "ask", "POST", "/v1/ask", json={"question": self.chance.choice(ASKED), "explain": self.chance.random() < 0.3}
        )
        assert answer.json()["retrieval"]["degraded"] == []

    async def stream(self) -> None:
        answer = await self._send("stream", "POST", "/v1/ask", json={"question": self.chance.choice(ASKED), "stream": True})
        assert "event: done" in answer.text

    async def leave(self) -> None:
        self.seen["leave"] += 1
        async with self.client.stream("POST", "/v1/ask", json={"question": self.chance.choice(ASKED), "stream": True}) as response:
            async for _ in response.aiter_bytes(64):
                break

    async def chat(self) -> None:
        messages = [{"role": "user", "content": self.chance.choice(ASKED)}]
        body = {"model": "wenju", "messages": messages, "stream": self.chance.random() < 0.5}
        await self._send("chat", "POST", "/v1/chat/completions", json=body)

    async def search(self) -> None:
        await self._send("search", "POST", "/v1/search", json={"query": self.chance.choice(ASKED), "top_k": 20})

    async def read(self) -> None:
        listed = (await self._send("documents", "GET", "/v1/documents")).json()["data"]
        kept = [item for item in listed if not item["file_name"].startswith("soak-")]
        document = self.chance.choice(kept)
        await self._send("page", "GET", f"/v1/documents/{document['id']}/pages/1", params={"script": "zh-Hans"})
        if document["paged"]:
            width = self.chance.choice((400, 800))
            await self._send("picture", "GET", f"/v1/documents/{document['id']}/pages/1.webp", params={"width": width})

    async def wrong(self) -> None:
        kind = self.chance.randrange(4)
        if kind == 0:
            await self._send("wrong", "POST", "/v1/ask", content=b"{", headers={"content-type": "application/json"}, good=(422,))
        elif kind == 1:
            await self._send("wrong", "GET", f"/v1/documents/doc_{self.chance.randrange(10**9)}", good=(404,))
        elif kind == 2:
            await self._send(
                "wrong", "POST", "/v1/ask", json={"question": QUESTION}, headers={"origin": "https://evil.example"}, good=(403,)
            )
        else:
            await self._send("wrong", "GET", "/version", headers={"host": "evil.example"}, good=(400,))

    async def add(self) -> None:
        """Upload a document, wait until it is answered from, remove it."""
        self.uploads += 1
        name = f"soak-{self.number}-{self.uploads}"
        text = f"# {name}\n\nThe flow of the {name} canal was {self.chance.randrange(10**6)} litres in 2025.\n"
        job = (await self._send("upload", "POST", "/v1/documents", files={"file": (f"{name}.md", text)}, good=(202,))).json()
        await self._end(job["id"])
        await self._send("remove", "DELETE", f"/v1/documents/{job['document_id']}", good=(202,))

    async def _end(self, job: str) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            record = (await self._send("job", "GET", f"/v1/jobs/{job}")).json()
            if record["state"] in ("done", "failed"):
                assert record["state"] == "done", record
                return
            await asyncio.sleep(0.3)
        raise AssertionError(f"job {job} did not end")


def make_library(library: Library, folder: Path) -> Path:
    """Return a data directory with the embedded model's vectors, as a new installation has them."""
    files = [*sorted((ROOT / "corpus" / "digests").rglob("ai-index*.md")), *sorted((ROOT / "corpus" / "digests").rglob("state-of-ai-*.md"))]
    (folder / "tractors.pdf").write_bytes(library.pdf)
    summary = ingest_paths(Settings(data_dir=folder / "data"), [*files, folder / "tractors.pdf"])
    assert not summary.failed
    return folder / "data"


async def load(running: Served, minutes: float) -> tuple[Watch, Counter[str], list[float]]:
    watch, seen, times = Watch(running.process.pid), Counter[str](), list[float]()
    async with httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=60) as client:
        # As many segments as there will ever be, before anything is measured: each costs memory once.
        first = Reader(client, WORKERS, seen, times)
        for _ in range(SEGMENTS):
            await first.add()
        until = time.monotonic() + minutes * 60
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch.look(until))
            for number in range(WORKERS):
                tasks.create_task(Reader(client, number, seen, times).run(until))
        metrics = (await client.get("/metrics")).text
    lines = [line for line in metrics.splitlines() if line.startswith("wenju_requests_total")]
    seen["server errors"] = int(sum(float(line.rsplit(" ", 1)[1]) for line in lines if 'status="5' in line))
    return watch, seen, times


@pytest.mark.soak
async def test_memory_and_handles_stay_flat(library: Library, tmp_path: Path, repository: Path) -> None:
    minutes = float(os.environ.get("SOAK_MINUTES", "10"))
    data = await asyncio.to_thread(make_library, library, tmp_path)
    more = {"WENJU_EMBEDDING__PROVIDER": "embedded", "WENJU_SERVICE__RATE_PER_MINUTE": "0", "WENJU_SERVICE__LOG_FORMAT": "json"}
    with served(data, tmp_path / "log", **more) as running:
        watch, seen, times = await load(running, minutes)
        log = running.log.read_text("utf-8")
    report = {
        "minutes": minutes,
        "seed": SEED,
        "requests": dict(sorted(seen.items())),
        "seconds_p50": round(float(np.percentile(times, 50)), 3),
        "seconds_p99": round(float(np.percentile(times, 99)), 3),
        "memory_mb": {"first": round(watch.memory_mb[0]), "most": round(max(watch.memory_mb)), "last": round(watch.memory_mb[-1])},
        "memory_slope_mb_per_minute": round(watch.slope(watch.memory_mb), 3),
        "handles": {"first": watch.handles[0], "most": max(watch.handles), "last": watch.handles[-1]},
        "handles_slope_per_minute": round(watch.slope(watch.handles), 3),
        "threads_most": max(watch.threads),
        "tracebacks": log.count("Traceback"),
        "memory_mb_series": [round(value, 1) for value in watch.memory_mb],
    }
    path = repository / "build" / "soak.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    assert seen["server errors"] == 0
    assert report["tracebacks"] == 0, log[-4000:]
    assert watch.slope(watch.memory_mb) < MAX_SLOPE_MB, report
    assert watch.slope(watch.handles) < 1, report
