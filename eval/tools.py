"""The command line of the set tools, and the runner that the service's ``/v1/evals`` is lent."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.kb.errors import WenjuError

if TYPE_CHECKING:
    from eval.cases import Case
    from ingest.kb import KnowledgeBase

__all__ = ["prepare_run", "register"]

FORMATS = ("wenju", "squad", "beir", "ragas", "llamaindex", "promptfoo")


def register(actions: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
    new = actions.add_parser("new", help="draft questions from the corpus, to be reviewed by a person")
    new.add_argument("out", type=Path, metavar="OUT")
    new.add_argument("--per-document", type=int, default=5, metavar="N", help="groups of questions of each document (default 5)")
    new.set_defaults(run=_new)

    review = actions.add_parser("review", help="accept, edit, reject or skip drafted questions, one by one")
    review.add_argument("set", type=Path, metavar="SET")
    review.add_argument("--by", default="author", metavar="NAME", help="who reviews (default: author)")
    review.set_defaults(run=_review)

    convert = actions.add_parser("convert", help="turn a set into another format")
    convert.add_argument("source", type=Path, metavar="IN")
    convert.add_argument("out", type=Path, metavar="OUT")
    convert.add_argument("--from", dest="source_format", choices=FORMATS, required=True)
    convert.add_argument("--to", dest="out_format", choices=FORMATS, required=True)
    convert.set_defaults(run=_convert)

    promote = actions.add_parser("promote", help="turn the votes on answers into candidate questions")
    promote.add_argument("out", type=Path, metavar="OUT")
    promote.set_defaults(run=_promote)

    passages = actions.add_parser("passages", help="the table of passage retrieval: scripts, languages, one index, lexicon")
    passages.add_argument("files", nargs="*", type=Path, metavar="SQUAD.json", help="sets in SQuAD's format (default: those in --sets)")
    passages.add_argument("--sets", type=Path, default=Path("../shared/datasets"), metavar="DIR", help="default: ../shared/datasets")
    passages.add_argument(
        "--parts",
        default="own,script,across,mixed,crossing",
        metavar="A,B",
        help="these, or lexicon (slow), or all (default: all but lexicon)",
    )
    passages.add_argument("--no-dense", action="store_true", help="words alone, without vectors")
    passages.add_argument("--sample", type=int, default=0, metavar="N", help="questions of each set (default: all)")
    passages.add_argument("--json", action="store_true")
    passages.set_defaults(run=_passages)

    faithfulness = actions.add_parser("faithfulness", help="how well generated sentences are told faithful from wrong")
    faithfulness.add_argument(
        "sets", nargs="*", type=Path, metavar="SQUAD.json", help="paragraphs to make sentences of (default: the sample corpus)"
    )
    faithfulness.add_argument("--sample", type=int, default=60, metavar="N", help="paragraphs of each set (default: 60)")
    faithfulness.add_argument("--wrong", action="store_true", help="also show each sentence judged wrongly")
    faithfulness.add_argument("--json", type=Path, metavar="FILE")
    faithfulness.set_defaults(run=_faithfulness)

    speed = actions.add_parser("speed", help="latency, throughput, memory and cold start, beside a plain LlamaIndex pipeline")
    speed.add_argument("--sizes", default="1000,10000", metavar="N,N", help="passages (default 1000,10000)")
    speed.add_argument("--queries", type=int, default=200, metavar="N", help="questions at each size (default 200)")
    speed.add_argument("--no-dense", action="store_true", help="words alone, in both pipelines")
    speed.add_argument("--json", type=Path, metavar="FILE")
    speed.set_defaults(run=_speed)

    reading = actions.add_parser("reading", help="what the PDF reader finds of facts that a person sees on the page")
    reading.add_argument("set", nargs="?", type=Path, metavar="SET")
    reading.add_argument("--json", action="store_true")
    reading.add_argument("--speed", nargs="+", type=Path, metavar="PDF", help="instead: pages a second of these PDFs or folders, beside pypdf")
    reading.set_defaults(run=_reading)


def prepare_run(kb: KnowledgeBase, records: Sequence[Any], name: str) -> Callable[[Callable[[int, int], None]], dict[str, Any]]:
    """Return the work of a posted run, for the service.

    Args:
        kb: The running service's knowledge base.
        records: Questions as an eval set has them.
        name: Of the set.

    Raises:
        SetError: A record is malformed or an id stands twice; the message names it by its number.
    """
    from eval.askers import LocalAsker
    from eval.cases import SetError
    from eval.run import run_cases

    try:
        json.dumps(list(records), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise SetError("cases: a text holds half a character (a lone surrogate)") from error
    cases = _posted(records)

    class Shared(LocalAsker):
        """Asks the service's own knowledge base: a second one would take its memory twice."""

        def __init__(self) -> None:
            self.kb = kb

    def work(progress: Callable[[int, int], None]) -> dict[str, Any]:
        # One at a time: the service has people to answer meanwhile.
        return run_cases(cases, Shared(), names=[name], workers=1, progress=progress)

    return work


