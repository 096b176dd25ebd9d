"""The report: one file without requests, three languages, every failure to be opened; a table that no spreadsheet runs."""

from __future__ import annotations

import copy
import csv
import html.parser
import io
from typing import Any

import pytest
from test_eval_run import Fake, _cases

from eval.cases import TYPES, Case
from eval.compare import compare_runs
from eval.gate import check_gate
from eval.report.csv_table import csv_text, safe_cell
from eval.report.page import html_report, reader_language
from eval.report.strings import FAILURES, LANGUAGES, STRINGS
from eval.run import run_cases
from eval.summary import HEADLINE, price_run

HOSTILE = '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>'


def _run(**more: Any) -> dict[str, Any]:
    unanswerable = [Case(f"n{i}", f"n{i}", "zh-Hant", f"沒有的事 {i}？", "polar", False) for i in range(2)]
    return run_cases([*_cases(6, **more), *unanswerable], Fake(), names=["my.jsonl"])


class Page(html.parser.HTMLParser):
    """Collects what a browser would fetch, run or follow."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.ids: list[str] = []
        self.followed: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "action", "data", "srcset", "xlink:href"):
                (self.followed if (value or "").startswith("#") else self.outside).append(value or "")
            if name.startswith("on"):
                self.outside.append(name)


def test_the_report_is_one_file_without_scripts_and_requests() -> None:
    run = _run()
    run["comparison"], run["gate"] = compare_runs(run, run), check_gate(run, {"accuracy": 0.5})
    text = html_report(run, language="en")
    page = Page(text)
    assert page.outside == []
    assert not {"script", "link", "iframe", "img", "object", "base", "form"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert {target.removeprefix("#") for target in page.followed} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_hostile_texts_stay_texts() -> None:
    run = _run()
    for result in run["results"]:
        result |= {"id": result["id"] + HOSTILE, "question": HOSTILE, "expected": [[HOSTILE]], "type": HOSTILE, "failure": "wrong_sentence"}
        result["answer"]["answer"] = HOSTILE
        result["passages"][0]["text"] = result["passages"][0]["document"] = HOSTILE
        for citation in result["citations"]:
            citation["cited_text"] = citation["file_name"] = citation["verification"] = HOSTILE
    run["fingerprint"] |= {"sets": [HOSTILE], "generation": HOSTILE}
    run["missing_documents"] = [HOSTILE]
    page = Page(html_report(run, language="en"))
    assert page.outside == []
    assert not {"script", "img"} & set(page.tags)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_opens_in_the_readers_language_and_holds_all_three(language: str) -> None:
    text = html_report(_run(), language=language)
    assert f'<html lang="{language}">' in text
    assert f'id="{language}" checked' in text
    assert text.count(" checked>") == 1
    for word in STRINGS["accuracy"]:
        assert word in text


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("zh_TW.UTF-8", "zh-Hant"),
        ("zh_HK", "zh-Hant"),
        ("zh_CN.UTF-8", "zh-Hans"),
        ("zh-Hant", "zh-Hant"),
        ("C", "en"),
        ("de_DE", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_that_of_the_locale(monkeypatch: pytest.MonkeyPatch, locale: str, language: str) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", locale)
    assert reader_language() == language


def test_every_word_of_ours_is_there_in_three_languages() -> None:
    for name in (*HEADLINE, *FAILURES, *LANGUAGES, *(kind for kind in TYPES if kind != "comparison"), "comparison_type", "cross_language"):
        assert name in STRINGS, name
    assert all(len(words) == 3 and all(words) for words in STRINGS.values())


@pytest.mark.parametrize("kind", FAILURES)
def test_each_kind_of_failure_leads_to_its_questions(kind: str) -> None:
    run = _run()
    run["results"][0] |= {"failure": kind, "error": "the question is too long"} if kind == "error" else {"failure": kind}
    run["summary"]["failures"] = {kind: 1}
    text = html_report(run, language="en")
    assert f'href="#kind-{kind}"' in text
    assert f'id="kind-{kind}"' in text
    failed = text[text.index('id="failed"') : text.index('id="passed"')]
    for told in ("Q0?", "31%", "Asia rose to 31%. Africa fell.", "a.md"):
        assert told in failed
    assert "Q1?" not in failed


def test_the_comparison_lists_won_and_lost_and_what_differs() -> None:
    before, after = _run(), _run()
    after["results"][2]["scores"]["accuracy"] = 0.0
    before["results"][3]["scores"]["accuracy"] = 0.0
    after["fingerprint"] = after["fingerprint"] | {"embedding": "none"}
    before["fingerprint"] = before["fingerprint"] | {"embedding": "minilm"}
    after["comparison"] = compare_runs(before, after)
    text = html_report(after, language="en")
    part = text[text.index('<section id="comparison">') : text.index('<section id="charts">')]
    assert part.index("Q2?") < part.index("Q3?")
    assert "minilm" in part
    assert "No significant difference" in text


def test_tokens_cost_and_judges_are_told() -> None:
    run = _run()
    run["summary"]["usage"] = {"prompt_tokens": 2_000_000, "completion_tokens": 500_000, "answers": 10, "estimated": True}
    price_run(run, 1.0, 4.0)
    assert run["summary"]["usage"]["cost"] == pytest.approx(4.0, abs=1e-9)
    assert run["summary"]["usage"]["cost_per_answer"] == pytest.approx(0.4, abs=1e-9)
    figure = {"value": 0.9, "low": 0.8, "high": 1.0, "agreement": 0.95, "failed": 2, "n": 8}
    run["summary"]["judges"] = {"model": "judge-7b", "runs": 3, "prompts": "abc", "measures": {"faithfulness": figure}}
    text = html_report(run, language="en")
    assert "2,000,000" in text
    assert "judge-7b" in text


def test_an_empty_baseline_of_a_small_set_draws_nothing_wrong() -> None:
    run = run_cases(_cases(1), Fake(), names=["one.jsonl"])
    text = html_report(run, language="zh-Hans")
    assert '="nan' not in text
    assert "None" not in text


# ---- CSV -----------------------------------------------------------------------------------------------------------------------------

FORMULAS = (
    "=1+1",
    "+1",
    "-1+2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    '=HYPERLINK("http://evil.example")',
    "\0=1",
    "\ufeff=1",
)


@pytest.mark.parametrize("text", FORMULAS, ids=repr)
def test_no_cell_is_a_formula(text: str) -> None:
    run = _run()
    run["results"][0] |= {"id": text, "question": text, "failure": text, "error": text}
    run["results"][0]["answer"] = copy.deepcopy(run["results"][0]["answer"]) | {"answer": text}
    rows = list(csv.reader(io.StringIO(csv_text(run).removeprefix("\ufeff"), newline="")))
    assert len(rows) == 1 + len(run["results"])
    for row in rows:
        for cell in row:
            first = cell.lstrip(" \t\r\n\0\ufeff\u200b")[:1]
            assert first not in tuple("=+-@＝＋－＠") or cell.startswith("'"), cell
    assert sum(text in cell for cell in rows[1]) >= 4


def test_a_plain_cell_stays_as_it_is() -> None:
    assert [safe_cell(value) for value in ("31%", None, 0.5, True, "亞洲占 31%")] == ["31%", "", "0.5", "True", "亞洲占 31%"]
