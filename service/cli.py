"""The command line of the service: ``ask``, ``search``, ``serve``."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.kb import Language
    from service.answer import AskOptions

__all__ = ["MAX_TOP_K", "register"]

# As `POST /v1/search` has it, and the settings; importing either takes longer than `wenju --help` should.
MAX_TOP_K, _MAX_PORT = 100, 65_535


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number of an argument within bounds."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not between {least} and {most}")
        return value

    return read


def register(commands: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
    ask = commands.add_parser(
        "ask", help="ask a question", description="Ask a question; the language model of WENJU_LLM__… writes the answer if one is set."
    )
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument("--json", action="store_true", help="print the answer object")
    ask.add_argument("--language", choices=["auto", "zh-Hant", "zh-Hans", "en"], default="auto", help="language of the answer")
    ask.add_argument("--no-llm", action="store_true", help="leave the language model out: answer with the sources' own sentences")
    ask.add_argument("--explain", action="store_true", help="show why")
    ask.set_defaults(run=_ask)
    search = commands.add_parser("search", help="list the passages that fit best")
    search.add_argument("query", metavar="QUERY")
    search.add_argument("--top-k", type=_whole(1, MAX_TOP_K), default=10, metavar="N", help=f"most passages, 1 to {MAX_TOP_K} (default 10)")
    search.add_argument("--explain", action="store_true", help="show the question's terms and every score")
    search.add_argument("--json", action="store_true")
    search.set_defaults(run=_search)
    serve = commands.add_parser("serve", help="open the HTTP service and the chat page")
    serve.add_argument("--host", help="address to bind (default 127.0.0.1)")
    serve.add_argument("--port", type=_whole(0, _MAX_PORT), help="port (default 8000; 0 takes a free one)")
    serve.set_defaults(run=_serve)
    mcp = commands.add_parser("mcp", help="serve MCP tools over standard input and output")
    mcp.set_defaults(run=_mcp)


def _check(text: str) -> str:
    from service.requests import check_question

    return check_question(text)


def _locale_script() -> Language | None:
    """Return the script of the terminal's locale, None if it is not Chinese."""
    found = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    if not found.startswith("zh"):
        return None
    return "zh-Hant" if re.match(r"zh_(?:TW|HK|MO|Hant)", found) else "zh-Hans"


def _ask(arguments: argparse.Namespace) -> int:
    from ingest.kb import KnowledgeBase, load_settings
    from service.answering import answer_now

    question = _check(arguments.question)
    settings = load_settings()
    asked = None if arguments.language == "auto" else arguments.language
    options: AskOptions = {"language": asked, "explain": arguments.explain, "fallback": _locale_script()}
    written = False
    if settings.llm.model and not arguments.no_llm:
        # Brings the web framework with it, which an extractive answer has no need to wait for.
        from service.terminal import answer_at_terminal

        written = not arguments.json
        record = answer_at_terminal(settings, question, write=_write if written else None, **options)
    else:
        record = answer_now(KnowledgeBase(settings), question, **options).as_json()
    if arguments.json:
        print(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        _print_answer(record, written=written, explain=arguments.explain)
    return 0


def _write(text: str) -> None:
    print(text, end="", flush=True)


def _print_answer(answer: Mapping[str, Any], *, written: bool, explain: bool) -> None:
    """Print an answer object; ``written`` where its text is on the screen already."""
    print("" if written else answer["answer"])
    if answer["refusal"] is not None:
        for citation in answer["refusal"]["nearest"]:
            print(f"  · {_place(citation)}: {_short(citation['cited_text'])}")
    else:
        print()
        for citation in answer["citations"]:
            print(f"[{citation['index']}] {_place(citation)}")
            quote = _short(citation["cited_text"], 240)
            print(f"    “{quote}”" if citation["language"] == "en" else f"    「{quote}」")
    for note in answer["notes"]:
        if note.get("text"):
            print(f"※ {note['text']}")
    if explain and answer.get("explain"):
        print(json.dumps(answer["explain"], ensure_ascii=False, indent=2), file=sys.stderr)


def _place(citation: Mapping[str, Any]) -> str:
    parts = [citation["document_title"]]
    page, label = citation["page"], citation["page_label"]
    if page:
        parts.append(f"p. {page} ({label})" if label and label != str(page) else f"p. {page}")
    if citation["heading"]:
        parts.append(citation["heading"][-1])
    return " · ".join(parts) + f" · {citation['file_name']}"


def _short(text: str, limit: int = 120) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _search(arguments: argparse.Namespace) -> int:
    from ingest.kb import KnowledgeBase, load_settings
    from service.searching import search

    query = _check(arguments.query)
    kb = KnowledgeBase(load_settings())
    result = search(kb, query, top_k=arguments.top_k, explain=arguments.explain)
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
        return 0
    for number, item in enumerate(result["data"], 1):
        page = f" p. {item['page']}" if item["page"] else ""
        print(f"{number:2}. {item['score']:.3f}  {item['document_title']}{page}  [{item['start_char_index']}–{item['end_char_index']}]")
        print(f"      {_short(item['text'], 160)}")
        if arguments.explain:
            print(f"      {json.dumps(item['scores'], ensure_ascii=False)}")
    if arguments.explain:
        print(json.dumps(result["explain"], ensure_ascii=False, indent=2))
    if not result["data"]:
        print("nothing found", file=sys.stderr)
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from service.server import serve

    return serve(host=arguments.host, port=arguments.port)


def _mcp(arguments: argparse.Namespace) -> int:
    from ingest.kb import KnowledgeBase, load_settings
    from service.mcp_server import run_stdio

    return run_stdio(KnowledgeBase(load_settings()))
