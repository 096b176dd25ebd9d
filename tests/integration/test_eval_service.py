"""The set tools over a library, the command line, and ``/v1/evals``."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from service_kit import Client, Library, events_of, serving

import wenju
from eval.askers import LocalAsker
from eval.cases import load_sets
from eval.check import check_cases
from eval.drafting import draft_cases
from eval.reading import SET, load_facts, reading_report
from ingest.kb import KnowledgeBase, WenjuError
from service import hooks

pytest_plugins = ("service_kit",)

CASE = {
    "id": "slipper-en",
    "group_id": "slipper",
    "language": "en",
    "question": "In which month was the report published?",
    "type": "date",
    "answerable": True,
    "answers": [["December 2025"]],
    "evidence": [],
}
UNANSWERABLE = {
    "id": "cricket-en",
    "group_id": "cricket",
    "language": "en",
    "question": "Who won the cricket match between Kent and Surrey in 1911?",
    "answerable": False,
}


@pytest.fixture(autouse=True)
def mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook as the command sets it."""
    monkeypatch.setattr(hooks, "eval_runner", None)
    wenju.build_parser()
    assert hooks.eval_runner is not None


def command(library: Library, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setenv("WENJU_EMBEDDING__PROVIDER", "none")
    monkeypatch.setenv("WENJU_DATA_DIR", str(library.data))
    return wenju.main(arguments)


async def ended(client: Client, run_id: str, seconds: float = 20.0) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while True:
        record = dict((await client.get(f"/v1/evals/{run_id}")).json())
        if record["state"] in ("done", "failed"):
            return record
        assert time.monotonic() < until, record
        await asyncio.sleep(0.1)


# ---- drafting ------------------------------------------------------------------------------------------------------------------------


def test_drafts_pass_the_check_and_wait_for_a_reviewer(library: Library) -> None:
    kb = KnowledgeBase(library.settings())
    cases = draft_cases(kb, per_document=3)
    assert cases == draft_cases(kb, per_document=3)
    assert len(cases) >= 15
    assert {case.reviewed_by for case in cases} == {""}
    assert {case.language for case in cases} == {"en", "zh-Hant", "zh-Hans"}
    found = check_cases(cases, LocalAsker(library.settings()))
    assert [fault for fault in found if fault["level"] == "fault"] == []
    assert {fault["fault"] for fault in found} == {"group not complete", "not reviewed"}
    groups: dict[str, list[str]] = {}
    for case in cases:
        groups.setdefault(case.group_id, []).append(case.language)
    assert {tuple(sorted(languages)) for languages in groups.values()} == {("en",), ("zh-Hans", "zh-Hant")}


def test_a_draft_does_not_tell_its_answer(library: Library) -> None:
    for case in draft_cases(KnowledgeBase(library.settings()), per_document=3):
        if case.type in ("share", "date"):
            assert case.answers[0][0] not in case.question, case


def test_new_review_and_convert_from_the_command_line(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drafted = tmp_path / "deep" / "new.jsonl"
    assert command(library, monkeypatch, "eval", "new", str(drafted), "--per-document", "1") == 0
    total = len(load_sets([drafted]))
    monkeypatch.setattr("sys.stdin", io.StringIO("a\nr\nq\n"))
    assert command(library, monkeypatch, "eval", "review", str(drafted), "--by", "kim") == 0
    left = load_sets([drafted])
    assert len(left) == total - 1
    assert [case.reviewed_by for case in left].count("kim") == 1
    # Drafting again brings back what was rejected and keeps what was reviewed.
    assert command(library, monkeypatch, "eval", "new", str(drafted), "--per-document", "1") == 0
    assert len(load_sets([drafted])) == total
    assert [case.reviewed_by for case in load_sets([drafted])].count("kim") == 1
    assert command(library, monkeypatch, "eval", "convert", str(drafted), str(tmp_path / "b"), "--from", "wenju", "--to", "beir") == 0
    assert (tmp_path / "b" / "qrels" / "test.tsv").is_file()
    put = tmp_path / "broken.jsonl"
    put.write_text("{}\n[", "utf-8")
    capsys.readouterr()
    assert command(library, monkeypatch, "eval", "convert", str(put), str(tmp_path / "c"), "--from", "wenju", "--to", "squad") == 2
    assert f"{put}:1" in capsys.readouterr().err


def test_passages_prints_a_table(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["Tractors pull ploughs in Norfolk.", "Tokens are billed by the million.", "The slipper fits one cohort."]
    qas = [{"id": str(n), "question": f"What about {text.split()[0]}?", "answers": []} for n, text in enumerate(texts)]
    paragraphs = [{"context": text, "qas": [qa]} for text, qa in zip(texts, qas, strict=True)]
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), "utf-8")
    assert command(library, monkeypatch, "eval", "passages", str(path), "--no-dense", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert 3 in {row.get("n") for row in rows}
    assert command(library, monkeypatch, "eval", "passages", str(path), "--no-dense") == 0
    assert "R@1" in capsys.readouterr().out


# ---- reading and speed ---------------------------------------------------------------------------------------------------------------


def test_the_reader_finds_nearly_every_sentence_of_the_sample_reports() -> None:
    report = reading_report([fact for fact in load_facts(SET) if fact.document == "open-models-brief-zh-hans.pdf"])
    assert report["sentences"]["share"] >= 0.9
    assert report["cells_in_their_row"]["share"] >= 0.5


@pytest.mark.slow
def test_speed_measures_both_stages(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "speed.json"
    assert command(library, monkeypatch, "eval", "speed", "--sizes", "30", "--queries", "4", "--no-dense", "--json", str(out)) == 0
    [row] = json.loads(out.read_text("utf-8"))["sizes"]
    assert row["passages"] == 30
    for name in ("p50_ms", "p99_ms", "queries_per_s", "passages_per_s", "memory_mib", "cold_start_s"):
        assert row["ours"][name] > 0, name
    assert row["ours"]["answered"] > 0
    assert "search p50" in capsys.readouterr().out


# ---- votes ---------------------------------------------------------------------------------------------------------------------------


async def test_a_vote_becomes_a_candidate(scratch: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(scratch.settings()) as client:
        answer = await client.ask()
        assert (await client.post("/v1/feedback", json={"answer_id": answer["id"], "vote": "up"})).status_code == 201
    out = tmp_path / "candidates.jsonl"
    assert await asyncio.to_thread(command, scratch, monkeypatch, "eval", "promote", str(out)) == 0
    # Other tests may have voted on the library that this one is a copy of.
    case = next(case for case in load_sets([out]) if case.question == answer["standalone_question"])
    assert case.evidence[0].document == answer["citations"][0]["file_name"]
    assert case.reviewed_by == ""


# ---- HTTP ----------------------------------------------------------------------------------------------------------------------------


async def test_a_posted_set_is_run_and_kept(scratch: Library) -> None:
    async with serving(scratch.settings()) as client:
        response = await client.post("/v1/evals", json={"cases": [CASE, UNANSWERABLE], "name": "two"})
        assert response.status_code == 202, response.text
        record = response.json()
        assert response.headers["location"] == f"/v1/evals/{record['id']}"
        assert (record["state"], record["questions"], record["set"]) == ("queued", 2, "two")
        run = await ended(client, record["id"])
        assert run["state"] == "done", run
        assert [result["id"] for result in run["results"]] == ["slipper-en", "cricket-en"]
        assert run["summary"]["questions"] == 2
        [listed] = (await client.get("/v1/evals")).json()["data"]
    # What the page's view reads of a run.
    assert listed["id"] == record["id"]
    assert listed["measures"]["refused_right"]["value"] in (0.0, 1.0)
    assert {"low", "high", "n"} <= set(listed["measures"]["refused_right"])
    assert listed["created"] > 1_700_000_000
    assert "results" not in listed
    async with serving(scratch.settings()) as client:
        assert (await client.get("/v1/evals")).json()["data"] == [listed]
        assert (await client.get(f"/v1/evals/{record['id']}")).json()["results"] == run["results"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"cases": []}, "cases"),
        ({"cases": [CASE, {"id": "x"}]}, "cases[1]"),
        ({"cases": [CASE, CASE]}, "cases[1]"),
        ({"cases": [CASE | {"language": "fr"}]}, "cases[0]"),
        ({"cases": [CASE | {"must_not_include": 5}]}, "cases[0]"),
        ({"cases": [CASE | {"question": "？！"}]}, "cases[0]"),
        ({"cases": [CASE | {"question": "what " * 2_000}]}, "cases[0]"),
        ({"cases": [CASE], "sets": "x"}, "sets"),
    ],
)
async def test_a_malformed_set_is_turned_away_with_its_place(client: Client, body: dict[str, Any], place: str) -> None:
    response = await client.post("/v1/evals", json=body)
    assert response.status_code == 422
    assert place in response.text
    assert (await client.get("/v1/evals")).json()["data"] == []


async def test_half_a_character_is_turned_away(client: Client) -> None:
    body = json.dumps({"cases": [CASE | {"question": "what \ud800?"}]})
    response = await client.post("/v1/evals", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422


async def test_runs_go_one_at_a_time_and_say_how_far_they_are(scratch: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, begun, running = threading.Event(), threading.Event(), []

    def prepare(_kb: Any, records: Any, name: str) -> Any:
        def work(progress: Any) -> dict[str, Any]:
            running.append(name)
            progress(1, len(records))
            begun.set()
            assert gate.wait(10)
            if name == "bad":
                raise WenjuError("the disk is full")
            return {"object": "eval_run", "summary": {"headline": {}}, "results": []}

        return work

    monkeypatch.setattr(hooks, "eval_runner", prepare)
    async with serving(scratch.settings()) as client:
        ids = [(await client.post("/v1/evals", json={"cases": [CASE], "name": name})).json()["id"] for name in ("one", "bad", "two")]
        assert await asyncio.to_thread(begun.wait, 10)
        states = [(await client.get(f"/v1/evals/{run_id}")).json() for run_id in ids]
        assert [state["state"] for state in states] == ["running", "queued", "queued"]
        assert states[0]["done"] == 1
        gate.set()
        assert (await ended(client, ids[1]))["errors"][0]["reason"] == "the disk is full"
        assert (await ended(client, ids[2]))["state"] == "done"
    assert running == ["one", "bad", "two"]


async def test_no_more_runs_wait_than_make_sense(scratch: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def prepare(*_: Any) -> Any:
        return lambda _progress: {"summary": {"headline": {}}} if gate.wait(10) else {}

    monkeypatch.setattr(hooks, "eval_runner", prepare)
    async with serving(scratch.settings()) as client:
        codes = [(await client.post("/v1/evals", json={"cases": [CASE]})).status_code for _ in range(11)]
        gate.set()
    assert codes == [202] * 10 + [429]


class Held:
    """A runner whose runs wait in the middle until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate, self.begun = threading.Event(), threading.Event()
        monkeypatch.setattr(hooks, "eval_runner", self.prepare)

    def prepare(self, _state: Any, records: Any, _name: str) -> Any:
        def work(progress: Any) -> dict[str, Any]:
            progress(1, len(records))
            self.begun.set()
            assert self.gate.wait(10)
            progress(2, len(records))
            return {"object": "eval_run", "summary": {"headline": {}}, "results": []}

        return work


async def test_a_run_tells_how_far_it_is(scratch: Library) -> None:
    async with serving(scratch.settings()) as client:
        record = (await client.post("/v1/evals", json={"cases": [CASE, UNANSWERABLE]})).json()
        response = await client.get(f"/v1/evals/{record['id']}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    name, last = events[-1]
    assert (name, last["state"], last["done"]) == ("done", "done", 2)
    assert last["measures"]
    counts = [event["done"] for _, event in events]
    assert counts == sorted(counts)


async def test_a_run_can_be_stopped(scratch: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch)
    async with serving(scratch.settings()) as client:
        running, waiting = [(await client.post("/v1/evals", json={"cases": [CASE, UNANSWERABLE]})).json()["id"] for _ in range(2)]
        assert await asyncio.to_thread(held.begun.wait, 10)
        assert (await client.delete(f"/v1/evals/{waiting}")).json()["state"] == "failed"
        assert (await client.delete(f"/v1/evals/{running}")).status_code == 202
        held.gate.set()
        for run_id in (running, waiting):
            record = await ended(client, run_id)
            assert (record["state"], record["errors"][0]["code"]) == ("failed", "stopped")
            assert "results" not in record
        # What has ended is forgotten.
        assert (await client.delete(f"/v1/evals/{running}")).status_code == 202
        assert (await client.get(f"/v1/evals/{running}")).status_code == 404
        assert (await client.delete(f"/v1/evals/{running}")).status_code == 404


async def test_a_finished_run_is_removed_from_disk(scratch: Library) -> None:
    async with serving(scratch.settings()) as client:
        run_id = (await client.post("/v1/evals", json={"cases": [UNANSWERABLE]})).json()["id"]
        assert (await ended(client, run_id))["state"] == "done"
        assert (scratch.data / "evals" / f"{run_id}.json").exists()
        await client.delete(f"/v1/evals/{run_id}")
        assert not (scratch.data / "evals" / f"{run_id}.json").exists()
        assert (await client.get("/v1/evals")).json()["data"] == []


async def test_a_set_about_another_corpus_fails_with_the_reason(scratch: Library) -> None:
    case = CASE | {"evidence": [{"document": "another.pdf", "page": 1, "quote": "Published in December 2025."}]}
    async with serving(scratch.settings()) as client:
        record = await ended(client, (await client.post("/v1/evals", json={"cases": [case]})).json()["id"])
    assert record["state"] == "failed"
    assert "another corpus" in record["errors"][0]["reason"]


async def test_evals_want_the_key(library: Library) -> None:
    async with serving(library.settings(api_keys=["a-key-of-some-length"])) as client:
        wanted = [("POST", ""), ("GET", ""), ("GET", "/eval_x"), ("GET", "/eval_x/events"), ("DELETE", "/eval_x")]
        for method, path in ((method, f"/v1/evals{rest}") for method, rest in wanted):
            assert (await client.request(method, path, json={"cases": [CASE]})).status_code == 401


async def test_an_unknown_run_is_not_found(client: Client) -> None:
    for name in ("eval_" + "0" * 32, "x", "..%2F..%2Fetc%2Fpasswd"):
        assert (await client.get(f"/v1/evals/{name}")).status_code == 404
    assert (await client.get(f"/v1/evals/eval_{'0' * 32}/events")).status_code == 404


async def test_a_process_without_the_runner_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "eval_runner", None)
    assert (await client.post("/v1/evals", json={"cases": [CASE]})).status_code == 503
