"""Pieces of markup that every part of the report uses: texts in three languages, figures, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from eval.report.strings import LANGUAGES, STRINGS

__all__ = ["cell", "interval", "label", "name_of", "percent", "points", "section", "svg_label", "table", "value_label"]

# Values of a slice whose word would be taken from a measure or a section of the same name.
_OTHER_NAMES = {
    ("type", "comparison"): "comparison_type",
    ("crossing", "language"): "cross_language",
    ("crosses", "language"): "cross_language",
}


def percent(value: float | None) -> str:
    """Return a share as text, a dash for none."""
    return "–" if value is None else f"{100 * value:.1f} %"


def points(difference: float) -> str:
    """Return a difference of shares in points of 100, signed."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def interval(item: dict[str, Any]) -> str:
    """Return an interval as text, a dash where there is none."""
    if item.get("low") is None:
        return "–"
    return f"{100 * item['low']:.1f} – {100 * item['high']:.1f} %"


def _texts(name: str) -> Iterable[tuple[str, str]]:
    words = STRINGS.get(name)
    return zip(LANGUAGES, words if words is not None else (name, name, name), strict=True)


def label(name: str) -> str:
    """Return a word in three languages, of which the page shows the chosen one; a name without words stands for itself."""
    if name not in STRINGS:
        return escape(name)
    return "".join(f'<span data-t="{code}" lang="{code}">{escape(word)}</span>' for code, word in _texts(name))


def svg_label(name: str, attributes: str) -> str:
    """Return a word in three languages for a drawing."""
    return "".join(f'<text data-t="{code}" lang="{code}" {attributes}>{escape(word)}</text>' for code, word in _texts(name))


def value_label(key: str, value: str) -> str:
    """Return a slice's value as a word: ``share`` of ``type``, ``en`` of ``language``; a document stands for itself."""
    return escape(value) if key == "document" else label(_OTHER_NAMES.get((key, value), value))


def name_of(path: str) -> str:
    """Return ``slice/value/measure``, ``slice/value`` or a measure in words."""
    parts = path.removeprefix("max:").split("/")
    if len(parts) == 1:
        return label(parts[0])
    return " · ".join([value_label(parts[0], parts[1]), *map(label, parts[2:])])


def cell(text: str, kind: str = "") -> str:
    """Return a table cell of ready markup."""
    return f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>"


def table(head: Sequence[tuple[str, str]], rows: Iterable[str]) -> str:
    """Return a table.

    Args:
        head: Ready markup and class of each column's head.
        rows: Ready cells of each row, with or without ``<tr>``.
    """
    heads = "".join(f'<th scope="col" class="{kind}">{text}</th>' if kind else f'<th scope="col">{text}</th>' for text, kind in head)
    lines = "".join(row if row.startswith("<tr") else f"<tr>{row}</tr>" for row in rows)
    return f'<div class="frame"><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'


def section(name: str, body: str, more: str = "") -> str:
    """Return a part of the page under its heading; empty for an empty body."""
    return f'<section id="{name}"><h2>{label(name)}{more}</h2>{body}</section>' if body else ""
