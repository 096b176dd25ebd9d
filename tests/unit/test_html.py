"""HTML pages become the blocks that they show, short or long, and what stands beside the content stays out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import makers

NAV = '<nav><a href="/">Home</a> <a href="/a">About us</a></nav>'
PROSE = "In 2025 the share reached 78% of all firms, up from 55% a year before. The gain was largest in marketing. "
HANT = "二〇三一年基金的規模達到一千一百萬元，比前一年成長百分之十一，主要投資於海洋保育與沿岸漁業。"

# name -> (page, the blocks that it has: kind, text)
PAGES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "short page": (
        "<h1>Urchin</h1><p>The urchin fund was 9.9 million.</p>"
        "<table><tr><th>Y</th><th>V</th></tr><tr><td>2031</td><td>11</td></tr></table>",
        [("heading", "Urchin"), ("paragraph", "The urchin fund was 9.9 million."), ("table_row", "Y | V"), ("table_row", "2031 | 11")],
    ),
    "short Traditional page with a menu": (
        f"<header><nav><a>首頁</a></nav></header><h1>海膽基金</h1><h2>規模</h2><p>海膽基金的規模為九百九十萬元。</p>"
        f"<ul><li>第一項</li><li>第二項<ul><li>子項</li></ul></li></ul>{NAV}<footer>版權所有</footer>",
        [
            ("heading", "海膽基金"),
            ("heading", "規模"),
            ("paragraph", "海膽基金的規模為九百九十萬元。"),
            *(("list_item", item) for item in ("第一項", "第二項", "子項")),
        ],
    ),
    "one long paragraph and a table": (
        f"<h1>基金年報</h1><p>{HANT * 6}</p><table><tr><th>年度</th><th>規模</th></tr><tr><td>2031</td><td>1,100 萬</td></tr></table>",
        [("heading", "基金年報"), ("paragraph", HANT * 6), ("table_row", "年度 | 規模"), ("table_row", "2031 | 1,100 萬")],
    ),
    "Simplified page in named boxes, a line of the file ending inside a sentence": (
        '<div class="nav"><a>首页</a></div><div id="content"><h1>智能体报告</h1><p>智能体的使用率\n为百分之三十。</p><h2>方法</h2>'
        '<ol><li>问卷</li><li>访谈</li></ol></div><div class="footer">版权所有</div>',
        [
            ("heading", "智能体报告"),
            ("paragraph", "智能体的使用率为百分之三十。"),
            ("heading", "方法"),
            ("list_item", "问卷"),
            ("list_item", "访谈"),
        ],
    ),
    "main whose heading stands before it": (
        f'<header class="top"><h1>AI at work</h1></header>{NAV}<main><p>{PROSE}</p></main><aside>Read this too</aside>',
        [("heading", "AI at work"), ("paragraph", PROSE.strip())],
    ),
    "article beside the name of the site": (
        '<h1 class="site-title"><a href="/">Daily</a></h1><article><header><h1>AI at work</h1><p>By A. Author</p></header>'
        f"<p>{PROSE * 3}</p></article>",
        [("heading", "AI at work"), ("paragraph", "By A. Author"), ("paragraph", (PROSE * 3).strip())],
    ),
    "the same h1 twice": (
        f"<h1>Sea</h1><p>{PROSE}</p><h1>Sea</h1><p>More.</p>",
        [("heading", "Sea"), ("paragraph", PROSE.strip()), ("paragraph", "More.")],
    ),
    "header of two rows, groups, a name over two rows": (
        "<main><table><caption>Table 1. Sales</caption><thead><tr><th rowspan=2>Region</th><th colspan=2>2024</th></tr>"
        "<tr><th>Q1</th><th>Q2</th></tr></thead><tbody><tr><td colspan=3>Asia</td></tr><tr><th>Japan</th><td>10</td><td>12</td></tr>"
        "<tr><th rowspan=2>Korea</th><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table></main>",
        [("caption", "Table 1. Sales"), ("table_row", "Region | 2024 Q1 | 2024 Q2"), ("paragraph", "Asia")]
        + [("table_row", row) for row in ("Japan | 10 | 12", "Korea | 1 | 2", "Korea | 3 | 4")],
    ),
    "terms with what they mean": (
        "<h1>Terms</h1><dl><dt>ROI<dd>Return on investment.</dd><div><dt>覆蓋率</dt><dd>使用者的比例。</dd></div></dl>",
        [("heading", "Terms"), ("list_item", "ROI: Return on investment."), ("list_item", "覆蓋率：使用者的比例。")],
    ),
    "line breaks, code, a quote": (
        "<h1>Notes</h1><p>One<br>two<br><br>Set <code>x = 1</code> and <b>run</b>.</p>"
        "<pre>a = 1\n  b = 2<br>c</pre><blockquote><p>Said.</p></blockquote>",
        [
            ("heading", "Notes"),
            ("paragraph", "One two"),
            ("paragraph", "Set x = 1 and run."),
            ("code", "a = 1\n  b = 2\nc"),
            ("quote", "Said."),
        ],
    ),
    "hidden elements, comments, scripts": (
        "<h1>Plain</h1><!-- secret --><p>Seen <span hidden>secret</span>once.</p><p style='display:none'>secret</p>"
        "<script>secret()</script>"
        "<template><p>secret</p></template><div aria-hidden=true>secret</div>",
        [("heading", "Plain"), ("paragraph", "Seen once.")],
    ),
    "layout by tables": (
        "<table role=presentation><tr><td><h2>Right</h2><p>Text of it.</p></td><td><table><tr><td>Firm</td><td>Share</td></tr>"
        "<tr><td>A</td><td>1%</td></tr></table></td></tr></table>",
        [("heading", "Right"), ("paragraph", "Text of it."), ("table_row", "Firm | Share"), ("table_row", "A | 1%")],
    ),
    "a page within a form": (
        f"<form id=aspnet><h1>Fund</h1><p>{PROSE}</p><input value=x><button>Go</button></form>",
        [("heading", "Fund"), ("paragraph", PROSE.strip())],
    ),
    "nothing but a header": ("<header><p>All there is.</p></header>", [("paragraph", "All there is.")]),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_gives_the_blocks_it_shows(tmp_path: Path, name: str) -> None:
    body, expected = PAGES[name]
    _, (page,) = makers.read(
        makers.put(tmp_path, "page.html", f"<!DOCTYPE html><html><head><title>x</title></head><body>{body}</body></html>")
    )
    assert [(block.kind, page.text[block.start : block.end]) for block in page.blocks] == expected
    makers.check_page(page)


def test_rows_stand_under_the_header_of_their_columns(tmp_path: Path) -> None:
    body = PAGES["header of two rows, groups, a name over two rows"][0]
    _, (page,) = makers.read(makers.put(tmp_path, "page.html", f"<html><body>{body}</body></html>"))
    assert {block.header for block in page.blocks if block.kind == "table_row"} == {"Region | 2024 Q1 | 2024 Q2"}


def test_names_of_rows_are_no_header(tmp_path: Path) -> None:
    html = "<html><body><table><tr><th>Japan</th><td>10</td></tr><tr><th>Korea</th><td>12</td></tr></table></body></html>"
    _, (page,) = makers.read(makers.put(tmp_path, "page.html", html))
    assert [block.header for block in page.blocks] == ["", ""]
    assert makers.of_kind(page, "table_row") == ["Japan | 10", "Korea | 12"]


def test_a_second_header_holds_for_the_rows_below_it(tmp_path: Path) -> None:
    rows = "<tr><th>Firm</th><th>Share</th></tr><tr><td>A</td><td>1%</td></tr>"
    rows += "<tr><th>Firm</th><th>Staff</th></tr><tr><td>A</td><td>9</td></tr>"
    _, (page,) = makers.read(makers.put(tmp_path, "page.html", f"<html><body><table>{rows}</table></body></html>"))
    assert [block.header for block in page.blocks] == ["Firm | Share"] * 2 + ["Firm | Staff"] * 2


SAVED = f"""<html><head><title>AI at work | Daily</title></head><body class="home has-sidebar">
<div id="onetrust-banner">We use cookies to improve. <button>Accept</button></div>
<header class="site"><h1 class="site-title"><a href="/">Daily</a></h1>{NAV}</header>
<div class="top"><a href=1>Start</a> <a href=2>World</a> <a href=3>Tech</a> <a href=4>Sport</a></div>
<div class="wrap with-sidebar"><div class="col"><h1>AI at work</h1><p>{PROSE * 4}</p><h2>Method</h2><p>{PROSE * 4}</p>
<div class="share-buttons"><a>Tweet</a><a>Post</a></div>
<div class="table-box"><table><tr><th>Year</th><th>Share</th></tr><tr><td>2025</td><td>78%</td></tr></table></div>
<div class="related"><h3>Related</h3><ul><li><a href=a>Other thing</a></li></ul></div></div>
<div class="sidebar"><p>Most read this week</p></div></div>
<div role="dialog"><p>Subscribe now</p></div><footer>Copyright 2026</footer></body></html>"""


def test_a_saved_page_is_its_article_alone(tmp_path: Path) -> None:
    head, (page,) = makers.read(makers.put(tmp_path, "saved.html", SAVED))
    assert head.title == "AI at work"
    assert [block.kind for block in page.blocks] == ["heading", "paragraph", "heading", "paragraph", "table_row", "table_row"]
    for absent in ("cookies", "Daily", "Start", "Sport", "Tweet", "Related", "Other thing", "Most read", "Subscribe", "Copyright"):
        assert absent not in page.text


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 20_000 + "x",
        "<table>" + "<tr><td rowspan=99999 colspan=9999>1<td>2" * 2_000 + "</table>",
        "<dl>" + "<dt>x<dd>" * 5_000,
        "<table><tr><td>1" * 5_000,
        "<p>" + " \n" * 100_000 + "x",
    ],
    ids=["nested", "spans", "terms", "tables in tables", "spaces"],
)
def test_pages_made_to_be_slow_are_read_in_time(tmp_path: Path, body: str) -> None:
    path = makers.put(tmp_path, "slow.html", f"<html><body>{body}</body></html>")
    started = time.process_time()
    makers.read(path)
    assert time.process_time() - started < 15
