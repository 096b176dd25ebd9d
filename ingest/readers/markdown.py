"""Markdown as it is found: Hugo, Jekyll and Obsidian front matter, callouts, shortcodes, wiki links, footnotes, tables, MDX.

What a reader of the rendered page would see is the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from ingest.blocks import Head, Page
from ingest.kb.model import BlockKind
from ingest.readers.builder import TextBuilder
from ingest.readers.characters import clean, is_cjk
from ingest.readers.decode import decode
from ingest.readers.fences import mark_fenced
from ingest.readers.frontmatter import facts, split_front_matter
from ingest.readers.html import track_hidden, visible_text

__all__ = ["literal_lines", "read_markdown"]

# No mark holds its own opening again: so a line of nothing but openings costs one look at each, not one at the rest of the line for each.
_SHORTCODE = re.compile(r"\{\{[<%](?:(?!\{\{).)*?[>%]\}\}|\{%(?:(?!\{%).)*?%\}|\{\{(?:(?!\{\{).)*?\}\}|%%.*?%%|\{:[^{}\n]*\}")
_WIKI = re.compile(r"(!?)\[\[([^\[\]|#\n]*)(?:#[^\[\]|\n]*)?(?:\|([^\[\]\n]*))?\]\]")
_CALLOUT = re.compile(r"^(\s*(?:>\s*)+)\[!(\w[\w -]*)\][+-]?[ \t]*(.*)$")
_MDX = re.compile(r"^(?:import\s.+\sfrom\s+['\"].+['\"];?|import\s+['\"].+['\"];?|export\s+(?:const|default|function|let)\b.*)$")
_HEADING_ID = re.compile(r"^(\s{0,3}#{1,6}\s[^{\n]*)\{[#.][^{}\n]*\}\s*$")
_BLOCK_ID = re.compile(r"\s\^[A-Za-z0-9][A-Za-z0-9-]*\s*$")
_MARKED = re.compile(r"(?<![=\w])==(?![=\s])([^=\n]+?)(?<!\s)==(?![=\w])")
_LITERAL_SHORTCODE = re.compile(r"^\s*\{[{%][<%]?\s*(/?\s*|end)(highlight|raw|mermaid|math|katex|code)\b")
# Bold that CommonMark does not see: its mark stands between a punctuation mark within and a Han character outside (``**成本。**這是``).
_UNSEEN_BOLD = re.compile(r"\*\*(?=[^\s*])((?:(?!\*\*)[^\n\x00])*[^\s*])\*\*")
# Stands for two stars of code while the marks of bold are looked for; no text that is read has it.
_POWER = "\x00\x00"
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")


def _outside_code(line: str) -> str:
    """Return a line with wiki links resolved and shortcodes removed, code spans left alone."""
    if not any(mark in line for mark in ("{", "[[", "%%", "==")):
        return line
    out, at = [], 0
    for span in _CODE_SPAN.finditer(line):
        out += [_plain(line[at : span.start()]), span.group()]
        at = span.end()
    return "".join(out) + _plain(line[at:])


def _plain(text: str) -> str:
    text = _WIKI.sub(lambda match: "" if match.group(1) else (match.group(3) or match.group(2)), text)
    return _MARKED.sub(r"\1", _SHORTCODE.sub("", text))


def _prepare(body: str) -> str:
    """Return the body with what no renderer of plain Markdown knows put into plain Markdown; line numbers stay."""
    out = []
    for line, fenced in mark_fenced(body.split("\n")):
        if fenced:
            out.append(line)
        elif _MDX.match(line):
            out.append("")
        elif callout := _CALLOUT.match(line):
            # A line of its own: the body's first sentence must not begin with the title.
            out.append(callout.group(1) + (f"**{callout.group(3)}**\\" if callout.group(3) else ""))
        else:
            line = _BLOCK_ID.sub("", _HEADING_ID.sub(r"\1", line))
            out.append(_outside_code(line))
    return "\n".join(out)


def literal_lines(body: str) -> set[int]:
    """Return the numbers (from 0) of the lines that are no prose: code, formulas, MDX imports, comments, scripts, styles.

    Args:
        body: Without front matter, lines ended by newlines.
    """
    lines = body.split("\n")
    out = {number for number, (line, fenced) in enumerate(mark_fenced(lines)) if fenced or _MDX.match(line)}
    for token in _parser().parse(body):
        verbatim = token.type == "html_block" and re.match(r"\s*<(?:script|style|pre|!--)", token.content, re.IGNORECASE)
        if token.map and (token.type in ("fence", "code_block", "math_block") or verbatim):
            out.update(range(*token.map))
    inside = ""
    for number, line in enumerate(lines):
        found = _LITERAL_SHORTCODE.match(line)
        if found and number not in out:
            inside = "" if found.group(1).strip() else found.group(2)
        elif inside:
            out.add(number)
    return out


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 200}).enable(["table", "strikethrough"])
    return parser.use(footnote_plugin).use(dollarmath_plugin, double_inline=True, allow_digits=False, allow_space=False)


def _inline(token: Token) -> str:
    """Return the visible text of an inline token."""
    out = []
    hidden: list[str] = []
    for child in token.children or ():
        if child.type == "html_inline":
            hidden = track_hidden(child.content, hidden)
        if hidden:
            continue
        if child.type in ("text", "text_special"):
            out.append(child.content)
        elif child.type in ("code_inline", "math_inline", "math_inline_double"):
            out.append(child.content.replace("**", _POWER))
        elif child.type == "softbreak":
            out.append("\n")
        elif child.type == "hardbreak":
            out.append("\n\n")
        elif child.type == "image":
            out.append("".join(part.content for part in child.children or ()))
        elif child.type == "html_inline" and re.match(r"<br\b", child.content, re.IGNORECASE):
            out.append("\n\n")
    return _join(_without_unseen_bold("".join(out)).replace(_POWER, "**"))


def _without_unseen_bold(text: str) -> str:
    """Return a text without the marks of bold that the parser left standing beside Han characters."""
    if "**" not in text:
        return text

    def shown(found: re.Match[str]) -> str:
        around = text[found.start() - 1 : found.start()] + text[found.end() : found.end() + 1]
        edges = found.group(1)[0] + found.group(1)[-1]
        return found.group(1) if any(map(is_cjk, around)) and not all(char.isalnum() for char in edges) else found.group()

    return _UNSEEN_BOLD.sub(shown, text)


def _join(text: str) -> str:
    """Return a paragraph with its soft line ends joined: nothing between Chinese characters, a space elsewhere."""

    def glue(match: re.Match[str]) -> str:
        if match.group().count("\n") > 1:
            return "\n"
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        return "" if before and after and is_cjk(before) and is_cjk(after) else " "

    text = text.strip()
    # Spaces are looked at from the first of a run only: a line of nothing else costs one look at each.
    return re.sub(r"(?<! )[ ]*+\n\s*", glue, text)


class _Walker:
    """Turns tokens into blocks.

    Args:
        before: Lines of the file before the body.
    """

    def __init__(self, before: int) -> None:
        self.builder = TextBuilder()
        self.title = ""
        self._before = before

    def _lines(self, token: Token) -> tuple[int, int] | None:
        """Return the lines of the file that a token was made of; a footnote that stands in the sentence has none of its own."""
        return (self._before + token.map[0] + 1, self._before + max(token.map)) if token.map else None

    def walk(self, tokens: Sequence[Token]) -> None:
        nesting: list[str] = []
        level = 0
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type == "table_open":
                at = self._table(tokens, at)
                continue
            if token.nesting == 1:
                nesting.append(token.type)
                if token.type == "heading_open":
                    level = int(token.tag[1])
            elif token.nesting == -1 and nesting:
                nesting.pop()
            elif token.type == "inline":
                self._text(token, nesting, level)
            else:
                self._whole(token)
            at += 1

    def _whole(self, token: Token) -> None:
        """Add a block that is one token."""
        if token.type in ("fence", "code_block"):
            self.builder.add("code", token.content.rstrip("\n"), lines=self._lines(token))
        elif token.type == "math_block":
            self.builder.add("paragraph", token.content, lines=self._lines(token))
        elif token.type == "html_block":
            for part in visible_text(token.content).split("\n\n"):
                self.builder.add("paragraph", _join(part), lines=self._lines(token))

    def _text(self, token: Token, nesting: Sequence[str], level: int) -> None:
        text = _inline(token)
        if nesting and nesting[-1] == "heading_open":
            if level == 1 and not self.title:
                self.title = " ".join(text.split())
            self.builder.add("heading", " ".join(text.split()), level=level, lines=self._lines(token))
            return
        kind: BlockKind = "paragraph"
        if any(name.startswith("footnote") for name in nesting):
            kind = "footnote"
        elif "list_item_open" in nesting:
            kind = "list_item"
        elif "blockquote_open" in nesting:
            kind = "quote"
        self.builder.add(kind, text, lines=self._lines(token))

    def _table(self, tokens: Sequence[Token], at: int) -> int:
        """Add the rows of the table that opens at a token; return where it ends."""
        header = ""
        cells: list[str] = []
        lines: tuple[int, int] | None = None
        in_head = False
        while tokens[at].type != "table_close":
            token = tokens[at]
            if token.type in ("thead_open", "thead_close"):
                in_head = token.type == "thead_open"
            elif token.type == "tr_open":
                cells, lines = [], self._lines(token)
            elif token.type == "inline":
                cells.append(" ".join(_inline(token).split()).replace(" | ", " / "))
            elif token.type == "tr_close" and any(cells):
                row = " | ".join(cells)
                if in_head:
                    header = row
                # The header row stands in the text too: it is what a reader sees, and what a citation of it points at.
                self.builder.add("table_row", row, header=header, lines=lines)
            at += 1
        return at + 1


def read_markdown(data: bytes, *, name: str) -> Iterator[Head | Page]:
    """Yield the head and the one page of a Markdown file.

    Raises:
        UnsupportedFile: The bytes are no text.
    """
    raw, encoding = decode(data, name=name)
    raw = clean(raw)
    entries, start, warning = split_front_matter(raw)
    walker = _Walker(raw.count("\n", 0, start))
    walker.walk(_parser().parse(_prepare(raw[start:])))
    known = facts(entries)
    warnings = [warning] if warning else []
    if not encoding.startswith("utf-8") or "errors" in encoding:
        warnings.append(f"read as {encoding}")
    known["title"] = known["title"] or walker.title
    known["metadata"]["encoding"] = encoding
    yield Head("text/markdown", warnings=tuple(warnings), **known)
    yield Page(1, walker.builder.text, tuple(walker.builder.blocks))
