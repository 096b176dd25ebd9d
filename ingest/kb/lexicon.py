"""The trilingual lexicon: one concept a line, whose terms in every language and script meet in one index term.

File format (UTF-8, tab separated, ``#`` comments)::

    english terms <TAB> zh-Hans terms <TAB> zh-Hant-TW terms <TAB> zh-Hant-HK terms <TAB> notes

Terms inside a column are separated by ``; ``. An empty zh-Hant column means: the character conversion of the zh-Hans one. Notes hold
``kind=…``, ``weight=low`` and ``ambiguous=…`` items. A user's own files (setting ``lexicon_dirs``) have the same format.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from ingest.kb.errors import SettingsError
from ingest.kb.folding import fold
from ingest.kb.tokens import Token, canonical, is_han, is_han_run

__all__ = ["Concept", "ConceptMatch", "Lexicon", "load_lexicon", "parse_lexicon"]

# Words that hold a sentence together: in small letters they are no concept, whatever abbreviation they look like (it, us, who, on).
_COMMON_WORDS = frozenset(
    "a an the i it its he she we us you me my our your his her they them their this that these those who whom whose which what when where "
    "why how is am are was were be been being do does did has have had can could will would shall should may might must of on in at by to "
    "from for with as or and but if so no not nor than then there here up off out one ones any all some such only just also too very much "
    "get got put take taken given go goes went gone let make made say says said tell told see seen".split()
)
_COLUMNS = ("en", "zh-Hans", "zh-Hant-TW", "zh-Hant-HK")


@dataclass(frozen=True, slots=True)
class Concept:
    """One meaning and the words for it.

    Attributes:
        key: Index term, unique in the lexicon: the preferred English term, with the Chinese one where two concepts share it.
        terms: All terms as written, by column.
        kind: ``company``, ``person``, ``question`` …, or empty.
        low: True for words that say little about the topic.
        layer: 1 for hand-made files, 2 for an imported dictionary (lower weight).
    """

    key: str
    terms: dict[str, tuple[str, ...]]
    kind: str = ""
    low: bool = False
    layer: int = 1


@dataclass(frozen=True, slots=True)
class ConceptMatch:
    """A concept found in a text: ``start`` and ``end`` are offsets of that text; ``nested`` if inside a longer match."""

    concept: Concept
    start: int
    end: int
    nested: bool = False


def parse_lexicon(lines: Iterable[str], *, source: str, layer: int = 1) -> Iterator[Concept]:
    """Yield the concepts of one file.

    Args:
        lines: The file's lines.
        source: Name for error messages.
        layer: 1 for hand-made files, 2 for imported dictionaries.

    Raises:
        SettingsError: A line has no English and no Chinese column.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.rstrip("\n").split("\t")]
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise SettingsError(
                f"{source}:{number}: a concept needs an English and a zh-Hans column, separated by a tab",
                hint="docs/lexicon.md has the format.",
            )
        terms = {
            column: tuple(term for term in (part.strip() for part in re.split(r"[;；]", cell)) if term)
            for column, cell in zip(_COLUMNS, cells, strict=False)
        }
        notes = cells[4] if len(cells) > 4 else ""
        kind = re.search(r"\bkind=([\w-]+)", notes)
        yield Concept(
            key=terms["en"][0].lower() if terms["en"] else terms["zh-Hans"][0],
            terms=terms,
            kind=kind.group(1) if kind else "",
            low="weight=low" in notes,
            layer=layer,
        )


@dataclass(frozen=True, slots=True)
class _Forms:
    """The folded and the canonical form of every term, each made once.

    Folded all at a time: nearly a hundred thousand calls of OpenCC are a third of a second at the start of every command.
    """

    folded: dict[str, str]
    canonical: dict[str, str]

    @classmethod
    def of(cls, concepts: Sequence[Concept]) -> _Forms:
        terms = list(dict.fromkeys(term for concept in concepts for column in concept.terms.values() for term in column))
        parts = fold("\n".join(terms)).split("\n")
        if list(map(len, parts)) != list(map(len, terms)):
            parts = [fold(term) for term in terms]
        folded = dict(zip(terms, parts, strict=True))
        return cls(folded, {term: form if is_han_run(form) else canonical(form).text for term, form in folded.items()})


