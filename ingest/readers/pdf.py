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
from numpy.typing import NDArray

from ingest.blocks import Head, Page
from ingest.kb.errors import LimitExceeded, LockedFile, ReadError
from ingest.kb.model import pack_boxes
from ingest.kb.settings import ReadSettings
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import garbage_score, is_cjk
from ingest.readers.ocr_pages import read_scans
from ingest.readers.pdf_furniture import mark_furniture
from ingest.readers.pdf_layout import Paragraph, Piece, lay_out
from ingest.readers.pdf_lines import Frame, Line, frame_of, page_lines
from ingest.readers.pdf_rules import Grid, find_grids
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
    grids: list[Grid] = field(default_factory=list)
    plain: str | None = None
    warnings: list[str] = field(default_factory=list)
    ocr: bool = False


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
        lines = page_lines(textpage, frame)
        textpage.close()
        grids = find_grids(page, frame)
        page.close()
    except (pdfium.PdfiumError, ValueError) as error:
        return _Raw(Frame(0, 0, 612, 792, 0), [], plain="", warnings=[f"cannot be read ({error})"])
    text = "\n".join(line.text for line in lines)
    score = garbage_score(text)
    raw = _Raw(frame, lines, grids)
    if not second.worth(number, text, score):
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


class _PageBuilder(TextBuilder):
    """A text builder that keeps a box for every character."""

    def __init__(self, path: Sequence[tuple[int, str]]) -> None:
        super().__init__()
        self._headings = list(path)
        self._rows: list[NDArray[np.float64]] = []

    @property
    def headings(self) -> list[tuple[int, str]]:
        """The heading path with levels, to go on with on the next page."""
        return self._headings

    def add_lines(self, kind: Any, text: str, boxes: list[NDArray[np.float64] | None], *, level: int = 0, header: str = "") -> None:
        """Append a block with a box, or None, for each of its characters."""
        lead, tail = len(text) - len(text.lstrip()), len(text.rstrip())
        if tail <= lead:
            return
        if self.text:
            self._rows.append(np.zeros(4))
        self._rows += [box if box is not None else np.zeros(4) for box in boxes[lead:tail]]
        self.add(kind, text, level=level, header=header)

    def boxes(self, width: float, height: float) -> bytes:
        """Return the packed boxes of the page's text."""
        table = np.array(self._rows).reshape(-1, 4) / np.array([width, height, width, height])
        return pack_boxes(table)


def _hyphenated(before: Sequence[str], first: str) -> bool:
    """Return whether a line ends inside a word with a hyphen of its own: DeepSeek-, R1 on the next."""
    return before[-1] in "-\u2010" and len(before) > 1 and before[-2].isalnum() and first.isalnum()


def _joined(lines: Sequence[Line]) -> tuple[str, list[NDArray[np.float64] | None]]:
    """Return lines as one text with the boxes of its characters; hyphens at line ends and breaks between Han are undone."""
    text: list[str] = []
    boxes: list[NDArray[np.float64] | None] = []
    for line in lines:
        if text:
            last, first = text[-1], line.text[0]
            if last in "-\u2010\u00ad" and len(text) > 1 and text[-2].isalpha() and first.islower():
                text.pop()
                boxes.pop()
            elif not (is_cjk(last) and is_cjk(first)) and not _hyphenated(text, first):
                text.append(" ")
                boxes.append(None)
        text.extend(line.text)
        boxes.extend(line.boxes)
    return "".join(text), boxes


class _Outline:
    """The document's bookmarks, found again as lines on their pages."""

    def __init__(self, pdf: Any) -> None:
        self._by_page: dict[int, list[tuple[int, str]]] = {}
        try:
            for count, item in enumerate(pdf.get_toc(max_depth=8)):
                if count >= 5_000:
                    break
                dest = item.get_dest()
                index = dest.get_index() if dest is not None else None
                if index is not None:
                    self._by_page.setdefault(index, []).append((item.level + 1, " ".join(item.get_title().split())))
        except (pdfium.PdfiumError, RecursionError, ValueError):
            self._by_page = {}

    def __bool__(self) -> bool:
        return bool(self._by_page)

    def level(self, page: int, text: str) -> int:
        """Return the level of the bookmark that a line of a page is the title of, else 0."""
        key = _letters(text)
        if len(key) < 2:
            return 0
        for level, title in self._by_page.get(page, ()):
            wanted = _letters(title)
            if wanted and (key == wanted or (len(wanted) >= 4 and key.endswith(wanted) and len(key) - len(wanted) <= 8)):
                return level
        return 0


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def _emit(builder: _PageBuilder, pieces: Sequence[Piece], outline: _Outline, number: int, sizes: Sequence[float]) -> None:
    for piece in pieces:
        if isinstance(piece, Paragraph):
            text, boxes = _joined(piece.lines)
            if piece.kind == "contents":
                text, boxes = _without_leaders(text, boxes)
            level = outline.level(number, text) if len(piece.lines) <= 4 and piece.kind != "contents" else 0
            if level:
                builder.add_lines("heading", text, boxes, level=min(level, 6))
            elif piece.kind == "heading":
                builder.add_lines("heading", text, boxes, level=_rank(max(line.size for line in piece.lines), sizes, text))
            else:
                builder.add_lines(piece.kind, text, boxes)
            continue
        header = _row(piece.rows[: piece.header_rows], len(piece.rows[0]))[0] if piece.header_rows else ""
        for place, row in enumerate(piece.rows):
            text, boxes = _row([row], len(row))
            builder.add_lines("table_row", text, boxes, header="" if place < piece.header_rows and piece.header_rows > 1 else header)


