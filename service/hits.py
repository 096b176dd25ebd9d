"""From ranked places to hits: passages are read, sources lists step back, phrases must occur, the same text stands once."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.kb import Passage, PassageRef, Snapshot, fold
from service.question import Question
from service.retrieved import Hit

__all__ = ["best_hits", "is_reference"]

_REFERENCE_WORTH = 0.5
_CAPTION_WORTH = 0.8
_REFERENCES = re.compile(
    r"^\W*(?:[\dA-Z]{1,3}[.、 ]+)?(?:資料|参考|參考|引用|本文)?(?:來源|来源|文獻|文献|資料|资料|書目|书目|sources?|references?"
    r"|bibliography|works cited|further reading)"
    r"(?:\s*(?:與|与|和|及|and|&)\s*\S{1,12}(?:\s\S{1,12})?)?\W*$",
    re.IGNORECASE,
)
# Of the candidates at most this many for each hit wanted are ever looked at, and in rounds of little more than are wanted.
_DEPTH, _SPARE = 3, 4
_NOT_ALNUM = re.compile(r"[\W_]+")


def _worth(passage: Passage) -> float:
    """Return a passage's worth as a source of answers: lists of references name everything and state nothing, captions little."""
    if is_reference(passage):
        return _REFERENCE_WORTH
    return _CAPTION_WORTH if passage.kind == "caption" else 1.0


def is_reference(passage: Passage) -> bool:
    """Return whether a passage stands in a list of sources or references, by its headings."""
    return any(_REFERENCES.match(heading) for heading in passage.heading)


def _best_first(
    snapshot: Snapshot, refs: Sequence[PassageRef], order: NDArray[np.int64], fused: NDArray[np.float64], size: int
) -> Iterator[tuple[int, float, Passage, str]]:
    """Yield (place, score with its worth, passage, text), best first; read in rounds, since few are wanted and reading is dear.

    No worth is above 1: what is not read yet cannot beat what scores as much as the best of it without its worth.
    """
    waiting: list[tuple[float, int, int, Passage, str]] = []
    for start in range(0, len(order), size):
        some = order[start : start + size].tolist()
        for position, (place, entry) in enumerate(zip(some, snapshot.passages_at([refs[place] for place in some]), strict=True), start):
            if entry is not None:
                heapq.heappush(waiting, (-float(fused[place]) * _worth(entry[0]), position, place, *entry))
        bound = float(fused[order[start + size]]) if start + size < len(order) else 0.0
        while waiting and -waiting[0][0] >= bound:
            score, _, place, passage, text = heapq.heappop(waiting)
            yield place, -score, passage, text


def best_hits(
    snapshot: Snapshot,
    refs: Sequence[PassageRef],
    fused: NDArray[np.float64],
    legs: dict[str, NDArray[np.float64]],
    question: Question,
    top_k: int,
) -> tuple[list[Hit], list[dict[str, str]]]:
    """Return the best hits, and what was dropped on the way with the reason.

    Args:
        snapshot: To read from.
        refs: The candidates.
        fused: Their scores.
        legs: What each leg gave them, for the record.
        question: Its quoted phrases must occur.
        top_k: Most hits.
    """
    order = np.argsort(-fused, kind="stable")
    order = order[fused[order] > 0][: top_k * _DEPTH + 2 * _SPARE]
    hits: list[Hit] = []
    twins: dict[int, list[Hit]] = {}
    dropped: list[dict[str, str]] = []
    must = question.phrases if question.text.strip()[:1] in '"“「『' else ()
    for place, score, passage, text in _best_first(snapshot, refs, order, fused, top_k + _SPARE):
        document = snapshot.documents.get(passage.document_id)
        if document is None:
            continue
        if must and any(phrase not in fold(text) for phrase in must):
            dropped.append({"passage_id": passage.id, "reason": "the quoted phrase does not occur"})
            continue
        alike = twins.setdefault(len(_NOT_ALNUM.sub("", text)), [])
        twin = next((hit for hit in alike if _bare(hit.text) == _bare(text)), None)
        if twin is not None:
            twin.alternates.append(passage.id)
            dropped.append({"passage_id": passage.id, "reason": f"same text as {twin.passage.id}"})
            continue
        hit = Hit(refs[place], passage, text, document, score, {name: round(float(values[place]), 4) for name, values in legs.items()})
        alike.append(hit)
        hits.append(hit)
        if len(hits) == top_k:
            break
    return hits, dropped


def _bare(text: str) -> str:
    """Return the folded letters and digits of a text."""
    return _NOT_ALNUM.sub("", fold(text))
