"""Reviewing drafted questions in a terminal: accept, edit, reject or skip; what is decided is saved at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from eval.cases import Case, load_sets
from ingest.kb.generation import write_atomically

__all__ = ["add_cases", "answers_text", "decide", "read_answers", "review_set", "save_cases"]

_KEYS = "[a]ccept  [e]dit  [r]eject  [s]kip  [q]uit > "


def save_cases(path: Path, cases: Iterable[Case]) -> None:
    """Write a set so that a stop in the middle leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "".join(json.dumps(case.as_json(), ensure_ascii=False) + "\n" for case in cases).encode("utf-8"))


def add_cases(path: Path, cases: Sequence[Case]) -> int:
    """Add cases to a set and return how many are new; what stands there stays as it is, so that no review is lost.

    Args:
        path: The set; it may be missing.
        cases: To add.

    Raises:
        SetError: The set is there but broken.
    """
    before = load_sets([path]) if path.exists() and path.stat().st_size else []
    known = {case.id for case in before}
    new = [case for case in cases if case.id not in known]
    save_cases(path, [*before, *new])
    return len(new)


def read_answers(typed: str) -> tuple[tuple[str, ...], ...]:
    """Return typed answers: parts parted by ;, alternatives by |."""
    parts = (tuple(item.strip() for item in part.split("|") if item.strip()) for part in typed.split(";"))
    return tuple(part for part in parts if part)


def decide(path: Path, name: str, choice: str, *, question: str, answers: tuple[tuple[str, ...], ...], by: str) -> None:
    """Write what was decided on one case.

    Args:
        path: The set.
        name: Of the case; one that is no longer there is left alone.
        choice: ``accept`` or ``reject``.
        question: As edited; empty keeps what is there.
        answers: As edited; none keep what is there.
        by: What ``reviewed_by`` becomes.

    Raises:
        SetError: The set is missing or broken.
    """
    kept = []
    for case in load_sets([path]):
        if case.id != name:
            kept.append(case)
        elif choice == "accept":
            kept.append(
                replace(
                    case,
                    question=question or case.question,
                    answers=(answers or case.answers) if case.answerable else case.answers,
                    reviewed_by=by,
                )
            )
    save_cases(path, kept)


def review_set(path: Path, source: TextIO, sink: TextIO, *, by: str = "author") -> int:
    """Ask about every question that nobody has reviewed; returns the exit code.

    Args:
        path: The set; it is written again after each decision.
        source: Where the decisions are typed. Its end ends the review.
        sink: Where the questions are shown.
        by: What ``reviewed_by`` becomes.

    Raises:
        SetError: The set is missing or broken.
    """
    cases = load_sets([path])
    waiting = [case for case in cases if not case.reviewed_by]
    counts = {"accepted": 0, "edited": 0, "rejected": 0, "skipped": 0}
    for number, case in enumerate(waiting, 1):
        print(_shown(case, number, len(waiting)), file=sink)
        choice = _choice(source, sink)
        if choice in ("", "q"):
            break
        if choice == "s":
            counts["skipped"] += 1
            continue
        if choice == "r":
            cases = [other for other in cases if other.id != case.id]
            counts["rejected"] += 1
        else:
            new = _edited(case, source, sink) if choice == "e" else case
            cases = [replace(new, reviewed_by=by) if other.id == case.id else other for other in cases]
            counts["edited" if choice == "e" else "accepted"] += 1
        save_cases(path, cases)
    left = sum(not case.reviewed_by for case in cases)
    print(", ".join(f"{count} {name}" for name, count in counts.items()) + f", {left} left to review", file=sink)
    return 0


def _shown(case: Case, number: int, total: int) -> str:
    lines = [f"\n{number}/{total}  {case.id}  {case.language}  {case.type}", f"  question: {case.question}"]
    lines.append(f"  answers:  {answers_text(case.answers)}" if case.answerable else "  answers:  none, to be refused")
    lines += [f"  evidence: {item.document} p. {item.page}: {item.quote}" for item in case.evidence]
    return "\n".join(lines)


def answers_text(answers: Sequence[Sequence[str]]) -> str:
    """Return answers as they are typed: parts parted by ;, alternatives by |."""
    return " ; ".join(" | ".join(part) for part in answers)


def _read(source: TextIO, sink: TextIO, prompt: str) -> str | None:
    """Return a typed line, None at the end of the input."""
    print(prompt, end="", file=sink, flush=True)
    line = source.readline()
    return line.strip() if line else None


def _choice(source: TextIO, sink: TextIO) -> str:
    """Return one of a, e, r, s, q; empty at the end of the input."""
    while True:
        typed = _read(source, sink, _KEYS)
        if typed is None:
            return ""
        if typed[:1].lower() in tuple("aersq"):
            return typed[:1].lower()
        print("  a, e, r, s or q", file=sink)


def _edited(case: Case, source: TextIO, sink: TextIO) -> Case:
    """Return the case with what was typed; an empty line keeps what is there. Parts of an answer are parted by ;, alternatives by |."""
    question = _read(source, sink, "  new question (empty: keep) > ") or case.question
    typed = _read(source, sink, "  new answers, parts by ; alternatives by | (empty: keep) > ") if case.answerable else ""
    if not typed:
        return replace(case, question=question)
    return replace(case, question=question, answers=read_answers(typed))
