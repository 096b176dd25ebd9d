"""R8: a disk that fills up; R17: one writer; R2: readers while a writer publishes; R20: the same corpus in another order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from crash_kit import ROOT, Server, Store, check_sound, digest, texts

from ingest.build import ingest_paths
from ingest.kb.errors import LockedError
from ingest.kb.generation import lock_holder, writer_lock

NO_SPACE = 7
HOLD = """
import sys, time
from pathlib import Path
from ingest.kb.generation import Layout, writer_lock
with writer_lock(Layout(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("size", [1_000, 2_000, 5_000, 40_000, 80_000])
def test_no_space(server: Server, store: Store, size: int) -> None:
    """RLIMIT_FSIZE stands for a full disk: writing beyond it fails just so, at another stage for each size."""
    store.fill()
    store.ingest()
    old = store.served()
    store.change()
    store.put(
        "long.md",
        digest("long", 66) + "".join(f"\n## Part {n}\n\nThe share of part {n} in 2025 was {n}%. 企業也一樣。\n" for n in range(600)),
    )
    code = server.run(store, "ingest", str(store.corpus), fsize=size)
    assert code == NO_SPACE, server.said
    assert "Free some space" in server.said
    assert "Traceback" not in server.said
    assert store.served() == old
    check_sound(store)
    assert server.run(store, "ingest", str(store.corpus)) == 0, server.said
    assert len(store.served()) == 4
    check_sound(store)


def test_second_writer_is_refused(store: Store) -> None:
    store.fill()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(store.layout.data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert lock_holder(store.layout)[0]
        with pytest.raises(LockedError, match=f"pid {holder.pid} since 20"):
            ingest_paths(store.settings, [store.corpus])
        started = time.monotonic()
        with pytest.raises(LockedError):
            ingest_paths(store.settings, [store.corpus], wait_s=0.6)
        assert time.monotonic() - started >= 0.6
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    held, left = lock_holder(store.layout)
    assert not held
    assert f"pid {holder.pid}" in left, "a holder that was killed leaves its name"
    store.ingest()
    assert len(store.served()) == 3
    assert lock_holder(store.layout) == (False, "")


def test_waiting_writer_gets_its_turn(store: Store) -> None:
    store.fill()
    done = threading.Event()

    def write() -> None:
        ingest_paths(store.settings, [store.corpus], wait_s=30)
        done.set()

    thread = threading.Thread(target=write)
    with writer_lock(store.layout):
        thread.start()
        assert not done.wait(0.5)
    thread.join(30)
    assert done.is_set()


def test_readers_see_whole_generations(server: Server, store: Store) -> None:
    rounds = 30

    def put(number: int) -> None:
        for topic in ("alpha", "beta", "gamma"):
            store.put(f"{topic}.md", digest(topic, 100 + number))

    put(0)
    store.ingest()
    codes: list[int] = []

    def write() -> None:
        for number in range(1, rounds + 1):
            put(number)
            codes.append(server.run(store, "ingest", str(store.corpus)))

    thread = threading.Thread(target=write)
    thread.start()
    seen: list[int] = []
    reads = 0
    with store.reading() as kb:
        while thread.is_alive() or not reads:
            snapshot = kb.snapshot()
            assert snapshot is not None
            assert len(snapshot.documents) == 3 or kb.snapshot() is not snapshot
            try:
                found = texts(snapshot)
            except (AssertionError, KeyError):
                # Its documents are removed once a newer generation is live, never before.
                assert kb.snapshot() is not snapshot
                continue
            shares = {word for parts in found.values() for text in parts for word in text.split() if word.endswith("%")}
            assert len(found) == 3
            assert len(shares) == 1, f"a mixture of generations: {shares}"
            seen.append(int(shares.pop().rstrip("%")) - 100)
            reads += 1
    thread.join()
    assert codes == [0] * rounds
    assert seen == sorted(seen), "a reader went back to an older generation"
    assert len(set(seen)) > rounds // 3
    check_sound(store)


def test_order_does_not_matter(store: Store, tmp_path: Path) -> None:
    store.fill()
    other = Store(tmp_path / "other")
    other.fill()
    store.ingest()
    for name in ("gamma", "alpha", "beta"):
        ingest_paths(other.settings, [other.corpus / f"{name}.md"])

    def ids(some: Store) -> dict[str, str]:
        with some.reading() as kb:
            return {passage.id: text for passage, text in kb.catalogue.passages_of(list(kb.catalogue.documents()))}

    assert ids(store) == ids(other)
    assert store.served() == other.served()
