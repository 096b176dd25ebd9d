"""The command line of eval: ``eval run``, ``compare``, ``check``; the others are mounted from ``set_tools`` and ``tools``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.cases import Case

__all__ = ["register"]

_FAILED_GATE = 3


def register(commands: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
    root = commands.add_parser("eval", help="measure answers with eval sets")
    actions = root.add_subparsers(title="actions", metavar="ACTION", required=True)

    run = actions.add_parser("run", help="ask every question of a set and judge the answers")
    run.add_argument("sets", nargs="+", type=Path, metavar="SET")
    run.add_argument("--url", help="ask a running service instead of answering in this process")
    run.add_argument("--config", type=Path, metavar="FILE", help="a wenju.toml to run with")
    run.add_argument("--repeat", type=int, default=1, metavar="N", help="run N times and say whether the results are the same")
    run.add_argument("--workers", type=int, default=2, metavar="N")
    run.add_argument("--json", type=Path, metavar="FILE", help="write the run (an interrupted run goes on)")
    run.add_argument("--md", type=Path, metavar="FILE", help="write a Markdown report")
    run.add_argument("--html", type=Path, metavar="FILE", help="write a self-contained HTML report")
    run.add_argument("--csv", type=Path, metavar="FILE", help="write the questions' results as CSV")
    run.add_argument("--baseline", type=Path, metavar="FILE", help="a run to compare with")
    run.add_argument("--gate", action="store_true", help="exit with 3 if a threshold beside the set is missed or the baseline was better")
    run.add_argument("--price", type=float, nargs=2, metavar=("IN", "OUT"), help="of a million tokens read and written, to tell the cost")
    run.add_argument("--judge", metavar="MODEL", help="also let this model of the configured endpoint judge the answers")
    run.add_argument("--judge-runs", type=int, default=3, metavar="N", help="verdicts on each answer (default 3)")
    run.set_defaults(run=_run)

    compare = actions.add_parser("compare", help="compare two runs, question by question")
    compare.add_argument("before", type=Path, metavar="A")
    compare.add_argument("after", type=Path, metavar="B")
    compare.add_argument("--json", action="store_true")
    compare.add_argument("--baseline", action="store_true", help="A is the baseline: exit with 3 on a significant loss")
    compare.set_defaults(run=_compare)

    check = actions.add_parser("check", help="validate sets against the corpus")
    check.add_argument("sets", nargs="+", type=Path, metavar="SET")
    check.add_argument("--url")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=_check)

    from eval import set_tools, tools

    set_tools.register(actions)
    tools.register(actions)


def _asker(url: str | None) -> Any:
    from eval.askers import HttpAsker, LocalAsker
    from ingest.kb import load_settings

    settings = load_settings()
    if url:
        key = settings.api_keys[0].get_secret_value() if settings.api_keys else ""
        return HttpAsker(url, key)
    return LocalAsker(settings)


def _with_config(path: Path | None) -> None:
    """Let the settings of another file hold for this process: as environment variables, which win over ``wenju.toml``."""
    if path is None:
        return
    import tomllib

    from ingest.kb import SettingsError

    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error

    def put(prefix: str, entries: dict[str, Any]) -> None:
        for name, value in entries.items():
            if isinstance(value, dict) and name != "options":
                put(f"{prefix}{name}__", value)
            else:
                text = value if isinstance(value, str) else json.dumps(value)
                os.environ[f"WENJU_{prefix}{name}".upper()] = text

    put("", table)


def _run(arguments: argparse.Namespace) -> int:
    from eval.cases import load_sets
    from eval.compare import compare_runs, load_run
    from eval.gate import check_gate, load_thresholds

    _with_config(arguments.config)
    cases = load_sets(arguments.sets)
    thresholds = load_thresholds(arguments.sets) if arguments.gate else None
    baseline = load_run(arguments.baseline) if arguments.baseline else None
    runs = _asked(arguments, cases)
    run = runs[0]
    _judged(arguments, run)
    gate = check_gate(run, thresholds) if thresholds is not None else None
    comparison = compare_runs(baseline, run) if baseline else None
    run |= {"gate": gate, "comparison": comparison}
    _reported(arguments, runs)
    missed = gate is not None and not all(verdict["passed"] for verdict in gate)
    return _FAILED_GATE if missed or (arguments.gate and comparison is not None and comparison["worse"]) else 0


def _asked(arguments: argparse.Namespace, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Return the runs, one for each repetition."""
    from eval.progress import Bar
    from eval.run import run_cases
    from ingest.kb import WenjuError

    asker = _asker(arguments.url)
    names = [str(path) for path in arguments.sets]
    runs = []
    for turn in range(max(1, arguments.repeat)):
        partial = arguments.json.with_suffix(f".partial{turn or ''}.jsonl") if arguments.json else None
        try:
            with Bar("asking") as bar:
                runs.append(run_cases(cases, asker, names=names, workers=arguments.workers, progress=bar.step, partial=partial))
        except (WenjuError, KeyboardInterrupt):
            if partial is not None and partial.exists():
                print(f"What was done so far is kept in {partial}: the same command again goes on there.", file=sys.stderr)
            raise
    return runs


