"""Candidate sentences of the retrieved passages: what they are, and what stands around them.

Table rows count as sentences. A sentence that states nothing (a list of sources, a line of a program, a bare caption) is told apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ingest.kb import Analyser, Analysis, statement_spans
from service.cues import CAPTION, is_code, is_cut_off
from service.question import Unit
from service.retrieve import Hit, is_reference

__all__ = [
    "Candidate",
    "about",
    "analysed",
    "by_vectors",
    "candidates",
    "is_dull",
    "is_source_line",
    "terms_in",
    "unit_places",
    "unit_terms",
]

_SOURCE_LINE = re.compile(
    r"^\W*(?:資料來源|数据来源|資料出處|资料来源|來源|来源|出處|出处|參考|参考|延伸閱讀|延伸阅读|note|註|注"
    r"|sources?|references?|see also|further reading)\s*[:：]"
    r"|^\W*(?:\d+\W+)?(?:請參閱|请参阅|請參見|请参见|參見|参见|詳見|详见)(?=[:：《「“\s])"
    r"|^\W*\d+(?:\.\d+)?%?\s*(?:資料來源|资料来源|来源|來源)[:：]",
    re.IGNORECASE,
)

_ADDRESS = re.compile(r"https?://[^\s，。）)」]+|\bdoi\.org/\S+")


@dataclass(slots=True)
class Candidate:
    """One sentence or table row of a retrieved passage.

    Attributes:
        hit: The passage it stands in.
        start: First character in the page's text.
        end: One past the last.
        text: As it stands there.
        analysis: Of the text.
        matched: Units of the question that it holds.
        context: Units that it does not hold but its surroundings do.
        values: What ``features`` gave, in the order of ``FEATURES``.
        score: Set by the ranking.
        header: Terms of the table's header, which name the row's cells.
        cosine: Of its vector with the question's, None without vectors of sentences.
    """

    hit: Hit
    rank: int
    position: int
    start: int
    end: int
    text: str
    analysis: Analysis
    matched: set[int] = field(default_factory=set)
    context: set[int] = field(default_factory=set)
    values: list[float] = field(default_factory=list)
    score: float = 0.0
    header: frozenset[str] = frozenset()
    cosine: float | None = None


@lru_cache(maxsize=4096)
def analysed(analyser: Analyser, text: str) -> Analysis:
    """Return the analysis of a text; that of one seen lately is kept."""
    return analyser.analyse(text)


@lru_cache(maxsize=2048)
def terms_in(analyser: Analyser, text: str) -> frozenset[str]:
    """Return the index terms of a text of which nothing else is wanted; those of one seen lately are kept."""
    return analyser.analyse(text).keys()


def candidates(hits: Sequence[Hit], analyser: Analyser) -> list[Candidate]:
    """Return every sentence of the passages, passage by passage in order."""
    out = []
    for rank, hit in enumerate(hits):
        header = hit.passage.header
        spans = _spans(hit.passage.kind, hit.text)
        near = hit.cosines if hit.cosines is not None and len(hit.cosines) == len(spans) else None
        for position, (start, end) in enumerate(spans):
            text = hit.text[start:end]
            if header and len(spans) > 1 and _cells(text) == _cells(header):
                continue
            offset = hit.passage.start
            candidate = Candidate(hit, rank, position, offset + start, offset + end, text, analysed(analyser, text))
            if near is not None:
                candidate.cosine = float(near[position])
            if header:
                candidate.header = terms_in(analyser, header)
            out.append(candidate)
    return out


def _cells(row: str) -> list[str]:
    return [cell for cell in (part.strip() for part in row.split("|")) if cell]


@lru_cache(maxsize=1024)
def _spans(kind: str, text: str) -> tuple[tuple[int, int], ...]:
    return tuple(statement_spans(kind, text))


def by_vectors(found: Sequence[Candidate]) -> str:
    """Return which of the learnt models fits: some of the sentences have a vector, or none has."""
    return "with_vectors" if any(candidate.cosine is not None for candidate in found) else "without_vectors"


def unit_terms(analysis: Analysis) -> frozenset[str]:
    """Return the terms by which units are found in a text."""
    # Terms of other fields are in it too; no unit has one.
    return analysis.keys()


def unit_places(unit: Unit, analysis: Analysis) -> list[tuple[int, int]]:
    """Return where a unit stands in a text."""
    keys, words, figures = _by_field(unit.terms)
    places = [(m.start, m.end) for m in analysis.concepts if m.concept.key in keys] if keys else []
    if words:
        places += [(start, end) for word, start, end in analysis.words if word in words]
    if figures:
        places += [(q.start, q.end) for q in analysis.quantities if not figures.isdisjoint(q.terms)]
    return places


@lru_cache(maxsize=4096)
def _by_field(terms: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the concepts, words and figures among terms."""
    concepts, words, figures = (frozenset(term[1:] for term in terms if term[0] == name) for name in "cwn")
    return concepts, words, figures


def is_dull(candidate: Candidate) -> bool:
    """Return whether a sentence states nothing: it names sources, is a line of a program, a caption without figures, or breaks off."""
    if is_source_line(candidate) or candidate.hit.passage.kind == "code":
        return True
    if candidate.hit.passage.kind != "table_row" and is_cut_off(candidate.analysis.folded):
        return True
    code, label = _form(candidate.text)
    return code or (label is not None and all(quantity.start < label for quantity in candidate.analysis.quantities))


@lru_cache(maxsize=8192)
def _form(text: str) -> tuple[bool, int | None]:
    """Return whether a sentence is a line of a program, and where the label of a caption ends that it begins with."""
    label = CAPTION.match(text)
    return is_code(text), label.end() if label else None


def is_source_line(candidate: Candidate) -> bool:
    """Return whether a sentence only names sources: it stands in a list of references, or begins as such lines do."""
    return is_reference(candidate.hit.passage) or _names_sources(candidate.text)


@lru_cache(maxsize=8192)
def _names_sources(text: str) -> bool:
    return bool(_SOURCE_LINE.match(text)) or len("".join(_ADDRESS.findall(text))) > 0.3 * len(text)


def about(hit: Hit) -> str:
    """Return what a document says of itself: title, publisher, tags, the first lines."""
    document = hit.document
    return " \n ".join((document.title, document.publisher or "", *document.tags, hit.opening))
