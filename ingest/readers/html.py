"""HTML: a saved page's main content block by block, tables as rows, what is hidden left out."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from ingest.blocks import Head, Page
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import clean
from ingest.readers.decode import decode
from ingest.readers.html_blocks import BlockWriter, joined
from ingest.readers.html_content import content_of, squashed

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
    from lxml import etree

    etree.strip_elements(tree, etree.Comment, etree.ProcessingInstruction, with_tail=False)
    for element in list(tree.iter()):
        if not isinstance(element.tag, str) or element.getparent() is None:
            continue
        if element.tag in ("script", "style", "template", "noscript", "iframe", "object") or is_hidden(dict(element.attrib)):
            element.drop_tree()


def read_html(data: bytes, *, name: str) -> Iterator[Head | Page]:
    """Yield the head and the one page of an HTML file.

    What is content is told by the author's own marks and by trafilatura; the blocks are always those of the page itself, since
    trafilatura gives short pages as one paragraph and drops headings that repeat the title.

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
    meta = trafilatura.extract_metadata(tree)
    title, document_title = (getattr(meta, "title", None) or "").strip(), joined(tree.findtext(".//title") or "")
    region, heading = content_of(body, _extracted(tree, body))
    builder = TextBuilder()
    writer = BlockWriter(builder)
    writer.write(region, title=heading)
    source = getattr(meta, "url", None)
    yield Head(
        "text/html",
        # A page's own heading, where its title has it too: the rest of the title is the name of the site.
        title=writer.title if writer.title and writer.title in document_title else joined(title or writer.title or document_title),
        language=language,
        date=(getattr(meta, "date", None) or "")[:10],
        publisher=(getattr(meta, "sitename", None) or getattr(meta, "author", None) or "")[:200],
        metadata={"encoding": encoding, **({"source": source} if source else {})},
    )
    yield Page(1, builder.text, tuple(builder.blocks))


def _extracted(tree: Any, body: Any) -> str | None:
    """Return what trafilatura takes for the main content; None where that is next to nothing."""
    import trafilatura
    from lxml import etree

    # It fills up rows for cells that span columns, for minutes if they claim thousands.
    plain = copy.deepcopy(tree)
    etree.strip_attributes(plain, "colspan", "rowspan")
    found = trafilatura.bare_extraction(plain, include_tables=True, include_comments=False, favor_recall=True, deduplicate=False)
    main = getattr(found, "body", None) if found is not None else None
    if main is None:
        return None
    text, whole = squashed("".join(main.itertext())), len(squashed("".join(body.itertext())))
    return text if len(text) * 3 > whole else None


def _declared_language(tree: Any) -> str:
    from ingest.readers.frontmatter import facts

    return str(facts({"lang": tree.get("lang") or ""})["language"])
