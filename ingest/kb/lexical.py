"""The lexical index of one immutable segment: tantivy finds candidates, a forward index scores them exactly.

tantivy ranks by BM25 with fixed parameters and the statistics of its own files. Ranking here must not depend on how passages
are spread over segments, and the fields want their own parameters (tuned on Chinese and English question sets), so tantivy only
proposes: each question term is boosted by (our idf / its idf), and the passages it proposes are scored again from the forward index
with document frequencies of the whole generation.

Files of a segment: ``tantivy/`` and ``forward.npz`` (terms as sorted 64-bit hashes, their document frequency, the passages' terms in
compressed-row form, field lengths).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.kb.analyse import FIELDS

__all__ = ["BM25", "LexicalSegment", "LexicalStatistics", "WeightedTerm", "term_hash", "term_hashes", "write_lexical"]

# k1 and b per field; words, bigrams and characters as tuned in the research on two dev sets, the others on the same sets.
BM25: dict[str, tuple[float, float]] = {
    "w": (0.4, 0.75),
    "b": (0.9, 0.75),
    "u": (1.5, 0.6),
    "n": (0.6, 0.3),
    "c": (0.6, 0.6),
    "h": (0.4, 0.3),
}
ALL_FIELDS = FIELDS + "h"
_K1 = np.array([BM25[name][0] for name in ALL_FIELDS])
_B = np.array([BM25[name][1] for name in ALL_FIELDS])
_TANTIVY_K1, _TANTIVY_B = 1.2, 0.75
_WRITER_HEAP = 64_000_000


@lru_cache(maxsize=1_000_000)
def term_hash(term: str) -> int:
    """Return the 64-bit hash under which a term is stored."""
    return int.from_bytes(hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def term_hashes(terms: Sequence[str]) -> NDArray[np.uint64]:
    """Return the hashes of terms, shape (n,)."""
    return np.fromiter(map(term_hash, terms), dtype=np.uint64, count=len(terms))


@dataclass(frozen=True, slots=True)
class WeightedTerm:
    """A term of a question with the weight that its field and its role give it."""

    term: str
    weight: float


@dataclass(slots=True)
class LexicalStatistics:
    """Counts over a whole generation.

    Attributes:
        passages: Number of passages.
        lengths: Mean number of terms per passage and field, in the order of ``ALL_FIELDS``.
    """

    passages: int
    lengths: NDArray[np.float64]


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("ordinal", stored=False, indexed=False, fast=True)
    for name in ALL_FIELDS:
        builder.add_text_field(name, stored=False, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def write_lexical(folder: Path, passages: Iterable[Counter[str]]) -> int:
    """Write the lexical files of a segment.

    Args:
        folder: Existing, empty folder.
        passages: The terms of each passage with their counts, in the order of the segment's ordinals; the first character of a term is
            its field.

    Returns:
        The number of passages.
    """
    import tantivy

    (folder / "tantivy").mkdir()
    index = tantivy.Index(_schema(), path=str(folder / "tantivy"))
    writer = index.writer(heap_size=_WRITER_HEAP, num_threads=1)
    vocabulary: dict[str, int] = {}
    indptr = [0]
    rows: list[NDArray[np.int32]] = []
    counts: list[NDArray[np.uint8]] = []
    lengths: list[list[int]] = []
    for ordinal, terms in enumerate(passages):
        document: dict[str, Any] = {"ordinal": ordinal}
        by_field: dict[str, list[str]] = {}
        for term, count in terms.items():
            by_field.setdefault(term[0], []).extend([term[1:].replace(" ", "_")] * count)
        document.update({name: " ".join(words) for name, words in by_field.items()})
        writer.add_document(tantivy.Document(**document))
        ids = np.fromiter((vocabulary.setdefault(term, len(vocabulary)) for term in terms), dtype=np.int32, count=len(terms))
        rows.append(ids)
        counts.append(np.minimum(np.fromiter(terms.values(), dtype=np.int64, count=len(terms)), 255).astype(np.uint8))
        indptr.append(indptr[-1] + len(ids))
        lengths.append([len(by_field.get(name, ())) for name in ALL_FIELDS])
    writer.commit()
    writer.wait_merging_threads()
    _write_forward(folder, vocabulary, indptr, rows, counts, lengths)
    return len(lengths)


def _write_forward(
    folder: Path,
    vocabulary: dict[str, int],
    indptr: list[int],
    rows: list[NDArray[np.int32]],
    counts: list[NDArray[np.uint8]],
    lengths: list[list[int]],
) -> None:
    hashes = np.fromiter((term_hash(term) for term in vocabulary), dtype=np.uint64, count=len(vocabulary))
    order = np.argsort(hashes)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    flat = rank[np.concatenate(rows)] if rows else np.empty(0, dtype=np.int32)
    tf = np.concatenate(counts) if counts else np.empty(0, dtype=np.uint8)
    bounds = np.array(indptr, dtype=np.int64)
    np.save(folder / "terms.npy", hashes[order])
    np.save(folder / "df.npy", np.bincount(flat, minlength=len(order)).astype(np.int32))
    np.save(folder / "indptr.npy", bounds)
    np.save(folder / "rows.npy", flat)
    np.save(folder / "tf.npy", tf)
    np.save(folder / "lengths.npy", np.array(lengths, dtype=np.uint16).reshape(-1, len(ALL_FIELDS)))


class LexicalSegment:
    """The lexical index of a segment, open for reading.

    Args:
        folder: Where ``write_lexical`` wrote it.
    """

    def __init__(self, folder: Path) -> None:
        import tantivy

        def load(name: str) -> Any:
            # asarray drops the memmap subclass, whose slicing is slow; the pages are still read on demand.
            return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

        self._terms: NDArray[np.uint64] = load("terms")
        self._df: NDArray[np.int32] = load("df")
        self._indptr: NDArray[np.int64] = load("indptr")
        self._rows: NDArray[np.int32] = load("rows")
        self._tf: NDArray[np.uint8] = load("tf")
        self.lengths: NDArray[np.uint16] = load("lengths")
        self.passages = len(self._indptr) - 1
        self._schema = _schema()
        self._index = tantivy.Index.open(str(folder / "tantivy"))
        self._searcher = self._index.searcher()

    def lookup(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the segment's own numbers of terms, -1 where it does not have one; shape (n,).

        Args:
            hashes: Of the terms, by ``term_hashes``.
        """
        if not len(self._terms):
            return np.full(len(hashes), -1, dtype=np.int64)
        places = np.searchsorted(self._terms, hashes)
        places = np.minimum(places, len(self._terms) - 1)
        return np.where(self._terms[places] == hashes, places, -1).astype(np.int64)

    def document_frequency(self, local: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of the segment's passages have each term; shape (n,)."""
        return np.where(local >= 0, self._df[np.maximum(local, 0)], 0).astype(np.int64)

    def candidates(
        self, terms: Sequence[WeightedTerm], local: NDArray[np.int64], idf: NDArray[np.float64], limit: int
    ) -> NDArray[np.int64]:
        """Return the ordinals that tantivy ranks highest, at most ``limit``.

        Args:
            terms: Question terms.
            local: Their numbers, by ``lookup``.
            idf: Generation-wide idf of each, shape (n,).
            limit: Most ordinals to return.
        """
        import tantivy

        df = self.document_frequency(local)
        own = np.log(1 + (self.passages - df + 0.5) / (df + 0.5))
        boosts = np.array([item.weight for item in terms]) * idf / np.maximum(own, 1e-3)
        schema, should, term_query, boosted = self._schema, tantivy.Occur.Should, tantivy.Query.term_query, tantivy.Query.boost_query
        clauses = [
            (should, boosted(term_query(schema, term[0], term[1:].replace(" ", "_"), "freq"), boost))
            for term, boost in ((terms[place].term, float(boosts[place])) for place in np.flatnonzero((df > 0) & (boosts > 0)).tolist())
        ]
        if not clauses:
            return np.empty(0, dtype=np.int64)
        hits = self._searcher.search(tantivy.Query.boolean_query(clauses), limit=limit, count=False).hits
        values = self._searcher.fast_field_values("ordinal", [address for _, address in hits])
        return np.array(values, dtype=np.int64)

    def score(
        self,
        ordinals: NDArray[np.int64],
        terms: Sequence[WeightedTerm],
        local: NDArray[np.int64],
        idf: NDArray[np.float64],
        statistics: LexicalStatistics,
    ) -> NDArray[np.float64]:
        """Return the weight that each term gives each passage: BM25 with our parameters, shape (passages, terms).

        Formula: weight · idf · tf·(k1+1) / (tf + k1·(1 - b + b·length/mean length)) (Robertson and Zaragoza, 2009).
        """
        out = np.zeros((len(ordinals), len(terms)))
        if not len(ordinals) or not len(terms):
            return out
        # Column of each local term plus one, 0 for terms that were not asked for.
        column = np.zeros(len(self._terms), dtype=np.int16)
        known = np.flatnonzero(local >= 0)
        column[local[known]] = known + 1
        field_of = np.array([ALL_FIELDS.index(item.term[0]) for item in terms])
        k1, b = _K1[field_of], _B[field_of]
        factor = np.array([item.weight for item in terms]) * idf * (k1 + 1)
        starts, ends = self._indptr[ordinals], self._indptr[ordinals + 1]
        # Runs of memory are copied whole: far cheaper than picking their places one by one.
        found = column[np.concatenate([self._rows[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)])]
        hit = np.flatnonzero(found)
        columns = found[hit].astype(np.int64) - 1
        bounds = np.cumsum(ends - starts)
        rows = np.searchsorted(bounds, hit, side="right")
        tf = self._tf[hit + (ends - bounds)[rows]].astype(np.float64)
        lengths = self.lengths[ordinals[rows], field_of[columns]].astype(np.float64)
        mean = np.maximum(statistics.lengths[field_of[columns]], 1e-9)
        norm = k1[columns] * (1 - b[columns] + b[columns] * lengths / mean)
        out[rows, columns] = factor[columns] * tf / (tf + norm)
        return out
