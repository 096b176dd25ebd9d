"""R6: with a Chroma server in place of the embedded store, whatever the server does, answers go on, exact, and say that they do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from chroma_kit import FAULTS, Front, chroma, fronted
from crash_kit import Store, check_sound
from damage import dense_settings
from pydantic import ValidationError
from service_kit import Client, serving

from ingest.build import ingest_paths, remove_documents
from ingest.kb import KnowledgeBase, Settings
from ingest.kb.settings import VectorSettings

pytest_plugins = ("service_kit",)

ASKED = {"question": "What is the share of number 5?"}
Running = tuple[Front, "subprocess.Popen[bytes]", int]
# The circuit lets one try through after ten seconds, and the service looks once a second.
RECOVERY_S = 15.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with fronted(tmp_path_factory.mktemp("chroma")) as parts:
        yield parts


@pytest.fixture
def filled(store: Store) -> Store:
    store.fill()
    for number in range(12):
        store.put(f"more-{number}.md", f"# More {number}\n\nThe share of number {number} is {number * 7}%. 企業 {number} 也是。\n")
    ingest_paths(dense_settings(store), [store.corpus])
    return store


def remote(store: Store, url: str, **more: Any) -> Settings:
    """Return settings that ask the server for every question: these few vectors would else be compared without it."""
    plain = dense_settings(store)
    vector = {"url": url, "timeout_s": 1.5, "namespace": f"t{abs(hash(str(store.home))) % 10**9}"}
    return Settings(
        data_dir=plain.data_dir, embedding=plain.embedding, vector=vector, retrieval={"exact_up_to": 0, "candidates": 5}, **more
    )


@pytest.fixture
async def client(filled: Store, running: Running) -> AsyncIterator[Client]:
    front = running[0]
    front.fault = ""
    async with serving(remote(filled, front.url)) as serving_client:
        await until(serving_client, "ok")
        yield serving_client
        front.fault = ""


async def until(client: Client, vector: str, seconds: float = 60.0) -> float:
    """Wait until ``/readyz`` says this of the vectors; return how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        said = (await client.get("/readyz")).json()["parts"]["vector"]
        faults = client.app.state.wenju.snapshot().store_faults
        if said == vector and bool(faults) == (vector == "degraded") and not any("not opened" in fault for fault in faults):
            return time.monotonic() - began
        await asyncio.sleep(0.1)
    raise AssertionError((await client.get("/readyz")).text)


def collections(port: int) -> set[str]:
    url = f"http://127.0.0.1:{port}/api/v2/tenants/default_tenant/databases/default_database/collections"
    return {row["name"] for row in httpx.get(url, trust_env=False).json()}


async def test_the_server_holds_what_is_live_and_is_asked(client: Client, filled: Store, running: Running) -> None:
    front, _, port = running
    state = client.app.state.wenju
    mine = state.settings.vector.namespace
    before, asked = {name for name in collections(port) if name.startswith(mine)}, front.asked
    assert before == {f"{mine}-{segment.folder.name}" for segment in state.snapshot().open_segments}
    answer = await client.ask(**ASKED)
    assert answer["retrieval"]["degraded"] == []
    assert front.asked > asked
    filled.put("new.md", "# New\n\nThe share of the new one is 99%.\n")
    ingest_paths(dense_settings(filled), [filled.corpus])
    remove_documents(dense_settings(filled), [next(iter(state.snapshot().documents))])
    for _ in range(100):
        await asyncio.sleep(0.2)
        if {name for name in collections(port) if name.startswith(mine)} - before:
            break
    await until(client, "ok")
    live = {f"{mine}-{segment.folder.name}" for segment in state.snapshot().open_segments}
    assert {name for name in collections(port) if name.startswith(mine)} == live != before


def hits(settings: Settings) -> tuple[list[str], list[str]]:
    """Return what the server proposes for a question, scored by us, and the exact search of every vector."""
    kb = KnowledgeBase(settings)
    try:
        assert kb.open_stores() == []
        snapshot = kb.snapshot()
        assert snapshot is not None
        assert kb.embedder is not None
        vector = kb.embedder.embed_question("number 7")
        found = snapshot.dense(vector, limit=5)
        segment = snapshot.open_segments[0].dense
        assert segment is not None
        exact = [ordinal for ordinal, _ in zip(*segment.exact(np.asarray(vector), 5), strict=True)]
        return snapshot.ids(found.refs), snapshot.ids([found.refs[0]._replace(ordinal=int(ordinal)) for ordinal in exact])
    finally:
        kb.close()


