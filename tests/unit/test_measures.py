"""The measures against cases worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from eval.cases import Evidence
from eval.measures import citation
from eval.measures.accuracy import holds, is_correct
from eval.measures.intervals import bootstrap, holm, mcnemar, paired_bootstrap
from eval.measures.latency import percentile
from eval.measures.parity import parity
from eval.measures.refusal import auroc, calibration_error, reliability, risk_coverage, two_by_two
from eval.measures.retrieval import hit_at, is_relevant, ndcg_at, reciprocal_rank

EXACT = 1e-9


@pytest.mark.parametrize(
    ("relevance", "k", "relevant", "value"),
    [
        ([True], 10, 1, 1.0),
        ([False, True], 10, 1, 1 / math.log2(3)),
        ([False, False, True], 10, 1, 0.5),
        ([True, False, True], 10, 2, (1 + 0.5) / (1 + 1 / math.log2(3))),
        ([False] * 10 + [True], 10, 1, 0.0),
        ([], 10, 1, 0.0),
        ([True, True], 10, 1, 1.0),
        ([False, True], 1, 1, 0.0),
    ],
)
def test_ndcg(relevance: list[bool], k: int, relevant: int, value: float) -> None:
    assert ndcg_at(relevance, k, relevant) == pytest.approx(value, abs=EXACT)


def test_retrieval_measures_equal_trec_eval_on_random_runs() -> None:
    """The expected values were computed by trec_eval itself, through pytrec_eval; judgements that were not retrieved count too."""
    runs = json.loads(Path(__file__).with_name("trec_eval.json").read_text("utf-8"))["runs"]
    assert len(runs) == 60
    for run in runs:
        relevance = [bool(flag) for flag in run["relevance"]]
        assert reciprocal_rank(relevance) == pytest.approx(run["mrr"], abs=EXACT)
        assert ndcg_at(relevance, 10, run["relevant"]) == pytest.approx(run["ndcg@10"], abs=EXACT)
        for k in (1, 5, 10):
            assert hit_at(relevance, k) == run[f"hit@{k}"]


@pytest.mark.parametrize(
    ("relevance", "value"), [([True], 1.0), ([False, True], 0.5), ([False, False, True, True], 1 / 3), ([False], 0.0), ([], 0.0)]
)
def test_reciprocal_rank(relevance: list[bool], value: float) -> None:
    assert reciprocal_rank(relevance) == pytest.approx(value, abs=EXACT)


def test_hit() -> None:
    assert [hit_at([False, False, True], k) for k in (1, 2, 3, 10)] == [0, 0, 1, 1]


def test_relevance_needs_document_page_and_words() -> None:
    gold = [Evidence("a.pdf", 2, "The share rose to 31% in Asia last year.")]
    text = "Before it. The share rose to 31% in Asia last year. After it."
    assert is_relevant("a.pdf", 2, text, gold)
    assert not is_relevant("a.pdf", 3, text, gold)
    assert not is_relevant("b.pdf", 2, text, gold)
    assert not is_relevant("a.pdf", 2, "Something else entirely stands on this page.", gold)
    assert is_relevant("a.pdf", 2, "share rose to 31% in Asia last", gold)
    assert is_relevant("a.md", None, "亚洲占 31%", [Evidence("a.md", 1, "亞洲占31%")])


@pytest.mark.parametrize(
    ("positive", "negative", "value"),
    [([0.9, 0.8], [0.1], 1.0), ([0.1], [0.9], 0.0), ([0.5], [0.5], 0.5), ([0.8, 0.4], [0.6, 0.4], (1 + 1 + 0 + 0.5) / 4)],
)
def test_auroc(positive: list[float], negative: list[float], value: float) -> None:
    assert auroc(positive, negative) == pytest.approx(value, abs=EXACT)


def test_auroc_of_nothing() -> None:
    assert auroc([], [0.1]) is None
    assert auroc([0.1], []) is None


def test_calibration_error() -> None:
    confidence, correct = [0.95, 0.85, 0.85, 0.15], [True, True, False, False]
    by_hand = (1 * 0.05 + 2 * abs(0.85 - 0.5) + 1 * 0.15) / 4
    assert calibration_error(confidence, correct) == pytest.approx(by_hand, abs=EXACT)
    assert calibration_error([1.0, 0.0], [True, False]) == pytest.approx(0.0, abs=EXACT)
    assert calibration_error([], []) is None
    bins = reliability(confidence, correct)
    assert [(b["low"], b["n"]) for b in bins] == [(0.1, 1), (0.8, 2), (0.9, 1)]


def test_risk_coverage() -> None:
    curve = risk_coverage([0.2, 0.9, 0.5], [False, True, False])
    assert [coverage for coverage, _ in curve] == pytest.approx([1 / 3, 2 / 3, 1.0], abs=EXACT)
    assert [risk for _, risk in curve] == pytest.approx([0.0, 0.5, 2 / 3], abs=EXACT)


def test_two_by_two() -> None:
    table = two_by_two([True, True, False, False, False], [False, True, False, True, True])
    assert list(table.values()) == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("won", "lost", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 2 / 32), (6, 0, 2 / 64), (1, 9, 2 * 11 / 1024), (0, 1, 1.0), (3, 12, 2 * 576 / 32768)],
)
def test_mcnemar(won: int, lost: int, p: float) -> None:
    assert mcnemar(won, lost) == pytest.approx(p, abs=EXACT)
    assert mcnemar(lost, won) == pytest.approx(p, abs=EXACT)


def test_holm() -> None:
    # 0.01 ≤ 0.05/4, 0.013 ≤ 0.05/3, 0.03 > 0.05/2: it and what follows fall.
    assert holm([0.03, 0.01, 0.04, 0.013]) == [False, True, False, True]
    assert holm([0.05]) == [True]
    assert holm([]) == []


def test_paired_bootstrap_draws_groups() -> None:
    before, after = [0.0] * 12, [1.0, 1.0, 1.0, *[0.0] * 9]
    _, single, _ = paired_bootstrap(before, after)
    _, grouped, _ = paired_bootstrap(before, after, groups=[f"g{i // 3}" for i in range(12)])
    assert single > 0.0 or grouped == 0.0
    assert grouped == 0.0
    assert paired_bootstrap([], []) == (0.0, 0.0, 0.0)


def test_bootstrap_is_deterministic_and_holds_the_mean() -> None:
    values = [1.0] * 30 + [0.0] * 10
    interval = bootstrap(values)
    assert interval is not None
    assert interval == bootstrap(values)
    assert interval[0] < 0.75 < interval[1]
    half = 1.96 * math.sqrt(0.75 * 0.25 / 40)
    assert interval == pytest.approx((0.75 - half, 0.75 + half), abs=0.03)
    assert bootstrap([1.0] * 5) == (1.0, 1.0)
    assert bootstrap([]) is None


def test_bootstrap_of_groups_is_wider() -> None:
    values = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0] * 6
    single, grouped = bootstrap(values), bootstrap(values, groups=[f"g{i // 3}" for i in range(36)])
    assert single is not None
    assert grouped is not None
    assert grouped[1] - grouped[0] > single[1] - single[0]


def test_paired_bootstrap() -> None:
    mean, low, high = paired_bootstrap([1, 1, 0, 0], [1, 1, 1, 1])
    assert mean == pytest.approx(0.5, abs=EXACT)
    assert 0 <= low <= 0.5 <= high <= 1
    assert paired_bootstrap([1, 0], [1, 0]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.95, 10), (0.9, 9), (0.01, 1), (1.0, 10)])
def test_percentile(share: float, value: int) -> None:
    assert percentile(range(10, 0, -1), share) == value
    assert percentile([], share) is None


def test_parity() -> None:
    outcomes = {"a": {"en": 1.0, "zh-Hant": 1.0}, "b": {"en": 0.0, "zh-Hant": 1.0}, "c": {"en": 1.0}, "d": {"en": 0.0, "zh-Hant": 0.0}}
    assert parity(outcomes, "zh-Hant", "en") == pytest.approx({"difference": 100 / 3, "agreement": 2 / 3, "groups": 3}, abs=EXACT)
    assert parity(outcomes, "zh-Hans", "en") is None


@pytest.mark.parametrize(
    ("answer", "alternative"),
    [
        ("It rose to 13 %.", "13%"),
        ("升至 13.0%。", "13%"),
        ("升至 13%。", "13.0%"),
        ("達 1 兆", "1 trillion"),
        ("三分之一的人", "1/3"),
        ("于 2024年12月5日 发布", "5 December 2024"),
        ("程式設計最多", "程式设计"),
        ("ＤｅｅｐＳｅｅｋ", "deepseek"),
        ("open-source models", "open - source"),
        ("2024年12月5日", "2024"),
    ],
)
def test_holds(answer: str, alternative: str) -> None:
    assert holds(answer, alternative)


@pytest.mark.parametrize(
    ("answer", "alternative"),
    [
        ("升至 13%", "3%"),
        ("in 2013", "13"),
        ("rose to 13.5%", "13%"),
        ("13", "13%"),
        ("113%", "13%"),
        ("1.3%", "3%"),
        ("about 31%", "13%"),
        ("the year 2024", "5 December 2024"),
        ("June 2024", "Q2 2024"),
        ("13% of it", "13 firms"),
        ("", "13"),
        ("anything", ""),
    ],
)
def test_holds_not(answer: str, alternative: str) -> None:
    assert not holds(answer, alternative)


def test_correct_needs_every_part_and_nothing_forbidden() -> None:
    parts = [["31%"], ["Asia", "亞洲"]]
    assert is_correct("亚洲占 31%。[1]", parts)
    assert not is_correct("占 31%。[1]", parts)
    assert not is_correct("亚洲占 31%。", parts, ["31%"])
    assert not is_correct("亚洲占 31%。" + "x" * 300, parts)
    assert not is_correct("It holds so.[13]", [["13"]])


def _answer(**more: Any) -> dict[str, Any]:
    cited = {
        "id": "c1",
        "file_name": "a.pdf",
        "document_id": "d",
        "page": 2,
        "cited_text": "Asia rose to 31%.",
        "start_char_index": 4,
        "end_char_index": 21,
    }
    segment = {"text": "Asia rose to 31%.", "citation_ids": ["c1"]}
    return {"status": "answered", "segments": [segment], "citations": [cited]} | more


def test_coverage_and_precision() -> None:
    answer = _answer()
    assert citation.coverage(answer) == citation.precision(answer) == 1.0
    bare = {"text": "And more.", "citation_ids": []}
    assert citation.coverage(_answer(segments=[*answer["segments"], bare])) == pytest.approx(0.5, abs=EXACT)
    assert citation.coverage(_answer(segments=[{"text": "x", "citation_ids": ["c9"]}])) == 0.0
    assert citation.precision(_answer(segments=[{"text": "Africa fell to 12%.", "citation_ids": ["c1"]}])) == 0.0
    refused = _answer(status="refused")
    assert citation.coverage(refused) is None
    assert citation.precision(refused) is None


def test_quotes_are_looked_up_where_they_are_said_to_stand() -> None:
    page = "Yes. Asia rose to 31%. No."
    cited = _answer()["citations"][0] | {"start_char_index": 5, "end_char_index": 22}
    assert citation.quote_verified(_answer(citations=[cited]), lambda *_: page) == 1.0
    assert citation.quote_verified(_answer(citations=[cited | {"start_char_index": 0}]), lambda *_: page) == 0.0
    assert citation.quote_verified(_answer(citations=[cited | {"start_char_index": 90, "end_char_index": 99}]), lambda *_: page) == 0.0
    assert citation.quote_verified(_answer(citations=[cited]), lambda *_: None) == 0.0
    assert citation.quote_verified(_answer(citations=[]), lambda *_: page) is None


def test_page_and_recall() -> None:
    answer = _answer()
    right, wrong = [Evidence("a.pdf", 2, "Asia rose to 31%.")], [Evidence("a.pdf", 3, "Nothing of the kind is said here.")]
    assert citation.page_accuracy(answer, right) == 1.0
    assert citation.page_accuracy(answer, wrong) == 0.0
    assert citation.page_accuracy(answer, [Evidence("b.pdf", 2, "x")]) is None
    assert citation.recall(answer, right, [["7%"]]) == 1.0
    assert citation.recall(answer, wrong, [["31%"]]) == 1.0
    assert citation.recall(answer, wrong, [["7%"]]) == 0.0
    assert citation.recall(answer, [], [["31%"]]) is None
