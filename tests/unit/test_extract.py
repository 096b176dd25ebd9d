"""Extractive answers: short, without repeats, with what was asked for marked; and whether there is an answer at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from makers import put

from ingest.build import ingest_paths
from ingest.kb import Analyser, Document, KnowledgeBase, Language, Passage, PassageRef, Settings, fold
from ingest.kb.lexicon import load_lexicon
from service.answering import answer_now
from service.candidates import Candidate
from service.records import Answer
from service.retrieved import Hit
from service.wording import prose

FILES = {
    "walnut.md": """# Walnut harvest

The walnut harvest of Oregon reached 4,200 tonnes in 2024. Farmers said that a late frost did little harm to the trees.

| Year | Tonnes | Price |
| --- | --- | --- |
| 2022 | 3,100 | $2.10 |
| 2023 | 3,650 | $1.95 |
""",
    "twin-hant.md": "# 用途\n\n程式設計占去所有詞元用量的 52%。角色扮演居次。\n",
    "twin-hans.md": "# 用途\n\n程式设计占去所有词元用量的 52%。角色扮演居次。\n",
    "long.md": "# Causes\n\n"
    + " ".join(f"One reason of the drought in Kansas was cause number {i}, which lasted for weeks." for i in range(30))
    + "\n",
}
QUESTIONS = (
    "How large was the walnut harvest of Oregon in 2024?",
    "程式設計占詞元用量多少？",
    "程式设计占词元用量多少？",
    "What were the reasons of the drought in Kansas?",
    "What was the price in 2023?",
)


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("extract")
    settings = Settings(data_dir=folder / "data", embedding={"provider": "none"})
    assert not ingest_paths(settings, [put(folder / "files", name, text) for name, text in FILES.items()]).failed
    base = KnowledgeBase(settings)
    yield base
    base.close()


def _ask(kb: KnowledgeBase, question: str) -> Answer:
    return answer_now(kb, question)


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_short(kb: KnowledgeBase, question: str) -> None:
    answer = _ask(kb, question)
    assert answer.status != "refused"
    assert len(answer.segments) <= 3
    assert len(answer.answer) <= 300


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_sentence_stands_twice(kb: KnowledgeBase, question: str) -> None:
    said = ["".join(c for c in fold(s.text) if c.isalnum()) for s in _ask(kb, question).segments]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("question", QUESTIONS[1:3])
def test_twins_in_two_scripts_are_said_once(kb: KnowledgeBase, question: str) -> None:
    assert _ask(kb, question).answer.count("52%") == 1


@pytest.mark.parametrize(("question", "figure"), [(QUESTIONS[0], "4,200"), (QUESTIONS[1], "52%")])
def test_highlights_mark_the_figure(kb: KnowledgeBase, question: str, figure: str) -> None:
    answer = _ask(kb, question)
    marked = [answer.answer[mark.start : mark.end] for mark in answer.highlights]
    assert any(figure in text for text in marked), marked
    assert all(text.strip() for text in marked)


def test_a_row_is_said_with_its_columns(kb: KnowledgeBase) -> None:
    answer = _ask(kb, QUESTIONS[4])
    assert "$1.95" in answer.answer
    assert "Price" in answer.answer
    assert "---" not in answer.answer


@pytest.mark.parametrize(
    ("header", "row", "language", "said"),
    [
        ("股东 | 比例 | 冻结", "杨琴秀 | 3.20% |", "zh-Hans", "杨琴秀，比例：3.20%"),
        ("股东 | 比例 | 冻结", "杨琴秀 | 3.20% | 无", "zh-Hans", "杨琴秀：比例：3.20%，冻结：无"),
        ("Model | Share | Cost", "| 3.2% | 1.10", "en", "Share: 3.2%, Cost: 1.10"),
        ("Model | Share", "Alpha |", "en", "Alpha"),
        ("Model | Share", "Alpha | 3% | 4", "en", "Alpha, 3%, 4"),
        ("", "Alpha | 3% |  |", "en", "Alpha, 3%"),
    ],
)
def test_a_row_is_said_without_bars_and_without_empty_cells(header: str, row: str, language: Language, said: str) -> None:
    document = Document("doc_1", "0" * 64, "a.md", "A", language, "text/markdown", 1, 1, False)
    passage = Passage("psg_1", "doc_1", 1, 0, len(row), (), language, kind="table_row", header=header)
    analysis = Analyser(load_lexicon()).analyse(row)
    candidate = Candidate(Hit(PassageRef(0, 0), passage, row, document, 1.0), 0, 0, 0, len(row), row, analysis)
    assert prose(candidate, language, before=None) == said


def test_how_many_is_no_missing_word(kb: KnowledgeBase) -> None:
    assert "3,650" in _ask(kb, "How many tonnes of walnut were there in 2023?").answer
