"""Ask for known weaknesses of the locked dependencies: ``make audit``, or ``python scripts/audit.py`` where pip-audit is installed.

A scanner that reaches no advisories finds nothing and says that all is well. So it is first shown a release that is known to be weak, and
believed only if it reports that one. What was looked at and let pass stands in ``audit-ignore.tsv``: id, date, reason.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IGNORED = ROOT / "audit-ignore.tsv"
# CVE-2024-53981 and others.
CANARY = "python-multipart==0.0.6\n"
_SCAN = (sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off", "-r")
Run = Callable[[Sequence[str]], int]


def ignored(text: str) -> dict[str, tuple[dt.date, str]]:
    """Return what is let pass: the day it was looked at and the reason, by id.

    Raises:
        ValueError: A line lacks one of the three.
    """
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    if any(len(row) != 3 or not all(map(str.strip, row)) for row in rows):
        raise ValueError("each line of the list needs an id, a date and a reason, between tabs")
    return {name: (dt.date.fromisoformat(day), reason) for name, day, reason in rows}


def audit(run: Run, known: Sequence[str]) -> int:
    """Scan the canary, then the lock; return 0 if all is well, 1 if weaknesses were found, 2 if the scanner is blind.

    Args:
        run: Runs a command and returns its exit code.
        known: Ids that are let pass.
    """
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary.txt"
        canary.write_text(CANARY, "utf-8")
        if run([*_SCAN, str(canary)]) != 1:
            print(f"audit: {CANARY.strip()} is known to be weak and was not reported: no advisories can be reached here", file=sys.stderr)
            return 2
    return 1 if run([*_SCAN, str(ROOT / "requirements.lock"), *(f"--ignore-vuln={name}" for name in known)]) else 0


def main() -> int:
    """Run pip-audit."""
    return audit(lambda command: subprocess.run(command, check=False).returncode, list(ignored(IGNORED.read_text("utf-8"))))


if __name__ == "__main__":
    sys.exit(main())
