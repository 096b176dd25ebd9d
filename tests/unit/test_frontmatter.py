"""Front matter: what YAML and TOML say of a digest, and what is not read because it could do harm."""

from __future__ import annotations

import time
from pathlib import Path

import makers
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.readers.frontmatter import MAX_BYTES, facts, split_front_matter

HUGO = """---
title: "人工智慧年報：重點"
date: 2026-01-15T08:00:00+08:00
lang: zh-TW
author: 資料小組
tags: [人工智慧, 年報]
categories:
  - 統計
source: https://example.org/report
draft: false
menu:
  main: {weight: 3}
---
# 標題

內文。
"""
TOML = """+++
title = "年度摘要"
date = 2026-02-03
tags = ["模型", "资料"]
language = "zh-Hans"
[params]
  featured = true
+++
正文。
"""


def test_hugo_yaml(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "a.md", HUGO))
    assert (head.title, head.date, head.language, head.publisher) == ("人工智慧年報：重點", "2026-01-15", "zh-Hant", "資料小組")
    assert head.tags == ("人工智慧", "年報", "統計")
    assert head.metadata["source"] == "https://example.org/report"
    assert "menu" not in head.metadata
    assert makers.kinds(pages[0]) == [("heading", "標題"), ("paragraph", "內文。")]
    assert head.warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: 年報\ndate: 2024-13-45\ntags: [模型]\n---\n內文。\n",
        '+++\ntitle = "年報"\ndate = 2024-13-45\ntags = ["模型"]\n+++\n內文。\n',
    ],
    ids=["yaml", "toml"],
)
def test_a_date_that_no_calendar_has_leaves_the_other_entries(tmp_path: Path, text: str) -> None:
    head, pages = makers.read(makers.put(tmp_path, "a.md", text))
    assert (head.title, head.date, head.tags) == ("年報", "", ("模型",))
    assert head.warnings == ("date in the front matter is no date and was left out: 2024-13-45",)
    assert pages[0].text == "內文。"


def test_hugo_toml(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "a.md", TOML))
    assert (head.title, head.date, head.language) == ("年度摘要", "2026-02-03", "zh-Hans")
    assert head.tags == ("模型", "资料")
    assert "params" not in head.metadata
    assert pages[0].text == "正文。"


def test_jekyll(tmp_path: Path) -> None:
    text = (
        "---\nlayout: post\ntitle: What changed\ncategories: ai, work\ntags:\n- models\nlastmod: 2025/7/3\n---\n{% include head %}\nText.\n"
    )
    head, pages = makers.read(makers.put(tmp_path, "2025-07-03-what-changed.md", text))
    assert (head.title, head.date, head.tags) == ("What changed", "2025-07-03", ("models", "ai", "work"))
    assert head.metadata["layout"] == "post"
    assert pages[0].text == "Text."


def test_windows_line_ends_and_mark(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "a.md", b"\xef\xbb\xbf" + HUGO.replace("\n", "\r\n").encode("utf-8")))
    assert head.title == "人工智慧年報：重點"
    assert "\r" not in pages[0].text
    assert makers.kinds(pages[0]) == [("heading", "標題"), ("paragraph", "內文。")]


def test_yaml_may_end_with_dots() -> None:
    entries, start, warning = split_front_matter("---\ntitle: A\n...\nBody")
    assert (entries, warning) == ({"title": "A"}, "")
    assert "---\ntitle: A\n...\nBody"[start:] == "Body"


@pytest.mark.parametrize(
    "text",
    [
        "No front matter.\n---\ntitle: A\n---\n",
        "---\nA line between rules.\n---\nText.\n",
        "---\ntitle: never closed\n",
        "+++\ntitle = 'never closed'\n",
        "----\ntitle: A\n----\n",
        "",
    ],
)
def test_what_is_no_front_matter_stays_in_the_body(text: str) -> None:
    assert split_front_matter(text) == ({}, 0, "")


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("a: &a [x, x]\nb: *a", "anchors, aliases and tags"),
        ("title: !!python/object/apply:os.system ['true']", "anchors, aliases and tags"),
        ("title: !!str 5", "anchors, aliases and tags"),
        ("title: [unclosed", "not read"),
        ("title: a: b: c", "not read"),
        ("title: \x07\u200b\n\t- x: {", "not read"),
    ],
)
def test_what_could_do_harm_or_does_not_parse_is_left_out_with_a_warning(inside: str, said: str) -> None:
    text = f"---\n{inside}\n---\nThe body."
    entries, start, warning = split_front_matter(text)
    assert entries == {}
    assert said in warning
    assert text[start:] == "The body."


