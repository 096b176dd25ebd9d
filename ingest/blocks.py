"""What readers hand over: first the document's head, then its pages one by one."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.kb.model import Block, Page

__all__ = ["Block", "Head", "Page"]


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says of itself.

    Attributes:
        media_type: By content, e.g. ``application/pdf``, ``text/markdown``, ``text/html``, ``text/plain``.
        title: From metadata or the first heading; empty if neither is there (the caller then takes the file name).
        paged: True for PDF only.
        page_count: Pages that follow, unreadable ones included; 1 if not paged.
        language: As declared by the file (``zh-Hant``, ``zh-Hans``, ``en``), empty if it does not say.
        date: ISO date, empty if unknown.
        warnings: What concerns the file as a whole (attachments that were not read, encoding guessed, …).
        metadata: Other scalar facts, as strings (author, source address, encoding, …).
    """

    media_type: str
    title: str = ""
    paged: bool = False
    page_count: int = 1
    language: str = ""
    date: str = ""
    publisher: str = ""
    tags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
