"""Mutated files and request bodies from a seed, and the file that a fuzz run writes its figures to."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import makers

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"

_FRONT = (
    '---\ntitle: "A report"\ndate: 2025-12-01\ntags: [ai, "模型"]\nauthor:\n  - A\n  - B\ndraft: false\n---\n',
    '+++\ntitle = "A report"\ndate = 2025-12-01T10:00:00Z\ntags = ["ai", "模型"]\n[params]\nx = 1\n+++\n',
)
_MARKDOWN = (
    "# Use of models\n\nThe share of firms rose to **78%** in 2025.[^1]\n\n> [!IMPORTANT] Note\n> A callout.\n\n"
    "| Model | Share |\n|---|---:|\n"
    '| A | 12.5% |\n| B | 7.1% |\n\n{{< figure src="a.png" >}}\n\n[[page|a link]] and `code`.\n\n'
    "```py\nprint(1)\n```\n\n<div>html</div>\n\n"
    "- a list\n  - deeper\n\n$$x^2$$\n\n[^1]: A note.\n"
)
_HTML = (
    "<!doctype html><html lang='zh-Hant'><head><meta charset='utf-8'><title>報告</title></head><body><nav>menu</nav><article><h1>報告</h1>"
    "<p>人工智慧的採用率在二〇二五年達到七成八。</p><table><tr><th>年</th><th>率</th></tr><tr><td>2025</td><td>78%</td></tr></table>"
    "<ul><li>one<li>two</ul><pre>code</pre></article></body></html>"
)
# What parsers stumble over, by what it is thrown into.
_TOKENS: dict[str, tuple[bytes, ...]] = {
    "pdf": (
        b"<<",
        b">>",
        b"endobj",
        b"stream\n",
        b"endstream",
        b"/Kids [3 0 R]",
        b"/Parent 3 0 R",
        b"/Count 2147483647",
        b"/Length -1",
        b"/MediaBox [0 0 1e9 1e9]",
        b"/MediaBox [0 0 0 0]",
        b"/Rotate 45",
        b"/Filter [/FlateDecode /FlateDecode]",
        b"/Prev 0",
        b"/ObjStm",
        b"4294967296 0 R",
        b"BT",
        b"ET",
        b"q " * 200,
        b"[" * 500,
        b"(" * 300,
        b"1e308",
        b"-2147483648",
        b"/XObject 4 0 R",
        b"/F1 0 Tf",
        b"/F1 1e9 Tf",
        b"/Encrypt 1 0 R",
        b"startxref\n99999999",
        b"trailer",
        b"%%EOF",
    ),
    "md": (
        b"---\n",
        b"+++\n",
        b"> " * 300,
        b"[" * 400,
        b"![](",
        b"|" * 300,
        b"\n|---|\n",
        b"```",
        b"{{<",
        b"{%",
        b"[[",
        b"$$",
        b"<div>" * 200,
        b"<!--",
        b"&#x110000;",
        b"&lt;",
        b"[^1]: [^1]",
        b"* " * 200,
        b"\t" * 100,
        b"#" * 50,
        b"a: &x [*x]\n",
        b"!!python/object:os.system",
        b"\r",
        b"%%",
    ),
    "html": (
        b"<div>" * 400,
        b"</body>",
        b"<table><tr>",
        b"<svg>",
        b"<!--",
        b"<![CDATA[",
        b"&#0;",
        b"&#xD800;",
        b"<p style='display:none'>",
        b"<select>",
        b"<meta charset='utf-16'>",
        b"<meta charset='x'>",
        b"<script>",
        b"<td colspan=99999>",
        b"<plaintext>",
        b"<template>",
        b"<frameset>",
    ),
    "docx": (
        b"<w:p>",
        b"</w:p>",
        b"<w:tbl>",
        b"<w:gridSpan w:val='99999'/>",
        b"&amp;",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
        b"&a;",
        b"<w:r>" * 50,
    ),
    "txt": (
        b"\x00",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xef\xbb\xbf",
        b"\x81\x30\x81\x30",
        b"\xa4\x40",
        b"\x1b$)A",
        b"\xed\xa0\x80",
        b"\r\n",
        b"%PDF-1.7",
        b"PK\x03\x04",
    ),
}


def seeds() -> dict[str, bytes]:
    """Return small files of every kind that is read, by name; the suffix tells the kind."""
    plain = makers.pdf_plain([makers.PROSE, "A second page."], title="Models")
    rows = [("Model", "Share"), ("A", "12%"), ("B", "7%"), ("C", "4%")]
    reports = sorted((ROOT / "corpus" / "digests").glob("*/*.md"))
    chinese = "# 報告\n\n人工智慧在企業中的採用率逐年上升，二〇二五年達到七成八。\n" * 3
    found = {
        "plain.pdf": plain,
        "columns.pdf": makers.pdf_two_columns(makers.PROSE * 3, makers.PROSE * 3),
        "table.pdf": makers.pdf_table(rows, ruled=True),
        "turned.pdf": makers.pdf_rotated(plain, 90),
        "inherited.pdf": makers.pdf_inherited(makers.PROSE),
        "scan.pdf": makers.pdf_picture(),
        "locked.pdf": makers.pdf_locked(plain, user="", owner="o"),
        "open.pdf": _unpacked(plain),
        "open-table.pdf": _unpacked(makers.pdf_table(rows, ruled=True)),
        "yaml.md": (_FRONT[0] + _MARKDOWN).encode(),
        "toml.md": (_FRONT[1] + _MARKDOWN).encode(),
        "big5.md": chinese.replace("〇", "零").encode("big5"),
        "page.html": _HTML.encode(),
        "report.docx": makers.docx_report(),
        "plain.txt": (makers.PROSE * 4).encode(),
        "gb.txt": "人工智能在企业中的采用率逐年上升。\n\n二〇二五年达到七成八。\n".encode("gb18030") * 4,
        "wide.txt": chinese.encode("utf-16"),
    }
    return found | {f"digest-{number}.md": path.read_bytes()[:6_000] for number, path in enumerate(reports[:3])}


def _unpacked(data: bytes) -> bytes:
    """Return a PDF with its streams not compressed: what is mutated then is what is parsed."""
    import pypdf
    from pypdf.generic import DecodedStreamObject, NameObject

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    for page in writer.pages:
        stream = DecodedStreamObject()
        stream.set_data(page.get_contents().get_data())  # type: ignore[union-attr]
        page[NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _place(dice: random.Random, data: bytes) -> int:
    return dice.randrange(len(data) + 1)


def flip(dice: random.Random, data: bytes, _kind: str) -> bytes:
    """Return it with some bytes made others."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 3, 20, 100))):
        if out:
            out[dice.randrange(len(out))] = dice.randrange(256)
    return bytes(out)


