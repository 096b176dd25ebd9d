"""Mutated files through a whole ingest: each is read or named with its reason; nothing else dies, hangs or is lost.

A short run goes with the ordinary tests; the long one (``make fuzz``: 2,000 files) writes ``build/fuzz_files.json``. ``FUZZ_SEED`` repeats
or varies it. A file that breaks a promise is kept in ``build/fuzz/``.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fuzzing
import makers
import pytest

from ingest.build import ingest_paths
from ingest.kb.knowledge import KnowledgeBase
from ingest.kb.settings import Settings
from ingest.kb.worker import close_workers

SEED = int(os.environ.get("FUZZ_SEED", "1"))
PARTS, FILES = 20, 100
# What a file may fail with; the reason of all else would be a fault of ours.
CODES = {"unreadable", "no_text", "unsupported", "locked_file", "limit"}


def ingest_mutants(folder: Path, seed: int, count: int) -> dict[str, Any]:
    """Ingest so many mutants and return the figures; what breaks a promise is kept and raises."""
    dice = random.Random(seed)
    files = fuzzing.seeds()
    paths = []
    for number in range(count):
        name, data = fuzzing.mutated(dice, files)
        paths.append(makers.put(folder / "in", f"{number:03}-{name}", data))
    settings = Settings(
        data_dir=folder / "data", embedding={"provider": "none"}, read={"ocr": "off", "timeout_s": 10, "memory_mb": 900, "max_pages": 200}
    )
    started = time.monotonic()
    try:
        summary = ingest_paths(settings, paths)
        faults = check(settings, summary, paths)
    except BaseException:
        keep(paths, seed)
        raise
    if faults:
        keep([path for path in paths if any(path.name in fault for fault in faults)], seed)
    assert not faults, faults
    codes = Counter(result.code or "read" for result in summary.files)
    died = sum("process died" in result.reason for result in summary.failed)
    return {
        "files": count,
        "parent_deaths": 0,
        "child_deaths": died,
        "outcomes": dict(codes),
        "seconds": round(time.monotonic() - started, 1),
    }


def check(settings: Settings, summary: Any, paths: Sequence[Path]) -> list[str]:
    """Return what is wrong after an ingest: files without an outcome, reasons without a name, pages that do not hold together."""
    faults = [f"{path.name}: has no outcome" for path in paths if str(path) not in {result.path for result in summary.files}]
    for result in summary.failed:
        name = Path(result.path).name
        if result.code not in CODES or name not in result.reason or not result.hint:
            faults.append(f"{name}: {result.code!r} {result.reason!r} {result.hint!r}")
    kb = KnowledgeBase(settings)
    snapshot = kb.snapshot()
    live = set(snapshot.documents) if snapshot else set()
    for result in summary.files:
        if result.outcome != "added":
            continue
        name = Path(result.path).name
        if result.document_id not in live:
            faults.append(f"{name}: is not in the live generation")
            continue
        pages = {page.number: page for page in kb.catalogue.pages(result.document_id)}
        try:
            for page in pages.values():
                makers.check_page(page)
            for passage, text in kb.catalogue.passages_of([result.document_id]):
                assert text == pages[passage.page].text[passage.start : passage.end]
        except AssertionError as error:
            faults.append(f"{name}: {error!r}")
    kb.close()
    return faults


def keep(paths: Sequence[Path], seed: int) -> None:
    """Copy files to where they can be looked at."""
    for path in paths:
        makers.put(fuzzing.BUILD / "fuzz" / str(seed), path.name, path.read_bytes())


def test_mutants_are_made_the_same_from_the_same_seed() -> None:
    files = fuzzing.seeds()
    twice = [[fuzzing.mutated(dice, files) for _ in range(50)] for dice in (random.Random(5), random.Random(5))]
    assert twice[0] == twice[1]
    assert len({data for _, data in twice[0]}) > 45
    assert not {data for _, data in twice[0]} & set(files.values())


@pytest.mark.slow
def test_mutated_files_cost_themselves_only(tmp_path: Path) -> None:
    figures = ingest_mutants(tmp_path, seed=SEED * 1_000_003, count=30)
    assert figures["outcomes"].get("read", 0) >= 5
    assert len(figures["outcomes"]) >= 2


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(PARTS))
def test_two_thousand_mutated_files(part: int, tmp_path: Path) -> None:
    figures = ingest_mutants(tmp_path, seed=SEED * 1_000 + part, count=FILES)
    close_workers()
    total = fuzzing.note("fuzz_files.json", {"seed": SEED, "parts": PARTS, "files": FILES}, str(part), figures)
    print(total)
