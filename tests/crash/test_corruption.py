"""R5: whatever happens to a file of the index, it is noticed before an engine opens it, and the index is built again from the catalogue."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from crash_kit import Store, check_sound
from damage import DAMAGES, cut, dense_settings

from ingest.build import ingest_paths, publish_catalogue
from ingest.kb.chroma_copy import StoreCopies, abandoned_copies
from ingest.kb.errors import KnowledgeBaseError
from ingest.kb.generation import Layout, segment_faults, store_faults
from ingest.kb.knowledge import KnowledgeBase
from ingest.kb.vectors import probe_store


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that nothing is wrong with, to be copied."""
    store = Store(tmp_path_factory.mktemp("whole"))
    store.fill()
    store.ingest()
    return store


def segment_files(layout: Layout) -> list[Path]:
    folder = next(layout.segments.iterdir())
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock" and "chroma" not in path.parts]


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_file_of_a_segment(whole: Store, store: Store, damage: str) -> None:
    shutil.copytree(whole.layout.data_dir, store.layout.data_dir)
    paths = [path for path in segment_files(store.layout) if path.stat().st_size]
    assert len(paths) > 12
    segment = next(store.layout.segments.iterdir())
    with store.reading() as kb:
        for path in paths:
            before = path.read_bytes()
            DAMAGES[damage](path)
            assert segment_faults(segment, deep=True), f"{path.name} {damage}: not noticed"
            with pytest.raises(KnowledgeBaseError) as caught:
                kb.snapshot()
            assert "doctor --fix" in caught.value.hint
            if path is not paths[-1]:
                path.write_bytes(before)
    publish_catalogue(store.settings, rebuild=True)
    assert store.served() == whole.served()
    check_sound(store)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["CURRENT", "kb.json"])
def test_pointer_and_generation(whole: Store, store: Store, name: str, damage: str) -> None:
    expected = whole.served()
    shutil.copytree(whole.layout.data_dir, store.layout.data_dir)
    path = store.layout.current if name == "CURRENT" else next(store.layout.generations.rglob("kb.json"))
    DAMAGES[damage](path)
    if name == "CURRENT" and damage == "gone":
        assert store.served() == {}
    else:
        with pytest.raises(KnowledgeBaseError):
            store.served()
    publish_catalogue(store.settings, rebuild=True)
    assert store.served() == expected
    check_sound(store)


def test_one_changed_character(whole: Store, store: Store) -> None:
    """Still JSON, but with another document in it: noticed all the same."""
    for number, name in enumerate(("kb.json", "segment.json")):
        copy = Store(store.home / str(number))
        shutil.copytree(whole.layout.data_dir, copy.layout.data_dir)
        path = next(copy.layout.data_dir.rglob(name))
        text = path.read_text("utf-8")
        at = text.index('"doc_') + 8
        path.write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :], "utf-8")
        with pytest.raises(KnowledgeBaseError):
            copy.served()


def test_pointer_to_elsewhere(whole: Store, store: Store) -> None:
    shutil.copytree(whole.layout.data_dir, store.layout.data_dir)
    for text in ("../../etc", "/etc", "gen-1/../gen-000001", "gen-000001\0", ""):
        store.layout.current.write_text(text, "utf-8")
        with pytest.raises(KnowledgeBaseError):
            store.served()


def test_ordinary_ingest_mends_what_is_cut_off(whole: Store, store: Store) -> None:
    shutil.copytree(whole.layout.data_dir, store.layout.data_dir)
    cut(0.5)(segment_files(store.layout)[0])
    ingest_paths(store.settings, [whole.corpus])
    assert store.served() == whole.served()
    check_sound(store)


def test_damaged_catalogue(whole: Store, store: Store) -> None:
    shutil.copytree(whole.layout.data_dir, store.layout.data_dir)
    store.layout.catalogue.write_bytes(b"no database at all, but long enough to look like a file" * 100)
    with pytest.raises(KnowledgeBaseError, match="cannot be read") as caught:
        store.served()
    assert "restore" in caught.value.hint


# ---- vectors and Chroma --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with vectors and a Chroma collection, to be copied."""
    store = Store(tmp_path_factory.mktemp("dense"))
    store.fill()
    for number in range(12):
        store.put(f"more-{number}.md", f"# More {number}\n\nThe share of number {number} is {number * 7}%. 企業 {number} 也是。\n")
    ingest_paths(dense_settings(store), [store.corpus])
    return store


def damaged_copy(dense: Store, store: Store, name: str, damage: str) -> Path:
    shutil.copytree(dense.layout.data_dir, store.layout.data_dir)
    path = next(store.layout.segments.rglob(name))
    if path.stat().st_size or damage in ("gone", "hole"):
        DAMAGES[damage](path)
    return path


