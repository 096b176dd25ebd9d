"""SQuAD: articles, paragraphs, questions whose answers are spans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.cases import Case, Evidence, SetError
from eval.formats.base import list_of, losses, make_case, read_json, text_of, write_text
from ingest.kb import sentence_spans

__all__ = ["read_squad", "write_squad"]


def read_squad(path: Path) -> list[Case]:
    """Return a set in SQuAD's format, 1.1 or 2.0.

    Raises:
        SetError: A part is missing or of another form; its place is named.
    """
    out: dict[str, Case] = {}
    data = read_json(path)
    for a, article in enumerate(list_of(data, ["data"], str(path), needed=True)):
        for p, paragraph in enumerate(list_of(article, ["paragraphs"], f"{path}: data[{a}]", needed=True)):
            where = f"{path}: data[{a}].paragraphs[{p}]"
            context = text_of(paragraph, ["context"], where)
            document = str(article.get("title") or f"{path.stem}-{a}")
            for q, qa in enumerate(list_of(paragraph, ["qas"], where, needed=True)):
                place = f"{where}.qas[{q}]"
                question = text_of(qa, ["question"], place)
                found = list_of(qa, ["answers"], place)
                impossible = bool(qa.get("is_impossible"))
                answers = list(dict.fromkeys(text_of(answer, ["text"], place) for answer in found))
                evidence = [] if impossible else [Evidence(document, 1, _sentence_at(context, found))]
                name = str(qa.get("id") or f"{path.stem}-{a}-{p}-{q}")
                if name in out:
                    raise SetError(f"{place}: the id {name!r} stands twice")
                out[name] = make_case(name, question, [answers], evidence, "squad", answerable=not impossible)
    return list(out.values())


def _sentence_at(context: str, answers: Sequence[Any]) -> str:
    """Return the sentence that holds the first answer, the whole paragraph if none is marked."""
    start = answers[0].get("answer_start") if answers else None
    if isinstance(start, int):
        for a, b in sentence_spans(context):
            if a <= start < b:
                return context[a:b].strip()
    return context


def write_squad(path: Path, cases: Sequence[Case]) -> list[str]:
    """Write a set in SQuAD 2.0's format: the quotes of the evidence are the paragraphs."""
    documents: dict[str, dict[str, list[dict[str, Any]]]] = {}
    missing = 0
    for case in cases:
        place = case.evidence[0] if case.evidence else Evidence("unanswerable", 1, "(no passage answers this)")
        texts = [text for part in case.answers for text in part] if case.answerable else []
        answers = [{"text": text, "answer_start": place.quote.find(text)} for text in texts if text in place.quote]
        missing += case.answerable and not answers
        qa = {"id": case.id, "question": case.question, "answers": answers, "is_impossible": not case.answerable}
        documents.setdefault(place.document, {}).setdefault(place.quote, []).append(qa)
    data = [
        {"title": name, "paragraphs": [{"context": context, "qas": qas} for context, qas in paragraphs.items()]}
        for name, paragraphs in documents.items()
    ]
    write_text(path, json.dumps({"version": "v2.0", "data": data}, ensure_ascii=False, indent=1))
    notes = losses(cases, unanswerable=True)
    return notes + ([f"{missing} questions have no answer that is a span of their evidence"] if missing else [])
