"""Typeset the briefs in ``source/`` into PDF files beside this script.

Usage:
    python corpus/reports/build.py            compile every brief
    python corpus/reports/build.py --check    say which PDF is missing; exit 1 if any

The result depends on the sources, the typst version and the installed fonts only: the creation date is fixed, so a second
run writes the same bytes. The Chinese briefs need Noto Serif CJK and Noto Sans CJK from the system (``fonts-noto-cjk`` on
Debian); the English one uses the fonts that typst brings along. Fonts are embedded as subsets.
"""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
# The printed date of issue, also in common.typ; midnight UTC keeps the metadata the same everywhere.
ISSUED = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
CJK_FAMILIES = ("Noto Serif CJK TC", "Noto Serif CJK SC", "Noto Sans CJK TC", "Noto Sans CJK SC")


def briefs() -> list[Path]:
    """Return the sources that become a PDF, sorted; the template is not one of them."""
    return sorted(path for path in SOURCE.glob("*.typ") if path.name != "common.typ")


def target(source: Path) -> Path:
    """Return the PDF path of one source."""
    return HERE / f"{source.stem}.pdf"


def missing_fonts() -> list[str]:
    """Return the CJK families that fontconfig does not know; empty when fontconfig itself is absent."""
    try:
        listed = subprocess.run(["fc-list", ":", "family"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [family for family in CJK_FAMILIES if family not in listed]


def build(source: Path) -> int:
    """Compile one brief.

    Args:
        source: The brief's ``.typ`` file.

    Returns:
        The size of the written PDF in bytes.
    """
    import typst  # here, so that --check works where typst is not installed

    typst.compile(source, output=target(source), root=SOURCE, timestamp=int(ISSUED.timestamp()))
    return target(source).stat().st_size


def check() -> int:
    """Print each missing PDF and return the exit status."""
    absent = [target(source).name for source in briefs() if not target(source).is_file()]
    for name in absent:
        print(f"missing: {name}")
    if not absent:
        print(f"all {len(briefs())} PDFs present")
    return 1 if absent else 0


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description="Typeset the briefs into PDF.")
    parser.add_argument("--check", action="store_true", help="only say whether a PDF is missing")
    parser.add_argument("names", nargs="*", help="stems of the briefs to build; all when left out")
    options = parser.parse_args(argv)
    if options.check:
        return check()
    for family in missing_fonts():
        print(f"warning: font family {family} is not installed; Chinese text would change", file=sys.stderr)
    for source in briefs():
        if not options.names or source.stem in options.names:
            print(f"{target(source).name}: {build(source):,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
