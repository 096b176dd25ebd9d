"""What the PDF reader finds of facts that a person sees on the page: sentences in reading order, cells with row and column name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.cases import SetError, squeeze
from ingest.kb import KnowledgeBase, Page
from ingest.kb.boxes import rects_for_span

__all__ = ["SET", "Fact", "Reading", "load_facts", "overlap", "reading_report", "reading_text"]

SET = Path(__file__).with_name("sets") / "reading.jsonl"
_ROOT = Path(__file__).resolve().parents[1]
_REPORTS = _ROOT / "corpus" / "reports"
_SHARED = "shared/"
_CROSSES = ("", "line", "column")
# A box is right from this overlap with the one checked by hand on (intersection over union).
_RIGHT = 0.8
_PAGE_NUMBER = re.compile(r"^(?:第|page|p\.)?\s*[-–—]?\s*(\w+)\s*[-–—]?\s*(?:(?:[頁页]|of|/).*)?$", re.IGNORECASE)
# Shorter heads are words of the text as well, and count only where they stand alone.
_DISTINCT = 10
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a document: its pages, and the passages, each with the number of its page."""

    pages: Sequence[Page]
    passages: Sequence[tuple[int, str]] = ()


Read = Callable[[str], Reading | None]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to be read.

    Attributes:
        document: File name of a sample report, or ``shared/`` and that of a PDF of the test data beside the project.
        page: Page of the file, from 1; 0 for a running head.
        text: As it stands on the page; of a cell the whole cell.
        row: Name of the row, the words of one of its cells; empty for running text.
        column: Name of the column, its head's words.
        crosses: ``line`` if it goes over the end of a line, ``column`` if it does so in text set in columns.
        boxes: Where it stands, one box a line (x0, y0, x1, y1 as fractions of the page, origin top left): the extents of its ink,
            measured on the page rendered at 300 dots an inch and looked at.
        furniture: It is a running head or foot, and should be in no passage.
    """

    id: str
    document: str
    page: int
    text: str
    row: str = ""
    column: str = ""
    crosses: str = ""
    boxes: tuple[Box, ...] = ()
    furniture: bool = False

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
            record = json.loads(line)
            fact = Fact(**(record | {"boxes": tuple(tuple(box) for box in record.get("boxes", ()))}))
        except json.JSONDecodeError as error:
            raise SetError(f"{where}: broken JSON ({error.msg} at column {error.colno})") from error
        except (TypeError, AttributeError) as error:
            raise SetError(
                f"{where}: {error}", hint="id, document, page and text; row and column for a cell; crosses, boxes, furniture."
            ) from error
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
    """Return what became of a fact: ``found``, for a cell ``in_row`` and ``named``, with boxes the ``overlap``.

    Args:
        fact: What is looked for.
        page: As read, None if it was not.
    """
    found = page is not None and squeeze(fact.text) in squeeze(page.text)
    record: dict[str, Any] = {"id": fact.id, "document": fact.document, "page": fact.page, "text": fact.text, "found": found}
    if fact.is_cell:
        in_row, named = _in_table(page, fact) if page is not None else (False, False)
        record |= {"in_row": in_row, "named": named}
    if fact.boxes:
        record["overlap"] = round(_best_overlap(page, fact), 4) if page is not None else 0.0
    return record


def overlap(one: Sequence[Box], other: Sequence[Box]) -> float:
    """Return the intersection over the union of two sets of boxes; those of one set do not overlap each other.

    >>> overlap([(0.0, 0.0, 0.5, 0.1)], [(0.0, 0.0, 0.25, 0.1)])
    0.5
    """

    def area(box: Box) -> float:
        return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])

    both = sum(area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))) for a in one for b in other)
    union = sum(map(area, one)) + sum(map(area, other)) - both
    return both / union if union else 0.0


def _best_overlap(page: Page, fact: Fact) -> float:
    """Return the best overlap of the boxes of the places where a page has a fact's text with those of the fact."""
    letters = [(index, char) for index, char in enumerate(page.text) if not char.isspace()]
    held = "".join(char for _, char in letters)
    wanted = "".join(char for char in fact.text if not char.isspace())
    best = 0.0
    for match in re.finditer(re.escape(wanted), held):
        start, end = letters[match.start()][0], letters[match.end() - 1][0] + 1
        rects = rects_for_span(page, start, end)
        best = max(best, overlap([(rect.x0, rect.y0, rect.x1, rect.y1) for rect in rects], fact.boxes))
    return best


