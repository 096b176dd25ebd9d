"""Reading the knowledge base: snapshots of one complete generation."""

from __future__ import annotations

import threading

from ingest.kb.analyse import Analyser
from ingest.kb.catalogue import Catalogue
from ingest.kb.chroma_copy import StoreCopies, examine_store
from ingest.kb.chroma_server import ChromaServer
from ingest.kb.embedding import Embedder, make_embedder
from ingest.kb.errors import DependencyError, KnowledgeBaseError
from ingest.kb.generation import FORMAT_VERSION, Generation, Identity, Layout, SegmentEntry, current_generation, is_live
from ingest.kb.lexicon import load_lexicon
from ingest.kb.settings import Settings
from ingest.kb.snapshot import DenseHits, LexicalHits, OpenSegment, PassageRef, Snapshot

__all__ = ["DenseHits", "KnowledgeBase", "LexicalHits", "PassageRef", "Snapshot"]


# A reader that is slower than a writer that publishes again and again finds what it was about to open collected: it takes the next one.
_ATTEMPTS = 20


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
        self.analyser = Analyser(load_lexicon(tuple(settings.lexicon_dirs), shipped=settings.lexicon_shipped))
        self.embedder: Embedder | None = make_embedder(settings.embedding, self.analyser)
        self.catalogue = Catalogue(self.layout.catalogue, create=create)
        self.server = ChromaServer(settings.vector) if settings.vector.url else None
        self._snapshot: Snapshot | None = None
        self._mark: tuple[int, int] | None = None
        self._open: dict[str, OpenSegment] = {}
        self._copies: StoreCopies | None = None
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
                    loaded = self._load(generation)
                except KnowledgeBaseError:
                    # A writer may have published and collected the old generation between our two reads.
                    fresh = current_generation(self.layout)
                    if attempt == _ATTEMPTS or fresh is None or fresh.name == generation.name:
                        raise
                    continue
                # Vectors alone may be what was collected: without them a segment opens all the same, and must not answer so.
                if attempt == _ATTEMPTS or not any(
                    segment.vector_fault and not is_live(self.layout, segment.folder.name) for segment in loaded.open_segments
                ):
                    break
            self._snapshot, self._mark = loaded, mark
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
        built = generation.identity.embedding
        if self.embedder is not None and built not in ("none", self.embedder.identity):
            raise KnowledgeBaseError(
                f"the index was built with the embedding {built}, the settings name {self.embedder.identity}",
                hint="Run `wenju ingest` again to embed anew, or set embedding.provider and embedding.model back (`none` for words alone).",
            )
        same_model = self.embedder is not None and generation.identity.embedding == self.embedder.identity
        opened = {entry.name: self._segment(entry, dense=same_model) for entry in generation.segments}
        self._open = opened
        everything = self.catalogue.documents()
        documents = {name: everything[name] for name in generation.documents if name in everything}
        return Snapshot(generation, [opened[entry.name] for entry in generation.segments], documents, self.catalogue)

    def _segment(self, entry: SegmentEntry, *, dense: bool) -> OpenSegment:
        kept = self._open.get(entry.name)
        if kept is not None:
            return kept
        segment = OpenSegment(self.layout.segments / entry.name, dense=dense, exact_up_to=self.settings.retrieval.exact_up_to)
        if segment.dense is not None:
            segment.store_fault = "not opened"
        return segment

    def open_stores(self) -> list[str]:
        """Copy, probe and open Chroma for every segment that is not open yet; returns the faults found.

        Slow (a child process per segment): a service calls it in the background, a one-shot command not at all. A writer may publish and
        collect meanwhile, again and again; then those of the new generation are opened.
        """
        for _ in range(_ATTEMPTS):
            snapshot = self.snapshot()
            if snapshot is None:
                return []
            if self.server is not None:
                return self._open_remote(snapshot, self.server)
            if self._open_local(snapshot):
                return snapshot.store_faults
        return []

    def _open_local(self, snapshot: Snapshot) -> bool:
        """Open the stores of a snapshot; return False, leaving the rest, at one that was collected in the middle of it."""
        for segment in snapshot.open_segments:
            if segment.dense is None or segment.dense.store_open:
                continue
            self._copies = self._copies or StoreCopies(self.layout)
            copy = self._copies.folder / segment.folder.name
            fault = examine_store(segment.folder, segment.passages, copy)
            if not fault:
                try:
                    segment.dense.open_store(copy)
                except DependencyError as error:
                    fault = error.message
            if fault and not is_live(self.layout, segment.folder.name):
                return False
            segment.store_fault = fault or None
        return True

    def _open_remote(self, snapshot: Snapshot, server: ChromaServer) -> list[str]:
        segments = snapshot.open_segments
        try:
            for segment in segments:
                if segment.dense is not None and not segment.dense.store_open:
                    segment.store_fault = "not opened"
                    ids = [name.decode("ascii") for name in segment.ids]
                    segment.dense.use(server.store(segment.folder.name, ids, segment.dense.vectors))
                    segment.store_fault = None
            server.keep([segment.folder.name for segment in segments])
        except DependencyError as error:
            for segment in segments:
                if segment.store_fault == "not opened":
                    segment.store_fault = error.message
        return snapshot.store_faults

    def stores_to_retry(self) -> bool:
        """Return whether a Chroma server that failed answers again; asks it."""
        if self.server is None or self._snapshot is None or not self._snapshot.store_faults or not self.server.answers():
            return False
        for segment in self._snapshot.open_segments:
            if segment.dense is not None:
                # It may have come back empty.
                segment.dense.forget_store()
        return True

    def close(self) -> None:
        """Release the catalogue's connections and the copies of Chroma's files."""
        self.catalogue.close()
        if self._copies is not None:
            self._copies.close()
            self._copies = None
