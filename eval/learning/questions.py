"""Questions to learn from: with the evidence retrieved for each, and which of it is right."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.cases import Case, Evidence, squeeze
from eval.squad import Paragraphs, build
from ingest.kb import KnowledgeBase, Settings, to_script
from service.candidates import Candidate
from service.followup import standalone
from service.question import Question, read_question
from service.records import Turn
from service.retrieve import retrieve
from service.retrieved import Filters, Retrieval

__all__ = ["Asked", "case_question", "cases_asked", "holds", "squad_asked", "swapped"]

_READ = 10
_SEED = 7
_SWAPPED_KINDS = frozenset({"company", "model", "product", "place", "org"})


@dataclass(slots=True)
class Asked:
    """One question as retrieval left it.

    Attributes:
        source: Name of the set.
        kb: That it was asked of.
        evidence: Quotations any of which answers it, none where nothing does.
        answers: What a right sentence must hold one alternative of each of, none where the quotation decides.
    """

    source: str
    kb: KnowledgeBase
    question: Question
    retrieval: Retrieval
    evidence: tuple[Evidence, ...]
    answers: tuple[tuple[str, ...], ...]


def _plain(text: str) -> str:
    return "".join(char for char in squeeze(to_script(text, "zh-Hans")) if char.isalnum())


def holds(asked: Asked, candidate: Candidate) -> bool:
    """Return whether a sentence answers the question: it holds a quotation or is a part of one, and an answer where these are listed."""
    text = _plain(candidate.text)
    name = candidate.hit.document.file_name
    quoted = any(
        name == item.document and (_plain(item.quote) in text or (len(text) >= 8 and text in _plain(item.quote))) for item in asked.evidence
    )
    if not asked.answers:
        return quoted
    found = [any(_plain(answer) in text for answer in alternatives) for alternatives in asked.answers]
    return any(found) if quoted else all(found) and any(len(_plain(a)) >= 3 for alternatives in asked.answers for a in alternatives)


def case_question(case: Case, kb: KnowledgeBase) -> str:
    """Return a case's question as it stands alone."""
    return standalone(case.question, [Turn(**turn) for turn in case.history], kb.analyser)  # type: ignore[arg-type]


def cases_asked(name: str, cases: Sequence[Case], kb: KnowledgeBase) -> Iterator[Asked]:
    """Yield the cases, asked of a knowledge base."""
    snapshot = kb.snapshot()
    assert snapshot is not None
    for case in cases:
        question = read_question(case_question(case, kb), kb.analyser)
        yield Asked(name, kb, question, retrieve(kb, snapshot, question, top_k=_READ), case.evidence, case.answers)


def squad_asked(group: Paragraphs, folder: Path, settings: Settings, *, limit: int, absent: bool = False) -> Iterator[Asked]:
    """Yield questions of a set in SQuAD's format, asked of its own paragraphs; the right one is always among the five.

    Args:
        group: The set.
        folder: For its knowledge base.
        settings: To build it with.
        limit: Most questions.
        absent: Leave the right paragraph out, so that nothing answers although the rest of its article is there.
    """
    kb = build([group], folder, settings)
    snapshot = kb.snapshot()
    assert snapshot is not None
    names = {document.file_name: number for number, document in snapshot.documents.items()}
    questions = list(group.questions)
    random.Random(_SEED).shuffle(questions)
    for _, text, number, answers in questions[:limit]:
        question = read_question(text, kb.analyser)
        gold = f"{group.name}/{number}"
        if absent:
            others = Filters(document_ids=tuple(key for name, key in names.items() if name != gold))
            yield Asked(group.name, kb, question, retrieve(kb, snapshot, question, top_k=_READ, filters=others), (), ())
            continue
        found = retrieve(kb, snapshot, question, top_k=5)
        if all(hit.document.file_name != gold for hit in found.hits):
            only = retrieve(kb, snapshot, question, top_k=1, filters=Filters(document_ids=(names[gold],)))
            found.hits = [*found.hits[:4], *only.hits]
        evidence = tuple(Evidence(gold, 1, answer) for answer in answers)
        yield Asked(group.name, kb, question, found, evidence, ())


def swapped(asked: Asked, rng: random.Random) -> list[str]:
    """Return the question with its entity, and with its year, replaced by one that the evidence does not speak of."""
    question, out = asked.question, []
    around = " ".join(hit.text for hit in asked.retrieval.hits[:5])
    known = {match.concept.key for match in asked.kb.analyser.analyse(around).concepts}
    names = [m for m in question.analysis.concepts if m.concept.kind in _SWAPPED_KINDS and not m.nested]
    if names:
        match = rng.choice(names)
        language = "en" if question.language == "en" else "zh-Hans"
        rivals = [
            concept.terms[language][0]
            for concept in asked.kb.analyser.lexicon.concepts
            if concept.kind == match.concept.kind and concept.key not in known and concept.terms.get(language)
        ]
        out.append(question.text[: match.start] + rng.choice(rivals) + question.text[match.end :])
    years = [q for q in question.analysis.quantities if q.kind == "date" and f"{q.value - 9:.0f}" not in around]
    if years:
        year = years[0]
        old = f"{year.value:.0f}"
        if old in question.text:
            out.append(question.text.replace(old, f"{year.value - 9:.0f}"))
    return out
