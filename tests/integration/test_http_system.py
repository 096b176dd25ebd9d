"""Liveness, readiness, version, metrics, the page's files and the API's documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from service_kit import QUESTION, UNANSWERABLE, Client, Library, serving

pytest_plugins = ("service_kit",)


async def test_liveness_asks_for_nothing(client: Client) -> None:
    response = await client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_readiness_names_each_part(client: Client) -> None:
    body = (await client.get("/readyz")).json()
    assert body["status"] == "ok"
    assert body["parts"] == {"catalogue": "ok", "lexical": "ok"}, "what is not configured is no part"
    assert (body["documents"], body["generation"], body["model"]) == (6, "gen-000001", "extractive")


async def test_every_part_is_ok_degraded_or_down(library: Library, tmp_path: Path) -> None:
    for data, said in ((library.data, "ok"), (tmp_path / "none", "degraded")):
        settings = library.settings(data, llm={"model": "some-model", "base_url": "http://127.0.0.1:9/v1"})
        async with serving(settings) as client:
            body = (await client.get("/readyz")).json()
            assert (body["status"], body["parts"]) == (said, {"catalogue": "ok", "lexical": said, "llm": "ok"})


async def test_an_empty_library_is_degraded_and_serves(library: Library, tmp_path: Path) -> None:
    async with serving(library.settings(tmp_path / "none")) as client:
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (200, "degraded")
        assert "nothing is ingested" in response.json()["detail"]
        assert (await client.get("/v1/documents")).json()["data"] == []


async def test_a_broken_generation_is_down(scratch: Library) -> None:
    async with serving(scratch.settings()) as client:
        assert (await client.get("/readyz")).status_code == 200
    for path in (scratch.data / "generations").rglob("*"):
        if path.is_file():
            path.write_bytes(b"broken")
    # One that may write would build it again.
    async with serving(scratch.settings(service={"read_only": True})) as client:
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (503, "down")
        assert response.headers["retry-after"] == "5"
        assert (await client.get("/healthz")).status_code == 200
        asked = await client.post("/v1/ask", json={"question": QUESTION})
        assert asked.status_code == 503
        assert asked.json()["code"] != "internal"


async def test_what_a_stopped_service_left_of_uploads_is_cleared_at_start(scratch: Library) -> None:
    left = scratch.data / "uploads" / "0123456789abcdef" / "upload.md"
    left.parent.mkdir(parents=True)
    left.write_text("# Left\n", "utf-8")
    async with serving(scratch.settings(service={"read_only": True})):
        assert left.exists(), "it may belong to the service that writes"
    async with serving(scratch.settings()) as client:
        assert not left.exists()
        assert (await client.post("/v1/documents", files={"file": ("new.md", b"# New\n\nA new mill.\n")})).status_code == 202


async def test_the_version_says_what_runs(client: Client) -> None:
    body = (await client.get("/version")).json()
    assert body["name"] == "wenju"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", body["version"])
    assert (body["embedding"], body["model"], body["read_only"]) == ("none", "extractive", False)


async def test_the_metrics_count_what_was_done(client: Client) -> None:
    await client.ask()
    await client.ask(UNANSWERABLE)
    await client.get("/v1/nothing")
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    text = response.text
    assert 'wenju_answers_total{language="en",model="extractive",status="answered"} 1.0' in text
    assert re.search(r'wenju_refusals_total\{code="\w+"\} 1\.0', text)
    assert 'wenju_requests_total{method="POST",route="/v1/ask",status="200"} 2.0' in text
    assert 'wenju_requests_total{method="GET",route="other",status="404"} 1.0' in text
    assert "wenju_documents 6.0" in text
    assert re.search(r'wenju_request_seconds_bucket\{le="30.0",route="/v1/ask"\} 2\.0', text)


async def test_the_schema_names_every_route_of_the_contract(client: Client) -> None:
    schema = (await client.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.")
    contract = {
        "/v1/ask": {"post"},
        "/v1/search": {"post"},
        "/v1/chat/completions": {"post"},
        "/v1/models": {"get"},
        "/v1/documents": {"get", "post"},
        "/v1/documents/{document_id}": {"get", "delete"},
        "/v1/documents/{document_id}/file": {"get"},
        "/v1/documents/{document_id}/pages/{number}": {"get"},
        "/v1/documents/{document_id}/pages/{number}.webp": {"get"},
        "/v1/jobs/{job_id}": {"get"},
        "/v1/jobs/{job_id}/events": {"get"},
        "/v1/feedback": {"post"},
        "/healthz": {"get"},
        "/readyz": {"get"},
        "/metrics": {"get"},
        "/version": {"get"},
    }
    for path, methods in contract.items():
        assert set(schema["paths"][path]) >= methods, path


async def test_the_schema_says_what_each_route_gives(client: Client) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    given = {
        ("/v1/ask", "post", "200"): {"application/json", "text/event-stream"},
        ("/v1/chat/completions", "post", "200"): {"application/json", "text/event-stream"},
        ("/v1/documents", "post", "202"): {"application/json"},
        ("/v1/documents", "post", "200"): {"application/json"},
        ("/v1/documents/{document_id}", "delete", "202"): {"application/json"},
        ("/v1/documents/{document_id}/file", "get", "200"): {"application/octet-stream"},
        ("/v1/documents/{document_id}/pages/{number}.webp", "get", "200"): {"image/webp"},
        ("/v1/jobs/{job_id}/events", "get", "200"): {"text/event-stream"},
        ("/v1/evals/{run_id}/events", "get", "200"): {"text/event-stream"},
        ("/metrics", "get", "200"): {"text/plain"},
        ("/readyz", "get", "503"): {"application/json", "application/problem+json"},
        ("/v1/search", "post", "413"): {"application/problem+json"},
        ("/v1/search", "post", "422"): {"application/problem+json"},
        ("/v1/chat/completions", "post", "429"): {"application/json"},
    }
    for (path, method, status), kinds in given.items():
        assert set(paths[path][method]["responses"][status]["content"]) == kinds, (path, status)
    for path, item in paths.items():
        for method, operation in item.items():
            responses = operation["responses"]
            assert {"400", "503"} <= set(responses), path
            assert all(one["schema"] for said in responses.values() for one in said.get("content", {}).values()), (path, method)
            assert not any(status in responses for status in ("200",) if method == "delete"), path
    question = (await client.get("/openapi.json")).json()["components"]["schemas"]["AskRequest"]["properties"]["question"]
    assert (question["minLength"], question["maxLength"]) == (1, 4000)


async def test_the_schema_has_the_key_that_the_service_takes(client: Client, library: Library) -> None:
    for settings, asked in ((library.settings(), False), (library.settings(api_keys=["a-key-of-this-test"]), True)):
        async with serving(settings) as running:
            schema = (await running.get("/openapi.json")).json()
            scheme = schema["components"]["securitySchemes"]["key"]
            assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
            for path, item in schema["paths"].items():
                for method, operation in item.items():
                    if method == "get" and "{" not in path:
                        assert ((await running.get(path)).status_code == 401) == (operation.get("security") == [{"key": []}]), path
            assert ({} in schema["paths"]["/v1/ask"]["post"]["security"]) == (not asked), "where none is asked for, none need be shown"


async def test_the_documentation_needs_no_other_host(client: Client) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page.text)
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        asset = await client.get(path)
        assert asset.status_code == 200, path
        assert asset.content


@pytest.mark.parametrize(("path", "kind"), [("/", "text/html"), ("/web/style.css", "text/css"), ("/favicon.ico", "image/svg+xml")])
async def test_the_pages_files_come_with_their_kind(client: Client, path: str, kind: str) -> None:
    response = await client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)
    assert response.headers["cache-control"] == "no-cache"


async def test_the_page_loads_only_our_own_files(client: Client) -> None:
    page = (await client.get("/")).text
    for path in re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page):
        assert path.startswith("/"), path
        assert not path.startswith("//"), path
        assert (await client.get(path)).status_code == 200, path
    assert not re.search(r"<script(?![^>]*\bsrc=)", page), "no script stands in the page itself"
    assert not re.search(r"\son\w+=", page)
