"""R5: a service over a damaged index starts, answers, says what is missing, and has it built again by itself."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from crash_kit import Store, check_sound
from damage import DAMAGES, dense_settings
from service_kit import Client, Served, served, serving

from ingest.build import ingest_paths
from ingest.kb import Settings

pytest_plugins = ("service_kit",)

ASKED = {"query": "What is the share of number 5?", "top_k": 5}
# What the dense leg alone needs, of which the words are independent.
VECTORS = ("vectors.npy", "chroma.sqlite3", "data_level0.bin", "header.bin", "length.bin", "link_lists.bin")
INDEX = ("CURRENT", "kb.json", "segment.json", "ids.npy", "meta.json")
KINDS = ("empty", "first percent", "half", "last percent", "bits", "hole", "gone")
LIMIT_S = 5.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with vectors and a Chroma collection, to be copied."""
    store = Store(tmp_path_factory.mktemp("mending"))
    store.fill()
    for number in range(12):
        store.put(f"more-{number}.md", f"# More {number}\n\nThe share of number {number} is {number * 7}%. 企業 {number} 也是。\n")
    ingest_paths(dense_settings(store), [store.corpus])
    return store


def damaged(whole: Store, store: Store, name: str, damage: str) -> Path | None:
    """Copy the store and damage one file of it; None if it has no such file, or one of no bytes that the damage would leave as it is."""
    shutil.copytree(whole.layout.data_dir, store.layout.data_dir)
    found = sorted(path for path in store.layout.data_dir.rglob(name) if path.is_file())
    if not found or (not found[0].stat().st_size and damage not in ("gone", "hole")):
        return None
    DAMAGES[damage](found[0])
    return found[0]


async def until_mended(client: Client, seconds: float = 60.0) -> list[tuple[str, str]]:
    """Wait until every part is well after something was built again; return the kinds and states of all jobs."""
    until = time.monotonic() + seconds
    jobs = client.app.state.wenju.jobs._jobs
    while time.monotonic() < until:
        response = await client.get("/readyz")
        done = bool(jobs) and all(job.state in ("done", "failed") for job in jobs.values())
        if done and response.status_code == 200 and response.json()["status"] == "ok":
            assert response.json()["documents"] == 15
            return [(job.kind, job.state) for job in jobs.values()]
        await asyncio.sleep(0.2)
    raise AssertionError(f"{list(jobs.values())}: {response.text}")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("CURRENT", "gone"),
        ("CURRENT", "bits"),
        ("kb.json", "half"),
        ("ids.npy", "bits"),
        ("vectors.npy", "empty"),
        ("chroma.sqlite3", "half"),
    ],
)
async def test_the_service_mends_its_index(whole: Store, store: Store, name: str, damage: str) -> None:
    assert damaged(whole, store, name, damage)
    async with serving(dense_settings(store)) as client:
        assert await until_mended(client) == [("rebuild", "done")]
        assert (await client.post("/v1/search", json=ASKED)).json()["data"]
        await asyncio.sleep(1.5)
        assert len(client.app.state.wenju.jobs._jobs) == 1, "built once, not again and again"
    check_sound(store)


async def test_a_read_only_service_answers_from_words_and_mends_nothing(whole: Store, store: Store) -> None:
    damaged(whole, store, "vectors.npy", "bits")
    settings = Settings(data_dir=store.layout.data_dir, embedding=dense_settings(store).embedding, service={"read_only": True})
    async with serving(settings) as client:
        await asyncio.sleep(2)
        found = await client.post("/v1/ask", json={"question": ASKED["query"]})
        assert found.json()["retrieval"]["degraded"] == ["vector"]
        ready = (await client.get("/readyz")).json()
        assert (ready["status"], ready["parts"]["vector"]) == ("degraded", "degraded")
        assert not client.app.state.wenju.jobs._jobs
    assert [path.name for path in store.layout.generations.iterdir()] == [path.name for path in whole.layout.generations.iterdir()]


async def test_what_another_version_built_is_left_alone(whole: Store, store: Store) -> None:
    """Another lexicon is no damage: building all again is for a person to ask for."""
    shutil.copytree(whole.layout.data_dir, store.layout.data_dir)
    extra = store.home / "lexicon"
    extra.mkdir()
    (extra / "more.tsv").write_text("en\tzh-Hant\tzh-Hans\nwidget\t小工具\t小工具\n", "utf-8")
    settings = Settings(data_dir=store.layout.data_dir, embedding=dense_settings(store).embedding, lexicon_dirs=[extra])
    async with serving(settings) as client:
        await asyncio.sleep(2)
        response = await client.post("/v1/search", json=ASKED)
        assert (response.status_code, response.json()["code"]) == (503, "knowledge_base")
        assert "wenju ingest" in response.json()["hint"]
        assert response.headers["retry-after"]
        assert not client.app.state.wenju.jobs._jobs


def first_answer(running: Served, began: float, expect: Callable[[httpx.Response], bool]) -> float:
    with httpx.Client(base_url=running.url, trust_env=False, timeout=20) as client:
        while time.monotonic() - began < 60:
            assert running.process.poll() is None, f"the service died with {running.process.returncode}"
            if expect(client.post("/v1/search", json=ASKED)):
                return time.monotonic() - began
            time.sleep(0.05)
    raise AssertionError("no answer within a minute")


@pytest.mark.crash
@pytest.mark.parametrize("damage", KINDS)
@pytest.mark.parametrize("name", [*INDEX, *VECTORS])
def test_a_service_in_a_process_of_its_own(whole: Store, store: Store, name: str, damage: str, repository: Path) -> None:
    """It never dies, answers from words at once where only vectors are hurt, and is whole again without a person."""
    path = damaged(whole, store, name, damage)
    if path is None:
        pytest.skip(f"this index has no {name}, or nothing in it")
    here = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH", ""))))
    settings = {"WENJU_EMBEDDING__PROVIDER": "mock_embedding:Hashed", "WENJU_EMBEDDING__OPTIONS__DIMENSION": "24", "PYTHONPATH": here}
    with served(store.layout.data_dir, store.home / "log", **settings) as running:
        began = time.monotonic()
        answered = first_answer(running, began, lambda response: response.status_code == 200 and bool(response.json()["data"]))
        while time.monotonic() - began < 60:
            ready = httpx.get(f"{running.url}/readyz", trust_env=False, timeout=20)
            log = running.log.read_text("utf-8")
            if ready.json()["status"] == "ok" and ready.json()["generation"] != "gen-000001":
                break
            time.sleep(0.1)
        mended = time.monotonic() - began
        assert ready.json()["documents"] == 15
        assert running.process.poll() is None
    noticed = "the index is damaged" in log
    report = repository / "build" / "mending.json"
    report.parent.mkdir(exist_ok=True)
    known = json.loads(report.read_text("utf-8")) if report.exists() else {}
    known[f"{name}, {damage}"] = {"noticed": noticed, "answered_s": round(answered, 2), "whole_s": round(mended, 2)}
    report.write_text(json.dumps(known, indent=1), "utf-8")
    assert noticed
    if name in VECTORS:
        assert answered < LIMIT_S
    check_sound(store)
