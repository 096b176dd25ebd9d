"""The records that ingest writes and the service reads.

All character indices count Unicode code points from the start of the page's text; pages count from 1. A document without
pages (Markdown, HTML, text) is page 1.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCK_KINDS",
    "Block",
    "BlockKind",
    "Document",
    "Language",
    "Page",
    "Passage",
    "Rect",
    "pack_boxes",
    "unpack_boxes",
]

Language = Literal["zh-Hant", "zh-Hans", "en"]
BlockKind = Literal["heading", "paragraph", "list_item", "table_row", "caption", "footnote", "code", "quote", "contents", "figure"]
BLOCK_KINDS: tuple[BlockKind, ...] = (
    "heading",
    "paragraph",
    "list_item",
    "table_row",
    "caption",
    "footnote",
    "code",
    "quote",
    "contents",
    "figure",
)


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle on a page, as fractions (0 to 1) of its width and height, origin at the top left."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Block:
    """A run of a page's text of one kind.

    Attributes:
        kind: What the run is; a ``table_row`` is one row, its cells joined with `` | ``; ``contents`` is a line of a table of contents,
            ``figure`` are the ticks and labels of a chart: both shown but not retrieved.
        start: First character in ``Page.text``.
        end: One past the last character.
        heading: The headings it stands under, outermost first (for a heading: its parents only).
        level: 1 to 6 for a heading, else 0.
        header: For a table row, the header row's cells joined with `` | `` (empty when the table has none).
        lines: First and last line of the file that it was read from, from 1; None where the format has no lines (PDF, HTML, Word).
    """

    kind: BlockKind
    start: int
    end: int
    heading: tuple[str, ...] = ()
    level: int = 0
    header: str = ""
    lines: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page as a reader sees it.

    Attributes:
        number: Physical page, from 1.
        label: The printed page label, where the file has one.
        text: The page's text in reading order; blocks are separated by newlines, furniture is left out.
        blocks: Ordered, not overlapping, inside ``text``.
        boxes: Packed boxes of the characters (see ``pack_boxes``), None where the format has no pages.
        width: Width in points (PDF), else 0.
        height: Height in points (PDF), else 0.
        ocr: True if the text was read from an image.
        warnings: What a reader should know of this page ("no text layer", …).
    """

    number: int
    text: str
    blocks: tuple[Block, ...] = ()
    label: str | None = None
    boxes: bytes | None = None
    width: float = 0.0
    height: float = 0.0
    ocr: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document's facts; its pages lie beside it in the catalogue.

    Attributes:
        id: ``doc_`` and the first 16 hex digits of ``sha256``.
        sha256: Digest of the file's bytes.
        file_name: Name to show, never used as a path.
        paged: True for PDF: citations are ``page_location`` and have boxes.
        date: ISO date (YYYY, YYYY-MM or YYYY-MM-DD), or None.
    """

    id: str
    sha256: str
    file_name: str
    title: str
    language: Language
    media_type: str
    size: int
    page_count: int
    paged: bool
    date: str | None = None
    publisher: str | None = None
    tags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrievable span of one page: whole sentences, or rows of one table under their header."""

    id: str
    document_id: str
    page: int
    start: int
    end: int
    heading: tuple[str, ...]
    language: Language
    kind: BlockKind = "paragraph"
    header: str = ""


def pack_boxes(boxes: NDArray[np.float64]) -> bytes:
    """Return the boxes of a page's characters, packed for storage.

    Args:
        boxes: Shape (n, 4): x0, y0, x1, y1 of each character of the page's text as fractions of the page, origin at the
            top left; a character without a box (an inserted space or newline) is all zeros.
    """
    clipped = np.clip(np.asarray(boxes, dtype=np.float64).reshape(-1, 4), 0.0, 1.0)
    return zlib.compress(np.round(clipped * 65535).astype("<u2").tobytes(), 6)


def unpack_boxes(packed: bytes) -> NDArray[np.float64]:
    """Return the boxes packed by ``pack_boxes``, shape (n, 4), fractions of the page."""
    flat = np.frombuffer(zlib.decompress(packed), dtype="<u2")
    return flat.reshape(-1, 4).astype(np.float64) / 65535.0
