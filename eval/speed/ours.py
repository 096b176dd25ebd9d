"""Wenju's side of the measurement: publish passages, find them again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from ingest.build import publish_catalogue
from ingest.kb import Block, Document, KnowledgeBase, Page, Passage, Settings, detect_language, load_settings

__all__ = ["build", "open_searcher"]

_PER_DOCUMENT = 50


def _settings(folder: Path, *, dense: bool) -> Settings:
    settings = load_settings()
    embedding = settings.embedding if dense else settings.embedding.model_copy(update={"provider": "none"})
    return settings.model_copy(update={"data_dir": folder, "embedding": embedding})


def build(folder: Path, texts: Sequence[str], *, dense: bool) -> str:
    """Store and index passages; returns the embedder's name.

    Args:
        folder: An empty folder.
        texts: Of the passages.
        dense: Whether they get vectors.
    """
    settings = _settings(folder, dense=dense)
    kb = KnowledgeBase(settings, create=True)
    for first in range(0, len(texts), _PER_DOCUMENT):
        group = texts[first : first + _PER_DOCUMENT]
        sha = hashlib.sha256(f"speed:{first}".encode()).hexdigest()
        name, language = f"doc_{sha[:16]}", detect_language(group[0])
        document = Document(name, sha, f"{first}.txt", "", language, "text/plain", sum(map(len, group)), len(group), False)
        pages, passages = [], []
        for number, text in enumerate(group, 1):
            pages.append(Page(number, text, (Block("paragraph", 0, len(text)),)))
            passages.append(Passage(f"psg_{sha[:18]}{number:06x}", name, number, 0, len(text), (), detect_language(text)))
        kb.catalogue.put_document(document, pages, passages, splitter="speed", source=None)
    identity = kb.embedder.identity if kb.embedder else "none"
    kb.close()
    publish_catalogue(settings)
    return identity


def open_searcher(folder: Path, *, dense: bool) -> Callable[[str], int]:
    """Return a function that finds ten passages for a question and says how many it found.

    Args:
        folder: Of ``build``.
        dense: Whether the dense leg takes part.
    """
    from service.question import read_question
    from service.retrieve import retrieve

    kb = KnowledgeBase(_settings(folder, dense=dense))
    snapshot = kb.snapshot()
    assert snapshot is not None
    if dense:
        kb.open_stores()

    def find(question: str) -> int:
        return len(retrieve(kb, snapshot, read_question(question, kb.analyser), top_k=10, dense=dense).hits)

    return find
