"""Faithful and wrong sentences made of paragraphs that the check was never written for: question sets in SQuAD's format."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from eval.faithfulness import Item
from eval.planting import Place, faithful_forms, planted_forms
from eval.squad import load_squad
from ingest.kb import Analyser, sentence_spans

__all__ = ["paragraph_items"]

_NAMES = ("place", "company", "person", "model", "org")
# Shorter sentences are headings and fragments.
_LEAST_CHARS = 12
_SEED = 20_251_124


def paragraph_items(paths: Sequence[Path], analyser: Analyser, *, sample: int) -> list[Item]:
    """Return sentences made of a random choice of paragraphs, the same at every call.

    Args:
        paths: Sets in SQuAD's format.
        analyser: Finds the names that are exchanged.
        sample: Paragraphs of each set.

    Raises:
        SetError: A file is missing or of another format.
    """
    out: list[Item] = []
    for path in paths:
        texts = load_squad(path).texts
        chosen = random.Random(_SEED).sample(texts, min(sample, len(texts)))
        places = [_place(path, number, " ".join(text.split())) for number, text in enumerate(chosen)]
        for number, place in enumerate(places):
            names = _names(place.text, analyser)
            for sentence in (s for s in place.sentences if len(s) >= _LEAST_CHARS):
                out += [Item(kind, True, text, place) for kind, text in faithful_forms(sentence)]
                out += [Item(kind, False, text, at) for kind, text, at in planted_forms(sentence, number, places, names)]
    return out


def _place(path: Path, number: int, text: str) -> Place:
    return Place(f"{path.stem}/{number}", str(number), "", text, tuple(text[a:b] for a, b in sentence_spans(text)))


def _names(text: str, analyser: Analyser) -> list[tuple[str, ...]]:
    """Return the names of a paragraph that the lexicon knows, by kind: those of one kind can be mistaken for one another."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for match in analyser.analyse(text).concepts:
        written = text[match.start : match.end]
        if match.concept.kind in _NAMES and not match.nested and not written.islower():
            groups[match.concept.kind].setdefault(match.concept.key, written)
    return [tuple(group.values()) for group in groups.values() if len(group) > 1]
