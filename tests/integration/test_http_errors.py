"""Errors: RFC 9457 problem details with a code, for every way a request can be wrong, and nothing of the inside in them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from service_kit import Client, Library, serving

from ingest.kb import WenjuError
from service import routes_ask, routes_documents

pytest_plugins = ("service_kit",)

_MEMBERS = {"type", "title", "status", "code", "detail", "request_id"}


def _problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check a problem document and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) >= _MEMBERS
    assert (body["status"], body["code"], body["type"]) == (status, code, f"about:blank#{code}")
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("question", "said"),
    [
        *((text, "is empty") for text in ("", " \n\t ", "\u200b\u200e\ufeff", "\u0000", "\ue000")),
        *((text, "no words") for text in ("？！…", "🙂", "...", " ? ", "——「」")),
    ],
)
async def test_a_question_without_words(client: Client, question: str, said: str) -> None:
    for path, name in (("/v1/ask", "question"), ("/v1/search", "query")):
        body = _problem(await client.post(path, json={name: question}), 422, "invalid_request")
        assert said in body["detail"]
    stream = await client.post("/v1/ask", json={"question": question, "stream": True})
    _problem(stream, 422, "invalid_request")


async def test_a_question_of_5_000_characters(client: Client) -> None:
    for path, name in (("/v1/ask", "question"), ("/v1/search", "query")):
        body = _problem(await client.post(path, json={name: "問" * 5_000}), 422, "invalid_request")
        assert "4000" in body["detail"].replace(",", "")
        assert "問問問" not in json.dumps(body, ensure_ascii=False), "what was sent is not sent back"
        assert (await client.post(path, json={name: "問" * 4_000})).status_code == 200


async def test_a_lone_surrogate_is_no_text(client: Client) -> None:
    for content in (b'{"question": "tractor \\ud800 Norfolk"}', b'{"question": "tractor", "\\ud800": 1}'):
        response = await client.post("/v1/ask", content=content, headers={"content-type": "application/json"})
        _problem(response, 422, "invalid_request")


@pytest.mark.parametrize("content", [b"{", b'{"question": ', b"\xff\xfe", b"[1, 2", b"question=x", b'{"question": "\xe5"}', b"[" * 50_000])
async def test_broken_json(client: Client, content: bytes) -> None:
    response = await client.post("/v1/ask", content=content, headers={"content-type": "application/json"})
    _problem(response, 422, "invalid_json")


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'"text"', b"7", b"{}"])
async def test_json_that_is_no_question(client: Client, content: bytes) -> None:
    response = await client.post("/v1/ask", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_request"


@pytest.mark.parametrize(
    "more",
    [
        {"language": "fr"},
        {"top_k": 0},
        {"top_k": 51},
        {"top_k": "many"},
        {"stream": "perhaps"},
        {"model": "gpt-9"},
        {"unknown": 1},
        {"history": [{"role": "wizard", "content": "x"}]},
        {"history": [{"role": "user", "content": "x"}] * 21},
        {"history": [{"role": "user", "content": "x" * 20_001}]},
        {"filters": {"languages": ["fr"]}},
        {"filters": {"date_from": "yesterday"}},
        {"filters": {"date_to": "2025-1-1"}},
        {"filters": {"date_to": "2025-13-45"}},
        {"filters": {"date_from": "2025-02-29"}},
        {"filters": {"date_from": "2025-00"}},
        {"question": None},
        {"unknown": None},
        {"filters": {"document_ids": [""]}},
        {"filters": {"document_ids": ["x"] * 501}},
        {"filters": {"tags": "AI"}},
        {"filters": {"colour": "red"}},
    ],
)
async def test_values_that_are_not_allowed(client: Client, more: dict[str, Any]) -> None:
    body = _problem(await client.post("/v1/ask", json={"question": "What of tractors?", **more}), 422, "invalid_request")
    name = next(iter(more))
    assert any(fault["field"].startswith(f"body.{name}") for fault in body["errors"])
    assert body["hint"]


async def test_null_is_what_is_not_given(client: Client) -> None:
    said = {"question": "How many kilograms did the tractor in Norfolk pull?"}
    left = ("history", "language", "top_k", "filters", "stream", "explain", "model")
    plain = (await client.post("/v1/ask", json=said)).json()
    for more in (dict.fromkeys(left), {"filters": {"languages": None, "date_from": None, "date_to": "2030-12"}}):
        response = await client.post("/v1/ask", json=said | more)
        assert response.status_code == 200, response.text
        assert response.json()["answer"] == plain["answer"]
    found = await client.post("/v1/search", json={"query": "tractor", "top_k": None, "filters": None, "explain": None})
    assert (found.status_code, len(found.json()["data"]) <= 10) == (200, True)
    chat = {"messages": [{"role": "user", "content": said["question"]}], "n": None, "stream": None, "model": None}
    assert (await client.post("/v1/chat/completions", json=chat)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/documents/doc_0000000000000000",
        "/v1/documents/..%2f..%2fetc%2fpasswd",
        "/v1/documents/doc_0000000000000000/file",
        "/v1/documents/doc_0000000000000000/pages/1",
        "/v1/documents/doc_0000000000000000/pages/1.webp",
        "/v1/jobs/job_0",
        "/v1/jobs/job_0/events",
        "/v1/nothing",
        "/nothing",
        "/web/../app.py",
        "/web/%2e%2e/app.py",
        "/web/..%2fapp.py",
        "/web/nothing.js",
        "/docs/passwd",
        "/docs/..%2f..%2fmain.py",
    ],
)
async def test_what_is_not_there(client: Client, path: str) -> None:
    _problem(await client.get(path), 404, "not_found")


async def test_deleting_what_is_not_there(client: Client) -> None:
    _problem(await client.delete("/v1/documents/doc_0000000000000000"), 404, "not_found")


async def test_pages_that_are_not_there(client: Client) -> None:
    ids = await client.documents()
    path = f"/v1/documents/{ids['tractors.pdf']}/pages"
    for number in (0, 3, -1, 10**12):
        for suffix in ("", ".webp"):
            _problem(await client.get(f"{path}/{number}{suffix}"), 404, "not_found")
    _problem(await client.get(f"{path}/{10**40}"), 404, "not_found")
    _problem(await client.get(f"{path}/one"), 422, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/ask", "POST"),
        ("PUT", "/v1/documents", "GET, HEAD, POST"),
        ("PATCH", "/v1/documents/doc_0", "GET, HEAD, DELETE"),
        ("POST", "/v1/evals/eval_0", "GET, HEAD, DELETE"),
        ("DELETE", "/healthz", "GET, HEAD"),
        ("PATCH", "/v1/feedback", "POST"),
        ("HEAD", "/v1/search", "POST"),
        ("POST", "/", "GET, HEAD"),
    ],
)
async def test_a_wrong_method(client: Client, method: str, path: str, allowed: str) -> None:
    response = await client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    if method != "HEAD":
        _problem(response, 405, "method_not_allowed")


async def test_a_body_that_says_it_is_too_large(client: Client) -> None:
    for length in ("52000001", "9" * 30, "9" * 5_000, "-1", "many", "1e9", "\u00b2"):
        response = await client.post("/v1/ask", content=b"{}", headers={b"content-length": length.encode("latin-1")})
        _problem(response, 413, "too_large")


async def test_a_body_that_does_not_say_how_large_it_is(library: Library) -> None:
    async with serving(library.settings(service={"max_body_bytes": 100_000})) as client:
        sent = 0

        async def endless(head: bytes) -> AsyncIterator[bytes]:
            nonlocal sent
            yield head
            for _ in range(1_000):
                sent += 10_000
                yield b"x" * 10_000

        part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
        for path, kind, head in (
            ("/v1/ask", "application/json", b'{"question": "'),
            ("/v1/documents", "multipart/form-data; boundary=b", part),
            ("/ask", "application/x-www-form-urlencoded", b"question="),
        ):
            sent = 0
            response = await client.post(path, content=endless(head), headers={"content-type": kind})
            _problem(response, 413, "too_large")
            assert sent <= 120_000, "it is not read to its end"
        exact = b'{"question": "tractor"}'.ljust(100_000)
        assert (await client.post("/v1/ask", content=exact, headers={"content-type": "application/json"})).status_code == 200


async def test_a_fault_of_ours_tells_nothing_of_the_inside(client: Client, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("canary-7f3a /srv/data/catalogue.db")

    monkeypatch.setattr(routes_ask, "search", broken)
    with caplog.at_level(logging.ERROR):
        response = await client.post("/v1/search", json={"query": "tractor"}, headers={"x-request-id": "trace-12345678"})
    body = _problem(response, 500, "internal")
    assert "canary" not in response.text
    assert "Traceback" not in response.text
    assert "RuntimeError" not in response.text
    assert body["request_id"] == "trace-12345678"
    assert "canary-7f3a" in caplog.text, "the log has it"
    metrics = (await client.get("/metrics")).text
    assert 'wenju_requests_total{method="POST",route="/v1/search",status="500"} 1.0' in metrics


async def test_a_known_fault_of_ours_is_a_problem_with_its_status(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Down(WenjuError):
        code = "store_down"
        status = 503

    def broken(*_: Any, **__: Any) -> Any:
        raise Down("the store is down", hint="Wait.")

    monkeypatch.setattr(routes_documents, "_find", broken)
    response = await client.get("/v1/documents/doc_0")
    assert _problem(response, 503, "store_down")["hint"] == "Wait."
    assert response.headers["retry-after"] == "5"


async def test_the_openai_routes_have_openais_errors(client: Client) -> None:
    requests: list[dict[str, Any]] = [
        {"content": b"{"},
        {"json": {}},
        {"json": {"model": "gpt-9", "messages": [{"role": "user", "content": "x"}]}},
    ]
    for request in requests:
        response = await client.post("/v1/chat/completions", **request)
        error = response.json()["error"]
        assert 400 <= response.status_code < 500
        assert set(error) == {"message", "type", "param", "code"}
        assert error["type"] == "invalid_request_error"


_USER = {"role": "user", "content": "tractor"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [_USER, {"role": "user", "content": "？"}]}, "messages[1].content"),
        ({"messages": [_USER], "n": 2}, "n"),
        ({"messages": [_USER], "n": "many"}, "n"),
        ({"messages": [_USER], "model": "gpt-9"}, "model"),
    ],
)
async def test_an_error_of_openais_shape_names_the_part(client: Client, body: dict[str, Any], param: str) -> None:
    error = (await client.post("/v1/chat/completions", json=body)).json()["error"]
    assert error["param"] == param
    if param == "model":
        assert error["message"] == "there is no model gpt-9. Use wenju or wenju-extractive."


async def test_what_is_turned_away_before_a_route_has_the_routes_shape(library: Library) -> None:
    async with serving(library.settings(service={"rate_per_minute": 6})) as client:
        assert (await client.get("/v1/models")).status_code == 200
        for path in ("/v1/models", "/v1/documents"):
            response = await client.get(path)
            assert (response.status_code, response.headers["retry-after"]) == (429, "10")
            said = response.json().get("error") or {"message": response.json()["hint"], "code": response.json()["code"]}
            assert "WENJU_SERVICE__RATE_PER_MINUTE" in said["message"]
            assert said["code"] == "rate_limited"
    async with serving(library.settings(service={"max_concurrency": 0})) as client:
        body = _problem(await client.get("/v1/documents"), 429, "busy")
        assert "WENJU_SERVICE__MAX_CONCURRENCY" in body["hint"]


async def test_the_plain_form_shows_its_faults_as_a_page(client: Client) -> None:
    response = await client.post("/ask", data={"question": "<script>alert(1)</script>" * 200})
    assert (response.status_code, response.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert "<script" not in response.text
    assert 'role="alert"' in response.text
    good = await client.post("/ask", data={"question": "How many kilograms did the tractor in Norfolk pull in 2024?"})
    assert good.status_code == 200
    assert "4,200" in good.text
    assert "tractors.pdf" in good.text


async def test_a_client_that_leaves_ends_its_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def endless(*_: Any, **__: Any) -> AsyncIterator[Any]:
        try:
            yield "start", {}
            await asyncio.sleep(60)
        finally:
            ended.set()

    monkeypatch.setattr(routes_ask, "answer_events", endless)
    asking = asyncio.ensure_future(client.post("/v1/ask", json={"question": "tractor", "stream": True}))
    await asyncio.sleep(0.1)
    asking.cancel()
    await asyncio.wait_for(ended.wait(), 2)
