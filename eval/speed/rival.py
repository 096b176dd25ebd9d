"""What one gets by wiring LlamaIndex together: a Chroma index and a ``BM25Retriever``, fused by reciprocal rank.

The embedder is ours, so that both sides spend the same on vectors.
``llama-index-retrievers-bm25`` is no dependency of ours: without it the vectors stand alone, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.kb import DependencyError, KnowledgeBase, load_settings

if TYPE_CHECKING:
    from llama_index.core.embeddings import BaseEmbedding

    from ingest.kb.embedding import Embedder

__all__ = ["build", "has_bm25", "open_searcher", "parts"]

_PACKAGE = "llama-index-retrievers-bm25"


def has_bm25() -> bool:
    """Return whether the BM25 retriever is installed."""
    try:
        return find_spec("llama_index.retrievers.bm25") is not None
    except ModuleNotFoundError:
        return False


def parts(*, dense: bool) -> list[str]:
    """Return what the pipeline consists of; empty if there is nothing to measure."""
    return (["LlamaIndex VectorStoreIndex on Chroma"] if dense else []) + (["BM25Retriever"] if has_bm25() else [])


def _embedding(folder: Path) -> BaseEmbedding:
    """Return our embedder in LlamaIndex's clothes, so that both sides spend the same on vectors."""
    from llama_index.core.embeddings import BaseEmbedding

    settings = load_settings().model_copy(update={"data_dir": folder / "none"})
    found = KnowledgeBase(settings, create=True).embedder
    if found is None:
        raise DependencyError("there is no embedder to measure with", hint="Use --no-dense, or set embedding.provider.")
    embedder: Embedder = found

    class Ours(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            vectors: list[list[float]] = embedder.embed_passages(texts).tolist()
            return vectors

        def _get_query_embedding(self, query: str) -> list[float]:
            vector: list[float] = embedder.embed_question(query).tolist()
            return vector

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    return Ours(embed_batch_size=64)


def _store(folder: Path) -> Any:
    from llama_index.vector_stores.chroma import ChromaVectorStore

    return ChromaVectorStore.from_params(collection_name="speed", persist_dir=str(folder / "chroma"))


def build(folder: Path, texts: Sequence[str], *, dense: bool) -> str:
    """Index passages; returns what was built.

    Args:
        folder: An empty folder.
        texts: Of the passages.
        dense: Whether they get vectors.
    """
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.schema import TextNode

    nodes = [TextNode(id_=f"{number}", text=text) for number, text in enumerate(texts)]
    if dense:
        storage = StorageContext.from_defaults(vector_store=_store(folder))
        VectorStoreIndex(nodes, storage_context=storage, embed_model=_embedding(folder))
    if has_bm25():
        retriever = import_module("llama_index.retrievers.bm25").BM25Retriever
        retriever.from_defaults(nodes=nodes, similarity_top_k=10).persist(str(folder / "bm25"))
    return " + ".join(parts(dense=dense))


def open_searcher(folder: Path, *, dense: bool) -> Callable[[str], int]:
    """Return a function that finds ten passages for a question and says how many it found.

    Args:
        folder: Of ``build``.
        dense: Whether the vectors take part.
    """
    from llama_index.core import VectorStoreIndex
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.retrievers.fusion_retriever import FUSION_MODES

    retrievers: list[Any] = []
    if dense:
        index = VectorStoreIndex.from_vector_store(_store(folder), embed_model=_embedding(folder))
        retrievers.append(index.as_retriever(similarity_top_k=10))
    if has_bm25():
        retrievers.append(import_module("llama_index.retrievers.bm25").BM25Retriever.from_persist_dir(str(folder / "bm25")))
    if not retrievers:
        raise DependencyError(f"{_PACKAGE} is not installed", hint=f"pip install {_PACKAGE}")
    finder = retrievers[0]
    if len(retrievers) > 1:
        finder = QueryFusionRetriever(
            retrievers, llm=MockLLM(), mode=FUSION_MODES.RECIPROCAL_RANK, similarity_top_k=10, num_queries=1, use_async=False
        )
    return lambda question: len(finder.retrieve(question))
