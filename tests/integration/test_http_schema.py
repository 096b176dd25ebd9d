"""What the OpenAPI document allows, and what it does not, sent to a service in a process of its own: never a server error.

Schemathesis makes the requests. A short run goes with the ordinary tests; the long one (``-m fuzz``) writes ``build/schemathesis.json``.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from service_kit import Library, Served, served

pytest_plugins = ("service_kit",)

# Of each operation; there are some twenty.
QUICK, FULL = 6, 150
ENOUGH = 2_000
SLOWEST_S = 10.0
_AS_DECLARED = (status_code_conformance, content_type_conformance, response_schema_conformance)
_LIMITS = {
    "WENJU_SERVICE__RATE_PER_MINUTE": "0",
    "WENJU_SERVICE__MAX_CONCURRENCY": "64",
    "WENJU_SERVICE__LOG_FORMAT": "json",
    "WENJU_READ__TIMEOUT_S": "10",
}


@pytest.fixture(scope="module")
def running(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("schema")
    shutil.copytree(library.data, folder / "data")
    with served(folder / "data", folder / "log", **_LIMITS) as one:
        yield one


def send_all(running: Served, examples: int) -> tuple[Counter[str], dict[str, int], float]:
    """Send so many examples of every operation; return the statuses, the examples of each operation, and the slowest answer in seconds."""
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    statuses: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    slowest = [0.0]
    chosen = hypothesis_settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    known = next(iter(httpx.get(f"{running.url}/v1/documents", trust_env=False).json()["data"]))["id"]
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @chosen
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            if "document_id" in (case.path_parameters or {}) and case.method != "DELETE" and sent[case.operation.label] % 2:
                # Half of them reach beyond the first look-up.
                case.path_parameters["document_id"] = known
            began = time.monotonic()
            response = case.call(timeout=60)
            slowest[0] = max(slowest[0], time.monotonic() - began)
            sent[case.operation.label] += 1
            statuses[str(response.status_code)] += 1
            assert response.status_code < 500, f"{case.as_curl_command()}\n{response.status_code} {response.text[:1000]}"
            assert response.headers["x-request-id"]
            case.validate_response(response, checks=_AS_DECLARED)
            if response.status_code >= 400 and case.method != "HEAD":
                body = response.json()
                assert body.get("code") or body["error"].get("code"), response.text[:500]

        one()
    return statuses, dict(sent), slowest[0]


def check(running: Served, sent: dict[str, int]) -> None:
    assert running.process.poll() is None
    assert httpx.get(f"{running.url}/readyz", trust_env=False, timeout=20).json()["status"] == "ok"
    assert "Traceback" not in running.log.read_text("utf-8")
    schema = httpx.get(f"{running.url}/openapi.json", trust_env=False).json()
    assert len(sent) == sum(len(item) for item in schema["paths"].values())


def test_no_request_of_a_few_is_a_server_error(running: Served) -> None:
    _, sent, slowest = send_all(running, QUICK)
    check(running, sent)
    assert slowest < SLOWEST_S


@pytest.mark.fuzz
def test_no_request_of_thousands_is_a_server_error(running: Served, repository: Path) -> None:
    began = time.monotonic()
    statuses, sent, slowest = send_all(running, FULL)
    check(running, sent)
    report: dict[str, Any] = {
        "examples": sum(sent.values()),
        "operations": len(sent),
        "server errors": sum(count for status, count in statuses.items() if status >= "500"),
        "statuses": dict(sorted(statuses.items())),
        "slowest_s": round(slowest, 2),
        "seconds": round(time.monotonic() - began),
        "examples of each": sent,
    }
    path = repository / "build" / "schemathesis.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    assert report["examples"] >= ENOUGH
