"""Sources that disagree on the asked figure are said to disagree; what only looks so is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.build import ingest_paths
from ingest.kb import KnowledgeBase, Language, Settings, to_script
from service.answering import answer_now
from service.messages import say
from service.records import Answer
from service.retrieve import Filters

# Names that no lexicon knows, one a case, so that no case is evidence for another.
NAMES = (
    "Korvex Lumira Tandrel Quillon Farsight Bexley Orimund Halvard Zephra Nistro Calyx Drumond Ephesa Gorlan Iskra Jorvik Kestral Lomond "
    "Mirabel Norcross Ophira Pellgrin Quasara Rothby Silvane Tormund Ulvara Vantis Wexcomb Xandria Yarrow Zolten Arbelo Brisco"
).split()

# (Chinese question, English question, Chinese sentences, English sentences); {n} is the name.
Case = tuple[str, str, tuple[str, ...], tuple[str, ...]]
SHARE = ("{n} 的市占率是多少？", "What is the market share of {n}?")
USERS = ("{n} 有多少使用者？", "How many users does {n} have?")
FOUNDED = ("{n} 是哪一年成立的？", "When was {n} founded?")

DISPUTED: list[Case] = [
    (
        *SHARE,
        ("{n} 的市占率是三分之一。", "{n} 的市占率是 26.7%。"),
        ("The market share of {n} is one third.", "The market share of {n} is 26.7%."),
    ),
    (*SHARE, ("{n} 的市占率是 30%。", "{n} 的市占率為 26.7%。"), ("The market share of {n} is 30%.", "The market share of {n} was 26.7%.")),
    (
        *SHARE,
        ("{n} 的市占率是三分之一。", "{n} 的市占率是 30%。", "{n} 的市占率是 26.7%。"),
        ("The market share of {n} is one third.", "The market share of {n} is 30%.", "The market share of {n} is 26.7%."),
    ),
    (
        *SHARE,
        ("根據 IDC 的報告，{n} 的市占率約 40%。", "Gartner 估計，{n} 的市占率約為 25%。"),
        ("According to IDC, the market share of {n} is about 40%.", "Gartner estimates the market share of {n} at about 25%."),
    ),
    (*USERS, ("{n} 有 3.2 億使用者。", "{n} 有 2.5 億使用者。"), ("{n} has 320 million users.", "{n} has 250 million users.")),
    (*FOUNDED, ("{n} 成立於 2019 年。", "{n} 在 2021 年成立。"), ("{n} was founded in 2019.", "{n} was founded in 2021.")),
    (
        "{n} 在 2024 年的市占率是多少？",
        "What was the market share of {n} in 2024?",
        ("2024 年，{n} 的市占率是 18%。", "{n} 在 2024 年的市占率是 22%。"),
        ("In 2024 the market share of {n} was 18%.", "The market share of {n} in 2024 was 22%."),
    ),
]

AGREED: list[Case] = [
    # The same value in another form, or as exact as it was written.
    (
        *SHARE,
        ("{n} 的市占率是三分之一。", "{n} 的市占率是 33%。"),
        ("The market share of {n} is one third.", "The market share of {n} is 33%."),
    ),
    (*SHARE, ("{n} 的市占率是 0.26。", "{n} 的市占率是 26%。"), ("The market share of {n} is 0.26.", "The market share of {n} is 26%.")),
    (*SHARE, ("{n} 的市占率是 27%。", "{n} 的市占率是 26.7%。"), ("The market share of {n} is 27%.", "The market share of {n} is 26.7%.")),
    (
        *SHARE,
        ("{n} 的市占率約三成。", "{n} 的市占率是 31%。"),
        ("The market share of {n} is about 30%.", "The market share of {n} is 30.6%."),
    ),
    (
        *SHARE,
        ("{n} 的市占率超過 30%。", "{n} 的市占率是 34%。"),
        ("The market share of {n} is over 30%.", "The market share of {n} is 34%."),
    ),
    (
        *SHARE,
        ("{n} 的市占率不到 20%。", "{n} 的市占率是 18%。"),
        ("The market share of {n} is under 20%.", "The market share of {n} is 18%."),
    ),
    (*SHARE, ("{n} 的市占率是一半。", "{n} 的市占率是 50%。"), ("The market share of {n} is a half.", "The market share of {n} is 50%.")),
    (*USERS, ("{n} 有 3.2 億使用者。", "{n} 有三億兩千萬使用者。"), ("{n} has 320 million users.", "{n} has 0.32 billion users.")),
    (*USERS, ("{n} 約有 100 萬使用者。", "{n} 有 1,030,000 使用者。"), ("{n} has about 1 million users.", "{n} has 1,030,000 users.")),
    (*FOUNDED, ("{n} 成立於 2019 年。", "{n} 在 2019 年 5 月成立。"), ("{n} was founded in 2019.", "{n} was founded in May 2019.")),
    # Other periods.
    (
        *SHARE,
        ("2023 年，{n} 的市占率是 12%。", "2024 年，{n} 的市占率是 20%。"),
        ("In 2023 the market share of {n} was 12%.", "In 2024 the market share of {n} was 20%."),
    ),
    (
        *SHARE,
        ("2024 年第一季，{n} 的市占率是 12%。", "2024 年第三季，{n} 的市占率是 20%。"),
        ("In Q1 2024 the market share of {n} was 12%.", "In Q3 2024 the market share of {n} was 20%."),
    ),
    # Other places, groups, attributes or subjects.
    (
        *SHARE,
        ("{n} 在日本的市占率是 12%。", "{n} 在德國的市占率是 20%。"),
        ("The market share of {n} in Japan is 12%.", "The market share of {n} in Germany is 20%."),
    ),
    (
        *SHARE,
        ("{n} 在女性使用者中的市占率是 12%。", "{n} 在男性使用者中的市占率是 20%。"),
        ("The market share of {n} among women is 12%.", "The market share of {n} among men is 20%."),
    ),
    (
        *SHARE,
        ("{n} 的市占率是 12%。", "{n} 在付費使用者中的市占率是 20%。"),
        ("The market share of {n} is 12%.", "The market share of {n} among paying users is 20%."),
    ),
    (
        *USERS,
        ("{n} 有 500 萬付費使用者。", "{n} 有 3,000 萬使用者。"),
        ("{n} has 5 million paying users.", "{n} has 30 million users."),
    ),
    (
        *USERS,
        ("{n} 有 500 萬使用者。", "{n} 的競爭者 Braxon 有 900 萬使用者。"),
        ("{n} has 5 million users.", "Braxon, a rival of {n}, has 9 million users."),
    ),
    # Another mode: a forecast, a change, an average, a peak, a period of counting, a correction.
    (
        *SHARE,
        ("{n} 的市占率是 12%。", "{n} 的市占率預計將達 20%。"),
        ("The market share of {n} is 12%.", "The market share of {n} is expected to reach 20%."),
    ),
    (
        *SHARE,
        ("{n} 的市占率是 12%。", "{n} 的市占率增加了 4%。"),
        ("The market share of {n} is 12%.", "The market share of {n} grew by 4%."),
    ),
    (
        *SHARE,
        ("{n} 的市占率是 12%。", "{n} 的市占率最高曾達 20%。"),
        ("The market share of {n} is 12%.", "At its peak the market share of {n} was 20%."),
    ),
    (
        *USERS,
        ("{n} 有 500 萬使用者。", "{n} 每天有 80 萬使用者。"),
        ("{n} has 5 million users.", "{n} has 800,000 daily users."),
    ),
    (
        *SHARE,
        ("{n} 的市占率是 12%。", "{n} 的市占率不是 20%。"),
        ("The market share of {n} is 12%.", "The market share of {n} is not 20%."),
    ),
    # Other units, ranges, several figures.
    (
        *SHARE,
        ("{n} 的市占率是 12%。", "{n} 的市占率領先 5 個百分點。"),
        ("The market share of {n} is 12%.", "The market share of {n} is ahead by 5 percentage points."),
    ),
    (
        *SHARE,
        ("{n} 的市占率是 12%。", "{n} 的市占率介於 15% 到 20% 之間。"),
        ("The market share of {n} is 12%.", "The market share of {n} is between 15% and 20%."),
    ),
    (
        *SHARE,
        ("{n} 的市占率從 8% 來到 12%。", "{n} 的市占率是 20%，或 15%，看怎麼算。"),
        ("The market share of {n} went from 8% to 12%.", "The market share of {n} is 20% or 15%, as one counts."),
    ),
]
CASES = [(case, name, case in DISPUTED) for case, name in zip([*DISPUTED, *AGREED], NAMES, strict=False)]
LANGUAGES: tuple[Language, ...] = ("zh-Hant", "zh-Hans", "en")


def _texts(case: Case, name: str, language: Language) -> tuple[str, list[str]]:
    question, sentences = (case[1], case[3]) if language == "en" else (case[0], case[2])
    written = [to_script(sentence.replace("{n}", name), language) for sentence in sentences]
    return to_script(question.replace("{n}", name), language), written


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    """Three documents a script, each with one section a case."""
    folder = tmp_path_factory.mktemp("sources")
    paths: list[Path] = []
    for language in LANGUAGES:
        for place, title in enumerate(("alpha", "beta", "gamma")):
            sections = []
            for case, name, _ in CASES:
                told = _texts(case, name, language)[1]
                if place < len(told):
                    sections.append(f"## {name}\n\n{told[place]}\n")
            path = folder / f"{title}-{language}.md"
            path.write_text(f"---\ntitle: {title}\ndate: 2025-0{place + 5}-01\n---\n\n" + "\n".join(sections), "utf-8")
            paths.append(path)
    settings = Settings(data_dir=folder / "data", embedding={"provider": "none"})
    assert not ingest_paths(settings, paths).failed
    base = KnowledgeBase(settings)
    yield base
    base.close()


def _ask(kb: KnowledgeBase, case: Case, name: str, language: Language) -> Answer:
    return answer_now(kb, _texts(case, name, language)[0], language=language, filters=Filters(languages=(language,)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("case", "name"), [(case, name) for case, name, disputed in CASES if disputed])
def test_disagreeing_sources_are_said_to_disagree_and_are_all_cited(kb: KnowledgeBase, case: Case, name: str, language: Language) -> None:
    answer = _ask(kb, case, name, language)
    sentences = _texts(case, name, language)[1]
    assert answer.status == "answered"
    assert answer.answer.startswith(say("conflict", language)), answer.answer
    assert {citation.cited_text for citation in answer.citations} == set(sentences)
    (note,) = [note for note in answer.notes if note["kind"] == "conflict"]
    assert set(note["citation_ids"]) == {citation.id for citation in answer.citations}
    assert len({value["text"] for value in note["values"]}) == len(sentences)
    assert all(set(segment.citation_ids) <= set(note["citation_ids"]) and segment.citation_ids for segment in answer.segments)
    assert len(answer.answer) <= 300


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("case", "name"), [(case, name) for case, name, disputed in CASES if not disputed])
def test_what_only_looks_like_a_conflict_is_none(kb: KnowledgeBase, case: Case, name: str, language: Language) -> None:
    answer = _ask(kb, case, name, language)
    assert answer.status == "answered"
    assert say("conflict", language) not in answer.answer
    assert not [note for note in answer.notes if note["kind"] == "conflict"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_year_that_the_question_names_comes_first(kb: KnowledgeBase, language: Language) -> None:
    name = next(name for case, name, disputed in CASES if not disputed and "2023 年，" in case[2][0])
    for year, share in (("2023", "12%"), ("2024", "20%")):
        question = f"What was the market share of {name} in {year}?" if language == "en" else f"{name} 在 {year} 年的市占率是多少？"
        answer = answer_now(kb, to_script(question, language), language=language, filters=Filters(languages=(language,)))
        assert share in answer.citations[0].cited_text, answer.answer
