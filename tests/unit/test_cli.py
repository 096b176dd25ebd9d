"""The command line's exit codes and its JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from makers import put
from pydantic import ValidationError

from service.cli import _locale_script
from wenju import main

DIGEST = """---
title: Walnuts
---
# Walnuts

The walnut harvest of Oregon reached 4,200 tonnes in 2024.
"""


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own, without the dense leg."""
    import os

    for name in list(os.environ):
        if name.upper().startswith("WENJU_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WENJU_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WENJU_EMBEDDING__PROVIDER", "none")
    monkeypatch.chdir(tmp_path)


def _json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_from_files_to_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "walnuts.md", DIGEST)
    assert main(["ingest", str(path), "--json"]) == 0
    assert _json(capsys)["exit_code"] == 0
    assert main(["documents", "list", "--json"]) == 0
    (document,) = _json(capsys)
    assert document["file_name"] == "walnuts.md"
    assert main(["documents", "show", document["id"], "--json"]) == 0
    assert "4,200 tonnes" in _json(capsys)["pages"][0]["text"]
    assert main(["search", "walnut harvest", "--json"]) == 0
    assert _json(capsys)["data"][0]["document_id"] == document["id"]
    assert main(["ask", "What did the walnut harvest of Oregon reach in 2024?", "--json"]) == 0
    answer = _json(capsys)
    assert answer["object"] == "answer"
    assert "4,200" in answer["answer"]
    assert main(["documents", "remove", document["id"]]) == 0
    capsys.readouterr()
    assert main(["documents", "list", "--json"]) == 0
    assert _json(capsys) == []


def test_what_was_read_is_shown_with_its_lines_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ingest", str(put(tmp_path, "walnuts.md", DIGEST)), "--json"])
    (file,) = _json(capsys)["files"]
    assert main(["documents", "show", file["document_id"]]) == 0
    printed = capsys.readouterr().out
    assert "[0–7 heading, line 4] Walnuts\n" in printed
    assert "[8–66 paragraph, line 6] The walnut harvest" in printed
    assert main(["documents", "show", file["document_id"], "--json"]) == 0
    (page,) = _json(capsys)["pages"]
    assert [(page["text"][block["start"] : block["end"]][:10], block["lines"]) for block in page["blocks"]] == [
        ("Walnuts", [4, 4]),
        ("The walnut", [6, 6]),
    ]


def test_how_large_is_no_missing_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ingest", str(put(tmp_path, "walnuts.md", DIGEST))])
    capsys.readouterr()
    assert main(["ask", "How large was the walnut harvest of Oregon in 2024?", "--json"]) == 0
    assert "4,200" in _json(capsys)["answer"]


def test_a_file_that_cannot_be_read_is_partial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "in/walnuts.md", DIGEST)
    put(tmp_path, "in/torn.pdf", b"%PDF-1.7\nnothing of a PDF follows")
    assert main(["ingest", "in", "--json"]) == 3
    record = _json(capsys)
    assert record["failed"] == 1
    assert record["exit_code"] == 3


def test_without_a_path_and_without_a_corpus_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ingest.defaults.sample_corpus", lambda: tmp_path / "not-installed")
    assert main(["ingest"]) == 2
    assert "wenju ingest my-reports/" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(put(tmp_path, "walnuts.md", DIGEST)), "--dry-run", "--json"]) == 0
    capsys.readouterr()
    assert main(["ask", "How large was the harvest?"]) == 4


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["ingest", "nowhere"],
        ["convert", "nowhere.md", "--to", "zh-TW"],
        ["lexicon", "check", "nowhere.tsv"],
        ["lexicon", "import", "nowhere.u8"],
        ["eval", "compare", "nowhere.json", "nowhere.json"],
        ["eval", "run", "nowhere.jsonl"],
        ["ask", ""],
        ["ask", "   "],
    ],
    ids=" ".join,
)
def test_usage_is_two(command: list[str]) -> None:
    assert main(command) == 2


