"""What can happen to a file, and settings whose vectors cost nothing."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from crash_kit import Store

from ingest.kb.settings import EmbeddingSettings, Settings


def cut(share: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        os.truncate(path, int(path.stat().st_size * share))

    return damage


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    chance = random.Random(path.name)
    for _ in range(min(100, max(1, len(content) // 2))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def hole(path: Path) -> None:
    """Terabytes, all of it hole: the known end of an HNSW index that was killed while it was written."""
    os.truncate(path, 3_000_000_000_000)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "empty": cut(0),
    "first percent": cut(0.01),
    "half": cut(0.5),
    "last percent": cut(0.99),
    "bits": flip,
    "hole": hole,
    "gone": Path.unlink,
}


def dense_settings(store: Store) -> Settings:
    """Return the settings of a store with vectors from a hash of the text."""
    options = {"dimension": 24}
    return Settings(data_dir=store.layout.data_dir, embedding=EmbeddingSettings(provider="mock_embedding:Hashed", options=options))
