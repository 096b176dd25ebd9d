"""A generated answer as it grows: each sentence is checked against the passages it cites, and shown or withheld."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from ingest.kb import Analyser, KnowledgeBase, Language, Snapshot
from service.citations import cite
from service.events import Event
from service.judge import Judge
from service.records import Answer, Citation, Segment
from service.retrieve import Hit
from service.spoken import NO_ANSWER, numbers, unmarked
from service.support import Source, Support, check_claim, make_source

__all__ = ["Draft"]

# Passages kept taken apart: taking one apart costs some milliseconds, and readers at the same time ask of the same documents.
_KEPT = 512


@lru_cache(maxsize=_KEPT)
def _source(text: str, context: str, analyser: Analyser) -> Source:
    return make_source(text, analyser, context=context)


@dataclass(slots=True)
class Draft:
    """The answer as it grows.

    Attributes:
        answer: Takes the segments and citations.
        hits: The passages, as they were numbered for the model.
        judge: Has the last word on what the rules find supported, if there is one.
        parts: What is shown so far.
        withheld: Sentences that are not, as the model wrote them.
        unknown_marks: Cited numbers that no passage has.
        checked: Sentences that were checked.
        judged: Of those, how many the judge decided on; ``unjudged`` those where it could not say.
    """

    answer: Answer
    hits: list[Hit]
    snapshot: Snapshot
    kb: KnowledgeBase
    language: Language
    judge: Judge | None = None
    length: int = 0
    parts: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    unknown_marks: int = 0
    checked: int = 0
    judged: int = 0
    unjudged: int = 0

    async def take(self, sentence: str) -> list[Event]:
        """Check a sentence; return the events that show it, none if it is withheld."""
        cited = numbers(sentence)
        known = list(dict.fromkeys(n for n in cited if 1 <= n <= len(self.hits)))
        self.unknown_marks += len(set(cited)) - len(known)
        text = unmarked(sentence, self.language)
        if not re.search(r"\w", text) or text.strip(" .。") == NO_ANSWER:
            return []
        self.checked += 1
        # Off the event loop: while one sentence is checked, the others' words must go on.
        verdict = await asyncio.to_thread(self._check, text, known) if known else None
        if verdict is not None and verdict.supported and await self._agreed(text, known):
            hit = self.hits[known[verdict.source] - 1]
            citation = self._citation(hit, verdict.start, verdict.end)
            if citation is not None:
                return self._show(text, citation)
        self.withheld.append(sentence.strip())
        return []

    def counts(self, *, mended: int) -> dict[str, int]:
        """Return what became of the sentences: ``checked``, ``supported``, ``repaired``, ``dropped``, and unknown numbers cited.

        Args:
            mended: Sentences shown only after the model had written them anew.
        """
        kept = len(self.answer.segments)
        out = {"checked": self.checked, "supported": kept, "repaired": mended, "dropped": max(0, self.checked - kept)}
        judged = {"judged": self.judged, "unjudged": self.unjudged} if self.judge is not None else {}
        return out | {"unknown_citations": self.unknown_marks} | judged

    def _check(self, text: str, known: list[int]) -> Support:
        analyser = self.kb.analyser
        cited = [self.hits[number - 1] for number in known]
        contexts = [" ".join((hit.document.title, *hit.passage.heading, hit.passage.header)) for hit in cited]
        return check_claim(text, [_source(hit.text, context, analyser) for hit, context in zip(cited, contexts, strict=True)], analyser)

    async def _agreed(self, text: str, known: list[int]) -> bool:
        """Return whether the judge, if there is one, does not object; where it cannot say, the rules stand."""
        if self.judge is None:
            return True
        said = await self.judge(text, [self.hits[number - 1].text for number in known], self.language)
        self.judged += said is not None
        self.unjudged += said is None
        return said is not False

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
        lead = " " if self.parts else ""
        start = self.length + len(lead)
        self.answer.segments.append(Segment(start, start + len(text), text, [citation.id]))
        piece = f"{lead}{text}[{citation.index}]"
        self.parts.append(piece)
        self.length += len(piece)
        events.append(("delta", {"text": piece}))
        return events
