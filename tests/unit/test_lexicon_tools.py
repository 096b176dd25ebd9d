"""Checking lexicon files and importing a dictionary, on lines of our own."""

from __future__ import annotations

from pathlib import Path

import pytest
from makers import put

from ingest.kb.errors import SourceError
from ingest.kb.folding import fold
from ingest.kb.lexicon import Lexicon, load_lexicon, parse_lexicon
from ingest.lexicon_tools import check_files, import_cedict, parse_cedict

LINES = """# CC-CEDICT
#! version=1
測試鴨 测试鸭 [ce4 shi4 ya1] /test duck/to quack on trial/CL:隻|只[zhi1]/
犀利 犀利 [xi1 li4] /sharp; incisive (of remarks)/
鳥 鸟 [niao3] /bird/
長句子 长句子 [chang2] /a sense of far too many words to be any term/
見測試 见测试 [jian4] /see 測試鴨|测试鸭[ce4]/
no entry at all
"""


def test_entries() -> None:
    assert list(parse_cedict(LINES.split("\n"))) == [
        ("測試鴨", "测试鸭", ("test duck", "quack on trial")),
        ("犀利", "犀利", ("sharp", "incisive")),
        ("鳥", "鸟", ("bird",)),
    ]


def test_import_makes_a_layer_of_lower_weight(tmp_path: Path) -> None:
    count, path = import_cedict(put(tmp_path, "cedict.u8", LINES), tmp_path / "lexicon")
    assert count == 2
    assert path == tmp_path / "lexicon" / "layer2-cedict.tsv"
    assert check_files([path]) == []
    lexicon = load_lexicon((path.parent,))
    (match,) = [m for m in lexicon.find(fold("一隻測試鴨")) if m.concept.layer == 2]
    assert match.concept.key == "test duck"
    own = Lexicon.build(list(parse_lexicon(["sharp\t犀利\t\t\t"], source="own")))
    assert own.concepts[0].layer == 1


@pytest.mark.parametrize("text", ["", "nothing here\n", "# only remarks\n", "鳥 鸟 [niao3] /bird/\n"])
def test_a_file_without_entries_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match="no entry"):
        import_cedict(put(tmp_path, "cedict.u8", text), tmp_path / "lexicon")
    assert not (tmp_path / "lexicon").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.u8"):
        import_cedict(tmp_path / "nowhere.u8", tmp_path)
    with pytest.raises(SourceError, match=r"nowhere\.tsv"):
        check_files([tmp_path / "nowhere.tsv"])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("agent; Agent\t智能体\t\t\t", "stands twice in the en column"),
        ("agent\t智能体; 智能体\t\t\t", "stands twice in the zh-Hans column"),
        ("agent\t智能體\t\t\t", "not written in Simplified"),
        ("agent\t智能体\t、\t\t", "has no word in it"),
        ("agent\t智能体\t\t\tnote\tmore", "more than five columns"),
        ("agent", "needs an English and a zh-Hans column"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, line: str, fault: str) -> None:
    (found,) = check_files([put(tmp_path, "own.tsv", f"# head\nmodel\t模型\t\t\t\n{line}\n")])
    assert fault in found
    assert found.startswith("own.tsv:3")
