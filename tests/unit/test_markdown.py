"""Markdown as it is found: what a reader of the rendered page sees is the text, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import makers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.blocks import Page
from ingest.readers.markdown import read_markdown


def page_of(text: str | bytes) -> Page:
    """Return the page of a Markdown text."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    _, page = read_markdown(data, name="digest.md")
    assert isinstance(page, Page)
    makers.check_page(page)
    return page


def seen(text: str) -> list[tuple[str, str]]:
    """Return the blocks of a Markdown text as kind and text."""
    return makers.kinds(page_of(text))


# ---- blocks --------------------------------------------------------------------------------------------------------------------------


def test_headings_make_the_path() -> None:
    page = page_of("# A\n\na\n\n## B\n\nb\n\n### C\n\nc\n\n## D\n\nd\n\nE\n===\n\ne\n")
    paths = {page.text[block.start : block.end]: block.heading for block in page.blocks if block.kind == "paragraph"}
    assert paths == {"a": ("A",), "b": ("A", "B"), "c": ("A", "B", "C"), "d": ("A", "D"), "e": ("E",)}
    levels = [(page.text[block.start : block.end], block.level, block.heading) for block in page.blocks if block.kind == "heading"]
    assert levels == [("A", 1, ()), ("B", 2, ("A",)), ("C", 3, ("A", "B")), ("D", 2, ("A",)), ("E", 1, ())]


def test_emphasis_links_and_images_leave_their_text() -> None:
    assert seen("A **bold** and *thin* [link](https://example.org/a_(b)) ![a chart](x.png) ~~gone~~ `code` &amp; \\*.") == [
        ("paragraph", "A bold and thin link a chart gone code & *.")
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("**按成本分流。**這是最省的。", "按成本分流。這是最省的。"),
        ("前面**「引文」**後面，再**一次！**好", "前面「引文」後面，再一次！好"),
        ("他說**（要點）**與**重點**。", "他說（要點）與重點。"),
        ("**含[連結。](https://example.org)**後", "含連結。後"),
        # Stars that are no bold: of code, beside spaces, alone.
        ("用`f(**kw)`與`g(**kw)`呼叫", "用f(**kw)與g(**kw)呼叫"),
        ("這裡 ** 不是 ** 粗體", "這裡 ** 不是 ** 粗體"),
        ("只有一邊。**這裡", "只有一邊。**這裡"),
    ],
)
def test_bold_between_chinese_punctuation_and_characters_is_bold(written: str, shown: str) -> None:
    assert seen(written) == [("paragraph", shown)]


def test_autolinks_and_reference_links() -> None:
    assert seen("See <https://example.org> and [the report][1].\n\n[1]: https://example.org 'x'\n") == [
        ("paragraph", "See https://example.org and the report.")
    ]


def test_lists_quotes_and_nesting() -> None:
    text = "- one\n- two\n  - three\n\n1. first\n\n   more of first\n\n> said\n> so\n"
    assert seen(text) == [
        ("list_item", "one"),
        ("list_item", "two"),
        ("list_item", "three"),
        ("list_item", "first"),
        ("list_item", "more of first"),
        ("quote", "said so"),
    ]


def test_line_ends_between_chinese_characters_are_no_spaces() -> None:
    assert seen("模型的使用\n逐年成長，\nmodels grew\ntoo。\n") == [("paragraph", "模型的使用逐年成長， models grew too。")]


def test_hard_breaks_end_a_sentence() -> None:
    assert seen("one  \ntwo\\\nthree<br>four\n") == [("paragraph", "one\ntwo\nthree\nfour")]


def test_deep_lists_lose_nothing() -> None:
    text = "".join("  " * level + f"- item {level}\n" for level in range(14)) + "\nAfter.\n\n# H\n\nMore.\n"
    assert page_of(text).text.split("\n") == [*(f"item {level}" for level in range(14)), "After.", "H", "More."]


def test_task_lists_keep_their_text() -> None:
    assert [text for _, text in seen("- [x] done\n- [ ] open\n")] == ["[x] done", "[ ] open"]


# ---- tables --------------------------------------------------------------------------------------------------------------------------

