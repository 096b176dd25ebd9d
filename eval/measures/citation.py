"""Citations: coverage, precision, recall, quotes verified, pages right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eval.cases import Evidence, squeeze
from eval.measures.accuracy import holds
from eval.measures.retrieval import is_relevant
from ingest.kb import find_quantities, fold, to_script

__all__ = ["coverage", "page_accuracy", "precision", "quote_verified", "recall", "supports"]


def coverage(answer: Mapping[str, Any]) -> float | None:
    """Return the share of an answer's segments that carry a citation; None for a refusal."""
    segments = answer["segments"]
    known = {citation["id"] for citation in answer["citations"]}
    if answer["status"] == "refused" or not segments:
        return None
    return sum(bool(set(segment["citation_ids"]) & known) for segment in segments) / len(segments)


def supports(segment: str, quoted: str) -> bool:
    """Return whether a quotation supports a segment of an answer: its words stand there, or all its figures and most of its content do."""
    said, there = squeeze(to_script(segment, "zh-Hans")), squeeze(to_script(quoted, "zh-Hans"))
    if (there and there in said) or (said and said in there):
        return True
    figures = {term for figure in find_quantities(fold(segment)) for term in figure.terms}
    known = {term for figure in find_quantities(fold(quoted)) for term in figure.terms}
    grams = {said[i : i + 2] for i in range(len(said) - 1)}
    return figures <= known and (not grams or sum(gram in there for gram in grams) / len(grams) >= 0.5)


def precision(answer: Mapping[str, Any]) -> float | None:
    """Return the share of citations that support a segment which carries them; None without citations."""
    cited = answer["citations"]
    if answer["status"] == "refused" or not cited:
        return None
    good = sum(
        any(citation["id"] in s["citation_ids"] and supports(s["text"], citation["cited_text"]) for s in answer["segments"])
        for citation in cited
    )
    return good / len(cited)


def recall(answer: Mapping[str, Any], evidence: Sequence[Evidence], answers: Sequence[Sequence[str]]) -> float | None:
    """Return whether a citation stands on gold evidence, or holds every required part itself; None for a refusal or without gold."""
    if answer["status"] == "refused" or not evidence:
        return None
    cited = answer["citations"]
    if any(is_relevant(c["file_name"], c["page"], c["cited_text"], evidence) for c in cited):
        return 1.0
    joined = " ".join(c["cited_text"] for c in cited)
    return float(bool(answers) and all(any(holds(joined, alternative) for alternative in part) for part in answers))


def quote_verified(answer: Mapping[str, Any], page_text: Callable[[str, int], str | None]) -> float | None:
    """Return the share of citations whose text is found in the page's text at the stated offsets; None without citations.

    Args:
        answer: The answer object.
        page_text: Returns the text of a document's page, fetched anew.
    """
    cited = answer["citations"]
    if not cited:
        return None
    good = 0
    for citation in cited:
        text = page_text(citation["document_id"], citation["page"] or 1) or ""
        span = text[citation["start_char_index"] : citation["end_char_index"]]
        good += bool(span) and squeeze(span) == squeeze(citation["cited_text"])
    return good / len(cited)


def page_accuracy(answer: Mapping[str, Any], evidence: Sequence[Evidence]) -> float | None:
    """Return whether the citations of a gold document stand on a gold page; None if no gold document is cited."""
    pages: dict[str, set[int]] = {}
    for item in evidence:
        pages.setdefault(item.document, set()).add(item.page)
    cited = [citation for citation in answer["citations"] if citation["file_name"] in pages]
    if not cited:
        return None
    return float(any((citation["page"] or 1) in pages[citation["file_name"]] for citation in cited))
