"""The table of passage retrieval, over two small sets that are translations of each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import retrieval
from eval.cases import SetError
from eval.retrieval import default_sets, retrieval_table, table_text
from eval.squad import build, load_squad
from ingest.kb import Settings

ZH = [
    ("中央银行在去年提高了利率两次。", "中央银行提高了什么？"),
    ("这家公司推出了开源的大型语言模型。", "谁推出了开源模型？"),
    ("半导体出口管制影响了供应链。", "什么影响了供应链？"),
]
EN = [
    ("The central bank raised interest rates twice last year.", "What did the central bank raise?"),
    ("The company released an open-source large language model.", "Who released the open-source model?"),
    ("Export controls on semiconductors disturbed the supply chain.", "What disturbed the supply chain?"),
]


def _write(path: Path, pairs: list[tuple[str, str]]) -> Path:
    paragraphs = []
    for number, (text, question) in enumerate(pairs):
        paragraphs.append({"context": text, "qas": [{"id": f"q{number}", "question": question, "answers": []}]})
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}, ensure_ascii=False), "utf-8")
    return path


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [_write(tmp_path / "zh.json", ZH), _write(tmp_path / "en.json", EN)]


def test_every_part_has_its_rows(paths: list[Path]) -> None:
    said: list[str] = []
    rows = retrieval_table(paths, Settings(), parts=("own", "script", "across", "mixed"), dense=False, say=said.append)
    assert [row["what"] for row in rows] == [
        "zh",
        "zh · other script",
        "zh · other script and wording",
        "en → zh · across languages",
        "en",
        "zh → en · across languages",
        "zh · all sets in one index",
        "en · all sets in one index",
    ]
    assert said == ["zh", "en", "all sets in one index"]
    assert {row["n"] for row in rows} == {3}
    assert all(row["R@5"] == 1.0 for row in rows)
    assert rows[0]["met"]
    assert "R@1 ≥ 95.0" in rows[0]["goal"]
    text = table_text(rows)
    assert len(text.split("\n")) == len(rows) + 1
    assert "a translation counts as right" in text


def test_a_translation_counts_in_the_lenient_figure_alone(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def always_first(_kb: object, questions: list[str], *, dense: bool) -> tuple[list[list[str]], list[float]]:
        assert not dense
        return [["zh/0", "en/0"]] * len(questions), [1.0] * len(questions)

    monkeypatch.setattr(retrieval, "found_names", always_first)
    rows = {row["what"]: row for row in retrieval_table(paths, Settings(), parts=("own", "mixed"), dense=False)}
    english = rows["en · all sets in one index"]
    assert (english["R@1"], english["R@5"], english["lenient_R@1"]) == (0.0, pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert english["MRR"] == pytest.approx(1 / 6)
    assert english["loss"] == 0.0
    assert english["met"]
    assert rows["zh"]["R@1"] == pytest.approx(1 / 3)
    assert not rows["zh"]["met"]
    assert "MISSED" in table_text(list(rows.values()))


def test_concepts_carry_questions_across(paths: list[Path]) -> None:
    rows = retrieval_table(paths, Settings(), parts=("lexicon",), dense=False)
    assert [row["what"].split(" · ")[1].split(" %")[0] for row in rows[::2]] == ["0", "25", "50", "75", "100"]
    assert [row["MRR"] for row in rows[:2]] < [row["MRR"] for row in rows[-2:]]
    assert all(row["MRR"] == 1.0 for row in rows[-2:])


def test_a_folder_is_used_again_for_other_sets(paths: list[Path], tmp_path: Path) -> None:
    settings = Settings(embedding={"provider": "none"})
    for chosen, count in ((paths, 6), (paths[:1], 3), (paths[1:], 3)):
        kb = build([load_squad(path) for path in chosen], tmp_path / "library", settings)
        snapshot = kb.snapshot()
        assert snapshot is not None
        assert snapshot.passages == snapshot.statistics.passages == count
        kb.close()


def test_no_sets_is_said(tmp_path: Path) -> None:
    with pytest.raises(SetError, match="no question set"):
        default_sets(tmp_path)
    with pytest.raises(SetError, match="no question set"):
        default_sets(tmp_path / "nowhere")