TABLE = """| Model | Share | Note |
| :--- | ---: | --- |
| **Alpha** | 12.5% | a \\| b |
| [Beta](https://example.org) | 7% |  |
"""


def test_tables_are_rows_with_their_header() -> None:
    page = page_of("## Shares\n\n" + TABLE + "\nAfter.\n")
    assert makers.of_kind(page, "table_row") == ["Model | Share | Note", "Alpha | 12.5% | a / b", "Beta | 7% |"]
    rows = [block for block in page.blocks if block.kind == "table_row"]
    assert {row.header for row in rows} == {"Model | Share | Note"}
    assert {row.heading for row in rows} == {("Shares",)}
    assert makers.kinds(page)[-1] == ("paragraph", "After.")


def test_two_tables_keep_their_own_headers() -> None:
    page = page_of(TABLE + "\n| A | B |\n|---|---|\n| 1 | 2 |\n")
    rows = {page.text[block.start : block.end]: block.header for block in page.blocks}
    assert rows["1 | 2"] == "A | B"
    assert rows["Alpha | 12.5% | a / b"] == "Model | Share | Note"


def test_pipes_in_code_are_no_table() -> None:
    assert seen("```\n| a | b |\n|---|---|\n```\n") == [("code", "| a | b |\n|---|---|")]


# ---- dialects ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "title"),
    [("[!NOTE]", ""), ("[!warning]+", ""), ("[!tip]- 摘要", "摘要"), ("[!NOTE] Key figures", "Key figures"), ("[!multi word] T", "T")],
)
def test_callouts_show_their_title_and_not_their_mark(mark: str, title: str) -> None:
    page = page_of(f"> {mark}\n> The share rose.\n>\n> More.\n")
    assert "[!" not in page.text
    assert {kind for kind, _ in makers.kinds(page)} == {"quote"}
    assert page.text.startswith(title or "The share rose.")
    assert "The share rose." in page.text
    assert page.text.endswith("More.")


def test_a_callout_title_is_a_line_of_its_own() -> None:
    page = page_of("> [!NOTE] Key figures\n> The share rose.\n")
    assert page.text.split("\n") == ["Key figures", "The share rose."]


def test_nested_callouts() -> None:
    page = page_of("> [!NOTE] Outer\n> text\n> > [!TIP] Inner\n> > more\n")
    assert "[!" not in page.text
    assert [word for word in ("Outer", "text", "Inner", "more") if word in page.text] == ["Outer", "text", "Inner", "more"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("see [[Models]]", "see Models"),
        ("see [[Models|the models]]", "see the models"),
        ("see [[Models#Use|use]] now", "see use now"),
        ("see [[Models#Use]] now", "see Models now"),
        ("before ![[chart.png]] after", "before after"),
        ("在[[模型]]裡，[[資料|數據]]很多", "在模型裡，數據很多"),
        ("code `[[kept]]` here", "code [[kept]] here"),
        ("a ``[[kept `x` |y]]`` b", "a [[kept `x` |y]] b"),
    ],
)
def test_wiki_links(written: str, shown: str) -> None:
    assert " ".join(page_of(written).text.split()) == shown


@pytest.mark.parametrize(
    "mark",
    [
        '{{< figure src="a.png" title="x" >}}', "{{% notice %}}", "{% include a.html %}", "{{ page.title }}", "%% a note to self %%",
        '{{< ref "a.md" >}}', "{: .lead}",
    ],
)  # fmt: skip
def test_shortcodes_are_not_text(mark: str) -> None:
    assert " ".join(page_of(f"before {mark} after").text.split()) == "before after"
    assert page_of(f"`{mark}`").text == mark


def test_text_between_paired_shortcodes_stays() -> None:
    assert page_of("{{% notice tip %}}\nThe share rose.\n{{% /notice %}}\n").text == "The share rose."


def test_mdx_imports_and_components() -> None:
    text = (
        "import Chart from '../components/Chart'\nimport './style.css'\nexport const meta = { title: 'x' }\n\n"
        "# Title\n\n<Chart data={rows} />\n\nText with <b>bold</b> words.\n\nimport duties from abroad rose.\n"
    )
    assert seen(text) == [("heading", "Title"), ("paragraph", "Text with bold words."), ("paragraph", "import duties from abroad rose.")]


