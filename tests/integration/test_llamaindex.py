"""Wenju's retriever inside LlamaIndex, and LlamaIndex's postprocessors on Wenju's hits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from service_kit import QUESTION, Library

from ingest.kb import KnowledgeBase, Settings
from service.llamaindex import WenjuRetriever, postprocess
from service.question import read_question
from service.retrieve import Filters, Hit, retrieve

pytest_plugins = ("service_kit",)


class _Backwards(BaseNodePostprocessor):
    """Turns the order round, drops the last, adds a node of its own."""

    def _postprocess_nodes(self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None) -> list[NodeWithScore]:
        assert query_bundle is not None
        assert query_bundle.query_str == QUESTION
        turned = [NodeWithScore(node=item.node, score=0.5) for item in reversed(nodes[:-1])]
        return [NodeWithScore(node=TextNode(id_="made", text="made up"), score=1.0), *turned]


@pytest.fixture(scope="module")
def kb(library: Library) -> Iterator[KnowledgeBase]:
    base = KnowledgeBase(library.settings())
    yield base
    base.close()


def _hits(kb: KnowledgeBase) -> list[Hit]:
    snapshot = kb.snapshot()
    assert snapshot is not None
    return retrieve(kb, snapshot, read_question(QUESTION, kb.analyser), top_k=5).hits


def test_nodes_say_where_their_text_stands(kb: KnowledgeBase) -> None:
    retriever = WenjuRetriever(kb, top_k=5)
    assert isinstance(retriever, BaseRetriever)
    nodes = retriever.retrieve(QUESTION)
    assert [node.node.node_id for node in nodes] == [hit.passage.id for hit in _hits(kb)]
    for node in nodes:
        where = node.metadata
        page = kb.catalogue.page(where["document_id"], where["page"])
        assert page.text[where["start"] : where["end"]] == node.text
    scores = [node.score or 0.0 for node in nodes]
    assert scores == sorted(scores, reverse=True)


async def test_the_asynchronous_way(kb: KnowledgeBase) -> None:
    nodes = await WenjuRetriever(kb, top_k=2).aretrieve(QUESTION)
    assert len(nodes) == 2


def test_filters_hold(kb: KnowledgeBase) -> None:
    nodes = WenjuRetriever(kb, filters=Filters(languages=("zh-Hans",))).retrieve(QUESTION)
    assert nodes
    assert {node.metadata["language"] for node in nodes} == {"zh-Hans"}


def test_a_query_engine_answers_from_it(kb: KnowledgeBase) -> None:
    engine = RetrieverQueryEngine.from_args(WenjuRetriever(kb, top_k=3), llm=MockLLM())
    reply = engine.query(QUESTION)
    assert len(reply.source_nodes) == 3
    # The mock repeats its prompt: the passages and the question are in it, their offsets are not.
    assert reply.source_nodes[0].text[:60] in str(reply)
    assert QUESTION in str(reply)
    assert "document_id" not in str(reply)


def test_questions_without_words_and_empty_bases(kb: KnowledgeBase, tmp_path: Path) -> None:
    assert WenjuRetriever(kb).retrieve("？！") == []
    empty = KnowledgeBase(Settings(data_dir=tmp_path, embedding={"provider": "none"}), create=True)
    assert WenjuRetriever(empty).retrieve(QUESTION) == []
    empty.close()


def test_a_postprocessor_of_llamaindex_cuts_our_hits(kb: KnowledgeBase) -> None:
    hits = _hits(kb)
    cut = (hits[1].score + hits[2].score) / 2
    kept = postprocess(hits, SimilarityPostprocessor(similarity_cutoff=cut), QUESTION)
    assert [hit.passage.id for hit in kept] == [hit.passage.id for hit in hits if hit.score >= cut]


def test_a_postprocessor_orders_and_scores(kb: KnowledgeBase) -> None:
    hits = _hits(kb)
    before = [hit.score for hit in hits]
    turned = postprocess(hits, _Backwards(), QUESTION)
    assert [hit.passage.id for hit in turned] == [hit.passage.id for hit in hits[:-1][::-1]]
    assert {hit.score for hit in turned} == {0.5}
    assert all(hit.scores["postprocessed"] == 0.5 for hit in turned)
    assert [hit.score for hit in hits] == before
