"""Reading a file in a child process: what it yields here is what a reader yielded there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ingest.blocks import Block, Head, Page
from ingest.kb.settings import ReadSettings
from ingest.kb.worker import run_in_child

__all__ = ["frames", "read_in_child"]


def _page_record(page: Page) -> dict[str, Any]:
    record: dict[str, Any] = {name: getattr(page, name) for name in ("number", "text", "label", "width", "height", "ocr", "warnings")}
    record["blocks"] = [[b.kind, b.start, b.end, b.heading, b.level, b.header, b.lines] for b in page.blocks]
    record["boxes"] = base64.b64encode(page.boxes).decode("ascii") if page.boxes is not None else None
    return record


def _page(record: dict[str, Any]) -> Page:
    blocks = tuple(
        Block(kind, start, end, tuple(path), level, header, (lines[0], lines[1]) if lines else None)
        for kind, start, end, path, level, header, lines in record.pop("blocks")
    )
    boxes = record.pop("boxes")
    warnings = tuple(record.pop("warnings"))
    return Page(**record, blocks=blocks, warnings=warnings, boxes=base64.b64decode(boxes) if boxes is not None else None)


def frames(path: str, password: str | None, settings: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield the head and the pages of a file as JSON records (runs in the child)."""
    from ingest.readers import read_file

    for item in read_file(Path(path), ReadSettings(**settings), password=password, name=name):
        yield {"head": asdict(item)} if isinstance(item, Head) else {"page": _page_record(item)}


def read_in_child(path: Path, *, settings: ReadSettings, password: str | None = None, name: str = "") -> Iterator[Head | Page]:
    """Yield a file's head, then its pages in order, read in a limited child process.

    Args:
        path: The file.
        settings: Limits.
        password: For a locked PDF; handed over the pipe, never on a command line.
        name: The file's name to show and to take the suffix from; default the path's own.

    Raises:
        ReadError: Or one of its kinds: the file cannot be read.
    """
    shown = name or path.name
    arguments = {"path": str(path), "password": password, "settings": settings.model_dump(), "name": shown}
    found = run_in_child(
        "ingest.sandbox:frames",
        arguments,
        name=shown,
        timeout_s=settings.timeout_s,
        memory_mb=settings.memory_mb,
        spare_s=settings.ocr_timeout_s,
    )
    for record in found:
        if "page" in record:
            yield _page(record["page"])
            continue
        head = record["head"]
        yield Head(**{**head, "tags": tuple(head["tags"]), "warnings": tuple(head["warnings"])})
