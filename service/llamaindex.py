"""Wenju's retrieval as a part of a LlamaIndex pipeline, and LlamaIndex postprocessors on Wenju's hits."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from ingest.kb import KnowledgeBase
from service.question import read_question
from service.retrieve import Filters, Hit, retrieve

__all__ = ["WenjuRetriever", "as_node", "postprocess"]


def as_node(hit: Hit) -> NodeWithScore:
    """Return a hit as a node: its id is the passage's, its metadata say where the text stands."""
    passage = hit.passage
    metadata = {
        "document_id": hit.document.id,
        "file_name": hit.document.file_name,
        "title": hit.document.title,
        "language": passage.language,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
    }
    # A model or an embedding is shown the text alone: offsets mean nothing to it.
    hidden = [name for name in metadata if name != "title"]
    node = TextNode(
        id_=passage.id, text=hit.text, metadata=metadata, excluded_llm_metadata_keys=hidden, excluded_embed_metadata_keys=list(metadata)
    )
    return NodeWithScore(node=node, score=hit.score)


def postprocess(hits: Sequence[Hit], processor: BaseNodePostprocessor, question: str) -> list[Hit]:
    """Return the hits as a LlamaIndex postprocessor (a reranker, a cut-off) orders, scores and thins them out.

    Args:
        hits: Best first.
        processor: Any of LlamaIndex's.
        question: As asked.
    """
    known = {hit.passage.id: hit for hit in hits}
    out = []
    for node in processor.postprocess_nodes([as_node(hit) for hit in hits], query_str=question):
        # Nodes a processor made itself have no place in a document, so nothing could cite them.
        hit = known.get(node.node.node_id)
        if hit is None:
            continue
        score = hit.score if node.score is None else float(node.score)
        out.append(Hit(hit.ref, hit.passage, hit.text, hit.document, score, {**hit.scores, "postprocessed": score}, hit.alternates))
    return out


class WenjuRetriever(BaseRetriever):
    """Finds passages for a LlamaIndex query engine.

    Args:
        kb: The knowledge base.
        top_k: Most passages.
        filters: What may be used.
    """

    def __init__(self, kb: KnowledgeBase, *, top_k: int = 8, filters: Filters | None = None) -> None:
        super().__init__()
        self._kb = kb
        self._top_k = top_k
        self._filters = filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        snapshot = self._kb.snapshot()
        if snapshot is None or not snapshot.documents:
            return []
        question = read_question(query_bundle.query_str, self._kb.analyser)
        found = retrieve(self._kb, snapshot, question, top_k=self._top_k, filters=self._filters)
        return [as_node(hit) for hit in found.hits]
