"""``HEAD`` as ``GET`` without a body, and ``304`` where the client has what it asks for."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import httpx
import pytest
from service_kit import Client, Library, served, serving

from service.routes_documents import shown_name

pytest_plugins = ("service_kit",)

_PATHS = ("/", "/web/style.css", "/healthz", "/readyz", "/version", "/docs", "/openapi.json", "/v1/documents", "/v1/models", "/metrics")
_OF_A_DOCUMENT = ("", "/file", "/pages/1", "/pages/1.webp")


async def _every(client: Client) -> list[str]:
    ident = (await client.documents())["tractors.pdf"]
    return [*_PATHS, *(f"/v1/documents/{ident}{part}" for part in _OF_A_DOCUMENT)]


async def test_head_has_the_headers_of_get_and_no_body(client: Client) -> None:
    for path in await _every(client):
        got, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        for name in ("content-type", "etag", "cache-control", "content-security-policy", "x-content-type-options", "content-disposition"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)
        if path not in ("/metrics", "/readyz"):
            assert head.headers["content-length"] == str(len(got.content)), path
    for path in ("/nothing", "/v1/documents/doc_0", "/v1/jobs/job_0"):
        missing = await client.head(path)
        assert (missing.status_code, missing.content) == (404, b""), path
    metrics = (await client.get("/metrics")).text
    assert 'wenju_requests_total{method="HEAD",route="/v1/documents",status="200"} 1.0' in metrics


async def test_head_shows_a_key_like_get(library: Library) -> None:
    async with serving(library.settings(api_keys=["a-key-of-this-test"])) as client:
        assert (await client.head("/v1/documents")).status_code == 401
        assert (await client.head("/v1/documents", headers={"Authorization": "Bearer a-key-of-this-test"})).status_code == 200


async def test_head_of_a_stream_ends_at_once(scratch: Library) -> None:
    async with serving(scratch.settings()) as client:
        job = client.app.state.wenju.jobs._add("ingest", shown_name("never.md"))
        response = await asyncio.wait_for(client.head(f"/v1/jobs/{job.id}/events"), 2)
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"].startswith("text/event-stream")


async def test_what_the_client_has_is_not_sent_again(client: Client) -> None:
    tagged = [path for path in await _every(client) if "etag" in (await client.get(path)).headers]
    assert {path.rpartition("/")[2] for path in tagged} == {"", "style.css", "file", "1.webp"}
    for path in tagged:
        whole = await client.get(path)
        tag = whole.headers["etag"]
        for sent in (tag, f"W/{tag}", "*", f'"other", {tag}', f'"a", W/"b" ,W/{tag}'):
            again = await client.get(path, headers={"If-None-Match": sent})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), (path, sent)
            assert again.headers["cache-control"] == whole.headers["cache-control"]
            assert again.headers["content-security-policy"] == whole.headers["content-security-policy"]
            assert "content-length" not in again.headers
        for sent in ('"other"', 'W/"other"', tag.strip('"'), ""):
            assert (await client.get(path, headers={"If-None-Match": sent})).content == whole.content, (path, sent)
        head = await client.head(path, headers={"If-None-Match": tag})
        assert (head.status_code, head.content) == (304, b"")
    missing = await client.get("/v1/documents/doc_0/file", headers={"If-None-Match": "*"})
    assert missing.status_code == 404, "what is not there is not known either"


async def test_the_tag_of_a_file_and_a_picture_is_that_of_their_bytes(client: Client) -> None:
    ident = (await client.documents())["tractors.pdf"]
    sha256 = (await client.get(f"/v1/documents/{ident}")).json()["sha256"]
    assert (await client.get(f"/v1/documents/{ident}/file")).headers["etag"] == f'"{sha256}"'
    path = f"/v1/documents/{ident}/pages/2.webp"
    plain, boxed = await client.get(path), await client.get(path, params={"start": 10, "end": 60})
    assert plain.headers["etag"] != boxed.headers["etag"]
    assert (await client.get(path, headers={"If-None-Match": boxed.headers["etag"]})).status_code == 200


def test_over_a_line_the_bodies_are_as_the_headers_say(library: Library, tmp_path: Path) -> None:
    with served(library.data, tmp_path / "log") as running:
        with httpx.Client(base_url=running.url, trust_env=False, timeout=20) as client:
            for path in _PATHS:
                assert client.head(path).status_code == 200, path
                assert client.get("/healthz").json() == {"status": "ok"}, f"the line is as it should be after {path}"
            tag = client.get("/").headers["etag"]
            assert client.get("/", headers={"If-None-Match": tag}).status_code == 304
            assert client.get("/healthz").status_code == 200
        running.stop(signal.SIGTERM)
        said = running.log.read_text("utf-8")
    assert "Traceback" not in said
    assert "Exception" not in said


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_mcp_is_left_alone(client: Client, method: str) -> None:
    response = await client.request(method, "/mcp/", headers={"If-None-Match": "*", "Accept": "application/json"})
    assert response.status_code in (405, 406)
