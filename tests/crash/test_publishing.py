"""R2: fifty questions a second over HTTP while another process publishes: each answer comes from one whole generation, and in time.

R3: what was cut off is taken up again, and ends as if it had not been. R4: a restart and a rebuild change no answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from crash_kit import ROOT, Server, Store, check_sound, digest
from damage import dense_settings
from service_kit import served

from ingest.build import ingest_paths, publish_catalogue
from ingest.kb.generation import current_generation
from ingest.kb.knowledge import KnowledgeBase

pytest_plugins = ("service_kit",)

TOPICS = ("alpha", "beta", "gamma", "delta", "epsilon")
PER_SECOND = 50
KILLED = -9


def put(store: Store, number: int) -> None:
    for topic in TOPICS:
        store.put(f"{topic}.md", digest(topic, 1000 + number))


class Manifests:
    """What each generation held: its documents, and the number that all of them speak of."""

    def __init__(self) -> None:
        self.documents: dict[str, set[str]] = {}
        self.number: dict[str, int] = {}

    def note(self, store: Store, number: int) -> None:
        generation = current_generation(store.layout)
        assert generation is not None
        self.documents[generation.name] = set(generation.documents)
        self.number[generation.name] = number


async def ask(client: httpx.AsyncClient, answers: list[dict[str, Any]], times: list[float]) -> None:
    began = time.monotonic()
    response = await client.post("/v1/search", json={"query": "What share of all firms did it reach?", "top_k": 20})
    times.append(time.monotonic() - began)
    answers.append({"status": response.status_code, **response.json()})


async def ask_for(client: httpx.AsyncClient, going_on: Any) -> tuple[list[dict[str, Any]], list[float]]:
    """Ask at an even pace, whether or not the last answer is there, for as long as a function says."""
    answers: list[dict[str, Any]] = []
    times: list[float] = []
    tasks = []
    due = time.monotonic()
    while going_on():
        tasks.append(asyncio.create_task(ask(client, answers, times)))
        due += 1 / PER_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    await asyncio.gather(*tasks)
    return answers, times


def mixtures(answers: list[dict[str, Any]], manifests: Manifests) -> tuple[int, int]:
    """Return how many answers were no success, and how many hold what their generation does not."""
    errors = sum(answer["status"] != 200 for answer in answers)
    mixed = 0
    for answer in answers:
        if answer["status"] == 200:
            documents = {hit["document_id"] for hit in answer["data"]}
            text = " ".join(hit["text"] for hit in answer["data"])
            number = str(1000 + manifests.number[answer["generation"]])
            shares = {word.rstrip("%") for word in text.split() if word.endswith("%")}
            mixed += not documents <= manifests.documents[answer["generation"]] or not shares <= {number}
    return errors, mixed


async def publish_under_questions(server: Server, store: Store, publishes: int, tmp_path: Path) -> dict[str, Any]:
    put(store, 0)
    store.ingest()
    manifests = Manifests()
    manifests.note(store, 0)
    settings = {"WENJU_SERVICE__RATE_PER_MINUTE": "0", "WENJU_SERVICE__MAX_CONCURRENCY": "2000"}
    codes: list[int] = []

    def write() -> None:
        for number in range(1, publishes + 1):
            put(store, number)
            codes.append(server.run(store, "ingest", str(store.corpus)))
            manifests.note(store, number)

    with served(store.layout.data_dir, tmp_path / "log", **settings) as running:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=60, limits=limits) as client:
            await ask_for(client, _for(2.0))
            _, quiet = await ask_for(client, _for(8.0))
            writer = threading.Thread(target=write)
            writer.start()
            answers, busy = await ask_for(client, writer.is_alive)
            writer.join()
    assert codes == [0] * publishes
    errors, mixed = mixtures(answers, manifests)
    check_sound(store)
    return {
        "publishes": publishes,
        "answers": len(answers),
        "generations seen": len({answer.get("generation") for answer in answers}),
        "errors": errors,
        "mixed": mixed,
        "quiet_p50_ms": round(float(np.percentile(quiet, 50)) * 1000, 1),
        "quiet_p99_ms": round(float(np.percentile(quiet, 99)) * 1000, 1),
        "busy_p50_ms": round(float(np.percentile(busy, 50)) * 1000, 1),
        "busy_p99_ms": round(float(np.percentile(busy, 99)) * 1000, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def _for(seconds: float) -> Any:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until


async def test_answers_while_another_process_publishes(server: Server, store: Store, tmp_path: Path) -> None:
    report = await publish_under_questions(server, store, 5, tmp_path)
    assert (report["errors"], report["mixed"]) == (0, 0), report
    assert report["generations seen"] >= 3


@pytest.mark.crash
async def test_fifty_publishes(server: Server, store: Store, tmp_path: Path, repository: Path) -> None:
    report = await publish_under_questions(server, store, 50, tmp_path)
    keep(repository, "publishing", report)
    assert (report["errors"], report["mixed"]) == (0, 0), report
    assert report["generations seen"] >= 25
    assert report["busy_p99_ms"] <= 2 * report["quiet_p99_ms"], report


def keep(repository: Path, name: str, report: dict[str, Any]) -> None:
    path = repository / "build" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


# ---- R3 ------------------------------------------------------------------------------------------------------------------------------


def content(store: Store) -> dict[str, tuple[str, bytes]]:
    """Return every live passage's text and vector, by its id."""
    kb = KnowledgeBase(dense_settings(store))
    try:
        snapshot = kb.snapshot()
        assert snapshot is not None
        found: dict[str, tuple[str, bytes]] = {}
        for segment in snapshot.open_segments:
            assert segment.dense is not None
            ids = [name.decode() for name in segment.ids]
            texts = kb.catalogue.passages(ids)
            found |= {name: (texts[name][1], segment.dense.vectors[place].tobytes()) for place, name in enumerate(ids) if name in texts}
        return found
    finally:
        kb.close()


