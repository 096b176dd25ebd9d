"""The lexicon's files and what is found with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.kb.errors import SettingsError
from ingest.kb.folding import fold
from ingest.kb.lexicon import Lexicon, load_lexicon, parse_lexicon
from ingest.lexicon_tools import check_files, default_files


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


def _keys(lexicon: Lexicon, text: str) -> set[str]:
    return {match.concept.key for match in lexicon.find(fold(text), text)}


def _built(*lines: str, layer: int = 1) -> Lexicon:
    return Lexicon.build(list(parse_lexicon(lines, source="made", layer=layer)))


def test_there_are_four_thousand_concepts(lexicon: Lexicon) -> None:
    assert len(lexicon) >= 4_000


def test_keys_are_unique(lexicon: Lexicon) -> None:
    assert len({concept.key for concept in lexicon.concepts}) == len(lexicon)
    assert all(lexicon.get(concept.key) is concept for concept in lexicon.concepts)


def test_the_files_have_no_faults() -> None:
    """No duplicates in a column, no Traditional characters in the Simplified one, no missing column."""
    assert check_files(default_files()) == []


def test_every_concept_has_both_languages(lexicon: Lexicon) -> None:
    assert [c.key for c in lexicon.concepts if not c.terms.get("en") or not c.terms.get("zh-Hans")] == []


def test_taiwan_column_is_written_in_traditional_characters() -> None:
    """What folding changes in no character of a column may still be common to both scripts; a simplified-only one may not stand there."""
    from ingest.kb.script import detect_script

    faults = []
    for path in default_files():
        for concept in parse_lexicon(path.read_text("utf-8").split("\n"), source=path.name):
            for column in ("zh-Hant-TW", "zh-Hant-HK"):
                faults += [f"{path.name}: {term}" for term in concept.terms.get(column, ()) if detect_script(term) == "zh-Hans"]
    assert faults == []


@pytest.mark.parametrize(
    "words",
    [
        ("智能體", "智慧體", "代理", "智能体", "agent", "agents", "AI agent"),
        ("人工智慧", "人工智能", "artificial intelligence", "AI"),
        ("大型語言模型", "大语言模型", "large language models", "LLM"),
        ("軟體", "軟件", "软件", "software"),
        ("權重開放", "开放权重", "open weights", "open-weight"),
    ],
)
def test_words_of_every_region_meet_in_one_concept(lexicon: Lexicon, words: tuple[str, ...]) -> None:
    found = [_keys(lexicon, word) for word in words]
    assert set.intersection(*found), dict(zip(words, found, strict=True))


@pytest.mark.parametrize(
    "text", ["it", "It is here.", "tell us", "who does that", "can we have it on and off", "as an us or it", "Who is it?"]
)
def test_small_words_are_no_abbreviations(lexicon: Lexicon, text: str) -> None:
    assert not [m.concept.key for m in lexicon.find(fold(text), text) if m.concept.kind != "question"]


@pytest.mark.parametrize(
    ("text", "wanted"), [("US firms lead", "美国"), ("the WHO says", "世界卫生组织"), ("the IT of a bank", "信息技术")]
)
def test_capitals_are(lexicon: Lexicon, text: str, wanted: str) -> None:
    assert any(wanted in match.concept.terms["zh-Hans"] for match in lexicon.find(fold(text), text))


def test_a_term_is_no_part_of_a_longer_latin_word() -> None:
    lexicon = _built("agent\t智能体\t\t\t")
    assert _keys(lexicon, "the reagent") == set()
    assert _keys(lexicon, "an agent") == {"agent"}
    assert _keys(lexicon, "two Agents.") == {"agent"}


def test_the_longest_term_wins_and_shorter_ones_are_nested() -> None:
    lexicon = _built("artificial intelligence\t人工智能\t\t\t", "generative AI\t生成式人工智能\t\t\t")
    found = {match.concept.key: match.nested for match in lexicon.find(fold("生成式人工智能"))}
    assert found == {"generative ai": False, "artificial intelligence": True}


def test_matches_are_spans_of_the_text(lexicon: Lexicon) -> None:
    text = "2025 年，大型語言模型 (LLMs) 與 AI agents 的採用率上升。"
    for match in lexicon.find(fold(text), text):
        assert 0 <= match.start < match.end <= len(text)
    spans = {text[match.start : match.end] for match in lexicon.find(fold(text), text)}
    assert {"大型語言模型", "AI agents"} <= spans


def test_a_users_folder_adds_concepts(tmp_path: Path, lexicon: Lexicon) -> None:
    (tmp_path / "own.tsv").write_text("# ours\nquibblefex\t歪比巴卜\t\t\tkind=product\n", "utf-8")
    extended = load_lexicon((tmp_path,))
    assert len(extended) == len(lexicon) + 1
    assert extended.version != lexicon.version
    assert _keys(extended, "歪比巴卜是什麼") & _keys(extended, "what is Quibblefex")


def test_version_follows_the_content() -> None:
    one, same = _built("agent\t智能体\t\t\t"), _built("# a remark\nagent".split("\n")[0], "agent\t智能体\t\t\t")
    assert one.version == same.version
    for line in (
        "agent\t智能体; 代理\t\t\t",
        "agent\t智能体\t智慧體\t\t",
        "agent\t智能体\t\t\tweight=low",
        "agent\t智能体\t\t\tkind=product",
    ):
        assert _built(line).version != one.version, line
    assert _built("agent\t智能体\t\t\t", layer=2).version != one.version


def test_a_hand_made_concept_wins_over_an_imported_one() -> None:
    own = list(parse_lexicon(["agent\t智能体\t\t\t"], source="own"))
    imported = list(parse_lexicon(["representative\t智能体\t\t\t"], source="layer2", layer=2))
    assert _keys(Lexicon.build(own + imported), "智能体") == {"agent"}


@pytest.mark.parametrize("line", ["agent", "agent\t", "\t智能体", "agent 智能体"])
def test_a_malformed_line_is_named(line: str) -> None:
    with pytest.raises(SettingsError, match=r"own\.tsv:2"):
        list(parse_lexicon(["# head", line], source="own.tsv"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        load_lexicon((tmp_path / "nowhere",))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("作者", "授權"),
        ("開發者", "預測"),
        ("電腦", "算力"),
        ("經驗", "實驗"),
        ("客戶", "海關"),
        ("首都", "資本主義"),
        ("生產力", "產品"),
        ("進口", "重要"),
        ("訓練", "火車"),
        ("飛行員", "試點"),
    ],
)
def test_meanings_are_not_joined_because_english_words_share_a_stem(lexicon: Lexicon, one: str, other: str) -> None:
    """The stemmer makes one of author and authorize, computer and compute, customer and customs: their Chinese words stay apart."""
    assert _keys(lexicon, one)
    assert not _keys(lexicon, one) & _keys(lexicon, other)


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("the author of the book", "批准"),
        ("the state of Texas", "现状"),
        ("the report was long", "记者"),
        ("we aim to help", "艾滋病"),
        ("a team of four", "视频会议"),
        ("it rose sharply", "玫瑰"),
        ("the public agrees", "论文"),
    ],
)
def test_an_ordinary_word_is_no_other_word_of_its_stem(lexicon: Lexicon, text: str, unwanted: str) -> None:
    assert not [m.concept.key for m in lexicon.find(fold(text), text) if unwanted in m.concept.terms["zh-Hans"]]


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("利大於弊", "benefits outweigh the risks"),
        ("人手", "headcount"),
        ("員工數", "headcount"),
        ("突升", "a sudden surge"),
        ("尖峰", "at its peak"),
        ("擴大使用", "规模化"),
        ("功課", "coursework"),
        ("改寫", "editing and rewriting"),
        ("奧林匹亞", "the olympiad"),
        ("帳單", "the monthly bill"),
        ("按量收费", "billing"),
        ("自建", "in-house"),
        ("居次", "the runner-up"),
        ("最便宜", "the lowest price"),
        ("被訪者", "respondents"),
        ("大老闆", "executives"),
        ("年齡層", "age groups"),
        ("渗透率", "usage rate"),
        ("改造", "redesign"),
        ("留下來", "retention"),
        ("同期群", "cohorts"),
        ("開源模型", "open-weight model"),
        ("未計入", "excluded"),
        ("主要用途", "mainly used for"),
        ("鍵入", "users type"),
        ("波札那", "Botswana"),
        ("博茨瓦纳", "波札那"),
    ],
)
def test_an_everyday_word_meets_the_word_of_a_report(lexicon: Lexicon, asked: str, written: str) -> None:
    assert _keys(lexicon, asked) & _keys(lexicon, written), (_keys(lexicon, asked), _keys(lexicon, written))
