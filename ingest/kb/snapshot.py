"""One complete generation, open for reading: segments, statistics, the candidates of each leg, passages by their place."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.kb.catalogue import Catalogue
from ingest.kb.embedding import content_hash, passage_text
from ingest.kb.errors import DependencyError, KnowledgeBaseError, NotFoundError
from ingest.kb.generation import LANGUAGES, Generation, segment_faults
from ingest.kb.lexical import ALL_FIELDS, LexicalSegment, LexicalStatistics, WeightedTerm, term_hashes
from ingest.kb.model import Document, Passage
from ingest.kb.vectors import DenseSegment

__all__ = ["REBUILD", "DenseHits", "LexicalHits", "OpenSegment", "PassageRef", "Snapshot"]

# Characters of a document's first page that tell what it is about.
_OPENING = 400
# Passages whose texts a snapshot keeps: some ten megabytes.
_KEPT = 4096
REBUILD = "Run `wenju doctor --fix` to build it again."


class PassageRef(NamedTuple):
    """A passage by its place: segment number in the snapshot, ordinal in the segment."""

    segment: int
    ordinal: int


# A corpus is taken for one of this many passages at least where the worth of words is reckoned.
_FEW = 100


@dataclass(frozen=True, slots=True)
class LexicalHits:
    """Candidates of the lexical leg.

    Attributes:
        refs: The candidates.
        weights: What each question term gives each candidate, shape (candidates, terms).
        idf: Generation-wide idf of each term, shape (terms,).
        languages: Language of each candidate.
    """

    refs: list[PassageRef]
    weights: NDArray[np.float64]
    idf: NDArray[np.float64]
    languages: list[str]


@dataclass(frozen=True, slots=True)
class DenseHits:
    """Candidates of the dense leg: cosine similarities, best first; ``degraded`` if Chroma had to be passed over."""

    refs: list[PassageRef]
    scores: list[float]
    degraded: bool


class OpenSegment:
    """One segment, open for reading.

    Args:
        folder: Where it lies.
        dense: Whether its vectors are wanted.
        exact_up_to: Most vectors to compare with all of, instead of asking Chroma.

    Raises:
        KnowledgeBaseError: It is damaged.
    """

    def __init__(self, folder: Path, *, dense: bool, exact_up_to: int = 0) -> None:
        # The bytes first: a memory map of a torn file, or an engine on altered ones, may end the process instead of raising.
        faults = segment_faults(folder, deep=True)
        vector_faults = [fault for fault in faults if fault.startswith("vectors.npy")]
        if len(vector_faults) < len(faults):
            raise KnowledgeBaseError(f"the segment {folder} is damaged: {'; '.join(faults[:3])}", hint=REBUILD)
        try:
            record = json.loads((folder / "segment.json").read_text("utf-8"))
            self.documents: list[str] = record["documents"]
            self.passages: int = record["passages"]
            self.lexical = LexicalSegment(folder)
            self.ids: NDArray[np.bytes_] = np.load(folder / "ids.npy", mmap_mode="r")
            self.document: NDArray[np.int32] = np.load(folder / "document.npy", mmap_mode="r")
            self.language: NDArray[np.int8] = np.load(folder / "language.npy", mmap_mode="r")
            self.dense = DenseSegment(folder, exact_up_to=exact_up_to) if dense and record["dense"] and not vector_faults else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KnowledgeBaseError(f"the segment {folder} cannot be opened: {error}", hint=REBUILD) from error
        self.folder = folder
        # Without its vectors a segment answers from words alone, and says so.
        self.vector_fault = "; ".join(vector_faults) if dense else ""
        self.store_fault: str | None = self.vector_fault or (None if self.dense else "no vectors")


class Snapshot:
    """One complete generation, open for reading; everything that answers one question uses one snapshot.

    Attributes:
        generation: What is published.
        documents: The live documents by id.
        catalogue: For texts.
    """

    def __init__(
        self, generation: Generation, segments: Sequence[OpenSegment], documents: dict[str, Document], catalogue: Catalogue
    ) -> None:
        self.generation = generation
        self.documents = documents
        self.catalogue = catalogue
        self._segments = list(segments)
        self._openings: dict[str, str] = {}
        self._kept: dict[str, tuple[Passage, str]] = {}
        self._kept_lock = threading.Lock()
        self._live: list[NDArray[np.bool_]] = []
        for segment, entry in zip(segments, generation.segments, strict=True):
            alive = set(entry.documents)
            flags = np.array([document in alive for document in segment.documents], dtype=bool)
            self._live.append(flags[segment.document] if len(segment.document) else np.zeros(0, dtype=bool))
        totals = np.zeros(len(ALL_FIELDS))
        for segment in segments:
            if segment.passages:
                totals += segment.lexical.lengths.sum(axis=0, dtype=np.float64)
        self.passages = int(sum(flags.sum() for flags in self._live))
        every = sum(segment.passages for segment in segments)
        self.statistics = LexicalStatistics(every, totals / max(every, 1))

    def _idf(self, local: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
        """Return ln(1 + (N - df + 0.5) / (df + 0.5)) of each term over the whole generation (Robertson/Sparck Jones, as in Lucene).

        Args:
            local: The terms' numbers in each segment.
        """
        df = sum(
            (segment.lexical.document_frequency(numbers) for segment, numbers in zip(self._segments, local, strict=True)), np.zeros(())
        )
        return np.asarray(np.log(1 + (self.spoken_of - df + 0.5) / (df + 0.5)), dtype=np.float64)

    @property
    def spoken_of(self) -> int:
        """Passages that idf counts with: of a corpus of a few passages every word would be common, and what it lacks alone would count."""
        return max(self.statistics.passages, _FEW)

    def _allowed(self, number: int, documents: frozenset[str] | None, languages: frozenset[str] | None) -> NDArray[np.bool_]:
        segment, allowed = self._segments[number], self._live[number]
        if documents is not None:
            flags = np.array([document in documents for document in segment.documents], dtype=bool)
            allowed = allowed & flags[segment.document]
        if languages is not None:
            flags = np.array([language in languages for language in LANGUAGES], dtype=bool)
            allowed = allowed & flags[segment.language]
        return allowed

    def lexical(
        self,
        terms: Sequence[WeightedTerm],
        *,
        limit: int,
        documents: frozenset[str] | None = None,
        languages: frozenset[str] | None = None,
        also: Sequence[PassageRef] = (),
    ) -> LexicalHits:
        """Return the lexical leg's candidates with what each term gives each of them.

        Args:
            terms: Question terms.
            limit: Candidates per segment.
            documents: Only these documents.
            languages: Only passages in these languages.
            also: Passages to score too (found by another leg).
        """
        hashes = term_hashes([item.term for item in terms])
        local = [segment.lexical.lookup(hashes) for segment in self._segments]
        idf = self._idf(local) if local else np.zeros(len(terms))
        refs: list[PassageRef] = []
        weights: list[NDArray[np.float64]] = []
        spoken: list[str] = []
        filtered = documents is not None or languages is not None
        for number, segment in enumerate(self._segments):
            allowed = self._allowed(number, documents, languages)
            if not allowed.any():
                continue
            wanted = limit if not filtered else max(limit, int(limit * len(allowed) / max(allowed.sum(), 1)))
            ordinals = segment.lexical.candidates(terms, local[number], idf, min(wanted, segment.passages))
            extra = [ref.ordinal for ref in also if ref.segment == number]
            ordinals = np.unique(np.concatenate([ordinals, np.array(extra, dtype=np.int64)])).astype(np.int64)
            ordinals = ordinals[allowed[ordinals]]
            refs.extend(PassageRef(number, int(ordinal)) for ordinal in ordinals)
            weights.append(segment.lexical.score(ordinals, terms, local[number], idf, self.statistics))
            spoken.extend(LANGUAGES[place] for place in segment.language[ordinals])
        matrix = np.concatenate(weights) if weights else np.zeros((0, len(terms)))
        return LexicalHits(refs, matrix, idf, spoken)

    def dense(
        self,
        vector: NDArray[np.float32],
        *,
        limit: int,
        documents: frozenset[str] | None = None,
        languages: frozenset[str] | None = None,
    ) -> DenseHits:
        """Return the dense leg's candidates, nearest first."""
        found: list[tuple[float, PassageRef]] = []
        degraded = False
        filtered = documents is not None or languages is not None
        for number, segment in enumerate(self._segments):
            if segment.dense is None:
                degraded |= bool(segment.vector_fault)
                continue
            allowed = self._allowed(number, documents, languages)
            try:
                if filtered:
                    ordinals, scores = segment.dense.exact(vector, limit, among=np.flatnonzero(allowed))
                else:
                    # Deleted passages have vectors still.
                    ordinals, scores = segment.dense.search(vector, limit + int((~allowed).sum()))
            except DependencyError as error:
                segment.store_fault = error.message
                ordinals, scores = segment.dense.exact(vector, limit, among=np.flatnonzero(allowed))
            degraded |= segment.store_fault not in (None, "not opened")
            keep = allowed[ordinals]
            kept = zip(ordinals[keep][:limit].tolist(), scores[keep][:limit].tolist(), strict=True)
            found.extend((score, PassageRef(number, ordinal)) for ordinal, score in kept)
        found.sort(key=lambda item: -item[0])
        return DenseHits([ref for _, ref in found[:limit]], [score for score, _ in found[:limit]], degraded)

    def cosines(self, vector: NDArray[np.float32], refs: Sequence[PassageRef]) -> NDArray[np.float64]:
        """Return the cosine similarities of passages, shape (n,); that of the farthest of them where a segment has no vectors.

        Args:
            vector: Unit vector of the question, shape (dimension,).
            refs: The passages.
        """
        out = np.full(len(refs), np.nan)
        numbers = np.array([ref.segment for ref in refs], dtype=np.int64)
        ordinals = np.array([ref.ordinal for ref in refs], dtype=np.int64)
        for number in np.unique(numbers):
            dense = self._segments[number].dense
            if dense is not None:
                own = numbers == number
                out[own] = dense.vectors[ordinals[own]] @ vector
        known = out[~np.isnan(out)]
        out[np.isnan(out)] = known.min() if len(known) else 0.0
        return out

    @property
    def open_segments(self) -> tuple[OpenSegment, ...]:
        """The segments, in the order of the generation."""
        return tuple(self._segments)

    @property
    def has_vectors(self) -> bool:
        """Whether any segment has a dense leg."""
        return any(segment.dense is not None for segment in self._segments)

    @property
    def store_faults(self) -> list[str]:
        """What is wrong with Chroma, one line a segment; empty if all is well."""
        asked = (segment for segment in self._segments if segment.dense is not None or segment.vector_fault)
        faults = ((segment.folder.name, segment.store_fault) for segment in asked)
        return [f"{name}: {fault}" for name, fault in faults if fault]

    def ids(self, refs: Sequence[PassageRef]) -> list[str]:
        """Return the passage ids of places."""
        return [self._segments[ref.segment].ids[ref.ordinal].decode("ascii") for ref in refs]

    def opening(self, document_id: str) -> str:
        """Return the first characters of a document, which name what it is about where its title does not; empty if it is gone."""
        if document_id not in self._openings:
            try:
                text = self.catalogue.page(document_id, 1).text
            except NotFoundError:
                text = ""
            self._openings[document_id] = text[:_OPENING]
        return self._openings[document_id]

    def sentence_vectors(self, model: str, passages: Sequence[tuple[Passage, str]]) -> list[NDArray[np.float32] | None]:
        """Return the vectors of the sentences of passages, shape (sentences, dimension).

        None where a model gave none, and for a passage whose document was removed a moment ago.

        Args:
            model: Identity of the model.
            passages: With their text.
        """
        titles = [document.title if (document := self.documents.get(p.document_id)) else None for p, _ in passages]
        keys = [
            "" if title is None else content_hash(passage_text(p, text, title)) for (p, text), title in zip(passages, titles, strict=True)
        ]
        found = self.catalogue.sentence_vectors(model, [key for key in keys if key])
        return [found.get(key) for key in keys]

    def passages_at(self, refs: Sequence[PassageRef]) -> list[tuple[Passage, str] | None]:
        """Return passages with their text, None where the catalogue no longer has one."""
        ids = self.ids(refs)
        found = {passage_id: kept for passage_id in ids if (kept := self._kept.get(passage_id)) is not None}
        fresh = self.catalogue.passages([passage_id for passage_id in ids if passage_id not in found]) if len(found) < len(ids) else {}
        if fresh:
            with self._kept_lock:
                self._kept.update(fresh)
                for oldest in list(self._kept)[: len(self._kept) - _KEPT]:
                    del self._kept[oldest]
            found |= fresh
        return [found.get(passage_id) for passage_id in ids]
