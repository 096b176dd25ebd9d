"""Converting a Markdown digest between Chinese scripts, by phrase; front matter keys, code, links and shortcodes stay as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from ingest.kb.errors import SourceError, UnsupportedFile
from ingest.kb.script import convert_prose, detect_script
from ingest.readers.decode import decode
from ingest.readers.frontmatter import split_front_matter
from ingest.readers.markdown import literal_lines

__all__ = ["convert_bytes", "convert_file", "convert_markdown"]

Script = Literal["zh-Hant", "zh-Hans"] | None

_LANGUAGE = {"zh-Hans": "zh-Hans", "zh-Hant": "zh-Hant", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant"}
# What is kept letter by letter inside a line: code spans, link targets and labels, addresses, HTML tags, shortcodes, attributes of headings
# and blocks, wiki link targets, footnote labels. As in the reader no mark holds its own opening again, and a target has an end: a line of
# nothing but openings would else cost the square of its length.
_KEPT = re.compile(
    r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)"
    r"|\]\([^)\s]{0,1000}(?:\s+\"[^\"]{0,1000}\")?\)|\]\[[^\[\]\n]+\]|^ {0,3}\[[^\]\n]+\]:\s.*"
    r"|<https?://[^<>]*>|https?://[^\s)\]>，。；、）」]+"
    r"|</?[A-Za-z][^<>]*>"
    r"|\{\{[<%](?:(?!\{\{).)*?[>%]\}\}|\{%(?:(?!\{%).)*?%\}|\{\{(?:(?!\{\{).)*?\}\}|\{:?\s*[.#:][^{}\n]*\}"
    r"|\[\[[^\]|]*\|?|\[\^[^\[\]]+\]|\$\$?[^$]+\$\$?|<!--(?:(?!<!--).)*?-->"
)
# Front matter entries whose value is prose; all else (slugs, paths, dates, switches) is kept.
_PROSE_KEYS = {"title", "subtitle", "description", "summary", "excerpt", "publisher", "author", "tags", "categories", "keywords"}


_FOOTNOTE = re.compile(r"^ {0,3}\[\^[^\]\n]+\]:\s")
_DEFINITION = re.compile(r"^ {0,3}\[([^\]\n^][^\]\n]*)\]:\s", re.MULTILINE)


def _line(text: str, to: str, labels: frozenset[str] = frozenset(), of: Script = None) -> str:
    note = _FOOTNOTE.match(text)
    out, at = ([note.group()], note.end()) if note else ([], 0)
    for match in _KEPT.finditer(text, at):
        out += [_short(text[at : match.start()], to, labels, of), match.group()]
        at = match.end()
    return "".join(out) + _short(text[at:], to, labels, of)


def _short(text: str, to: str, labels: frozenset[str], of: Script) -> str:
    """Return prose converted; a link that is nothing but its label, ``[label]``, keeps the label behind its converted text."""
    out, at = [], 0
    for match in re.finditer(r"(?<!!)\[([^\[\]\n]+)\](?![\[(:])", text):
        label = match.group(1)
        if label in labels and _prose(label, to, of) != label:
            out += [_prose(text[at : match.start()], to, of), f"[{_prose(label, to, of)}][{label}]"]
            at = match.end()
    return "".join(out) + _prose(text[at:], to, of)


def _prose(text: str, to: str, of: Script) -> str:
    return convert_prose(text, to, of=of) if re.search(r"[\u3400-\u9fff]", text) else text


def _front(raw: str, to: str, of: Script) -> str:
    """Return front matter with the values of prose keys converted and ``language`` set; keys and punctuation stay."""
    out = []
    key, depth = "", 0
    for line in raw.split("\n"):
        match = re.match(r"^(\s*)(?:- )?([\w.-]+)(\s*[:=]\s*)(.*)$", line)
        table = re.match(r"^\s*\[.*\]\s*$", line) and "=" not in line and not line.startswith((" ", "\t"))
        if match and not (key in _PROSE_KEYS and len(match.group(1)) > depth and "://" in line):
            key, depth = match.group(2).lower(), len(match.group(1))
            value = match.group(4)
            before = line[: len(line) - len(value)]
            if key in ("language", "lang"):
                line = before + _quoted(value, _LANGUAGE[to])
            elif key in _PROSE_KEYS and not value.startswith("{"):
                line = before + _prose(value, to, of)
        elif table:
            key = ""
        elif key in _PROSE_KEYS:
            line = _prose(line, to, of)
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
    body = text[start:]
    of = detect_script(body) or detect_script(text)
    labels = frozenset(_DEFINITION.findall(body))
    literal = literal_lines(body)
    out = [line if number in literal else _line(line, to, labels, of) for number, line in enumerate(body.split("\n"))]
    head = text[:start]
    if start:
        lines = head.split("\n")
        closing = next(i for i in range(len(lines) - 1, 0, -1) if lines[i].strip())
        head = "\n".join([lines[0], *_front("\n".join(lines[1:closing]), to, of).split("\n"), *lines[closing:]])
    return head + "\n".join(out)


def convert_file(path: Path, to: str) -> str:
    """Return a file's text converted; see ``convert_markdown``.

    Raises:
        SourceError: There is no such file.
        UnsupportedFile: It is no text.
    """
    if not path.is_file():
        raise SourceError(f"there is no file {path}", hint="Give a Markdown or text file.")
    return convert_bytes(path.read_bytes(), to, name=str(path))


def convert_bytes(data: bytes, to: str, *, name: str) -> str:
    """Return the text of a file's bytes converted; see ``convert_markdown``.

    Raises:
        UnsupportedFile: They are no text.
    """
    try:
        if data.startswith(b"%PDF-"):
            raise UnsupportedFile("is a PDF")
        text, _ = decode(data, name=name)
    except UnsupportedFile as error:
        raise UnsupportedFile(f"{name} {error.message}", hint="Give a Markdown or text file, saved as UTF-8.") from error
    return convert_markdown(text.replace("\r\n", "\n"), to)
