"""What a sentence changes of the source where it otherwise repeats it.

A model that copies most of a clause and puts another name, date or figure into it, or denies it, says something else than the source,
however many of the words agree. Stretches are compared in order, as ``difflib`` aligns them: what stands between the same neighbours has
the same place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations

from service.claims import Clause, Sentence, Unit
from service.pairing import Source, coarse, overlap

__all__ = ["altered"]

# A stretch that has this much of another's content, in its order, repeats it.
_REPEATS = 0.55
# Shorter stretches share their words by chance.
_LEAST = 3
_HARD = ("name", "date", "figure")


def altered(claim: Sentence, source: Source) -> bool:
    """Return whether a stretch of a claim repeats some of the source, but never without another name, date, figure or denial in it.

    Args:
        claim: The sentence.
        source: A passage it cites.
    """
    return claim.language == source.language and any(_altered(own, source, whole) for own, whole in _stretches(claim))


def _stretches(sentence: Sentence) -> Iterator[tuple[Clause, bool]]:
    """Yield the clauses of a sentence, then the whole of it; short clauses are known only by what stands around them."""
    for clause in sentence.clauses:
        yield clause, False
    if len(sentence.clauses) > 1:
        yield Clause(sentence.units, False, sentence.terms), True


def _altered(own: Clause, source: Source, whole: bool) -> bool:
    said = _told(own.units)
    total = sum(unit.weight for unit in said)
    if len(said) < _LEAST:
        return False
    found: list[tuple[float, bool | None]] = []
    free = []
    for part in source.parts:
        if overlap(said, part.terms) < _REPEATS * total:
            continue
        here = [_same(said, own, other, whole) for other, entire in _stretches(part) if entire == whole or len(part.clauses) == 1]
        found += here
        if all(same is not False for _, same in here):
            free.append(part)
    most = max((shared for shared, _ in found), default=0.0)
    verdicts = {same for shared, same in found if shared >= most}
    if most < _REPEATS * total or False not in verdicts or True in verdicts:
        return False
    # A sentence of the source that holds all of it may say it in an order of its own.
    return not any(overlap(said, part.terms) >= total for part in free)


def _same(said: Sequence[Unit], own: Clause, other: Clause, whole: bool) -> tuple[float, bool | None]:
    """Return how much of a stretch stands in one of the source in its order, and whether it says the same; None where that is open."""
    known = _told(other.units)
    blocks = SequenceMatcher(None, [u.terms for u in said], [u.terms for u in known], autojunk=False).get_opcodes()
    shared = sum(unit.weight for kind, a, b, _, _ in blocks if kind == "equal" for unit in said[a:b])
    kinds = {pair for kind, a, b, c, d in blocks if kind == "replace" for pair in _conflicts(said[a:b], known[c:d])}
    if whole and "figure" in kinds and all(any(u.terms & o.terms for o in known) for u in said if u.kind == "figure"):
        # Clauses may come in another order; whether each figure is where it belongs is seen from its own clause.
        kinds.remove("figure")
    if {"name", "figure"} <= kinds:
        # Another figure of another subject: a record of its own, beside which this one stands.
        return shared, None
    if kinds or (not whole and (own.denied != other.denied or _turned(said, known))):
        return shared, False
    held = coarse(term for unit in known for term in unit.terms)
    return shared, True if all(unit.terms & held for unit in said if unit.kind in _HARD) else None


def _told(units: Sequence[Unit]) -> list[Unit]:
    return [unit for unit in units if unit.kind != "relative"]


def _conflicts(said: Sequence[Unit], known: Sequence[Unit]) -> Iterator[str]:
    """Yield the kind of whatever stands in the place of another of its kind; a coarser or a finer date is the same."""
    for mine in (unit for unit in said if unit.kind in _HARD):
        for theirs in (unit for unit in known if unit.kind == mine.kind):
            if any(mine.terms & other.terms for other in known) or any(theirs.terms & other.terms for other in said):
                continue
            if not (coarse(mine.terms) & theirs.terms or coarse(theirs.terms) & mine.terms):
                yield mine.kind


def _turned(said: Sequence[Unit], known: Sequence[Unit]) -> bool:
    """Return whether two names of one sort have changed places, with something between them (in a list the order says nothing)."""
    names = [(i, unit) for i, unit in enumerate(said) if unit.kind == "name"]
    places = [(i, j) for i, unit in names for j in [next((j for j, o in enumerate(known) if o.terms & unit.terms), -1)] if j >= 0]
    for (i, j), (k, m) in combinations(places, 2):
        if m < j and k - i > 1 and j - m > 1 and said[i].sort == said[k].sort and not said[i].terms & said[k].terms:
            return True
    return False
