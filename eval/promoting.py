"""From votes on answers to candidate questions: what people found wrong is what a set should ask next."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from eval.cases import LANGUAGES, Case, Evidence, squeeze
from ingest.kb import detect_language

__all__ = ["promote"]


def promote(votes: Iterable[Mapping[str, Any]]) -> tuple[list[Case], int]:
    """Return candidate cases and the number of votes that came without their answer.

    The last vote on a question counts. An answer voted up keeps its quotations as evidence and its text as the answer to be shortened by
    the reviewer; one voted down keeps the quotations only as a place to look.

    Args:
        votes: Of ``Catalogue.feedback``, oldest first.
    """
    latest: dict[str, Case] = {}
    left = 0
    for vote in votes:
        answer = vote.get("answer")
        if not isinstance(answer, Mapping) or not answer.get("question"):
            left += 1
            continue
        case = _candidate(vote, answer)
        latest.pop(case.id, None)
        latest[case.id] = case
    return list(latest.values()), left


def _candidate(vote: Mapping[str, Any], answer: Mapping[str, Any]) -> Case:
    question = str(answer.get("standalone_question") or answer["question"])
    language = detect_language(question)
    if language not in LANGUAGES:
        language = "en"
    name = f"vote-{hashlib.sha256(squeeze(question).encode()).hexdigest()[:12]}"
    refused = answer.get("status") == "refused"
    up = vote.get("vote") == "up"
    # A refusal that was right is an unanswerable question; one that was wrong is an answerable one, its answer still to be found.
    answerable = not (refused and up)
    evidence = tuple(Evidence(str(e["document"]), int(e["page"]), str(e["quote"])) for e in answer.get("evidence") or ())
    keep = answerable and not refused
    said = ": ".join(str(vote[key]) for key in ("reason", "comment") if vote.get(key))
    return Case(
        id=f"{name}-{language.replace('zh-', '').lower()}",
        group_id=name,
        language=language,
        question=question,
        type="other",
        answerable=answerable,
        answers=((str(answer["answer"]),),) if keep and up else (),
        evidence=evidence if keep else (),
        source=f"feedback {'up' if up else 'down'}{f' ({said})' if said else ''}",
    )
