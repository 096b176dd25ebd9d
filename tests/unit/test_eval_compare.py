"""Comparing two runs: planted losses are found, harmless changes are not."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from eval.cases import SetError
from eval.compare import compare_runs, load_run, outcome

COUNT = 120
NAMES = (
    "accuracy",
    "answered",
    "refused_right",
    "hit@5",
    "citation_precision",
    "citation_coverage",
    "evidence_recall",
    "quote_verified",
    "page_accuracy",
)


def _run(seed: int, right: float = 0.85) -> dict[str, Any]:
    """Return a run: of every six questions, one is unanswerable; right ones have right citations."""
    draw = random.Random(seed)
    results = []
    for place in range(COUNT):
        answerable, good = place % 6 != 0, float(draw.random() < right)
        scores = dict.fromkeys(NAMES, 1.0) if answerable else dict.fromkeys(NAMES)
        scores["refused_right" if not answerable else "accuracy"] = good
        if answerable:
            scores |= {"refused_right": None, "evidence_recall": good}
        results.append(
            {
                "id": f"q{place}",
                "language": ("en", "zh-Hant", "zh-Hans")[place % 3],
                "type": "share" if place % 2 else "reason",
                "crosses": "same",
                "answerable": answerable,
                "scores": scores,
                "answer": {"answer": "x"},
                "ms": 40.0,
            }
        )
    return {"object": "eval_run", "fingerprint": {"commit": str(seed)}, "results": results}


def _flipped(run: dict[str, Any], seed: int, count: int, name: str, value: float) -> dict[str, Any]:
    """Return the run with a measure of some questions, drawn by a seed, set from the other value to this one."""
    after = copy.deepcopy(run)
    candidates = [r for r in after["results"] if r["scores"][name] == 1.0 - value]
    for result in random.Random(seed).sample(candidates, min(count, len(candidates))):
        result["scores"][name] = value
    return after


@pytest.mark.parametrize("seed", range(20))
def test_a_planted_loss_of_answers_is_found(seed: int) -> None:
    before = _run(seed)
    after = _flipped(before, seed, 12, "accuracy", 0.0)
    found = compare_runs(before, after)
    assert found["overall"]["verdict"] == "worse"
    assert found["worse"][0] == "overall"
    assert len(found["lost"]) == 12
    assert found["won"] == []
    lost = {r["id"] for r, old in zip(after["results"], before["results"], strict=True) if r["scores"] != old["scores"]}
    assert set(found["lost"]) == lost


@pytest.mark.parametrize("seed", range(20))
def test_a_planted_gain_is_found(seed: int) -> None:
    before = _run(seed, 0.6)
    found = compare_runs(before, _flipped(before, seed, 12, "accuracy", 1.0))
    assert found["overall"]["verdict"] == "better"
    assert found["worse"] == []


@pytest.mark.parametrize("seed", range(20))
def test_as_many_won_as_lost_is_no_difference(seed: int) -> None:
    before = _run(seed, 0.6)
    after = _flipped(before, seed, 5, "accuracy", 0.0)
    won = [r for r, old in zip(after["results"], before["results"], strict=True) if old["scores"]["accuracy"] == 0.0][:5]
    for result in won:
        result["scores"]["accuracy"] = 1.0
    found = compare_runs(before, after)
    assert (found["overall"]["won"], found["overall"]["lost"]) == (5, 5)
    assert found["overall"]["verdict"] == "no significant difference"
    assert found["worse"] == []


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_a_few_lost_may_be_chance(lost: int) -> None:
    before = _run(1)
    assert compare_runs(before, _flipped(before, 1, lost, "accuracy", 0.0))["worse"] == []


@pytest.mark.parametrize("name", ["quote_verified", "page_accuracy", "citation_coverage", "hit@5", "answered"])
def test_a_loss_of_citations_is_a_loss_even_where_answers_stay(name: str) -> None:
    before = _run(3)
    found = compare_runs(before, _flipped(before, 3, 15, name, 0.0))
    assert found["overall"]["verdict"] == "no significant difference"
    assert found["worse"] == [name]


def test_lost_refusals_are_found() -> None:
    before = _run(4, 1.0)
    assert "refused_right" in compare_runs(before, _flipped(before, 4, 10, "refused_right", 0.0))["worse"]


def test_other_words_and_times_are_harmless() -> None:
    before = _run(5)
    after = copy.deepcopy(before)
    for result in after["results"]:
        result["answer"]["answer"] = "other words"
        result["ms"] *= 3
    random.Random(5).shuffle(after["results"])
    found = compare_runs(before, after)
    assert found["worse"] == found["won"] == found["lost"] == []
    assert found["overall"]["p"] == 1.0
    assert found["overall"]["difference"] == 0.0


def test_a_loss_in_one_language_shows_in_its_slice() -> None:
    before = _run(6, 1.0)
    after = copy.deepcopy(before)
    for result in [r for r in after["results"] if r["language"] == "zh-Hans" and r["answerable"]][:12]:
        result["scores"]["accuracy"] = 0.0
    slices = compare_runs(before, after)["slices"]
    assert slices["language/zh-Hans"]["verdict"] == "worse"
    assert slices["language/en"]["verdict"] == slices["language/zh-Hant"]["verdict"] == "no significant difference"


def test_only_shared_questions_are_compared() -> None:
    before, after = _run(7), _run(7)
    after["results"] = after["results"][10:]
    for result in after["results"][:4]:
        result["id"] += "-new"
    found = compare_runs(before, after)
    assert (found["only_before"], found["only_after"]) == (14, 4)
    assert found["overall"]["n"] == COUNT - 14


def test_runs_without_a_shared_question_are_refused() -> None:
    other = _run(8)
    for result in other["results"]:
        result["id"] = "z" + result["id"]
    with pytest.raises(SetError, match="no question in common"):
        compare_runs(_run(8), other)


def test_outcome() -> None:
    scores: dict[str, float | None] = {"accuracy": None, "refused_right": None, "hit@5": None}
    assert outcome({"answerable": True, "scores": scores | {"accuracy": 1.0, "hit@5": 0.0}}) == 1.0
    assert outcome({"answerable": True, "scores": scores | {"hit@5": 1.0}}) == 1.0
    assert outcome({"answerable": True, "scores": scores}) is None
    assert outcome({"answerable": False, "scores": scores | {"refused_right": 0.0}}) == 0.0


def test_run_files(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(SetError, match="there is no run"):
        load_run(path)
    whole = json.dumps(_run(9))
    path.write_text(whole)
    assert load_run(path)["results"]
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(SetError, match="broken or half written"):
        load_run(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SetError, match="broken"):
        load_run(path)


@pytest.mark.parametrize("text", ["{}", '{"object": "list"}', "[]", "3", "null"])
def test_other_json_is_no_run(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(SetError, match="is no eval run"):
        load_run(path)
