"""Who may do what: keys on every route, hosts and origins, headers, and that nothing secret gets out."""

from __future__ import annotations

import base64
import io
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from service_kit import QUESTION, UNANSWERABLE, Client, Library, serving

from service import routes_ask, routes_page, routes_system
from service.guard import CSP
from service.logs import RedactSecrets, secrets_of

pytest_plugins = ("service_kit",)

_KEY = "wenju-canary-key-8c1f5e0d2b7a"
_OTHER = "second-canary-key-31415926535"
_LLM = "sk-canary-of-the-language-model"
_PUBLIC = {"/", "/web", "/healthz", "/readyz", "/version", "/docs", "/openapi.json", "/favicon.ico"}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@pytest.fixture
async def locked(library: Library) -> AsyncIterator[Client]:
    """The service with two keys; the client shows none."""
    settings = library.settings(api_keys=[_KEY, _OTHER], service={"rate_per_minute": 0, "read_only": True})
    async with serving(settings) as client:
        yield client


def _bearer(key: str | bytes) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + (key.encode() if isinstance(key, str) else key))]


async def _operations(client: Client) -> list[tuple[str, str]]:
    """Return method and path of every operation, of the schema and beside it."""
    schema = (await client.get("/openapi.json")).json()
    found = [(method.upper(), path) for path, item in schema["paths"].items() for method in item if method in _METHODS]
    assert len(found) >= 18
    hidden = [route for router in (routes_page.router, routes_system.router) for route in router.routes if isinstance(route, APIRoute)]
    routes = [(method, route.path) for route in hidden for method in route.methods or ()]
    return sorted(
        {
            *found,
            *((m, p) for m, p in routes if m != "HEAD"),
            ("GET", "/openapi.json"),
            ("POST", "/mcp/"),
            ("GET", "/mcp/"),
            ("DELETE", "/mcp/"),
        }
    )


def _fill(path: str) -> str:
    return path.replace("{document_id}", "doc_0").replace("{number}", "1").replace("{name:path}", "x").replace("{job_id}", "job_0")


def _public(path: str) -> bool:
    return any(path == open_ or (open_ != "/" and path.startswith(open_ + "/")) for open_ in _PUBLIC)


# ---- keys ----------------------------------------------------------------------------------------------------------------------------


async def test_the_allow_list_is_what_answers_without_a_key(locked: Client) -> None:
    seen = set()
    for method, path in await _operations(locked):
        response = await locked.request(method, _fill(path))
        if response.status_code != 401:
            seen.add(path)
            assert _public(path), f"{method} {path} answers {response.status_code} without a key"
        else:
            assert not _public(path), f"{method} {path} asks for a key"
            assert response.headers["www-authenticate"] == "Bearer"
    assert seen >= {"/", "/healthz", "/readyz", "/version", "/docs", "/openapi.json", "/favicon.ico"}


_WRONG: list[tuple[str, list[tuple[bytes, bytes]]]] = [
    ("wrong", _bearer("wrong")),
    ("empty", _bearer("")),
    ("no header value", [(b"authorization", b"")]),
    ("only the scheme", [(b"authorization", b"Bearer")]),
    ("blank", _bearer("   ")),
    ("not ascii", _bearer("鑰匙".encode())),
    ("not utf-8", _bearer(b"\xff\xfe\xfd")),
    ("long", _bearer("k" * 1_000_000)),
    ("prefix", _bearer(_KEY[:-1])),
    ("longer", _bearer(_KEY + "x")),
    ("other case", _bearer(_KEY.upper())),
    ("two keys", _bearer(f"{_KEY},{_OTHER}")),
    ("basic", [(b"authorization", b"Basic " + base64.b64encode(f"user:{_KEY}".encode()))]),
    ("no scheme", [(b"authorization", _KEY.encode())]),
    ("other header", [(b"x-api-key", _KEY.encode())]),
    ("wrong first", _bearer("wrong") + _bearer(_KEY)),
]


@pytest.mark.parametrize("header", [header for _, header in _WRONG], ids=[name for name, _ in _WRONG])
async def test_a_wrong_key_is_401_everywhere(locked: Client, header: list[tuple[bytes, bytes]]) -> None:
    for method, path in await _operations(locked):
        if not _public(path):
            response = await locked.request(method, _fill(path), headers=header)
            assert response.status_code == 401, f"{method} {path}"
            error = response.json()
            assert error.get("code", error.get("error", {}).get("code")) == "unauthorized"


