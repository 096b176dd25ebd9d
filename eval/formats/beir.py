"""BEIR: a folder of ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/*.tsv``; it measures retrieval alone, answers have no place in it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.cases import Case, Evidence, SetError
from eval.formats.base import dump_lines, make_case, read_lines, text_of, write_text

__all__ = ["read_beir", "write_beir"]

_HEAD = "query-id\tcorpus-id\tscore"


def read_beir(folder: Path) -> list[Case]:
    """Return a set in BEIR's format; questions that no judgement names are left out.

    Raises:
        SetError: A part of the folder is missing or broken.
    """
    corpus: dict[str, Evidence] = {}
    for where, record in read_lines(folder / "corpus.jsonl"):
        facts = record.get("metadata") if isinstance(record.get("metadata"), dict) else {}
        name = text_of(record, ["_id"], where)
        try:
            page = int((facts or {}).get("page") or 1)
        except (TypeError, ValueError) as error:
            raise SetError(f"{where}: the page is no number") from error
        document = str((facts or {}).get("document") or record.get("title") or name)
        corpus[name] = Evidence(document, page, text_of(record, ["text"], where))
    judged = _judgements(folder, corpus)
    cases = []
    for where, record in read_lines(folder / "queries.jsonl"):
        name = text_of(record, ["_id"], where)
        if name in judged:
            facts = record.get("metadata") if isinstance(record.get("metadata"), dict) else {}
            group = str((facts or {}).get("group_id") or name)
            cases.append(make_case(name, text_of(record, ["text"], where), [], judged[name], "beir", group=group))
    return cases


def _judgements(folder: Path, corpus: dict[str, Evidence]) -> dict[str, list[Evidence]]:
    paths = sorted((folder / "qrels").glob("*.tsv"))
    if not paths:
        raise SetError(f"there are no judgements in {folder / 'qrels'}", hint=f"A .tsv file with the head {_HEAD!r}.")
    # Where a folder has more splits, the test split is the one to measure with.
    path = next((item for item in paths if item.stem == "test"), paths[0])
    out: dict[str, list[Evidence]] = {}
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        cells = line.rstrip("\r").split("\t")
        if not line.strip() or (number == 1 and cells[0] == "query-id"):
            continue
        if len(cells) != 3 or not cells[2].strip().lstrip("-").isdigit():
            raise SetError(f"{path}:{number}: three columns are needed: question, passage, score")
        if int(cells[2]) > 0:
            if cells[1] not in corpus:
                raise SetError(f"{path}:{number}: the passage {cells[1]!r} is not in corpus.jsonl")
            out.setdefault(cells[0], []).append(corpus[cells[1]])
    return out


def write_beir(folder: Path, cases: Sequence[Case]) -> list[str]:
    """Write a folder in BEIR's format: the evidence is the corpus."""
    corpus: dict[str, dict[str, Any]] = {}
    queries, judgements, left = [], [_HEAD], 0
    for case in cases:
        if not case.evidence:
            left += 1
            continue
        queries.append({"_id": case.id, "text": case.question, "metadata": {"group_id": case.group_id, "language": case.language}})
        for item in case.evidence:
            name = hashlib.sha256(f"{item.document}\n{item.page}\n{item.quote}".encode()).hexdigest()[:16]
            facts = {"document": item.document, "page": item.page}
            corpus[name] = {"_id": name, "title": item.document, "text": item.quote, "metadata": facts}
            judgements.append(f"{case.id}\t{name}\t1")
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    write_text(folder / "corpus.jsonl", dump_lines(corpus.values()))
    write_text(folder / "queries.jsonl", dump_lines(queries))
    write_text(folder / "qrels" / "test.tsv", "\n".join(judgements) + "\n")
    notes = ["answers and earlier turns are left out: the format measures retrieval"]
    return notes + ([f"{left} questions without evidence are left out"] if left else [])
