"""The four tools through the official MCP client, over streamable HTTP and over standard input."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_kit import ROOT, Library, Served, environment, served

mcp = pytest.importorskip("mcp")
pytest_plugins = ("service_kit",)

KEY = "a-key-of-this-test"
ASKED = "How many AI incidents were reported in 2025?"


@pytest.fixture(scope="module")
def service(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(library.data, tmp_path_factory.mktemp("mcp") / "log", WENJU_API_KEYS=KEY) as running:
        yield running


def _content(result: Any) -> dict[str, Any]:
    assert not result.is_error, result
    return dict(result.structured_content or json.loads(result.content[0].text))


async def _all_tools(client: Any) -> None:
    """Call each tool once and check what it gives against the others."""
    names = {tool.name for tool in (await client.list_tools()).tools}
    assert names == {"ask", "search", "get_passage", "list_documents"}
    answer = _content(await client.call_tool("ask", {"question": ASKED}))
    assert answer["status"] == "answered"
    assert "362" in answer["answer"]
    citation = answer["citations"][0]
    found = _content(await client.call_tool("search", {"query": ASKED, "top_k": 3}))
    assert 1 <= len(found["data"]) <= 3
    passage = _content(await client.call_tool("get_passage", {"passage_id": citation["passage_id"]}))
    assert citation["cited_text"] in passage["text"]
    assert passage["file_name"] == "ai-index-2026.md"
    documents = _content(await client.call_tool("list_documents", {}))
    assert documents["total"] == len(documents["data"]) == 6
    assert citation["document_id"] in {document["id"] for document in documents["data"]}
    refused = _content(await client.call_tool("ask", {"question": "誰贏得 1911 年肯特對薩里的板球賽？", "language": "zh-Hant"}))
    assert refused["status"] == "refused"


async def _faults(client: Any) -> None:
    """A wrong argument is an error of the tool, not the end of the session."""
    for name, arguments, said in (
        ("get_passage", {"passage_id": "nope"}, "there is no passage nope. `search` gives"),
        ("ask", {"question": ""}, "the question is empty."),
        ("search", {"query": "？"}, "no words"),
        ("ask", {"question": "x" * 100_000}, "100,000 characters"),
        ("search", {}, "query"),
    ):
        result = await client.call_tool(name, arguments)
        assert result.is_error, (name, result)
        assert said in result.content[0].text
        assert "Traceback" not in result.content[0].text
    assert (await client.list_tools()).tools


async def test_streamable_http(service: Served) -> None:
    from httpx2 import AsyncClient
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    line = AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=30)
    async with line, Client(streamable_http_client(f"{service.url}/mcp/", http_client=line)) as client:
        await _all_tools(client)
        await _faults(client)
    assert "Traceback" not in service.log.read_text("utf-8")


async def test_http_needs_the_key(service: Served) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
        for key in ("", "Bearer another", f"Basic {KEY}"):
            answer = await client.post("/mcp/", json=body, headers=headers | ({"Authorization": key} if key else {}))
            assert answer.status_code == 401, key


async def test_a_stream_held_open_does_not_hold_up_the_stop(library: Library, tmp_path: Path) -> None:
    """A client may listen for as long as it likes (GET); the service stops all the same, and the stream ends in good order."""
    with served(library.data, tmp_path / "log") as running:
        headers = {"Accept": "text/event-stream"}
        async with (
            httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=30) as client,
            client.stream("GET", "/mcp/", headers=headers) as response,
        ):
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            code, seconds = await asyncio.to_thread(running.stop, signal.SIGTERM, 30.0)
            rest = [line async for line in response.aiter_lines() if line and not line.startswith(":")]
        print(f"\nstopped {seconds:.1f} s after SIGTERM")
        assert (code, rest) == (0, [])
        assert seconds <= 5
        assert "without completing response" not in running.log.read_text()


async def test_standard_input(library: Library) -> None:
    from mcp import Client, StdioServerParameters

    command = StdioServerParameters(command=sys.executable, args=[str(ROOT / "wenju.py"), "mcp"], env=environment(library.data))
    async with Client(command) as client:
        await _all_tools(client)
        await _faults(client)