async def test_a_key_in_the_address_is_no_key(locked: Client) -> None:
    for name in ("key", "api_key", "token", "access_token"):
        assert (await locked.get("/v1/documents", params={name: _KEY})).status_code == 401
    assert (await locked.get("/v1/documents", headers={"cookie": f"authorization={_KEY}"})).status_code == 401


async def test_each_right_key_opens_every_route(locked: Client) -> None:
    for key in (_KEY, _OTHER):
        for method, path in await _operations(locked):
            if (method, path) == ("GET", "/mcp/"):
                continue  # a stream without an end
            response = await locked.request(method, _fill(path), headers=_bearer(key))
            assert response.status_code not in (401, 403) or response.json()["code"] == "read_only", f"{method} {path}"
            assert response.status_code < 500, f"{method} {path}"
    assert (await locked.get("/v1/documents", headers=[(b"authorization", b"bearer   " + _KEY.encode())])).status_code == 200


async def test_a_wrong_key_is_told_nothing_of_the_library(locked: Client) -> None:
    known = next(iter(locked.app.state.wenju.snapshot().documents))
    answers = [await locked.get(f"/v1/documents/{ident}") for ident in (known, "doc_0")]
    assert [response.status_code for response in answers] == [401, 401]
    assert len({re.sub(r"[0-9a-f]{32}", "", response.text) for response in answers}) == 1


async def test_the_key_is_asked_for_before_the_body_is_read(locked: Client) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 100_000

    for path, kind in (
        ("/v1/ask", "application/json"),
        ("/v1/documents", "multipart/form-data; boundary=x"),
        ("/ask", "application/x-www-form-urlencoded"),
    ):
        response = await locked.post(path, content=body(), headers={"content-type": kind})
        assert response.status_code == 401, path
        assert read == 0, path


# ---- hosts and sites -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["testserver", "localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8000", "LOCALHOST"]
)
async def test_our_hosts_are_answered(client: Client, host: str) -> None:
    assert (await client.get("/version", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000", "127.0.0.1@evil.example", "localhost.evil.example", "evil.example#localhost", "127.0.0.1.nip.io",
        "", "localhost:8000:8000", "localhost/", "localhost\\", "::1", "0.0.0.0", "127.0.0.2", "localhost:port", "локалхост",
    ],
)  # fmt: skip
async def test_other_hosts_are_not(client: Client, host: str) -> None:
    for method, path in (("GET", "/version"), ("GET", "/healthz"), ("GET", "/"), ("POST", "/v1/ask"), ("GET", "/nothing")):
        response = await client.request(method, path, headers={b"host": host.encode()})
        assert (response.status_code, response.json()["code"]) == (400, "unknown_host"), path


async def test_a_host_can_be_added_and_all_be_allowed(library: Library) -> None:
    async with serving(library.settings(service={"allowed_hosts": ["wenju.example"]})) as client:
        assert (await client.get("/version", headers={"host": "Wenju.Example:443"})).status_code == 200
        assert (await client.get("/version", headers={"host": "localhost"})).status_code == 400
    async with serving(library.settings(service={"allowed_hosts": ["*"]})) as client:
        assert (await client.get("/version", headers={"host": "any.example"})).status_code == 200


_SITES = [
    ({}, True),
    ({"sec-fetch-site": "same-origin"}, True),
    ({"sec-fetch-site": "none"}, True),
    ({"sec-fetch-site": "same-site"}, False),
    ({"sec-fetch-site": "cross-site"}, False),
    ({"sec-fetch-site": "Same-Origin, cross-site"}, False),
    ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, False),
    ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, True),
    ({"origin": "http://testserver"}, True),
    ({"origin": "https://testserver"}, True),
    ({"origin": "http://testserver:81"}, False),
    ({"origin": "http://evil.example"}, False),
    ({"origin": "null"}, False),
    ({"origin": "http://testserver.evil.example"}, False),
    ({"origin": "http://testserver@evil.example"}, False),
    ({"origin": "ftp://testserver"}, False),
]


@pytest.mark.parametrize(("headers", "taken"), _SITES)
async def test_what_changes_something_comes_from_our_own_page(client: Client, headers: dict[str, str], taken: bool) -> None:
    for method, path in (
        ("POST", "/v1/ask"),
        ("POST", "/v1/documents"),
        ("DELETE", "/v1/documents/doc_0"),
        ("POST", "/ask"),
        ("POST", "/mcp/"),
    ):
        response = await client.request(method, path, headers=headers)
        refused = response.status_code == 403 and response.json()["code"] == "cross_site"
        assert refused is not taken, f"{method} {path}: {response.status_code}"
    assert (await client.get("/v1/documents", headers=headers)).status_code == 200, "reading is for the browser's own rules"


