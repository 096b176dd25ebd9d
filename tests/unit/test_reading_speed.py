"""``wenju eval reading --speed``: what is timed are all pages of the given PDFs, on both sides."""

from __future__ import annotations

from pathlib import Path

import makers
import pytest

from eval.cases import SetError
from eval.speed.pages import pages_report, pages_text
from ingest.kb import DependencyError


def test_both_sides_read_every_page(tmp_path: Path) -> None:
    makers.put(tmp_path, "a.pdf", makers.pdf_plain([makers.PROSE] * 3))
    makers.put(tmp_path, "b.pdf", makers.pdf_plain([makers.PROSE] * 2))
    makers.put(tmp_path, "no.md", "# No PDF")
    report = pages_report([tmp_path])
    assert [(row["file"], row["ours"]["pages"], row["pypdf"]["pages"]) for row in report["files"]] == [("a.pdf", 3, 3), ("b.pdf", 2, 2)]
    total = report["total"]
    assert total["ours"]["pages"] == 5
    assert total["ours"]["seconds"] == pytest.approx(sum(row["ours"]["seconds"] for row in report["files"]))
    assert total["ratio"] == pytest.approx(total["ours"]["pages_per_s"] / total["pypdf"]["pages_per_s"])
    assert len(pages_text(report).splitlines()) == 4


def test_what_cannot_be_timed_is_said(tmp_path: Path) -> None:
    with pytest.raises(SetError, match=r"missing\.pdf"):
        pages_report([tmp_path / "missing.pdf"])
    with pytest.raises(SetError, match="no PDF"):
        pages_report([tmp_path])
    with pytest.raises(DependencyError, match=r"broken\.pdf"):
        pages_report([makers.put(tmp_path, "broken.pdf", b"%PDF-1.7\n")])
