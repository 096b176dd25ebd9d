"""The blocks of an HTML tree: headings, paragraphs, list items, rows of tables, code, captions, terms with what they mean."""

from __future__ import annotations

import re
from typing import Any

from ingest.kb.model import BlockKind
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import is_cjk
from ingest.readers.html_content import HEADINGS
from ingest.readers.html_tables import is_layout, table_rows

__all__ = ["BLOCKS", "BlockWriter", "joined"]

BLOCKS = frozenset(
    "p div section article main li ul ol dl dt dd table caption thead tbody tfoot tr td th blockquote pre figure figcaption details "
    "summary hr header footer aside nav address center form fieldset legend body".split()
) | set(HEADINGS)
_KINDS: dict[str, BlockKind] = {"blockquote": "quote", "li": "list_item", "figcaption": "caption", "caption": "caption"}
# What a line break in the page is until a block is written; files hold none, ``BlockWriter`` sees to that.
_BREAK = "\u2028"


def joined(text: str) -> str:
    """Return text with its white space as one space; a line of the file that ends between two Chinese characters ends nothing."""
    out = ""
    for line in text.replace(_BREAK, " ").split("\n"):
        line = " ".join(line.split())
        if line:
            out += line if not out or (is_cjk(out[-1]) and is_cjk(line[0])) else f" {line}"
    return out


def _flat(element: Any) -> str:
    return joined("".join(element.itertext()))


class BlockWriter:
    """Writes what stands in an element, in the order of the page."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._outer: set[Any] = set()
        self.title = ""

    def write(self, root: Any, *, title: str = "") -> None:
        """Add the blocks of a tree, which is changed.

        Args:
            root: Where to begin.
            title: A heading that belongs before it.
        """
        self._prepare(root)
        self._heading(joined(title), 1)
        self._walk(root, "paragraph")

    def _prepare(self, root: Any) -> None:
        elements = list(root.iter())
        self._alive = elements
        for element in elements:
            if isinstance(element.tag, str):
                element.text = (element.text or "").replace(_BREAK, " ")
            else:
                element.text = ""
            mark = _BREAK if element.tag == "br" else ""
            if element is not root:
                element.tail = mark + (element.tail or "").replace(_BREAK, " ")
            if element.tag in BLOCKS:
                holder = element.getparent() if element is not root else None
                while holder is not None and holder not in self._outer:
                    self._outer.add(holder)
                    holder = holder.getparent() if holder is not root else None

    def _heading(self, text: str, level: int) -> None:
        if level == 1 and text and text == self.title:
            return
        if level == 1 and not self.title:
            self.title = text
        self._builder.add("heading", text, level=level)

    def _loose(self, kind: BlockKind, text: str) -> None:
        """Add inline text; two line breaks in a row part paragraphs."""
        for part in re.split(rf"{_BREAK}\s*{_BREAK}", text):
            self._builder.add(kind, joined(part))

    def _walk(self, element: Any, kind: BlockKind) -> None:
        loose = element.text or ""
        for child in element:
            if child.tag in BLOCKS or child in self._outer:
                self._loose(kind, loose)
                self._block(child, kind)
                loose = ""
            else:
                loose += "".join(child.itertext())
            loose += child.tail or ""
        self._loose(kind, loose)

    def _block(self, child: Any, kind: BlockKind) -> None:
        tag = child.tag
        if tag in HEADINGS and not any(part.tag == "table" for part in child.iter()):
            self._heading(_flat(child), int(tag[1]))
        elif tag == "table" and not is_layout(child):
            for caption in child.findall("caption"):
                self._walk(caption, "caption")
            for text, header in table_rows(child, _flat):
                self._builder.add("table_row" if header or " | " in text else kind, text, header=header)
        elif tag == "pre":
            self._builder.add("code", "".join(child.itertext()).replace(_BREAK, "\n").strip("\n"))
        elif tag == "dl":
            self._terms(child)
        else:
            self._walk(child, _KINDS.get(tag, kind))

    def _terms(self, element: Any) -> None:
        """Add each term with what it means as one item."""
        terms: list[str] = []
        parts = [part for child in element for part in (child if child.tag == "div" else (child,))]
        for part in parts:
            if part.tag == "dt":
                terms.append(_flat(part))
            elif part.tag == "dd" and part not in self._outer:
                term, meaning = " / ".join(filter(None, terms)), _flat(part)
                colon = "：" if term and is_cjk(term[-1]) else ": "
                self._builder.add("list_item", f"{term}{colon}{meaning}" if term and meaning else term or meaning)
                terms = []
            elif isinstance(part.tag, str):
                self._builder.add("list_item", " / ".join(filter(None, terms)))
                terms = []
                self._walk(part, "list_item")
        self._builder.add("list_item", " / ".join(filter(None, terms)))