async def test_no_route_takes_an_address_to_fetch(client: Client) -> None:
    schema = (await client.get("/openapi.json")).json()
    names: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            assert node.get("format") not in ("uri", "url", "iri", "hostname"), node
            names.update(node.get("properties", {}))
            names.update(name for name in (node.get("name"),) if isinstance(name, str))
            if "$ref" in node:
                walk(schema["components"]["schemas"][node["$ref"].rpartition("/")[2]])
            for part in node.values():
                walk(part)
        elif isinstance(node, list):
            for part in node:
                walk(part)

    for item in schema["paths"].values():
        for operation in item.values():
            walk([operation.get("parameters", []), operation.get("requestBody", {})])
    assert {"question", "document_id", "file"} <= names
    assert not [name for name in names if re.search(r"ur[il]|href|link|host|address|endpoint|path|proxy|webhook|callback", name)]


async def test_there_is_no_cors(client: Client) -> None:
    origin = {"origin": "https://evil.example"}
    preflight = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    responses = [
        await client.get("/v1/documents", headers=origin),
        await client.get("/", headers=origin),
        await client.post("/v1/ask", json={"question": QUESTION}, headers=origin),
        await client.options("/v1/ask", headers=preflight),
        await client.options("/mcp/", headers=preflight),
        await client.get("/v1/documents", headers={"origin": "null"}),
    ]
    for response in responses:
        assert not [name for name in response.headers if name.startswith("access-control-")]
    assert not any(response.is_success for response in responses[3:5])


# ---- headers -------------------------------------------------------------------------------------------------------------------------


async def test_every_answer_has_the_headers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("x")

    monkeypatch.setattr(routes_ask, "search", broken)
    ids = await client.documents()
    pdf = ids["tractors.pdf"]
    json_ = {"content-type": "application/json"}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/", {}), ("GET", "/web/style.css", {}), ("GET", "/favicon.ico", {}), ("GET", "/docs", {}), ("GET", "/openapi.json", {}),
        ("GET", "/healthz", {}), ("GET", "/readyz", {}), ("GET", "/metrics", {}), ("GET", "/version", {}),
        ("GET", f"/v1/documents/{pdf}/file", {}), ("GET", f"/v1/documents/{pdf}/pages/1.webp", {}), ("GET", f"/v1/documents/{pdf}", {}),
        ("POST", "/v1/ask", {"json": {"question": QUESTION}}), ("POST", "/v1/ask", {"json": {"question": QUESTION, "stream": True}}),
        ("POST", "/v1/ask", {"json": {"question": UNANSWERABLE}}), ("POST", "/ask", {"data": {"question": QUESTION}}),
        ("POST", "/v1/search", {"json": {"query": "x"}}),  # 500
        ("POST", "/v1/ask", {"content": b"{", "headers": json_}), ("GET", "/nothing", {}), ("PUT", "/v1/ask", {}),
        ("GET", "/", {"headers": {"host": "evil.example"}}), ("POST", "/v1/ask", {"headers": {"origin": "null"}}),
        ("POST", "/v1/ask", {"headers": {"content-length": "99999999999"}}), ("OPTIONS", "/v1/ask", {}), ("HEAD", "/", {}),
        ("POST", "/mcp/", {"content": b"{", "headers": json_}), ("GET", "/mcp", {}),
        ("GET", f"/v1/documents/{pdf}/file", {"headers": {"range": "bytes=5-9"}}),
    ]  # fmt: skip
    statuses = set()
    for method, path, more in asked:
        response = await client.request(method, path, **more)
        statuses.add(response.status_code)
        head, where = response.headers, f"{method} {path} {response.status_code}"
        assert head["x-content-type-options"] == "nosniff", where
        assert head["referrer-policy"] == "no-referrer", where
        assert (head["cross-origin-opener-policy"], head["cross-origin-resource-policy"]) == ("same-origin", "same-origin"), where
        assert head["permissions-policy"] == "camera=(), microphone=(), geolocation=()", where
        assert re.fullmatch(r"[0-9a-f]{32}", head["x-request-id"]), where
        assert "default-src 'none'" in head["content-security-policy"], where
        assert head["content-security-policy"] == CSP or path.startswith("/docs"), where
        assert "frame-ancestors 'none'" in head["content-security-policy"], where
        assert head.get_list("cache-control"), where
        assert "server" not in head, where
        for name in ("x-content-type-options", "content-security-policy", "x-request-id"):
            assert len(head.get_list(name)) == 1, where
    assert statuses >= {200, 206, 400, 403, 404, 405, 413, 422, 500}


