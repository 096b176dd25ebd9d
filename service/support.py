"""Whether a sentence is supported by the passages it cites: figures and dates by value, names, their pairing, and the content.

No model is asked; languages meet in the lexicon's concepts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.kb import Analyser, Analysis, find_quantities, fold, sentence_spans

__all__ = ["Claim", "Source", "Support", "check_claim", "make_source"]

_NAME_KINDS = {"company", "person", "model", "place", "org", "product"}
# Half of a sentence's content in the same language, a little less across languages: the lexicon does not know every word.
_SAME, _ACROSS = 0.5, 0.34
_CLAUSE = re.compile(r"[，,；;、]|\band\b|\bwhile\b|\bbut\b|\bwhereas\b|而|但|和|与")
_WORD_STOP = frozenset("report according show shown say said find found state also however thus".split())
_NEGATION = re.compile(r"\b(?:not|no|never|none|neither|nor|without|cannot|n't)\b|n't\b|[不没无未非]")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence to check, without its citation marks."""

    text: str
    analysis: Analysis
    figures: tuple[frozenset[str], ...]
    names: frozenset[str]
    content: frozenset[str]
    language: str


@dataclass(slots=True)
class _Part:
    """One sentence of a source, with what it holds."""

    start: int
    end: int
    text: str
    figures: frozenset[str]
    names: frozenset[str]
    content: frozenset[str]
    clauses: list[tuple[frozenset[str], frozenset[str]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Source:
    """A passage to check against: its sentences, and the names that its title and headings give to all of them."""

    parts: tuple[_Part, ...]
    context: frozenset[str]
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Support:
    """The verdict: ``supported``, why not, and the span of the passage that supports (offsets of the passage's text)."""

    supported: bool
    reason: str = ""
    source: int = -1
    start: int = 0
    end: int = 0


def _language(text: str) -> str:
    return "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"


def _figures(text: str) -> list[frozenset[str]]:
    """Return the figures a source bears out: a day also bears out its month and its year."""
    return [frozenset(q.terms) for q in find_quantities(fold(text))]


def _claimed(text: str) -> list[frozenset[str]]:
    """Return the figures a claim makes: a day is not borne out by its year."""
    return [frozenset((q.term,)) for q in find_quantities(fold(text))]


def _names(analysis: Analysis) -> frozenset[str]:
    """Return names: those the lexicon lists, and Latin words with a capital or a figure in them."""
    out = {"c" + match.concept.key for match in analysis.concepts if match.concept.kind in _NAME_KINDS and not match.nested}
    return frozenset(out)


def _latin_names(text: str, analyser: Analyser) -> frozenset[str]:
    """Return Latin words that look like names (a capital within a Chinese text or inside a sentence, or letters with figures)."""
    found = set()
    chinese = _language(text) == "zh"
    for match in re.finditer(r"[A-Za-z][A-Za-z0-9]*(?:[.-][A-Za-z0-9]+)*", text):
        word = match.group()
        first = not text[: match.start()].strip(" \"'“‘(（「『")
        if any(char.isdigit() for char in word) or word[1:] != word[1:].lower() or (word[0].isupper() and (chinese or not first)):
            found.add(fold(word))
    return frozenset(found)


def _content(analysis: Analysis) -> frozenset[str]:
    """Return the units of meaning: concepts, and words that no concept covers."""
    spans = [(m.start, m.end) for m in analysis.concepts]
    out = {
        "c" + m.concept.key for m in analysis.concepts if m.concept.kind not in ("question", "unit") and not m.concept.low and not m.nested
    }
    for word, start, end in analysis.words:
        if not any(s <= start and end <= e for s, e in spans) and word not in _WORD_STOP and not word.isdigit() and len(word) > 1:
            out.add("w" + word)
    return frozenset(out)


def _all_terms(analysis: Analysis) -> frozenset[str]:
    return frozenset({"c" + m.concept.key for m in analysis.concepts} | {"w" + word for word, _, _ in analysis.words})


def make_claim(text: str, analyser: Analyser) -> Claim:
    """Return a sentence as it is checked."""
    analysis = analyser.analyse(text)
    names = _names(analysis) | {"l" + word for word in _latin_names(text, analyser)}
    return Claim(text, analysis, tuple(_claimed(text)), names, _content(analysis), _language(text))


def make_source(text: str, analyser: Analyser, *, context: str = "") -> Source:
    """Return a passage as it is checked against.

    Args:
        text: Of the passage.
        analyser: The knowledge base's.
        context: Title, headings, table header: what names all of its sentences.
    """
    parts = []
    for start, end in sentence_spans(text, 0, len(text)) or [(0, len(text))]:
        sentence = text[start:end]
        analysis = analyser.analyse(sentence)
        figures = frozenset(term for terms in _figures(sentence) for term in terms)
        names = _names(analysis) | {"l" + word for word in re.findall(r"[a-z][a-z0-9.-]*", fold(sentence))}
        part = _Part(start, end, sentence, figures, names, _all_terms(analysis))
        part.clauses = [
            (
                frozenset(t for terms in _figures(clause) for t in terms),
                _names(analyser.analyse(clause)) | {"l" + w for w in _latin_names(clause, analyser)},
            )
            for clause in _CLAUSE.split(sentence)
            if clause.strip()
        ]
        parts.append(part)
    around = analyser.analyse(context)
    known = _names(around) | _all_terms(around) | {"l" + word for word in re.findall(r"[a-z][a-z0-9.-]*", fold(context))}
    known |= {"n" + term for terms in _figures(context) for term in terms}
    return Source(tuple(parts), frozenset(known), _language(text), text)


def _windows(source: Source) -> list[tuple[int, int]]:
    """Return (first, last) of runs of one to three sentences."""
    count = len(source.parts)
    return [(i, j) for width in (1, 2, 3) for i in range(count) for j in (i + width - 1,) if j < count]


def check_claim(text: str, sources: Sequence[Source], analyser: Analyser) -> Support:
    """Return whether some run of one to three sentences of one source supports a sentence.

    All figures and names must stand there (names may stand in the title or heading), figures must keep the company of the names and dates
    they have in the source, and enough of the content must be there.

    Args:
        text: The sentence, without citation marks.
        sources: The passages it cites.
        analyser: The knowledge base's.
    """
    claim = make_claim(text, analyser)
    if not claim.content and not claim.figures and not claim.names:
        return Support(False, "it says nothing that can be checked")
    best = Support(False, "its content is not in the cited passage")
    score = -1.0
    reasons: dict[str, int] = {}
    for number, source in enumerate(sources):
        for first, last in _windows(source):
            parts = source.parts[first : last + 1]
            reason = _misfit(claim, parts, source)
            if reason:
                reasons[reason] = reasons.get(reason, 0) + 1
                continue
            share = _share(claim, parts, source)
            need = _SAME if claim.language == source.language else _ACROSS
            rank = share - 0.04 * (last - first)
            if share >= need and rank > score:
                score = rank
                best = Support(True, "", number, parts[0].start, parts[-1].end)
    if not best.supported and reasons and sum(reasons.values()) == sum(len(_windows(s)) for s in sources):
        return Support(False, max(reasons, key=lambda reason: reasons[reason]))
    return best


def _misfit(claim: Claim, parts: Sequence[_Part], source: Source) -> str:
    """Return what of a claim's figures and names a run of sentences does not bear out, empty if all is well."""
    figures = frozenset().union(*(part.figures for part in parts))
    context_figures = {term[1:] for term in source.context if term[0] == "n"}
    for terms in claim.figures:
        if not terms & figures and not terms & context_figures:
            return "a figure or date is not in the cited passage"
    names = frozenset().union(*(part.names for part in parts)) | source.context
    concepts = {name for name in claim.names if name[0] == "c"}
    covered = {m.start: m.end for m in claim.analysis.concepts if "c" + m.concept.key in names}
    if any(name not in names for name in concepts):
        return "a name is not in the cited passage"
    for name in claim.names - concepts:
        place = claim.analysis.folded.find(name[1:])
        if name not in names and not any(s <= place < e for s, e in covered.items()):
            return "a name is not in the cited passage"
    if not _paired(claim, parts, source):
        return "a figure belongs to something else in the cited passage"
    return ""


def _paired(claim: Claim, parts: Sequence[_Part], source: Source) -> bool:
    """Return whether each figure of a claim stands beside the same name and date as in the source.

    Only clauses decide that hold both a figure and a name (or two figures, one of them a date): there a different partner is a swap.
    """
    own = [
        (
            frozenset(t for terms in _claimed(c) for t in terms),
            frozenset(n for n in claim.names if n[1:] in fold(c) or (n[0] == "c" and n in _clause_names(c, claim))),
        )
        for c in _CLAUSE.split(claim.text)
        if c.strip()
    ]
    clauses = [clause for part in parts for clause in part.clauses]
    for figures, names in own:
        values = {f for f in figures if not f.startswith("d")}
        for value in values:
            homes = [(f, n) for f, n in clauses if value in f]
            if not homes:
                continue
            subjects = {n for n in names if n not in source.context}
            partners = frozenset().union(*(n for _, n in homes))
            if subjects and partners and not subjects & partners and subjects & frozenset().union(*(n for _, n in clauses)):
                return False
            dates = {f for f in figures if f.startswith("d")}
            known = {f for fs, _ in homes for f in fs if f.startswith("d")}
            if dates and known and not dates & known:
                return False
    return True


def _clause_names(clause: str, claim: Claim) -> frozenset[str]:
    start = claim.text.find(clause)
    end = start + len(clause)
    return frozenset("c" + m.concept.key for m in claim.analysis.concepts if start <= m.start and m.end <= end)


def _share(claim: Claim, parts: Sequence[_Part], source: Source) -> float:
    """Return the share of a claim's content that a run of sentences (or its title and heading) holds."""
    if not claim.content:
        return 1.0
    there = frozenset().union(*(part.content for part in parts)) | source.context
    flat = fold(source.text)
    found = 0.0
    for unit in claim.content:
        if unit in there or (unit[0] == "w" and unit[1:] in flat):
            found += 1
        elif unit[0] == "w" and len(unit) > 3 and claim.language == source.language == "zh":
            word = unit[1:]
            found += sum(word[i : i + 2] in flat for i in range(len(word) - 1)) / (len(word) - 1)
    share = found / len(claim.content)
    # A sentence that denies what the source states (or the reverse) shares all of its words.
    if bool(_NEGATION.search(fold(claim.text))) != any(_NEGATION.search(fold(part.text)) for part in parts) and share < 0.9:
        share *= 0.75
    return share
