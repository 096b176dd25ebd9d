"""Converting a Markdown digest between Chinese scripts, by phrase; front matter keys, code, links and shortcodes stay as they are."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.kb.errors import SourceError
from ingest.kb.script import convert_prose
from ingest.readers.decode import decode
from ingest.readers.fences import mark_fenced
from ingest.readers.frontmatter import split_front_matter

__all__ = ["convert_file", "convert_markdown"]

_LANGUAGE = {"zh-Hans": "zh-Hans", "zh-Hant": "zh-Hant", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant"}
# What is kept letter by letter inside a line: code spans, link targets, addresses, HTML tags, shortcodes, wiki link targets,
# footnote labels.
_KEPT = re.compile(
    r"(`+)(?!`).*?(?<!`)\1(?!`)"
    r"|\]\([^)\s]*(?:\s+\"[^\"]*\")?\)"
    r"|<https?://[^>]*>|https?://[^\s)\]>，。；、）」]+"
    r"|</?[A-Za-z][^>]*>"
    r"|\{\{[<%].*?[>%]\}\}|\{%.*?%\}|\{\{.*?\}\}"
    r"|\[\[[^\]|]*\|?|\[\^[^\]]+\]|\$\$?[^$]+\$\$?|<!--.*?-->"
)
# Front matter entries whose value is prose; all else (slugs, paths, dates, switches) is kept.
_PROSE_KEYS = {"title", "subtitle", "description", "summary", "excerpt", "publisher", "author", "tags", "categories", "keywords"}


def _line(text: str, to: str) -> str:
    out, at = [], 0
    for match in _KEPT.finditer(text):
        out += [_prose(text[at : match.start()], to), match.group()]
        at = match.end()
    return "".join(out) + _prose(text[at:], to)


def _prose(text: str, to: str) -> str:
    return convert_prose(text, to) if re.search(r"[\u3400-\u9fff]", text) else text


def _front(raw: str, to: str) -> str:
    """Return front matter with the values of prose keys converted and ``language`` set; keys and punctuation stay."""
    out = []
    key = ""
    for line in raw.split("\n"):
        match = re.match(r"^([\w.-]+)(\s*[:=]\s*)(.*)$", line)
        if match:
            key = match.group(1).lower()
            if key in ("language", "lang"):
                line = f"{match.group(1)}{match.group(2)}{_quoted(match.group(3), _LANGUAGE[to])}"
            elif key in _PROSE_KEYS:
                line = match.group(1) + match.group(2) + _prose(match.group(3), to)
        elif key in _PROSE_KEYS:
            line = _prose(line, to)
        out.append(line)
    return "\n".join(out)


def _quoted(old: str, new: str) -> str:
    quote = old.strip()[:1]
    return f"{quote}{new}{quote}" if quote in ("'", '"') else new


def convert_markdown(text: str, to: str) -> str:
    """Return a Markdown text in another script.

    Args:
        text: The whole file.
        to: ``zh-Hans``, ``zh-Hant``, ``zh-TW`` or ``zh-HK``; ``zh-Hant`` is converted with Taiwan's wording.
    """
    _, start, _ = split_front_matter(text)
    out = [line if fenced else _line(line, to) for line, fenced in mark_fenced(text[start:].split("\n"))]
    head = text[:start]
    if start:
        lines = head.split("\n")
        closing = next(i for i in range(len(lines) - 1, 0, -1) if lines[i].strip())
        head = "\n".join([lines[0], *_front("\n".join(lines[1:closing]), to).split("\n"), *lines[closing:]])
    return head + "\n".join(out)


def convert_file(path: Path, to: str) -> str:
    """Return a file's text converted; see ``convert_markdown``.

    Raises:
        SourceError: There is no such file.
        UnsupportedFile: It is no text.
    """
    if not path.is_file():
        raise SourceError(f"there is no file {path}", hint="Give a Markdown or text file.")
    text, _ = decode(path.read_bytes(), name=path.name)
    return convert_markdown(text.replace("\r\n", "\n"), to)
