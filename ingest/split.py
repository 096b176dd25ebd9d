"""From pages to passages: whole sentences, sized by script, never across a page, a heading or a table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence

from ingest.kb.model import Block, Language, Page, Passage
from ingest.kb.sentences import sentence_spans
from ingest.kb.settings import RetrievalSettings
from ingest.kb.tokens import is_han

__all__ = ["SPLITTER_VERSION", "split_page"]

SPLITTER_VERSION = "1"
_SPACE = re.compile(r"\s*")
_TABLE_ROWS = 12


def _language(text: str, fallback: Language) -> Language:
    """Return a passage's language: English when it has next to no Han characters, else the Chinese script of its document."""
    from ingest.kb.script import detect_script

    han = sum(1 for char in text if is_han(char))
    latin = sum(1 for char in text if char.isascii() and char.isalpha())
    if han * 6 < latin:
        return "en"
    return detect_script(text) or ("zh-Hans" if fallback == "en" else fallback)


def _passage_id(sha256: str, page: int, start: int, end: int) -> str:
    digest = hashlib.sha256(f"{sha256}:{page}:{start}:{end}:{SPLITTER_VERSION}".encode()).hexdigest()
    return f"psg_{digest[:24]}"


def _target(text: str, settings: RetrievalSettings) -> int:
    sample = text[:400]
    han = sum(1 for char in sample if is_han(char))
    return settings.passage_chars_zh if han * 4 > len(sample) else settings.passage_chars_en


def _groups(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Yield runs of blocks that may share a passage: same heading path, tables with tables of the same header."""
    run: list[Block] = []
    for block in blocks:
        if block.end <= block.start:
            continue
        if block.kind in ("heading", "contents", "figure"):
            # What stands between must not end up inside a passage's span.
            if run:
                yield run
            run = []
            continue
        if run and (
            block.heading != run[-1].heading
            or (block.kind == "table_row") != (run[-1].kind == "table_row")
            or block.header != run[-1].header
            or block.kind in ("footnote", "caption")
            or run[-1].kind in ("footnote", "caption")
        ):
            yield run
            run = []
        run.append(block)
    if run:
        yield run


def _pieces(page: Page, run: Sequence[Block], target: int) -> Iterator[tuple[int, int]]:
    """Yield the units that are never cut: table rows, else sentences; a sentence of more than four targets is cut at that size."""
    for block in run:
        spans = [(block.start, block.end)] if block.kind == "table_row" else sentence_spans(page.text, block.start, block.end)
        for start, end in spans:
            yield from _cut(page.text, start, end, target * 4)


def _cut(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield a sentence in pieces of at most ``size`` characters, cut at spaces or Chinese commas where there are any nearby."""
    while end - start > size:
        at = start + size
        near = text[at - 60 : at]
        found = max(near.rfind(mark) for mark in " ，、；,;")
        if found > 0:
            at = at - 60 + found + 1
        yield start, start + len(text[start:at].rstrip())
        # Matched in place: a copy of the rest for each piece takes minutes on a line of megabytes.
        space = _SPACE.match(text, at, end)
        start = space.end() if space else at
    if end > start:
        yield start, end


def _spans(page: Page, run: Sequence[Block], settings: RetrievalSettings) -> Iterator[tuple[int, int]]:
    """Yield passage spans: sentences are gathered until the target size is reached."""
    target = _target(page.text[run[0].start : run[-1].end], settings)
    start = end = -1
    rows = 0
    for piece_start, piece_end in _pieces(page, run, target):
        full = start >= 0 and (piece_end - start > target * 1.25 or rows >= _TABLE_ROWS)
        if start >= 0 and full:
            yield start, end
            start, rows = -1, 0
        if start < 0:
            start = piece_start
        end = piece_end
        rows += run[0].kind == "table_row"
    if start >= 0:
        yield start, end


def split_page(page: Page, *, document_id: str, sha256: str, language: Language, settings: RetrievalSettings) -> Iterable[Passage]:
    """Yield the passages of a page, in order, each with its exact span.

    Args:
        page: A page as read.
        document_id: Its document.
        sha256: Digest of the document's bytes; with the span it makes the passage's identifier.
        language: The document's language, for passages that do not show a script.
        settings: Target sizes in characters.
    """
    blocks = page.blocks or ((Block("paragraph", 0, len(page.text)),) if page.text.strip() else ())
    for run in _groups(blocks):
        first = run[0]
        for start, end in _spans(page, run, settings):
            text = page.text[start:end]
            if not any(char.isalnum() for char in text):
                continue
            yield Passage(
                id=_passage_id(sha256, page.number, start, end),
                document_id=document_id,
                page=page.number,
                start=start,
                end=end,
                heading=first.heading,
                # Cells of figures and names tell no language; the names of their columns do.
                language=_language(f"{first.header}\n{text}" if first.kind == "table_row" else text, language),
                kind=first.kind,
                header=first.header if first.kind == "table_row" else "",
            )
