"""Vectors of sentences: stored beside those of their passages at ingest, read again for the passages that were found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from makers import put
from numpy.typing import NDArray

from ingest.build import ingest_paths
from ingest.kb import KnowledgeBase, Settings, statement_spans
from service.answer import prepare
from service.candidates import by_vectors, candidates
from service.question import read_question
from service.retrieve import retrieve

QUESTION = "How many barges passed the lock at Wexel in spring?"
TEXT = (
    "# Canals\n\nThe canal froze in January. In spring 412 barges passed the lock at Wexel. Fees were paid in copper.\n\n"
    "| Lock | Barges |\n|---|---|\n| Wexel | 412 |\n| Horn | 97 |\n"
)
OTHER = "# Mills\n\nThe mill at Horn grinds rye. It has two wheels. Nobody counts the sacks.\n"


class Words:
    """A model whose vectors count words: near is what shares them."""

    identity = "words/64"
    of_sentences = True

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, 64)."""
        self.seen += texts
        return np.stack([self._vector(text) for text in texts])

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (64,)."""
        return self._vector(text)

    @staticmethod
    def _vector(text: str) -> NDArray[np.float32]:
        vector = np.full(64, 0.01, dtype=np.float32)
        for word in text.lower().replace(".", " ").replace("|", " ").split():
            vector[hashlib.sha256(word.encode()).digest()[0] % 64] += 1
        return vector / np.float32(np.linalg.norm(vector))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Words:
    made = Words()
    monkeypatch.setattr("ingest.kb.knowledge.make_embedder", lambda _settings, _analyser: made)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    put(tmp_path / "in", "canals.md", TEXT)
    put(tmp_path / "in", "mills.md", OTHER)
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def kb(settings: Settings, model: Words, tmp_path: Path) -> Iterator[KnowledgeBase]:
    ingest_paths(settings, [tmp_path / "in"])
    opened = KnowledgeBase(settings)
    yield opened
    opened.close()


def test_every_sentence_and_row_has_a_vector_of_its_own(kb: KnowledgeBase, model: Words) -> None:
    snapshot = kb.snapshot()
    assert snapshot is not None
    found = retrieve(kb, snapshot, read_question(QUESTION, kb.analyser), top_k=10)
    assert {hit.passage.kind for hit in found.hits} >= {"paragraph", "table_row"}
    for hit in found.hits:
        spans = statement_spans(hit.passage.kind, hit.text)
        assert hit.cosines is not None
        assert len(hit.cosines) == len(spans)
        above = f"{hit.passage.heading[-1]}\n" + (f"{hit.passage.header}\n" if hit.passage.header else "")
        wanted = [Words._vector(above + hit.text[a:b]) @ model.embed_question(QUESTION) for a, b in spans]
        # Stored in half precision.
        assert hit.cosines == pytest.approx(wanted, abs=2e-3)
    known = candidates(found.hits, kb.analyser)
    assert by_vectors(known) == "with_vectors"
    assert "412" in max(known, key=lambda candidate: candidate.cosine or 0.0).text


def test_what_was_embedded_is_not_embedded_again(kb: KnowledgeBase, settings: Settings, model: Words, tmp_path: Path) -> None:
    before = len(model.seen)
    put(tmp_path / "in", "more.md", "# Ferries\n\nOne ferry runs at night.\n")
    ingest_paths(settings, [tmp_path / "in"])
    assert sorted(model.seen[before:]) == ["Ferries\nOne ferry runs at night."]


def test_without_them_the_other_models_rank_and_judge(kb: KnowledgeBase, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of a model that gives no vectors of sentences, or none at all: answers come, and the explanation is as full."""
    full = prepare(kb, QUESTION)
    assert full.ranked[0].cosine is not None
    monkeypatch.setattr(kb.catalogue, "sentence_vectors", lambda _model, _contents: {})
    bare = prepare(kb, QUESTION)
    assert bare.ranked
    assert all(candidate.cosine is None for candidate in bare.ranked)
    assert by_vectors(bare.ranked) == "without_vectors"
    assert "412" in bare.ranked[0].text
    assert set(bare.evidence.signals) == set(full.evidence.signals)


def test_vectors_of_another_splitting_are_left_aside(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = kb.catalogue.sentence_vectors

    def shorter(model: str, contents: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        return {key: rows[:-1] for key, rows in whole(model, contents).items()}

    monkeypatch.setattr(kb.catalogue, "sentence_vectors", shorter)
    found = prepare(kb, QUESTION)
    assert all(candidate.cosine is None for candidate in found.ranked)


def test_a_document_that_was_removed_a_moment_ago_costs_no_answer(kb: KnowledgeBase) -> None:
    """Its passages are in the generation still, and the snapshot no longer knows it."""
    snapshot = kb.snapshot()
    assert snapshot is not None
    gone = next(name for name, document in snapshot.documents.items() if document.file_name == "mills.md")
    del snapshot.documents[gone]
    found = prepare(kb, "How many wheels has the mill at Horn?")
    assert found.retrieval.hits
    assert all(hit.document.file_name == "canals.md" for hit in found.retrieval.hits)
