"""The eval view: sets opened and reviewed, runs with their slices, and every question open to its answer and evidence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import OpenPage
from driver import CITED, UNKNOWN, Site
from playwright.sync_api import FilePayload, Locator, Page, expect

WRONG = "seventeen wombats"


def _case(name: str, question: str, answers: list[list[str]], evidence: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    known = {"id": name, "group_id": name, "language": "en", "question": question, "type": "other", "answerable": bool(answers)}
    return known | {"answers": answers, "evidence": evidence, "source": "draft", "reviewed_by": ""} | more


@pytest.fixture(scope="module")
def cases(scratch: Site) -> list[dict[str, Any]]:
    """Three questions that the library answers as expected, and one that it has to refuse."""
    made = []
    for number, question in enumerate((CITED["en"], "What is the boomerang effect?", "Which model has only one founding cohort?")):
        answer = scratch.answer(question)
        citation, said = answer["citations"][0], answer["segments"][0]["text"]
        evidence = [{"document": citation["file_name"], "page": citation["page"] or 1, "quote": citation["cited_text"]}]
        made.append(_case(f"q{number}", question, [[said[:24]]], evidence))
    return [*made, _case("q3", UNKNOWN["en"], [], [])]


def _file(name: str, cases: list[dict[str, Any]]) -> FilePayload:
    text = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    return {"name": name, "mimeType": "application/jsonl", "buffer": text.encode()}


def _evals(scratch: Site, open_page: OpenPage, language: str = "en") -> Page:
    page = open_page(scratch, language, path="#/evals")
    expect(page.locator("#eval-file")).to_have_count(1)
    return page


def _measure(page: Page, name: str, cases: list[dict[str, Any]]) -> Locator:
    """Run a set and return its line in the list once it is done."""
    before = page.locator(".run h2 a", has_text=name).count()
    page.set_input_files("#eval-file", [_file(name, cases)])
    page.get_by_role("button", name="Run this set").click()
    done = page.locator(".run h2 a", has_text=name)
    expect(done).to_have_count(before + 1, timeout=30_000)
    return done.first


def test_drafts_are_reviewed_and_saved(scratch: Site, open_page: OpenPage, cases: list[dict[str, Any]]) -> None:
    """A drafted question shows answer and evidence at its place; it is accepted, edited, rejected; nothing is lost by a reload."""
    page = _evals(scratch, open_page)
    page.set_input_files("#eval-file", [_file("drafts.jsonl", cases)])
    draft = page.locator(".draft")
    expect(draft.locator("h2")).to_have_text(cases[0]["question"])
    expect(draft).to_contain_text(cases[0]["answers"][0][0])
    # Its language and kind in words, not in codes.
    expect(draft.locator(".dots")).to_contain_text("English")
    page.select_option("#language", "zh-Hant")
    expect(draft.locator(".dots")).to_have_text(re.compile("英文.*其他"))
    page.select_option("#language", "en")
    draft.get_by_role("button", name="See it in the source").click()
    page.wait_for_selector("mark.cited")
    assert "".join(page.locator("mark.cited").all_text_contents()) == cases[0]["evidence"][0]["quote"]
    page.keyboard.press("Escape")
    draft.get_by_role("button", name="Accept").click()
    expect(draft.locator("h2")).to_have_text(cases[1]["question"])
    draft.get_by_role("button", name="Edit").click()
    page.get_by_label("Question", exact=True).fill("What does the boomerang mean?")
    page.select_option("#language", "zh-Hant")
    expect(page.get_by_label("問題", exact=True)).to_have_value("What does the boomerang mean?")
    page.select_option("#language", "en")
    page.get_by_label(re.compile("^Expected")).fill("return / come back\nlater")
    draft.get_by_role("button", name="Accept").click()
    page.reload()
    expect(draft.locator("h2")).to_have_text(cases[2]["question"])
    draft.get_by_role("button", name="Reject").click()
    expect(draft).to_contain_text("to be refused")
    draft.get_by_role("button", name="Skip").click()
    expect(draft).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the set").click()
    assert download.value.suggested_filename == "drafts.jsonl"
    saved = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [case["id"] for case in saved] == ["q0", "q1", "q3"]
    assert [bool(case["reviewed_by"]) for case in saved] == [True, True, False]
    assert saved[0] == cases[0] | {"reviewed_by": saved[0]["reviewed_by"]}
    assert (saved[1]["question"], saved[1]["answers"]) == ("What does the boomerang mean?", [["return", "come back"], ["later"]])
    page.get_by_role("button", name="Close the set").click()
    expect(page.locator("#eval-file")).to_have_count(1)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_closing_unsaved_work_asks_first(scratch: Site, open_page: OpenPage, cases: list[dict[str, Any]]) -> None:
    """What was decided and is in no file yet is not thrown away by one click."""
    page = _evals(scratch, open_page)
    page.set_input_files("#eval-file", [_file("drafts.jsonl", cases)])
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("button", name="Close the set").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.locator(".draft h2")).to_have_text(cases[1]["question"])


def test_a_run_shows_what_changed_and_why(scratch: Site, open_page: OpenPage, cases: list[dict[str, Any]]) -> None:
    """A run has its measures with intervals and slices; what was won and lost opens to answer, evidence and source."""
    page = _evals(scratch, open_page)
    bad = {"answers": [[WRONG]]}
    _measure(page, "moving.jsonl", [cases[0] | bad, cases[1], cases[2], cases[3]])
    page.wait_for_timeout(1100)  # A run's time counts seconds.
    _measure(page, "moving.jsonl", [cases[0], cases[1] | bad, cases[2], cases[3]]).click()
    row = page.locator("tr", has=page.locator("th", has_text="Answer accuracy")).first
    expect(row).to_contain_text(re.compile(r"\d+(\.\d+)?%\s*.*\d+(\.\d+)?% – \d+(\.\d+)?%"))
    expect(row).to_contain_text("±0 points")
    for name in ("Language of the question", "Between question and evidence", "Type", "Document"):
        expect(page.get_by_role("columnheader", name=name, exact=True).first).to_be_visible()
    moved = page.locator(".evals > h3.passed, .evals > h3.failed")
    expect(moved).to_have_text(["1 won", "1 lost"])
    expect(page.locator(".evals")).to_contain_text("4 questions in common")
    expect(page.locator(".evals")).to_contain_text("with probability 1.")
    won, lost = page.locator(".evals > .case-box").nth(0), page.locator(".evals > .case-box").nth(1)
    expect(won.locator("summary")).to_contain_text(cases[0]["question"])
    expect(lost.locator("summary")).to_contain_text(cases[1]["question"])
    lost.locator("summary").click()
    for text in (WRONG, "Answer of the run before", cases[1]["evidence"][0]["quote"], "Has the evidence"):
        expect(lost).to_contain_text(text)
    lost.get_by_role("button", name="See it in the source").first.click()
    expect(page.locator("mark.cited").first).to_be_in_viewport()
    page.keyboard.press("Escape")
    for heading in ("answered wrongly", "answered rightly"):
        expect(page.get_by_role("heading", name=re.compile(rf"^\d {heading}"))).to_be_visible()
    expect(page.locator(".case-box summary", has_text=UNKNOWN["en"])).to_contain_text("right")


def test_a_result_of_the_command_line_is_opened(scratch: Site, open_page: OpenPage, cases: list[dict[str, Any]]) -> None:
    """The file that ``wenju eval run --json`` writes is shown like a run of the service."""
    page = _evals(scratch, open_page)
    _measure(page, "kept.jsonl", cases)
    listed = scratch.call("/v1/evals")["data"]
    run = scratch.call(f"/v1/evals/{next(one['id'] for one in listed if one['set'] == 'kept.jsonl')}")
    file = {name: run[name] for name in ("object", "created", "fingerprint", "summary", "results")} | {
        "object": "eval_run",
        "gate": [{"measure": "accuracy", "wanted": 0.9, "found": 1.0, "passed": True}],
    }
    result: FilePayload = {"name": "r.json", "mimeType": "application/json", "buffer": json.dumps(file).encode()}
    page.set_input_files("#eval-file", [result])
    expect(page.locator(".evals h1")).to_have_text("kept.jsonl")
    expect(page.locator(".evals")).to_contain_text("gate passed")
    box = page.locator(".case-box").first
    box.locator("summary").click()
    expect(box).to_contain_text("Gold evidence")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.jsonl", '{"id": "a", "group_id": "a", "language": "en", "question": "x", "answerable": false}\n{"id": ', "Line 2"),
        ("b.jsonl", '\n{"id": "a", "group_id": "a", "language": "en", "question": "x"}', "Line 2 has no answerable"),
        ("c.jsonl", "", "neither a set nor a result"),
        ("d.json", '{"object": "answer"}', "neither a set nor a result"),
        ("e.json", "{", "neither a set nor a result"),
    ],
)
def test_a_broken_file_is_named_with_its_line(scratch: Site, open_page: OpenPage, name: str, text: str, says: str) -> None:
    """What is wrong with a file is said with the line it is wrong at, and the list stays."""
    page = _evals(scratch, open_page)
    broken: FilePayload = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    page.set_input_files("#eval-file", [broken])
    expect(page.get_by_role("alert")).to_contain_text(says)
    expect(page.locator(".evals h1")).to_have_text("Evals")


def test_what_the_service_says_of_a_set_is_shown(scratch: Site, open_page: OpenPage, cases: list[dict[str, Any]]) -> None:
    """A set that the service turns away says why, beside the button."""
    page = _evals(scratch, open_page)
    page.set_input_files("#eval-file", [_file("odd.jsonl", [cases[0] | {"type": "riddle"}])])
    page.get_by_role("button", name="Run this set").click()
    expect(page.get_by_role("alert")).to_contain_text("riddle")


def test_chance_is_mcnemars(page: Page) -> None:
    """The exact two-sided test, against values of the binomial distribution worked out by hand."""
    found = page.evaluate("""async () => {
      const { chance } = await import('/web/eval-read.js');
      return [chance(0, 0), chance(1, 1), chance(5, 0), chance(8, 1), chance(1000, 900)];
    }""")
    assert found[:4] == pytest.approx([1.0, 1.0, 2 / 32, 2 * 10 / 512], abs=1e-9)
    assert 0.02 < found[4] < 0.025
