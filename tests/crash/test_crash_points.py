"""R1, R3: a run that is killed at any named point leaves the old generation or the new one, and the next run finishes its work."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from crash_kit import ROOT, Server, Store, check_sound, crash_points, digest

from ingest.build import publish_catalogue

KILLED = -9
# A point, and whether the new generation is live once it is reached.
INGEST_POINTS = {
    "before_catalogue": False,
    "after_catalogue": False,
    "after_forget": False,
    "after_lexical": False,
    "before_segment_rename": False,
    "after_segment_rename": False,
    "before_swap": False,
    "after_swap": True,
    "after_removal": True,
}
REMOVAL_POINTS = {"after_mark_removed": False, "before_swap": False, "after_swap": True, "after_removal": True}
EMBEDDING_POINTS = {"during_embedding": False, "after_vectors": False}


def test_every_point_is_tried() -> None:
    assert crash_points() == {*INGEST_POINTS, *REMOVAL_POINTS, *EMBEDDING_POINTS}


def originals(store: Store) -> set[str]:
    return {path.name for path in store.layout.originals.iterdir()}


@pytest.mark.parametrize(("point", "published"), INGEST_POINTS.items())
def test_ingest(server: Server, store: Store, point: str, published: bool) -> None:
    store.fill()
    store.ingest()
    old = store.served()
    store.change()
    assert server.run(store, "ingest", str(store.corpus), env={"WENJU_CRASH_AT": point}) == KILLED
    between = store.served()
    if not published:
        assert between == old
    check_sound(store)

    store.ingest()
    new = store.served()
    assert list(new) == ["Report on alpha", "Report on delta", "Report on gamma"]
    assert any("55%" in text for text in new["Report on alpha"])
    assert between in (old, new)
    check_sound(store)
    assert len(originals(store)) == 3
    again = store.layout.current.read_text("utf-8")
    store.ingest()
    assert store.layout.current.read_text("utf-8") == again, "a run with nothing to do publishes nothing"


@pytest.mark.parametrize("point", ["before_catalogue", "after_catalogue", "after_lexical", "before_swap", "after_swap"])
def test_first_ingest(server: Server, store: Store, point: str) -> None:
    store.fill()
    assert server.run(store, "ingest", str(store.corpus), env={"WENJU_CRASH_AT": point}) == KILLED
    assert len(store.served()) in (0, 3)
    check_sound(store)
    store.ingest()
    assert len(store.served()) == 3
    check_sound(store)


@pytest.mark.parametrize(("point", "published"), REMOVAL_POINTS.items())
def test_removal(server: Server, store: Store, point: str, published: bool) -> None:
    store.fill()
    store.ingest()
    with store.reading() as kb:
        gone = next(document for document in kb.catalogue.documents().values() if document.file_name == "beta.md")
    assert server.run(store, "documents", "remove", gone.id, env={"WENJU_CRASH_AT": point}) == KILLED
    assert ("Report on beta" in store.served()) is not published
    check_sound(store)

    publish_catalogue(store.settings)
    assert list(store.served()) == ["Report on alpha", "Report on gamma"]
    assert gone.sha256 not in originals(store)
    with store.reading() as kb:
        assert gone.id not in kb.catalogue.documents()
    check_sound(store)


def test_reread_after_a_crash(server: Server, store: Store) -> None:
    """Passages of other sizes under the same document: the next run must not take the old segment for whole."""
    store.fill()
    store.ingest()
    sizes = {"WENJU_RETRIEVAL__PASSAGE_CHARS_EN": "60", "WENJU_RETRIEVAL__PASSAGE_CHARS_ZH": "16"}
    assert server.run(store, "ingest", str(store.corpus), env={**sizes, "WENJU_CRASH_AT": "after_lexical"}) == KILLED
    assert server.run(store, "ingest", str(store.corpus), env=sizes) == 0
    assert len(store.served()) == 3
    check_sound(store)


def test_real_command(store: Store) -> None:
    """The same through ``python wenju.py`` and the reading processes, once."""
    store.put("alpha.md", digest("alpha", 11))
    environment = os.environ | store.environment()
    command = [sys.executable, "wenju.py", "ingest", str(store.corpus)]
    killed = subprocess.run(command, cwd=ROOT, env=environment | {"WENJU_CRASH_AT": "before_swap"}, capture_output=True, check=False)
    assert killed.returncode == KILLED
    assert store.served() == {}
    store.ingest()
    assert list(store.served()) == ["Report on alpha"]
    check_sound(store)


@pytest.mark.crash
@pytest.mark.parametrize("point", EMBEDDING_POINTS)
def test_embedding(server: Server, store: Store, point: str) -> None:
    store.fill()
    embedded = {"WENJU_EMBEDDING__PROVIDER": "embedded"}
    assert server.run(store, "ingest", str(store.corpus), env=embedded) == 0
    old = store.served()
    store.change()
    assert server.run(store, "ingest", str(store.corpus), env={**embedded, "WENJU_CRASH_AT": point}) == KILLED
    assert store.served() == old
    check_sound(store)
    assert server.run(store, "ingest", str(store.corpus), env=embedded) == 0, server.said
    assert len(store.served()) == 3
    check_sound(store)
