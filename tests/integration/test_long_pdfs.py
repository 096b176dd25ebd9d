"""Long PDFs: the child that reads one stays small, and the process that asked for it hardly grows."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fuzzing
import makers
import pytest

CHILD_MIB, PARENT_MIB = 600, 20
# Runs in a process of its own: the highest memory of a process's children, and its own, never fall again.
ASK = """
import json, resource, sys
from pathlib import Path
from ingest.kb.settings import ReadSettings
from ingest.kb.worker import close_workers
from ingest.sandbox import read_in_child

def peak(who):
    return resource.getrusage(who).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

settings = ReadSettings(ocr="off", timeout_s=1500)
small = sum(1 for _ in read_in_child(Path(sys.argv[2]), settings=settings))
before = peak(resource.RUSAGE_SELF)
pages = characters = 0
for item in read_in_child(Path(sys.argv[1]), settings=settings):
    pages += hasattr(item, "number")
    characters += len(getattr(item, "text", ""))
after = peak(resource.RUSAGE_SELF)
close_workers()
figures = {"pages": pages, "characters": characters, "parent_growth_mib": after - before}
print(json.dumps(figures | {"child_peak_mib": peak(resource.RUSAGE_CHILDREN)}))
"""


def measured(folder: Path, pages: int) -> dict[str, Any]:
    """Return what reading a report of so many full pages takes."""
    text = makers.PROSE * 14
    long = makers.put(folder, "long.pdf", makers.pdf_plain([f"Page {number} of a long report. {text}" for number in range(pages)]))
    short = makers.put(folder, "short.pdf", makers.pdf_plain([text] * 2))
    gc.collect()
    done = subprocess.run([sys.executable, "-c", ASK, str(long), str(short)], capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    assert figures["pages"] == pages
    assert figures["characters"] > 2_000 * pages
    return figures


@pytest.mark.slow
def test_two_hundred_pages(tmp_path: Path) -> None:
    figures = measured(tmp_path, 200)
    # A fifth of the pages, but the libraries themselves take their part.
    assert figures["child_peak_mib"] <= 0.5 * CHILD_MIB, figures
    assert figures["parent_growth_mib"] <= PARENT_MIB, figures


@pytest.mark.fuzz
def test_a_thousand_pages(tmp_path: Path) -> None:
    figures = measured(tmp_path, 1_000)
    fuzzing.note("long_pdf.json", {"pages": 1_000}, "0", figures)
    assert figures["child_peak_mib"] <= CHILD_MIB, figures
    assert figures["parent_growth_mib"] <= PARENT_MIB, figures
