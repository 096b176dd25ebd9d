"""What a fresh process finds: ``python ranking.py DATA_DIR COUNT`` prints the passages for so many questions in each language.

Chroma is asked for every question, and its candidates are compared with those of the exact search over all vectors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ingest.kb import KnowledgeBase, Settings
from service.searching import search

LANGUAGES = ("en", "zh-Hant", "zh-Hans")


def questions(kb: KnowledgeBase, count: int) -> list[str]:
    """Return the beginnings of passages with a number: so many in each language."""
    out = []
    snapshot = kb.snapshot()
    assert snapshot is not None
    everything = [(passage, text) for passage, text in kb.catalogue.passages_of(sorted(snapshot.documents))]
    for language in LANGUAGES:
        texts = [text[:60] for passage, text in everything if passage.language == language]
        out += [f"{texts[number % len(texts)]} {2000 + number}" for number in range(count)]
    return out


def main(data_dir: Path, count: int) -> dict[str, Any]:
    embedding = {"provider": "mock_embedding:Hashed", "options": {"dimension": 24}}
    kb = KnowledgeBase(Settings(data_dir=data_dir, embedding=embedding, retrieval={"exact_up_to": 0, "candidates": 10}))
    assert kb.open_stores() == []
    snapshot = kb.snapshot()
    assert snapshot is not None
    assert kb.embedder is not None
    found: list[list[str]] = []
    recalled: list[float] = []
    for question in questions(kb, count):
        found.append([hit["passage_id"] for hit in search(kb, question, top_k=10)["data"]])
        vector = kb.embedder.embed_question(question)
        proposed = set(snapshot.ids(snapshot.dense(vector, limit=10).refs))
        exact = [(score, name) for segment in snapshot.open_segments if segment.dense for score, name in _exact(segment, vector)]
        best = {name for _, name in sorted(exact, reverse=True)[:10]}
        recalled.append(len(best & proposed) / len(best))
    return {"found": found, "recall": round(float(np.mean(recalled)), 6), "passages": snapshot.passages}


def _exact(segment: Any, vector: Any) -> list[tuple[float, str]]:
    ordinals, scores = segment.dense.exact(vector, 10)
    return [(float(score), segment.ids[ordinal].decode()) for ordinal, score in zip(ordinals, scores, strict=True)]


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1]), int(sys.argv[2])), sys.stdout)
