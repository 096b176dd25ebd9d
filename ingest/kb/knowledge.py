"""Reading the knowledge base: snapshots of one complete generation."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.kb.analyse import Analyser
from ingest.kb.catalogue import Catalogue
from ingest.kb.embedding import Embedder, make_embedder
from ingest.kb.errors import DependencyError, KnowledgeBaseError
from ingest.kb.generation import FORMAT_VERSION, LANGUAGES, Generation, Identity, Layout, SegmentEntry, current_generation, segment_faults
from ingest.kb.lexical import ALL_FIELDS, LexicalSegment, LexicalStatistics, WeightedTerm
from ingest.kb.lexicon import load_lexicon
from ingest.kb.model import Document, Passage
from ingest.kb.settings import Settings
from ingest.kb.vectors import DenseSegment, probe_store

__all__ = ["DenseHits", "KnowledgeBase", "LexicalHits", "PassageRef", "Snapshot"]


# A reader that is slower than a writer that publishes again and again finds what it was about to open collected: it takes the next one.
_ATTEMPTS = 20
_REBUILD = "Run `wenju doctor --fix` to build it again."


class PassageRef(NamedTuple):
    """A passage by its place: segment number in the snapshot, ordinal in the segment."""

    segment: int
    ordinal: int


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


class _Segment:
    """One open segment."""

    def __init__(self, folder: Path, *, dense: bool) -> None:
        # The bytes first: a memory map of a torn file, or an engine on altered ones, may end the process instead of raising.
        faults = segment_faults(folder, deep=True)
        vector_faults = [fault for fault in faults if fault.startswith("vectors.npy")]
        if len(vector_faults) < len(faults):
            raise KnowledgeBaseError(f"the segment {folder} is damaged: {'; '.join(faults[:3])}", hint=_REBUILD)
        try:
            record = json.loads((folder / "segment.json").read_text("utf-8"))
            self.documents: list[str] = record["documents"]
            self.passages: int = record["passages"]
            self.lexical = LexicalSegment(folder)
            self.ids: NDArray[np.bytes_] = np.load(folder / "ids.npy", mmap_mode="r")
            self.document: NDArray[np.int32] = np.load(folder / "document.npy", mmap_mode="r")
            self.language: NDArray[np.int8] = np.load(folder / "language.npy", mmap_mode="r")
            self.dense = DenseSegment(folder) if dense and record["dense"] and not vector_faults else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KnowledgeBaseError(f"the segment {folder} cannot be opened: {error}", hint=_REBUILD) from error
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

    def __init__(self, generation: Generation, segments: Sequence[_Segment], documents: dict[str, Document], catalogue: Catalogue) -> None:
        self.generation = generation
        self.documents = documents
        self.catalogue = catalogue
        self._segments = list(segments)
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

    def idf(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """Return ln(1 + (N - df + 0.5) / (df + 0.5)) of each term over the whole generation (Robertson/Sparck Jones, as in Lucene)."""
        df = np.zeros(len(terms))
        for segment in self._segments:
            df += segment.lexical.document_frequency(segment.lexical.lookup(terms))
        return np.log(1 + (self.statistics.passages - df + 0.5) / (df + 0.5))

    def document_frequency(self, terms: Sequence[str]) -> NDArray[np.int64]:
        """Return in how many passages each term occurs."""
        df = np.zeros(len(terms), dtype=np.int64)
        for segment in self._segments:
            df += segment.lexical.document_frequency(segment.lexical.lookup(terms))
        return df

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
        names = [item.term for item in terms]
        idf = self.idf(names)
        refs: list[PassageRef] = []
        weights: list[NDArray[np.float64]] = []
        spoken: list[str] = []
        filtered = documents is not None or languages is not None
        for number, segment in enumerate(self._segments):
            allowed = self._allowed(number, documents, languages)
            if not allowed.any():
                continue
            wanted = limit if not filtered else max(limit, int(limit * len(allowed) / max(allowed.sum(), 1)))
            ordinals = segment.lexical.candidates(terms, idf, min(wanted, segment.passages))
            extra = [ref.ordinal for ref in also if ref.segment == number]
            ordinals = np.unique(np.concatenate([ordinals, np.array(extra, dtype=np.int64)])).astype(np.int64)
            ordinals = ordinals[allowed[ordinals]]
            refs.extend(PassageRef(number, int(ordinal)) for ordinal in ordinals)
            weights.append(segment.lexical.score(ordinals, terms, idf, self.statistics))
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
                    ordinals, scores = segment.dense.exact(vector, segment.passages)
                else:
                    ordinals, scores = segment.dense.search(vector, limit)
            except DependencyError as error:
                segment.store_fault = error.message
                ordinals, scores = segment.dense.exact(vector, limit)
            degraded |= segment.store_fault not in (None, "not opened")
            keep = allowed[ordinals]
            kept = zip(ordinals[keep][:limit].tolist(), scores[keep][:limit].tolist(), strict=True)
            found.extend((score, PassageRef(number, ordinal)) for ordinal, score in kept)
        found.sort(key=lambda item: -item[0])
        return DenseHits([ref for _, ref in found[:limit]], [score for score, _ in found[:limit]], degraded)

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

    def passages_at(self, refs: Sequence[PassageRef]) -> list[tuple[Passage, str] | None]:
        """Return passages with their text, None where the catalogue no longer has one."""
        ids = self.ids(refs)
        found = self.catalogue.passages(ids)
        return [found.get(passage_id) for passage_id in ids]


class KnowledgeBase:
    """The door for readers.

    Args:
        settings: Data directory, lexicon and embedding.
        create: Make an empty catalogue when there is none, instead of failing.

    Raises:
        KnowledgeBaseError: There is no knowledge base, or it is unreadable.
    """

    def __init__(self, settings: Settings, *, create: bool = False) -> None:
        self.settings = settings
        self.layout = Layout(settings.data_dir)
        self.analyser = Analyser(load_lexicon(tuple(settings.lexicon_dirs)))
        self.embedder: Embedder | None = make_embedder(settings.embedding, self.analyser)
        self.catalogue = Catalogue(self.layout.catalogue, create=create)
        self._snapshot: Snapshot | None = None
        self._mark: tuple[int, int] | None = None
        self._open: dict[str, _Segment] = {}
        self._lock = threading.Lock()

    def identity(self, splitter: str) -> Identity:
        """Return the identity that an index built now would have."""
        return Identity(self.analyser.version, splitter, self.embedder.identity if self.embedder else "none")

    def snapshot(self) -> Snapshot | None:
        """Return the live generation, opened once and kept until the next one is published; None if nothing was published.

        Raises:
            KnowledgeBaseError: It was built by another analyser or lexicon, or cannot be opened.
        """
        mark = self._read_mark()
        if mark is not None and mark == self._mark:
            return self._snapshot
        with self._lock:
            if mark is not None and mark == self._mark:
                return self._snapshot
            for attempt in range(1, _ATTEMPTS + 1):
                generation = current_generation(self.layout)
                if generation is None:
                    self._snapshot, self._mark = None, None
                    return None
                try:
                    self._snapshot = self._load(generation)
                    break
                except KnowledgeBaseError:
                    # A writer may have published and collected the old generation between our two reads.
                    fresh = current_generation(self.layout)
                    if attempt == _ATTEMPTS or fresh is None or fresh.name == generation.name:
                        raise
            self._mark = mark
            return self._snapshot

    def _read_mark(self) -> tuple[int, int] | None:
        try:
            stat = self.layout.current.stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_mtime_ns

    def _load(self, generation: Generation) -> Snapshot:
        if generation.identity.format != FORMAT_VERSION:
            raise KnowledgeBaseError(
                f"the index has format {generation.identity.format}, this version of Wenju reads {FORMAT_VERSION}",
                hint="Run `wenju upgrade`: the index is built again from the catalogue.",
            )
        if generation.identity.analyser != self.analyser.version:
            raise KnowledgeBaseError(
                f"the index was built with analyser and lexicon {generation.identity.analyser}, this is {self.analyser.version}",
                hint="Run `wenju ingest` again: documents are not read or embedded anew unless they must.",
            )
        same_model = self.embedder is not None and generation.identity.embedding == self.embedder.identity
        opened = {entry.name: self._segment(entry, dense=same_model) for entry in generation.segments}
        self._open = opened
        everything = self.catalogue.documents()
        documents = {name: everything[name] for name in generation.documents if name in everything}
        return Snapshot(generation, [opened[entry.name] for entry in generation.segments], documents, self.catalogue)

    def _segment(self, entry: SegmentEntry, *, dense: bool) -> _Segment:
        kept = self._open.get(entry.name)
        if kept is not None:
            return kept
        segment = _Segment(self.layout.segments / entry.name, dense=dense)
        if segment.dense is not None:
            segment.store_fault = "not opened"
        return segment

    def open_stores(self) -> list[str]:
        """Probe and open Chroma for every segment that is not open yet; returns the faults found.

        Slow (a child process per segment): a service calls it in the background, a one-shot command not at all.
        """
        snapshot = self.snapshot()
        if snapshot is None:
            return []
        for segment in snapshot._segments:
            if segment.dense is None or segment.dense.store_open:
                continue
            fault = probe_store(segment.folder / "chroma", segment.passages, vectors=segment.folder / "vectors.npy")
            if not fault:
                try:
                    segment.dense.open_store()
                except DependencyError as error:
                    fault = error.message
            segment.store_fault = fault or None
        return snapshot.store_faults

    def close(self) -> None:
        """Release the catalogue's connections."""
        self.catalogue.close()
