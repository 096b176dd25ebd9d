"""Citations: spans of stored pages, shown only if their text is really there."""

from __future__ import annotations

from dataclasses import asdict

from ingest.kb import Document, NotFoundError, Page, Passage, Snapshot, fold
from ingest.kb.boxes import rects_for_span
from service.records import Citation

__all__ = ["cite", "deep_link", "verify"]


def deep_link(document: Document, page: int, start: int, end: int) -> str:
    """Return the address of a span in the chat page; document ids are made of content, so it survives a new ingest."""
    return f"/#/documents/{document.id}?page={page}&start={start}&end={end}"


def verify(page: Page, start: int, end: int, quoted: str) -> str | None:
    """Return how a quotation stands on a page: ``exact``, ``normalized`` (equal when folded and without spaces), or None.

    Args:
        page: As stored.
        start: First character of the claimed span.
        end: One past the last.
        quoted: The text that is claimed to stand there.
    """
    if not (0 <= start < end <= len(page.text)):
        return None
    found = page.text[start:end]
    if found == quoted:
        return "exact"
    same = "".join(fold(found).split()) == "".join(fold(quoted).split())
    return "normalized" if same else None


def cite(
    snapshot: Snapshot, document: Document, passage: Passage, *, start: int, end: int, quoted: str, index: int, score: float
) -> Citation | None:
    """Return the citation of a span, None if the text does not stand there.

    Args:
        snapshot: The generation that answers.
        document: The document cited.
        passage: The retrieved passage that the span lies in.
        start: First character in the page's text.
        end: One past the last.
        quoted: What the answer takes from it.
        index: Number shown, from 1.
        score: Of the passage, 0 to 1.
    """
    try:
        page = snapshot.catalogue.page(document.id, passage.page)
    except NotFoundError:
        return None
    state = verify(page, start, end, quoted)
    if state is None:
        return None
    paged = document.paged
    return Citation(
        id=f"c{index}",
        index=index,
        type="page_location" if paged else "char_location",
        document_id=document.id,
        document_title=document.title,
        file_name=document.file_name,
        document_sha256=document.sha256,
        passage_id=passage.id,
        cited_text=page.text[start:end],
        language=passage.language,
        page=page.number if paged else None,
        page_end=page.number if paged else None,
        page_label=page.label,
        heading=list(passage.heading),
        start_char_index=start,
        end_char_index=end,
        rects=[asdict(rect) for rect in rects_for_span(page, start, end)] if paged else [],
        url=deep_link(document, page.number, start, end),
        page_image_url=f"/v1/documents/{document.id}/pages/{page.number}.webp?start={start}&end={end}" if paged else None,
        verification="exact" if state == "exact" else "normalized",
        score=round(min(max(score, 0.0), 1.0), 4),
        ocr=page.ocr,
    )
