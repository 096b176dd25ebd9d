"""Sets and runs: what is broken is named with its line, what was cut short goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from makers import put

from eval.cases import Case, Evidence, SetError, load_sets, parse_case, write_set
from eval.run import run_cases
from ingest.kb import DependencyError

LINE: dict[str, Any] = {"id": "a", "group_id": "g", "language": "en", "question": "Q?", "type": "share", "answerable": True}
PAGE = "Asia rose to 31%. Africa fell."


class Fake:
    """A system that knows one page; fails after so many questions."""

    def __init__(self, fail_after: int = 99, answer: str = "Asia rose to 31%.") -> None:
        self.left, self.answer, self.asked = fail_after, answer, 0

    def ask(self, case: Case) -> dict[str, Any]:
        if self.asked >= self.left:
            raise DependencyError("gone")
        self.asked += 1
        cited = {
            "id": "c1", "index": 1, "file_name": "a.md", "document_id": "d", "page": None, "cited_text": "Asia rose to 31%.",
            "start_char_index": 0, "end_char_index": 17, "url": "/", "verification": "exact",
        }  # fmt: skip
        refused = not self.answer
        segments = [] if refused else [{"text": self.answer, "citation_ids": ["c1"]}]
        status = "refused" if refused else "answered"
        record = {"status": status, "answer": self.answer, "segments": segments, "citations": [] if refused else [cited]}
        return record | {"confidence": 0.1 if refused else 0.9, "timings_ms": {"total": 5.0}}

    def search(self, question: str) -> list[dict[str, Any]]:
        return [{"passage_id": "p", "file_name": "a.md", "page": None, "text": PAGE, "score": 0.9}]

    def page_text(self, document_id: str, page: int) -> str | None:
        return PAGE

    def documents(self) -> dict[str, list[str]]:
        return {"a.md": ["d"]}

    def fingerprint(self) -> dict[str, Any]:
        return {"generation": "g1"}


def _cases(count: int = 3, **more: Any) -> list[Case]:
    evidence = (Evidence("a.md", 1, "Asia rose to 31%."),)
    made: dict[str, Any] = {"answers": (("31%",),), "evidence": evidence} | more
    return [Case(f"q{i}", f"g{i}", "en", f"Q{i}?", "share", made.pop("answerable", True), **made) for i in range(count)]


@pytest.mark.parametrize(
    "change",
    [
        {"id": None}, {"id": ""}, {"language": "fr"}, {"type": "riddle"}, {"answerable": "yes"}, {"question": 3},
        {"evidence": [{"document": "a.md"}]}, {"answers": [3]}, {"history": [{"role": "user"}]},
    ],
    ids=str,
)  # fmt: skip
def test_a_faulty_line_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    path = put(tmp_path, "set.jsonl", json.dumps(LINE) + "\n\n" + json.dumps(LINE | {"id": "b"} | change) + "\n")
    with pytest.raises(SetError, match=r"set\.jsonl:3"):
        load_sets([path])


@pytest.mark.parametrize("text", ["{", '{"id": "a"', "[]", "3", "not json"])
def test_broken_json_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(SetError, match=r"set\.jsonl:2"):
        load_sets([put(tmp_path, "set.jsonl", json.dumps(LINE) + "\n" + text + "\n")])


def test_an_id_stands_once_over_all_files(tmp_path: Path) -> None:
    paths = [put(tmp_path, name, json.dumps(LINE) + "\n") for name in ("one.jsonl", "two.jsonl")]
    with pytest.raises(SetError, match=r"two\.jsonl:1: the id 'a' stands twice"):
        load_sets(paths)


def test_missing_and_empty_sets(tmp_path: Path) -> None:
    with pytest.raises(SetError, match="there is no eval set"):
        load_sets([tmp_path / "nowhere.jsonl"])
    with pytest.raises(SetError, match="no question"):
        load_sets([put(tmp_path, "empty.jsonl", "\n")])


def test_a_written_set_is_read_back(tmp_path: Path) -> None:
    write_set(tmp_path / "set.jsonl", _cases())
    assert load_sets([tmp_path / "set.jsonl"]) == _cases()
    assert parse_case(LINE, "x").answers == ()


def test_a_right_run() -> None:
    run = run_cases(_cases(), Fake())
    headline = run["summary"]["headline"]
    for name in ("accuracy", "hit@1", "mrr", "quote_verified", "citation_coverage", "page_accuracy"):
        assert headline[name]["value"] == 1.0, name
    assert run["summary"]["failures"] == {}
    assert [result["id"] for result in run["results"]] == ["q0", "q1", "q2"]


@pytest.mark.parametrize(
    ("answer", "more", "failure"),
    [
        ("", {}, "wrongly_refused"),
        ("Asia rose to 32%.", {}, "wrong_sentence"),
        ("Asia rose to 31%.", {"answerable": False, "answers": (), "evidence": ()}, "should_have_refused"),
        ("", {"answerable": False, "answers": (), "evidence": ()}, None),
        ("x", {"evidence": (Evidence("b.md", 1, "Gone."), Evidence("a.md", 7, "Not on a page.")), "answers": (("7",),)}, "not_read"),
        ("x", {"evidence": (Evidence("a.md", 1, "Oceania stayed where it was, at 4%."),), "answers": (("4%",),)}, "not_read"),
        ("x", {"evidence": (Evidence("a.md", 1, "Africa fell."),), "answers": (("Africa",),)}, "retrieved_not_used"),
    ],
)
def test_kinds_of_failure(answer: str, more: dict[str, Any], failure: str | None) -> None:
    (result,) = run_cases(_cases(1, **more), Fake(answer=answer))["results"]
    assert result["failure"] == failure


def test_what_was_read_but_not_found_is_not_retrieved() -> None:
    class Elsewhere(Fake):
        def search(self, question: str) -> list[dict[str, Any]]:
            return [{"passage_id": "p", "file_name": "b.md", "page": None, "text": "Of something else.", "score": 0.9}]

    (result,) = run_cases(_cases(1, answers=(("32%",),)), Elsewhere())["results"]
    assert result["failure"] == "not_retrieved"


def test_wrong_quote_and_wrong_page() -> None:
    class Misquoted(Fake):
        def page_text(self, document_id: str, page: int) -> str | None:
            return "Another text. Asia rose to 31%."

    assert run_cases(_cases(1), Misquoted())["results"][0]["failure"] == "wrong_quote"
    paged = (Evidence("a.md", 2, "Asia rose to 31%."),)
    assert run_cases(_cases(1, evidence=paged), Fake())["results"][0]["failure"] == "wrong_page"


def test_a_question_that_cannot_be_answered_counts_as_zero() -> None:
    class Picky(Fake):
        def ask(self, case: Case) -> dict[str, Any]:
            if case.id == "q1":
                raise SetError("the question has 5,000 characters")
            return super().ask(case)

    run = run_cases(_cases(2), Picky())
    assert run["summary"]["headline"]["accuracy"] == run["summary"]["headline"]["hit@1"] | {"low": 0.0, "high": 1.0}
    assert run["summary"]["headline"]["accuracy"]["value"] == 0.5
    assert [result["failure"] for result in run["results"]] == [None, "error"]
    assert run["results"][1]["error"] == "the question has 5,000 characters"


def test_a_set_about_another_corpus_is_refused() -> None:
    with pytest.raises(SetError, match=r"another corpus.*b\.md"):
        run_cases(_cases(2, evidence=(Evidence("b.md", 1, "Gone."),)), Fake())


def test_documents_that_are_missing_are_told() -> None:
    more = Case("z", "z", "en", "Z?", "share", True, (("1",),), (), (Evidence("b.md", 1, "Gone."),))
    assert run_cases([*_cases(1), more], Fake())["missing_documents"] == ["b.md"]


def test_a_run_cut_short_goes_on(tmp_path: Path) -> None:
    partial = tmp_path / "run.partial.jsonl"
    with pytest.raises(DependencyError):
        run_cases(_cases(6), Fake(fail_after=3), workers=1, partial=partial)
    # The last line was being written when the machine went down.
    partial.write_text(partial.read_text("utf-8") + '{"id": "q3", "sco', "utf-8")
    again = Fake()
    run = run_cases(_cases(6), again, workers=1, partial=partial)
    assert again.asked == 3
    assert [result["id"] for result in run["results"]] == [f"q{i}" for i in range(6)]
    assert not partial.exists()


def test_a_run_cut_short_twice_keeps_what_both_did(tmp_path: Path) -> None:
    partial = tmp_path / "run.partial.jsonl"
    for _ in range(2):
        with pytest.raises(DependencyError):
            run_cases(_cases(6), Fake(fail_after=2), workers=1, partial=partial)
        partial.write_text(partial.read_text("utf-8") + '{"id": "q5", "sco', "utf-8")
    last = Fake()
    run_cases(_cases(6), last, workers=1, partial=partial)
    assert last.asked == 2


def test_answers_to_other_questions_are_not_taken_over(tmp_path: Path) -> None:
    partial = tmp_path / "run.partial.jsonl"
    with pytest.raises(DependencyError):
        run_cases(_cases(4), Fake(fail_after=2), workers=1, partial=partial)
    edited = Fake()
    run_cases(_cases(4, answers=(("32%",),)), edited, workers=1, partial=partial)
    assert edited.asked == 4


def test_a_partial_run_of_another_state_is_not_used(tmp_path: Path) -> None:
    partial = put(tmp_path, "run.partial.jsonl", '{"format": 0}\n{"id": "q0"}\n')
    fake = Fake()
    run_cases(_cases(2), fake, partial=partial)
    assert fake.asked == 2


def test_progress_counts_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    run_cases(_cases(3), Fake(), workers=1, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
