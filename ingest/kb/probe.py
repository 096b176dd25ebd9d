"""Look at a Chroma directory from a process that may die: ``python -m ingest.kb.probe FOLDER COUNT [VECTORS]``.

Exit code 0: it opened, holds the passages 0 to COUNT - 1, its vectors are those of VECTORS, and a sample of them finds itself; any other
end means the directory must be built again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# HNSW approximates: a few vectors in a thousand do not find themselves in a healthy index either.
_SAMPLE = 200
_MISSES = 0.1


def main(argv: list[str]) -> int:
    """Open, count, read and query; print what is wrong."""
    try:
        fault = _fault(Path(argv[0]), int(argv[1]), Path(argv[2]) if len(argv) > 2 else None)
    except Exception as error:
        fault = " ".join(str(error).split())[:200] or type(error).__name__
    if fault:
        print(fault)
    return 1 if fault else 0


def _fault(folder: Path, expected: int, vectors: Path | None) -> str:
    from ingest.kb.vectors import COLLECTION, _client

    collection = _client(folder).get_collection(COLLECTION, embedding_function=None)
    found = collection.count()
    if found != expected:
        return f"holds {found} vectors, expected {expected}"
    rows = collection.get(include=["metadatas"])
    ordinals = np.array([row["ordinal"] for row in rows["metadatas"]], dtype=np.int64)
    if not np.array_equal(np.sort(ordinals), np.arange(expected)):
        return "its passages are not those of the segment"
    sample = collection.get(ids=rows["ids"][:: max(1, expected // _SAMPLE)], include=["embeddings", "metadatas"])
    stored = np.asarray(sample["embeddings"], dtype=np.float32)
    if not np.isfinite(stored).all():
        return "it holds vectors that are no numbers"
    places = [row["ordinal"] for row in sample["metadatas"]]
    if vectors is not None and not np.allclose(stored, np.load(vectors, mmap_mode="r")[places], atol=1e-4):
        return "its vectors are not those of the segment"
    return _search_fault(collection, sample["ids"], stored, expected)


def _search_fault(collection: Any, ids: list[str], stored: NDArray[np.float32], expected: int) -> str:
    answer = collection.query(query_embeddings=stored.tolist(), n_results=min(expected, 50), include=[])
    # A text that stands in more than fifty passages crowds itself out: only a distinct vector must find itself.
    _, first, counts = np.unique(stored, axis=0, return_index=True, return_counts=True)
    distinct = first[counts == 1]
    missed = sum(1 for place in distinct if ids[place] not in answer["ids"][place])
    if missed > _MISSES * max(len(distinct), 10):
        return f"{missed} of {len(distinct)} stored vectors do not find themselves"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
