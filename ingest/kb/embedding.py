"""Embedders: the embedded default, none, or any LlamaIndex embedding by settings.

The embedded default is a multilingual encoder, where its weights can be installed. Elsewhere an English one stands in: Chinese text
reaches it as an English gloss made with the lexicon (concepts, Latin words, figures), never raw, since to that model all Chinese text is
nearly the same sequence of unknown pieces.
"""

from __future__ import annotations

import hashlib
import importlib
import time
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.kb import e5
from ingest.kb.analyse import Analyser
from ingest.kb.errors import DependencyError, SettingsError
from ingest.kb.minilm import DIMENSION, MiniLM, find_weights
from ingest.kb.model import Passage
from ingest.kb.script import to_script
from ingest.kb.sentences import statement_spans
from ingest.kb.settings import EmbeddingSettings
from ingest.kb.tokens import is_han

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

__all__ = ["Embedder", "content_hash", "gloss", "make_embedder", "passage_text", "sentence_texts"]

# A model that is being loaded or is overrun answers a moment later.
_ATTEMPTS, _PAUSE_S = 3, 0.5


class Embedder(Protocol):
    """What the dense leg needs of a model.

    Attributes:
        identity: Model and everything else that its vectors depend on; vectors of different identities are never mixed.
        of_sentences: Whether each sentence is to have a vector too, by which the ranking of sentences was learnt.
    """

    identity: str
    of_sentences: bool

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of passages, shape (n, dimension)."""

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimension,)."""


def passage_text(passage: Passage, text: str, title: str) -> str:
    """Return what stands for a passage in the dense leg: its last heading (or the title), a table's header, and its text."""
    return f"{_above(passage, title)}{text}"


def sentence_texts(passage: Passage, text: str, title: str) -> list[str]:
    """Return what stands for each sentence of a passage, with the same above it."""
    above = _above(passage, title)
    return [f"{above}{text[start:end]}" for start, end in statement_spans(passage.kind, text)]


def _above(passage: Passage, title: str) -> str:
    header = f"{passage.header}\n" if passage.header else ""
    return f"{passage.heading[-1] if passage.heading else title}\n{header}"


