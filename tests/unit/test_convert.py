"""A digest in another script: its prose changes, what a machine reads does not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ingest.convert import _line, convert_file, convert_markdown
from ingest.kb.errors import SourceError
from ingest.kb.script import detect_script

DIGEST = """---
title: "软件与信息"
slug: 软件-信息
language: zh-Hans
date: 2025-06-30
tags:
  - 数据库
  - 软件
aliases: [/软件/]
---
# 软件发展

软件的用户占 69.7%，见 `软件.信息()` 与 [数据库](https://example.org/数据库?软件=1 "信息")。

```python
软件 = "信息"  # 数据库
```

~~~
信息
~~~

{{< figure src="/软件.png" alt="信息" >}}
[[软件|数据库]] 与 [^软件]，公式 $软件_1$，<span title="信息">信息</span>。
"""


@pytest.fixture(scope="module")
def converted() -> str:
    return convert_markdown(DIGEST, "zh-TW")


@pytest.mark.parametrize(
    "kept",
    [
        "slug: 软件-信息",
        "date: 2025-06-30",
        "aliases: [/软件/]",
        "`软件.信息()`",
        '](https://example.org/数据库?软件=1 "信息")',
        '软件 = "信息"  # 数据库',
        "~~~\n信息\n~~~",
        '{{< figure src="/软件.png" alt="信息" >}}',
        "[[软件|",
        "[^软件]",
        "$软件_1$",
        '<span title="信息">',
    ],
)
def test_what_a_machine_reads_is_kept(converted: str, kept: str) -> None:
    assert kept in DIGEST
    assert kept in converted


@pytest.mark.parametrize(
    "changed",
    [
        'title: "軟體與資訊"',
        "language: zh-Hant",
        "  - 資料庫\n",
        "  - 軟體\n",
        "# 軟體",
        "使用者占 69.7%",
        "[資料庫](https",
        "|資料庫]]",
        ">資訊</span>",
    ],
)
def test_prose_is_converted(converted: str, changed: str) -> None:
    assert changed.replace("占", "佔") in converted.replace("占", "佔")


def test_lines_and_keys_stay(converted: str) -> None:
    assert converted.count("\n") == DIGEST.count("\n")
    head = [line.split(":")[0] for line in converted.split("---")[1].split("\n") if ":" in line]
    assert head == [line.split(":")[0] for line in DIGEST.split("---")[1].split("\n") if ":" in line]


def test_to_hong_kong() -> None:
    text = convert_markdown("---\nlanguage: zh-Hans\n---\n软件\n", "zh-HK")
    assert text == "---\nlanguage: zh-Hant\n---\n軟件\n"


def test_there_and_back_is_simplified_again(converted: str) -> None:
    back = convert_markdown(converted, "zh-Hans")
    assert 'title: "软件与信息"' in back
    assert "language: zh-Hans" in back
    assert detect_script(back) == "zh-Hans"


def test_english_stays_letter_by_letter() -> None:
    text = "---\ntitle: Software\n---\n# Software\n\nNothing to convert.\n"
    assert convert_markdown(text, "zh-TW") == text


@pytest.mark.parametrize("text", ["", "\n", "软件", "---\n", "```\n软件", "---\ntitle: 软件\n软件"])
def test_odd_files_do_not_break_it(text: str) -> None:
    assert convert_markdown(text, "zh-TW").count("\n") == text.count("\n")


def test_an_unclosed_fence_is_code_to_the_end() -> None:
    assert convert_markdown("```\n软件\n", "zh-TW") == "```\n软件\n"


def test_a_fence_is_closed_by_its_own_kind() -> None:
    assert convert_markdown("````\n```\n软件\n````\n软件\n", "zh-TW") == "````\n```\n软件\n````\n軟體\n"


def test_toml_front_matter() -> None:
    text = convert_markdown('+++\ntitle = "软件"\nslug = "软件"\n+++\n软件\n', "zh-TW")
    assert text == '+++\ntitle = "軟體"\nslug = "软件"\n+++\n軟體\n'


def test_file(tmp_path: Path) -> None:
    path = tmp_path / "digest.md"
    path.write_bytes("软件\r\n信息\r\n".encode("gb18030"))
    assert convert_file(path, "zh-TW") == "軟體\n資訊\n"
    with pytest.raises(SourceError, match="nowhere"):
        convert_file(tmp_path / "nowhere.md", "zh-TW")


def test_what_is_no_prose_stays_to_the_letter() -> None:
    kept = [
        "+++",
        'slug = "软件-份额"',
        'aliases = ["/软件/旧"]',
        "[params]",
        '  image = "/图片/软件.png"',
        "+++",
        "import Chart from '../components/软件.jsx'",
        "export const meta = { 标题: '软件' }",
        "",
        '[软件]: https://example.com/软件 "软件"',
        "",
        "    软件缩进代码",
        "",
        "{% highlight ruby %}",
        "软件",
        "{% endhighlight %}",
        "",
        "<!-- 软件",
        "内存 -->",
        "",
        "$$",
        "软件",
        "$$",
        "{: .软件 }",
        "",
    ]
    for to in ("zh-TW", "zh-HK", "zh-Hant"):
        assert convert_markdown("\n".join(kept), to) == "\n".join(kept)


def test_prose_beside_what_is_kept_is_converted() -> None:
    text = "# 软件 {#软件}\n\n[软件] 与 [内存][软件]、[^软件]。\n\n[软件]: /软件\n[^软件]: 软件的脚注。\n"
    wanted = "# 軟體 {#软件}\n\n[軟體][软件] 與 [記憶體][软件]、[^软件]。\n\n[软件]: /软件\n[^软件]: 軟體的腳註。\n"
    assert convert_markdown(text, "zh-TW") == wanted


def test_lists_and_tables_of_front_matter_keep_what_is_no_prose() -> None:
    text = "---\ntags:\n  - 软件\nauthor: {name: 软件, url: /软件}\nparams:\n  title: 软件\n  image: /软件.png\n---\n正文软件\n"
    wanted = "---\ntags:\n  - 軟體\nauthor: {name: 软件, url: /软件}\nparams:\n  title: 軟體\n  image: /软件.png\n---\n正文軟體\n"
    assert convert_markdown(text, "zh-TW") == wanted


@pytest.mark.parametrize("piece", ["{% ", "{{ ", "{{<", "{:", "# {#", "[a](<", "<!--", "<a ", "[[a", "[^", "`", "$$a", "][", "模[型"])
def test_hostile_lines_cost_no_more_than_their_length(piece: str) -> None:
    def cost(size: int) -> float:
        started = time.process_time()
        _line(piece * (size // len(piece)), "zh-Hans")
        return time.process_time() - started

    cost(100)
    # Eight times the text: what grows by its square takes 64 times as long.
    assert cost(40_000) < 20 * cost(5_000) + 0.5


def test_a_line_that_shows_no_script_is_in_that_of_the_text() -> None:
    text = "# 人工智慧\n\n這是資料。\n\n[^a]: Coinbase 参考文獻\n\n| 人工智慧 | 信息 |\n"
    assert convert_markdown(text, "zh-Hans") == "# 人工智能\n\n这是数据。\n\n[^a]: Coinbase 参考文献\n\n| 人工智能 | 信息 |\n"
