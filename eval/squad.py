"""Passage retrieval on question sets in SQuAD's JSON format: every paragraph is a passage, every question looks for its own."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.cases import SetError
from eval.measures.latency import percentile
from ingest.build import publish_catalogue
from ingest.kb import Block, Document, KnowledgeBase, Page, Passage, Settings, detect_language

__all__ = ["Paragraphs", "load_squad", "passage_table", "retrieval_rows"]


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """One set: paragraphs and (question id, question, paragraph number, answers)."""

    name: str
    texts: list[str]
    questions: list[tuple[str, str, int, tuple[str, ...]]]


def load_squad(path: Path) -> Paragraphs:
    """Return a set in SQuAD's format; equal paragraphs are one.

    Raises:
        SetError: It is missing or of another format.
    """
    try:
        data = json.loads(path.read_text("utf-8"))["data"]
        numbers: dict[str, int] = {}
        questions: dict[str, tuple[str, str, int, tuple[str, ...]]] = {}
        for article in data:
            for paragraph in article["paragraphs"]:
                number = numbers.setdefault(paragraph["context"], len(numbers))
                for qa in paragraph["qas"]:
                    answers = tuple(dict.fromkeys(str(a["text"]) for a in qa.get("answers", ())))
                    questions[str(qa["id"])] = (str(qa["id"]), qa["question"], number, answers)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetError(f"{path} is no set in SQuAD's format: {error}", hint="It has data → paragraphs → qas.") from error
    return Paragraphs(path.stem, list(numbers), list(questions.values()))


def build(sets: Sequence[Paragraphs], folder: Path, settings: Settings) -> KnowledgeBase:
    """Return a knowledge base in a folder with every paragraph of the sets as a document of one passage."""
    settings = settings.model_copy(update={"data_dir": folder})
    kb = KnowledgeBase(settings, create=True)
    for group in sets:
        for number, text in enumerate(group.texts):
            text = text.replace("\x00", " ")
            sha = hashlib.sha256(f"{group.name}:{number}".encode()).hexdigest()
            language = detect_language(text)
            name = f"{group.name}/{number}"
            document = Document(f"doc_{sha[:16]}", sha, name, "", language, "text/plain", len(text), 1, False)
            passage = Passage(f"psg_{sha[:24]}", document.id, 1, 0, len(text), (), language)
            kb.catalogue.put_document(
                document, [Page(1, text, (Block("paragraph", 0, len(text)),))], [passage], splitter="squad", source=None
            )
    kb.close()
    publish_catalogue(settings)
    return KnowledgeBase(settings)


def _other_script(text: str, *, region: bool) -> str:
    """Return a Chinese text in the other script, with the other region's wording if asked for."""
    import opencc

    traditional = detect_language(text) == "zh-Hant"
    config = ("tw2sp" if region else "t2s") if traditional else ("s2twp" if region else "s2t")
    converted: str = opencc.OpenCC(config).convert(text)
    return converted


def retrieval_rows(kb: KnowledgeBase, questions: Sequence[tuple[str, str]], *, dense: bool) -> tuple[list[int], list[float]]:
    """Return the rank (from 1, 0 if not among the first ten) of each question's document, and the milliseconds each took.

    Args:
        kb: Where to look.
        questions: Question and the file name of the document that holds the answer.
        dense: Whether the dense leg takes part.
    """
    from service.question import read_question
    from service.retrieve import retrieve

    snapshot = kb.snapshot()
    assert snapshot is not None
    ranks, times = [], []
    for text, name in questions:
        started = time.perf_counter()
        found = retrieve(kb, snapshot, read_question(text, kb.analyser), top_k=10, dense=dense)
        times.append((time.perf_counter() - started) * 1000)
        ranks.append(next((rank for rank, hit in enumerate(found.hits, 1) if hit.document.file_name == name), 0))
    return ranks, times


def _row(label: str, ranks: Sequence[int], times: Sequence[float]) -> dict[str, Any]:
    n = max(len(ranks), 1)
    return {
        "what": label,
        "n": len(ranks),
        "R@1": sum(rank == 1 for rank in ranks) / n,
        "R@5": sum(0 < rank <= 5 for rank in ranks) / n,
        "MRR": sum(1 / rank for rank in ranks if rank) / n,
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
    }


def passage_table(
    paths: Sequence[Path], settings: Settings, *, sample: int = 0, dense: bool = True, mixed: bool = True
) -> list[dict[str, Any]]:
    """Return the table of passage retrieval: each set alone, with the question in the other script, all in one index, across languages.

    Two sets whose questions share ids (XQuAD) are asked across languages: the question of one, the paragraphs of the other.

    Args:
        paths: Sets in SQuAD's format.
        settings: To retrieve with.
        sample: Questions of each set, 0 for all.
        dense: Whether the dense leg takes part.
        mixed: Also all sets in one index.
    """
    sets = [load_squad(path) for path in paths]
    rows: list[dict[str, Any]] = []
    picked = {s.name: (s.questions[:: max(1, len(s.questions) // sample)] if sample else s.questions) for s in sets}
    for group in sets:
        with tempfile.TemporaryDirectory() as folder:
            kb = build([group], Path(folder), settings)
            asked = [(q, f"{group.name}/{number}") for _, q, number, _ in picked[group.name]]
            rows.append(_row(group.name, *retrieval_rows(kb, asked, dense=dense)))
            if detect_language(group.texts[0]) != "en":
                for region in (False, True):
                    other = [(_other_script(q, region=region), name) for q, name in asked]
                    label = f"{group.name} · other script{' and wording' if region else ''}"
                    rows.append(_row(label, *retrieval_rows(kb, other, dense=dense)))
            for left in sets:
                twins = {i: number for i, _, number, _ in group.questions}
                shared = [(q, f"{group.name}/{twins[i]}") for i, q, _, _ in picked[left.name] if i in twins]
                if left is not group and shared:
                    rows.append(_row(f"{left.name} → {group.name} · across languages", *retrieval_rows(kb, shared, dense=dense)))
            kb.close()
    if mixed and len(sets) > 1:
        with tempfile.TemporaryDirectory() as folder:
            kb = build(sets, Path(folder), settings)
            for group in sets:
                asked = [(q, f"{group.name}/{number}") for _, q, number, _ in picked[group.name]]
                rows.append(_row(f"{group.name} · all sets in one index", *retrieval_rows(kb, asked, dense=dense)))
            kb.close()
    return rows