@pytest.mark.parametrize(
    "command", [["nosuch"], ["ask"], ["convert", "a.md"], ["convert", "a.md", "--to", "fr"], ["documents"], ["--nosuch"]], ids=" ".join
)
def test_the_parser_leaves_with_two(command: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(command)
    assert caught.value.code == 2


@pytest.mark.parametrize("command", [["ask", "What is it?"], ["search", "walnut"], ["documents", "list"]], ids=" ".join)
def test_without_a_knowledge_base_four(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("wenju: ")
    assert "→" in printed.err


@pytest.mark.parametrize(("name", "value"), [("WENJU_SERVICE__PORT", "many"), ("WENJU_SERVCE__PORT", "1"), ("WENJU_API_KEYS", "[")])
def test_wrong_settings_are_four(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert main(["config", "show"]) == 4


def test_settings_as_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_API_KEYS", "sk-alpha")
    assert main(["config", "show", "--json"]) == 0
    rows = {row["name"]: row for row in _json(capsys)}
    assert rows["api_keys"]["value"] == "(1 set)"
    assert rows["embedding.provider"]["source"] == "environment"


def test_a_faulty_lexicon_is_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lexicon", "check", str(put(tmp_path, "own.tsv", "agent\t智能體\t\t\t\n"))]) == 3
    assert "own.tsv:1" in capsys.readouterr().out


def test_convert_prints_or_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "a.md", "软件\n")
    assert main(["convert", str(path), "--to", "zh-TW"]) == 0
    assert capsys.readouterr().out == "軟體\n"
    assert main(["convert", str(path), "--to", "zh-HK", "-o", "b.md"]) == 0
    assert (tmp_path / "b.md").read_text("utf-8") == "軟件\n"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("wenju ")


def test_data_dir_may_be_a_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_DATA_DIR", "restored-afterwards")
    assert main(["--data-dir", str(tmp_path / "other"), "ingest", str(put(tmp_path, "walnuts.md", DIGEST))]) == 0
    assert (tmp_path / "other").is_dir()
    assert not (tmp_path / "restored-afterwards").exists()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["search", "--top-k", "0", "walnuts"], "--top-k: 0 is not between 1 and 100"),
        (["search", "--top-k", "-3", "walnuts"], "--top-k: -3 is not between 1 and 100"),
        (["search", "--top-k", "101", "walnuts"], "--top-k: 101 is not between 1 and 100"),
        (["search", "--top-k", "many", "walnuts"], "--top-k: 'many' is no whole number"),
        (["serve", "--port", "99999"], "--port: 99999 is not between 0 and 65535"),
        (["serve", "--port", "-1"], "--port: -1 is not between 0 and 65535"),
        (["serve", "--port", "http"], "--port: 'http' is no whole number"),
    ],
)
def test_a_number_out_of_bounds_is_refused(arguments: list[str], fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert fault in capsys.readouterr().err


def test_the_bounds_are_those_of_the_service() -> None:
    from ingest.kb.settings import MAX_PORT
    from service.cli import _MAX_PORT, MAX_TOP_K
    from service.schemas import SearchRequest

    assert [SearchRequest(query="x", top_k=top_k).top_k for top_k in (1, MAX_TOP_K)] == [1, MAX_TOP_K]
    for top_k in (0, MAX_TOP_K + 1):
        with pytest.raises(ValidationError):
            SearchRequest(query="x", top_k=top_k)
    assert _MAX_PORT == MAX_PORT


@pytest.mark.parametrize("data", [b"%PDF-1.7\nnothing of a PDF follows", b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe" * 9])
def test_what_is_no_text_is_not_converted(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "picture.pdf", data)
    assert main(["convert", str(path), "--to", "zh-Hans"]) == 3
    said = capsys.readouterr().err
    assert f"wenju: {path} is " in said
    assert "give a PDF" not in said


def test_standard_input_is_converted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for data, code in (("軟體與資料\r\n".encode("big5"), 0), (b"%PDF-1.7", 3)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert main(["convert", "-", "--to", "zh-Hans"]) == code
        printed = capsys.readouterr()
        assert printed.out == ("软件与数据\n" if code == 0 else "")
    assert "wenju: standard input is a PDF" in printed.err


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "digest.md", "軟體\n")
    assert main(["convert", str(path), "--to", "zh-Hans", "--output", str(tmp_path / "no" / "out.md")]) == 2
    assert "out.md cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "script"),
    [
        ({"LANG": "zh_TW.UTF-8"}, "zh-Hant"),
        ({"LANG": "zh_HK"}, "zh-Hant"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-Hans"),
        ({"LANG": "en_US.UTF-8"}, None),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, "zh-Hant"),
        ({"LANG": "zh_TW.UTF-8", "LC_MESSAGES": "C"}, None),
        ({}, None),
    ],
)
def test_the_terminals_locale_tells_the_script(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], script: str | None) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _locale_script() == script