def test_the_policy_allows_no_script_but_our_own() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in CSP.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["form-action"] == rules["font-src"] == "'self'"
    assert (rules["base-uri"], rules["frame-ancestors"], rules["require-trusted-types-for"]) == ("'none'", "'none'", "'script'")
    assert "unsafe" not in CSP
    assert "http" not in CSP
    assert "*" not in CSP


async def test_answers_are_not_kept_by_caches(client: Client) -> None:
    for response in (
        await client.post("/v1/ask", json={"question": QUESTION}),
        await client.post("/v1/ask", json={"question": QUESTION, "stream": True}),
        await client.get("/v1/documents"),
        await client.get("/v1/nothing"),
    ):
        assert response.headers["cache-control"] == "no-store"


async def test_a_request_id_is_kept_only_if_it_is_harmless(client: Client) -> None:
    good = "trace-1.2_3"
    assert (await client.get("/healthz", headers={"x-request-id": good})).headers["x-request-id"] == good
    for bad in ("short", "x" * 65, "has space in it", "<script>alert</script>", "日本語日本語日本", "line\tbreak-line", "a;b;c;d;e;f"):
        given = (await client.get("/healthz", headers={b"x-request-id": bad.encode()})).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{32}", given), bad
    ids = {(await client.get("/healthz")).headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


# ---- nothing gets out ----------------------------------------------------------------------------------------------------------------


async def test_no_secret_is_in_any_log_or_answer(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = library.settings(api_keys=[_KEY, _OTHER], llm={"api_key": _LLM}, service={"rate_per_minute": 0})
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(RedactSecrets(secrets_of(settings)))
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(root, "level", logging.DEBUG)

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"the call with {_LLM} and {_KEY} failed")

    texts = []
    async with serving(settings, headers={"authorization": f"Bearer {_KEY}"}) as client:
        for method, path in await _operations(client):
            if (method, path) == ("GET", "/mcp/"):
                continue
            response = await client.request(method, _fill(path))
            texts.append(response.text + str(response.headers))
        texts.append((await client.post("/v1/ask", json={"question": QUESTION, "explain": True})).text)
        texts.append((await client.get("/v1/documents", params={"after": _KEY})).text)
        monkeypatch.setattr(routes_ask, "search", broken)
        texts.append((await client.post("/v1/search", json={"query": "x"})).text)
        texts.append((await client.post("/v1/ask", content=f'{{"{_OTHER}'.encode(), headers={"content-type": "application/json"})).text)
        assert _KEY not in repr(settings)
        assert _LLM not in repr(client.app.state.wenju.settings)
    logged = out.getvalue()
    assert "RuntimeError: the call with [secret] and [secret] failed" in logged, "the fault was logged, without the secret"
    for secret in (_KEY, _OTHER, _LLM):
        assert secret not in logged
        assert not [text for text in texts if secret in text]


async def test_questions_are_in_the_log_if_the_operator_wants_them(library: Library, caplog: Any) -> None:
    async with serving(library.settings(service={"log_content": True})) as client:
        with caplog.at_level(logging.INFO, "wenju"):
            await client.ask("What of the zanzibarian tractor?")
            await client.post("/v1/search", json={"query": "zanzibarian mill"})
    asked = [record.facts["question"] for record in caplog.records if record.name == "wenju.service" and record.getMessage() == "asked"]
    assert asked == ["What of the zanzibarian tractor?", "zanzibarian mill"]


async def test_no_question_is_in_the_log(client: Client, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "wenju"):
        await client.ask("What of the zanzibarian tractor?")
        await client.post("/v1/search", json={"query": "zanzibarian"})
        await client.get("/v1/documents/zanzibarian", params={"q": "zanzibarian"})
    ours = [record for record in caplog.records if record.name.startswith("wenju")]
    assert len(ours) >= 3
    assert not [record for record in ours if "zanzibarian" in record.getMessage() or "zanzibarian" in str(getattr(record, "facts", ""))]
