"""DOCX: paragraphs, headings, lists and tables in the order of the document."""

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


def _check(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(item.file_size for item in archive.infolist()) > _MAX_INFLATED:
            raise LimitExceeded(f"unpacks to more than {_MAX_INFLATED:,} bytes", hint="Save it as PDF or text if you trust it.")


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
            cells.append(" ".join(clean(cell.text).split()).replace(" | ", " / "))
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
            text = " ".join(clean(item.text).split())
            style = (item.style.name or "") if item.style is not None else ""
            level = _level(style)
            if level:
                title = title or text
                builder.add("heading", text, level=level)
            else:
                builder.add("list_item" if "list" in style.lower() else "paragraph", text)
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
