"""An embedding that costs nothing: unit vectors from a hash of the text, the same in every process."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding


class Hashed(BaseEmbedding):
    dimension: int = 24

    def _vector(self, text: str) -> list[float]:
        seed = int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "little")
        vector = np.random.default_rng(seed).normal(size=self.dimension)
        return [float(value) for value in vector / np.linalg.norm(vector)]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._vector(text)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    def __init__(self, **options: Any) -> None:
        super().__init__(**{name: value for name, value in options.items() if name in ("dimension", "model_name", "embed_batch_size")})
