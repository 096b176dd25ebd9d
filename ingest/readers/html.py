"""HTML: a saved page's main content by trafilatura, tables as rows, what is hidden left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from ingest.blocks import Head, Page
from ingest.kb.model import BlockKind
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import clean
from ingest.readers.decode import decode

__all__ = ["read_html", "track_hidden", "visible_text"]

_SKIPPED = {"script", "style", "template", "noscript", "head", "iframe", "object", "svg", "math", "textarea", "select"}
_BREAKS = {
    "p",
    "div",
    "section",
    "article",
    "li",
    "ul",
    "ol",
    "table",
    "tr",
    "blockquote",
    "pre",
    "figure",
    "figcaption",
    "details",
    "dd",
    "dt",
}
_BREAKS |= {f"h{level}" for level in range(1, 7)} | {"summary", "hr", "header", "footer", "main", "aside", "nav"}
_VOID = {"br", "img", "hr", "input", "meta", "link", "source", "wbr", "col", "area", "base", "embed", "track"}
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|em|pt|%)?\s*(?:;|$)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)"
)


def is_hidden(attributes: dict[str, str | None]) -> bool:
    """Return whether an element is not shown to a reader, as far as its own attributes tell."""
    return (
        "hidden" in attributes
        or (attributes.get("aria-hidden") or "") == "true"
        or bool(_HIDDEN.search((attributes.get("style") or "").lower()))
    )


class _Text(HTMLParser):
    """The visible text of a fragment, paragraphs separated by blank lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._off: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._off or ((tag in _SKIPPED or is_hidden(dict(attrs))) and tag not in _VOID):
            if tag not in _VOID:
                self._off.append(tag)
            return
        if tag in _BREAKS:
            self.out.append("\n\n")
        elif tag == "br":
            self.out.append("\n")
        elif tag in ("td", "th"):
            self.out.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._off:
            if tag in self._off:
                del self._off[len(self._off) - 1 - self._off[::-1].index(tag) :]
            return
        if tag in _BREAKS:
            self.out.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._off:
            self.out.append(data)


def track_hidden(markup: str, open_tags: list[str]) -> list[str]:
    """Return the tags that hide what follows an inline tag: those open before, plus it if it hides, less those it closes."""
    tag = re.match(r"<(/?)([A-Za-z][\w-]*)([^>]*?)(/?)>", markup)
    if not tag:
        return open_tags
    name = tag.group(2).lower()
    if tag.group(1):
        return open_tags[: open_tags.index(name)] if name in open_tags else open_tags
    if tag.group(4) or name in _VOID:
        return open_tags
    attributes = dict(re.findall(r"([\w-]+)(?:\s*=\s*[\"']?([^\"']*)[\"']?)?", tag.group(3)))
    hides = name in _SKIPPED or is_hidden(attributes)
    return [*open_tags, name] if hides or open_tags else open_tags


def _closed(fragment: str) -> str:
    """Return a fragment up to a comment or a tag that is never closed.

    A browser shows nothing of it, and ``HTMLParser`` would look for its end again at every further opening, the square of its length.
    """
    comment = fragment.find("<!--", fragment.rfind("-->") + 1)
    if comment >= 0:
        fragment = fragment[:comment]
    tag = re.compile(r"<[A-Za-z/!?]").search(fragment, fragment.rfind(">") + 1)
    return fragment[: tag.start()] if tag else fragment


def visible_text(fragment: str) -> str:
    """Return what a reader sees of an HTML fragment; paragraphs are separated by blank lines."""
    parser = _Text()
    parser.feed(_closed(fragment))
    parser.close()
    text = re.sub(r"[ \t]+", " ", "".join(parser.out))
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", text).strip()


def _drop_hidden(tree: Any) -> None:
    for element in list(tree.iter()):
        if not isinstance(element.tag, str) or element.getparent() is None:
            continue
        if element.tag in ("script", "style", "template", "noscript", "iframe", "object") or is_hidden(dict(element.attrib)):
            element.drop_tree()


