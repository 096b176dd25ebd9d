"""The pages of a PDF as blocks: pieces in reading order become text with a box for every character."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray

from ingest.kb.model import pack_boxes
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import is_cjk
from ingest.readers.pdf_cells import Table
from ingest.readers.pdf_flow import Paragraph
from ingest.readers.pdf_layout import Piece
from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rows import heads_below, lift_labels, names_again

__all__ = ["Outline", "PageWriter", "words_of"]

Boxes = list[NDArray[np.float64] | None]
_MAX_BOOKMARKS = 5_000
_HABIT = 4
_ADDRESS = re.compile(r"[\w-]\.[a-z]{2,}(?::\d+)?/[^\s，。、；：]*$")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
# No syllable of English begins so: a hyphen before them is the word's own (write-ups, spin-offs, data-driven).
_TAILS = frozenset("up ups in ins off offs out outs down downs on by based driven led".split())
# Short words that begin compounds more often than they are the first syllable of a word.
_HEADS = frozenset("low two top mid one".split())
# Ends of words that are words too: remark-able, work-force.
_SUFFIXES = frozenset(
    "able age ages ally ant form formed forms hood less like man men ment port ported ports ship some ward wards work".split()
)


class _PageBuilder(TextBuilder):
    """A text builder that keeps a box for every character."""

    def __init__(self, path: Sequence[tuple[int, str]]) -> None:
        super().__init__()
        self._headings = list(path)
        self._rows: list[NDArray[np.float64]] = []

    @property
    def headings(self) -> list[tuple[int, str]]:
        """The heading path with levels, to go on with on the next page."""
        return self._headings

    def add_lines(self, kind: Any, text: str, boxes: Boxes, *, level: int = 0, header: str = "") -> None:
        """Append a block with a box, or None, for each of its characters."""
        lead, tail = len(text) - len(text.lstrip()), len(text.rstrip())
        if tail <= lead:
            return
        if self.text:
            self._rows.append(np.zeros(4))
        self._rows += [box if box is not None else np.zeros(4) for box in boxes[lead:tail]]
        self.add(kind, text, level=level, header=header)

    def boxes(self, width: float, height: float) -> bytes:
        """Return the packed boxes of the page's text."""
        table = np.concatenate(self._rows).reshape(-1, 4) / np.array([width, height, width, height])
        return pack_boxes(table)


class Outline:
    """The document's bookmarks, found again as lines on their pages."""

    def __init__(self, pdf: Any) -> None:
        self._by_page: dict[int, list[tuple[int, str]]] = {}
        try:
            for count, item in enumerate(pdf.get_toc(max_depth=8)):
                if count >= _MAX_BOOKMARKS:
                    break
                dest = item.get_dest()
                index = dest.get_index() if dest is not None else None
                if index is not None:
                    self._by_page.setdefault(index, []).append((item.level + 1, " ".join(item.get_title().split())))
        except (pdfium.PdfiumError, RecursionError, ValueError):
            self._by_page = {}

    def level(self, page: int, text: str) -> int:
        """Return the level of the bookmark that a line of a page is the title of, else 0."""
        key = _letters(text)
        if len(key) < 2:
            return 0
        for level, title in self._by_page.get(page, ()):
            wanted = _letters(title)
            if wanted and (key == wanted or (len(wanted) >= 4 and key.endswith(wanted) and len(key) - len(wanted) <= 8)):
                return level
        return 0


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def words_of(lines: Iterable[Line]) -> Counter[str]:
    """Return how often each word of a document occurs, as written and in small letters, those cut by the end of a line left out.

    The parts of a word with hyphens of its own are words too.
    """
    words: Counter[str] = Counter()
    for line in lines:
        found = [match.group() for match in _WORD.finditer(line.text)]
        words.update(found[:-1] if line.text[-1:] in "-\u2010" else found)
    for word, count in list(words.items()):
        if "-" in word:
            words.update(dict.fromkeys(word.split("-"), count))
    for word, count in list(words.items()):
        if word != word.lower():
            words[word.lower()] += count
    return words


