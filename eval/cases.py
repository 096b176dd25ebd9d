"""Eval sets: JSONL, one question a line, the same question in three scripts tied by ``group_id``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.kb import Language, WenjuError, fold
from service.question import ANSWER_TYPES

__all__ = ["TYPES", "Case", "Evidence", "SetError", "load_sets", "parse_case", "squeeze", "write_set"]

LANGUAGES: tuple[Language, ...] = ("zh-Hant", "zh-Hans", "en")
# What the service tells apart, and what only a person does: a trend is asked for in the words of a number or a reason.
TYPES = (*ANSWER_TYPES, "trend", "other")
_REQUIRED = {"id": str, "group_id": str, "language": str, "question": str, "answerable": bool}


class SetError(WenjuError):
    """An eval set cannot be used."""

    code = "eval_set"
    exit_code = 2
    status = 422


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an answer stands: a document by file name, a page, the words."""

    document: str
    page: int
    quote: str


@dataclass(frozen=True, slots=True)
class Case:
    """One question.

    Attributes:
        answers: Required parts, each with acceptable alternatives; empty for a set that measures retrieval alone.
        must_not_include: Texts that make an answer wrong.
        history: Earlier turns.
    """

    id: str
    group_id: str
    language: str
    question: str
    type: str
    answerable: bool
    answers: tuple[tuple[str, ...], ...] = ()
    must_not_include: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    history: tuple[dict[str, str], ...] = ()
    source: str = ""
    reviewed_by: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the record as the file has it."""
        return asdict(self)


def squeeze(text: str) -> str:
    """Return a text folded, without spaces and punctuation: what containment is judged on."""
    return "".join(char for char in fold(text).lower() if char.isalnum() or char in "%.-")


def parse_case(record: Any, where: str) -> Case:
    """Return the case of one line.

    Raises:
        SetError: A field is missing or of the wrong kind; ``where`` names file and line.
    """
    if not isinstance(record, dict):
        raise SetError(f"{where}: a line must be a JSON object")
    for name, kind in _REQUIRED.items():
        if not isinstance(record.get(name), kind) or record[name] == "":
            raise SetError(f"{where}: {name!r} is missing or no {kind.__name__}", hint="docs/evals.md has the format.")
    if record["language"] not in LANGUAGES:
        raise SetError(f"{where}: language {record['language']!r} is none of {', '.join(LANGUAGES)}")
    if record.get("type", "other") not in TYPES:
        raise SetError(f"{where}: type {record['type']!r} is none of {', '.join(TYPES)}")
    try:
        evidence = tuple(Evidence(str(e["document"]), int(e.get("page") or 1), str(e["quote"])) for e in record.get("evidence") or ())
        answers = tuple(tuple(map(str, [part] if isinstance(part, str) else part)) for part in record.get("answers") or ())
        history = tuple({"role": str(t["role"]), "content": str(t["content"])} for t in record.get("history") or ())
    except (KeyError, TypeError, ValueError) as error:
        raise SetError(f"{where}: evidence, answers or history are malformed ({error})", hint="docs/evals.md has the format.") from error
    return Case(
        id=record["id"],
        group_id=record["group_id"],
        language=record["language"],
        question=record["question"],
        type=record.get("type", "other"),
        answerable=record["answerable"],
        answers=answers,
        must_not_include=tuple(map(str, record.get("must_not_include") or ())),
        evidence=evidence,
        history=history,
        source=str(record.get("source", "")),
        reviewed_by=str(record.get("reviewed_by", "")),
    )


def load_sets(paths: Sequence[Path]) -> list[Case]:
    """Return the cases of set files, in order.

    Raises:
        SetError: A file is missing, a line is broken (it is named), or an id stands twice.
    """
    cases: dict[str, Case] = {}
    for path in paths:
        if not path.is_file():
            raise SetError(f"there is no eval set {path}", hint="Give a .jsonl file; eval/sets/ has some.")
        for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise SetError(
                    f"{where}: broken JSON ({error.msg} at column {error.colno})", hint="One JSON object on each line."
                ) from error
            case = parse_case(record, where)
            if case.id in cases:
                raise SetError(f"{where}: the id {case.id!r} stands twice", hint="Give every question an id of its own.")
            cases[case.id] = case
    if not cases:
        raise SetError(f"there is no question in {', '.join(map(str, paths))}")
    return list(cases.values())


def write_set(path: Path, cases: Iterable[Case]) -> None:
    """Write a set file."""
    path.write_text("".join(json.dumps(case.as_json(), ensure_ascii=False) + "\n" for case in cases), "utf-8")
