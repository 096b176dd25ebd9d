"""Passages for a library of any size: sentences of the sample corpus, put together anew; and questions that people would ask."""

from __future__ import annotations

import random
import re
from pathlib import Path

from eval.cases import load_sets
from ingest.kb import sentence_spans

__all__ = ["make_passages", "make_questions"]

_ROOT = Path(__file__).resolve().parents[2]
_DIGESTS = _ROOT / "corpus" / "digests"
_SETS = (_ROOT / "eval" / "sets" / "dev.jsonl", _ROOT / "eval" / "sets" / "test.jsonl")
_SEED = 7


def _sentences() -> dict[str, list[str]]:
    """Return the digests' sentences by language folder; tables, headings and links are left out."""
    out: dict[str, list[str]] = {}
    for path in sorted(_DIGESTS.glob("*/*.md")):
        body = path.read_text("utf-8").split("---", 2)[-1]
        for line in body.split("\n"):
            if line and not re.match(r"[#|>*-]", line) and "http" not in line:
                found = (line[a:b].strip() for a, b in sentence_spans(line))
                out.setdefault(path.parent.name, []).extend(item for item in found if len(item) > 8)
    return out


def make_passages(count: int) -> list[str]:
    """Return passages of three to six sentences of one language each, the same for the same count.

    Args:
        count: How many.
    """
    chance = random.Random(_SEED)
    by_language = _sentences()
    languages = sorted(by_language)
    out = []
    for number in range(count):
        language = languages[number % len(languages)]
        picked = chance.sample(by_language[language], chance.randint(3, 6))
        out.append((" " if language == "en" else "").join(picked))
    return out


def make_questions(count: int) -> list[str]:
    """Return questions of the sample sets in all three scripts, over again if there are too few.

    Args:
        count: How many.
    """
    asked = [case.question for case in load_sets(_SETS) if not case.history]
    random.Random(_SEED).shuffle(asked)
    return [asked[number % len(asked)] for number in range(count)]
