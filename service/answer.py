"""From a question to an answer object: retrieve → judge → extract → cite."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TypedDict

from ingest.kb import Analyser, KnowledgeBase, Language, NotFoundError, Page, Snapshot, find_quantities, fold
from service.answerability import Evidence, judge
from service.candidates import Candidate, analysed, unit_terms
from service.citations import cite
from service.conflicts import disagreeing, note_conflict
from service.cues import belongs_to_name
from service.extract import SEVERAL, choose, rank_sentences
from service.followup import readings
from service.instructions import plain_question
from service.leadin import completed, leads_in, runs_in
from service.messages import say
from service.question import Question, read_question, spoken_language
from service.records import Answer, Citation, Highlight, Refusal, Segment, Turn
from service.retrieve import Filters, Hit, Retrieval, joined, retrieve
from service.shorten import shortened
from service.smalltalk import small_talk
from service.wording import prose

__all__ = ["AskOptions", "Prepared", "blank_answer", "extractive", "finish_answer", "highlights", "may_answer", "prepare", "refusal_answer"]

# Passages that the answer may draw on, whatever top_k the caller wants listed.
_READ = 10
# Sentences that an answer may take, best first.
_FITTED = 60
# Below this estimated probability the evidence is called absent rather than doubtful.
_ABSENT = 0.12
_NEAREST = 3


@dataclass(slots=True)
class Prepared:
    """All that is known before a sentence of the answer is made.

    Attributes:
        remark: What is said to a text that asks nothing of the documents, empty for a question.
    """

    question: Question
    asked: str
    snapshot: Snapshot | None
    retrieval: Retrieval
    ranked: list[Candidate]
    evidence: Evidence
    timings: dict[str, float]
    started: float
    explain: bool = False
    remark: str = ""


class AskOptions(TypedDict, total=False):
    """How a question is to be answered; the meaning and the defaults are those of ``prepare``."""

    history: Sequence[Turn]
    language: Language | None
    fallback: Language | None
    top_k: int
    filters: Filters | None
    explain: bool


def prepare(
    kb: KnowledgeBase,
    text: str,
    *,
    history: Sequence[Turn] = (),
    language: Language | None = None,
    fallback: Language | None = None,
    top_k: int = 8,
    filters: Filters | None = None,
    explain: bool = False,
    alone: str | None = None,
    translation: str = "",
) -> Prepared:
    """Read the question, retrieve, rank the sentences and judge the evidence.

    Args:
        kb: The knowledge base; its live generation answers.
        text: The question as asked.
        history: Earlier turns, oldest first.
        language: To answer in; None takes the question's.
        fallback: The reader's language, for a Chinese question whose characters do not tell Traditional from Simplified. None takes the
            script of the documents, if all the Chinese ones are in one.
        top_k: Most passages to retrieve.
        filters: What passages may be used.
        explain: Keep what explains the ranking.
        alone: The question made to stand alone by other means than the rules.
        translation: The question in the other language, for a further leg.
    """
    started = time.perf_counter()
    snapshot = kb.snapshot()
    spoken = spoken_language(text, history, kb.analyser, fallback or _one_script(snapshot)) if language is None else language
    made = [alone] if alone else readings(text, history, kb.analyser)

    def read(reading: str) -> Question:
        return read_question(plain_question(reading), kb.analyser, language=spoken)

    first = read(made[0])
    timings = {"analyse": (time.perf_counter() - started) * 1000}
    if snapshot is None or not snapshot.documents:
        empty = Retrieval([], [], 0, [], snapshot.generation.name if snapshot else "", {})
        return Prepared(first, text, None, empty, [], Evidence(0.0, {}, ()), timings, started, explain)
    if talk := small_talk(text):
        nothing = Retrieval([], [], 0, [], snapshot.generation.name, {})
        remark = _remark(talk, snapshot, spoken)
        return Prepared(first, text, snapshot, nothing, [], Evidence(0.0, {}, ()), timings, started, explain, remark)
    other = read_question(translation, kb.analyser) if translation else None

    def weighed(question: Question) -> Prepared:
        question, retrieval = _retrieved(kb, snapshot, question, other, max(top_k, _READ), filters)
        mark = time.perf_counter()
        ranked = rank_sentences(question, retrieval, kb.analyser)
        evidence = judge(question, retrieval, ranked, kb.analyser)
        spent = timings | retrieval.timings_ms | {"answer": (time.perf_counter() - mark) * 1000}
        return Prepared(question, text, snapshot, retrieval, ranked, evidence, spent, started, explain)

    best = weighed(first)
    # What the corpus answers as it stands, or has nothing near to, is no question about what was asked before.
    if len(made) > 1 and not may_answer(kb, best) and best.evidence.probability >= _ABSENT:
        alone_said = max(1, _told(best, first, kb.analyser))
        for reading in made[1:]:
            behind = weighed(read(reading))
            # What is asked itself must be spoken of there as much: a new question about something else is none about the old.
            better = behind.evidence.probability > best.evidence.probability and may_answer(kb, behind)
            if better and _told(behind, first, kb.analyser) >= alone_said:
                best = behind
    best.retrieval.hits = best.retrieval.hits[: max(top_k, 1)]
    return best


def _told(prepared: Prepared, question: Question, analyser: Analyser) -> int:
    """Return how many of the things that a question names the passage of the best sentence speaks of."""
    if not prepared.ranked:
        return 0
    told = unit_terms(analysed(analyser, prepared.ranked[0].hit.text))
    return sum(not unit.low and any(term in told for term in unit.terms) for unit in question.units)


def _one_script(snapshot: Snapshot | None) -> Language | None:
    """Return the script that all Chinese documents are in, None if there are both or none."""
    scripts = {document.language for document in snapshot.documents.values()} - {"en"} if snapshot else set()
    return scripts.pop() if len(scripts) == 1 else None


def _remark(talk: str, snapshot: Snapshot, language: Language) -> str:
    """Return what is said to small talk."""
    if talk == "greeting":
        return say("greeting", language)
    newest = sorted(snapshot.documents.values(), key=lambda document: (document.date or "", document.title), reverse=True)[:_NEAREST]
    marks = ("“", "”") if language == "en" else ("《", "》")
    titles = say("join", language).join(f"{marks[0]}{document.title}{marks[1]}" for document in newest)
    return say("library", language, count=str(len(snapshot.documents)), titles=titles)


def _retrieved(
    kb: KnowledgeBase, snapshot: Snapshot, question: Question, translation: Question | None, top_k: int, filters: Filters | None
) -> tuple[Question, Retrieval]:
    """Return a question as it was asked of the index in the end, and what that found."""
    retrieval = retrieve(kb, snapshot, question, top_k=top_k, filters=filters)
    if question.exact and not retrieval.hits:
        # Who asks about a saying may have it in other words than the document; a search for a phrase stays exact.
        question = replace(question, exact=())
        retrieval = retrieve(kb, snapshot, question, top_k=top_k, filters=filters)
    if translation:
        retrieval = joined(retrieval, retrieve(kb, snapshot, translation, top_k=top_k, filters=filters), top_k=top_k)
    return question, retrieval


def may_answer(kb: KnowledgeBase, prepared: Prepared) -> bool:
    """Return whether the evidence allows an answer at all."""
    return prepared.snapshot is not None and bool(prepared.ranked) and prepared.evidence.probability >= kb.settings.answer.refusal_threshold


def refusal_answer(prepared: Prepared) -> Answer:
    """Return the refusal that fits the evidence."""
    if prepared.snapshot is None:
        return _refused(prepared, "empty_corpus", say("empty_corpus", prepared.question.language), [])
    return _doubt(prepared, prepared.snapshot)


def extractive(kb: KnowledgeBase, prepared: Prepared) -> Answer:
    """Return the answer made of the sources' own sentences, or the refusal."""
    snapshot = prepared.snapshot
    if snapshot is None or not may_answer(kb, prepared):
        return refusal_answer(prepared)
    mark = time.perf_counter()
    limits = kb.settings.answer
    language = prepared.question.language

    def written(candidate: Candidate, before: Candidate | None) -> str:
        return prose(candidate, language, before=before)

    disputed = disagreeing(prepared.question, prepared.ranked, kb.analyser, most=limits.max_sentences)
    told = [statement.candidate for statement in disputed]
    lead = say("conflict", language)
    size = len(lead) + sum(len(written(one, before)) + 1 for one, before in zip(told, [None, *told], strict=False))
    answer = blank_answer(prepared, "answered")
    if told and size <= limits.max_chars:
        answer = _compose(prepared, snapshot, told, lead=lead)
        note_conflict(answer, disputed)
    if not answer.notes:
        # Sentences of one page are looked at side by side.
        page_of = cache(snapshot.catalogue.page)
        chosen = choose(
            prepared.question,
            prepared.ranked[:_FITTED],
            max_sentences=limits.max_sentences,
            max_chars=limits.max_chars,
            written=written,
            fitted=lambda candidate: _fitting(candidate, prepared.question, page_of, limits.max_chars, written, kb.analyser),
        )
        answer = _compose(prepared, snapshot, chosen)
    prepared.timings["verify"] = (time.perf_counter() - mark) * 1000
    if not answer.citations:
        return _doubt(prepared, snapshot)
    finish_answer(prepared, answer)
    return answer


