"""One line without an end: read within the limits, or refused by name with the reason; the files beside it are read all the same."""

from __future__ import annotations

import time
from pathlib import Path

import makers
import pytest

from ingest.build import ingest_paths
from ingest.kb.settings import EmbeddingSettings, Settings


@pytest.mark.parametrize("size", [5_000_000])
def test_one_line_of_megabytes_costs_itself_only(tmp_path: Path, size: int) -> None:
    line = makers.put(tmp_path, "line.txt", "x" * size)
    good = makers.put(tmp_path, "good.md", "# Use\n\nQwen served 5.59 trillion tokens.\n")
    started = time.process_time()
    summary = ingest_paths(Settings(data_dir=tmp_path / "data", embedding=EmbeddingSettings(provider="none")), [line, good])
    assert time.process_time() - started < 60
    found = {Path(result.path).name: result for result in summary.files}
    assert found["good.md"].passages == 1
    assert found["line.txt"].code or found["line.txt"].passages
    assert summary.exit_code == (3 if found["line.txt"].code else 0)
