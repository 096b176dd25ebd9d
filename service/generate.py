"""Generated answers: the model writes, every sentence is checked against the passages it cites, and only supported ones are shown."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ingest.kb import KnowledgeBase, Language, Snapshot, detect_script, to_script
from service.answer import Prepared, blank_answer, extractive, finish_answer, highlights, refusal_answer
from service.citations import cite
from service.events import Event
from service.llm import LlmError, Message, Model
from service.messages import say
from service.records import Answer, Citation, Segment
from service.retrieve import Hit
from service.support import Source, check_claim, make_source

if TYPE_CHECKING:
    from service.metrics import Metrics

__all__ = ["condense", "generated_events", "prompt", "translate"]

_NO_ANSWER = "NO_ANSWER"
_MARKS = re.compile(r"\s*(?:\[\s*\d+(?:\s*[,，、;]\s*\d+)*\s*\]|［\d+］|【\d+】)+")
_NUMBER = re.compile(r"\d+")
# A sentence ends at its stop, with closing quotes and the marks that follow; a stop without a space after it is no end in English.
_END = re.compile(r"(?:[。！？!?]+[」』”’\"')）]*|\.[\"'”’)]*(?=\s|\[|$)|\n)(?:\s*\[\s*\d+(?:\s*[,，、;]\s*\d+)*\s*\])*[。.]?")
_MAX_TEXT = 12_000


@cache
def prompt(name: str, language: Language) -> str:
    """Return a prompt of ``service/prompts``."""
    return files("service").joinpath("prompts", f"{name}.{language}.txt").read_text("utf-8").strip()


def _tokens(text: str) -> int:
    """Return about how many tokens a text has: one for a Chinese character, one for four others."""
    chinese = sum("\u2e80" <= char <= "\uffef" for char in text)
    return chinese + (len(text) - chinese) // 4 + 1


def _shown(text: str) -> str:
    """Return a passage as the model sees it: what looks like one of our marks is no mark, nor what looks like a fence."""
    return re.sub(r"\[(\d+)\]", r"［\1］", text).replace("<<<", "‹‹‹").replace(">>>", "›››")


def _passages(hits: Sequence[Hit], budget: int) -> tuple[str, list[Hit]]:
    """Return the fenced passages' text and those that fit the budget of tokens."""
    lines: list[str] = []
    kept: list[Hit] = []
    for hit in hits:
        place = f"p. {hit.passage.page}" if hit.document.paged else ""
        head = " · ".join(part for part in (hit.document.title, hit.document.date or "", place, *hit.passage.heading[-1:]) if part)
        header = f"\n{hit.passage.header}" if hit.passage.header else ""
        block = f"[{len(kept) + 1}] {_shown(head)}{_shown(header)}\n{_shown(hit.text)}\n"
        if kept and budget < _tokens(block):
            break
        budget -= _tokens(block)
        lines.append(block)
        kept.append(hit)
    return "\n".join(lines), kept


def answer_messages(prepared: Prepared, budget: int) -> tuple[list[Message], list[Hit]]:
    """Return the messages that ask for an answer, and the passages numbered in them.

    The fence is drawn anew for every request, so that no document can close it.
    """
    language = prepared.question.language
    fence = f"<<<{secrets.token_hex(8)}>>>"
    text, kept = _passages(prepared.retrieval.hits, budget)
    system = prompt("answer", language).replace("{fence}", fence)
    asked = {"en": "Question", "zh-Hant": "問題", "zh-Hans": "问题"}[language]
    user = f"{fence}\n{text}{fence}\n\n{asked}: {prepared.question.text}"
    return [Message("system", system), Message("user", user)], kept


@dataclass(slots=True)
class _Draft:
    """The answer as it grows."""

    answer: Answer
    sources: list[Source]
    hits: list[Hit]
    snapshot: Snapshot
    kb: KnowledgeBase
    language: Language
    length: int = 0
    parts: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    unknown_marks: int = 0
    checked: int = 0

    def take(self, sentence: str) -> list[Event]:
        """Check a sentence; return the events that show it, none if it is withheld."""
        numbers = [int(n) for marks in _MARKS.findall(sentence) for n in _NUMBER.findall(marks)]
        known = list(dict.fromkeys(n for n in numbers if 1 <= n <= len(self.hits)))
        self.unknown_marks += len(set(numbers)) - len(known)
        text = _tidy(_MARKS.sub("", sentence), self.language)
        if not re.search(r"\w", text) or text.strip(" .。") == _NO_ANSWER:
            return []
        self.checked += 1
        verdict = check_claim(text, [self.sources[n - 1] for n in known], self.kb.analyser) if known else None
        if verdict is None or not verdict.supported:
            self.withheld.append(sentence.strip())
            return []
        hit = self.hits[known[verdict.source] - 1]
        citation = self._citation(hit, verdict.start, verdict.end)
        if citation is None:
            self.withheld.append(sentence.strip())
            return []
        return self._show(text, citation)

    def _citation(self, hit: Hit, start: int, end: int) -> Citation | None:
        begin, stop = hit.passage.start + start, hit.passage.start + end
        for citation in self.answer.citations:
            if citation.passage_id == hit.passage.id and (citation.start_char_index, citation.end_char_index) == (begin, stop):
                return citation
        index = len(self.answer.citations) + 1
        return cite(
            self.snapshot, hit.document, hit.passage, start=begin, end=stop, quoted=hit.text[start:end], index=index, score=hit.score
        )

    def _show(self, text: str, citation: Citation) -> list[Event]:
        events: list[Event] = []
        if citation not in self.answer.citations:
            self.answer.citations.append(citation)
            events.append(("citation", asdict(citation)))
        lead = " " if self.parts and self.language == "en" else ""
        start = self.length + len(lead)
        self.answer.segments.append(Segment(start, start + len(text), text, [citation.id]))
        piece = f"{lead}{text}[{citation.index}]"
        self.parts.append(piece)
        self.length += len(piece)
        events.append(("delta", {"text": piece}))
        return events