def _fitting(
    candidate: Candidate,
    question: Question,
    page_of: Callable[[str, int], Page],
    limit: int,
    written: Callable[[Candidate, Candidate | None], str],
    analyser: Analyser,
) -> Candidate:
    """Return a sentence as it goes into the answer: with what it leads to, and no longer than fits, else its clauses that do."""
    several = question.type in SEVERAL
    if several or leads_in(candidate.text) or runs_in(candidate.text):
        with suppress(NotFoundError):
            page = page_of(candidate.hit.document.id, candidate.hit.passage.page)
            candidate = completed(
                candidate, page, analyser, fits=lambda text: len(written(replace(candidate, text=text), None)) <= limit, several=several
            )
    over = len(written(candidate, None)) - limit
    return candidate if over <= 0 else shortened(candidate, question, len(candidate.text) - over, analyser)


def _compose(prepared: Prepared, snapshot: Snapshot, chosen: Sequence[Candidate], *, lead: str = "") -> Answer:
    """Return the answer of the chosen sentences; one whose quotation does not verify is dropped and counted.

    ``lead`` is said before the first one, as part of its segment: what the service says itself is never without a citation.
    """
    language = prepared.question.language
    answer = blank_answer(prepared, "answered")
    parts: list[str] = []
    length = dropped = 0
    before: Candidate | None = None
    for candidate in chosen:
        citation = _cite(snapshot, candidate, index=len(answer.citations) + 1)
        if citation is None:
            dropped += 1
            continue
        answer.citations.append(citation)
        text = prose(candidate, language, before=before)
        text = text if before else f"{lead}{text}"
        before = candidate
        mark = f"[{citation.index}]"
        if parts:
            parts.append(" ")
            length += 1
        answer.segments.append(Segment(length, length + len(text), text, [citation.id]))
        answer.highlights.extend(highlights(prepared.question, text, length))
        parts += [text, mark]
        length += len(text) + len(mark)
    answer.answer = "".join(parts)
    answer.verification = {"checked": len(chosen), "verified": len(answer.citations), "dropped": dropped}
    return answer