def _posted(records: Sequence[Any]) -> list[Case]:
    from eval.cases import SetError, parse_case
    from service.requests import check_question

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


def _write(path: Path, text: str) -> None:
    from ingest.kb.generation import write_atomically

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode("utf-8"))
    print(f"wrote {path}", file=sys.stderr)


def _new(arguments: argparse.Namespace) -> int:
    from eval.drafting import draft_cases
    from eval.reviewing import add_cases
    from ingest.kb import KnowledgeBase, load_settings

    count = add_cases(arguments.out, draft_cases(KnowledgeBase(load_settings()), per_document=max(1, arguments.per_document)))
    print(f"{count} questions drafted into {arguments.out}; next: wenju eval review {arguments.out}", file=sys.stderr)
    return 0


def _review(arguments: argparse.Namespace) -> int:
    from eval.reviewing import review_set

    return review_set(arguments.set, sys.stdin, sys.stdout, by=arguments.by)


def _convert(arguments: argparse.Namespace) -> int:
    from eval.converting import convert

    count, notes = convert(arguments.source, arguments.out, arguments.source_format, arguments.out_format)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{count} questions written to {arguments.out}", file=sys.stderr)
    return 0


def _promote(arguments: argparse.Namespace) -> int:
    from eval.promoting import promote
    from eval.reviewing import add_cases
    from ingest.kb import KnowledgeBase, load_settings

    cases, left = promote(KnowledgeBase(load_settings()).catalogue.feedback())
    count = add_cases(arguments.out, cases)
    print(f"{count} candidates added to {arguments.out}, {left} votes without their answer left out", file=sys.stderr)
    return 0


def _passages(arguments: argparse.Namespace) -> int:
    from eval.cases import SetError
    from eval.retrieval import PARTS, default_sets, retrieval_table, table_text
    from ingest.kb import load_settings

    parts = PARTS if arguments.parts == "all" else tuple(part.strip() for part in arguments.parts.split(","))
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise SetError(f"{', '.join(unknown)}: no part of the table", hint=f"Parts are {', '.join(PARTS)}, or all.")
    rows = retrieval_table(
        arguments.files or default_sets(arguments.sets),
        load_settings(),
        parts=parts,
        sample=arguments.sample,
        dense=not arguments.no_dense,
        say=lambda what: print(what, file=sys.stderr),
    )
    print(json.dumps(rows, ensure_ascii=False, indent=1) if arguments.json else table_text(rows))
    return 0


def _faithfulness(arguments: argparse.Namespace) -> int:
    from eval.faithfulness import items, measure, report, report_text
    from eval.faithfulness_paragraphs import paragraph_items
    from ingest.kb.analyse import Analyser
    from ingest.kb.lexicon import load_lexicon

    analyser = Analyser(load_lexicon())
    found = paragraph_items(arguments.sets, analyser, sample=max(2, arguments.sample)) if arguments.sets else items()
    record = report(measure(found, analyser))
    print(report_text(record, wrong=arguments.wrong))
    if arguments.json:
        _write(arguments.json, json.dumps(record, ensure_ascii=False, indent=1))
    return 0


def _speed(arguments: argparse.Namespace) -> int:
    from eval.speed import parse_sizes, speed_report, speed_text

    report = speed_report(parse_sizes(arguments.sizes), queries=max(1, arguments.queries), dense=not arguments.no_dense)
    print(speed_text(report))
    if arguments.json:
        _write(arguments.json, json.dumps(report, ensure_ascii=False, indent=1))
    return 0


def _reading(arguments: argparse.Namespace) -> int:
    from eval.reading import SET, load_facts, reading_report, reading_text

    if arguments.speed:
        from eval.speed.pages import pages_report, pages_text

        pace = pages_report(arguments.speed)
        print(json.dumps(pace, ensure_ascii=False, indent=1) if arguments.json else pages_text(pace))
        return 0
    report = reading_report(load_facts(arguments.set or SET))
    print(json.dumps(report, ensure_ascii=False, indent=1) if arguments.json else reading_text(report))
    return 0