def _tidy(text: str, language: Language) -> str:
    """Return a sentence without list marks and emphasis, in the asker's script."""
    text = re.sub(r"^\s*(?:[-*•]|\d+[.)、])\s+", "", " ".join(text.split()))
    text = re.sub(r"\*\*|__|`", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\s+([。，、；：！？.,;:!?])", r"\1", text).strip()
    found = detect_script(text)
    return to_script(text, language) if language != "en" and found not in (None, language) else text


def _split(buffer: str, *, final: bool) -> tuple[list[str], str]:
    """Return the whole sentences at the head of a buffer and the rest.

    A sentence is whole when something follows it: marks may still come after its stop.
    """
    out: list[str] = []
    at = 0
    for match in _END.finditer(buffer):
        if match.end() <= at:
            continue
        rest = buffer[match.end() :]
        if not final and (not rest.strip() or rest.lstrip().startswith("[")):
            break
        out.append(buffer[at : match.end()])
        at = match.end()
    if final and buffer[at:].strip():
        out.append(buffer[at:])
        at = len(buffer)
    return out, buffer[at:]


async def _sentences(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield the sentences of a stream as soon as each is whole."""
    buffer, total = "", 0
    async for piece in pieces:
        buffer += piece
        total += len(piece)
        ready, buffer = _split(buffer, final=False)
        for sentence in ready:
            yield sentence
        if total > _MAX_TEXT:
            break
    for sentence in _split(buffer, final=True)[0]:
        yield sentence


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
    sources = [make_source(h.text, kb.analyser, context=" ".join((h.document.title, *h.passage.heading, h.passage.header))) for h in hits]
    answer = blank_answer(prepared, "answered")
    answer.model, answer.llm_generated = model.name, True
    draft = _Draft(answer, sources, hits, snapshot, kb, prepared.question.language)
    said: list[str] = []
    fault = ""
    try:
        async for sentence in _sentences(model.stream(messages)):
            said.append(sentence)
            for event in draft.take(sentence):
                yield event
        declined = not draft.parts and "".join(said).strip(" .。\n").endswith(_NO_ANSWER)
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
    kept = len(answer.segments)
    mended = sum(1 for name, _ in repaired if name == "delta")
    answer.verification = {
        "checked": draft.checked,
        "supported": kept,
        "repaired": mended,
        "dropped": max(0, draft.checked - kept),
        "unknown_citations": draft.unknown_marks,
    }
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


async def _repair(model: Model, messages: Sequence[Message], said: Sequence[str], draft: _Draft) -> list[Event]:
    """Ask once for the withheld sentences anew; return the events of those that now hold."""
    wanted = "\n".join(f"- {sentence}" for sentence in draft.withheld)
    again = [*messages, Message("assistant", "".join(said)), Message("user", f"{prompt('repair', draft.language)}\n\n{wanted}")]
    events: list[Event] = []
    before = {segment.text for segment in draft.answer.segments}
    checked, unknown = draft.checked, draft.unknown_marks
    try:
        text = await model.complete(again)
    except LlmError:
        # The first answer stands; what could not be repaired is dropped and counted.
        return []
    for sentence in _split(text, final=True)[0]:
        if _tidy(_MARKS.sub("", sentence), draft.language) not in before:
            events.extend(draft.take(sentence))
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


async def condense(model: Model, turns: Sequence[tuple[str, str]], question: str, language: Language) -> str:
    """Return a chat's last question made to stand alone by the model.

    Args:
        model: The configured model.
        turns: Role and content of earlier turns, oldest first.
        question: As asked.
        language: Of the question.

    Raises:
        LlmError: The model failed; rules then do it.
    """
    lines = "\n".join(f"{role}: {content[:600]}" for role, content in turns[-8:])
    messages = [Message("system", prompt("condense", language)), Message("user", f"{lines}\nuser: {question}")]
    text = " ".join((await model.complete(messages)).split()).strip('"「」“” ')
    if not text or len(text) > 4 * len(question) + 200:
        return question
    return to_script(text, language) if language != "en" else text


async def translate(model: Model, question: str, language: Language) -> str:
    """Return a question in the other language, for a further leg of retrieval; empty if the model says nothing of use.

    Raises:
        LlmError: The model failed.
    """
    messages = [Message("system", prompt("translate", language)), Message("user", question)]
    text = " ".join((await model.complete(messages)).split())
    return text if 0 < len(text) < 1_000 else ""
