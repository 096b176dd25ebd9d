"""DOCX: paragraphs, headings, lists and tables in the order of the document, footnotes at its end; tracked changes as if accepted."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from ingest.blocks import Head, Page
from ingest.kb.errors import LimitExceeded, ReadError
from ingest.kb.settings import ReadSettings
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import clean

__all__ = ["read_docx"]

# A text document inflates by 10 to 30 times; far beyond that it is made to do harm.
_MAX_INFLATED = 400_000_000
# Runs at any depth below a paragraph: those inside of insertions and content controls count, text moved away and hidden text do not
# (deleted text has an element name of its own). A text box hangs on a paragraph without being part of it.
_RUNS = (
    './/w:r[not(ancestor::w:moveFrom or ancestor::w:txbxContent or w:rPr/w:vanish[not(@w:val="0" or @w:val="false")])]'
    "/*[self::w:t or self::w:tab or self::w:br or self::w:cr or self::w:noBreakHyphen]"
)


def _check(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(item.file_size for item in archive.infolist()) > _MAX_INFLATED:
            raise LimitExceeded(f"unpacks to more than {_MAX_INFLATED:,} bytes", hint="Save it as PDF or text if you trust it.")


def _text(paragraph: Any) -> str:
    """Return the text of a ``w:p`` element on one line, as a reader sees it who accepts all tracked changes."""
    signs = {"t": "", "noBreakHyphen": "-"}
    parts = [(node.text or "") + signs.get(node.tag.rpartition("}")[2], " ") for node in paragraph.xpath(_RUNS)]
    return " ".join(clean("".join(parts)).split())


def _footnotes(document: Any) -> Iterator[str]:
    """Yield the texts of the footnotes, then of the endnotes; the separators, which have a type, are none."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import parse_xml
    from docx.oxml.ns import qn

    for kind, name in ((RELATIONSHIP_TYPE.FOOTNOTES, "footnote"), (RELATIONSHIP_TYPE.ENDNOTES, "endnote")):
        for relation in document.part.rels.values():
            if relation.reltype == kind and not relation.is_external:
                for note in parse_xml(relation.target_part.blob).iterfind(qn(f"w:{name}")):
                    if note.get(qn("w:type"), "normal") == "normal":
                        yield " ".join(_text(paragraph) for paragraph in note.iterfind(qn("w:p")))


def _level(style: str) -> int:
    match = re.match(r"(?:heading|標題|标题)\s*(\d)", style, re.IGNORECASE)
    if match:
        return min(6, max(1, int(match.group(1))))
    return 1 if style.lower() == "title" else 0


def _row(builder: TextBuilder, cells: list[str], header: str) -> None:
    builder.add("table_row", " | ".join(cells), header=header)


def _table(builder: TextBuilder, table: Any) -> None:
    header = ""
    for number, row in enumerate(table.rows):
        cells, seen = [], set()
        for cell in row.cells:
            # A merged cell is listed once for every column that it covers.
            if id(cell._tc) in seen:
                continue
            seen.add(id(cell._tc))
            cells.append(" ".join(_text(item._p) for item in cell.paragraphs).strip().replace(" | ", " / "))
        if number == 0:
            header = " | ".join(cells)
        _row(builder, cells, header)


def read_docx(data: bytes, settings: ReadSettings) -> Iterator[Head | Page]:
    """Yield the head and the one page of a DOCX file.

    Raises:
        ReadError: It is damaged.
        LimitExceeded: It unpacks to too much.
    """
    import docx
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    _check(data)
    try:
        document = docx.Document(io.BytesIO(data))
    except Exception as error:
        raise ReadError(f"is a damaged DOCX file ({str(error)[:160]})", hint="Open it in a word processor and save it again.") from error
    builder = TextBuilder()
    title = ""
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            _table(builder, item)
        elif isinstance(item, Paragraph):
            text = _text(item._p)
            style = (item.style.name or "") if item.style is not None else ""
            level = _level(style)
            if level:
                title = title or text
                builder.add("heading", text, level=level)
            else:
                builder.add("list_item" if "list" in style.lower() else "paragraph", text)
    try:
        for note in _footnotes(document):
            builder.add("footnote", note)
    except SyntaxError as error:
        raise ReadError(f"has damaged footnotes ({str(error)[:160]})", hint="Open it in a word processor and save it again.") from error
    core = document.core_properties
    date = core.modified or core.created
    yield Head(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        title=(core.title or "").strip() or title,
        date=date.date().isoformat() if date else "",
        publisher=(core.author or "").strip(),
        tags=tuple(tag.strip() for tag in re.split(r"[,;，；]", core.keywords or "") if tag.strip()),
    )
    yield Page(1, builder.text, tuple(builder.blocks))
