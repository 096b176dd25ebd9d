"""An embedding model behind an OpenAI-compatible address (``POST …/embeddings``), as a LlamaIndex embedding: OpenAI, vLLM, Ollama."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

__all__ = ["HttpEmbedding"]


class HttpEmbedding(BaseEmbedding):
    """Asks an OpenAI-compatible address for vectors.

    Args:
        base_url: Up to and with ``/v1``.
        api_key: Sent as a bearer token; may be empty.
        model_name: As the address knows it.
        timeout_s: Longest wait for one batch.
    """

    _client: httpx.Client = PrivateAttr()

    def __init__(self, *, base_url: str, api_key: str = "", timeout_s: float = 60.0, **fields: Any) -> None:
        super().__init__(**fields)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # No proxy and no redirect: a key goes to the address that was configured and to no other.
        self._client = httpx.Client(base_url=base_url.rstrip("/") + "/", headers=headers, timeout=timeout_s, trust_env=False)

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        response = self._client.post("embeddings", json={"model": self.model_name, "input": texts})
        response.raise_for_status()
        rows = sorted(response.json()["data"], key=lambda row: int(row["index"]))
        if len(rows) != len(texts):
            raise ValueError(f"{len(texts)} texts were sent, {len(rows)} vectors came back")
        return [[float(value) for value in row["embedding"]] for row in rows]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)
