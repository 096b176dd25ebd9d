"""Tables of HTML: rows with every column in its place, the header put together from all of its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ingest.readers.html_content import HEADINGS

__all__ = ["is_layout", "table_rows"]

_MAX_SPAN = 60
# Cells that reach over rows and columns at once would make a short file large.
_MAX_COLUMNS = 200


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _rows(table: Any) -> list[Any]:
    return [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]


def is_layout(table: Any) -> bool:
    """Return whether a table only places things on the page: its cells are to be read one after the other."""
    if (table.get("role") or "").lower() in ("presentation", "none") or table.find(".//table") is not None:
        return True
    if all(len(_cells(row)) < 2 for row in _rows(table)):
        return table.find(".//th") is None
    return table.find(".//th") is None and any(table.find(f".//{tag}") is not None for tag in HEADINGS)


def _span(cell: Any, name: str) -> int:
    value = cell.get(name) or ""
    return min(int(value), _MAX_SPAN) if re.fullmatch(r"\s*[0-9]{1,6}\s*", value) and int(value) else 1


class _Grid:
    """Rows of cells by column; a cell over several rows is repeated in each, one over several columns stands in the first."""

    def __init__(self) -> None:
        self._above: dict[int, tuple[int, str]] = {}

    def row(self, cells: list[tuple[str, int, int]], *, repeat: bool) -> list[str]:
        out: list[str] = []
        rest, self._above = self._above, {}
        for text, wide, high in cells:
            self._fill(out, rest)
            for number in range(min(wide, _MAX_COLUMNS - len(out))):
                if high > 1:
                    self._above[len(out)] = (high - 1, text if repeat or not number else "")
                out.append(text if repeat or not number else "")
        self._fill(out, rest)
        for column, (left, text) in rest.items():
            if left > 1:
                self._above[column] = (left - 1, text)
        return out

    @staticmethod
    def _fill(out: list[str], rest: dict[int, tuple[int, str]]) -> None:
        while len(out) in rest:
            out.append(rest[len(out)][1])


def _merged(rows: list[list[str]]) -> str:
    """Return the header that several rows make: what stands over a column, from the top down."""
    named = [row for row in rows if len(set(filter(None, row))) > 1] or rows
    columns = ([row[number] for row in named if number < len(row) and row[number]] for number in range(max(map(len, named))))
    return " | ".join(" ".join(dict.fromkeys(names)) for names in columns)


def _is_head(row: Any) -> bool:
    filled = [cell for cell in _cells(row) if "".join(cell.itertext()).strip()]
    return row.getparent().tag == "thead" or (len(filled) > 1 and all(cell.tag == "th" for cell in filled))


def _names_columns(rows: list[list[str]]) -> bool:
    """Return whether a table without a single ``th`` has names in its first row: no cell empty, no figure, and figures below."""
    if len(rows) < 2 or len(rows[0]) < 2 or not all(rows[0]) or re.search(r"\d", " ".join(rows[0])):
        return False
    return all(re.search(r"\d", " ".join(row[1:])) for row in rows[1:])


def table_rows(table: Any, text_of: Callable[[Any], str]) -> Iterator[tuple[str, str]]:
    """Yield each row's text and its header; a row that is one cell over all columns has none: it is a title.

    Args:
        table: The element.
        text_of: Reads a cell.
    """
    grid, plain = _Grid(), table.find(".//th") is None and table.find(".//thead") is None
    rows: list[tuple[bool, bool, list[str]]] = []
    for row in _rows(table):
        cells = [(text_of(c).replace(" | ", " / "), _span(c, "colspan"), _span(c, "rowspan")) for c in _cells(row)]
        head = _is_head(row)
        title = sum(map(bool, (text for text, _, _ in cells))) == 1 and any(wide > 1 for text, wide, _ in cells if text)
        texts = grid.row(cells, repeat=head)
        if any(texts):
            rows.append((head, title, texts))
    if plain and _names_columns([texts for _, _, texts in rows]):
        rows[0] = (True, False, rows[0][2])
    yield from _lines(rows)


def _lines(rows: list[tuple[bool, bool, list[str]]]) -> Iterator[tuple[str, str]]:
    header, heads = "", list[list[str]]()
    for number, (head, title, texts) in enumerate(rows):
        if head and not (title and not _more_head(rows, number)):
            heads.append(texts)
            if not _more_head(rows, number):
                header, heads = _merged(heads), []
                yield header, header
        elif title or head:
            yield next(filter(None, texts)), ""
        else:
            yield " | ".join(texts), header


def _more_head(rows: list[tuple[bool, bool, list[str]]], number: int) -> bool:
    return number + 1 < len(rows) and rows[number + 1][0]
