"""Generated answers: the model writes, every sentence is checked against the passages it cites, and only supported ones are shown."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from ingest.kb import KnowledgeBase
from service.answer import Prepared, blank_answer, extractive, finish_answer, highlights, refusal_answer
from service.draft import Draft
from service.events import Event
from service.judge import make_judge
from service.llm import LlmError, Message, Model
from service.messages import say
from service.prompting import answer_messages, repair_messages
from service.records import Answer
from service.spoken import NO_ANSWER, sentences, split, unmarked

if TYPE_CHECKING:
    from service.metrics import Metrics

__all__ = ["generated_events"]


async def generated_events(kb: KnowledgeBase, prepared: Prepared, model: Model, metrics: Metrics | None = None) -> AsyncGenerator[Event]:
    """Yield the events of a generated answer, ``done`` last with the whole answer.

    What a sentence says is shown only after it is checked, so that the joined deltas equal the answer. Where the model fails or nothing it
    says is supported, the extractive answer is given and says so.

    Args:
        kb: The knowledge base.
        prepared: Retrieved and judged; its evidence allows an answer.
        model: The configured model.
        metrics: To count calls in.
    """
    snapshot = prepared.snapshot
    assert snapshot is not None
    messages, hits = answer_messages(prepared, model.settings.context_tokens)
    started = time.perf_counter()
    answer = blank_answer(prepared, "answered")
    answer.model, answer.llm_generated = model.name, True
    draft = Draft(answer, hits, snapshot, kb, prepared.question.language, make_judge(model))
    said: list[str] = []
    fault = ""
    try:
        async for sentence in sentences(model.stream(messages)):
            said.append(sentence)
            for event in await draft.take(sentence):
                yield event
        declined = not draft.parts and "".join(said).strip(" .。\n").endswith(NO_ANSWER)
        if draft.withheld and not declined:
            repaired = await _repair(model, messages, said, draft)
            for event in repaired:
                yield event
        else:
            repaired = []
    except LlmError as error:
        fault, declined, repaired = error.code, False, []
    if metrics is not None:
        metrics.llm.labels(fault or "ok").inc()
    prepared.timings["generate"] = (time.perf_counter() - started) * 1000
    answer.verification = draft.counts(mended=sum(1 for name, _ in repaired if name == "delta"))
    if draft.parts:
        answer.answer = "".join(draft.parts)
        answer.highlights = [h for s in answer.segments for h in highlights(prepared.question, s.text, s.start)]
        if fault:
            answer.status = "partial"
            answer.notes.append({"kind": "interrupted", "code": fault, "text": say("interrupted", draft.language)})
        finish_answer(prepared, answer)
        yield "done", answer.as_json()
        return
    for event in _instead(kb, prepared, answer, fault=fault, declined=declined):
        yield event


async def _repair(model: Model, messages: Sequence[Message], said: Sequence[str], draft: Draft) -> list[Event]:
    """Ask once for the withheld sentences anew; return the events of those that now hold."""
    again = repair_messages(messages, "".join(said), draft.withheld, draft.language)
    events: list[Event] = []
    before = {segment.text for segment in draft.answer.segments}
    checked, unknown = draft.checked, draft.unknown_marks
    try:
        text = await model.complete(again)
    except LlmError:
        # The first answer stands; what could not be repaired is dropped and counted.
        return []
    for sentence in split(text, final=True)[0]:
        if unmarked(sentence, draft.language) not in before:
            events.extend(await draft.take(sentence))
    # A sentence counts once, whether it holds at once, after mending, or not at all.
    draft.checked, draft.unknown_marks = checked, unknown
    return events


def _instead(kb: KnowledgeBase, prepared: Prepared, generated: Answer, *, fault: str, declined: bool) -> list[Event]:
    """Return the events of the extractive answer that takes the place of a generated one, or of the model's refusal."""
    from service.streaming import replay

    language = prepared.question.language
    if declined:
        answer = refusal_answer(prepared)
        answer.notes.append({"kind": "declined", "text": say("declined", language)})
    else:
        answer = extractive(kb, prepared)
        key = "fallback" if fault else "unsupported"
        answer.notes.append({"kind": key, "code": fault or "unsupported", "text": say(key, language)})
    answer.id = generated.id
    # What became of the model's sentences counts; those of the sources are verified one and all.
    answer.verification = answer.verification | generated.verification
    return [*replay(answer), ("done", answer.as_json())]
