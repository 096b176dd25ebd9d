"""The gate against faults that were really planted into the answering, and against changes that do no harm.

Each fault answers the same questions; then, twenty times, other questions are drawn and the gate has to tell the two runs apart. What is
drawn is the set that an owner might have written: the fault has to be found with any of them.
"""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.askers import LocalAsker
from eval.cases import Case, load_sets
from eval.compare import compare_runs
from eval.run import essence, run_cases
from eval.summary import summarise
from ingest.build import ingest_paths
from ingest.kb import Settings, folding

SEEDS = range(20)
# Of the groups of questions, so many are drawn: about what an owner writes in a day or two.
SHARE = 0.6


def build(folder: Path, repository: Path) -> Settings:
    """Return settings of a library in one Chinese script and English, as most are; no embedding."""
    settings = Settings(data_dir=folder, embedding={"provider": "none"})
    digests = repository / "corpus" / "digests"
    assert not ingest_paths(settings, [digests / "zh-hans", digests / "en"]).failed
    return settings


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Settings:
    """The library without a fault."""
    return build(tmp_path_factory.mktemp("planted") / "data", repository)


@pytest.fixture(scope="module")
def cases(repository: Path, library: Settings) -> list[Case]:
    """The unanswerable questions of our sets, and those that this library answers."""
    held = LocalAsker(library).documents()
    out = []
    for case in load_sets([repository / "eval" / "sets" / name for name in ("dev.jsonl", "test.jsonl")]):
        kept = tuple(item for item in case.evidence if item.document in held)
        if kept or not case.answerable:
            out.append(replace(case, evidence=kept))
    return out


class Answered(LocalAsker):
    """Gives back answers and passages that were made before: what a fault did to them is measured by sound means."""

    def __init__(self, asker: LocalAsker, cases: list[Case]) -> None:
        self.kb = asker.kb
        self._state = None
        self.page_text = asker.page_text  # type: ignore[method-assign]
        self.answers = {case.id: asker.ask(case) for case in cases}
        self._passages = {answer["standalone_question"]: asker.search(answer["standalone_question"]) for answer in self.answers.values()}

    def ask(self, case: Case) -> dict[str, Any]:
        return self.answers[case.id]

    def search(self, question: str) -> list[dict[str, Any]]:
        return self._passages[question]


@pytest.fixture(scope="module")
def answered(library: Settings, cases: list[Case]) -> Answered:
    """The answers without a fault."""
    return Answered(LocalAsker(library), cases)


@pytest.fixture(scope="module")
def sound(answered: Answered, cases: list[Case]) -> dict[str, Any]:
    """The run without a fault."""
    return run_cases(cases, answered)


def drawn(cases: list[Case], seed: int) -> list[str]:
    """Return the ids of the questions of a seed, in an order of its own; groups stay whole."""
    draw = random.Random(seed)
    names = sorted({case.group_id for case in cases})
    chosen = set(draw.sample(names, round(SHARE * len(names))))
    ids = [case.id for case in cases if case.group_id in chosen]
    draw.shuffle(ids)
    return ids


def part_of(run: dict[str, Any], ids: list[str]) -> dict[str, Any]:
    """Return the run of some of its questions only."""
    by_id = {result["id"]: result for result in run["results"]}
    results = [by_id[name] for name in ids if name in by_id]
    return run | {"results": results, "summary": summarise(results)}


def caught(before: dict[str, Any], after: dict[str, Any], cases: list[Case]) -> list[list[str]]:
    """Return, for each seed, what the gate found worse."""
    return [compare_runs(part_of(before, ids), part_of(after, ids))["worse"] for ids in (drawn(cases, seed) for seed in SEEDS)]


# ---- faults --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_analyser_without_folding_is_caught(
    tmp_path: Path, repository: Path, cases: list[Case], sound: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nothing:
        """OpenCC that leaves every character as it is: index and questions keep their scripts apart."""

        def convert(self, text: str) -> str:
            return text

    with monkeypatch.context() as patch:
        patch.setattr(folding, "_opencc", Nothing)
        faulty = Answered(LocalAsker(build(tmp_path / "data", repository)), cases)
    found = caught(sound, run_cases(cases, faulty), cases)
    assert all("overall" in worse for worse in found), found


@pytest.mark.slow
def test_citations_shifted_by_one_page_are_caught(answered: Answered, cases: list[Case], sound: dict[str, Any]) -> None:
    shifted = copy.copy(answered)
    shifted.answers = copy.deepcopy(answered.answers)
    for answer in shifted.answers.values():
        for citation in answer["citations"]:
            citation["page"] = (citation["page"] or 1) + 1
    found = caught(sound, run_cases(cases, shifted), cases)
    assert all({"quote_verified", "page_accuracy"} <= set(worse) for worse in found), found


@pytest.mark.slow
def test_refusals_switched_off_are_caught(library: Settings, cases: list[Case], sound: dict[str, Any]) -> None:
    never = library.model_copy(update={"answer": library.answer.model_copy(update={"refusal_threshold": 0.0})})
    unanswerable = [case for case in cases if not case.answerable]
    found = caught(sound, run_cases(unanswerable, LocalAsker(never)), cases)
    assert all("refused_right" in worse for worse in found), found


# ---- changes that do no harm ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_another_order_and_other_threads_are_no_loss(library: Settings, cases: list[Case], sound: dict[str, Any]) -> None:
    asker = LocalAsker(library)
    by_id = {case.id: case for case in cases}
    alarms = []
    for seed in SEEDS:
        ids = drawn(cases, seed)[:24]
        again = run_cases([by_id[name] for name in ids], asker, workers=1 + seed % 4)
        assert essence(again) == essence(part_of(sound, ids))
        alarms.append(compare_runs(part_of(sound, ids), again)["worse"])
    assert alarms == [[]] * len(SEEDS)


@pytest.mark.slow
def test_files_read_in_another_order_answer_the_same(tmp_path: Path, repository: Path, cases: list[Case], sound: dict[str, Any]) -> None:
    digests = repository / "corpus" / "digests"
    files = sorted([*(digests / "zh-hans").glob("*.md"), *(digests / "en").glob("*.md")])
    random.Random(1).shuffle(files)
    settings = Settings(data_dir=tmp_path / "data", embedding={"provider": "none"})
    for part in (files[:4], files[4:]):
        assert not ingest_paths(settings, part).failed
    again = run_cases(cases[:45], LocalAsker(settings))
    assert compare_runs(part_of(sound, [case.id for case in cases[:45]]), again)["worse"] == []


def test_twice_the_same_is_the_same(library: Settings, cases: list[Case]) -> None:
    first = run_cases(cases[:9], LocalAsker(library), workers=4)
    second = run_cases(cases[:9], LocalAsker(library), workers=1)
    assert essence(first) == essence(second)
    for run in (first, second):
        del run["summary"]["latency_ms"]
    assert first["summary"] == second["summary"]
    assert first["fingerprint"] == second["fingerprint"]