def test_what_was_cut_off_is_taken_up_again(server: Server, store: Store, tmp_path: Path) -> None:
    batch = 4
    embedding = {
        "WENJU_EMBEDDING__PROVIDER": "mock_embedding:Hashed",
        "WENJU_EMBEDDING__OPTIONS__DIMENSION": "24",
        "WENJU_EMBEDDING__BATCH_SIZE": str(batch),
    }
    whole = Store(tmp_path / "whole")
    for each in (store, whole):
        put(each, 7)
    summary = ingest_paths(dense_settings(whole), [whole.corpus])
    assert summary.embedded > 2 * batch
    assert server.run(store, "ingest", str(store.corpus), env={**embedding, "WENJU_CRASH_AT": "during_embedding"}) == KILLED, server.said
    again = ingest_paths(dense_settings(store), [store.corpus])
    assert summary.embedded - again.embedded >= batch, "what was embedded before the end is not embedded again"
    assert {result.outcome for result in again.files} == {"unchanged"}, "no file is read again"
    assert content(store) == content(whole)
    third = ingest_paths(dense_settings(store), [store.corpus])
    assert (third.embedded, third.generation) == (0, again.generation)


# ---- R4 ------------------------------------------------------------------------------------------------------------------------------


def ranked(store: Store, questions: int) -> dict[str, Any]:
    """Return what a fresh process finds for every question, with its recall of the exact search."""
    here = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
    command = [sys.executable, str(Path(__file__).with_name("ranking.py")), str(store.layout.data_dir), str(questions)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": here}, capture_output=True, text=True, check=False, cwd=store.home)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def restart(store: Store, questions: int) -> dict[str, Any]:
    files = sorted((ROOT / "corpus" / "digests").rglob("*.md"))
    for path in files[:: max(1, len(files) // 24)]:
        store.put(f"{path.parent.name}-{path.name}", path.read_text("utf-8"))
    ingest_paths(dense_settings(store), [store.corpus])
    before, after = ranked(store, questions), ranked(store, questions)
    publish_catalogue(dense_settings(store), rebuild=True)
    rebuilt = ranked(store, questions)
    assert len(before["found"]) == 3 * questions
    assert before["found"] == after["found"]
    assert before["found"] == rebuilt["found"]
    assert before["recall"] == after["recall"]
    assert before["recall"] >= 0.99
    return {"questions": len(before["found"]), "passages": before["passages"], "recall_at_10": before["recall"], "differences": 0}


def test_a_restart_and_a_rebuild_change_no_answer(store: Store) -> None:
    restart(store, 6)


@pytest.mark.crash
def test_two_hundred_questions_in_each_language_after_a_restart(store: Store, repository: Path) -> None:
    keep(repository, "restart", restart(store, 200))