def test_footnotes_stand_at_the_end_under_their_kind() -> None:
    page = page_of("The share[^1] rose.[^long]\n\n[^1]: Of all firms.\n[^long]: First part.\n\n    Second part.\n")
    assert makers.kinds(page)[0] == ("paragraph", "The share rose.")
    assert makers.of_kind(page, "footnote") == ["Of all firms.", "First part.", "Second part."]


def test_formulas_keep_their_source() -> None:
    page = page_of("The loss is $L = -\\log p$ and\n\n$$\nE = mc^2\n$$\n\nIt costs $5.\n")
    assert "L = -\\log p" in page.text
    assert "E = mc^2" in page.text
    assert "It costs $5." in page.text


@pytest.mark.parametrize(
    "text", ["It costs $5 or $10.", "每百萬詞元從 $0.15 到 $0.60。", "from $1.2B to $3B", "| a | b |\n|---|---|\n| $1 | $2 to $3 |"]
)
def test_amounts_of_money_are_no_formulas(text: str) -> None:
    assert page_of(text).text.count("$") == text.count("$")


# ---- code ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
def test_code_is_left_as_it_is(fence: str) -> None:
    code = "import x from 'y'\n\n{{< kept >}} [[kept]] %%kept%%\n> [!NOTE] kept\n# no heading\n    deep <b>tag</b>"
    page = page_of(f"Before.\n\n{fence}js\n{code}\n{fence}\n\nAfter [[link]].\n")
    assert makers.kinds(page) == [("paragraph", "Before."), ("code", code), ("paragraph", "After link.")]


def test_a_shorter_fence_inside_does_not_close() -> None:
    assert seen("````\n```\n{{< kept >}}\n```\n````\n{{< gone >}}\n") == [("code", "```\n{{< kept >}}\n```")]


def test_an_open_fence_runs_to_the_end() -> None:
    assert seen("```\n[[kept]]\n") == [("code", "[[kept]]")]


def test_code_in_a_quote() -> None:
    assert seen("> ```\n> [[kept]]\n> ```\n> [[shown]]\n") == [("code", "[[kept]]"), ("quote", "shown")]


# ---- HTML ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden",
    [
        "<div hidden>secret</div>", '<div style="display: none">secret</div>', "<script>secret()</script>", "<style>.secret{}</style>",
        "<!-- secret -->", '<p style="font-size:0px;">secret</p>', '<div aria-hidden="true"><p>secret</p></div>',
        "<details hidden><summary>secret</summary></details>",
    ],
)  # fmt: skip
def test_hidden_html_is_not_text(hidden: str) -> None:
    assert page_of(f"Before.\n\n{hidden}\n\nAfter.\n").text == "Before.\nAfter."


@pytest.mark.parametrize(
    "hidden", ['<span style="display:none">secret</span>', "<span hidden>secret</span>", "<template>secret</template>"]
)
def test_hidden_inline_html_is_not_text(hidden: str) -> None:
    assert "secret" not in page_of(f"Before {hidden} after.\n").text


def test_inline_comments_are_not_text() -> None:
    assert page_of("Before <!-- secret --> after.\n").text.split() == ["Before", "after."]


def test_html_blocks_show_their_text() -> None:
    page = page_of("<details>\n<summary>Method</summary>\n<p>1,491 people &amp; firms</p>\n</details>\n\nText.\n")
    assert [text for _, text in makers.kinds(page)] == ["Method", "1,491 people & firms", "Text."]


# ---- what must not break ---------------------------------------------------------------------------------------------------------------


def test_windows_and_old_mac_line_ends_and_mark() -> None:
    text = "# A\n\none\ntwo\n\n- x\n- y\n"
    for end in ("\r\n", "\r"):
        assert makers.kinds(page_of(b"\xef\xbb\xbf" + text.replace("\n", end).encode())) == seen(text)


