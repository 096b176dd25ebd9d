"""Sentences too long for an answer, cut at the borders of their clauses."""

from __future__ import annotations

import re
from dataclasses import replace

from ingest.kb import Analyser
from service.candidates import Candidate, unit_places
from service.cues import kind_present
from service.question import Question

__all__ = ["shortened"]

_BORDER = re.compile(r"(?<=[；;，,：:—])\s*|\s+(?=[(（])")


def shortened(candidate: Candidate, question: Question, limit: int, analyser: Analyser) -> Candidate:
    """Return the clauses of a sentence, side by side, that hold most of what is asked within a length.

    Args:
        candidate: The sentence; returned as it is if it is no longer than the limit or has no border.
        question: As read.
        limit: Characters.
        analyser: For the cut text.
    """
    text = candidate.text
    borders = sorted({0, *(found.end() for found in _BORDER.finditer(text)), len(text)})
    if len(text) <= limit or len(borders) < 3:
        return candidate
    places = [span for i in candidate.matched for span in unit_places(question.units[i], candidate.analysis)]
    wanted = kind_present(question, candidate.analysis, text)[1]
    best, held = (0, 0), -1.0
    for start in borders[:-1]:
        ends = [end for end in borders if start < end <= start + limit]
        if not ends:
            continue
        end = ends[-1]
        inside = sum(start <= a and b <= end for a, b in places) + 2 * sum(start <= a and b <= end for a, b in wanted)
        if inside > held:
            best, held = (start, end), inside
    start, end = best
    cut = text[start:end]
    if not cut.strip():
        return candidate
    start += len(cut) - len(cut.lstrip())
    cut = cut.strip()
    return replace(
        candidate, start=candidate.start + start, end=candidate.start + start + len(cut), text=cut, analysis=analyser.analyse(cut)
    )