def _without_leaders(text: str, boxes: list[NDArray[np.float64] | None]) -> tuple[str, list[NDArray[np.float64] | None]]:
    keep = [True] * len(text)
    for match in re.finditer(r"\s*(?:[.…·]\s?){4,}", text):
        keep[match.start() + 1 : match.end()] = [False] * (match.end() - match.start() - 1)
    kept = [i for i, flag in enumerate(keep) if flag]
    return "".join(" " if text[i] in ".…·" and i + 1 < len(keep) and not keep[i + 1] else text[i] for i in kept), [boxes[i] for i in kept]


def _rank(size: float, sizes: Sequence[float], text: str) -> int:
    """Return a heading's level by its number (``2.1`` is level 2) or its size among the document's heading sizes."""
    numbered = re.match(r"^(\d+(?:\.\d+)*)\.?\s", text)
    if numbered:
        return min(6, numbered.group(1).count(".") + 1)
    larger = sum(1 for other in sizes if other > size + 0.4)
    return min(6, larger + 1)


def _row(rows: Sequence[Sequence[Sequence[Line]]], columns: int) -> tuple[str, list[NDArray[np.float64] | None]]:
    """Return one or more rows as cells joined with `` | ``, a header of several rows column by column."""
    text = ""
    boxes: list[NDArray[np.float64] | None] = []
    for column in range(columns):
        if column:
            text += " | "
            boxes += [None, None, None]
        cell, of_cell = _joined([line for row in rows for line in row[column]])
        text += cell.replace(" | ", " / ")
        boxes += of_cell
    return text, boxes


def _title(pdf: Any, pages: Sequence[_Raw]) -> tuple[str, dict[str, str]]:
    meta = {}
    with suppress(pdfium.PdfiumError, ValueError):
        meta = {key: value.strip() for key, value in pdf.get_metadata_dict().items() if value and value.strip()}
    title = meta.get("Title", "")
    if len(title) >= 4 and not _NO_TITLE.match(title) and garbage_score(title) < _BAD:
        return " ".join(title.split()), meta
    for raw in pages[:2]:
        lines = [line for line in raw.lines if not line.furniture and sum(char.isalpha() for char in line.text) >= 2]
        if lines:
            top = max(line.size for line in lines)
            chosen = [line for line in lines if line.size > top - 0.5][:3]
            if top > 1.15 * float(np.median([line.size for line in lines])):
                return join_lines([line.text for line in chosen])[:200], meta
    return "", meta


def _date(meta: dict[str, str]) -> str:
    match = re.match(r"D?:?((?:19|20)\d\d)(\d\d)?(\d\d)?", meta.get("CreationDate", ""))
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
    attachments = _attachments(pdf)
    warnings = [f"{len(attachments)} attached file(s) not read: {', '.join(attachments[:5])}"] if attachments else []
    keep = {key.lower(): meta[key][:300] for key in ("Author", "Subject", "Creator", "Producer") if key in meta}
    yield Head("application/pdf", title=title, paged=True, page_count=count, date=_date(meta), warnings=tuple(warnings), metadata=keep)
    body = _body_size(pages)
    outline = _Outline(pdf)
    sizes = _heading_sizes(pages, body)
    path_so_far: list[tuple[int, str]] = []
    for number, raw in enumerate(pages):
        page, path_so_far = _finish(pdf, number, raw, outline, body, sizes, path_so_far)
        pages[number].lines.clear()
        yield page


def _heading_sizes(pages: Sequence[_Raw], body: float) -> list[float]:
    sizes = Counter(round(line.size * 2) / 2 for raw in pages for line in raw.lines if line.size > 1.14 * body and not line.furniture)
    return sorted((size for size, times in sizes.items() if times >= 1), reverse=True)[:8]


def _attachments(pdf: Any) -> list[str]:
    try:
        return [pdf.get_attachment(i).get_name() for i in range(min(pdf.count_attachments(), 100))]
    except (pdfium.PdfiumError, ValueError, AttributeError):
        return []


def _finish(
    pdf: Any, number: int, raw: _Raw, outline: _Outline, body: float, sizes: Sequence[float], path: Sequence[tuple[int, str]]
) -> tuple[Page, list[tuple[int, str]]]:
    builder = _PageBuilder(path)
    width, height = raw.frame.size
    if raw.plain is not None:
        for part in re.split(r"\n\s*\n", raw.plain):
            text = join_lines(part.split("\n"))
            builder.add_lines("paragraph", text, [None] * len(text))
    else:
        lines = [line for line in raw.lines if not line.furniture]
        _emit(builder, lay_out(lines, width=width, height=height, body=body, grids=raw.grids), outline, number, sizes)
    warnings = list(raw.warnings)
    if not builder.text and not warnings:
        warnings.append("no text layer")
    try:
        label = pdf.get_page_label(number) or None
    except (pdfium.PdfiumError, ValueError):
        label = None
    page = Page(
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
    return page, builder.headings