def content_hash(text: str) -> str:
    """Return the key under which the vector of a text is stored."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def gloss(analyser: Analyser, text: str) -> str:
    """Return a text for an English encoder: English as it is, Chinese as the English names of its concepts, in order.

    Args:
        analyser: With the lexicon that names the concepts.
        text: In any language.
    """
    han = sum(1 for char in text if is_han(char))
    if han * 8 < len(text):
        return text
    analysis = analyser.analyse(text)
    parts: dict[int, str] = {}
    for match in analysis.concepts:
        if not match.nested:
            parts.setdefault(match.start, match.concept.terms["en"][0])
    taken = [(m.start, m.end) for m in analysis.concepts]
    for token in analysis.tokens:
        if token.kind == "word" and not any(start <= token.start < end for start, end in taken):
            parts.setdefault(token.start, text[token.start : token.end])
    return " ".join(parts[place] for place in sorted(parts)) or "unknown"


@cache
def _minilm() -> MiniLM | None:
    files = find_weights()
    return MiniLM(files) if files else None


@cache
def _e5() -> e5.E5 | None:
    path = e5.find_weights()
    return e5.E5(path) if path else None


class MultilingualEmbedder:
    """The embedded multilingual encoder."""

    identity = f"multilingual-e5-small-q4/{e5.DIMENSION}"
    of_sentences = True

    @staticmethod
    def available() -> bool:
        """Return whether the weights are installed."""
        return e5.find_weights() is not None

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, 384)."""
        return self._model().encode_passages(texts)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (384,).

        A Chinese question is read in both scripts, so that it finds the same in whichever it was asked.
        """
        return _question_vector(self._model(), text)

    @staticmethod
    def _model() -> e5.E5:
        model = _e5()
        if model is None:
            raise _not_installed()
        return model


# The same question comes again: after a retry, from many readers, with its follow-ups.
@lru_cache(maxsize=256)
def _question_vector(model: e5.E5, text: str) -> NDArray[np.float32]:
    simplified = to_script(text, "zh-Hans")
    vector = model.encode_question(*dict.fromkeys((simplified, to_script(simplified, "zh-Hant"))))
    vector.setflags(write=False)
    return vector


def _not_installed() -> DependencyError:
    return DependencyError(
        "the weights of the embedded encoder are not installed", hint="Run `make setup`, or set embedding.provider to none."
    )


class EnglishEmbedder:
    """The embedded English encoder over English text and English glosses of Chinese text."""

    of_sentences = False

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser
        self.identity = f"minilm-l6-v2/{DIMENSION}/{analyser.version}"

    @staticmethod
    def available() -> bool:
        """Return whether the weights are installed."""
        return find_weights() is not None

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, 384)."""
        model = _minilm()
        if model is None:
            raise _not_installed()
        return model.encode([gloss(self._analyser, text) for text in texts])

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (384,)."""
        vector: NDArray[np.float32] = self.embed_passages([text])[0]
        return vector


class LlamaIndexEmbedder:
    """Any LlamaIndex embedding.

    Args:
        model: The embedding.
        identity: Provider, model name and dimension.
        batch_size: Texts per call.
        dimension: Expected dimension; 0 takes what the model gives.
    """

    # Each may cost money, and the weights of the ranking are not those of another model's cosines.
    of_sentences = False

    def __init__(self, model: BaseEmbedding, *, identity: str, batch_size: int, dimension: int = 0) -> None:
        self._model = model
        self._batch = batch_size
        self._dimension = dimension
        self.identity = identity

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, dimension).

        Raises:
            DependencyError: The model fails three times, or answers with another dimension than the settings say.
        """
        out: list[list[float]] = []
        for start in range(0, len(texts), self._batch):
            out.extend(self._call(list(texts[start : start + self._batch])))
        return self._unit(np.array(out, dtype=np.float32))

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimension,)."""
        try:
            vector = self._model.get_query_embedding(text)
        except Exception as error:
            raise DependencyError(f"the embedding model {self.identity} does not answer: {error}") from error
        unit: NDArray[np.float32] = self._unit(np.array([vector], dtype=np.float32))[0]
        return unit

    def _call(self, texts: list[str]) -> list[list[float]]:
        for attempt in range(_ATTEMPTS - 1):
            try:
                return self._model.get_text_embedding_batch(texts)
            except Exception:
                time.sleep(_PAUSE_S * 2**attempt)
        try:
            return self._model.get_text_embedding_batch(texts)
        except Exception as error:
            raise DependencyError(
                f"the embedding model {self.identity} does not answer: {error}",
                hint="Check WENJU_EMBEDDING__BASE_URL and the key, or set embedding.provider to embedded. What was embedded is kept.",
            ) from error

    def _unit(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._dimension and vectors.shape[1] != self._dimension:
            raise DependencyError(
                f"the embedding model gives {vectors.shape[1]} dimensions, the settings say {self._dimension}",
                hint="Correct embedding.dimension or embedding.model, then ingest again.",
            )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


def make_embedder(settings: EmbeddingSettings, analyser: Analyser) -> Embedder | None:
    """Return the embedder that the settings ask for; None means: no dense leg.

    The embedded default without its weights installed also gives None: lexical search works on, and ``wenju doctor`` says so.

    Raises:
        SettingsError: The provider is unknown or its class cannot be made.
        DependencyError: The provider's package is not installed.
    """
    provider = settings.provider
    if provider == "none":
        return None
    if provider == "embedded":
        if MultilingualEmbedder.available():
            return MultilingualEmbedder()
        return EnglishEmbedder(analyser) if EnglishEmbedder.available() else None
    model = _llama_index_model(settings)
    return LlamaIndexEmbedder(
        model,
        identity=f"{provider}/{settings.model}/{settings.dimension or 'any'}",
        batch_size=settings.batch_size,
        dimension=settings.dimension,
    )


# Both speak OpenAI's protocol; Ollama's own address is known.
_HTTP = {"openai-like": "", "ollama": "http://127.0.0.1:11434/v1"}


def _llama_index_model(settings: EmbeddingSettings) -> BaseEmbedding:
    options: dict[str, Any] = dict(settings.options)
    if settings.provider in _HTTP:
        from ingest.kb.http_embedding import HttpEmbedding

        base_url = settings.base_url or _HTTP[settings.provider]
        if not base_url or not settings.model:
            missing = "embedding.model" if base_url else "embedding.base_url"
            raise SettingsError(
                f"embedding.provider is {settings.provider!r} and {missing} is empty",
                hint=f"Set WENJU_{missing.upper().replace('.', '__')}.",
            )
        return HttpEmbedding(base_url=base_url, api_key=settings.api_key.get_secret_value(), model_name=settings.model, **options)
    module, _, name = settings.provider.partition(":")
    if not name:
        known = ", ".join(["embedded", "none", *_HTTP])
        raise SettingsError(f"embedding.provider is {settings.provider!r}", hint=f"Use one of {known}, or module:Class.")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise DependencyError(
            f"the embedding {settings.provider} cannot be imported: {error}",
            hint=f"Install it: pip install {module.replace('.', '-').replace('_', '-')}",
        ) from error
    model: BaseEmbedding = kind(**options)
    return model