def cut(dice: random.Random, data: bytes, _kind: str) -> bytes:
    """Return its beginning."""
    return data[: _place(dice, data)]


def drop(dice: random.Random, data: bytes, _kind: str) -> bytes:
    at = _place(dice, data)
    return data[:at] + data[at + dice.choice((1, 7, 100, 1_000)) :]


def repeat(dice: random.Random, data: bytes, _kind: str) -> bytes:
    at = _place(dice, data)
    piece = data[at : at + dice.choice((1, 10, 200))]
    return data[:at] + piece * dice.choice((2, 10, 200)) + data[at:]


def throw_in(dice: random.Random, data: bytes, kind: str) -> bytes:
    for _ in range(dice.choice((1, 2, 5))):
        at = _place(dice, data)
        data = data[:at] + dice.choice(_TOKENS[kind]) + data[at:]
    return data


def numbers(dice: random.Random, data: bytes, _kind: str) -> bytes:
    """Return it with some of its numbers made extreme."""
    found = list(re.finditer(rb"\d+", data))
    for match in sorted(dice.sample(found, min(len(found), dice.choice((1, 2, 6)))), key=lambda item: -item.start()):
        data = data[: match.start()] + dice.choice((b"0", b"-1", b"65536", b"2147483648", b"9" * 30, b"1e99")) + data[match.end() :]
    return data


def swap(dice: random.Random, data: bytes, _kind: str) -> bytes:
    a, b = sorted((_place(dice, data), _place(dice, data)))
    size = dice.choice((4, 40, 400))
    return data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]


_MUTATIONS: tuple[Callable[[random.Random, bytes, str], bytes], ...] = (flip, cut, drop, repeat, throw_in, throw_in, numbers, swap)


def mutated(dice: random.Random, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Return a name and a mutated file; now and then joined with, or named as, another kind."""
    name = dice.choice(sorted(files))
    data, kind = files[name], name.rpartition(".")[2]
    inside = kind == "docx" and dice.random() < 0.7
    if inside:
        data = zipfile.ZipFile(io.BytesIO(files[name])).read("word/document.xml")
    for _ in range(dice.choice((1, 1, 2, 4))):
        data = dice.choice(_MUTATIONS)(dice, data, kind)
    if inside:
        data = _rezipped(files[name], data)
    if dice.random() < 0.08:
        data += files[dice.choice(sorted(files))]
    if dice.random() < 0.05:
        data = zlib.compress(data)
    if dice.random() < 0.1:
        name = f"{name.rpartition('.')[0]}.{dice.choice(('pdf', 'md', 'html', 'docx', 'txt', 'mdx', 'bin', ''))}"
    return name, data


def _rezipped(data: bytes, document: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            new.writestr(item.filename, document if item.filename == "word/document.xml" else old.read(item))
    return out.getvalue()


def note(file: str, run: Mapping[str, Any], part: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Add a part's figures to ``build/FILE`` and return the sums; a run with other terms begins anew.

    Args:
        file: Name.
        run: What tells runs apart (seed, sizes).
        part: Name of the part.
        figures: Numbers are summed, mappings of numbers key by key.
    """
    path = BUILD / file
    BUILD.mkdir(exist_ok=True)
    record: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if record.get("run") != dict(run):
        record = {"run": dict(run), "parts": {}}
    record["parts"][part] = dict(figures)
    total: dict[str, Any] = {}
    for one in record["parts"].values():
        for key, value in one.items():
            if isinstance(value, dict):
                sums = total.setdefault(key, {})
                for name, count in value.items():
                    sums[name] = sums.get(name, 0) + count
            else:
                total[key] = round(total.get(key, 0) + value, 1)
    record["total"] = total
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
    return total
