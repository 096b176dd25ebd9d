"""Suggested questions: what the corpus's own headings and figures invite to ask."""

from __future__ import annotations

from typing import Any

from ingest.kb import Document, KnowledgeBase, find_quantities, fold

__all__ = ["suggest"]

_WORDS = {
    "zh-Hant": "《{title}》怎麼說「{heading}」？",
    "zh-Hans": "《{title}》怎么说“{heading}”？",
    "en": "What does “{title}” say about {heading}?",
}
_SKIPPED = (
    "來源",
    "来源",
    "source",
    "參考",
    "参考",
    "reference",
    "目錄",
    "目录",
    "contents",
    "abstract",
    "摘要",
    "附錄",
    "附录",
    "appendix",
)


def _heading(kb: KnowledgeBase, document: Document) -> str:
    """Return the heading whose passages hold most figures: what a reader of reports asks about."""
    counts: dict[str, int] = {}
    for passage, text in kb.catalogue.passages_of([document.id]):
        heading = passage.heading[-1] if passage.heading else ""
        if 3 <= len(heading) <= 40 and not any(word in heading.lower() for word in _SKIPPED):
            counts[heading] = counts.get(heading, 0) + len(find_quantities(fold(text)))
    return max(counts, key=lambda name: counts[name], default="")


def suggest(kb: KnowledgeBase, limit: int) -> list[dict[str, Any]]:
    """Return questions about the newest documents, in turn by language.

    Args:
        kb: The knowledge base.
        limit: Most questions.
    """
    snapshot = kb.snapshot()
    if snapshot is None:
        return []
    queues: dict[str, list[Document]] = {}
    for document in sorted(snapshot.documents.values(), key=lambda item: (item.date or "", item.id), reverse=True):
        queues.setdefault(document.language, []).append(document)
    out: list[dict[str, Any]] = []
    while len(out) < limit and any(queues.values()):
        for language in list(queues):
            if not queues[language] or len(out) >= limit:
                continue
            document = queues[language].pop(0)
            heading = _heading(kb, document)
            if heading:
                question = _WORDS[language].replace("{title}", document.title[:40]).replace("{heading}", heading)
                out.append({"question": question, "language": language, "document_id": document.id})
    return out
