"""Configured embeddings: an OpenAI-compatible address with a scripted server behind it, and any LlamaIndex class by its dotted name."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import put

from ingest.build import Progress, ingest_paths
from ingest.kb import DependencyError, KnowledgeBase, KnowledgeBaseError, Settings, SettingsError
from ingest.kb import embedding as embedding_module
from service.question import read_question
from service.retrieve import retrieve

DIMENSION = 12
TEXTS = [f"Paragraph {number} tells of tractors, walnuts and the price of {number} lamps.\n" for number in range(6)]


class _Server(ThreadingHTTPServer):
    """Gives vectors that depend on the text alone; fails as often as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.batches: list[list[str]] = []
        self.keys: list[str] = []
        self.models: list[str] = []
        self.failures = 0
        self.dimension = DIMENSION
        self.lost = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


def _vector(text: str, dimension: int) -> list[float]:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    values: list[float] = np.random.default_rng(seed).standard_normal(dimension).tolist()
    return values


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/embeddings" or self.server.failures:
            self.server.failures = max(0, self.server.failures - 1)
            self.send_error(503)
            return
        self.server.batches.append(body["input"])
        self.server.keys.append(self.headers.get("Authorization", ""))
        self.server.models.append(body["model"])
        rows = [{"index": n, "embedding": _vector(text, self.server.dimension)} for n, text in enumerate(body["input"])]
        # In another order than asked: the index counts.
        answer = json.dumps({"data": rows[::-1][self.server.lost :]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_module, "_PAUSE_S", 0.0)


def _settings(folder: Path, server: _Server, **more: Any) -> Settings:
    fields = {"provider": "openai-like", "base_url": server.url, "model": "m-1", "api_key": "s3cret", "batch_size": 4} | more
    return Settings(data_dir=folder / "data", embedding=fields)


def _files(folder: Path) -> list[Path]:
    return [put(folder / "files", f"{number}.md", f"# Page {number}\n\n{text}") for number, text in enumerate(TEXTS)]


def _legs(settings: Settings, question: str) -> list[str]:
    kb = KnowledgeBase(settings)
    snapshot = kb.snapshot()
    assert snapshot is not None
    found = retrieve(kb, snapshot, read_question(question, kb.analyser), top_k=3)
    kb.close()
    assert found.hits
    return found.legs


@pytest.mark.parametrize("provider", ["openai-like", "ollama"])
def test_batches_key_progress_and_cache(tmp_path: Path, server: _Server, provider: str) -> None:
    settings = _settings(tmp_path, server, provider=provider)
    steps: list[Progress] = []
    summary = ingest_paths(settings, _files(tmp_path), report=steps.append)
    assert (summary.embedded, summary.failed) == (6, [])
    assert [len(batch) for batch in server.batches] == [4, 2]
    assert set(server.keys) == {"Bearer s3cret"}
    assert set(server.models) == {"m-1"}
    assert [(step.done, step.total) for step in steps if step.stage == "embedding"] == [(4, 6), (6, 6)]
    # The same texts in files of another name are not sent again.
    other = [put(tmp_path / "again", "x.md", f"# Page 0\n\n{TEXTS[0]}\n")]
    assert ingest_paths(settings, other).embedded == 0
    assert len(server.batches) == 2
    assert _legs(settings, "walnuts and lamps") == ["lexical", "dense"]


def test_vectors_stand_where_their_texts_do(tmp_path: Path, server: _Server) -> None:
    settings = _settings(tmp_path, server)
    ingest_paths(settings, _files(tmp_path))
    kb = KnowledgeBase(settings)
    assert kb.embedder is not None
    snapshot = kb.snapshot()
    assert snapshot is not None
    sent = server.batches[0][2]
    near = snapshot.dense(kb.embedder.embed_passages([sent])[0], limit=1)
    (entry,) = snapshot.passages_at(near.refs)
    assert entry is not None
    assert entry[1].strip() in sent
    assert near.scores[0] == pytest.approx(1.0, abs=1e-5)
    kb.close()


def test_a_model_that_fails_twice_is_asked_again(tmp_path: Path, server: _Server) -> None:
    server.failures = 2
    assert ingest_paths(_settings(tmp_path, server), _files(tmp_path)).embedded == 6


def test_a_model_that_stays_away_is_named_and_what_was_embedded_is_kept(tmp_path: Path, server: _Server) -> None:
    settings = _settings(tmp_path, server)
    files = _files(tmp_path)
    ingest_paths(settings, files[:3])
    server.failures = 10**6
    with pytest.raises(DependencyError, match="openai-like/m-1"):
        ingest_paths(settings, files)
    server.failures = 0
    before = sum(map(len, server.batches))
    assert ingest_paths(settings, files).embedded == 3
    assert sum(map(len, server.batches)) == before + 3


def test_a_question_is_answered_from_words_while_the_model_is_away(tmp_path: Path, server: _Server) -> None:
    settings = _settings(tmp_path, server)
    ingest_paths(settings, _files(tmp_path))
    server.failures = 10**6
    assert _legs(settings, "walnuts and lamps") == ["lexical"]


def test_answers_that_do_not_fit_are_refused(tmp_path: Path, server: _Server) -> None:
    files = _files(tmp_path)
    with pytest.raises(DependencyError, match="12 dimensions, the settings say 7"):
        ingest_paths(_settings(tmp_path, server, dimension=7), files)
    server.lost = 1
    with pytest.raises(DependencyError, match="vectors came back"):
        ingest_paths(_settings(tmp_path, server), files)


def test_another_model_says_to_ingest_again(tmp_path: Path, server: _Server) -> None:
    ingest_paths(_settings(tmp_path, server), _files(tmp_path))
    other = _settings(tmp_path, server, model="m-2")
    kb = KnowledgeBase(other)
    with pytest.raises(KnowledgeBaseError, match="m-1") as caught:
        kb.snapshot()
    assert "wenju ingest" in caught.value.hint
    kb.close()
    assert ingest_paths(other, _files(tmp_path)).embedded == 6
    assert _legs(other, "walnuts and lamps") == ["lexical", "dense"]


def test_words_alone_may_be_asked_of_any_index(tmp_path: Path, server: _Server) -> None:
    settings = _settings(tmp_path, server)
    ingest_paths(settings, _files(tmp_path))
    assert _legs(Settings(data_dir=settings.data_dir, embedding={"provider": "none"}), "walnuts and lamps") == ["lexical"]


def test_any_class_of_llamaindex_by_its_name(tmp_path: Path) -> None:
    provider = "llama_index.core.embeddings.mock_embed_model:MockEmbedding"
    settings = Settings(data_dir=tmp_path / "data", embedding={"provider": provider, "options": {"embed_dim": 8}})
    assert ingest_paths(settings, _files(tmp_path)).embedded == 6
    assert _legs(settings, "walnuts and lamps") == ["lexical", "dense"]


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"provider": "openai-like", "model": "m"}, SettingsError, "embedding.base_url"),
        ({"provider": "openai-like", "base_url": "http://127.0.0.1:9/v1"}, SettingsError, "embedding.model"),
        ({"provider": "fastembed"}, SettingsError, "fastembed"),
        ({"provider": "llama_index.embeddings.nowhere:Model"}, DependencyError, "nowhere"),
    ],
)
def test_settings_that_name_nothing(tmp_path: Path, fields: dict[str, str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        KnowledgeBase(Settings(data_dir=tmp_path, embedding=fields), create=True)
