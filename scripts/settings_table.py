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
_MEANINGS = {
    "embedding.base_url": "Address of the provider's API.",
    "embedding.api_key": "Key for it.",
    "embedding.batch_size": "Texts in one call.",
    "embedding.options": "Further arguments for the embedding's class.",
    "llm.base_url": "Address of an OpenAI-compatible API, as a rule ending in `/v1`.",
    "llm.model": "Model name. Empty: answers are extractive, no model is called.",
    "llm.api_key": "Key for it.",
    "llm.connect_timeout_s": "Seconds to wait for a connection.",
    "llm.first_token_timeout_s": "Seconds to wait for the first piece of an answer.",
    "llm.idle_timeout_s": "Seconds to wait between two pieces.",
    "llm.total_timeout_s": "Seconds for one call altogether.",
    "llm.max_tokens": "Longest answer of the model, in tokens.",
    "llm.context_tokens": "Room for the prompt, in tokens; passages are left out, worst first, to fit.",
    "llm.temperature": "Sampling temperature.",
    "llm.options": "Further arguments for the LLM's class.",
    "answer.max_chars": "Longest extractive answer, in characters.",
    "answer.max_sentences": "Most sentences of an extractive answer.",
    "service.host": "Address to bind. Beyond loopback a key is required.",
    "service.port": "Port.",
    "service.allowed_hosts": 'Host names the service answers to, without port; `["*"]` is any.',
    "service.max_concurrency": "Requests answered at a time; one more gets 429.",
    "service.read_only": "Take no uploads and no deletions over HTTP.",
    "service.shutdown_s": "Seconds that a stop may take.",
    "service.log_format": "`auto` is plain on a terminal and JSON elsewhere.",
}


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
        meaning = row["description"] or _MEANINGS.get(name, "")
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
