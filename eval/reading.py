"""What the PDF reader finds of facts that a person sees on the page: sentences in reading order, cells with row and column name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.cases import SetError, squeeze
from ingest.kb import KnowledgeBase, Page

__all__ = ["SET", "Fact", "load_facts", "reading_report", "reading_text"]

SET = Path(__file__).with_name("sets") / "reading.jsonl"
_REPORTS = Path(__file__).resolve().parents[1] / "corpus" / "reports"
_CROSSES = ("", "line", "column")
Pages = Callable[[str], Sequence[Page]]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to be read.

    Attributes:
        text: As it stands on the page; of a cell the whole cell.
        row: Name of the row, the words of one of its cells; empty for running text.
        column: Name of the column, its head's words.
        crosses: ``line`` if it goes over the end of a line, ``column`` if it does so in text set in columns.
    """

    id: str
    document: str
    page: int
    text: str
    row: str = ""
    column: str = ""
    crosses: str = ""

    @property
    def is_cell(self) -> bool:
        """Whether it is a cell of a table."""
        return bool(self.row)


def load_facts(path: Path) -> list[Fact]:
    """Return the facts of a reading set.

    Raises:
        SetError: It is missing or a line is broken; file and line are named.
    """
    if not path.is_file():
        raise SetError(f"there is no reading set {path}", hint=f"{SET} is the one for the sample reports.")
    out: dict[str, Fact] = {}
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            fact = Fact(**json.loads(line))
        except json.JSONDecodeError as error:
            raise SetError(f"{where}: broken JSON ({error.msg} at column {error.colno})") from error
        except TypeError as error:
            raise SetError(f"{where}: {error}", hint="id, document, page and text; row and column for a cell; crosses.") from error
        texts = (fact.id, fact.document, fact.text)
        if not all(isinstance(value, str) and value.strip() for value in texts) or not isinstance(fact.page, int):
            raise SetError(f"{where}: id, document and text must be text, page a number")
        if fact.crosses not in _CROSSES or bool(fact.row) != bool(fact.column):
            raise SetError(f"{where}: crosses is line, column or nothing; a cell has both row and column")
        if fact.id in out:
            raise SetError(f"{where}: the id {fact.id!r} stands twice")
        out[fact.id] = fact
    if not out:
        raise SetError(f"there is no fact in {path}")
    return list(out.values())


def _cells(row: str) -> list[str]:
    return [squeeze(cell) for cell in row.split(" | ")]


def _in_table(page: Page, fact: Fact) -> tuple[bool, bool]:
    """Return whether a row of a table has the cell beside the row's name, and whether the column's name stands over it."""
    name, column, wanted = squeeze(fact.row), squeeze(fact.column), squeeze(fact.text)
    beside = False
    for block in page.blocks:
        if block.kind != "table_row":
            continue
        cells, heads = _cells(page.text[block.start : block.end]), _cells(block.header)
        if name not in cells or wanted not in cells:
            continue
        beside = True
        if any(cell == wanted and place < len(heads) and heads[place] == column for place, cell in enumerate(cells)):
            return True, True
    return beside, False


def judge(fact: Fact, page: Page | None) -> dict[str, Any]:
    """Return what became of a fact: ``found``, and for a cell ``in_row`` and ``named``.

    Args:
        fact: What is looked for.
        page: As read, None if it was not.
    """
    found = page is not None and squeeze(fact.text) in squeeze(page.text)
    record: dict[str, Any] = {"id": fact.id, "document": fact.document, "page": fact.page, "text": fact.text, "found": found}
    if fact.is_cell:
        in_row, named = _in_table(page, fact) if page is not None else (False, False)
        record |= {"in_row": in_row, "named": named}
    return record


def _read_report(name: str) -> list[Page]:
    """Return the pages of a sample report, read as an ingest reads them."""
    import tempfile

    from ingest.build import ingest_paths
    from ingest.kb import Settings

    path = _REPORTS / name
    if not path.is_file():
        raise SetError(f"there is no report {path}", hint="`make briefs` typesets the sample reports.")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), embedding={"provider": "none"})
        ingest_paths(settings, [path])
        kb = KnowledgeBase(settings)
        pages = [page for document in kb.catalogue.documents() for page in kb.catalogue.pages(document)]
        kb.close()
    return pages


def reading_report(facts: Sequence[Fact], pages: Pages = _read_report) -> dict[str, Any]:
    """Return the shares found and each fact's outcome.

    Args:
        facts: Of ``load_facts``.
        pages: Returns a document's pages by its file name.
    """
    read = {name: {page.number: page for page in pages(name)} for name in dict.fromkeys(fact.document for fact in facts)}
    rows = [(fact, judge(fact, read[fact.document].get(fact.page))) for fact in facts]
    text = [(fact, row) for fact, row in rows if not fact.is_cell]
    cells = [row for fact, row in rows if fact.is_cell]
    by_document = {name: _share(row["found"] for fact, row in text if fact.document == name) for name in read}
    return {
        "object": "reading_report",
        "sentences": _share(row["found"] for _, row in text),
        "over_line_ends": _share(row["found"] for fact, row in text if fact.crosses == "line"),
        "in_columns": _share(row["found"] for fact, row in text if fact.crosses == "column"),
        "cells_in_their_row": _share(row["in_row"] for row in cells),
        "cells_with_row_and_column": _share(row["named"] for row in cells),
        "sentences_by_document": by_document,
        "results": [row for _, row in rows],
    }


def _share(flags: Iterable[bool]) -> dict[str, Any]:
    values = list(flags)
    return {"n": len(values), "found": sum(values), "share": sum(values) / len(values) if values else None}


def reading_text(report: dict[str, Any]) -> str:
    """Return a report for the terminal: the shares, then what was not found."""
    names = {
        "sentences": "sentences in reading order",
        "over_line_ends": "  over the ends of lines",
        "in_columns": "  in text set in columns",
        "cells_in_their_row": "table cells beside their row's name",
        "cells_with_row_and_column": "table cells with row and column name",
    }
    items = [(title, report[name]) for name, title in names.items()]
    items += [(f"sentences of {name}", item) for name, item in report["sentences_by_document"].items()]
    lines = [f"{title:52} {item['found']:>4} of {item['n']:<4} {100 * (item['share'] or 0):6.1f} %" for title, item in items]
    for row in report["results"]:
        if not row.get("named", row["found"]):
            fault = "not found" if not row["found"] else "not under its column" if row.get("in_row") else "not in its row"
            lines.append(f"{row['id']}  p. {row['page']}  {fault}: {row['text'][:90]}")
    return "\n".join(lines)
