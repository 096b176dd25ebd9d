"""Many readers at once, and readers who leave: over HTTP, with a language model that speaks slowly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fakes import FakeOpenAI, Reply, cited
from service_kit import Library, Served, served

pytest_plugins = ("service_kit",)

ASKED = "How many AI incidents were reported in 2025?"
FACT = "Reported AI incidents rose from 233 in 2024 to 362 in 2025."
STREAMS = 50
TOKEN_S = 0.05


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeOpenAI]:
    server = FakeOpenAI(lambda body: Reply(cited(body, FACT)))
    yield server
    server.close()


@pytest.fixture(scope="module")
def service(library: Library, fake: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("load") / "log"
    settings = {
        "WENJU_LLM__BASE_URL": fake.url,
        "WENJU_LLM__MODEL": "fake",
        "WENJU_SERVICE__RATE_PER_MINUTE": "0",
        "WENJU_SERVICE__MAX_CONCURRENCY": str(STREAMS),
    }
    with served(library.data, log, **settings) as running:
        # The first answer waits for LlamaIndex to be imported.
        httpx.post(f"{running.url}/v1/ask", json={"question": ASKED}, timeout=90, trust_env=False).raise_for_status()
        yield running


async def _until_free(fake: FakeOpenAI, seconds: float, count: int = 0) -> float:
    began = time.monotonic()
    while fake.active != count and time.monotonic() - began < seconds:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert fake.active == count
    return time.monotonic() - began


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions"])
async def test_a_reader_who_leaves_frees_the_model(service: Served, fake: FakeOpenAI, path: str) -> None:
    fake.script = lambda body: Reply((cited(body, FACT) + " ") * 400, delay_s=0.02)
    chat = {"model": "wenju", "messages": [{"role": "user", "content": ASKED}], "stream": True}
    cancelled = fake.cancelled
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=30) as client:
        async with client.stream("POST", path, json={"question": ASKED, "stream": True} if path == "/v1/ask" else chat) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: ") and "362 in 2025.[1]" in line:
                    break
            assert fake.active == 1
        seconds = await _until_free(fake, 5.0)
        print(f"\n{path}: the endpoint was free {seconds:.2f} s after the reader had left")
        assert seconds < 1.0
        assert fake.cancelled == cancelled + 1


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions"])
async def test_a_reader_who_leaves_before_the_whole_answer_frees_the_model(service: Served, fake: FakeOpenAI, path: str) -> None:
    fake.script = lambda body: Reply((cited(body, FACT) + " ") * 400, delay_s=0.02)
    body = {"question": ASKED} if path == "/v1/ask" else {"model": "wenju", "messages": [{"role": "user", "content": ASKED}]}
    cancelled = fake.cancelled
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=30) as client:
        asking = asyncio.create_task(client.post(path, json=body))
        await _until_free(fake, 20.0, 1)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        seconds = await _until_free(fake, 5.0)
        print(f"\n{path}: the endpoint was free {seconds:.2f} s after the reader had left")
        assert seconds < 1.0
        assert fake.cancelled == cancelled + 1


async def _listen(client: httpx.AsyncClient) -> tuple[int, float, float, str, str]:
    """Ask once; return the status, the seconds to the first text, the longest gap after it, the joined text and the final answer."""
    began = last = time.monotonic()
    first, gap, text, final = 0.0, 0.0, "", ""
    async with client.stream("POST", "/v1/ask", json={"question": ASKED, "stream": True}) as response:
        name = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: ") and name in ("delta", "done"):
                now = time.monotonic()
                data: dict[str, Any] = json.loads(line[6:])
                if name == "delta":
                    first, gap = first or now - began, max(gap, now - last) if first else gap
                    text, last = text + data["text"], now
                else:
                    final = data["answer"]
    return response.status_code, first, gap, text, final


async def test_fifty_streams_at_twenty_tokens_a_second(service: Served, fake: FakeOpenAI) -> None:
    # Twelve sentences of a token every 50 ms; each is shown when it is whole and checked.
    said = " ".join([FACT + "[{n}]"] * 4)
    fake.script = lambda body: Reply(said.replace("{n}", cited(body, FACT)[-2]), delay_s=TOKEN_S, piece=4)
    alone = 4 * (len(FACT) + 4) / 4 * TOKEN_S
    limits = httpx.Limits(max_connections=STREAMS + 10)
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=60, limits=limits) as client:
        one = await _listen(client)
        began = time.monotonic()
        listeners = [asyncio.create_task(_listen(client)) for _ in range(STREAMS)]
        found = await asyncio.gather(*listeners)
        took = time.monotonic() - began
    assert [status for status, *_ in found] == [200] * STREAMS
    assert all(text == final and "362" in final for *_, text, final in found)
    firsts, gaps = sorted(row[1] for row in found), sorted(row[2] for row in found)
    print(f"\none stream: first text {one[1]:.2f} s, largest gap {one[2]:.2f} s; spoken in {alone:.1f} s")
    print(f"{STREAMS} streams: first text p50 {firsts[STREAMS // 2]:.2f} s, p99 {firsts[-1]:.2f} s; all {took:.1f} s")
    print(f"largest gap p99 {gaps[-1]:.2f} s")
    assert firsts[-1] < one[1] + 15
    assert gaps[-1] < one[2] + 5
    await _until_free(fake, 2.0)


async def test_one_reader_more_than_the_cap_is_told_to_come_back(service: Served, fake: FakeOpenAI) -> None:
    gate = threading.Event()

    def script(body: dict[str, Any]) -> Reply:
        gate.wait(60)
        return Reply(cited(body, FACT))

    fake.script = script
    async with httpx.AsyncClient(
        base_url=service.url, trust_env=False, timeout=90, limits=httpx.Limits(max_connections=STREAMS + 10)
    ) as client:
        listeners = [asyncio.create_task(_listen(client)) for _ in range(STREAMS)]
        try:
            await _until_free(fake, 25.0, STREAMS)
            over = await client.post("/v1/ask", json={"question": ASKED})
        finally:
            gate.set()
        found = await asyncio.gather(*listeners)
    assert (over.status_code, over.json()["code"]) == (429, "busy")
    assert over.headers["retry-after"]
    assert all(status == 200 and text == final for status, _, _, text, final in found)
