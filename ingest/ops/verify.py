"""Compare all that was published with the catalogue, passage by passage and vector by vector."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.kb.catalogue import Catalogue
from ingest.kb.errors import KnowledgeBaseError, WenjuError
from ingest.kb.generation import LANGUAGES, Generation, Layout, SegmentEntry, current_generation, file_digest, segment_faults
from ingest.kb.model import Passage

__all__ = ["Verification", "verify"]

_MOST_FAULTS = 100


@dataclass(slots=True)
class Verification:
    """What was compared and what did not agree.

    Attributes:
        vectors: Of the documents that are live; those that wait to be collected are checked, not counted.
        faults: One line each, the first hundred.
    """

    generation: str = ""
    documents: int = 0
    passages: int = 0
    vectors: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, fault: str) -> None:
        """Note a fault."""
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(fault)


def verify(layout: Layout) -> Verification:
    """Compare the live generation, its segments and the originals with the catalogue.

    Raises:
        KnowledgeBaseError: There is no knowledge base, or its catalogue cannot be read.
    """
    catalogue = Catalogue(layout.catalogue)
    result = Verification()
    try:
        for fault in catalogue.check():
            result.add(f"catalogue: {fault}")
        _verify_documents(layout, catalogue, result)
        try:
            generation = current_generation(layout)
        except KnowledgeBaseError as error:
            result.add(error.message)
            return result
        if generation is not None:
            _verify_generation(layout, catalogue, generation, result)
        return result
    finally:
        catalogue.close()


def _verify_documents(layout: Layout, catalogue: Catalogue, result: Verification) -> None:
    pending = catalogue.pending()
    for document in catalogue.documents().values():
        result.documents += 1
        original = layout.originals / document.sha256
        if not original.exists():
            if pending.get(document.id) == "remove":
                continue
            result.add(f"{document.file_name} ({document.id}): its original is missing")
        elif file_digest(original) != document.sha256:
            result.add(f"{document.file_name} ({document.id}): its original has other bytes than its digest says")
        sizes = {page.number: len(page.text) for page in catalogue.pages(document.id)}
        if sorted(sizes) != list(range(1, document.page_count + 1)):
            result.add(f"{document.file_name} ({document.id}): {len(sizes)} pages are stored, it has {document.page_count}")
        try:
            for passage, text in catalogue.passages_of([document.id]):
                result.passages += 1
                _verify_span(passage, text, sizes, result)
        except KeyError as error:
            result.add(f"{document.file_name} ({document.id}): a passage stands on page {error}, which is not there")


def _verify_span(passage: Passage, text: str, sizes: dict[int, int], result: Verification) -> None:
    if not 0 <= passage.start < passage.end <= sizes.get(passage.page, 0):
        result.add(f"passage {passage.id}: its span {passage.start}-{passage.end} is not on page {passage.page}")
    elif not text.strip():
        result.add(f"passage {passage.id}: there is no text in its span")
    if passage.language not in LANGUAGES:
        result.add(f"passage {passage.id}: unknown language {passage.language!r}")


def _verify_generation(layout: Layout, catalogue: Catalogue, generation: Generation, result: Verification) -> None:
    result.generation = generation.name
    pending = catalogue.pending()
    known = set(catalogue.documents())
    live = [document for entry in generation.segments for document in entry.documents]
    for document in sorted(name for name, times in Counter(live).items() if times > 1):
        result.add(f"{document} is live in more than one segment")
    for document in sorted(known - set(live) - set(pending)):
        result.add(f"{document} is in the catalogue and not in {generation.name}: run `wenju ingest` or `wenju upgrade`")
    for document in sorted(set(live) - known):
        result.add(f"{document} is in {generation.name} and not in the catalogue")
    for entry in generation.segments:
        _verify_segment(layout, entry, catalogue, set(pending), result)


def _verify_segment(layout: Layout, entry: SegmentEntry, catalogue: Catalogue, pending: set[str], result: Verification) -> None:
    folder = layout.segments / entry.name
    faults = segment_faults(folder, deep=True)
    if faults:
        for fault in faults:
            result.add(f"{entry.name}: {fault}")
        return
    try:
        order = list(json.loads((folder / "segment.json").read_text("utf-8"))["documents"])
        ids = [str(name, "ascii") for name in np.load(folder / "ids.npy").tolist()]
        places = np.load(folder / "document.npy")
        languages = np.load(folder / "language.npy")
        vectors = np.load(folder / "vectors.npy", mmap_mode="r") if (folder / "vectors.npy").exists() else None
    except (OSError, ValueError, KeyError) as error:
        result.add(f"{entry.name}: {error}")
        return
    if not len(ids) == len(places) == len(languages) == entry.passages:
        result.add(f"{entry.name}: {len(ids)} ids, {len(places)} documents, {len(languages)} languages for {entry.passages} passages")
        return
    held = Counter(order[place] for place in places.tolist() if 0 <= place < len(order))
    spoken = dict(zip(ids, languages.tolist(), strict=True))
    _verify_passages(entry, spoken, held, catalogue, pending, result)
    if vectors is not None:
        # Of a document that was removed or read again the old passages stay in their segment until segments are merged.
        result.vectors += sum(held[document] for document in entry.documents)
        _verify_vectors(layout, entry, vectors, result)


def _verify_passages(
    entry: SegmentEntry, at: dict[str, int], held: Counter[str], catalogue: Catalogue, pending: set[str], result: Verification
) -> None:
    if len(at) != entry.passages:
        result.add(f"{entry.name}: {entry.passages - len(at)} passages stand in it twice")
    for document in entry.documents:
        if document in pending:
            continue
        try:
            stored = {passage.id: passage.language for passage, _ in catalogue.passages_of([document])}
        except (KeyError, WenjuError) as error:
            result.add(f"{document}: {error}")
            continue
        missing = [name for name in stored if name not in at]
        if missing:
            result.add(f"{entry.name}: {len(missing)} passages of {document} are not in it, the first is {missing[0]}")
        if held[document] != len(stored):
            result.add(f"{entry.name}: {held[document]} passages of {document} are in it, {len(stored)} in the catalogue")
        for name, language in stored.items():
            if name in at and LANGUAGES[at[name]] != language:
                result.add(f"{entry.name}: passage {name} is {LANGUAGES[at[name]]} in it and {language} in the catalogue")


def _verify_vectors(layout: Layout, entry: SegmentEntry, vectors: NDArray[np.float32], result: Verification) -> None:
    from ingest.kb.chroma_copy import StoreCopies, examine_store

    if len(vectors) != entry.passages:
        result.add(f"{entry.name}: {len(vectors)} vectors for {entry.passages} passages")
        return
    lengths = np.linalg.norm(vectors, axis=1)
    odd = int(np.sum(~np.isclose(lengths, 1.0, atol=1e-3)))
    if odd:
        result.add(f"{entry.name}: {odd} vectors are not of length 1")
    with closing(StoreCopies(layout)) as copies:
        fault = examine_store(layout.segments / entry.name, entry.passages, copies.folder / entry.name)
    if fault:
        result.add(f"{entry.name}: Chroma: {fault}")
