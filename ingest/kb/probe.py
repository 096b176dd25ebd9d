"""Look at a Chroma directory from a process that may die: ``python -m ingest.kb.probe FOLDER COUNT``.

Exit code 0: it opened, holds COUNT vectors, and finds one of them; any other end means the directory must be built again.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """Open, count, read and query; print what is wrong."""
    from ingest.kb.vectors import COLLECTION, _client

    folder, expected = Path(argv[0]), int(argv[1])
    collection = _client(folder).get_collection(COLLECTION, embedding_function=None)
    found = collection.count()
    if found != expected:
        print(f"holds {found} vectors, expected {expected}")
        return 1
    sample = collection.get(limit=1, include=["embeddings"])
    answer = collection.query(query_embeddings=[sample["embeddings"][0]], n_results=min(expected, 50))
    if sample["ids"][0] not in answer["ids"][0]:
        print("a stored vector does not find itself")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
