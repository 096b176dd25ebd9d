"""The runner that the service's ``/v1/evals`` is lent: the service may not import eval."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eval.askers import StateAsker
from eval.cases import Case, SetError, parse_case
from eval.run import run_cases
from ingest.kb.errors import WenjuError
from service.requests import check_question

if TYPE_CHECKING:
    from service.state import State

__all__ = ["prepare_run"]


def prepare_run(state: State, records: Sequence[Any], name: str) -> Callable[[Callable[[int, int], None]], dict[str, Any]]:
    """Return the work of a posted run, for the service.

    Args:
        state: Of the running service: its knowledge base and its language model are asked.
        records: Questions as an eval set has them.
        name: Of the set.

    Raises:
        SetError: A record is malformed or an id stands twice; the message names it by its number.
    """
    try:
        json.dumps(list(records), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise SetError("cases: a text holds half a character (a lone surrogate)") from error
    cases = _posted(records)

    def work(progress: Callable[[int, int], None]) -> dict[str, Any]:
        # One at a time: the service has people to answer meanwhile.
        return run_cases(cases, StateAsker(state), names=[name], workers=1, progress=progress)

    return work


def _posted(records: Sequence[Any]) -> list[Case]:
    cases: dict[str, Case] = {}
    for number, record in enumerate(records):
        where = f"cases[{number}]"
        try:
            case = parse_case(record, where)
            check_question(case.question)
        except SetError:
            raise
        except (WenjuError, TypeError) as error:
            raise SetError(f"{where}: {error}", hint="docs/evals.md has the format.") from error
        if case.id in cases:
            raise SetError(f"{where}: the id {case.id!r} stands twice", hint="Give every question an id of its own.")
        cases[case.id] = case
    return list(cases.values())
