"""The ``wenju`` command: mounts the command lines of ingest, service and eval."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.hooks import EvalWork
    from service.state import State

__all__ = ["build_parser", "main"]

_INTERRUPTED = 130
_USAGE = 2


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    import eval.cli
    import ingest.cli
    import service.cli
    import service.hooks

    parser = argparse.ArgumentParser(prog="wenju", description="Ask a folder of AI reports, with evidence. 問據：有憑有據的問答。")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("--data-dir", metavar="DIR", help="where the knowledge base lies (default: WENJU_DATA_DIR or ./data)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    ingest.cli.register(commands)
    service.cli.register(commands)
    eval.cli.register(commands)
    service.hooks.eval_runner = _prepare_eval
    return parser


def _prepare_eval(state: State, records: Sequence[Any], name: str) -> EvalWork:
    """Return the work of an eval run that was posted to the service; eval is imported only then."""
    from eval.posted import prepare_run

    return prepare_run(state, records, name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code (0 ok, 1 internal, 2 usage, 3 partial, 4 configuration, 5 locked, 6 dependency, 7 space)."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        print(f"wenju {version('wenju')}")
        return 0
    if not hasattr(arguments, "run"):
        parser.print_help()
        return _USAGE
    from ingest.kb.errors import WenjuError

    if arguments.data_dir:
        os.environ["WENJU_DATA_DIR"] = arguments.data_dir
    try:
        return int(arguments.run(arguments) or 0)
    except WenjuError as error:
        print(f"wenju: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"  → {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("wenju: interrupted; what was published before is untouched", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
