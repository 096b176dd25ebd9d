"""Titles as people name them, and headings that one can ask about, in suggested questions."""

from __future__ import annotations

import pytest

from ingest.kb import Document
from service.suggest import asks_well, named, short_title


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("全球誰在用大模型：亞洲開支佔比由約 13% 升至約 31%", "全球誰在用大模型"),
        ("AI Index 2026, a narrow model gap and a dependence on one foundry", "AI Index 2026"),
        ("Who stays with a model? Retention in OpenRouter's State of AI", "Who stays with a model?"),
        ("MiniCPM4: Ultra-Efficient LLMs on End Devices", "MiniCPM4"),
        ("AI 經濟的幾本帳", "AI 經濟的幾本帳"),
        # Of a title that has no subtitle, whole words.
        (
            "Incentivizing Reasoning Capability in Large Language Models by Reinforcement Learning",
            "Incentivizing Reasoning Capability in Large Language Models by…",
        ),
        ("关于进一步推动人工智能与实体经济深度融合的若干意见征求稿", "关于进一步推动人工智能与实体经济深度融合的若干意见征求稿"),
        ("x" * 90, "x" * 63 + "…"),
    ],
)
def test_a_title_is_cut_where_people_cut_it(title: str, short: str) -> None:
    assert short_title(title) == short


@pytest.mark.parametrize(
    "heading",
    [
        # Dates.
        "2018 年 04 月",
        "二O一六年五月二十五日",
        "March 31, 2025",
        "2024 Q3",
        "民國 113 年 5 月",
        # Remains.
        "年 03 月 31 日",
        '喘" 二O一六年五月二十五日',
        "4,332,700 人民币普通股",
        "，並由董事會決議",
        "（一）關於「產能",
        "公 司 章 程 修 正",
        "~~ -- ... x1 ..",
        # What every report has.
        "Experiment",
        "Introduction",
        "Results and Discussion",
        "Conclusion, Limitations, and Future Work",
        "Related Work",
        "結論與展望",
        "实验结果与分析",
        "執行摘要",
    ],
)
def test_nobody_is_asked_about_dates_remains_and_sections_of_every_report(heading: str) -> None:
    assert not asks_well(heading)


def test_a_heading_that_adds_nothing_to_the_title_is_not_asked_about() -> None:
    assert not asks_well("DeepSeek-R1 Evaluation", "DeepSeek-R1: Incentivizing Reasoning Capability")
    assert asks_well("Distilled Model Evaluation", "DeepSeek-R1: Incentivizing Reasoning Capability")


@pytest.mark.parametrize(
    "heading",
    [
        "Distilled Model Evaluation",
        "Results in Asia",
        "Data Curation",
        "The 2026 outlook for chips",
        "May the best model win",
        "2024 年回顧",
        "31% of tokens come from Asia",
        "日本市場",
        "月活躍使用者",
        "“思考预算可调”成了标配",
        'Cinderella "Glass Slipper" 留存效應',
        "智能體推理（Agentic Inference）的興起",
        "審議的局限",
        "评估RAG效果",
        "開源 vs 閉源——多元共存的新常態",
    ],
)
def test_headings_with_a_matter_of_their_own_are_asked_about(heading: str) -> None:
    assert asks_well(heading)


@pytest.mark.parametrize(
    ("title", "file_name", "is_named"),
    [
        ("zhs_pdfplumber_issue67", "zhs_pdfplumber_issue67.pdf", False),
        ("Microsoft Word - draft.docx", "a1.pdf", False),
        ("report-2026-final", "report-2026-final.md", False),
        ("untitled", "b.html", False),
        ("年度報告", "年度報告.pdf", True),
        ("MiniCPM4", "MiniCPM4.pdf", True),
        ("DeepSeek-R1: Incentivizing Reasoning", "r1.pdf", True),
        ("AI Index 2026", "AI Index 2026.pdf", True),
    ],
)
def test_the_name_of_a_file_is_no_title(title: str, file_name: str, *, is_named: bool) -> None:
    document = Document("doc_1", "1", file_name, title, "en", "application/pdf", 1, 1, paged=True)
    assert named(document) == is_named
