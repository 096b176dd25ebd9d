"""``wenju ask`` with a language model: the service's own way to an answer, told to somebody at a terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeOpenAI, Reply, cited
from service_kit import UNANSWERABLE, Library, serving

from service.metrics import Metrics
from service.state import State
from wenju import main

pytest_plugins = ("service_kit",)

ASKED = "How many AI incidents were reported in 2025?"
FACT = "Reported AI incidents rose from 233 in 2024 to 362 in 2025."
SAID = "362 AI incidents were reported in 2025."


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    server = FakeOpenAI(lambda body: Reply(cited(body, FACT, SAID)))
    yield server
    server.close()


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, library: Library, fake: FakeOpenAI) -> None:
    for name in list(os.environ):
        if name.upper().startswith("WENJU_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WENJU_DATA_DIR", str(library.data))
    monkeypatch.setenv("WENJU_EMBEDDING__PROVIDER", "none")
    monkeypatch.setenv("WENJU_LLM__BASE_URL", fake.url)
    monkeypatch.setenv("WENJU_LLM__MODEL", "fake")
    monkeypatch.setenv("WENJU_LLM__API_KEY", "sk-of-this-test")


def _asked(capsys: pytest.CaptureFixture[str], *arguments: str, question: str = ASKED) -> tuple[dict[str, Any], str]:
    assert main(["ask", question, "--json", *arguments]) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


async def _of_the_service(library: Library, fake: FakeOpenAI) -> dict[str, Any]:
    async with serving(library.settings(llm={"base_url": fake.url, "model": "fake"})) as client:
        return await client.ask(ASKED)


def test_the_model_writes_the_answer(capsys: pytest.CaptureFixture[str], fake: FakeOpenAI) -> None:
    answer, told = _asked(capsys)
    assert (answer["object"], answer["llm_generated"], answer["model"]) == ("answer", True, "fake")
    assert answer["answer"] == f"{SAID}[1]"
    assert answer["citations"][0]["cited_text"] == FACT
    assert answer["verification"]["supported"] == 1
    assert "searching" in told
    assert "fake" in told
    assert fake.requests[0]["_authorization"] == "Bearer sk-of-this-test"


async def test_the_object_has_the_parts_of_the_service_s(library: Library, fake: FakeOpenAI, capsys: pytest.CaptureFixture[str]) -> None:
    import asyncio

    ours, _ = await asyncio.to_thread(_asked, capsys)
    theirs = await _of_the_service(library, fake)
    moving = ("id", "created", "timings_ms")
    assert {name: value for name, value in ours.items() if name not in moving} == {
        name: value for name, value in theirs.items() if name not in moving
    }
    assert list(ours) == list(theirs)


def test_no_llm_leaves_it_out(capsys: pytest.CaptureFixture[str], fake: FakeOpenAI) -> None:
    answer, told = _asked(capsys, "--no-llm")
    assert (answer["llm_generated"], answer["model"], answer["notes"]) == (False, "extractive", [])
    assert "362" in answer["answer"]
    assert fake.requests == []
    assert told == ""


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(fault="server_error"), "fallback"),
        (Reply(fault="unauthorized"), "fallback"),
        (Reply("382 AI incidents were reported in 2025.[1]"), "unsupported"),
    ],
    ids=["server_error", "unauthorized", "invented"],
)
def test_the_sources_speak_where_the_model_fails(capsys: pytest.CaptureFixture[str], fake: FakeOpenAI, reply: Reply, kind: str) -> None:
    fake.script = lambda body: reply
    answer, _ = _asked(capsys)
    assert not answer["llm_generated"]
    assert [note["kind"] for note in answer["notes"]] == [kind]
    assert "362" in answer["answer"]
    assert "382" not in answer["answer"]
    assert fake.requests


def test_an_endpoint_that_is_not_there_is_no_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_LLM__BASE_URL", "http://127.0.0.1:9/v1")
    answer, _ = _asked(capsys)
    assert not answer["llm_generated"]
    assert answer["notes"][0]["code"] == "llm_unreachable"
    assert "362" in answer["answer"]


def test_the_text_is_printed_once_with_its_source_and_progress_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", ASKED]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{SAID}[1]\n\n[1] ")
    assert printed.out.count(SAID) == 1
    assert f"“{FACT}”" in printed.out
    assert "searching" not in printed.out


def test_a_note_says_in_the_text_that_the_model_failed(capsys: pytest.CaptureFixture[str], fake: FakeOpenAI) -> None:
    fake.script = lambda body: Reply(fault="server_error")
    assert main(["ask", ASKED]) == 0
    out = capsys.readouterr().out
    assert "※ The language model is not available" in out
    assert out.count("362") >= 1


def test_a_refusal_asks_no_model_and_is_printed_once(capsys: pytest.CaptureFixture[str], fake: FakeOpenAI) -> None:
    answer, _ = _asked(capsys, question=UNANSWERABLE)
    assert answer["status"] == "refused"
    assert fake.requests == []
    assert main(["ask", UNANSWERABLE]) == 0
    out = capsys.readouterr().out
    assert out.count(answer["refusal"]["message"]) == 1
    assert "  · " in out


def test_without_a_knowledge_base_four_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WENJU_DATA_DIR", str(tmp_path / "none"))
    assert main(["ask", ASKED]) == 4
    assert "→" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_model_without_an_address_is_four(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("WENJU_LLM__BASE_URL")
    assert main(["ask", ASKED]) == 4
    assert "WENJU_LLM__BASE_URL" in capsys.readouterr().err


def test_what_a_running_service_is_to_read_is_left_alone(scratch: Library, fake: FakeOpenAI) -> None:
    """Only a service at its start may clear the uploads: a question at the terminal shares its folder, not its queue."""
    upload = scratch.data / "uploads" / "0123456789abcdef" / "upload.md"
    upload.parent.mkdir(parents=True)
    upload.write_text("# Waiting\n", "utf-8")
    State(scratch.settings(llm={"base_url": fake.url, "model": "fake"}), Metrics())
    assert upload.exists()