def highlights(question: Question, text: str, offset: int) -> list[Highlight]:
    """Return the stretches of a sentence that are what was asked for; offsets count from the start of the answer."""
    asked = {term for quantity in question.analysis.quantities for term in quantity.terms}
    wanted = {"share": {"percent"}, "number": {"number", "percent"}, "date": {"date"}}.get(question.type, set())
    folded = fold(text)
    return [
        Highlight(offset + q.start, offset + q.end, {"date": "date"}.get(q.kind, "number"))
        for q in find_quantities(folded)
        if q.kind in wanted and q.term not in asked and not belongs_to_name(folded, q.start, q.end)
    ]


def _cite(snapshot: Snapshot, candidate: Candidate, *, index: int) -> Citation | None:
    hit = candidate.hit
    return cite(
        snapshot,
        hit.document,
        hit.passage,
        start=candidate.start,
        end=candidate.end,
        quoted=candidate.text,
        index=index,
        score=hit.score,
    )


def _cite_passage(snapshot: Snapshot, hit: Hit, index: int) -> Citation | None:
    passage = hit.passage
    return cite(snapshot, hit.document, passage, start=passage.start, end=passage.end, quoted=hit.text, index=index, score=hit.score)


def _doubt(prepared: Prepared, snapshot: Snapshot) -> Answer:
    """Return the refusal that fits the evidence, with the nearest passages."""
    language = prepared.question.language
    nearest: list[Citation] = []
    for hit in prepared.retrieval.hits[:_NEAREST]:
        citation = _cite_passage(snapshot, hit, len(nearest) + 1)
        if citation is not None:
            nearest.append(citation)
    if prepared.remark:
        return _refused(prepared, "no_evidence", prepared.remark, nearest)
    if not prepared.ranked or prepared.evidence.probability < _ABSENT:
        return _refused(prepared, "no_evidence", say("no_evidence", language), nearest)
    missing = prepared.evidence.missing[:3]
    parts = say("join", language).join(missing)
    message = say("missing", language, parts=parts) if missing else say("low_confidence", language)
    return _refused(prepared, "low_confidence", message, nearest)