def test_nothing_but_marks_gives_no_text() -> None:
    for text in ("\n\n", "---\ntitle: A\n---\n", "<!-- x -->\n", "![](a.png)\n", "***\n"):
        assert page_of(text).text == ""
        assert page_of(text).blocks == ()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "*a " * 20_000,
        "> " * 5_000 + "x",
        "- " * 3_000 + "x",
        "`" * 20_000,
        "![" * 10_000,
        "<a " * 10_000,
        "[[" * 10_000,
        "{{<" * 5_000,
    ],
)
def test_hostile_nesting_is_read_in_seconds(text: str) -> None:
    started = time.process_time()
    page_of(text)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "piece",
    [
        "[[a|",
        "![[a|",
        "[[a#",
        "[a](",
        "{{<",
        "{% ",
        "==a",
        "%%a ",
        "$a ",
        "[^a",
        "x <!--",
        "<!--",
        "<p style=",
        "<div hidden ",
        "<p '",
        "<p\n",
    ],
)
def test_marks_never_closed_cost_no_more_than_their_length(piece: str) -> None:
    def cost(size: int) -> float:
        started = time.process_time()
        page_of(piece * (size // len(piece)))
        return time.process_time() - started

    cost(100)
    # Eight times the text: what grows by its square takes 64 times as long.
    assert cost(16_000) < 20 * cost(2_000) + 0.1


@pytest.mark.parametrize(
    ("source", "shown"),
    [("a\n\n<!-- b\n\nc <b>d</b>\n", "a"), ('<p>a <b>c</b>\n<i class="\n\nd\n', "a c|d"), ("<p>1 < 2</p>\n", "1 < 2")],
)
def test_a_comment_or_a_tag_never_closed_shows_nothing(source: str, shown: str) -> None:
    assert "|".join(text for _, text in seen(source)) == shown


@pytest.mark.slow
def test_a_table_of_100_000_lines(tmp_path: Path) -> None:
    rows = "".join(f"| model-{n} | {n % 100}% |\n" for n in range(100_000))
    path = makers.put(tmp_path, "long.md", "| Model | Share |\n|---|---|\n" + rows)
    started = time.process_time()
    _, (page,) = makers.read(path)
    assert time.process_time() - started < 60
    assert len(page.blocks) == 100_001
    last = page.blocks[-1]
    assert page.text[last.start : last.end] == "model-99999 | 99%"
    assert last.header == "Model | Share"


_WORDS = st.sampled_from(
    "share 78% rose. 模型 資料，成長。 **bold** [[a|b]] `c` [x](y) {{<z>}} | <b> </b> ![i](j) $5 &amp; \\ [^1] _e_".split()
)
_LINES = st.one_of(
    st.lists(_WORDS, max_size=6).map(" ".join),
    st.sampled_from(
        ["# A", "## B", "- item", "  - deep", "1. n", "> q", "> [!NOTE] t", "```", "~~~", "---", "| a | b |", "|---|---|", "| 1 | 2 |", "",
         "[^1]: f", "<div hidden>", "</div>", "    code", "+++", "import a from 'b'", "$$", "\t", "%%", "Setext", "==="]
    ),
)  # fmt: skip


@given(st.lists(_LINES, max_size=25).map("\n".join))
@settings(max_examples=200, deadline=None)
def test_blocks_of_any_markdown_are_in_order_and_cover_the_text(text: str) -> None:
    page_of(text)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
@settings(deadline=None)
def test_any_text_is_read(text: str) -> None:
    page_of(text)


def test_marks_that_a_renderer_hides_are_no_text(tmp_path: Path) -> None:
    source = "# Shares {#shares}\n\nThe ==share== rose, a == b stays. ^para-1\n\n- done\n- open ^id-2\n\n* TOC\n{:toc}\n\n`==code==`\n"
    _, (page,) = makers.read(makers.put(tmp_path, "a.md", source))
    assert makers.kinds(page) == [
        ("heading", "Shares"),
        ("paragraph", "The share rose, a == b stays."),
        ("list_item", "done"),
        ("list_item", "open"),
        ("list_item", "TOC"),
        ("paragraph", "==code=="),
    ]
