"""Supported sentences are shown, planted errors are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.faithfulness import Result, items, measure, report, report_text, table
from eval.faithfulness_paragraphs import paragraph_items
from ingest.kb.analyse import Analyser
from ingest.kb.lexicon import load_lexicon
from service.support import check_claim, make_source


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return Analyser(load_lexicon())


@pytest.fixture(scope="module")
def results(analyser: Analyser) -> list[Result]:
    return measure(items(), analyser)


def _share(results: list[Result], faithful: bool, *kinds: str) -> tuple[int, int]:
    rows = [row for row in table(results) if row[1] == faithful and (not kinds or row[0].removesuffix(" (by hand)") in kinds)]
    return sum(row[3] for row in rows), sum(row[2] for row in rows)


def _wrong(results: list[Result]) -> list[str]:
    return [f"{r.item.kind}: {r.item.text}" for r in results if r.shown != r.item.faithful]


@pytest.mark.parametrize("kind", ["figure", "year", "citation"])
def test_no_wrong_figure_date_or_citation_is_shown(results: list[Result], kind: str) -> None:
    wrong, count = _share(results, False, kind)
    assert count >= 100
    assert wrong == 0, _wrong(results)


@pytest.mark.parametrize("kind", ["entity", "negation", "invented", "figure of another"])
def test_other_planted_errors_are_rarely_shown(results: list[Result], kind: str) -> None:
    wrong, count = _share(results, False, kind)
    assert count >= 30
    assert wrong <= 0.02 * count, _wrong(results)


def test_faithful_sentences_are_rarely_withheld(results: list[Result]) -> None:
    wrong, count = _share(results, True)
    assert count >= 300
    assert wrong <= 0.05 * count, _wrong(results)


def test_faithful_sentences_in_another_language_are_rarely_withheld(results: list[Result]) -> None:
    wrong, count = _share(results, True, "cross_language", "paraphrase")
    assert count >= 60
    assert wrong <= 0.05 * count, _wrong(results)


def test_a_sentence_is_checked_within_five_milliseconds(results: list[Result]) -> None:
    times = sorted(result.ms for result in results)
    assert times[len(times) // 2] <= 5


def test_the_report_counts_and_lists_what_was_judged_wrongly(results: list[Result]) -> None:
    found = report(results)
    assert sum(row["sentences"] for row in found["kinds"]) == len(results)
    assert sum(row["wrong"] for row in found["kinds"]) == len(found["wrong"])
    text = report_text(found, wrong=True)
    assert all(wrong["text"] in text for wrong in found["wrong"])
    assert found["wrong"][0]["text"] not in report_text(found)


@pytest.mark.parametrize(
    ("source", "claim", "reason"),
    [
        ("亞洲的開支佔比升至約 31%。", "亞洲的開支佔比升至約 32%。", "a figure is not"),
        ("This fell to 7 in May 2025.", "This fell to 7 in June 2025.", "a date is not"),
        ("Anthropic held 60% of it.", "Mistral held 60% of it.", "a name is not"),
        ("美国占 14.2%，中国占 69.7%。", "美国占 69.7%。", "belongs to something else"),
        ("Incidents rose from 233 in 2024 to 362 in 2025.", "Incidents rose from 233 in 2025 to 362 in 2024.", "belongs to something else"),
        ("报告没有证明因果关系。", "报告证明了因果关系。", "states the opposite"),
        ("The April text gave 54% and the June revision 64%.", "The June text gave 54%.", "belongs to something else"),
        ("日本計劃在襲擊前中止與美國的協商。", "美國計劃在襲擊前中止與日本的協商。", "belongs to something else"),
        ("Route 99 joins the large towns. Route 41 goes to the park.", "Route 41 joins the large towns.", "belongs to something else"),
        ("若看所有模型，最大的用途是編程，不是繪圖。", "若看所有模型，最大的用途不是編程。", "states the opposite"),
        ("The study covers one platform.", "Penguins sleep standing on one leg.", "content is not"),
    ],
)
def test_the_reason_says_what_is_wrong(analyser: Analyser, source: str, claim: str, reason: str) -> None:
    verdict = check_claim(claim, [make_source(source, analyser)], analyser)
    assert not verdict.supported
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("source", "claim"),
    [
        # To the letter, but for the stop and the spaces.
        ("甲公司與乙公司都沒有公布 2024 年的數字。", "甲公司與乙公司都沒有公布2024年的數字"),
        # Another record of the same pattern, in an order of its own.
        ("47.1% 的用戶首選豆包，34.0% 首選 DeepSeek。", "首選豆包的使用者有 47.1%，首選 DeepSeek 的有 34.0%。"),
        # Clauses may change places.
        (
            "報告把 OpenAI 的 o1 當作轉折點，o1 完整版於 2024 年 12 月推出。",
            "o1 完整版於 2024 年 12 月推出，報告把 OpenAI 的 o1 當作轉折點。",
        ),
        # A coarser date is no other date.
        ("The market opened in May 1835 in Newcastle.", "The market opened in 1835 in Newcastle."),
    ],
)
def test_what_is_only_said_differently_is_supported(analyser: Analyser, source: str, claim: str) -> None:
    verdict = check_claim(claim, [make_source(source, analyser)], analyser)
    assert verdict.supported, verdict.reason


@pytest.mark.shared
def test_paragraphs_it_was_not_made_for_are_judged_alike(analyser: Analyser, shared_dir: Path) -> None:
    """Encyclopaedia paragraphs in three scripts: other subjects, other names, other figures than those of the sample corpus."""
    paths = [shared_dir / "datasets" / f"{name}.json" for name in ("drcd_dev", "cmrc_trial", "xquad_en_dev", "xquad_zh_dev")]
    found = measure(paragraph_items(paths, analyser, sample=20), analyser)
    for kind in ("figure", "year", "citation", "figure of another"):
        wrong, count = _share(found, False, kind)
        assert count >= 80
        assert wrong == 0, (kind, _wrong(found))
    for kind, most in (("negation", 0.02), ("invented", 0.02), ("entity", 0.05)):
        wrong, count = _share(found, False, kind)
        assert wrong <= most * count, (kind, _wrong(found))
    wrong, count = _share(found, True)
    assert count >= 1_000
    assert wrong <= 0.02 * count, _wrong(found)


def test_the_span_is_the_sentence_that_supports(analyser: Analyser) -> None:
    text = "報告涵蓋三年。DeepSeek 以 14.37 兆個詞元居首。其餘各家都少得多。"
    verdict = check_claim(
        "DeepSeek 以 14.37 万亿词元居首。", [make_source("無關的一段。", analyser), make_source(text, analyser)], analyser
    )
    assert verdict.supported
    assert verdict.source == 1
    assert text[verdict.start : verdict.end] == "DeepSeek 以 14.37 兆個詞元居首。"


def test_names_and_dates_may_stand_in_the_heading(analyser: Analyser) -> None:
    source = make_source("Its share fell to 15%.", analyser, context="Llama in 2025")
    assert check_claim("In 2025 Llama's share fell to 15%.", [source], analyser).supported
    assert not check_claim("In 2025 Qwen's share fell to 15%.", [source], analyser).supported


@pytest.mark.parametrize("claim", ["", "。", "！？", "\u200b", "of the and"])
def test_a_sentence_that_says_nothing_is_not_supported(analyser: Analyser, claim: str) -> None:
    assert not check_claim(claim, [make_source("亞洲占 31%。", analyser)], analyser).supported


def test_without_a_source_nothing_is_supported(analyser: Analyser) -> None:
    assert not check_claim("亞洲占 31%。", [], analyser).supported
    assert not check_claim("亞洲占 31%。", [make_source("", analyser)], analyser).supported
