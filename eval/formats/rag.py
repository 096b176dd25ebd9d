"""Ragas (JSON lines), LlamaIndex (``LabelledRagDataset``) and promptfoo (YAML)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from eval.cases import Case, Evidence, SetError
from eval.formats.base import alternatives, dump_lines, list_of, losses, make_case, read_json, read_lines, text_of, write_text

__all__ = ["read_llamaindex", "read_promptfoo", "read_ragas", "write_llamaindex", "write_promptfoo", "write_ragas"]

_ONE = {"contains", "icontains", "equals"}
_ANY = {"contains-any", "icontains-any"}
_ALL = {"contains-all", "icontains-all"}


def _contexts(path: Path, texts: Sequence[Any]) -> list[Evidence]:
    return [Evidence(path.stem, 1, str(text)) for text in texts]


def _reference(case: Case) -> str:
    return next(iter(alternatives(case)), "")


def read_ragas(path: Path) -> list[Case]:
    """Return a set in Ragas's format, of today's field names or the older ones.

    Raises:
        SetError: A line is broken or has no question.
    """
    cases = []
    for number, (where, record) in enumerate(read_lines(path), 1):
        question = text_of(record, ["user_input", "question"], where)
        many = list_of(record, ["ground_truths"], where)
        one = record.get("reference") or record.get("ground_truth")
        answers = [str(one)] if one else [str(item) for item in many]
        contexts = list_of(record, ["reference_contexts", "contexts"], where)
        name = str(record.get("id") or f"{path.stem}-{number}")
        cases.append(make_case(name, question, [answers], _contexts(path, contexts), "ragas", answerable=bool(answers or contexts)))
    return cases


def write_ragas(path: Path, cases: Sequence[Case]) -> list[str]:
    """Write a set in Ragas's format."""
    records = [
        {"user_input": case.question, "reference": _reference(case), "reference_contexts": [item.quote for item in case.evidence]}
        for case in cases
    ]
    write_text(path, dump_lines(records))
    return losses(cases, unanswerable=False)


def read_llamaindex(path: Path) -> list[Case]:
    """Return a set in the format of LlamaIndex's ``LabelledRagDataset``.

    Raises:
        SetError: It is broken or of another format.
    """
    cases = []
    for number, example in enumerate(list_of(read_json(path), ["examples"], str(path), needed=True), 1):
        where = f"{path}: examples[{number - 1}]"
        question = text_of(example, ["query"], where)
        answer = str(example.get("reference_answer") or "")
        contexts = list_of(example, ["reference_contexts"], where)
        answers = [[answer]] if answer else []
        name = f"{path.stem}-{number}"
        cases.append(make_case(name, question, answers, _contexts(path, contexts), "llamaindex", answerable=bool(answer or contexts)))
    return cases


def write_llamaindex(path: Path, cases: Sequence[Case]) -> list[str]:
    """Write a set in the JSON form of ``LabelledRagDataset``."""
    human = {"model_name": "", "type": "human"}
    examples = [
        {
            "query": case.question,
            "query_by": human,
            "reference_contexts": [item.quote for item in case.evidence],
            "reference_answer": _reference(case),
            "reference_answer_by": human,
        }
        for case in cases
    ]
    write_text(path, json.dumps({"examples": examples}, ensure_ascii=False, indent=1))
    return losses(cases, unanswerable=False)


def read_promptfoo(path: Path) -> list[Case]:
    """Return the tests of a promptfoo configuration, or of a file that is the list itself.

    Raises:
        SetError: It is broken or has no tests.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SetError(f"{path}:{line}: broken YAML ({error.problem})") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SetError(f"{path} cannot be read: {error}") from error
    tests = data if isinstance(data, list) else list_of(data, ["tests"], str(path), needed=True)
    return [_tested(path, number, test) for number, test in enumerate(tests, 1)]


def _tested(path: Path, number: int, test: Any) -> Case:
    where = f"{path}: tests[{number - 1}]"
    if not isinstance(test, dict):
        raise SetError(f"{where}: an object was expected")
    question = text_of(test.get("vars"), ["question", "query", "input", "prompt"], where)
    facts = test.get("metadata") if isinstance(test.get("metadata"), dict) else {}
    assert isinstance(facts, dict)
    parts: list[list[str]] = []
    for check in list_of(test, ["assert"], where):
        kind, value = (check.get("type"), check.get("value")) if isinstance(check, dict) else (None, None)
        values = [str(item) for item in (value if isinstance(value, list) else [value])]
        parts += [values] if kind in _ONE | _ANY else [[item] for item in values] if kind in _ALL else []
    evidence = [_placed(item, where) for item in list_of(facts, ["evidence"], where)]
    name, group = str(facts.get("id") or f"{path.stem}-{number}"), facts.get("group_id")
    more = {"group": str(group)} if group else {}
    return make_case(name, question, parts, evidence, "promptfoo", answerable=bool(facts.get("answerable", True)), **more)


def _placed(item: Any, where: str) -> Evidence:
    document, quote = text_of(item, ["document"], where), text_of(item, ["quote"], where)
    page = item.get("page") or 1
    if not isinstance(page, int):
        raise SetError(f"{where}: the page {page!r} is no number")
    return Evidence(document, page, quote)


def write_promptfoo(path: Path, cases: Sequence[Case]) -> list[str]:
    """Write tests for promptfoo: a check for each required part and for each text that must not occur."""
    tests = []
    for case in cases:
        checks: list[dict[str, Any]] = [{"type": "icontains-any", "value": list(part)} for part in case.answers]
        checks += [{"type": "not-icontains", "value": text} for text in case.must_not_include]
        evidence = [{"document": item.document, "page": item.page, "quote": item.quote} for item in case.evidence]
        facts = {"id": case.id, "group_id": case.group_id, "language": case.language, "answerable": case.answerable, "evidence": evidence}
        tests.append({"description": case.id, "vars": {"question": case.question}, "assert": checks, "metadata": facts})
    body = {"description": "questions of a Wenju eval set", "prompts": ["{{question}}"], "tests": tests}
    write_text(path, yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=1_000))
    return [note for note in losses(cases, unanswerable=True) if "joined" not in note]
