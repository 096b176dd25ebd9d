"""Write ``corpus/sources.toml``: every document of the sample corpus with its facts and digest, and the originals that can be fetched."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from ingest.blocks import Head
from ingest.kb.settings import ReadSettings
from ingest.readers import read_file

ROOT = Path(__file__).resolve().parent.parent / "corpus"
_LICENCE = "Apache-2.0"
_HEAD = """# The sample corpus: what lies here, and the originals that `wenju corpus fetch` downloads.
# Written by scripts/sources_toml.py; `sha256` is that of the file here, `source` is the report it digests.
"""
_ORIGINALS = """
[[source]]
title = "State of AI: An Empirical 100 Trillion Token Study with OpenRouter"
publisher = "OpenRouter and a16z"
date = "2025-12"
language = "en"
licence = "its publisher's"
file = "State-of-AI.pdf"
fetch = "https://openrouter.ai/assets/State-of-AI.pdf"

[[source]]
title = "State of AI: An Empirical 100 Trillion Token Study with OpenRouter (arXiv)"
publisher = "OpenRouter and a16z"
date = "2026-01"
language = "en"
licence = "its authors'"
file = "2601.10088.pdf"
fetch = "https://arxiv.org/pdf/2601.10088"
"""


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def entry(path: Path) -> str:
    """Return the entry of one document."""
    head = next(iter(read_file(path, ReadSettings())))
    assert isinstance(head, Head)
    languages = {"en": "en", "zh-hant": "zh-Hant", "zh-hans": "zh-Hans"}
    language = head.language or next((name for part, name in languages.items() if path.stem.endswith(part)), "en")
    fields = {
        "title": head.title,
        "publisher": head.publisher or "Wenju",
        "date": head.date,
        "language": language,
        "licence": _LICENCE,
        "file": path.relative_to(ROOT).as_posix(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "source": head.metadata.get("source", ""),
    }
    return "[[source]]\n" + "".join(f"{name} = {_text(value)}\n" for name, value in fields.items() if value)


def render() -> str:
    """Return the whole file."""
    paths = sorted([*ROOT.glob("digests/*/*.md"), *ROOT.glob("reports/*.pdf")])
    return _HEAD + "".join("\n" + entry(path) for path in paths) + _ORIGINALS


if __name__ == "__main__":
    target = ROOT / "sources.toml"
    text = render()
    if "--check" in sys.argv:
        sys.exit(0 if target.exists() and target.read_text("utf-8") == text else 1)
    target.write_text(text, "utf-8")
