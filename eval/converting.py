"""Sets in other tools' formats: SQuAD, BEIR, Ragas, LlamaIndex and promptfoo, read and written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from eval.cases import Case, SetError, load_sets
from eval.formats.base import dump_lines, write_text
from eval.formats.beir import read_beir, write_beir
from eval.formats.rag import read_llamaindex, read_promptfoo, read_ragas, write_llamaindex, write_promptfoo, write_ragas
from eval.formats.squad import read_squad, write_squad

__all__ = ["READERS", "WRITERS", "convert"]


def _read_wenju(path: Path) -> list[Case]:
    return load_sets([path])


def _write_wenju(path: Path, cases: Sequence[Case]) -> list[str]:
    write_text(path, dump_lines(case.as_json() for case in cases))
    return []


READERS: dict[str, Callable[[Path], list[Case]]] = {
    "wenju": _read_wenju,
    "squad": read_squad,
    "beir": read_beir,
    "ragas": read_ragas,
    "llamaindex": read_llamaindex,
    "promptfoo": read_promptfoo,
}
WRITERS: dict[str, Callable[[Path, Sequence[Case]], list[str]]] = {
    "wenju": _write_wenju,
    "squad": write_squad,
    "beir": write_beir,
    "ragas": write_ragas,
    "llamaindex": write_llamaindex,
    "promptfoo": write_promptfoo,
}


def convert(source: Path, out: Path, source_format: str, out_format: str) -> tuple[int, list[str]]:
    """Write a set in another format; return the number of questions and notes on what the format cannot hold.

    Args:
        source: File, or for ``beir`` a folder.
        out: File, or for ``beir`` a folder.
        source_format: A name in ``READERS``.
        out_format: A name in ``WRITERS``.

    Raises:
        SetError: The source is missing, broken or of another format; file and line are named.
    """
    cases = READERS[source_format](source)
    if not cases:
        raise SetError(f"there is no question in {source}")
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise SetError(f"{source}: the id {case.id!r} stands twice", hint="Give every question an id of its own.")
        seen.add(case.id)
    out.parent.mkdir(parents=True, exist_ok=True)
    notes = WRITERS[out_format](out, cases)
    return len(cases), notes
