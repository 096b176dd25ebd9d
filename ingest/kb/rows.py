"""Between the catalogue's rows and the records that readers know."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.kb.model import Block, Document, Page, Passage

__all__ = ["SENTENCES", "document_of", "matrix_of", "pack_matrix", "pack_page", "page_of", "passage_of", "passage_row"]

# Set behind a model's name: the vectors of a text's sentences stand beside its own.
SENTENCES = "/sentences"


def pack_matrix(vectors: NDArray[np.float32]) -> bytes:
    """Return the rows of a matrix packed, in half precision, behind their number."""
    return struct.pack("<I", len(vectors)) + np.asarray(vectors, dtype="<f2").tobytes()


def matrix_of(packed: bytes) -> NDArray[np.float32]:
    """Return the matrix that ``pack_matrix`` packed."""
    (count,) = struct.unpack_from("<I", packed)
    return np.frombuffer(packed, dtype="<f2", offset=4).astype(np.float32).reshape(count, -1)


def document_of(record: Mapping[str, Any]) -> Document:
    """Return a document from its stored record."""
    values = dict(record)
    values["tags"] = tuple(values["tags"])
    values["warnings"] = tuple(values["warnings"])
    return Document(**values)


def pack_page(page: Page) -> bytes:
    """Return what is stored of a page besides its text and boxes, packed."""
    details = {
        "label": page.label,
        "width": page.width,
        "height": page.height,
        "ocr": page.ocr,
        "warnings": page.warnings,
        "blocks": [[b.kind, b.start, b.end, b.heading, b.level, b.header] for b in page.blocks],
        # Apart from the blocks, so that an earlier version of Wenju can read them.
        "lines": [b.lines for b in page.blocks] if any(b.lines for b in page.blocks) else [],
    }
    return zlib.compress(json.dumps(details, ensure_ascii=False).encode("utf-8"), 6)


def page_of(row: Any) -> Page:
    """Return a page from its row."""
    details = json.loads(zlib.decompress(row.details))
    stored = details["blocks"]
    # Pages that were stored before lines were kept have none.
    lines = details.get("lines") or [None] * len(stored)
    blocks = tuple(
        Block(kind, start, end, tuple(path), level, header, (at[0], at[1]) if at else None)
        for (kind, start, end, path, level, header), at in zip(stored, lines, strict=True)
    )
    return Page(
        number=row.number,
        text=row.text,
        blocks=blocks,
        label=details["label"],
        boxes=row.boxes,
        width=details["width"],
        height=details["height"],
        ocr=details["ocr"],
        warnings=tuple(details["warnings"]),
    )


def passage_row(passage: Passage) -> dict[str, Any]:
    """Return a passage as a row."""
    details = json.dumps([passage.heading, passage.language, passage.kind, passage.header], ensure_ascii=False)
    return {
        "id": passage.id,
        "document_id": passage.document_id,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "details": details,
    }


def passage_of(row: Any) -> Passage:
    """Return a passage from its row, which begins with the columns of its table in their order."""
    name, document_id, page, start, end, details = row[:6]
    return Passage(name, document_id, page, start, end, *_passage_details(details))


# The passages of a section have the same.
@lru_cache(maxsize=4096)
def _passage_details(details: str) -> tuple[tuple[str, ...], Any, Any, str]:
    heading, language, kind, header = json.loads(details)
    return tuple(heading), language, kind, header
