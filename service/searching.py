"""Search: the passages that fit a query best, as ``POST /v1/search`` lists them."""

from __future__ import annotations

import time
from typing import Any

from ingest.kb import KnowledgeBase
from service.explain import explain_search
from service.question import read_question
from service.retrieve import Filters, Hit, retrieve

__all__ = ["search"]


def search(kb: KnowledgeBase, query: str, *, top_k: int = 10, filters: Filters | None = None, explain: bool = False) -> dict[str, Any]:
    """Return the list object of the search contract.

    Args:
        kb: The knowledge base.
        query: As typed.
        top_k: Most passages.
        filters: What may be used.
        explain: Add the query's terms, what was dropped and why.
    """
    started = time.perf_counter()
    question = read_question(query, kb.analyser)
    timings = {"analyse": (time.perf_counter() - started) * 1000}
    snapshot = kb.snapshot()
    if snapshot is None or not snapshot.documents:
        empty = {"object": "list", "data": [], "generation": "", "language": question.language, "legs": [], "degraded": []}
        return empty | {"timings_ms": timings} | ({"explain": explain_search(kb, question, None)} if explain else {})
    found = retrieve(kb, snapshot, question, top_k=top_k, filters=filters)
    pages = {hit.passage.id: snapshot.catalogue.page(hit.document.id, hit.passage.page).label for hit in found.hits if hit.document.paged}
    timings |= found.timings_ms | {"total": (time.perf_counter() - started) * 1000}
    result: dict[str, Any] = {
        "object": "list",
        "data": [_record(hit, pages.get(hit.passage.id)) for hit in found.hits],
        "generation": found.generation,
        "language": question.language,
        "legs": found.legs,
        "degraded": found.degraded,
        "timings_ms": {name: round(value, 2) for name, value in timings.items()},
    }
    if explain:
        result["explain"] = explain_search(kb, question, found)
    return result


def _record(hit: Hit, label: str | None) -> dict[str, Any]:
    passage = hit.passage
    return {
        "passage_id": passage.id,
        "document_id": hit.document.id,
        "document_title": hit.document.title,
        "file_name": hit.document.file_name,
        "page": passage.page if hit.document.paged else None,
        "page_label": label,
        "heading": list(passage.heading),
        "language": passage.language,
        "text": hit.text,
        "start_char_index": passage.start,
        "end_char_index": passage.end,
        "score": round(hit.score, 4),
        "scores": hit.scores,
        "alternates": hit.alternates,
    }
