"""The command line of the set tools: ``eval new``, ``review``, ``convert``, ``promote``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

__all__ = ["register"]

FORMATS = ("wenju", "squad", "beir", "ragas", "llamaindex", "promptfoo")


def register(actions: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
    new = actions.add_parser("new", help="draft questions from the corpus, to be reviewed by a person")
    new.add_argument("out", type=Path, metavar="OUT")
    new.add_argument("--per-document", type=int, default=5, metavar="N", help="groups of questions of each document (default 5)")
    new.add_argument("--no-llm", action="store_true", help="by template even if a language model is configured")
    new.set_defaults(run=_new)

    review = actions.add_parser("review", help="accept, edit, reject or skip drafted questions, one by one")
    review.add_argument("set", type=Path, metavar="SET")
    review.add_argument("--by", default="author", metavar="NAME", help="who reviews (default: author)")
    review.add_argument("--page", action="store_true", help="in the browser instead of the terminal")
    review.add_argument("--port", type=int, default=0, metavar="N", help="of the page, on this machine alone (default: a free one)")
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


def _new(arguments: argparse.Namespace) -> int:
    from eval.drafting import draft_cases
    from eval.drafting_llm import draft_with_model
    from eval.progress import Bar
    from eval.reviewing import add_cases
    from ingest.kb import KnowledgeBase, load_settings

    settings = load_settings()
    kb, count = KnowledgeBase(settings), max(1, arguments.per_document)
    if settings.llm.model and not arguments.no_llm:
        with Bar("drafting") as bar:
            cases, dropped = draft_with_model(kb, per_document=count, progress=bar.step)
        print(f"{dropped} drafts of {settings.llm.model} dropped: their quotes or answers are not in the passages", file=sys.stderr)
    else:
        cases = draft_cases(kb, per_document=count)
    added = add_cases(arguments.out, cases)
    print(f"{added} questions drafted into {arguments.out}; next: wenju eval review {arguments.out}", file=sys.stderr)
    return 0


def _review(arguments: argparse.Namespace) -> int:
    if arguments.page:
        from eval.review_page import serve_review

        return serve_review(arguments.set, by=arguments.by, port=arguments.port)
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
