"""The lines of the file that each block came from: what was read can be found again in an editor."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import makers
import pytest

from ingest.blocks import Page
from ingest.kb.rows import pack_page, page_of
from ingest.kb.settings import ReadSettings
from ingest.readers.markdown import read_markdown
from ingest.readers.text import read_text
from ingest.sandbox import read_in_child

DIGESTS = sorted((Path(__file__).resolve().parents[2] / "corpus" / "digests").rglob("*.md"))

FOUND = """---
title: Walnuts
tags: [nuts]
---
# Walnuts

import Chart from './chart.js'

> [!IMPORTANT] Read this
> The harvest of
> Oregon grew.

{{< figure src="x.png" >}}
A first line
and a second one.[^1]

| State | Tonnes |
|---|---|
| Oregon | 4,200 |
| Ohio | 12 |

- one
- two
  goes on

```python
print("walnut")
```

<p>An HTML block
of two lines.</p>

Setext
------

[^1]: A note
    of two lines.
"""
EXPECTED = {
    "Walnuts": (5, 5),
    "Read this\nThe harvest of Oregon grew.": (9, 11),
    "A first line and a second one.": (14, 15),
    "State | Tonnes": (17, 17),
    "Oregon | 4,200": (19, 19),
    "Ohio | 12": (20, 20),
    "one": (22, 22),
    "two goes on": (23, 24),
    'print("walnut")': (26, 28),
    "An HTML block of two lines.": (30, 31),
    "Setext": (33, 33),
    "A note of two lines.": (36, 37),
}


def _page(data: bytes) -> Page:
    _, page = read_markdown(data, name="a.md")
    assert isinstance(page, Page)
    return page


def _lines(page: Page) -> dict[str, tuple[int, int] | None]:
    return {page.text[block.start : block.end]: block.lines for block in page.blocks}


def test_each_kind_of_block_knows_its_lines() -> None:
    assert _lines(_page(FOUND.encode())) == EXPECTED


@pytest.mark.parametrize(
    "data",
    [
        FOUND.replace("\n", "\r\n").encode(),
        FOUND.replace("\n", "\r").encode(),
        codecs.BOM_UTF8 + FOUND.encode(),
        FOUND.encode("utf-16"),
    ],
    ids=["crlf", "cr", "bom", "utf-16"],
)
def test_line_ends_and_encodings_do_not_move_them(data: bytes) -> None:
    assert _lines(_page(data)) == EXPECTED


def test_a_footnote_in_the_sentence_has_no_lines_of_its_own() -> None:
    found = _lines(_page(b"# A\n\nHeads^[A remark inside.] up.\n"))
    assert found["Heads up."] == (3, 3)
    assert found["A remark inside."] in (None, (3, 3))


def _signs(text: str) -> Iterator[str]:
    return iter(re.findall(r"\w", text))


@pytest.mark.parametrize("path", DIGESTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_block_of_the_sample_corpus_stands_in_its_lines(path: Path) -> None:
    file = path.read_text("utf-8").split("\n")
    page = _page(path.read_bytes())
    last = 0
    for block in page.blocks:
        assert block.lines is not None, block
        first, end = block.lines
        shown, written = page.text[block.start : block.end], "\n".join(file[first - 1 : end])
        signs = _signs(written)
        assert all(sign in signs for sign in _signs(shown)), (block, shown, written)
        # Not more lines than it takes: the first and the last one bear something of the block.
        assert file[first - 1].strip(), block
        assert file[end - 1].strip(), block
        assert first > last or block.kind in ("table_row", "footnote"), block
        last = end


def test_plain_text_too() -> None:
    text = "\n\nA short title\n\nThe use grew\nin every branch.\n \t\n\n- one\n- two\n\n\nThe end, it seems."
    _, page = read_text(text.encode(), name="a.txt")
    assert isinstance(page, Page)
    assert _lines(page) == {
        "A short title": (3, 3),
        "The use grew in every branch.": (5, 6),
        "- one": (9, 9),
        "- two": (10, 10),
        "The end, it seems.": (13, 13),
    }


def test_they_come_back_from_the_child_and_from_the_catalogue(tmp_path: Path) -> None:
    _, page = read_in_child(makers.put(tmp_path, "a.md", FOUND), settings=ReadSettings())
    assert isinstance(page, Page)
    assert _lines(page) == EXPECTED
    row = type("Row", (), {"number": 1, "text": page.text, "boxes": None, "details": pack_page(page)})
    assert page_of(row) == page


def test_a_page_that_was_stored_without_lines_is_read_all_the_same() -> None:
    import json
    import zlib

    page = _page(FOUND.encode())
    details = json.loads(zlib.decompress(pack_page(page)))
    del details["lines"]
    row = type("Row", (), {"number": 1, "text": page.text, "boxes": None, "details": zlib.compress(json.dumps(details).encode())})
    assert page_of(row) == replace(page, blocks=tuple(replace(block, lines=None) for block in page.blocks))