def test_alias_bomb_costs_nothing() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    started = time.process_time()
    entries, _, warning = split_front_matter("---\n" + "\n".join(lines) + "\n---\nBody")
    assert time.process_time() - started < 1
    assert entries == {}
    assert "aliases" in warning


@pytest.mark.parametrize("nest", ["[" * 1_000, "{a: " * 1_500, "- " * 3_000])
def test_deep_nesting_costs_little(nest: str) -> None:
    started = time.process_time()
    entries, start, _ = split_front_matter(f"---\ntitle: A\nx: {nest}\n---\nBody")
    assert time.process_time() - started < 10
    assert entries == {}
    assert start > 0


@pytest.mark.parametrize(("fence", "line"), [("---", "title: {}"), ("+++", 'title = "{}"')])
def test_the_limit_of_size_counts_bytes(tmp_path: Path, fence: str, line: str) -> None:
    room = MAX_BYTES - len(line.format("").encode()) - 1
    for extra, kept in ((0, True), (1, False)):
        text = f"{fence}\n{line.format('字' * ((room + extra) // 3) + 'x' * ((room + extra) % 3))}\n{fence}\nThe body.\n"
        head, pages = makers.read(makers.put(tmp_path, "a.md", text))
        assert bool(head.title) is kept
        assert pages[0].text == "The body."
        assert (f"more than {MAX_BYTES} bytes" in "".join(head.warnings)) is not kept


def test_toml_that_does_not_parse(tmp_path: Path) -> None:
    head, pages = makers.read(makers.put(tmp_path, "a.md", "+++\ntitle = \n+++\n# The heading\n"))
    assert head.title == "The heading"
    assert "front matter was not read" in head.warnings[0]
    assert pages[0].text == "The heading"


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2026-01-05", "2026-01-05"),
        ("2026/1/5", "2026-01-05"),
        ("2026.1", "2026-01"),
        ("2026", "2026"),
        (2026, "2026"),
        ("January 2026", ""),
        ("1850-01-01", ""),
        (None, ""),
    ],
)
def test_dates(written: object, date: str) -> None:
    assert facts({"date": written})["date"] == date


@pytest.mark.parametrize("written", ["2026-99-99", "2026-13", "2026-02-31"])
def test_dates_that_do_not_exist_are_not_taken(written: str) -> None:
    assert facts({"date": written})["date"] in ("", "2026", "2026-02")


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-TW", "zh-Hant"), ("zh_HK", "zh-Hant"), ("zh-Hant-TW", "zh-Hant"), ("zh-cn", "zh-Hans"), ("ZH-HANS", "zh-Hans"), ("en", "en"),
        ("en-US", "en"), ("enm", ""), ("zh", ""), ("fr", ""), ("", ""),
    ],
)  # fmt: skip
def test_languages(tag: str, language: str) -> None:
    assert facts({"lang": tag})["language"] == language


def test_tags_are_few_and_once() -> None:
    assert facts({"tags": "模型、資料，模型, tools"})["tags"] == ("模型", "資料", "tools")
    assert len(facts({"tags": [str(n) for n in range(500)]})["tags"]) == 50


def test_names_are_case_insensitive_and_values_short() -> None:
    found = facts({"Title": " A ", "Note": "x" * 900, "Empty": None})
    assert found["title"] == "A"
    assert found["metadata"] == {"note": "x" * 500}


_SCALARS = st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.none(), st.dates(), st.floats(allow_nan=False))


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z][\w.-]{0,9}", fullmatch=True), st.one_of(_SCALARS, st.lists(_SCALARS, max_size=3)), max_size=6)
)
def test_any_flat_mapping_gives_facts_of_the_right_types(entries: dict[str, object]) -> None:
    known = facts(entries)
    assert all(isinstance(known[name], str) for name in ("title", "date", "publisher", "language"))
    assert all(isinstance(tag, str) and tag for tag in known["tags"])
    assert all(isinstance(value, str) for value in known["metadata"].values())


# As the readers' ``clean`` leaves a text: without control characters.
_WRITTEN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=30)


@given(st.dictionaries(st.from_regex(r"k[a-z]{1,9}", fullmatch=True), _WRITTEN, min_size=1, max_size=6))
@settings(max_examples=50)
def test_what_yaml_writes_is_read_again(entries: dict[str, str]) -> None:
    raw = yaml.safe_dump(entries, allow_unicode=True)
    found, start, warning = split_front_matter(f"---\n{raw}---\nBody")
    assert (found, warning) == (entries, "")
    assert f"---\n{raw}---\nBody"[start:] == "Body"


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    for fence in ("---", "+++"):
        whole = f"{fence}\n{text}\n{fence}\nBody"
        entries, start, warning = split_front_matter(whole)
        assert 0 <= start <= len(whole)
        assert not (entries and warning)
