"""S18: the audit of dependencies believes no scanner that is blind, and lets pass only what was looked at."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tool(repository: Path) -> Any:
    spec = importlib.util.spec_from_file_location("audit", repository / "scripts" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("canary", "lock", "code"), [(1, 0, 0), (1, 1, 1), (0, 0, 2), (0, 1, 2), (2, 0, 2)])
def test_a_scanner_that_does_not_see_the_canary_is_not_believed(tool: Any, canary: int, lock: int, code: int) -> None:
    asked: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> int:
        asked.append(command)
        return canary if len(asked) == 1 else lock

    assert tool.audit(run, ["CVE-1"]) == code
    assert len(asked) == (1 if code == 2 else 2)
    assert code == 2 or "--ignore-vuln=CVE-1" in asked[1]


def test_what_passes_was_looked_at_and_is_explained(tool: Any, repository: Path) -> None:
    known = tool.ignored(tool.IGNORED.read_text("utf-8"))
    security = (repository / "SECURITY.md").read_text("utf-8")
    assert known
    assert [name for name in known if name not in security] == []
    for line in ("CVE-1\t2026-01-01", "CVE-1\t\treason", "CVE-1\tsoon\treason"):
        with pytest.raises(ValueError, match=r"needs|format"):
            tool.ignored(line)
