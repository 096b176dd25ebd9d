"""What the formats share: reading with the place of a fault, cases from few fields, and what gets lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from eval.cases import Case, Evidence, SetError
from ingest.kb import detect_language
from ingest.kb.generation import write_atomically

__all__ = ["alternatives", "dump_lines", "list_of", "losses", "make_case", "read_json", "read_lines", "text_of", "write_text"]


def make_case(name: str, question: str, answers: Sequence[Sequence[str]], evidence: Iterable[Evidence], source: str, **more: Any) -> Case:
    """Return a case from the few fields that other formats have."""
    return Case(
        id=name,
        group_id=more.get("group", name),
        language=detect_language(question),
        question=question,
        type="other",
        answerable=more.get("answerable", True),
        answers=tuple(tuple(part) for part in answers if part),
        evidence=tuple(evidence),
        source=source,
    )


def read_json(path: Path) -> Any:
    """Return a JSON file's content.

    Raises:
        SetError: It is missing or broken; the line is named.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise SetError(f"{path}:{error.lineno}: broken JSON ({error.msg} at column {error.colno})") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SetError(f"{path} cannot be read: {error}") from error


def read_lines(path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield each line's object with its place."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"{path}:{number}"
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise SetError(f"{where}: broken JSON ({error.msg} at column {error.colno})") from error
            if not isinstance(record, dict):
                raise SetError(f"{where}: a line must be a JSON object")
            yield where, record


def text_of(record: Any, names: Sequence[str], where: str) -> str:
    """Return the first of the fields that is there, as text."""
    if not isinstance(record, dict):
        raise SetError(f"{where}: an object was expected")
    for name in names:
        if isinstance(record.get(name), str) and record[name].strip():
            return str(record[name])
    raise SetError(f"{where}: {names[0]!r} is missing or no text")


def list_of(record: Any, names: Sequence[str], where: str, *, needed: bool = False) -> list[Any]:
    """Return the first of the fields that is there, as a list."""
    for name in names:
        value = record.get(name) if isinstance(record, dict) else None
        if value is not None:
            if not isinstance(value, list):
                raise SetError(f"{where}: {name!r} is no list")
            return value
    if needed:
        raise SetError(f"{where}: {names[0]!r} is missing")
    return []


def alternatives(case: Case) -> list[str]:
    """Return the answer as texts that stand for the whole: the alternatives if there is one part, else one of each part together."""
    if len(case.answers) <= 1:
        return [text for part in case.answers for text in part]
    return ["; ".join(part[0] for part in case.answers)]


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    write_atomically(path, text.encode("utf-8"))


def dump_lines(records: Iterable[Any]) -> str:
    """Return records as JSON lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


_PARTS = "answers of several required parts are joined into one text"


def losses(cases: Sequence[Case], *, unanswerable: bool) -> list[str]:
    """Return notes on what a format without parts, turns or refusals cannot hold."""
    out = []
    if any(len(case.answers) > 1 for case in cases):
        out.append(_PARTS)
    if any(case.history for case in cases):
        out.append("earlier turns are left out: the questions of a conversation may not stand alone")
    if not unanswerable and any(not case.answerable for case in cases):
        out.append("the format has no unanswerable questions: they have an empty answer")
    return out
