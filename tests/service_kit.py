"""A library of a few digests and the service over it, in this process or in one of its own.

A plugin: ``pytest_plugins = ("service_kit",)``. Modules import from it before pytest registers it, hence PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from makers import PROSE, pdf_plain, put

from ingest.build import ingest_paths
from ingest.kb import Settings
from service.app import create_app

ROOT = Path(__file__).resolve().parents[1]
DIGESTS = (
    "en/state-of-ai-retention.md",
    "en/ai-index-2026.md",
    "zh-hant/state-of-ai-retention.md",
    "zh-hans/state-of-ai-cost-usage.md",
    "zh-hans/cnnic-genai-2025.md",
)
QUESTION = "What share of the five-month retention does the glass slipper cohort keep?"
UNANSWERABLE = "Who won the cricket match between Kent and Surrey in 1911?"


@dataclass(frozen=True, slots=True)
class Library:
    """A data directory with a generation in it."""

    data: Path
    pdf: bytes

    def settings(self, data: Path | None = None, **more: Any) -> Settings:
        """Return settings of this library, or of a copy of it; ``service`` may be a mapping."""
        return Settings(data_dir=data or self.data, embedding={"provider": "none"}, **more)


Serve = Callable[..., AbstractAsyncContextManager["Client"]]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Five digests in three languages and a PDF of two pages; nobody writes to it."""
    folder = tmp_path_factory.mktemp("library")
    pdf = pdf_plain(
        [PROSE, "The second page speaks of tractors. A tractor in Norfolk pulled 4,200 kilograms in 2024."], title="Tractors at work"
    )
    files = [ROOT / "corpus" / "digests" / name for name in DIGESTS] + [put(folder, "tractors.pdf", pdf)]
    made = Library(folder / "data", pdf)
    summary = ingest_paths(made.settings(), files)
    assert not summary.failed
    return made


@pytest.fixture
def scratch(library: Library, tmp_path: Path) -> Library:
    """A copy of the library that a test may change."""
    shutil.copytree(library.data, tmp_path / "data")
    return Library(tmp_path / "data", library.pdf)


class Client(httpx.AsyncClient):
    """A client of one running application."""

    app: FastAPI

    async def ask(self, question: str = QUESTION, **more: Any) -> dict[str, Any]:
        """Return the answer object to a question."""
        response = await self.post("/v1/ask", json={"question": question, **more})
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def documents(self) -> dict[str, str]:
        """Return the documents' ids by file name."""
        response = await self.get("/v1/documents")
        return {item["file_name"]: item["id"] for item in response.json()["data"]}

    async def finished(self, job: str, seconds: float = 20.0) -> dict[str, Any]:
        """Return a job when it has ended."""
        until = time.monotonic() + seconds
        # Looked at from inside: asking so often over HTTP would be refused.
        while self.app.state.wenju.jobs.get(job).state not in ("done", "failed"):
            assert time.monotonic() < until, self.app.state.wenju.jobs.get(job)
            await asyncio.sleep(0.02)
        return dict((await self.get(f"/v1/jobs/{job}")).json())


@asynccontextmanager
async def serving(settings: Settings, *, headers: Mapping[str, str] | None = None, address: str = "127.0.0.1") -> AsyncIterator[Client]:
    """Run an application in this process, start and stop included, and yield a client of it."""
    app = create_app(settings)
    # An error must be answered, not raised through the client: what a caller sees is what is tested.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 40_000))
    started, leave = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            started.set()
            await leave.wait()

    # A task of its own: start and stop must happen in the same task, and pytest runs them in two.
    life = asyncio.create_task(live())
    await asyncio.wait({life, asyncio.ensure_future(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        async with Client(transport=transport, base_url="http://testserver", headers=headers) as client:
            client.app = app
            yield client
    finally:
        leave.set()
        await life


@pytest.fixture
async def client(library: Library) -> AsyncIterator[Client]:
    """The service over the library, without keys."""
    async with serving(library.settings()) as running:
        yield running


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream's text; comments are left out."""
    out = []
    for frame in text.split("\n\n"):
        if frame and not frame.startswith(":"):
            name, data = frame.split("\n")
            out.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return out


@dataclass(slots=True)
class Served:
    """``wenju.py serve`` in a process of its own."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def raw(self, head: str, body: bytes = b"", *, seconds: float = 10.0) -> bytes:
        """Send bytes as they are and return all that comes back until the service closes the line."""
        with socket.create_connection(("127.0.0.1", self.port), seconds) as line:
            line.sendall(head.encode("latin-1") + body)
            out = bytearray()
            while chunk := line.recv(65_536):
                out += chunk
        return bytes(out)

    def stop(self, signal: int, seconds: float = 10.0) -> tuple[int, float]:
        """Send a signal; return the exit code and how long the end took."""
        began = time.monotonic()
        self.process.send_signal(signal)
        return self.process.wait(seconds), time.monotonic() - began


def environment(data: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a process that works on a data directory; nothing of ours leaks in from the caller's."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("WENJU_")}
    return kept | {"WENJU_DATA_DIR": str(data), "WENJU_EMBEDDING__PROVIDER": "none", "WENJU_LOG_LEVEL": "DEBUG"} | settings


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


@contextmanager
def served(data: Path, log: Path, **settings: str) -> Iterator[Served]:
    """Start ``wenju.py serve``, wait until it answers, and end it however the test left it."""
    port = free_port()
    command = [sys.executable, str(ROOT / "wenju.py"), "serve", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=log.parent, env=environment(data, **settings), stdout=out, stderr=out)
    running = Served(process, port, log)
    try:
        for _ in range(400):
            assert process.poll() is None, log.read_text()
            try:
                if httpx.get(f"{running.url}/healthz", timeout=1, trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        said = log.read_text("utf-8", errors="replace")
        shown = [name for name, value in settings.items() if "API_KEY" in name and any(key in said for key in value.split(","))]
        assert not shown, f"the process's log shows {shown}"