def ask(store: Store) -> tuple[list[str], int, bool]:
    """Open Chroma as a service does and ask; returns its faults, the passages found, and whether the answer says that it is degraded."""
    kb = KnowledgeBase(dense_settings(store))
    try:
        faults = kb.open_stores()
        snapshot = kb.snapshot()
        assert snapshot is not None
        assert kb.embedder is not None
        hits = snapshot.dense(kb.embedder.embed_question("share"), limit=5)
        assert np.all(np.diff(hits.scores) <= 0)
        return faults, len(hits.refs), hits.degraded
    finally:
        kb.close()


def test_whole_chroma(dense: Store, store: Store) -> None:
    shutil.copytree(dense.layout.data_dir, store.layout.data_dir)
    for _ in range(2):
        assert ask(store) == ([], 5, False)


def test_torn_chroma_answers_exactly_and_says_so(dense: Store, store: Store) -> None:
    damaged_copy(dense, store, "chroma.sqlite3", "half")
    faults, found, degraded = ask(store)
    assert faults
    assert found == 5
    assert degraded
    publish_catalogue(dense_settings(store), rebuild=True)
    assert ask(store) == ([], 5, False)


def test_runaway_file(dense: Store, store: Store) -> None:
    """The known end of an HNSW index that was killed while it was written: a file of terabytes, all of it hole."""
    path = damaged_copy(dense, store, "link_lists.bin", "empty")
    os.truncate(path, 3_000_000_000_000)
    assert "bytes" in probe_store(path.parents[1], 18)


def test_damaged_vectors_leave_the_words(dense: Store, store: Store) -> None:
    damaged_copy(dense, store, "vectors.npy", "bits")
    faults, found, degraded = ask(store)
    assert "vectors.npy" in faults[0]
    assert found == 0
    assert degraded
    store_hits = Store(store.home)
    assert len(store_hits.served()) == 15


def test_opening_chroma_leaves_its_files_as_they_were_written(dense: Store, store: Store) -> None:
    """Chroma rewrites what it opens: only a copy is opened, which goes with its process, however that ends."""
    shutil.copytree(dense.layout.data_dir, store.layout.data_dir)
    segment = next(store.layout.segments.iterdir())
    assert len(list((segment / "chroma").rglob("*.bin"))) == 4
    for _ in range(2):
        assert ask(store) == ([], 5, False)
        assert store_faults(segment) == []
    assert list(store.layout.stores.iterdir()) == []
    left = StoreCopies(store.layout)
    assert abandoned_copies(store.layout) == []
    left._held.close()  # as when its process is killed
    assert abandoned_copies(store.layout) == [left.folder]
    assert ask(store) == ([], 5, False)
    assert list(store.layout.stores.iterdir()) == []


def test_a_file_that_no_ingest_wrote_is_noticed(dense: Store, store: Store) -> None:
    """A journal beside the database would be played back into it."""
    shutil.copytree(dense.layout.data_dir, store.layout.data_dir)
    next(store.layout.segments.rglob("chroma.sqlite3")).with_name("chroma.sqlite3-journal").write_bytes(bytes(512))
    faults, found, degraded = ask(store)
    assert "chroma.sqlite3-journal" in faults[0]
    assert (found, degraded) == (5, True)


CHROMA = ("chroma.sqlite3", "data_level0.bin", "header.bin", "length.bin", "link_lists.bin")


def damage_of_chroma(dense: Store, store: Store, name: str, damage: str) -> str:
    """Damage a file of Chroma, ask, and build it again; return what was noticed."""
    expected = ask(dense)[1]
    path = damaged_copy(dense, store, name, damage)
    if path.exists() and not path.stat().st_size and not next(dense.layout.segments.rglob(name)).stat().st_size:
        return "empty as it was written"
    faults, found, degraded = ask(store)
    assert faults, f"{name} {damage}: not noticed"
    assert (found, degraded) == (expected, True)
    publish_catalogue(dense_settings(store), rebuild=True)
    assert ask(store) == ([], 5, False)
    return faults[0]


@pytest.mark.parametrize(("name", "damage"), list(zip(CHROMA, ("bits", "bits", "last percent", "gone", "hole"), strict=True)))
def test_a_file_of_chroma(dense: Store, store: Store, name: str, damage: str) -> None:
    damage_of_chroma(dense, store, name, damage)


@pytest.mark.crash
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", CHROMA)
def test_every_file_of_chroma(dense: Store, store: Store, name: str, damage: str, repository: Path) -> None:
    """Every damage is noticed before Chroma opens the file; this process survives and gives the right passages meanwhile."""
    noticed = damage_of_chroma(dense, store, name, damage)
    report = repository / "build" / "corruption.json"
    report.parent.mkdir(exist_ok=True)
    known = json.loads(report.read_text("utf-8")) if report.exists() else {}
    report.write_text(json.dumps({**known, f"{name}, {damage}": noticed}, indent=1), "utf-8")
