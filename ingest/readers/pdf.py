"""PDF: PDFium and pypdf judged page by page, then laid out in reading order with a box for every character."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium

from ingest.blocks import Head, Page
from ingest.kb.errors import LimitExceeded, LockedFile, ReadError
from ingest.kb.settings import ReadSettings
from ingest.readers.characters import garbage_score
from ingest.readers.ocr_pages import read_scans
from ingest.readers.pdf_chars import read_characters
from ingest.readers.pdf_extras import count_extras, extras_warnings
from ingest.readers.pdf_furniture import mark_furniture
from ingest.readers.pdf_layout import lay_out
from ingest.readers.pdf_lines import Frame, Line, frame_of, page_lines
from ingest.readers.pdf_pages import Outline, PageWriter, words_of
from ingest.readers.pdf_rules import Drawing, find_drawing
from ingest.readers.pdf_second import SecondReader
from ingest.readers.text import join_lines

__all__ = ["read_pdf"]

_BAD = 0.02
_MAX_SIDE = 14_400.0
_NO_TITLE = re.compile(
    r"^(?:untitled|microsoft (?:word|powerpoint) - |slide \d|.*\.(?:docx?|pptx?|dvi|tex|indd|qxd|pdf|md)$|無題|无标题)", re.IGNORECASE
)


@dataclass(slots=True)
class _Raw:
    """A page between the two passes."""

    frame: Frame
    lines: list[Line]
    drawing: Drawing = field(default_factory=Drawing)
    plain: str | None = None
    warnings: list[str] = field(default_factory=list)
    ocr: bool = False
    extras: tuple[int, int] = (0, 0)


def _open(path: Path, password: str | None) -> Any:
    try:
        return pdfium.PdfDocument(str(path), password=password)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == 4 or "password" in str(error).lower():
            unlocked = _unlock(path, password)
            if unlocked is not None:
                return unlocked
            what = "the password given does not open it" if password else "it needs a password"
            raise LockedFile(f"is locked: {what}", hint="Give the right one with `wenju ingest FILE --password`.") from error
        raise ReadError(f"is a damaged PDF ({error})", hint="Open it in a PDF viewer and save or print it to PDF again.") from error


def _unlock(path: Path, password: str | None) -> Any:
    """Return a PDF that PDFium does not open but pypdf does (the owner's password, or none as the owner's), else None."""
    import pypdf

    try:
        reader = pypdf.PdfReader(str(path))
        if not reader.decrypt(password or ""):
            return None
        plain = io.BytesIO()
        pypdf.PdfWriter(clone_from=reader).write(plain)
        return pdfium.PdfDocument(plain.getvalue())
    except Exception:
        # pypdf raises whatever the damage provokes; the caller says that the file is locked.
        return None


def _read_page(pdf: Any, number: int, second: SecondReader) -> _Raw:
    """Return one page as the better extractor reads it."""
    try:
        page = pdf[number]
        frame = frame_of(page)
        if max(frame.width, frame.height) > _MAX_SIDE:
            raise ValueError("the page is larger than PDF allows")
        textpage = page.get_textpage()
        characters = read_characters(textpage, frame.rotation)
        textpage.close()
        lines = page_lines(characters, frame)
        drawing = find_drawing(page, frame)
        extras = count_extras(page)
        page.close()
    except (pdfium.PdfiumError, ValueError) as error:
        return _Raw(Frame(0, 0, 612, 792, 0), [], plain="", warnings=[f"cannot be read ({error})"])
    text = "\n".join(line.text for line in lines)
    score = garbage_score(text)
    raw = _Raw(frame, lines, drawing, extras=extras)
    if not second.worth(number, text, score, foreign=characters.foreign):
        return raw
    other = second.text(number)
    if other and garbage_score(other) <= _BAD and (score > _BAD or _count(other) >= 1.3 * max(_count(text), 1)):
        raw.lines, raw.plain = [], other
    elif score > _BAD:
        raw.lines = []
        raw.warnings.append("the font has no character map: the text cannot be read without OCR")
    return raw


def _count(text: str) -> int:
    return sum(1 for char in text if not char.isspace())


def _body_size(pages: Sequence[_Raw]) -> float:
    sizes: Counter[float] = Counter()
    for raw in pages:
        for line in raw.lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


# A line of nothing but a date names no document.
_DATE_LINE = re.compile(
    r"^[\W\d年月日]*(?:january|february|march|april|may|june|july|august|september|october|november|december)?[\W\d年月日]*$", re.IGNORECASE
)


def _title(pdf: Any, pages: Sequence[_Raw]) -> tuple[str, dict[str, str]]:
    meta = {}
    with suppress(pdfium.PdfiumError, ValueError):
        meta = {key: value.strip() for key, value in pdf.get_metadata_dict().items() if value and value.strip()}
    title = meta.get("Title", "")
    if len(title) >= 4 and not _NO_TITLE.match(title) and garbage_score(title) < _BAD:
        return " ".join(title.split()), meta
    for raw in pages[:2]:
        lines = [line for line in raw.lines if not line.furniture and sum(char.isalpha() for char in _DATE_LINE.sub("", line.text)) >= 2]
        if lines:
            top = max(line.size for line in lines)
            chosen = [line for line in lines if line.size > top - 0.5][:3]
            if top > 1.15 * float(np.median([line.size for line in lines])):
                return join_lines([line.text for line in chosen])[:200], meta
    return "", meta


def _date(meta: dict[str, str]) -> str:
    match = re.match(r"D?:?((?:19|20)\d\d)(\d\d)?(\d\d)?", meta.get("CreationDate") or meta.get("ModDate", ""))
    return "-".join(part for part in match.groups() if part) if match else ""


def read_pdf(path: Path, settings: ReadSettings, *, password: str | None = None) -> Iterator[Head | Page]:
    """Yield the head and the pages of a PDF. A page that cannot be read comes without text and with a warning.

    Args:
        path: The file.
        settings: Limits.
        password: For a locked file.

    Raises:
        LockedFile: No password, or the wrong one.
        LimitExceeded: Too many pages.
        ReadError: Damaged beyond opening.
    """
    pdf = _open(path, password)
    count = len(pdf)
    if count > settings.max_pages:
        raise LimitExceeded(
            f"has {count:,} pages, the limit is {settings.max_pages:,}", hint="Raise read.max_pages (WENJU_READ__MAX_PAGES)."
        )
    if count == 0:
        raise ReadError("is a PDF without pages", hint="The file is damaged; get it again.")
    second = SecondReader(path, password)
    pages = [_read_page(pdf, number, second) for number in range(count)]
    read_scans(pdf, pages, settings)
    mark_furniture([(raw.lines, raw.frame.size[1]) for raw in pages])
    title, meta = _title(pdf, pages)
    counts = {number: raw.extras for number, raw in enumerate(pages, 1)}
    notes, fields = ({number: both[place] for number, both in counts.items() if both[place]} for place in (0, 1))
    warnings = extras_warnings(pdf, notes, fields)
    keep = {key.lower(): meta[key][:300] for key in ("Author", "Subject", "Creator", "Producer") if key in meta}
    yield Head("application/pdf", title=title, paged=True, page_count=count, date=_date(meta), warnings=tuple(warnings), metadata=keep)
    body = _body_size(pages)
    words = words_of(line for raw in pages for line in raw.lines)
    writer = PageWriter(Outline(pdf), _heading_sizes(pages, body), words)
    for number, raw in enumerate(pages):
        yield _finish(pdf, number, raw, writer, body)
        raw.lines.clear()


def _heading_sizes(pages: Sequence[_Raw], body: float) -> list[float]:
    sizes = Counter(round(line.size * 2) / 2 for raw in pages for line in raw.lines if line.size > 1.14 * body and not line.furniture)
    return sorted((size for size, times in sizes.items() if times >= 1), reverse=True)[:8]


def _finish(pdf: Any, number: int, raw: _Raw, writer: PageWriter, body: float) -> Page:
    """Return a page laid out and written."""
    builder = writer.start()
    width, height = raw.frame.size
    if raw.plain is not None:
        for part in re.split(r"\n\s*\n", raw.plain):
            text = join_lines(part.split("\n"))
            builder.add_lines("paragraph", text, [None] * len(text))
    else:
        lines = [line for line in raw.lines if not line.furniture]
        writer.write(builder, lay_out(lines, width=width, height=height, body=body, drawing=raw.drawing), number)
    warnings = list(raw.warnings)
    if not builder.text and not warnings:
        warnings.append("no text layer")
    try:
        label = pdf.get_page_label(number) or None
    except (pdfium.PdfiumError, ValueError):
        label = None
    return Page(
        number + 1,
        builder.text,
        tuple(builder.blocks),
        label=label,
        boxes=builder.boxes(width, height) if builder.text else None,
        width=width,
        height=height,
        ocr=raw.ocr,
        warnings=tuple(warnings),
    )
