"""The judges against a scripted model: what cannot be read is a failure, what is down ends the run."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import Reply, fake_openai

from eval.judges import judge_run
from ingest.kb import DependencyError, Settings, SettingsError


def _result(name: str, status: str = "answered", expected: str = "31%") -> dict[str, Any]:
    cited = [{"cited_text": f"Asia rose to 31% ({name})."}] if status == "answered" else []
    answer = {"status": status, "answer": f"Asia rose to 31% ({name}).[1]"}
    known = [[expected]] if expected else []
    return {"id": name, "group_id": name, "question": f"What did {name} say?", "expected": known, "answer": answer, "citations": cited}


def _run(*results: dict[str, Any]) -> dict[str, Any]:
    return {"summary": {}, "results": list(results)}


def _text(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def _settings(url: str) -> Settings:
    return Settings(llm={"base_url": url})


def test_verdicts_of_three_runs_are_averaged_and_their_agreement_told() -> None:
    asked: dict[str, int] = {}

    def script(body: dict[str, Any]) -> Reply:
        text = _text(body)
        asked[text] = asked.get(text, 0) + 1
        if "Information:" in text:
            # One answer is judged differently the third time.
            return Reply("NO" if "(b)" in text and asked[text] == 3 else "YES")
        return Reply("5\nAll of it." if "(a)" in text else "2\nSome of it.")

    run = _run(_result("a"), _result("b"), _result("c", status="refused"), _result("d", expected=""))
    told: list[tuple[int, int]] = []
    with fake_openai(script) as server:
        judge_run(run, _settings(server.url), "pinned-judge", progress=lambda done, total: told.append((done, total)))
        assert {request["model"] for request in server.requests} == {"pinned-judge"}
        assert {request["temperature"] for request in server.requests} == {0.0}
        assert all("[1]" not in _text(request) for request in server.requests)
    judges = run["summary"]["judges"]
    faithful, correct = judges["measures"]["faithfulness"], judges["measures"]["correctness"]
    assert (faithful["n"], faithful["failed"]) == (3, 0)
    assert faithful["value"] == pytest.approx((1 + 2 / 3 + 1) / 3, abs=1e-9)
    assert faithful["agreement"] == pytest.approx(2 / 3, abs=1e-9)
    # The refused one counts as zero although nobody was asked about it.
    assert (correct["n"], correct["value"], correct["failed"]) == (3, pytest.approx(1 / 3, abs=1e-9), 0)
    assert (judges["model"], judges["runs"], told[-1]) == ("pinned-judge", 3, (15, 15))
    assert run["results"][1]["judges"]["faithfulness"].count(0.0) == 1


@pytest.mark.parametrize("said", ["", "I cannot tell.", "perhaps yes", "nan\nnobody knows", "17\nvery good", "five"])
def test_what_is_no_verdict_is_a_failure(said: str) -> None:
    run = _run(_result("a"))
    with fake_openai(lambda _: Reply(said)) as server:
        judge_run(run, _settings(server.url), "judge", runs=2)
    for item in run["summary"]["judges"]["measures"].values():
        assert (item["value"], item["failed"], item["n"]) == (0.0, 2, 1)


@pytest.mark.parametrize("fault", ["unauthorized", "no_model"])
def test_an_endpoint_that_only_fails_ends_the_judging(fault: str) -> None:
    with fake_openai(lambda _: Reply(fault=fault)) as server, pytest.raises(DependencyError, match="in a row"):
        judge_run(_run(*(_result(name) for name in "abcdef")), _settings(server.url), "judge")


def test_without_an_endpoint_there_is_no_judge() -> None:
    with pytest.raises(SettingsError, match="no endpoint"):
        judge_run(_run(_result("a")), Settings(), "judge")