def test_the_server_proposes_what_exact_search_finds(filled: Store, running: Running) -> None:
    running[0].fault = ""
    proposed, exact = hits(remote(filled, running[0].url))
    assert proposed == exact


# One fault always, all of them with the long runs.
@pytest.mark.parametrize(
    "fault", [fault if place == 0 else pytest.param(fault, marks=pytest.mark.crash) for place, fault in enumerate(FAULTS)]
)
async def test_every_fault_leaves_the_answers(client: Client, running: Running, fault: str) -> None:
    front = running[0]
    good = await client.ask(**ASKED)
    front.fault = fault
    slowest = 0.0
    for _ in range(5):
        began = time.monotonic()
        answer = await client.ask(**ASKED)
        slowest = max(slowest, time.monotonic() - began)
        assert answer["answer"] == good["answer"]
        assert answer["retrieval"]["degraded"] == ["vector"]
    assert slowest < 10, "no question waits longer than the limit of one call, and a slow machine"
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["parts"]["vector"]) == (200, "degraded")
    began = time.monotonic()
    front.fault = ""
    await until(client, "ok")
    took = time.monotonic() - began
    print(f"\n{fault}: slowest answer {slowest:.2f} s, recovered after {took:.1f} s")
    assert took < RECOVERY_S
    assert (await client.ask(**ASKED))["retrieval"]["degraded"] == []


@pytest.mark.crash
async def test_a_server_that_is_stopped_or_gone(filled: Store, tmp_path: Path) -> None:
    from service_kit import free_port

    port = free_port()
    with chroma(tmp_path / "chroma", port) as process:
        async with serving(remote(filled, f"http://127.0.0.1:{port}")) as client:
            await until(client, "ok")
            os.kill(process.pid, signal.SIGSTOP)
            for _ in range(4):
                assert (await client.ask(**ASKED))["retrieval"]["degraded"] == ["vector"]
            assert client.app.state.wenju.kb.server.breaker.state == "down"
            began = time.monotonic()
            assert (await client.ask(**ASKED))["retrieval"]["degraded"] == ["vector"]
            alone = time.monotonic() - began
            os.kill(process.pid, signal.SIGCONT)
            recovered = await until(client, "ok")
            process.kill()
            process.wait(10)
            assert (await client.ask(**ASKED))["retrieval"]["degraded"] == ["vector"]
            # It comes back without anything: it held copies.
            with chroma(tmp_path / "other", port):
                again = await until(client, "ok")
                assert (await client.ask(**ASKED))["retrieval"]["degraded"] == []
    print(f"\nleft alone: answer after {alone:.2f} s; back after {recovered:.1f} s; back empty after {again:.1f} s")
    assert recovered < RECOVERY_S
    assert again < RECOVERY_S + 5
    check_sound(filled)


async def test_a_service_starts_without_its_server(filled: Store) -> None:
    async with serving(remote(filled, "http://127.0.0.1:9")) as client:
        await until(client, "degraded")
        answer = await client.ask(**ASKED)
        assert answer["answer"]
        assert answer["retrieval"]["degraded"] == ["vector"]
        assert not client.app.state.wenju.jobs._jobs, "a server that is down is no damage"


async def test_with_words_and_vectors_both_gone_the_service_says_so(filled: Store) -> None:
    for path in filled.layout.segments.rglob("*.npy"):
        path.write_bytes(b"")
    async with serving(remote(filled, "http://127.0.0.1:9", service={"read_only": True})) as client:
        response = await client.post("/v1/ask", json=ASKED)
        assert response.status_code == 503
        assert response.headers["retry-after"]
        assert response.headers["content-type"] == "application/problem+json"
        assert (await client.get("/readyz")).status_code == 503


@pytest.mark.parametrize("url", ["chroma:8000", "file:///etc/passwd", "http://", "ftp://chroma"])
def test_an_address_is_http(url: str) -> None:
    with pytest.raises(ValidationError, match="http://HOST:PORT"):
        VectorSettings(url=url)
