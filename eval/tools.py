"""The command line of the other measurements: passages, faithfulness, speed, reading."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["register"]


def register(actions: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
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

    streams = actions.add_parser("streams", help="many readers of generated answers at once, with a scripted model")
    streams.add_argument("set", type=Path, metavar="SET", help="its answerable questions are asked")
    streams.add_argument("--streams", type=int, default=50, metavar="N", help="readers at once (default 50)")
    streams.add_argument("--rate", type=float, default=20.0, metavar="R", help="tokens a second of the model (default 20)")
    streams.add_argument("--sentences", type=int, default=3, metavar="N", help="sentences of an answer (default 3)")
    streams.add_argument("--json", type=Path, metavar="FILE")
    streams.set_defaults(run=_streams)

    speed = actions.add_parser("speed", help="latency, throughput, memory and cold start, beside a plain LlamaIndex pipeline")
    speed.add_argument("--sizes", default="1000,10000", metavar="N,N", help="passages (default 1000,10000)")
    speed.add_argument("--queries", type=int, default=200, metavar="N", help="questions at each size (default 200)")
    speed.add_argument("--no-dense", action="store_true", help="words alone, in both pipelines")
    speed.add_argument("--json", type=Path, metavar="FILE")
    speed.set_defaults(run=_speed)

    reading = actions.add_parser("reading", help="what the PDF reader finds of facts that a person sees on the page")
    reading.add_argument("set", nargs="?", type=Path, metavar="SET")
    reading.add_argument("--json", action="store_true")
    reading.add_argument(
        "--speed", nargs="+", type=Path, metavar="PDF", help="instead: pages a second of these PDFs or folders, beside pypdf"
    )
    reading.set_defaults(run=_reading)


def _write(path: Path, text: str) -> None:
    from ingest.kb.generation import write_atomically

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode("utf-8"))
    print(f"wrote {path}", file=sys.stderr)


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


def _streams(arguments: argparse.Namespace) -> int:
    from eval.cases import load_sets
    from eval.streams import streams_report, streams_text
    from ingest.kb import load_settings

    questions = [case.question for case in load_sets([arguments.set]) if case.answerable and not case.history]
    found = streams_report(load_settings(), questions, streams=arguments.streams, rate=arguments.rate, sentences=arguments.sentences)
    print(streams_text(found))
    if arguments.json:
        _write(arguments.json, json.dumps(found, ensure_ascii=False, indent=1))
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
