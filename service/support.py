"""Whether a sentence is supported by the passages it cites: figures and dates by value, names, their pairing, denial, and the content.

No model is asked; languages meet in the lexicon's concepts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ingest.kb import Analyser, fold, sentence_spans
from service.claims import Clause, Sentence, Unit, language_of, read_sentence

__all__ = ["Source", "Support", "check_claim", "make_source"]

# What share of a sentence's content the source must hold, in the same language and across languages: the lexicon knows not every word.
_SAME, _ACROSS = 0.6, 0.5
# A sentence without a figure or name has only its content to be known by.
_PLAIN = 0.12
# The figure's own sentence must hold about as much of what is said of the figure as any other sentence does.
_HOME = 0.6
# Two clauses that share this much of their content say the same, or the opposite.
_ALIKE = 0.5
_WEIGHT = {"figure": 1.0, "date": 0.7, "name": 1.0, "concept": 1.0, "word": 1.0, "relative": 0.0}
_THINGS = ("name", "concept", "word")
_FOREIGN_WORD = 0.3
_TITLE = re.compile(r"[《〈]([^》〉]*[A-Za-z][^》〉]*)[》〉]")


@dataclass(frozen=True, slots=True)
class Source:
    """A passage to check against: its sentences, and what its title and headings say of all of them."""

    parts: tuple[Sentence, ...]
    context: frozenset[str]
    language: str
    flat: str
    about: str = ""


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
    spans = sentence_spans(text, 0, len(text)) or [(0, len(text))]
    parts = tuple(read_sentence(text[start:end], analyser, start) for start, end in spans)
    return Source(parts, _coarse(read_sentence(context, analyser).terms), language_of(text), fold(text), fold(context))


def _coarse(terms: Iterable[str]) -> frozenset[str]:
    """Return terms with the coarser dates that each date bears out: a day its month, its year, and itself without the year."""
    out = set(terms)
    for term in terms:
        if term.startswith("d:") and not term.startswith("d:--"):
            parts = term[2:].split("-")
            out |= {"d:" + "-".join(parts[:size]) for size in range(1, len(parts))}
            if len(parts) > 1 and parts[1].isdigit():
                out |= {"d:--" + "-".join(parts[1:size]) for size in range(2, len(parts) + 1)}
    return frozenset(out)


def _has(unit: Unit, terms: frozenset[str], coarse: frozenset[str]) -> bool:
    """Return whether terms bear a unit out; a full date also where the source writes the year apart from the day."""
    if unit.terms & (coarse if unit.kind == "date" else terms):
        return True
    for term in unit.terms if unit.kind == "date" else ():
        year, _, rest = term[2:].partition("-")
        if year and rest and f"d:{year}" in coarse and f"d:--{rest}" in terms:
            return True
    return False


def _dates(units: Iterable[Unit]) -> frozenset[str]:
    return frozenset(term for unit in units if unit.kind == "date" for term in unit.terms)


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
    if not claim.units:
        return Support(False, "it says nothing that can be checked")
    best, score = Support(False), -1.0
    nearest, reason = -1.0, "its content is not in the cited passage"
    for number, source in enumerate(sources):
        for first, last in _windows(source):
            parts = source.parts[first : last + 1]
            share = _share(claim, parts, source)
            if share <= nearest and share <= score:
                continue
            fault = "its content is not in the cited passage" if share < _needed(claim, source) else _fault(claim, parts, source)
            if fault:
                if share > nearest:
                    nearest, reason = share, fault
                continue
            rank = share - 0.04 * (last - first)
            if rank > score:
                best, score = Support(True, "", number, parts[0].start, parts[-1].end), rank
    return best if best.supported else Support(False, reason)


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
    dates = _coarse(there)
    total = found = 0.0
    for unit in claim.units:
        weight = _WEIGHT[unit.kind] * unit.weight
        if unit.kind == "word" and claim.language != source.language:
            weight *= _FOREIGN_WORD
        total += weight
        if _has(unit, there, dates) or (unit.kind in ("name", "concept", "date") and unit.terms & source.context):
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
    there = frozenset().union(*(part.terms for part in parts))
    coarse = _coarse(there) | source.context
    for unit in claim.units:
        if unit.kind == "figure" and not unit.terms & there:
            return "a figure is not in the cited passage"
        if unit.kind == "date" and not _has(unit, there, coarse):
            return "a date is not in the cited passage"
        if unit.kind == "name" and not unit.terms & (there | source.context):
            return "a name is not in the cited passage"
    for title in _TITLE.findall(claim.text):
        if fold(title) not in source.flat and fold(title) not in source.about:
            return "a title is not in the cited passage"
    groups = [group for part in parts for group in part.groups]
    for own in claim.groups:
        figures = own.of("figure")
        if figures and not _belong(figures, own, claim, parts, source):
            return "a figure belongs to something else in the cited passage"
        if not figures and not _agrees(own, claim, groups):
            return "a name or date belongs to something else in the cited passage"
    if _denied(claim, parts):
        return "the cited passage states the opposite"
    return ""


def _overlap(units: Iterable[Unit], terms: frozenset[str]) -> float:
    return sum(unit.weight for unit in units if unit.terms & terms)


def _belong(figures: Sequence[Unit], own: Clause, claim: Sentence, parts: Sequence[Sentence], source: Source) -> bool:
    """Return whether the figures of a group stand in the claim beside what they stand beside in one sentence of the source."""
    content = [unit for unit in own.units if unit.kind not in ("figure", "date")]
    said = content if sum(unit.weight for unit in content) >= 2 else [unit for unit in claim.units if unit.kind not in ("figure", "date")]
    said = [*said, *(figures if len(figures) > 1 else ())]
    most = max(_overlap(said, part.terms) for part in source.parts)
    homes = [part for part in parts if all(f.terms & part.terms for f in figures) and _overlap(said, part.terms) >= _HOME * most]
    if any(len(claim.held(figure)) > sum(len(part.held(figure)) for part in homes) for figure in figures):
        return False
    return any(all(_fits(figure, own, claim, part, source) for figure in figures) for part in homes)


def _fits(figure: Unit, own: Clause, claim: Sentence, part: Sentence, source: Source) -> bool:
    """Return whether the group that holds a figure in the source agrees with that of the claim in dates, names and topic."""
    for home in (group for group in part.groups if group.terms & figure.terms):
        others = frozenset(term for group in part.groups if group is not home and group.of("figure") for term in group.terms)
        if not _compatible(_own_dates(figure, own, claim), _own_dates(figure, home, part)):
            continue
        if _substituted(own, home, claim, part) or _reversed(own, home):
            continue
        told = [u for u in own.units if u.kind not in ("figure", "date") and bool(u.terms & home.terms) != bool(u.terms & others)]
        if told and not any(u.terms & home.terms for u in told) and len(home.units) > 1:
            continue
        if not _same_topic(own, home, others, part, source) or _swapped_in(own, home, claim, part, source):
            continue
        return True
    return False


def _same_topic(own: Clause, home: Clause, others: frozenset[str], part: Sentence, source: Source) -> bool:
    """Return False if the first thing named is another one than in the source, one that the passage speaks of elsewhere."""
    mine = next((u for u in own.units if u.kind in _THINGS), None)
    theirs = next((u for u in home.units if u.kind in _THINGS), None)
    if mine is None or theirs is None or mine.terms & home.terms or theirs.terms & own.terms or mine.weight < 1 or theirs.weight < 1:
        return True
    elsewhere = others.union(*(other.terms for other in source.parts if other is not part))
    return not mine.terms & elsewhere


def _swapped_in(own: Clause, home: Clause, claim: Sentence, part: Sentence, source: Source) -> bool:
    """Return whether between the same neighbours stands another thing than in the source, one that the passage speaks of elsewhere."""
    mine = [unit for unit in own.units if unit.kind != "relative"]
    theirs = [unit for unit in home.units if unit.kind != "relative"]
    elsewhere = frozenset().union(*(other.terms for other in source.parts if other is not part))
    for i, unit in enumerate(mine):
        if unit.kind not in _THINGS or unit.weight < 1 or unit.terms & part.terms or not unit.terms & elsewhere:
            continue
        for j, other in enumerate(theirs):
            if other.kind not in _THINGS or other.weight < 1 or other.terms & claim.terms:
                continue
            before = (i == j == 0) or (i > 0 < j and bool(mine[i - 1].terms & theirs[j - 1].terms))
            last = i + 1 == len(mine) and j + 1 == len(theirs)
            after = last or (i + 1 < len(mine) and j + 1 < len(theirs) and bool(mine[i + 1].terms & theirs[j + 1].terms))
            if before and after:
                return True
    return False


def _own_dates(figure: Unit, group: Clause, sentence: Sentence) -> frozenset[str]:
    """Return the dates that a figure has: of its place among the dates of its group, of the group, or the last ones before it."""
    dates, figures = group.of("date"), group.of("figure")
    if len(dates) == len(figures) > 1:
        place = next(i for i, unit in enumerate(figures) if unit.terms & figure.terms)
        return _dates([dates[place]])
    if dates:
        return _dates(dates)
    before: frozenset[str] = frozenset()
    if group.of("relative"):
        return before
    for other in sentence.groups:
        if other is group:
            break
        before = _dates(other.units) or before
    return before


def _compatible(claimed: frozenset[str], known: frozenset[str]) -> bool:
    """Return whether each date of a claim can be one of the source's: the same, a coarser one, or a finer one where those are coarse."""
    if not claimed or not known or all(date.startswith("d:--") for date in claimed | known):
        return True
    held = _coarse(known)
    for date in claimed:
        finer = _coarse({date}) & known and not any(len(other) >= len(date) for other in known)
        if date not in held and not finer and not date.startswith("d:--"):
            return False
    return True


