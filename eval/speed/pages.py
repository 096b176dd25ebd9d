"""How fast the reader goes through PDFs beside pypdf alone: ``python -m eval.speed.pages ours|pypdf FILE`` times one file.

Each file and side has a process of its own; what is compared is processor time, which other work on the machine does not lengthen.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from eval.cases import SetError
from ingest.kb import DependencyError

__all__ = ["pages_report", "pages_text"]

_TIMEOUT_S = 1_800
_SIDES = ("ours", "pypdf")


def _ours(path: str) -> int:
    """Read a file with every step that an ingest takes, layout, tables and boxes included; return its pages."""
    frames = import_module("ingest.sandbox").frames
    settings = import_module("ingest.kb.settings").ReadSettings(ocr="off").model_dump()
    return sum("page" in frame for frame in frames(path, None, settings, Path(path).name))


def _pypdf(path: str) -> int:
    """Extract the plain text of a file's pages; return their number."""
    reader = import_module("pypdf").PdfReader(path)
    for page in reader.pages:
        page.extract_text()
    return len(reader.pages)


def main() -> int:
    """Time one file and print pages and seconds."""
    side, path = sys.argv[1:]
    work = {"ours": _ours, "pypdf": _pypdf}[side]
    # The parsers' imports are not what is measured; ours asks pypdf about single pages.
    for parser in ("ingest.readers.pdf", "pypdf") if side == "ours" else ("pypdf",):
        import_module(parser)
    started = time.process_time()
    pages = work(path)
    print("\n" + json.dumps({"pages": pages, "seconds": time.process_time() - started}))
    return 0


def _timed(side: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "eval.speed.pages", side, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        raise DependencyError(f"reading {path.name} with {side} failed: {done.stderr.strip()[-400:]}")
    figures: dict[str, Any] = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    return figures


def pages_report(paths: Sequence[Path]) -> dict[str, Any]:
    """Return pages a second of both sides, by file and in all, and their ratio.

    Args:
        paths: PDFs, or folders of them.

    Raises:
        SetError: There is no PDF.
        DependencyError: One cannot be read.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.pdf")) if path.is_dir() else [path])]
    if not files or not all(file.is_file() for file in files):
        raise SetError(f"there is no PDF at {', '.join(map(str, paths))}", hint="Give PDFs that need no password, or a folder of them.")
    rows = []
    for file in files:
        sides = {side: _timed(side, file) for side in _SIDES}
        rows.append(_row(file.name, sides))
    total = {side: {key: sum(row[side][key] for row in rows) for key in ("pages", "seconds")} for side in _SIDES}
    return {"object": "pages_report", "files": rows, "total": _row("all", total)}


def _row(name: str, sides: dict[str, Any]) -> dict[str, Any]:
    pace = {side: figures["pages"] / max(figures["seconds"], 1e-9) for side, figures in sides.items()}
    return {
        "file": name,
        **{side: {**figures, "pages_per_s": pace[side]} for side, figures in sides.items()},
        "ratio": pace["ours"] / pace["pypdf"],
    }


def pages_text(report: dict[str, Any]) -> str:
    """Return a report for the terminal."""
    lines = [f"{'file':44} {'pages':>6} {'ours p/s':>9} {'pypdf p/s':>10} {'ratio':>6}"]
    for row in (*report["files"], report["total"]):
        paces = f"{row['ours']['pages_per_s']:>9.1f} {row['pypdf']['pages_per_s']:>10.1f} {row['ratio']:>6.1f}"
        lines.append(f"{row['file'][:44]:44} {row['ours']['pages']:>6} {paces}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
