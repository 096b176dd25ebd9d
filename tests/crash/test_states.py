"""A dictionary is the model: whatever is ingested, removed, rebuilt and reopened in whatever order, the store says what it says."""

from __future__ import annotations

import tempfile
from pathlib import Path

from crash_kit import Store, check_sound, digest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ingest.build import ingest_paths, publish_catalogue, remove_documents
from ingest.kb.knowledge import KnowledgeBase
from ingest.kb.settings import Settings

TOPICS = st.sampled_from(["alpha", "beta", "gamma", "delta"])


class Library(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self._folder.name))
        self.model: dict[str, int] = {}
        self.ids: dict[str, str] = {}
        self.kb: KnowledgeBase | None = None

    @property
    def settings(self) -> Settings:
        return self.store.settings

    @rule(topic=TOPICS, share=st.integers(100, 104))
    def ingest(self, topic: str, share: int) -> None:
        self.store.put(f"{topic}.md", digest(topic, share))
        summary = ingest_paths(self.settings, [self.store.corpus / f"{topic}.md"])
        assert not summary.failed
        self.model[topic] = share
        self.ids[topic] = summary.files[0].document_id

    @rule(topic=TOPICS)
    def delete(self, topic: str) -> None:
        if topic in self.model:
            remove_documents(self.settings, [self.ids.pop(topic)])
            del self.model[topic]

    @rule()
    def lose_a_file(self) -> None:
        if self.model:
            topic = min(self.model)
            (self.store.corpus / f"{topic}.md").unlink()
            for other in self.store.corpus.glob("*.md"):
                if other.stem not in self.model:
                    other.unlink()
            if len(self.model) > 1:
                self.store.ingest()
                del self.model[topic], self.ids[topic]

    @rule()
    def rebuild(self) -> None:
        if self.model:
            publish_catalogue(self.settings, rebuild=True)

    @rule()
    def restart(self) -> None:
        if self.kb is not None:
            self.kb.close()
            self.kb = None

    @invariant()
    def query(self) -> None:
        if not self.store.layout.catalogue.exists():
            return
        self.kb = self.kb or KnowledgeBase(self.settings)
        snapshot = self.kb.snapshot()
        found = {document.file_name for document in snapshot.documents.values()} if snapshot else set()
        assert found == {f"{topic}.md" for topic in self.model}
        for title, parts in self.store.served().items():
            assert f"{self.model[title.removeprefix('Report on ')]}%" in " ".join(parts)

    def teardown(self) -> None:
        check_sound(self.store)
        if self.kb is not None:
            self.kb.close()
        self._folder.cleanup()


TestLibrary = Library.TestCase
TestLibrary.settings = settings(
    max_examples=6, stateful_step_count=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
