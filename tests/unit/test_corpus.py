"""The sample corpus is what the product promises of it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from ingest.blocks import Head
from ingest.kb.script import detect_script
from ingest.kb.settings import ReadSettings
from ingest.readers import read_file

_ROOT = Path(__file__).resolve().parents[2]
_DIGESTS = sorted((_ROOT / "corpus" / "digests").glob("*/*.md"))


def test_sources_list_is_current() -> None:
    assert subprocess.run([sys.executable, "scripts/sources_toml.py", "--check"], cwd=_ROOT, check=False).returncode == 0


def test_there_are_digests_in_all_languages_and_wordings() -> None:
    languages: dict[str, int] = {}
    regions: dict[str, int] = {}
    on_state_of_ai = 0
    for path in _DIGESTS:
        head, page = list(read_file(path, ReadSettings()))
        assert isinstance(head, Head)
        assert head.title, path
        assert head.date, path
        assert head.publisher, path
        assert head.tags, path
        assert head.metadata.get("source", "").startswith("http"), path
        languages[head.language] = languages.get(head.language, 0) + 1
        regions[head.metadata.get("region", "")] = regions.get(head.metadata.get("region", ""), 0) + 1
        on_state_of_ai += path.name.startswith("state-of-ai")
        assert 400 <= len(page.text) <= 2_600, (path, len(page.text))  # type: ignore[union-attr]
        if head.language != "en":
            assert detect_script(page.text) == head.language, path  # type: ignore[union-attr]
    assert languages["zh-Hant"] >= 8
    assert regions["TW"] >= 6
    assert regions["HK"] >= 2
    assert languages["zh-Hans"] >= 6
    assert languages["en"] >= 4
    assert on_state_of_ai >= 8


def test_briefs_have_outline_labels_and_pages() -> None:
    reports = sorted((_ROOT / "corpus" / "reports").glob("*.pdf"))
    assert len(reports) == 3
    for path in reports:
        items = list(read_file(path, ReadSettings()))
        pages = items[1:]
        assert len(pages) >= 8
        assert any(page.label not in (None, str(page.number)) for page in pages)  # type: ignore[union-attr]
        assert any(block.kind == "table_row" and block.header for page in pages for block in page.blocks)  # type: ignore[union-attr]
        assert any(len(block.heading) >= 2 for page in pages for block in page.blocks)  # type: ignore[union-attr]


def test_every_listed_file_exists_and_only_https_is_fetched() -> None:
    entries = tomllib.loads((_ROOT / "corpus" / "sources.toml").read_text("utf-8"))["source"]
    for entry in entries:
        if "fetch" in entry:
            assert entry["fetch"].startswith("https://")
        else:
            assert (_ROOT / "corpus" / entry["file"]).exists()
