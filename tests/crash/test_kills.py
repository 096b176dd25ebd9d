"""R1: kill -9 at random moments of an ingest; a few in the ordinary run, a hundred by ``make crash``, which writes build/crash.json."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from crash_kit import Server, Store, check_sound, digest

SEED = 20_260_701


def versions(store: Store, corpus: dict[str, int]) -> dict[str, list[str]]:
    """Write the files of a corpus and return what a reader will see once they are published, by title."""
    for path in store.corpus.glob("*.md"):
        if path.stem not in corpus:
            path.unlink()
    for topic, share in corpus.items():
        store.put(f"{topic}.md", digest(topic, share))
    return {f"Report on {topic}": [f"{share}%", f"百分之{share}"] for topic, share in sorted(corpus.items())}


def is_state(served: dict[str, list[str]], state: dict[str, list[str]]) -> bool:
    return list(served) == list(state) and all(mark in " ".join(served[title]) for title, marks in state.items() for mark in marks)


def kill_again_and_again(server: Server, store: Store, times: int) -> Counter[str]:
    chance = random.Random(SEED)
    corpus = {f"topic{number}": number + 10 for number in range(6)}
    live = versions(store, corpus)
    assert server.run(store, "ingest", str(store.corpus)) == 0
    usual = float(server.last["seconds"])
    count: Counter[str] = Counter()
    number = 0
    while count["killed"] < times:
        number += 1
        for _ in range(chance.randint(1, 3)):
            corpus[f"topic{chance.randrange(9)}"] = chance.randint(100, 999)
        if len(corpus) > 5:
            corpus.pop(chance.choice(sorted(corpus)))
        wanted = versions(store, corpus)
        code = server.run(store, "ingest", str(store.corpus), kill_after=chance.uniform(0.05, 1.1) * usual)
        count["killed" if code == -9 else "ended before"] += 1
        assert code in (0, -9), f"kill {number} (seed {SEED}): {server.said}"
        served = store.served()
        if is_state(served, wanted):
            live = wanted
            count["new generation served"] += 1
        else:
            assert code == -9, "an acknowledged generation is not served"
            assert is_state(served, live), f"kill {number} (seed {SEED}): half of a generation is served: {list(served)}"
            count["old generation served"] += 1
        check_sound(store)
    assert server.run(store, "ingest", str(store.corpus)) == 0
    assert is_state(store.served(), wanted)
    check_sound(store)
    return count


def test_a_few(server: Server, store: Store) -> None:
    kill_again_and_again(server, store, 6)


@pytest.mark.crash
def test_a_hundred(server: Server, store: Store, repository: Path) -> None:
    started = time.monotonic()
    count = kill_again_and_again(server, store, 100)
    report = {
        "seed": SEED,
        **count,
        "acknowledged lost": 0,
        "half-visible": 0,
        "unopenable": 0,
        "seconds": round(time.monotonic() - started),
    }
    path = repository / "build" / "crash.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