def _substituted(own: Clause, home: Clause, claim: Sentence, part: Sentence) -> bool:
    """Return whether a name of the claim stands where the source has another one of the same sort."""
    there = frozenset(term for unit in home.names() for term in unit.terms) | home.terms
    here = frozenset(term for unit in own.names() for term in unit.terms) | own.terms
    for unit in own.names():
        if unit.terms & there:
            continue
        rivals = [u for u in home.names() if (u.sort == unit.sort or "latin" in (u.sort, unit.sort)) and not u.terms & here]
        if rivals and (unit.terms & part.terms or not any(u.terms & claim.terms for u in rivals)):
            return True
    return False


def _reversed(own: Clause, home: Clause) -> bool:
    """Return whether two names of one sort come in the other order, which turns a comparison round."""
    theirs = home.names()
    mine = [unit for unit in own.names() if any(u.terms & unit.terms for u in theirs)]
    for left, right in zip(mine, mine[1:], strict=False):
        first = next(u.start for u in theirs if u.terms & left.terms)
        second = next(u.start for u in theirs if u.terms & right.terms)
        if left.sort == right.sort and left.terms != right.terms and first > second:
            return True
    return False


def _agrees(own: Clause, claim: Sentence, groups: Sequence[Clause]) -> bool:
    """Return whether what is said without a figure agrees in dates and names with what in the source is most like it."""
    said = [unit for unit in own.units if unit.kind not in ("date", "figure")]
    near = max((_overlap(said, group.terms) for group in groups), default=0.0)
    if len(said) < 2 or not near:
        return True
    for home in (group for group in groups if _overlap(said, group.terms) >= near):
        compatible = all(_compatible(frozenset({date}), _dates(home.units)) for date in _dates(own.units))
        if compatible and not _reversed(own, home) and not _substituted(own, home, claim, _as_sentence(home, claim)):
            return True
    return False


def _as_sentence(home: Clause, claim: Sentence) -> Sentence:
    return replace(claim, terms=home.terms)


def _denied(claim: Sentence, parts: Sequence[Sentence]) -> bool:
    """Return whether a clause of the claim denies what the nearest clause of the source states, or the reverse."""
    clauses = [clause for part in parts for clause in part.clauses]
    for own in claim.clauses:
        total = sum(unit.weight for unit in own.units)
        near = max((_overlap(own.units, clause.terms) for clause in clauses), default=0.0)
        if near < _ALIKE * total and not own.denied:
            continue
        nearest = [clause for clause in clauses if _overlap(own.units, clause.terms) >= near]
        if all(clause.denied != own.denied for clause in nearest):
            return True
    return False