def _judged(arguments: argparse.Namespace, run: dict[str, Any]) -> None:
    """Add what costs money: a judge's verdicts, and the price of the tokens."""
    from eval.summary import price_run

    if arguments.judge:
        from eval.judges import judge_run
        from eval.progress import Bar
        from ingest.kb import load_settings

        with Bar("judging") as bar:
            judge_run(run, load_settings(), arguments.judge, runs=max(1, arguments.judge_runs), progress=bar.step)
    if arguments.price:
        price_run(run, *arguments.price)


def _reported(arguments: argparse.Namespace, runs: Sequence[dict[str, Any]]) -> None:
    """Print the first run, write it into the files that were asked for, and say whether the others are the same."""
    from eval.report.csv_table import csv_text
    from eval.report.page import html_report
    from eval.run import essence
    from eval.terminal import comparison_text, run_text

    run = runs[0]
    if run["missing_documents"]:
        print(f"note: the set names what the corpus does not hold: {', '.join(run['missing_documents'])}", file=sys.stderr)
    versus = run["comparison"]
    if arguments.json:
        _write(arguments.json, json.dumps(run, ensure_ascii=False, indent=1))
    if arguments.md:
        _write(arguments.md, run_text(run, run["gate"], markdown=True) + (comparison_text(versus, markdown=True) if versus else ""))
    if arguments.html:
        _write(arguments.html, html_report(run))
    if arguments.csv:
        _write(arguments.csv, csv_text(run))
    print(run_text(run, run["gate"]))
    if versus:
        print(comparison_text(versus))
    if len(runs) > 1:
        same = all(essence(other) == essence(run) for other in runs[1:])
        print(f"{len(runs)} runs: {'identical results' if same else 'results DIFFER'}")


def _write(path: Path, text: str) -> None:
    from ingest.kb.generation import write_atomically

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode("utf-8"))
    print(f"wrote {path}", file=sys.stderr)


def _compare(arguments: argparse.Namespace) -> int:
    from eval.compare import compare_runs, load_run
    from eval.terminal import comparison_text

    comparison = compare_runs(load_run(arguments.before), load_run(arguments.after))
    print(json.dumps(comparison, ensure_ascii=False, indent=1) if arguments.json else comparison_text(comparison))
    return _FAILED_GATE if arguments.baseline and comparison["worse"] else 0


def _check(arguments: argparse.Namespace) -> int:
    from eval.cases import load_sets
    from eval.check import check_cases

    cases = load_sets(arguments.sets)
    faults = check_cases(cases, _asker(arguments.url))
    if arguments.json:
        print(json.dumps(faults, ensure_ascii=False, indent=1))
    else:
        for fault in faults:
            print(f"{fault['id']}: {'advice: ' if fault['level'] == 'advice' else ''}{fault['fault']}: {fault['detail']}")
        wrong = sum(fault["level"] == "fault" for fault in faults)
        print(f"{len(cases)} questions, {wrong} fault(s), {len(faults) - wrong} piece(s) of advice", file=sys.stderr)
    return _FAILED_GATE if any(fault["level"] == "fault" for fault in faults) else 0
