"""The gate's rules one by one, and rates, concurrency, metrics and stopping over a small application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from service_kit import Client, Library, serving

from service import guard, routes_ask
from service.guard import Guard

pytest_plugins = ("service_kit",)


def _bucket(monkeypatch: pytest.MonkeyPatch, per_minute: int) -> tuple[Any, list[float]]:
    now = [1_000.0]
    monkeypatch.setattr("service.guard.time.monotonic", lambda: now[0])
    return guard._Bucket(per_minute), now


def test_a_bucket_gives_a_burst_then_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, now = _bucket(monkeypatch, 60)
    assert [bucket.take("a") for _ in range(10)] == [0.0] * 10
    assert 0 < bucket.take("a") <= 1
    assert bucket.take("b") == 0, "another caller has its own"
    now[0] += 1
    assert bucket.take("a") == 0
    assert bucket.take("a") > 0
    now[0] += 3_600
    assert [bucket.take("a") > 0 for _ in range(11)] == [False] * 10 + [True], "rest does not pile up over the burst"


def test_a_rate_of_0_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, _ = _bucket(monkeypatch, 0)
    assert not any(bucket.take("a") for _ in range(10_000))


def test_the_bucket_forgets_the_oldest_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, _ = _bucket(monkeypatch, 60)
    for number in range(12_000):
        bucket.take(str(number))
    assert len(bucket._level) == 10_000
    assert "0" not in bucket._level


@pytest.mark.parametrize(
    ("headers", "host", "same"),
    [
        ({}, "a", True),
        ({b"origin": b"http://a"}, "a", True),
        ({b"origin": b"http://a:1"}, "a", False),
        ({b"origin": b"null"}, "a", False),
        ({b"origin": b"http://b"}, "a", False),
        ({b"sec-fetch-site": b"none", b"origin": b"http://b"}, "a", True),
        ({b"sec-fetch-site": b"cross-site"}, "a", False),
    ],
)
def test_where_a_request_comes_from(headers: dict[bytes, bytes], host: str, same: bool) -> None:
    assert Guard._same_site(headers, host) is same


async def test_too_many_requests_are_told_when_to_come_back(library: Library) -> None:
    async with serving(library.settings(service={"rate_per_minute": 12})) as client:
        answers = [await client.get("/version") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        assert answers[-1].json()["code"] == "rate_limited"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 6
        for path in ("/healthz", "/readyz", "/web/style.css"):
            assert (await client.get(path)).status_code == 200, "probes and the page's files are free"


async def test_made_up_keys_buy_no_more_requests(library: Library) -> None:
    async with serving(library.settings(api_keys=["the-right-key-1"], service={"rate_per_minute": 12})) as client:
        made_up = [(await client.get("/v1/documents", headers={"authorization": f"Bearer {n}"})).status_code for n in range(5)]
        assert made_up == [401, 401, 429, 429, 429]
        right = {"authorization": "Bearer the-right-key-1"}
        assert (await client.get("/v1/documents", headers=right)).status_code == 200, "the key has tokens of its own"


async def test_more_at_once_than_allowed_are_turned_away(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()

    async def waiting(*_: Any, **__: Any) -> AsyncIterator[Any]:
        await gate.wait()
        yield "done", {}

    monkeypatch.setattr(routes_ask, "answer_events", waiting)
    async with serving(library.settings(service={"max_concurrency": 3})) as client:
        body = {"question": "tractor", "stream": True}
        held = [asyncio.ensure_future(client.post("/v1/ask", json=body)) for _ in range(3)]
        await asyncio.sleep(0.1)
        refused = await client.get("/version")
        assert (refused.status_code, refused.json()["code"]) == (429, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        assert (await client.get("/healthz")).status_code == 200
        gate.set()
        assert {response.status_code for response in await asyncio.gather(*held)} == {200}
        assert (await client.get("/version")).status_code == 200


async def test_a_service_that_stops_takes_nothing_new(client: Client) -> None:
    client.app.state.wenju.stopping.set()
    response = await client.get("/version")
    assert (response.status_code, response.json()["code"], response.headers["retry-after"]) == (503, "shutting_down", "5")
    assert (await client.get("/healthz")).status_code == 200


async def test_labels_of_metrics_stay_few(client: Client) -> None:
    for number in range(30):
        await client.get(f"/v1/documents/doc_{number}")
        await client.get(f"/nothing/{number}")
        await client.request(f"VERB{number}", "/version")
    text = (await client.get("/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("wenju_requests_total")]
    assert any('route="/v1/documents/{document_id}"' in line and line.endswith(" 30.0") for line in lines), lines
    assert any('route="other"' in line for line in lines)
    assert "doc_1" not in text
    assert "VERB" not in text
    assert len(lines) < 10


async def test_what_is_no_request_of_http_passes(library: Library) -> None:
    seen: list[str] = []

    async def inner(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    class Quiet:
        in_flight = None

    await Guard(inner, settings=library.settings(), metrics=Quiet())({"type": "websocket"}, None, None)  # type: ignore[arg-type]
    assert seen == ["websocket"]
