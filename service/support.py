"""Whether a sentence is supported by the passages it cites: figures and dates by value, names, their pairing, denial, and the content.

No model is asked; languages meet in the lexicon's concepts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.kb import Analyser, fold, sentence_spans
from service.claims import Sentence, Unit, language_of, read_sentence
from service.instructions import is_instruction, without_instructions
from service.nearcopy import altered
from service.pairing import Source, agrees, belong, coarse, overlap

__all__ = ["Source", "Support", "check_claim", "make_source"]

# What share of a sentence's content the source must hold, in the same language and across languages: the lexicon knows not every word.
_SAME, _ACROSS = 0.6, 0.5
# A sentence without a figure or name has only its content to be known by.
_PLAIN = 0.12
# Two clauses that share this much of their content say the same, or the opposite.
_ALIKE = 0.5
_WEIGHT = {"figure": 1.0, "date": 0.7, "name": 1.0, "concept": 1.0, "word": 1.0, "relative": 0.0}
_FOREIGN_WORD = 0.3
_TITLE = re.compile(r"[《〈]([^》〉]*[A-Za-z][^》〉]*)[》〉]")


@dataclass(frozen=True, slots=True)
class Support:
    """The verdict: ``supported``, why not, and the span of the passage that supports (offsets of the passage's text)."""

    supported: bool
    reason: str = ""
    source: int = -1
    start: int = 0
    end: int = 0


def make_source(text: str, analyser: Analyser, *, context: str = "") -> Source:
    """Return a passage as it is checked against.

    Args:
        text: Of the passage.
        analyser: The knowledge base's.
        context: Title, headings, table header: what names all of its sentences.
    """
    text, context = without_instructions(text), without_instructions(context)
    spans = sentence_spans(text, 0, len(text)) or [(0, len(text))]
    parts = tuple(read_sentence(text[start:end], analyser, start) for start, end in spans)
    return Source(parts, coarse(read_sentence(context, analyser).terms), language_of(text), fold(text), fold(context))


def _has(unit: Unit, terms: frozenset[str], dates: frozenset[str]) -> bool:
    """Return whether terms bear a unit out; a full date also where the source writes the year apart from the day."""
    if unit.terms & (dates if unit.kind == "date" else terms):
        return True
    for term in unit.terms if unit.kind == "date" else ():
        year, _, rest = term[2:].partition("-")
        if year and rest and f"d:{year}" in dates and f"d:--{rest}" in terms:
            return True
    return False


def check_claim(text: str, sources: Sequence[Source], analyser: Analyser) -> Support:
    """Return whether some run of one to three sentences of one source supports a sentence.

    All figures, dates and names must stand there (dates and names may stand in the title or heading), each figure must belong to what it
    belongs to in the source, nothing may be denied that the source states, and enough of the content must be there.

    Args:
        text: The sentence, without citation marks.
        sources: The passages it cites.
        analyser: The knowledge base's.
    """
    claim = read_sentence(text, analyser)
    if is_instruction(claim.folded):
        return Support(False, "it tells the reader what to do")
    if not claim.units:
        return Support(False, "it says nothing that can be checked")
    best, score = Support(False), -1.0
    nearest, reason = -1.0, "its content is not in the cited passage"
    for number, source in enumerate(sources):
        if repeated := _repeated(claim, source):
            return Support(True, "", number, *repeated)
        for share, fault, parts in _readings(claim, source, min(nearest, score)):
            if fault:
                if share > nearest:
                    nearest, reason = share, fault
                continue
            rank = share - 0.04 * (len(parts) - 1)
            if rank > score:
                best, score = Support(True, "", number, parts[0].start, parts[-1].end), rank
    return best if best.supported else Support(False, reason)


def _readings(claim: Sentence, source: Source, least: float) -> Iterator[tuple[float, str, Sequence[Sentence]]]:
    """Yield what each run of sentences holds of a claim, if more than ``least``, and what speaks against it (empty: nothing)."""
    changed = altered(claim, source)
    for first, last in _windows(source):
        parts = source.parts[first : last + 1]
        share = _share(claim, parts, source)
        if share <= least:
            continue
        fault = "its content is not in the cited passage" if share < _needed(claim, source) else _fault(claim, parts, source)
        yield share, fault or ("it repeats the cited passage with something else in it" if changed else ""), parts


def _repeated(claim: Sentence, source: Source) -> tuple[int, int] | None:
    """Return the span of the sentence of a source that a claim repeats to the letter."""
    flat = _letters(claim.folded)
    return next(((part.start, part.end) for part in source.parts if _letters(part.folded) == flat), None)


def _letters(folded: str) -> str:
    return re.sub(r"\s|[.。]+$", "", folded)


def _windows(source: Source) -> list[tuple[int, int]]:
    """Return (first, last) of runs of one to three sentences."""
    count = len(source.parts)
    return [(i, i + width - 1) for width in (1, 2, 3) for i in range(count - width + 1)]


def _needed(claim: Sentence, source: Source) -> float:
    need = _SAME if claim.language == source.language else _ACROSS
    return need if claim.of("figure") or claim.of("name") else need + _PLAIN


def _share(claim: Sentence, parts: Sequence[Sentence], source: Source) -> float:
    """Return the share of a claim's content that a run of sentences (or its title and heading) holds."""
    there = frozenset().union(*(part.terms for part in parts))
    dates = coarse(there)
    total = found = 0.0
    for unit in claim.units:
        weight = _WEIGHT[unit.kind] * unit.weight
        if unit.kind == "word" and claim.language != source.language:
            weight *= _FOREIGN_WORD
        if unit.kind == "name" and not unit.terms & there and unit.terms & source.context:
            # The title names all of its sentences, so it speaks for none.
            continue
        total += weight
        if _has(unit, there, dates) or (unit.kind in ("concept", "date") and unit.terms & source.context):
            found += weight
        elif unit.kind == "word":
            found += weight * _similar(unit, source, claim.language)
    return found / total if total else 0.0


def _similar(unit: Unit, source: Source, language: str) -> float:
    """Return how much of a word stands in the passage: in Chinese words are cut in more than one way."""
    word = next(iter(unit.terms))[1:]
    if word in source.flat:
        return 1.0
    if language != "zh" or source.language != "zh" or len(word) < 3:
        return 0.0
    return sum(word[i : i + 2] in source.flat for i in range(len(word) - 1)) / (len(word) - 1)


def _fault(claim: Sentence, parts: Sequence[Sentence], source: Source) -> str:
    """Return what of a claim a run of sentences does not bear out, empty if all is well."""
    fault = _missing(claim, parts, source)
    if fault:
        return fault
    for own in claim.groups:
        figures = own.of("figure")
        if figures and not belong(figures, own, claim, parts, source):
            return "a figure belongs to something else in the cited passage"
    stretches = [stretch for part in parts for stretch in (*part.clauses, *part.groups)]
    for own in claim.clauses:
        if not own.of("figure") and not agrees(own, claim, stretches):
            return "a name or date belongs to something else in the cited passage"
    return "the cited passage states the opposite" if _denied(claim, parts) else ""


def _missing(claim: Sentence, parts: Sequence[Sentence], source: Source) -> str:
    there = frozenset().union(*(part.terms for part in parts))
    dates = coarse(there) | source.context
    for unit in claim.units:
        if unit.kind == "figure" and not unit.terms & there:
            return "a figure is not in the cited passage"
        if unit.kind == "date" and not _has(unit, there, dates):
            return "a date is not in the cited passage"
        if unit.kind == "name" and not unit.terms & (there | source.context):
            return "a name is not in the cited passage"
    for title in _TITLE.findall(claim.text):
        if fold(title) not in source.flat and fold(title) not in source.about:
            return "a title is not in the cited passage"
    return ""


def _denied(claim: Sentence, parts: Sequence[Sentence]) -> bool:
    """Return whether a clause of the claim denies what the nearest clause of the source states, or the reverse."""
    clauses = [(clause, overlap(claim.units, part.terms)) for part in parts for clause in part.clauses]
    for own in claim.clauses:
        total = sum(unit.weight for unit in own.units)
        near = max((overlap(own.units, clause.terms) for clause, _ in clauses), default=0.0)
        if near < _ALIKE * total and not own.denied:
            continue
        nearest = [(clause, like) for clause, like in clauses if overlap(own.units, clause.terms) >= near]
        # Of clauses that fit as well, those count whose sentence is most like the claim.
        most = max((like for _, like in nearest), default=0.0)
        if all(clause.denied != own.denied for clause, like in nearest if like >= most):
            return True
    return False