class PageWriter:
    """Writes page after page; keeps the heading path and the header of a table that goes on overleaf.

    Args:
        outline: The document's bookmarks.
        sizes: Its heading sizes, largest first.
        words: Of ``words_of``, to tell a hyphen of a word's own from one of the line's end.
    """

    def __init__(self, outline: Outline, sizes: Sequence[float], words: Mapping[str, int]) -> None:
        self._outline = outline
        self._sizes = sizes
        self._words = words
        self._path: list[tuple[int, str]] = []
        self._open: tuple[str, list[tuple[float, float]]] | None = None

    def start(self) -> _PageBuilder:
        """Return the builder of the next page."""
        return _PageBuilder(self._path)

    def write(self, builder: _PageBuilder, pieces: Sequence[Piece], number: int) -> None:
        """Append a page's pieces.

        Args:
            builder: Of ``start``.
            pieces: In reading order.
            number: Page, from 0.
        """
        open_table, self._open = self._open, None
        for place, piece in enumerate(pieces):
            if isinstance(piece, Table):
                header = self._table(builder, piece, open_table if place == 0 else None)
                self._open = (header, piece.columns) if header else None
            elif piece.kind != "footnote":
                self._open = None
                self._paragraph(builder, piece, number)
            else:
                self._paragraph(builder, piece, number)
        self._path = builder.headings

    def _paragraph(self, builder: _PageBuilder, piece: Paragraph, number: int) -> None:
        text, boxes = self._joined(piece.lines, apart=piece.kind == "figure")
        if piece.kind == "contents":
            text, boxes = _without_leaders(text, boxes)
        level = self._outline.level(number, text) if len(piece.lines) <= 4 and piece.kind not in ("contents", "figure") else 0
        if level:
            builder.add_lines("heading", text, boxes, level=min(level, 6))
        elif piece.kind == "heading":
            builder.add_lines("heading", text, boxes, level=_rank(max(line.size for line in piece.lines), self._sizes, text))
        else:
            builder.add_lines(piece.kind, text, boxes)

    def _table(self, builder: _PageBuilder, table: Table, before: tuple[str, list[tuple[float, float]]] | None) -> str:
        """Append a table's rows and return its header: that of the page before where the table goes on from there without one."""
        header = self._row(table.heads)[0] if table.heads else ""
        if before is not None and not table.sure and _same_columns(before[1], table.columns):
            header = before[0]
        rows, labels = lift_labels(table.rows)
        for number, cells in enumerate(rows):
            row = cells
            if number in labels:
                builder.add_lines("table_row", *self._joined(labels[number]), header=header)
            if number and names_again(rows, number, header):
                row = heads_below(rows, number)
                header = self._row(row)[0].strip()
            elif number and _is_one(row) and names_again(rows, number + 1, header):
                builder.add_lines("caption", *self._row([cell for cell in row if cell]))
                continue
            text, boxes = self._row(row)
            builder.add_lines("table_row", text, boxes, header=header)
        return header

    def _row(self, cells: Sequence[Sequence[Line]]) -> tuple[str, Boxes]:
        """Return cells joined with `` | ``."""
        text = ""
        boxes: Boxes = []
        for place, cell in enumerate(cells):
            if place:
                text += " | "
                boxes += [None, None, None]
            words, of_words = self._joined(cell)
            text += words.replace(" | ", " / ")
            boxes += of_words
        return text, boxes

    def _joined(self, lines: Sequence[Line], *, apart: bool = False) -> tuple[str, Boxes]:
        """Return lines as one text with the boxes of its characters; hyphens at line ends and breaks between Han are undone.

        Args:
            lines: In reading order.
            apart: They are labels, each for itself.
        """
        text: list[str] = []
        boxes: Boxes = []
        for line in lines:
            if text:
                last, first = text[-1], line.text[0]
                if not apart and (last == "\u00ad" or (last in "-\u2010" and self._cut_word(text, line.text))):
                    text.pop()
                    boxes.pop()
                elif apart or not ((is_cjk(last) and is_cjk(first)) or _hyphenated(text, first) or _in_address(text, first)):
                    text.append(" ")
                    boxes.append(None)
            text.extend(line.text)
            boxes.extend(line.boxes)
        return "".join(text), boxes

    def _cut_word(self, before: Sequence[str], after: str) -> bool:
        """Return whether the hyphen at the end of a text was put there by the end of the line only."""
        if len(before) < 2 or not before[-2].isalpha() or not after[0].isalpha() or _ADDRESS.search("".join(before[-81:])):
            return False
        head = re.search(r"[^\W\d_]+(?:-[^\W\d_]+)*$", "".join(before[-41:-1]))
        tail = _WORD.match(after)
        if head is None or tail is None:
            return True
        if not after[0].islower():
            return head.group() + tail.group() in self._words
        first, second = head.group().lower(), tail.group().lower()
        solid, parted = self._words.get(first + second, 0), self._words.get(f"{first}-{second}", 0)
        if solid or parted:
            # Writers waver between both; the line says nothing, so only a clear habit speaks against the plain word.
            return solid * _HABIT >= parted
        left, right = first.rpartition("-")[2], second.partition("-")[0]
        if right in _TAILS:
            return False
        # Both are words of the document and what they would make is none of its: open-weight, not remark-able.
        long = min(len(left), len(right)) > 3 or (left in _HEADS and len(right) > 3)
        return not (long and right not in _SUFFIXES and left in self._words and right in self._words)


def _is_one(row: Sequence[Sequence[Line]]) -> bool:
    return sum(map(bool, row)) == 1


def _same_columns(one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]) -> bool:
    """Return whether two tables have as many columns that stand under each other."""
    if len(one) != len(other):
        return False
    return all(min(a[1], b[1]) > max(a[0], b[0]) for a, b in zip(one, other, strict=True))


def _hyphenated(before: Sequence[str], first: str) -> bool:
    """Return whether a line ends inside a word with a hyphen of its own: DeepSeek-, R1 on the next."""
    return before[-1] in "-\u2010" and len(before) > 1 and before[-2].isalnum() and first.isalnum()


def _in_address(before: Sequence[str], first: str) -> bool:
    """Return whether a line ends inside a web address: github.com/, microsoft on the next."""
    return before[-1] in "/-_" and first.isascii() and first.isalnum() and bool(_ADDRESS.search("".join(before[-81:])))


def _without_leaders(text: str, boxes: Boxes) -> tuple[str, Boxes]:
    keep = [True] * len(text)
    for match in re.finditer(r"\s*(?:[.…·]\s?){4,}", text):
        keep[match.start() + 1 : match.end()] = [False] * (match.end() - match.start() - 1)
    kept = [i for i, flag in enumerate(keep) if flag]
    return "".join(" " if text[i] in ".…·" and i + 1 < len(keep) and not keep[i + 1] else text[i] for i in kept), [boxes[i] for i in kept]


def _rank(size: float, sizes: Sequence[float], text: str) -> int:
    """Return a heading's level by its number (``2.1`` is level 2) or its size among the document's heading sizes."""
    numbered = re.match(r"^(\d+(?:\.\d+)*)\.?\s", text)
    if numbered:
        return min(6, numbered.group(1).count(".") + 1)
    larger = sum(1 for other in sizes if other > size + 0.4)
    return min(6, larger + 1)
