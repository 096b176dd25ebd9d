"""Titles as people name them, in suggested questions."""

from __future__ import annotations

import pytest

from service.suggest import short_title


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
