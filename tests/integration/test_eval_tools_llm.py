"""Drafting with a scripted model, runs whose answers a model writes, and reviewing in the browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import Reply, cited, fake_openai
from service_kit import Library
from starlette.testclient import TestClient

from eval.askers import HttpAsker, LocalAsker
from eval.cases import Case, Evidence, load_sets, write_set
from eval.check import check_cases
from eval.drafting_llm import draft_with_model
from eval.review_page import review_app
from eval.run import run_cases
from ingest.kb import DependencyError, KnowledgeBase, SettingsError, WenjuError
from service.llm import LlmError

pytest_plugins = ("service_kit",)

SENTENCE = "A tractor in Norfolk pulled 4,200 kilograms in 2024."
CASE = Case(
    "t-en",
    "t",
    "en",
    "How much did a tractor in Norfolk pull?",
    "number",
    True,
    (("4,200",),),
    (),
    (Evidence("tractors.pdf", 2, SENTENCE),),
)


def _settings(library: Library, url: str) -> Any:
    return library.settings(llm={"base_url": url, "model": "fake"})


def _draft(body: dict[str, Any]) -> Reply:
    """Draft a right question from each passage that speaks of tractors, a wrong one from the others."""
    passage = body["messages"][-1]["content"]
    if SENTENCE in passage:
        asked = {
            "zh-Hant": "諾福克的拖拉機拉了多少公斤？",
            "zh-Hans": "诺福克的拖拉机拉了多少公斤？",
            "en": "How many kilograms did it pull?",
        }
        record = {"question": asked, "type": "number", "answer": "4,200 kilograms", "quote": SENTENCE}
        return Reply("Here you are:\n```json\n" + json.dumps(record, ensure_ascii=False) + "\n```")
    record = {"question": {"en": "What was made up?"}, "answer": "42%", "quote": "This sentence stands nowhere, 42%."}
    return Reply(json.dumps(record))


# ---- drafting ------------------------------------------------------------------------------------------------------------------------


def test_a_models_drafts_are_kept_only_if_the_passage_bears_them_out(library: Library) -> None:
    with fake_openai(_draft) as server:
        settings = _settings(library, server.url)
        cases, dropped = draft_with_model(KnowledgeBase(settings), per_document=2)
        assert all("<<<PASSAGE" in request["messages"][-1]["content"] for request in server.requests)
        assert len(server.requests) == dropped + 1
    assert [case.language for case in cases] == ["zh-Hant", "zh-Hans", "en"]
    assert len({case.group_id for case in cases}) == 1
    assert {case.reviewed_by for case in cases} == {""}
    assert {case.evidence for case in cases} == {(Evidence("tractors.pdf", 2, SENTENCE),)}
    found = check_cases(cases, LocalAsker(library.settings()))
    assert {fault["fault"] for fault in found} == {"not reviewed"}


@pytest.mark.parametrize("said", ["no JSON here", "[1, 2]", '{"question": "x"}', '{"question": {"en": 3}, "answer": 4, "quote": null}'])
def test_garbage_of_a_model_makes_no_question(library: Library, said: str) -> None:
    with fake_openai(lambda _: Reply(said)) as server:
        cases, dropped = draft_with_model(KnowledgeBase(_settings(library, server.url)), per_document=1)
    assert (cases, dropped > 0) == ([], True)


def test_an_endpoint_that_is_down_is_told(library: Library) -> None:
    with fake_openai(lambda _: Reply(fault="unauthorized")) as server, pytest.raises(LlmError, match="key"):
        draft_with_model(KnowledgeBase(_settings(library, server.url)), per_document=1)


# ---- runs ----------------------------------------------------------------------------------------------------------------------------


def test_a_run_asks_the_configured_model_and_counts_its_tokens(library: Library) -> None:
    def script(body: dict[str, Any]) -> Reply:
        return Reply(cited(body, SENTENCE))

    with fake_openai(script) as server:
        run = run_cases([CASE], LocalAsker(_settings(library, server.url)))
    [result] = run["results"]
    assert result["answer"]["llm_generated"]
    assert result["scores"]["accuracy"] == 1.0
    usage = run["summary"]["usage"]
    assert usage["answers"] == 1
    assert usage["prompt_tokens"] > 100
    assert 5 < usage["completion_tokens"] < 40
    assert run["fingerprint"]["model"] == "fake"
    assert run["fingerprint"]["settings"]["llm"]["temperature"] == 0.1
    assert "api_key" not in json.dumps(run)


# ---- over HTTP -----------------------------------------------------------------------------------------------------------------------


def _asker(answer: Any, **more: Any) -> HttpAsker:
    return HttpAsker("http://wenju.example", transport=httpx.MockTransport(answer), **more)


def test_a_service_that_limits_its_callers_is_waited_for() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("authorization", ""))
        return httpx.Response(429, headers={"retry-after": "0"}) if len(asked) < 3 else httpx.Response(200, json={"status": "refused"})

    assert _asker(answer, key="k").ask(CASE) == {"status": "refused"}
    assert asked == ["Bearer k"] * 3


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, SettingsError, "401"),
        (503, DependencyError, "503"),
        (422, WenjuError, "422"),
        (500, WenjuError, "500"),
        (200, DependencyError, "no Wenju"),
    ],
)
def test_what_a_service_answers_instead(status: int, kind: type[WenjuError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        _asker(lambda _: httpx.Response(status, json={"detail": "x"})).ask(CASE)
    assert caught.value.hint


def test_a_service_that_is_gone() -> None:
    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(DependencyError, match="cannot be asked"):
        _asker(gone).ask(CASE)
    with pytest.raises(SettingsError, match="no address"):
        HttpAsker("localhost:8000")


# ---- reviewing -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def drafts(tmp_path: Path) -> Path:
    path = tmp_path / "drafts.jsonl"
    others = [Case(f"u{i}-en", f"u{i}", "en", f"Who {i}? <script>", "person", False) for i in range(2)]
    write_set(path, [CASE, *others])
    return path


def _token(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found[1]


def _send(client: TestClient, name: str, choice: str, **more: str) -> httpx.Response:
    data = {"token": _token(client.get("/").text), "id": name, "choice": choice} | more
    return client.post("/", data=data, follow_redirects=True)


def test_the_page_accepts_edits_skips_and_rejects(drafts: Path) -> None:
    client = TestClient(review_app(drafts, by="kim", context=lambda *_: ("Before. ", " After.")))
    page = client.get("/", headers={"accept-language": "zh-TW"}).text
    for told in (CASE.question, "4,200", f"<mark>{SENTENCE}</mark>", "Before.", "tractors.pdf", "接受", "待審 3 題"):
        assert told in page
    page = _send(client, "t-en", "accept", question="How much was pulled?", answers="4,200 | 4200 ; kilograms").text
    assert "Who 0? &lt;script&gt;" in page
    assert "Who 1?" in _send(client, "u0-en", "skip").text
    assert "All are reviewed" in _send(client, "u1-en", "reject").text.replace("You can", "")
    cases = {case.id: case for case in load_sets([drafts])}
    assert cases["t-en"].question == "How much was pulled?"
    assert cases["t-en"].answers == (("4,200", "4200"), ("kilograms",))
    assert {name: case.reviewed_by for name, case in cases.items()} == {"t-en": "kim", "u0-en": ""}


def test_the_last_one_may_be_rejected(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    write_set(path, [CASE])
    assert "All are reviewed" in _send(TestClient(review_app(path)), "t-en", "reject").text
    assert path.read_text("utf-8") == ""


def test_another_sites_form_decides_nothing(drafts: Path) -> None:
    client = TestClient(review_app(drafts))
    before = drafts.read_text("utf-8")
    assert client.post("/", data={"token": "guess", "id": "t-en", "choice": "reject"}).status_code == 403
    assert client.post("/", data={"id": "t-en", "choice": "reject"}).status_code == 403
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert drafts.read_text("utf-8") == before
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]