def _flat(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


class _Walker:
    """Turns trafilatura's tree (or a body) into blocks."""

    def __init__(self) -> None:
        self.builder = TextBuilder()
        self.title = ""

    def walk(self, element: Any, kind: BlockKind = "paragraph") -> None:
        loose = element.text or ""
        for child in element:
            tag = child.tag if isinstance(child.tag, str) else ""
            if self._block(child, tag, kind, loose):
                loose = child.tail or ""
            elif not tag:
                loose += child.tail or ""
            else:
                loose += ("\n" if tag in ("lb", "br") else "".join(child.itertext())) + (child.tail or "")
        self.builder.add(kind, " ".join(loose.split()))

    def _block(self, child: Any, tag: str, kind: BlockKind, loose: str) -> bool:
        """Add a block-level child, after the loose text before it; False if it is inline."""
        level = _level(child, tag)
        known = tag in (
            "p",
            "quote",
            "blockquote",
            "list",
            "ul",
            "ol",
            "item",
            "li",
            "table",
            "code",
            "pre",
            "figcaption",
            "dl",
            "dt",
            "dd",
        )
        nested = not known and not level and any(isinstance(c.tag, str) and c.tag in _CONTAINERS for c in child.iter())
        if not (level or known or nested or tag in _BREAKS):
            return False
        self.builder.add(kind, " ".join(loose.split()))
        if level:
            text = _flat(child)
            if not self.title and level == 1:
                self.title = text
            self.builder.add("heading", text, level=level)
        elif tag == "table":
            self._table(child)
        elif tag in ("code", "pre"):
            self.builder.add("code", "".join(child.itertext()).strip("\n"))
        else:
            inner: BlockKind = {
                "quote": "quote",
                "blockquote": "quote",
                "item": "list_item",
                "li": "list_item",
                "figcaption": "caption",
            }.get(tag, kind)  # type: ignore[assignment]
            self.walk(child, inner)
        return True

    def _table(self, table: Any) -> None:
        header = ""
        for row in table.iter("tr", "row"):
            cells = [cell for cell in row if isinstance(cell.tag, str) and cell.tag in ("td", "th", "cell")]
            texts = [_flat(cell).replace(" | ", " / ") for cell in cells]
            if not any(texts):
                continue
            line = " | ".join(texts)
            if not header and all(cell.tag == "th" or cell.get("role") == "head" for cell in cells):
                header = line
            self.builder.add("table_row", line, header=header)


_CONTAINERS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "head", "ul", "ol", "list", "table", "blockquote", "quote", "pre"}


def _level(element: Any, tag: str) -> int:
    if re.fullmatch(r"h[1-6]", tag):
        return int(tag[1])
    if tag == "head":
        rend = element.get("rend") or "h2"
        return int(rend[1]) if re.fullmatch(r"h[1-6]", rend) else 2
    return 0


def read_html(data: bytes, *, name: str) -> Iterator[Head | Page]:
    """Yield the head and the one page of an HTML file.

    The main content is what trafilatura takes for it; where it finds too little, the whole body is read.

    Raises:
        UnsupportedFile: The bytes are no text.
    """
    import trafilatura
    from lxml import html as lxml_html

    declared = re.search(rb"charset=[\"']?([\w-]+)", data[:4096])
    try:
        text = data.decode(declared.group(1).decode("ascii")) if declared else decode(data, name=name)[0]
        encoding = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    except (UnicodeDecodeError, LookupError):
        text, encoding = decode(data, name=name)
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", clean(text))
    tree = lxml_html.document_fromstring(text)
    language = _declared_language(tree)
    _drop_hidden(tree)
    body = tree.find("body") if tree.find("body") is not None else tree
    whole = len(_flat(body))
    meta = trafilatura.extract_metadata(tree)
    found = trafilatura.bare_extraction(tree, include_tables=True, include_comments=False, favor_recall=True, deduplicate=False)
    main = getattr(found, "body", None) if found is not None else None
    walker = _Walker()
    # A page of tables or lists is easily taken for navigation: then everything is better than next to nothing.
    walker.walk(main if main is not None and len(_flat(main)) * 3 > whole else body)
    source = getattr(meta, "url", None)
    title = (getattr(meta, "title", None) or "").strip() or walker.title or _flat_title(tree)
    yield Head(
        "text/html",
        title=" ".join(title.split()),
        language=language,
        date=(getattr(meta, "date", None) or "")[:10],
        publisher=(getattr(meta, "sitename", None) or getattr(meta, "author", None) or "")[:200],
        metadata={"encoding": encoding, **({"source": source} if source else {})},
    )
    yield Page(1, walker.builder.text, tuple(walker.builder.blocks))


def _flat_title(tree: Any) -> str:
    found = tree.find(".//title")
    return _flat(found) if found is not None else ""


def _declared_language(tree: Any) -> str:
    from ingest.readers.frontmatter import facts

    return str(facts({"lang": tree.get("lang") or ""})["language"])
