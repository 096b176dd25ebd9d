"""The dense index of one immutable segment: our own vectors, and a Chroma collection behind LlamaIndex's vector store.

``vectors.npy`` holds the unit vectors in the order of the segment's ordinals; it is the truth of the segment. Chroma is asked for
candidates, which are scored again exactly; where Chroma is missing, broken or not worth opening, the exact search over our
own vectors answers alone. Collections are made without an embedding function and written once, in a directory of their own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ingest.kb.errors import DependencyError

if TYPE_CHECKING:
    from llama_index.vector_stores.chroma import ChromaVectorStore

    from ingest.kb.chroma_server import RemoteStore

__all__ = ["DenseSegment", "probe_store", "write_vectors"]

COLLECTION = "passages"
_BATCH = 2000
# HNSW approximates: more candidates than wanted are asked for and scored again exactly.
_MARGIN = 50


def write_vectors(folder: Path, ids: list[str], vectors: NDArray[np.float32]) -> None:
    """Write a segment's vectors and its Chroma collection.

    Args:
        folder: The segment's folder.
        ids: Passage ids in the order of the ordinals.
        vectors: Unit vectors, shape (n, dimension).
    """
    np.save(folder / "vectors.npy", np.asarray(vectors, dtype=np.float32))
    if not ids:
        return
    store, client = _open_store(folder / "chroma", create=True, size=len(ids))
    from llama_index.core.schema import TextNode

    for start in range(0, len(ids), _BATCH):
        nodes = [
            TextNode(id_=passage_id, text="", embedding=vector.tolist(), metadata={"ordinal": start + place})
            for place, (passage_id, vector) in enumerate(zip(ids[start : start + _BATCH], vectors[start : start + _BATCH], strict=True))
        ]
        store.add(nodes)  # type: ignore[arg-type]
    # So that its files are complete on disk and its handles are free.
    client.close()


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))


def _open_store(folder: Path, *, create: bool = False, size: int = 0) -> tuple[ChromaVectorStore, Any]:
    """Return the store in a folder, and the client to close when it is no longer needed: Chroma keeps what is not closed for ever."""
    from llama_index.vector_stores.chroma import ChromaVectorStore

    client = _client(folder)
    try:
        if create:
            # A threshold above the size: the index is flushed once at the end, never piecemeal.
            metadata = {"hnsw:space": "cosine", "hnsw:sync_threshold": max(size + 1, 1000), "hnsw:batch_size": max(size, 100)}
            collection = client.create_collection(COLLECTION, metadata=metadata, embedding_function=None)
        else:
            collection = client.get_collection(COLLECTION, embedding_function=None)
        return ChromaVectorStore(chroma_collection=collection), client
    except BaseException:
        client.close()
        raise


def probe_store(folder: Path, expected: int, *, vectors: Path | None = None, timeout_s: float = 60.0) -> str:
    """Open a Chroma directory in a child process and return what is wrong with it, or an empty string.

    A torn HNSW file kills the process that opens it, so the first look is taken by a process that may die.

    Args:
        folder: The Chroma directory.
        expected: Vectors that must be there.
        vectors: The segment's own vectors, to compare with; not compared if None.
        timeout_s: Longest wait for the child.
    """
    if not (folder / "chroma.sqlite3").exists():
        return "chroma.sqlite3 is missing" if expected else ""
    for path in folder.rglob("link_lists.bin"):
        if path.stat().st_size > 1_000_000_000 or path.stat().st_size > 100_000 * max(expected, 1):
            return f"{path.name} has {path.stat().st_size} bytes"
    places = [str(path.resolve()) for path in (vectors,) if path]
    command = [sys.executable, "-m", "ingest.kb.probe", str(folder.resolve()), str(expected), *places]
    # From the folder that holds the packages: the child must find them wherever the command was started.
    home = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, text=True, errors="replace", check=False, cwd=home)
    except subprocess.TimeoutExpired:
        return f"no answer within {timeout_s:.0f} s"
    if done.returncode == 0:
        return ""
    said = done.stdout.strip().splitlines()
    return said[-1] if said else f"the probe ended with code {done.returncode}"


def _release(client: Any, copy: Path) -> None:
    client.close()
    shutil.rmtree(copy, ignore_errors=True)


class DenseSegment:
    """A segment's vectors, open for reading.

    Args:
        folder: The segment's folder.
        exact_up_to: Up to this many vectors all are compared: faster than to ask Chroma, and none is missed.
    """

    def __init__(self, folder: Path, *, exact_up_to: int = 0) -> None:
        self._folder = folder
        self._exact_up_to = exact_up_to
        self.vectors: NDArray[np.float32] = np.asarray(np.load(folder / "vectors.npy", mmap_mode="r"))
        self._store: ChromaVectorStore | RemoteStore | None = None

    @property
    def store_open(self) -> bool:
        """Whether Chroma answers for this segment."""
        return self._store is not None

    def open_store(self, copy: Path) -> None:
        """Open Chroma on a copy of its files, which is removed when the last snapshot that reads this segment is gone.

        Args:
            copy: A copy in which ``probe_store`` found nothing wrong.

        Raises:
            DependencyError: Chroma cannot open it.
        """
        try:
            self._store, client = _open_store(copy)
        except Exception as error:
            raise DependencyError(f"Chroma cannot open {copy}: {error}") from error
        weakref.finalize(self, _release, client, copy)

    def use(self, store: RemoteStore) -> None:
        """Ask a server from now on."""
        self._store = store

    def forget_store(self) -> None:
        """Answer from our own vectors until a store is opened again."""
        self._store = None

    def search(self, vector: NDArray[np.float32], limit: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the nearest ordinals and their cosine similarities, best first.

        Args:
            vector: Unit vector of the question, shape (dimension,).
            limit: Most results.

        Raises:
            DependencyError: Chroma failed; ``exact`` still answers.
        """
        if self._store is None or len(self.vectors) <= max(limit, self._exact_up_to):
            return self.exact(vector, limit)
        from llama_index.core.vector_stores.types import VectorStoreQuery

        wanted = min(len(self.vectors), limit + _MARGIN)
        query = VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=wanted)
        try:
            result = self._store.query(query)
            ordinals = np.array([node.metadata["ordinal"] for node in result.nodes or []], dtype=np.int64)
            if len(ordinals) and not 0 <= int(ordinals.min()) <= int(ordinals.max()) < len(self.vectors):
                raise IndexError("it names vectors that are not there")
        except DependencyError:
            # A server that failed may come back; its circuit keeps it from being asked too often.
            raise
        except Exception as error:
            self._store = None
            raise DependencyError(f"Chroma failed to answer: {error}") from error
        return self._scored(ordinals, vector, limit)

    def exact(
        self, vector: NDArray[np.float32], limit: int, *, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the nearest ordinals by comparing with every vector, or with those of some ordinals."""
        if among is None:
            return self._best(np.arange(len(self.vectors)), np.asarray(self.vectors @ vector, dtype=np.float64), limit)
        return self._scored(among, vector, limit)

    def _scored(
        self, ordinals: NDArray[np.int64], vector: NDArray[np.float32], limit: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return self._best(ordinals, np.asarray(self.vectors[ordinals] @ vector, dtype=np.float64), limit)

    @staticmethod
    def _best(ordinals: NDArray[np.int64], scores: NDArray[np.float64], limit: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if limit < len(scores):
            # Those that tie with the last one are kept for the sort to choose from, by their place.
            least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
            some = np.flatnonzero(scores >= least)
            ordinals, scores = ordinals[some], scores[some]
        order = np.argsort(-scores, kind="stable")[:limit]
        return ordinals[order], scores[order]
