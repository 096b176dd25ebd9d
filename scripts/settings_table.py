"""Writes the tables of docs/settings.md from the settings themselves: ``python scripts/settings_table.py [--check]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from ingest.kb.settings import Settings, describe_settings  # noqa: E402 (the path comes first)

__all__ = ["PAGE", "main", "settings_tables", "with_tables"]

PAGE = ROOT / "docs" / "settings.md"
BEGIN, END = "<!-- tables: begin (scripts/settings_table.py) -->", "<!-- tables: end -->"

_GROUPS = {
    "": "General",
    "read": "Reading files",
    "embedding": "Embeddings",
    "llm": "Language model",
    "retrieval": "Retrieval",
    "answer": "Answers",
    "service": "Service",
}


# For settings whose code has no description because their names say it to a programmer.
def _cell(value: Any) -> str:
    """Return a default as it would be set in the environment."""
    if value in ("", None) or value == {} or value == [] or value == "(0 set)":
        return "(empty)"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | dict):
        return f"`{json.dumps(value, default=str)}`"
    return f"`{value}`"


def settings_tables() -> str:
    """Return one Markdown table for each group of settings, with the defaults of the code, whatever the environment says."""
    groups: dict[str, list[str]] = {}
    for row in describe_settings(Settings.model_construct()):
        name = row["name"]
        meaning = row["description"]
        line = f"| `{name}` | `{row['variable']}` | {_cell(row['value'])} | {meaning.replace('|', '&#124;')} |"
        groups.setdefault(name.rpartition(".")[0], []).append(line)
    parts = []
    for group, lines in groups.items():
        head = "| name in `wenju.toml` | environment variable | default | meaning |\n|---|---|---|---|"
        parts.append(f"## {_GROUPS.get(group, group)}\n\n{head}\n" + "\n".join(lines))
    return "\n\n".join(parts)


def with_tables(page: str) -> str:
    """Return the page with its tables made anew.

    Raises:
        ValueError: The marks around the tables are missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has lost its marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{settings_tables()}\n\n{END}{after}"


def main() -> int:
    """Write the page, or with ``--check`` say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is not current")
    arguments = parser.parse_args()
    old = PAGE.read_text("utf-8")
    new = with_tables(old)
    if arguments.check:
        if new != old:
            print(f"{PAGE.relative_to(ROOT)} is not current; run python scripts/settings_table.py", file=sys.stderr)
        return int(new != old)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
