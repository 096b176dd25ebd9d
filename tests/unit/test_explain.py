"""What ``explain`` says of a search adds up to the ranking."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from makers import put

from ingest.build import ingest_paths
from ingest.kb import KnowledgeBase, Settings
from service.rerank import FEATURE_NAMES
from service.searching import search

FILES = {
    "a.md": "# 用量\n\n程式設計占去所有詞元用量的 52%，較去年大幅增加。\n",
    "b.md": "# 用量\n\n程式设计占去所有词元用量的 52%，较去年大幅增加。\n",
    "c.md": "# Usage\n\nProgramming took 52% of all tokens, far more than in the year before.\n\nRoleplay took the rest.\n",
}


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("explain")
    settings = Settings(data_dir=folder / "data", embedding={"provider": "none"})
    ingest_paths(settings, [put(folder / "files", name, text) for name, text in FILES.items()])
    base = KnowledgeBase(settings)
    yield base
    base.close()


def test_the_question_as_read(kb: KnowledgeBase) -> None:
    told = search(kb, "程式設計占多少詞元？", explain=True)["explain"]
    assert told["folded"] == "程式设计占多少词元?"
    assert told["types"]
    texts = {item["text"] for item in told["concepts"]}
    assert "詞元" in texts
    assert {term["term"][0] for term in told["terms"]} >= {"w", "b", "u", "c", "h"}
    assert all(term["idf"] > 0 for term in told["terms"])
    json.dumps(told, ensure_ascii=False)


def test_legs_terms_and_features_of_every_hit(kb: KnowledgeBase) -> None:
    result = search(kb, "程式設計占多少詞元？", explain=True)
    told = result["explain"]["hits"]
    assert [item["passage_id"] for item in told] == [item["passage_id"] for item in result["data"]]
    for item in told:
        fusion = item["fusion"]
        score = fusion["worth"] / (1 + math.exp(-(fusion["rerank_logit"] + fusion["dense"])))
        assert fusion["score"] == pytest.approx(score, abs=2e-4)
        assert item["legs"]["lexical"]["rank"] >= 1
        assert "dense" not in item["legs"]
        assert tuple(item["features"]) == FEATURE_NAMES
    assert result["explain"]["candidates"] >= len(told)


def test_what_was_dropped_and_why(kb: KnowledgeBase) -> None:
    result = search(kb, "程式設計占多少詞元？", explain=True)
    kept = next(item for item in result["data"] if item["alternates"])
    assert result["explain"]["dropped"] == [{"passage_id": kept["alternates"][0], "reason": f"same text as {kept['passage_id']}"}]


def test_a_question_of_signs_is_explained_too(kb: KnowledgeBase, tmp_path: Path) -> None:
    assert search(kb, "？！", explain=True)["explain"]["hits"] == []
    empty = KnowledgeBase(Settings(data_dir=tmp_path, embedding={"provider": "none"}), create=True)
    result = search(empty, "模型 model", explain=True)
    assert result["data"] == []
    assert result["explain"]["concepts"]
    empty.close()


def test_nothing_is_explained_unasked(kb: KnowledgeBase) -> None:
    assert "explain" not in search(kb, "詞元")