def _refused(prepared: Prepared, code: str, message: str, nearest: list[Citation]) -> Answer:
    answer = blank_answer(prepared, "refused")
    answer.refusal = Refusal(code, message, nearest)  # type: ignore[arg-type]
    answer.answer = message
    finish_answer(prepared, answer)
    return answer


def blank_answer(prepared: Prepared, status: str) -> Answer:
    """Return an answer object with all that is known before its text."""
    retrieval = prepared.retrieval
    return Answer(
        id=f"ans_{uuid.uuid4().hex}",
        created=int(time.time()),
        model="extractive",
        llm_generated=False,
        status=status,  # type: ignore[arg-type]
        refusal=None,
        question=prepared.asked,
        standalone_question=prepared.question.text,
        language=prepared.question.language,
        answer="",
        segments=[],
        highlights=[],
        citations=[],
        retrieval={
            "generation": retrieval.generation,
            "legs": retrieval.legs,
            "candidates": retrieval.candidates,
            "degraded": retrieval.degraded,
        },
        timings_ms={},
        confidence=round(prepared.evidence.probability, 4),
    )


def finish_answer(prepared: Prepared, answer: Answer) -> None:
    """Fill in the timings, and what explains the answer if it was asked for."""
    timings = {name: round(value, 2) for name, value in prepared.timings.items()}
    answer.timings_ms = timings | {"total": round((time.perf_counter() - prepared.started) * 1000, 2)}
    if prepared.explain:
        answer.explain = explanation(prepared)


def explanation(prepared: Prepared) -> dict[str, object]:
    """Return what explains the ranking and the judgement."""
    question = prepared.question
    return {
        "folded": question.analysis.folded,
        "types": list(question.types),
        "units": [{"text": question.text[u.start : u.end], "kind": u.kind, "terms": list(u.terms)} for u in question.units],
        "hits": [
            {"passage_id": hit.passage.id, "rank": rank, "score": round(hit.score, 4), "scores": hit.scores, "alternates": hit.alternates}
            for rank, hit in enumerate(prepared.retrieval.hits, 1)
        ],
        "dropped": prepared.retrieval.dropped,
        "sentences": [{"text": c.text, "passage_id": c.hit.passage.id, "score": round(c.score, 3)} for c in prepared.ranked[:8]],
        "answerability": {"probability": round(prepared.evidence.probability, 4), "signals": prepared.evidence.signals},
    }