def _path(name: str) -> Path | None:
    """Return where a document lies; None for one of the shared test data where that is not there.

    Raises:
        SetError: A sample report is missing.
    """
    if name.startswith(_SHARED):
        path = Path(os.environ.get("WENJU_SHARED", _ROOT.parent / "shared")) / "corpus" / "pdf" / name.removeprefix(_SHARED)
        return path if path.is_file() else None
    path = _REPORTS / name
    if not path.is_file():
        raise SetError(f"there is no report {path}", hint="`make briefs` typesets the sample reports.")
    return path


def _read_document(name: str) -> Reading | None:
    """Return a document's pages and passages, read as an ingest reads them; None where the shared test data is missing."""
    import tempfile

    from ingest.build import ingest_paths
    from ingest.kb import Settings

    path = _path(name)
    if path is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), embedding={"provider": "none"})
        ingest_paths(settings, [path])
        kb = KnowledgeBase(settings)
        names = list(kb.catalogue.documents())
        pages = [page for document in names for page in kb.catalogue.pages(document)]
        passages = [(passage.page, text) for passage, text in kb.catalogue.passages_of(names)]
        kb.close()
    return Reading(pages, passages)


def _with_furniture(document: Reading, heads: Iterable[str]) -> Iterable[bool]:
    """Yield for each passage whether it holds a running head, a foot or the number of its page."""
    masks = [squeeze(head) for head in heads]
    labels = {page.number: {str(page.number), page.label or ""} for page in document.pages}
    for number, passage in document.passages:
        lines = [line.strip() for line in passage.split("\n")]
        numbered = any((match := _PAGE_NUMBER.match(line)) and match.group(1) in labels[number] for line in lines)
        squeezed = [squeeze(line) for line in lines]
        yield numbered or any(line == head or (len(head) >= _DISTINCT and head in line) for head in masks for line in squeezed)


def reading_report(facts: Sequence[Fact], read: Read = _read_document) -> dict[str, Any]:
    """Return the shares found and each fact's outcome.

    Args:
        facts: Of ``load_facts``.
        read: Returns a document by its name, None if it is not at hand: its facts are then left out, and named as such.
    """
    documents = {name: read(name) for name in dict.fromkeys(fact.document for fact in facts)}
    held = {name: document for name, document in documents.items() if document is not None}
    pages = {name: {page.number: page for page in document.pages} for name, document in held.items()}
    rows = [(fact, judge(fact, pages[fact.document].get(fact.page))) for fact in facts if fact.document in held and not fact.furniture]
    text = [(fact, row) for fact, row in rows if not fact.is_cell]
    cells = [row for fact, row in rows if fact.is_cell]
    heads = {name: [fact.text for fact in facts if fact.furniture and fact.document == name] for name in held}
    return {
        "object": "reading_report",
        "sentences": _share(row["found"] for _, row in text),
        "over_line_ends": _share(row["found"] for fact, row in text if fact.crosses == "line"),
        "in_columns": _share(row["found"] for fact, row in text if fact.crosses == "column"),
        "cells_in_their_row": _share(row["in_row"] for row in cells),
        "cells_with_row_and_column": _share(row["named"] for row in cells),
        "boxes": _share(row["overlap"] >= _RIGHT for _, row in rows if "overlap" in row),
        "passages_with_furniture": _share(flag for name in held for flag in _with_furniture(held[name], heads[name])),
        "sentences_by_document": {name: _share(row["found"] for fact, row in text if fact.document == name) for name in held},
        "left_out": [name for name, document in documents.items() if document is None],
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
        "boxes": f"boxes that overlap the checked ones by {_RIGHT} or more",
        "passages_with_furniture": "passages with a running head or page number",
    }
    items = [(title, report[name]) for name, title in names.items()]
    items += [(f"sentences of {name}", item) for name, item in report["sentences_by_document"].items()]
    lines = [f"{title:52} {item['found']:>4} of {item['n']:<4} {100 * (item['share'] or 0):6.1f} %" for title, item in items]
    for row in report["results"]:
        if not row.get("named", row["found"]):
            fault = "not found" if not row["found"] else "not under its column" if row.get("in_row") else "not in its row"
            lines.append(f"{row['id']}  p. {row['page']}  {fault}: {row['text'][:90]}")
        elif row.get("overlap", 1.0) < _RIGHT:
            lines.append(f"{row['id']}  p. {row['page']}  box overlaps by {row['overlap']:.2f}: {row['text'][:90]}")
    lines += [f"left out, not at hand: {name}" for name in report["left_out"]]
    return "\n".join(lines)
