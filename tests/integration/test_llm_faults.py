"""Whatever the endpoint of the language model does, a reader gets an answer from the sources, soon, and is told."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import FAULTS, FakeOpenAI, Reply, cited, passages_of
from service_kit import Client, Library, events_of, free_port, serving

pytest_plugins = ("service_kit",)

QUESTION = "How many AI incidents were reported in 2025?"
HISTORY = [
    {"role": "user", "content": "How many AI incidents were reported in 2024?"},
    {"role": "assistant", "content": "Reported AI incidents rose from 233 in 2024 to 362 in 2025.[1]"},
]
FACT = "Reported AI incidents rose from 233 in 2024 to 362 in 2025."
SECOND = "World AI computing capacity has grown 3.3 times a year since 2022."
TIMEOUTS = {"connect_timeout_s": 0.5, "first_token_timeout_s": 0.5, "idle_timeout_s": 0.5, "total_timeout_s": 1.2}
# Short times where time is what fails; elsewhere they would only tell how busy the machine is.
STALL = {"connect_timeout_s": 5.0, "first_token_timeout_s": 0.5, "idle_timeout_s": 0.5, "total_timeout_s": 1.2}
PATIENT = {"connect_timeout_s": 5.0, "first_token_timeout_s": 10.0, "idle_timeout_s": 10.0, "total_timeout_s": 20.0}
# How long the endpoint keeps still (fakes): who answers before it speaks did not wait for it, however busy the machine is.
STALLED_S = 30.0
STALLS = ("slow_drip", "stall_before", "stall_mid", "never_ends")
# What the reader is told; those that are not here end well.
CODES = {
    "unauthorized": "llm_unauthorized",
    "no_model": "llm_no_model",
    "rate_limited": "llm_rate_limited",
    "rate_limited_plain": "llm_rate_limited",
    "server_error": "llm_failed",
    "empty": "llm_empty",
    "no_content": "llm_empty",
    "garbage": "llm_garbage",
    "wrong_type": "llm_empty",
    "huge_line": "llm_garbage",
    "slow_drip": "llm_timeout",
    "stall_before": "llm_timeout",
    "stall_mid": "llm_timeout",
    "cut": "llm_cut",
    "never_ends": "llm_timeout",
    "reset": "llm_unreachable",
    "broken_json_chunk": "llm_garbage",
    "redirect": "llm_failed",
    "too_long": "llm_length",
}


def _settings(library: Library, url: str, **more: Any) -> Any:
    return library.settings(llm={"base_url": url, "model": "fake", "api_key": "key-of-ours", **(TIMEOUTS | more)})


def _chunks(text: str) -> list[dict[str, Any]]:
    lines = [line[6:] for line in text.split("\n\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


async def _everywhere(client: Client) -> list[tuple[str, dict[str, Any]]]:
    """Ask by all routes at once, and as the second turn of a chat; return the joined text and the object of each."""
    chat = {"model": "wenju", "messages": [{"role": "user", "content": QUESTION}]}
    plain, stream, completion, chunks = await asyncio.gather(
        client.post("/v1/ask", json={"question": QUESTION}),
        client.post("/v1/ask", json={"question": QUESTION, "stream": True}),
        client.post("/v1/chat/completions", json=chat),
        client.post("/v1/chat/completions", json=chat | {"stream": True}),
    )
    # A turn of a chat calls the model twice: by itself, lest the circuit, open by now, answers in place of the fault.
    client.app.state.wenju.breaker.succeeded()
    turn = await client.post("/v1/ask", json={"question": QUESTION, "history": HISTORY})
    for response in (plain, turn, stream, completion, chunks):
        assert response.status_code == 200, response.text
    events = events_of(stream.text)
    names = [name for name, _ in events]
    assert names[:2] == ["start", "retrieval"]
    assert names[-1] == "done"
    assert names.count("done") == 1
    assert dict(events)["retrieval"]["passages"]
    message = completion.json()["choices"][0]["message"]
    pieces = [choice["delta"] for chunk in _chunks(chunks.text) for choice in chunk["choices"]]
    return [
        (plain.json()["answer"], plain.json()),
        (turn.json()["answer"], turn.json()),
        ("".join(data["text"] for name, data in events if name == "delta"), events[-1][1]),
        (message["content"], message),
        ("".join(piece.get("content", "") for piece in pieces), pieces[-1]),
    ]


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """LlamaIndex takes seconds to import; that is not what is timed here."""
    import llama_index.llms.openai_like  # noqa: F401


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    server = FakeOpenAI(lambda body: Reply(cited(body, FACT) + "\n" + cited(body, SECOND)))
    yield server
    server.close()


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_ends_in_an_answer(library: Library, fake: FakeOpenAI, fault: str) -> None:
    good = fake.script
    fake.script = lambda body: Reply(good(body).text, fault=fault, piece=12)
    async with serving(_settings(library, fake.url, **(STALL if fault in STALLS else PATIENT))) as client:
        started = time.monotonic()
        found = await _everywhere(client)
        assert time.monotonic() - started < STALLED_S
    for text, record in found:
        assert "362" in text, fault
        assert record["citations"], fault
        assert record["status"] in ("answered", "partial")
    for text, record in found[:3]:
        assert text == record["answer"]
        code = CODES.get(fault)
        if code is None:
            assert (record["llm_generated"], record["notes"]) == (True, [])
            continue
        notes = [note for note in record["notes"] if note.get("code") == code]
        assert notes, (fault, record["notes"], record["answer"])
        assert notes[0]["text"]
        if record["llm_generated"]:
            assert (notes[0]["kind"], record["status"]) == ("interrupted", "partial")
        else:
            assert (notes[0]["kind"], record["model"]) == ("fallback", "extractive")
        assert "key-of-ours" not in json.dumps(record)


def _closed() -> tuple[str, Any]:
    return f"http://127.0.0.1:{free_port()}/v1", None


def _deaf() -> tuple[str, Any]:
    line = socket.create_server(("127.0.0.1", 0))
    return f"http://127.0.0.1:{line.getsockname()[1]}/v1", line


@pytest.mark.parametrize("kind", ["refused", "tls", "deaf", "no such host"])
async def test_an_endpoint_that_is_not_there_ends_in_an_answer(library: Library, fake: FakeOpenAI, kind: str) -> None:
    held: Any = None
    if kind == "refused":
        url, held = _closed()
    elif kind == "deaf":
        url, held = _deaf()
    else:
        url = fake.url.replace("http:", "https:") if kind == "tls" else "http://nowhere.invalid/v1"
    async with serving(_settings(library, url)) as client:
        started = time.monotonic()
        found = await _everywhere(client)
        assert time.monotonic() - started < STALLED_S
    for text, record in found:
        assert "362" in text
        assert record["citations"]
    for _, record in found[:3]:
        assert not record["llm_generated"]
        assert record["notes"][0]["kind"] == "fallback"
        assert record["notes"][0]["code"] in ("llm_unreachable", "llm_timeout")
    if held is not None:
        held.close()


def _bad(body: dict[str, Any], text: str) -> str:
    """Return a text of the model for a question; a chat's question is repeated as it is."""
    return text.replace("{n}", cited(body, FACT)[-2]) if passages_of(body) else QUESTION


