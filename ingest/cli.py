"""The command line of ingest: ``ingest``, ``documents``, ``convert``, ``corpus``, ``lexicon``, ``config``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest import ops_cli

if TYPE_CHECKING:
    from ingest.build import BuildSummary
    from ingest.kb.model import Block

__all__ = ["register"]


def register(commands: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
    ingest = commands.add_parser(
        "ingest",
        help="read files and publish them",
        description="Read and publish files. Without a path: corpus/, else what was ingested before, else the sample corpus.",
    )
    ingest.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files or folders")
    ingest.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
    ingest.add_argument("--force", action="store_true", help="read unchanged files again")
    ingest.add_argument("--json", action="store_true", help="print the result as JSON")
    ingest.add_argument("--password", nargs="?", const="", help="password of a locked PDF; without a value it is asked for")
    ingest.add_argument("--wait", type=float, default=0.0, metavar="S", help="seconds to wait for another writer")
    ingest.set_defaults(run=_ingest)

    documents = commands.add_parser("documents", help="list, show or remove documents")
    actions = documents.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the documents")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_documents_list)
    show = actions.add_parser("show", help="print what was read of a document")
    show.add_argument("id", metavar="ID")
    show.add_argument("--page", type=int, metavar="N", help="only this page")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=_documents_show)
    remove = actions.add_parser("remove", help="remove documents from the knowledge base")
    remove.add_argument("ids", nargs="+", metavar="ID")
    remove.set_defaults(run=_documents_remove)

    convert = commands.add_parser("convert", help="convert a Markdown digest between Chinese scripts")
    convert.add_argument("file", type=Path, metavar="FILE", help="a Markdown or text file, or - for standard input")
    convert.add_argument("--to", required=True, choices=["zh-Hans", "zh-Hant", "zh-TW", "zh-HK"], help="script and wording to convert to")
    convert.add_argument("--output", "-o", type=Path, metavar="FILE", help="write there instead of to standard output")
    convert.set_defaults(run=_convert)

    corpus = commands.add_parser("corpus", help="fetch the originals that the sample corpus lists")
    fetching = corpus.add_subparsers(metavar="ACTION", required=True).add_parser("fetch", help="download the listed originals")
    fetching.add_argument("--sources", type=Path, metavar="FILE", help="a sources.toml (default: the sample corpus's)")
    fetching.add_argument("--to", type=Path, default=Path("corpus/reports"), metavar="DIR")
    fetching.set_defaults(run=_fetch)

    lexicon = commands.add_parser("lexicon", help="check or extend the trilingual lexicon")
    tools = lexicon.add_subparsers(metavar="ACTION", required=True)
    check = tools.add_parser("check", help="check lexicon files")
    check.add_argument("files", nargs="*", type=Path, metavar="FILE")
    check.set_defaults(run=_lexicon_check)
    load = tools.add_parser("import", help="turn a CC-CEDICT file into a second, lower-weighted layer")
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument("--to", type=Path, metavar="DIR", help="folder of the layer (default: DATA_DIR/lexicon)")
    load.set_defaults(run=_lexicon_import)

    config = commands.add_parser("config", help="show every setting with its value and where it comes from")
    settings = config.add_subparsers(metavar="ACTION", required=True).add_parser("show", help="print the settings")
    settings.add_argument("--json", action="store_true")
    settings.set_defaults(run=_config_show)
    ops_cli.register(commands)


def _password(value: str | None) -> str | None:
    if value == "":
        from getpass import getpass

        return os.environ.get("WENJU_PDF_PASSWORD") or getpass("Password of the PDF: ")
    return value


def _ingest(arguments: argparse.Namespace) -> int:
    from ingest.build import ingest_paths
    from ingest.kb.settings import load_settings
    from ingest.report import Display, print_summary

    settings = load_settings()
    paths = arguments.paths
    if not paths:
        from ingest.defaults import default_paths

        paths, what = default_paths(settings)
        print(f"no path is named: reading {what}", file=sys.stderr)
    with Display(quiet=arguments.json) as display:
        summary = ingest_paths(
            settings,
            paths,
            report=display.step,
            force=arguments.force,
            dry_run=arguments.dry_run,
            password=_password(arguments.password),
            wait_s=arguments.wait,
        )
    if arguments.json:
        print(json.dumps(_summary_record(summary), ensure_ascii=False, indent=2))
    else:
        print_summary(summary)
    return summary.exit_code


def _summary_record(summary: BuildSummary) -> dict[str, Any]:
    return {"object": "ingest", **asdict(summary), "failed": len(summary.failed), "exit_code": summary.exit_code}


def _documents_list(arguments: argparse.Namespace) -> int:
    from ingest.kb.knowledge import KnowledgeBase
    from ingest.kb.settings import load_settings

    kb = KnowledgeBase(load_settings())
    snapshot = kb.snapshot()
    documents = list(snapshot.documents.values()) if snapshot else []
    if arguments.json:
        print(json.dumps([asdict(document) for document in documents], ensure_ascii=False, indent=2))
        return 0
    for document in documents:
        flag = f"  ⚠ {'; '.join(document.warnings)}" if document.warnings else ""
        facts = f"{document.id}  {document.language:8}{document.page_count:5} p.  {document.date or '':11}"
        print(f"{facts}{document.title}  ({document.file_name}){flag}")
    print(f"{len(documents)} documents", file=sys.stderr)
    return 0


def _documents_show(arguments: argparse.Namespace) -> int:
    from ingest.kb.knowledge import KnowledgeBase
    from ingest.kb.settings import load_settings

    kb = KnowledgeBase(load_settings())
    document = kb.catalogue.document(arguments.id)
    pages = [kb.catalogue.page(document.id, arguments.page)] if arguments.page else list(kb.catalogue.pages(document.id))
    if arguments.json:
        record = {
            **asdict(document),
            "pages": [
                {name: getattr(page, name) for name in ("number", "label", "text", "warnings", "ocr")}
                | {"blocks": [asdict(block) for block in page.blocks]}
                for page in pages
            ],
        }
        print(json.dumps(record, ensure_ascii=False, indent=2))
        return 0
    print(f"{document.title} ({document.file_name}, {document.language}, {document.media_type}, {document.size:,} bytes)")
    for warning in document.warnings:
        print(f"⚠ {warning}")
    for page in pages:
        label = f" (printed {page.label})" if page.label else ""
        print(f"\n── page {page.number}{label}{' · read by OCR' if page.ocr else ''} ──")
        for warning in page.warnings:
            print(f"⚠ {warning}")
        for block in page.blocks:
            print(f"[{block.start}–{block.end} {block.kind}{_in_file(block)}] {page.text[block.start : block.end]}")
    return 0


def _in_file(block: Block) -> str:
    if block.lines is None:
        return ""
    first, last = block.lines
    return f", line {first}" if first == last else f", lines {first}–{last}"


def _documents_remove(arguments: argparse.Namespace) -> int:
    from ingest.build import remove_documents
    from ingest.kb.settings import load_settings

    summary = remove_documents(load_settings(), arguments.ids)
    print(f"removed {len(arguments.ids)} document(s); {summary.documents} left, generation {summary.generation}")
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    from ingest.convert import convert_bytes, convert_file
    from ingest.kb.errors import SourceError

    if str(arguments.file) == "-":
        text = convert_bytes(sys.stdin.buffer.read(), arguments.to, name="standard input")
    else:
        text = convert_file(arguments.file, arguments.to)
    if arguments.output:
        try:
            arguments.output.write_text(text, "utf-8")
        except OSError as error:
            raise SourceError(f"{arguments.output} cannot be written: {error.strerror}", hint="Give another --output.") from error
        print(f"wrote {arguments.output}", file=sys.stderr)
    else:
        sys.stdout.write(text)
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from ingest.fetch import fetch_sources
    from ingest.sources import sample_corpus

    local = Path("corpus/sources.toml")
    sources = arguments.sources or (local if local.is_file() else sample_corpus() / "sources.toml")
    results = fetch_sources(sources, arguments.to, report=lambda line: print(line, file=sys.stderr))
    return 0 if all(result.ok for result in results) else 3


def _lexicon_check(arguments: argparse.Namespace) -> int:
    from ingest.lexicon_tools import check_files, default_files

    faults = check_files(arguments.files or default_files())
    for fault in faults:
        print(fault)
    print(f"{len(faults)} fault(s)", file=sys.stderr)
    return 3 if faults else 0


def _lexicon_import(arguments: argparse.Namespace) -> int:
    from ingest.kb.settings import load_settings
    from ingest.lexicon_tools import import_cedict

    folder = arguments.to or load_settings().data_dir / "lexicon"
    count, path = import_cedict(arguments.file, folder)
    print(f"{count} concepts written to {path}; add {folder} to lexicon_dirs (WENJU_LEXICON_DIRS) and run `wenju ingest`")
    return 0


def _config_show(arguments: argparse.Namespace) -> int:
    from ingest.kb.settings import describe_settings, load_settings

    rows = describe_settings(load_settings())
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:{width}}  {row['value']!s:28} {row['source']:8} {row['description']}")
    return 0
