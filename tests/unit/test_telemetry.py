"""Spans, where they are asked for: of requests, searches and calls of the model, and with nothing of what was asked or said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes import FakeOpenAI, Reply, cited
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from service_kit import Library, serving

from service import telemetry
from service.telemetry import begin, set_up_tracing, span

pytest_plugins = ("service_kit",)

ASKED = "How many AI incidents were reported in 2025?"
FACT = "Reported AI incidents rose from 233 in 2024 to 362 in 2025."


@pytest.fixture(autouse=True)
def _off_again() -> Iterator[None]:
    yield
    telemetry._tracer = None


def test_nothing_is_made_where_nobody_asked(library: Library) -> None:
    set_up_tracing(library.settings())
    assert telemetry._tracer is None
    with span("x", {"a": 1}) as made:
        made.note({"b": 2}, name="y")
    begin("z").end()


async def test_a_question_has_a_span_for_each_part(library: Library) -> None:
    fake = FakeOpenAI(lambda body: Reply(cited(body, FACT)))
    exporter = InMemorySpanExporter()
    try:
        async with serving(library.settings(llm={"base_url": fake.url, "model": "fake"})) as client:
            set_up_tracing(library.settings(), exporter)
            for more in ({}, {"stream": True}):
                response = await client.post("/v1/ask", json={"question": ASKED, **more}, headers={"x-request-id": "trace-0123"})
                assert response.status_code == 200
            await client.get("/v1/documents/doc_0")
    finally:
        fake.close()
    spans = exporter.get_finished_spans()
    names = [one.name for one in spans]
    assert names.count("POST /v1/ask") == names.count("retrieval") == names.count("chat fake") == 2
    assert names.count("GET /v1/documents/{document_id}") == 1
    ask = next(one for one in spans if one.name == "POST /v1/ask")
    assert ask.attributes is not None
    assert (ask.attributes["http.response.status_code"], ask.attributes["wenju.request_id"]) == (200, "trace-0123")
    chat = next(one for one in spans if one.name == "chat fake")
    assert chat.parent is not None
    assert chat.context is not None
    assert chat.context.trace_id == ask.context.trace_id  # type: ignore[union-attr]
    said = str([one.to_json() for one in spans])
    assert "incidents" not in said
    # The figure alone may also stand in an id or a time.
    assert "to 362" not in said


async def test_a_collector_that_is_not_there_harms_nothing(library: Library) -> None:
    async with serving(library.settings(service={"otel_endpoint": "http://127.0.0.1:9"})) as client:
        assert (await client.ask())["answer"]