def _merged(concepts: Sequence[Concept], forms: _Forms) -> list[Concept]:
    """Return the concepts with those made one that are the same.

    The same are those with equal preferred English terms, or with equal preferred Chinese ones and an English term in common.
    Sharing any two terms would not do: meanings that touch chain up (accumulate, integrate, embed, collect, obtain …) until one
    concept means everything.
    """
    parent = list(range(len(concepts)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    seen: dict[tuple[object, ...], int] = {}
    for place, concept in enumerate(concepts):
        english = [forms.canonical[term] for term in concept.terms.get("en", ())]
        chinese = [forms.folded[term] for term in concept.terms.get("zh-Hans", ())]
        marks: list[tuple[object, ...]] = [(concept.layer, word, concept.kind) for word in english[:1]]
        marks += [(concept.layer, chinese[0], word) for word in english if chinese]
        for mark in marks:
            if mark in seen:
                parent[root(place)] = root(seen[mark])
            seen.setdefault(mark, place)
    groups: dict[int, list[Concept]] = {}
    for place, concept in enumerate(concepts):
        groups.setdefault(root(place), []).append(concept)
    return [_union(group) for group in groups.values()]


def _union(group: Sequence[Concept]) -> Concept:
    first = group[0]
    if len(group) == 1:
        return first
    terms = {column: tuple(dict.fromkeys(term for concept in group for term in concept.terms.get(column, ()))) for column in _COLUMNS}
    kind = next((concept.kind for concept in group if concept.kind), "")
    return Concept(first.key, terms, kind, any(concept.low for concept in group), first.layer)


def _unique(concepts: Sequence[Concept]) -> list[Concept]:
    """Return the concepts with keys of their own."""
    seen: set[str] = set()
    out: list[Concept] = []
    for concept in concepts:
        key = concept.key
        if key in seen:
            key = f"{concept.key} {concept.terms['zh-Hans'][0]}"
        while key in seen:
            key += "+"
        seen.add(key)
        out.append(concept if key == concept.key else Concept(key, concept.terms, concept.kind, concept.low, concept.layer))
    return out


def _patterns(concepts: Sequence[Concept], forms: _Forms) -> tuple[dict[str, list[int]], set[tuple[str, int]]]:
    """Return the places of the concepts of each folded term, and which of these hold only where the term is in capitals."""
    patterns: dict[str, list[int]] = {}
    cased: set[tuple[str, int]] = set()
    for index, concept in enumerate(concepts):
        for term in dict.fromkeys(t for column in concept.terms.values() for t in column):
            pattern = forms.canonical[term]
            # A single Chinese character is part of too many other words to stand for one meaning.
            if pattern.strip() and not (len(pattern.strip()) == 1 and is_han(pattern.strip())):
                owners = patterns.setdefault(pattern, [])
                if index not in owners:
                    owners.append(index)
                if term.isupper() and term.lower() in _COMMON_WORDS:
                    cased.add((pattern, index))
    # A hand-made concept wins over an imported one with the same term.
    for pattern, owners in patterns.items():
        best = min(concepts[i].layer for i in owners)
        patterns[pattern] = [i for i in owners if concepts[i].layer == best]
    return patterns, cased


@dataclass(slots=True)
class Lexicon:
    """All concepts, with one automaton over every term of every language.

    Attributes:
        concepts: In the order of the files, keys made unique.
        version: Digest of the content; part of a generation's identity.
    """

    concepts: tuple[Concept, ...]
    version: str
    _patterns: list[tuple[int, ...]] = field(default_factory=list)
    _nested: dict[int, tuple[tuple[int, int, int], ...]] = field(default_factory=dict)
    _automaton: object = None
    _by_key: dict[str, Concept] = field(default_factory=dict)
    _cased: frozenset[tuple[int, int]] = frozenset()
    _cased_patterns: frozenset[int] = frozenset()

    @classmethod
    def build(cls, concepts: Sequence[Concept]) -> Lexicon:
        """Return the lexicon of these concepts."""
        import ahocorasick_rs

        forms = _Forms.of(concepts)
        unique = _unique(_merged(concepts, forms))
        patterns, cased = _patterns(unique, forms)
        digest = hashlib.sha256()
        for concept in unique:
            digest.update(repr((concept.key, sorted(concept.terms.items()), concept.kind, concept.low, concept.layer)).encode())
        automaton = ahocorasick_rs.AhoCorasick(list(patterns), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)
        lexicon = cls(
            tuple(unique),
            digest.hexdigest()[:12],
            [tuple(owners) for owners in patterns.values()],
            _automaton=automaton,
            _by_key={concept.key: concept for concept in unique},
            _cased=frozenset((place, i) for place, (p, owners) in enumerate(patterns.items()) for i in owners if (p, i) in cased),
        )
        lexicon._cased_patterns = frozenset(place for place, _ in lexicon._cased)
        return lexicon

    def _within(self, index: int, pattern: str) -> tuple[tuple[int, int, int], ...]:
        """Return (pattern, start, end) of shorter terms at either end of a term: 人工智能 in 生成式人工智能."""
        if index not in self._nested:
            self._nested[index] = self._find_nested(pattern)
        return self._nested[index]

    def _find_nested(self, pattern: str) -> tuple[tuple[int, int, int], ...]:
        found: dict[tuple[int, int, int], None] = {}
        for first, last in ((0, len(pattern) - 1), (1, len(pattern))):
            for index, start, end in self._automaton.find_matches_as_indexes(pattern[first:last]):  # type: ignore[attr-defined]
                start, end = start + first, end + first
                if (first == 0 and start == 0) or (first == 1 and end == len(pattern)):
                    found[index, start, end] = None
        return tuple(found)

    def __len__(self) -> int:
        return len(self.concepts)

    def get(self, key: str) -> Concept | None:
        """Return the concept with this key."""
        return self._by_key.get(key)

    def find(self, folded: str, original: str = "", tokens: Sequence[Token] | None = None) -> list[ConceptMatch]:
        """Return the concepts of a folded text, longest first at each place, with the shorter ones nested at its ends.

        Args:
            folded: The text.
            original: The same text before folding, of the same length: tells US from us and IT from it.
            tokens: Of the folded text, if they are at hand.
        """
        form = canonical(folded, tokens)
        out: list[ConceptMatch] = []
        for index, start, end in self._automaton.find_matches_as_indexes(form.text):  # type: ignore[attr-defined]
            where = form.span(start, end)
            if folded[where[0] : where[1]] in _COMMON_WORDS and not original[where[0] : where[1]].isupper():
                continue
            out.extend(ConceptMatch(self.concepts[i], *where) for i in self._owners(index, original[where[0] : where[1]]))
            for inner, inner_start, inner_end in self._within(index, form.text[start:end]):
                inside = form.span(start + inner_start, start + inner_end)
                if folded[inside[0] : inside[1]] in _COMMON_WORDS:
                    continue
                out.extend(ConceptMatch(self.concepts[i], *inside, nested=True) for i in self._patterns[inner])
        return out

    def _owners(self, index: int, written: str) -> Iterable[int]:
        """Return the concepts of a pattern; those written in capitals only if the text has capitals."""
        owners = self._patterns[index]
        if index not in self._cased_patterns:
            return owners
        return [i for i in owners if (index, i) not in self._cased or written.isupper()]


@cache
def load_lexicon(extra: tuple[Path, ...] = (), *, shipped: bool = True) -> Lexicon:
    """Return the lexicon: Wenju's own files, unless ``shipped`` is False, and those of the folders in ``extra``.

    A file whose name starts with ``layer2`` counts as an imported dictionary.

    Raises:
        SettingsError: A folder is missing or a file is malformed.
    """
    concepts: list[Concept] = []
    own = files("corpus").joinpath("lexicon")
    for entry in sorted(own.iterdir(), key=lambda item: item.name):
        if shipped and entry.name.endswith(".tsv"):
            concepts.extend(parse_lexicon(entry.read_text("utf-8").split("\n"), source=entry.name))
    for folder in extra:
        if not folder.is_dir():
            raise SettingsError(f"the lexicon folder {folder} does not exist", hint="Correct the setting lexicon_dirs.")
        for path in sorted(folder.glob("*.tsv")):
            layer = 2 if path.name.startswith("layer2") else 1
            concepts.extend(parse_lexicon(path.read_text("utf-8").split("\n"), source=str(path), layer=layer))
    return Lexicon.build(concepts)
