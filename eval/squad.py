"""Question sets in SQuAD's JSON format as a library: every paragraph is a passage, every question looks for its own."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.cases import SetError
from ingest.build import publish_catalogue
from ingest.kb import Block, Document, KnowledgeBase, Page, Passage, Settings, detect_language

__all__ = ["Paragraphs", "build", "found_names", "load_squad", "other_script"]


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
    """Return a knowledge base in a folder with every paragraph of the sets as a document of one passage, and nothing else.

    A folder may be used again with other sets: vectors computed before are kept.
    """
    settings = settings.model_copy(update={"data_dir": folder})
    kb = KnowledgeBase(settings, create=True)
    wanted = {f"doc_{_digest(group, number)[:16]}": (group, number) for group in sets for number in range(len(group.texts))}
    known = kb.catalogue.documents()
    kb.catalogue.mark_removed([name for name in known if name not in wanted])
    for name, (group, number) in wanted.items():
        if name in known:
            continue
        text, sha = group.texts[number].replace("\x00", " "), _digest(group, number)
        language = detect_language(text)
        document = Document(name, sha, f"{group.name}/{number}", "", language, "text/plain", len(text), 1, False)
        passage = Passage(f"psg_{sha[:24]}", name, 1, 0, len(text), (), language)
        kb.catalogue.put_document(document, [Page(1, text, (Block("paragraph", 0, len(text)),))], [passage], splitter="squad", source=None)
    kb.close()
    # Segments that held other sets would leave their counts behind.
    publish_catalogue(settings, rebuild=True)
    return KnowledgeBase(settings)


def _digest(group: Paragraphs, number: int) -> str:
    return hashlib.sha256(f"{group.name}:{number}".encode()).hexdigest()


def other_script(text: str, *, region: bool) -> str:
    """Return a Chinese text in the other script, with the other region's wording if asked for."""
    import opencc

    traditional = detect_language(text) == "zh-Hant"
    config = ("tw2sp" if region else "t2s") if traditional else ("s2twp" if region else "s2t")
    converted: str = opencc.OpenCC(config).convert(text)
    return converted


def found_names(kb: KnowledgeBase, questions: Sequence[str], *, dense: bool) -> tuple[list[list[str]], list[float]]:
    """Return for each question the file names of the first ten passages, best first, and the milliseconds it took.

    Args:
        kb: Where to look.
        questions: As asked.
        dense: Whether the dense leg takes part.
    """
    from service.question import read_question
    from service.retrieve import retrieve

    snapshot = kb.snapshot()
    assert snapshot is not None
    names, times = [], []
    for text in questions:
        started = time.perf_counter()
        found = retrieve(kb, snapshot, read_question(text, kb.analyser), top_k=10, dense=dense)
        times.append((time.perf_counter() - started) * 1000)
        names.append([hit.document.file_name for hit in found.hits])
    return names, times
