"""Whether what a sentence says belongs together in the source too: each figure beside its names, dates and topic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from service.claims import Clause, Sentence, Unit

__all__ = ["Source", "agrees", "belong", "coarse", "overlap"]

# The figure's own sentence must hold about as much of what is said of the figure as any other sentence does.
_HOME = 0.6
_THINGS = ("name", "concept", "word")


@dataclass(frozen=True, slots=True)
class Source:
    """A passage to check against: its sentences, and what its title and headings say of all of them."""

    parts: tuple[Sentence, ...]
    context: frozenset[str]
    language: str
    flat: str
    about: str = ""


def coarse(terms: Iterable[str]) -> frozenset[str]:
    """Return terms with the coarser dates that each date bears out: a day its month, its year, and itself without the year."""
    out = set(terms)
    for term in terms:
        if term.startswith("d:") and not term.startswith("d:--"):
            parts = term[2:].split("-")
            out |= {"d:" + "-".join(parts[:size]) for size in range(1, len(parts))}
            if len(parts) > 1 and parts[1].isdigit():
                out |= {"d:--" + "-".join(parts[1:size]) for size in range(2, len(parts) + 1)}
    return frozenset(out)


def _dates(units: Iterable[Unit]) -> frozenset[str]:
    return frozenset(term for unit in units if unit.kind == "date" for term in unit.terms)


def overlap(units: Iterable[Unit], terms: frozenset[str]) -> float:
    """Return the weight of the units that some terms bear out."""
    return sum(unit.weight for unit in units if unit.terms & terms)


def belong(figures: Sequence[Unit], own: Clause, claim: Sentence, parts: Sequence[Sentence], source: Source) -> bool:
    """Return whether the figures of a group stand in the claim beside what they stand beside in one sentence of the source."""
    content = [unit for unit in own.units if unit.kind not in ("figure", "date")]
    said = content if sum(unit.weight for unit in content) >= 2 else [unit for unit in claim.units if unit.kind not in ("figure", "date")]
    said = [*said, *(figures if len(figures) > 1 else ())]
    most = max(overlap(said, part.terms) for part in source.parts)
    homes = [part for part in parts if all(f.terms & part.terms for f in figures) and overlap(said, part.terms) >= _HOME * most]
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
    if not claimed or not known:
        return True
    held = coarse(known)
    for date in claimed:
        finer = coarse({date}) & known and not any(len(other) >= len(date) for other in known)
        if date in held or finer:
            continue
        # A day or month without its year contradicts only others without theirs.
        if not date.startswith("d:--") or all(o.startswith("d:--") and not o.startswith(date) and not date.startswith(o) for o in known):
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
    for left, right in pairwise(mine):
        first = next(u.start for u in theirs if u.terms & left.terms)
        second = next(u.start for u in theirs if u.terms & right.terms)
        if left.sort == right.sort and left.terms != right.terms and first > second:
            return True
    return False


def agrees(own: Clause, claim: Sentence, groups: Sequence[Clause]) -> bool:
    """Return whether what is said without a figure agrees in dates and names with what in the source is most like it."""
    said = [unit for unit in own.units if unit.kind not in ("date", "figure")]
    near = max((overlap(said, group.terms) for group in groups), default=0.0)
    if len(said) < 2 or not near:
        return True
    for home in (group for group in groups if overlap(said, group.terms) >= near):
        compatible = all(_compatible(frozenset({date}), _dates(home.units)) for date in _dates(own.units))
        if compatible and not _reversed(own, home) and not _substituted(own, home, claim, _as_sentence(home, claim)):
            return True
    return False


def _as_sentence(home: Clause, claim: Sentence) -> Sentence:
    return replace(claim, terms=home.terms)
