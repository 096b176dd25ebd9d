"""An optional Chroma server in place of the embedded store: a copy of each live segment's vectors, in a collection of its own.

The server holds nothing that is not also in ``vectors.npy``. What it lacks it is given by the first reader that asks; while it is down,
slow or talks nonsense, questions are answered from our own vectors, and say so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ingest.kb.circuit import Breaker
from ingest.kb.errors import DependencyError
from ingest.kb.settings import VectorSettings

__all__ = ["ChromaServer", "RemoteStore"]

_BATCH = 500
_PORTS = {"http": 80, "https": 443}
T = TypeVar("T")


class RemoteStore:
    """LlamaIndex's vector store over one collection of the server, behind the server's circuit."""

    def __init__(self, server: ChromaServer, store: Any) -> None:
        self._server = server
        self._store = store

    def query(self, query: Any) -> Any:
        """Ask; see ``ChromaVectorStore.query``.

        Raises:
            DependencyError: The server failed, or has failed so often that it is left alone.
        """
        return self._server.call(lambda: self._store.query(query))


class ChromaServer:
    """The server that ``vector.url`` names.

    Args:
        settings: With ``url`` set.
    """

    def __init__(self, settings: VectorSettings) -> None:
        self.settings = settings
        self.breaker = Breaker()
        self._lock = threading.Lock()
        self._made: Any = None

    def _api(self) -> Any:
        """Return Chroma's HTTP client without the requests that its own constructor makes: they know no limit of time."""
        with self._lock:
            if self._made is None:
                from chromadb.api import ServerAPI
                from chromadb.config import Settings, System

                address = urlsplit(self.settings.url)
                system = System(
                    Settings(
                        chroma_api_impl="chromadb.api.fastapi.FastAPI",
                        chroma_server_host=address.hostname,
                        chroma_server_http_port=address.port or _PORTS[address.scheme],
                        chroma_server_ssl_enabled=address.scheme == "https",
                        anonymized_telemetry=False,
                    )
                )
                api = system.instance(cast(Any, ServerAPI))
                api._session.timeout = self.settings.timeout_s
                self._made = api
            return self._made

    def call(self, work: Callable[[], T]) -> T:
        """Do something that needs the server, unless it is being left alone.

        Raises:
            DependencyError: It failed, or is left alone.
        """
        if self.breaker.state == "down":
            raise DependencyError("the Chroma server failed several times and is left alone for some seconds")
        return self._tried(work)

    def _tried(self, work: Callable[[], T]) -> T:
        try:
            result = work()
        except Exception as error:
            self.breaker.failed()
            # The type alone: a message may hold the server's whole answer.
            raise DependencyError(
                f"the Chroma server failed ({type(error).__name__})", hint="Check vector.url and the server; until then answers are exact."
            ) from error
        self.breaker.succeeded()
        return result

    def answers(self) -> bool:
        """Return whether the server answers now; while it is left alone, it is not asked."""
        if not self.breaker.allow():
            return False
        try:
            self._tried(lambda: self._api().heartbeat())
        except DependencyError:
            return False
        return True

    def store(self, segment: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> RemoteStore:
        """Return the store of a segment, filled if it is not.

        Args:
            segment: The segment's name.
            ids: Passage ids in the order of the ordinals.
            vectors: Unit vectors in the same order, shape (n, dimension).

        Raises:
            DependencyError: The server failed.
        """
        from llama_index.vector_stores.chroma import ChromaVectorStore

        def work() -> Any:
            collection = self._filled(self._name(segment), ids, vectors)
            # Counting is not answering: who cannot be asked is not opened.
            collection.query(query_embeddings=vectors[:1], n_results=1)
            return collection

        collection = self.call(work)
        return RemoteStore(self, ChromaVectorStore(chroma_collection=collection))

    def _filled(self, name: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> Any:
        collection = self._collection(name)
        if collection.count() != len(ids):
            # Cut off while it was filled, or of somebody else: from the beginning.
            self._api().delete_collection(name)
            collection = self._collection(name)
            for start in range(0, len(ids), _BATCH):
                rows = range(start, min(start + _BATCH, len(ids)))
                collection.add(
                    ids=[ids[row] for row in rows],
                    embeddings=vectors[rows.start : rows.stop],
                    metadatas=[{"ordinal": row} for row in rows],
                    documents=["" for _ in rows],
                )
            found = collection.count()
            if found != len(ids):
                raise ValueError(f"{name} holds {found} vectors after {len(ids)} were written")
        return collection

    def _collection(self, name: str) -> Any:
        from chromadb.api.models.Collection import Collection as ChromaCollection

        metadata = {"hnsw:space": "cosine"}
        model = self._api().create_collection(name=name, metadata=metadata, get_or_create=True)
        return ChromaCollection(client=self._api(), model=model, embedding_function=None)

    def _name(self, segment: str) -> str:
        return f"{self.settings.namespace}-{segment}"

    def keep(self, segments: Collection[str]) -> None:
        """Remove the collections of our namespace but those of some segments.

        Raises:
            DependencyError: The server failed.
        """
        wanted = {self._name(segment) for segment in segments}

        def work() -> None:
            for model in self._api().list_collections():
                if model.name.startswith(self._name("seg-")) and model.name not in wanted:
                    self._api().delete_collection(model.name)

        self.call(work)
