"""A small library, commands that may die on it, and what must hold of it whatever happened."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.build import ingest_paths
from ingest.kb.generation import Layout
from ingest.kb.knowledge import KnowledgeBase, Snapshot
from ingest.kb.lexical import WeightedTerm
from ingest.kb.settings import EmbeddingSettings, Settings
from ingest.ops.verify import verify

ROOT = Path(__file__).resolve().parents[2]
_POINT = re.compile(r'crash_point\("([a-z_]+)"\)')


def crash_points() -> set[str]:
    """Return every point that the code names."""
    files = (ROOT / "ingest").rglob("*.py")
    return {name for path in files for name in _POINT.findall(path.read_text("utf-8"))}


def digest(topic: str, share: int) -> str:
    return (
        f"# Report on {topic}\n\nThe share of {topic} reached {share}% of all firms. Costs fell while use grew in every sector.\n\n"
        f"## 摘要\n\n{topic} 的佔比達到百分之{share}。企業的採用速度比前一年更快。\n"
    )


@dataclass(frozen=True)
class Store:
    """A data directory, and the folder of files that it is made from."""

    home: Path

    @property
    def corpus(self) -> Path:
        return self.home / "corpus"

    @property
    def layout(self) -> Layout:
        return Layout(self.home / "data")

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.layout.data_dir, embedding=EmbeddingSettings(provider="none"))

    def put(self, name: str, text: str) -> None:
        self.corpus.mkdir(parents=True, exist_ok=True)
        (self.corpus / name).write_text(text, "utf-8")

    def fill(self) -> None:
        for topic, share in (("alpha", 11), ("beta", 22), ("gamma", 33)):
            self.put(f"{topic}.md", digest(topic, share))

    def change(self) -> None:
        """A change of every kind: one file new, one with other content, one gone, one as it was."""
        self.put("delta.md", digest("delta", 44))
        self.put("alpha.md", digest("alpha", 55))
        (self.corpus / "beta.md").unlink()

    def ingest(self, **options: Any) -> None:
        summary = ingest_paths(self.settings, [self.corpus], **options)
        assert not summary.failed, summary.failed

    def environment(self) -> dict[str, str]:
        return {"WENJU_DATA_DIR": str(self.layout.data_dir), "WENJU_EMBEDDING__PROVIDER": "none"}

    @contextmanager
    def reading(self) -> Iterator[KnowledgeBase]:
        kb = KnowledgeBase(self.settings)
        try:
            yield kb
        finally:
            kb.close()

    def served(self) -> dict[str, list[str]]:
        """Return what a reader that comes fresh sees: the texts of each live document's passages, found through the index."""
        if not self.layout.catalogue.exists():
            return {}
        with self.reading() as kb:
            snapshot = kb.snapshot()
            return texts(snapshot) if snapshot else {}


def texts(snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the passages of every document that a common word of all of them finds, by title."""
    hits = snapshot.lexical([WeightedTerm("wshare", 1.0), WeightedTerm("b企業", 1.0), WeightedTerm("b企业", 1.0)], limit=1000)
    found: dict[str, list[str]] = {}
    for passage in snapshot.passages_at(hits.refs):
        assert passage is not None, "a live passage has no text"
        found.setdefault(snapshot.documents[passage[0].document_id].title, []).append(passage[1])
    assert len(found) == len(snapshot.documents), "a live document cannot be found"
    return {title: sorted(parts) for title, parts in sorted(found.items())}


def check_sound(store: Store) -> None:
    """Assert that the store opens and that all of it agrees."""
    if store.layout.catalogue.exists():
        faults = verify(store.layout).faults
        assert faults == [], faults


class Server:
    """The process that forks for each command."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "command.log"
        self._turn = threading.Lock()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WENJU_")}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forked.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=environment | {"PYTHONPATH": str(ROOT)},
            text=True,
        )
        self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the server died"
        return dict(json.loads(line))

    def run(self, store: Store, *argv: str, env: dict[str, str] | None = None, **limits: Any) -> int:
        """Run a command on a store and return how it ended: its exit code, or minus the signal that killed it."""
        request = {"argv": list(argv), "env": store.environment() | (env or {}), "log": str(self._log), **limits}
        with self._turn:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            self.last = self._answer()
            return int(self.last["code"])

    @property
    def said(self) -> str:
        """What the last command printed."""
        return self._log.read_text("utf-8")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
