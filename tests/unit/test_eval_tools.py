"""The set tools without a corpus: converting, reviewing, promoting, reading facts, sizes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import put

from eval.cases import Case, Evidence, SetError, load_sets, write_set
from eval.converting import READERS, WRITERS, convert
from eval.promoting import promote
from eval.reading import SET, Fact, Reading, load_facts, overlap, reading_report, reading_text
from eval.reviewing import review_set
from eval.speed import parse_sizes, speed_text
from eval.speed.passages import make_passages, make_questions
from ingest.kb import Block, Page, detect_language
from ingest.kb.model import pack_boxes

QUOTE = "2024 年香港有 1.9% 的招聘廣告要求 AI 技能。"
CASES = [
    Case("a-hant", "a", "zh-Hant", "香港有多少比例的徵才廣告要求會 AI？", "share", True, (("1.9%",),), (), (Evidence("hk.md", 3, QUOTE),)),
    Case("b-en", "b", "en", "Who won the cricket match in 1911?", "person", False),
    Case(
        "c-en", "c", "en", "What share and year?", "share", True, (("1.9%", "1.9 %"), ("2024",)), ("2025",), (Evidence("hk.md", 3, QUOTE),)
    ),
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    write_set(path, CASES)
    return path


def there_and_back(source: Path, tmp_path: Path, name: str) -> dict[str, Case]:
    convert(source, tmp_path / "out", "wenju", name)
    convert(tmp_path / "out", tmp_path / "back.jsonl", name, "wenju")
    return {case.question: case for case in load_sets([tmp_path / "back.jsonl"])}


def test_every_format_is_read_and_written() -> None:
    assert set(READERS) == set(WRITERS) == {"wenju", "squad", "beir", "ragas", "llamaindex", "promptfoo"}


@pytest.mark.parametrize("name", ["wenju", "squad", "beir", "ragas", "llamaindex", "promptfoo"])
def test_question_and_quote_survive_every_format(source: Path, tmp_path: Path, name: str) -> None:
    back = there_and_back(source, tmp_path, name)
    for case in CASES:
        if name == "beir" and not case.evidence:
            continue
        assert [item.quote for item in back[case.question].evidence] == [item.quote for item in case.evidence]
        assert back[case.question].answerable is case.answerable
        assert back[case.question].language == case.language


def test_promptfoo_keeps_required_parts_places_and_groups(source: Path, tmp_path: Path) -> None:
    back = there_and_back(source, tmp_path, "promptfoo")
    assert back["What share and year?"].answers == CASES[2].answers
    assert back["What share and year?"].evidence == CASES[2].evidence
    assert back["What share and year?"].group_id == "c"


def test_beir_keeps_document_and_page(source: Path, tmp_path: Path) -> None:
    assert there_and_back(source, tmp_path, "beir")[CASES[0].question].evidence == CASES[0].evidence


def test_squad_keeps_ids_and_marks_answers_where_they_stand(source: Path, tmp_path: Path) -> None:
    _, notes = convert(source, tmp_path / "out", "wenju", "squad")
    data = json.loads((tmp_path / "out").read_text("utf-8"))
    paragraph = data["data"][0]["paragraphs"][0]
    answer = paragraph["qas"][0]["answers"][0]
    assert paragraph["context"][answer["answer_start"] :].startswith(answer["text"])
    assert any("parts" in note for note in notes)


def test_llamaindex_examples_have_all_fields_of_its_data_set(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "out.json", "wenju", "llamaindex")
    examples = json.loads((tmp_path / "out.json").read_text("utf-8"))["examples"]
    assert [example["query"] for example in examples] == [case.question for case in CASES]
    for example in examples:
        assert set(example) == {"query", "query_by", "reference_contexts", "reference_answer", "reference_answer_by"}
        assert example["query_by"] == {"model_name": "", "type": "human"}


BROKEN = [
    ("wenju", '{"id": "a"\n', ":1"),
    ("ragas", '{"user_input": "x", "reference": "y"}\n{"reference": "y"}\n', ":2"),
    ("ragas", "[1]\n", ":1"),
    ("squad", '{"data": [{"paragraphs": [{"context": "x", "qas": [3]}]}]}', "qas[0]"),
    ("squad", '{\n"data": ]', ":2"),
    ("squad", '{"data": [4]}', "data[0]"),
    ("llamaindex", '{"examples": [{"query": ""}]}', "examples[0]"),
    ("llamaindex", "[]", "examples"),
    ("promptfoo", "tests:\n  - vars: {question: [", ":2"),
    ("promptfoo", "tests:\n  - vars: {}\n", "tests[0]"),
    ("promptfoo", "- vars: {question: q}\n  metadata: {evidence: [{document: a, quote: b, page: x}]}\n", "tests[0]"),
]


@pytest.mark.parametrize(("name", "text", "place"), BROKEN)
def test_a_broken_source_is_named_with_its_place(tmp_path: Path, name: str, text: str, place: str) -> None:
    path = put(tmp_path, "broken", text)
    with pytest.raises(SetError) as caught:
        convert(path, tmp_path / "out", name, "wenju")
    assert str(path) in caught.value.message
    assert place in caught.value.message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_missing_source_is_no_traceback(tmp_path: Path, name: str) -> None:
    with pytest.raises(SetError):
        convert(tmp_path / "nothing", tmp_path / "out", name, "wenju")


def test_a_judgement_on_an_unknown_passage_is_named(tmp_path: Path) -> None:
    put(tmp_path, "b/corpus.jsonl", '{"_id": "1", "text": "t"}\n')
    put(tmp_path, "b/queries.jsonl", '{"_id": "q", "text": "t"}\n')
    put(tmp_path, "b/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\t1\t1\nq\t2\t1\n")
    with pytest.raises(SetError, match=r"test\.tsv:3"):
        convert(tmp_path / "b", tmp_path / "out", "beir", "wenju")


# ---- reviewing -----------------------------------------------------------------------------------------------------------------------


def reviewed(source: Path, typed: str) -> tuple[dict[str, Case], str]:
    shown = io.StringIO()
    assert review_set(source, io.StringIO(typed), shown) == 0
    return {case.id: case for case in load_sets([source])}, shown.getvalue()


def test_accept_reject_and_skip(source: Path) -> None:
    cases, shown = reviewed(source, "a\nr\ns\n")
    assert {name: case.reviewed_by for name, case in cases.items()} == {"a-hant": "author", "c-en": ""}
    assert "1 accepted, 0 edited, 1 rejected, 1 skipped, 1 left" in shown
    assert QUOTE in shown


def test_edit_changes_question_and_answers(source: Path) -> None:
    cases, _ = reviewed(source, "e\n香港有多少徵才廣告要求 AI？\n1.9% | 1.9 % ; 2024\nq\n")
    assert cases["a-hant"].question == "香港有多少徵才廣告要求 AI？"
    assert cases["a-hant"].answers == (("1.9%", "1.9 %"), ("2024",))
    assert cases["a-hant"].reviewed_by == "author"


def test_an_empty_line_keeps_what_is_there(source: Path) -> None:
    cases, _ = reviewed(source, "e\n\n\n")
    assert cases["a-hant"].question == CASES[0].question
    assert cases["a-hant"].answers == CASES[0].answers


def test_the_end_of_the_input_keeps_what_was_decided(source: Path) -> None:
    cases, _ = reviewed(source, "x\na\n")
    assert [case.reviewed_by for case in cases.values()] == ["author", "", ""]
    again, shown = reviewed(source, "a\na\n")
    assert all(case.reviewed_by for case in again.values())
    assert "0 left" in shown


# ---- votes ---------------------------------------------------------------------------------------------------------------------------


def vote(how: str, **answer: Any) -> dict[str, Any]:
    kept = {"question": "香港有多少？", "standalone_question": "香港有多少廣告？", "status": "answered", "answer": "1.9%。", "evidence": []}
    return {"created": "2026-01-01", "vote": how, "reason": None, "comment": None, "answer": kept | answer}


def test_votes_become_candidates_to_review() -> None:
    place = {"document": "hk.md", "page": 1, "quote": QUOTE}
    [case], left = promote([vote("down", evidence=[place]), vote("up", evidence=[place]), {"vote": "up", "answer": None}])
    assert left == 1
    assert (case.question, case.language, case.reviewed_by) == ("香港有多少廣告？", "zh-Hant", "")
    assert case.answers == (("1.9%。",),)
    assert case.evidence == (Evidence("hk.md", 1, QUOTE),)


def test_a_wrong_answer_gives_no_expected_answer() -> None:
    [case], _ = promote([vote("down") | {"reason": "wrong", "comment": "它說的是別的年份"}])
    assert case.answers == ()
    assert case.answerable
    assert "它說的是別的年份" in case.source


def test_a_refusal_voted_up_is_unanswerable_one_voted_down_is_not() -> None:
    assert not promote([vote("up", status="refused")])[0][0].answerable
    assert promote([vote("down", status="refused")])[0][0].answerable


# ---- reading -------------------------------------------------------------------------------------------------------------------------


def test_the_reading_set_has_enough_of_each_kind() -> None:
    facts = [fact for fact in load_facts(SET) if not fact.furniture]
    assert len(facts) >= 60
    assert sum(fact.is_cell for fact in facts) >= 20
    assert sum(fact.crosses in ("line", "column") for fact in facts) >= 10
    assert sum(bool(fact.boxes) for fact in facts) >= 30
    ours = {fact.document for fact in facts if not fact.document.startswith("shared/")}
    assert len(ours) == 3
    assert sum(fact.document.startswith("shared/") for fact in facts) >= 10


def test_the_sample_reports_are_read_as_a_person_reads_them() -> None:
    report = reading_report([fact for fact in load_facts(SET) if not fact.document.startswith("shared/")])
    assert report["sentences"]["share"] >= 0.98
    assert report["cells_with_row_and_column"]["share"] >= 0.95
    assert report["boxes"]["n"] >= 30
    assert report["boxes"]["share"] >= 0.95
    assert report["passages_with_furniture"]["share"] < 0.005


@pytest.mark.shared
def test_reports_of_others_are_read_as_a_person_reads_them(shared_dir: Path) -> None:
    report = reading_report([fact for fact in load_facts(SET) if fact.document.startswith("shared/")])
    assert not report["left_out"]
    assert report["sentences"]["share"] >= 0.98
    assert report["cells_with_row_and_column"]["share"] >= 0.95
    assert report["passages_with_furniture"]["share"] < 0.005


def test_facts_of_documents_not_at_hand_are_left_out_by_name() -> None:
    report = reading_report([Fact("1", "shared/a.pdf", 1, "one")], lambda _name: None)
    assert report["sentences"]["n"] == 0
    assert report["left_out"] == ["shared/a.pdf"]
    assert "left out, not at hand: shared/a.pdf" in reading_text(report)


def test_a_passage_with_a_running_head_or_the_number_of_its_page_is_counted() -> None:
    page = Page(7, "One.", (Block("paragraph", 0, 4),), label="5")
    passages = ["One.", "The survey of models\nOne.", "One.\n5", "One.\n– 7 –", "In 2025 there were\n6", "the survey of Models in firms"]
    facts = [Fact("1", "a.pdf", 0, "The Survey of Models", furniture=True)]
    report = reading_report(facts, lambda _name: Reading([page], [(7, text) for text in passages]))
    assert report["passages_with_furniture"] == {"n": 6, "found": 4, "share": pytest.approx(4 / 6)}


def test_boxes_are_judged_by_their_overlap() -> None:
    assert overlap([(0.1, 0.1, 0.5, 0.2)], [(0.1, 0.1, 0.5, 0.2)]) == pytest.approx(1.0)
    assert overlap([(0.0, 0.0, 1.0, 0.1), (0.0, 0.1, 0.5, 0.2)], [(0.0, 0.0, 1.0, 0.1)]) == pytest.approx(2 / 3)
    assert overlap([], [(0.0, 0.0, 1.0, 0.1)]) == 0.0
    boxes = pack_boxes(np.array([[0.1 * n, 0.1, 0.1 * n + 0.1, 0.2] for n in range(4)]))
    page = Page(1, "abcd", (Block("paragraph", 0, 4),), boxes=boxes, width=100, height=100)
    facts = [Fact("1", "a.pdf", 1, "bc", boxes=((0.1, 0.1, 0.3, 0.2),)), Fact("2", "a.pdf", 1, "bc", boxes=((0.1, 0.1, 0.2, 0.2),))]
    report = reading_report(facts, lambda _name: Reading([page]))
    assert report["boxes"] == {"n": 2, "found": 1, "share": 0.5}
    assert "box overlaps by 0.50: bc" in reading_text(report)


def test_a_cell_counts_only_under_its_column_and_beside_its_row() -> None:
    text = "Country | 2024 | 2025\nTaiwan | 26.4 | 28.4"
    rows = (Block("table_row", 0, 21, header=text[:21]), Block("table_row", 22, len(text), header=text[:21]))
    page = Page(1, text, rows)
    facts = [
        Fact("1", "a.pdf", 1, "28.4", "Taiwan", "2025"),
        Fact("2", "a.pdf", 1, "28.4", "Taiwan", "2024"),
        Fact("3", "a.pdf", 1, "28.4", "Japan", "2025"),
        Fact("4", "a.pdf", 2, "28.4"),
        Fact("5", "a.pdf", 1, "Taiwan 26.4"),
    ]
    report = reading_report(facts, lambda _name: Reading([page]))
    assert [row.get("named") for row in report["results"]] == [True, False, False, None, None]
    assert [row.get("in_row") for row in report["results"]] == [True, True, False, None, None]
    assert [row["found"] for row in report["results"]] == [True, True, True, False, True]
    assert report["cells_with_row_and_column"] == {"n": 3, "found": 1, "share": pytest.approx(1 / 3)}
    assert "not under its column" in reading_text(report)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"id": "a"}',
        '{"id": "a", "document": "b", "page": "1", "text": "c"}',
        '{"id": "a", "document": "b", "page": 1, "text": "c", "row": "d"}',
        '{"id": "a", "document": "b", "page": 1, "text": "c", "crosses": "sea"}',
    ],
)
def test_a_broken_fact_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = put(tmp_path, "facts.jsonl", '{"id": "x", "document": "b", "page": 1, "text": "c"}\n' + line + "\n")
    with pytest.raises(SetError, match=r"facts\.jsonl:2"):
        load_facts(path)


# ---- speed ---------------------------------------------------------------------------------------------------------------------------


def test_sizes() -> None:
    assert parse_sizes("1000, 20") == [1000, 20]
    for text in ("", "0", "-1", "1000,x", "99999999"):
        with pytest.raises(SetError):
            parse_sizes(text)


def test_passages_are_the_same_each_time_and_of_one_language() -> None:
    passages = make_passages(300)
    assert passages == make_passages(300)
    assert len(set(passages)) == 300
    assert {detect_language(text) for text in passages} == {"en", "zh-Hant", "zh-Hans"}
    assert len(make_questions(5)) == 5


def test_the_report_says_how_many_times_better() -> None:
    names = ("p50_ms", "p99_ms", "queries_per_s", "passages_per_s", "memory_mib", "cold_start_s")
    side = dict.fromkeys(names, 2.0) | {"built": "none"}
    row = {"passages": 1000, "ours": side, "rival": side, "ratios": dict.fromkeys(names, 1.5)}
    text = speed_text({"queries": 3, "sizes": [row, row | {"rival": None}], "notes": ["x"]})
    assert "1.50" in text
    assert "note: x" in text