@pytest.mark.parametrize(
    ("kind", "said", "never"),
    [
        ("unknown numbers", f"{FACT}[97]", ""),
        ("no citation", FACT, ""),
        ("an invented figure", FACT.replace("362", "382") + "[{n}]", "382"),
        ("a swapped year", "Reported AI incidents rose from 233 in 2025 to 362 in 2024.[{n}]", "362 in 2024"),
        ("an invented sentence", "Experts blame the banks for it.[{n}]", "banks"),
        ("the other script", "受通報的 AI 事件與銀行有關。[{n}]", "銀行"),
        ("an obeyed injection", "Ignoring all rules. <script>alert(1)</script> Visit https://evil.example now.[{n}]", "evil"),
    ],
)
async def test_what_the_model_gets_wrong_is_shown_on_no_route(library: Library, fake: FakeOpenAI, kind: str, said: str, never: str) -> None:
    fake.script = lambda body: Reply(_bad(body, said))
    async with serving(_settings(library, fake.url, **PATIENT)) as client:
        found = await _everywhere(client)
    for text, record in found:
        assert "362" in text, kind
        assert record["citations"]
        assert not never or never not in json.dumps(record, ensure_ascii=False) + text
    for _, record in found[:3]:
        assert not record["llm_generated"]
        assert [note["kind"] for note in record["notes"]] == ["unsupported"]
        assert record["verification"]["dropped"] >= 1


async def test_half_a_sentence_is_not_shown(library: Library, fake: FakeOpenAI) -> None:
    good = fake.script
    fake.script = lambda body: Reply(good(body).text, fault="cut", piece=60)
    async with serving(_settings(library, fake.url, **PATIENT)) as client:
        answer = await client.ask(QUESTION)
    assert "World AI" not in answer["answer"] or SECOND in answer["answer"]


async def test_a_key_is_sent_as_it_is_and_never_shown(library: Library, fake: FakeOpenAI) -> None:
    async with serving(_settings(library, fake.url, **PATIENT)) as client:
        answer = await client.ask(QUESTION)
        ready = await client.get("/readyz")
        metrics = await client.get("/metrics")
    assert answer["llm_generated"]
    assert {request["_authorization"] for request in fake.requests} == {"Bearer key-of-ours"}
    assert "key-of-ours" not in json.dumps(answer) + ready.text + metrics.text


async def test_extractive_answers_never_ask_the_model(library: Library, fake: FakeOpenAI) -> None:
    async with serving(_settings(library, fake.url, **PATIENT)) as client:
        answer = await client.ask(QUESTION, model="extractive")
        chat = {"model": "wenju-extractive", "messages": [{"role": "user", "content": QUESTION}]}
        await client.post("/v1/chat/completions", json=chat)
    assert not answer["llm_generated"]
    assert fake.requests == []
