"""A reader that a writer overtakes: what was collected under its hands is no damage, and the next generation is whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crash_kit import Store
from damage import dense_settings

from ingest.build import ingest_paths, publish_catalogue
from ingest.kb import damage, generation, knowledge, snapshot
from ingest.kb.chroma_copy import examine_store
from ingest.kb.damage import damage_of
from ingest.kb.generation import collect_garbage, current_generation
from ingest.kb.knowledge import KnowledgeBase


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("overtaken"))
    store.fill()
    ingest_paths(dense_settings(store), [store.corpus])
    return store


@pytest.fixture
def copied(dense: Store, store: Store) -> Store:
    shutil.copytree(dense.layout.data_dir, store.layout.data_dir)
    return store


def once(store: Store, called: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that, the first time it is called, publishes anew and collects what was before, then calls the one given."""
    left = [True]

    def overtaken(*args: Any, **options: Any) -> Any:
        if left:
            left.clear()
            publish_catalogue(dense_settings(store), rebuild=True)
            collect_garbage(store.layout, keep=1)
        return called(*args, **options)

    return overtaken


def whole(kb: KnowledgeBase) -> bool:
    live = kb.snapshot()
    return live is not None and live.generation.name == "gen-000002" and all(segment.dense for segment in live.open_segments)


def test_a_snapshot_whose_vectors_are_collected_while_it_is_opened_is_that_of_the_next_generation(
    copied: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = snapshot.OpenSegment.__init__
    kept = copied.home / "kept"
    shutil.copytree(copied.layout.segments, kept)

    def half_collected(self: Any, folder: Path, **options: Any) -> None:
        """What a reader sees in the middle of a removal that began with the vectors."""
        real(self, folder if folder.exists() else kept / folder.name, **options)
        if not folder.exists():
            self.vector_fault = self.store_fault = "vectors.npy cannot be read: No such file or directory"
            self.dense = None

    monkeypatch.setattr(snapshot.OpenSegment, "__init__", once(copied, half_collected))
    kb = KnowledgeBase(dense_settings(copied))
    assert whole(kb)
    assert kb.open_stores() == []
    kb.close()


def test_stores_that_are_collected_while_they_are_opened_are_no_faults(copied: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kb = KnowledgeBase(dense_settings(copied))
    kb.snapshot()
    monkeypatch.setattr(knowledge, "examine_store", once(copied, examine_store))
    assert kb.open_stores() == []
    assert whole(kb)
    assert all(segment.dense.store_open for segment in kb.snapshot().open_segments)  # type: ignore[union-attr]
    kb.close()


def test_segments_that_are_collected_while_they_are_looked_at_are_no_damage(copied: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kb = KnowledgeBase(dense_settings(copied))
    monkeypatch.setattr(damage, "segment_faults", once(copied, generation.segment_faults))
    assert damage_of(copied.layout, kb.catalogue) == ""
    (entry,) = current_generation(copied.layout).segments  # type: ignore[union-attr]
    (copied.layout.segments / entry.name / "vectors.npy").unlink()
    assert "vectors.npy" in damage_of(copied.layout, kb.catalogue)
    kb.close()


def test_a_generation_that_is_collected_between_pointer_and_file_is_passed_over(copied: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "read_generation", once(copied, generation.read_generation))
    live = current_generation(copied.layout)
    assert live is not None
    assert live.name == "gen-000002"
