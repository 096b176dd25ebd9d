"""The questions of a run in the report: each opens to what was expected, answered, cited and found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eval.report.marks import cell, label, table
from eval.report.strings import FAILURES

__all__ = ["failed_questions", "links", "passed_questions"]

Result = dict[str, Any]
_SHOWN = 320


def _place(document: str, page: int | None) -> str:
    where = f" · {label('page')} {page}" if page else ""
    return f'<span class="soft small">{escape(document)}{where}</span>'


def _quote(text: str, document: str, page: int | None, more: str = "", kind: str = "") -> str:
    return f'<blockquote class="{kind}">{escape(text)}<br>{_place(document, page)}{more}</blockquote>'


def _expected(result: Result) -> str:
    if not result["answerable"]:
        return label("refusal_expected")
    parts = " + ".join(" / ".join(map(escape, part)) for part in result["expected"]) or "–"
    forbidden = result.get("must_not_include")
    return parts + (f"<br>{label('forbidden')}: {' / '.join(map(escape, forbidden))}" if forbidden else "")


def _passages(result: Result) -> str:
    if not result["passages"]:
        return ""
    rows = [
        f'<tr class="{"gold" if p["relevant"] else ""}">'
        + cell(f"{'● ' if p['relevant'] else ''}{rank}", "n")
        + cell(f"{p['score']:.3f}", "n")
        + cell(f"{escape(p['text'][:_SHOWN])}{'…' if len(p['text']) > _SHOWN else ''}<br>{_place(p['document'], p['page'])}")
        + "</tr>"
        for rank, p in enumerate(result["passages"], 1)
    ]
    head = [(label("rank"), "n"), (label("score"), "n"), (label("text"), "")]
    return f"<h4>{label('passages')}</h4>{table(head, rows)}"


def _body(result: Result) -> str:
    asked = result["answer"].get("standalone_question")
    alone = f"<h4>{label('asked_as')}</h4><p>{escape(asked)}</p>" if asked and asked != result["question"] else ""
    error = f'<p class="bad">{escape(result["error"])}</p>' if result.get("error") else ""
    gold = "".join(_quote(e["quote"], e["document"], e["page"], kind="gold") for e in result["evidence"])
    cited = "".join(
        _quote(c["cited_text"], c["file_name"], c["page"], f' <span class="tag">[{c["index"]}] {label(c["verification"])}</span>')
        for c in result["citations"]
    )
    gold = f"<h4>{label('evidence')}</h4>{gold}" if gold else ""
    cited = f"<h4>{label('citations')}</h4>{cited}" if cited else ""
    return (
        f'{alone}{error}<div class="two"><div><h4>{label("expected")}</h4><p>{_expected(result)}</p>'
        f"{gold}</div>"
        f"<div><h4>{label('answer')}</h4><p>{escape(result['answer']['answer'])}</p>"
        f"{cited}</div></div>{_passages(result)}"
    )


def _question(result: Result, place: int) -> str:
    # The anchor stands inside: a browser opens what it has to scroll to.
    return (
        f'<details><summary><span lang="{escape(result["language"])}">{escape(result["question"])}</span>'
        f'<span class="id">{escape(result["id"])}</span></summary><div class="body" id="q{place}">{_body(result)}</div></details>'
    )


def failed_questions(results: Sequence[Result]) -> str:
    """Return the failed questions by kind of failure, in the order of processing."""
    out = []
    for kind in FAILURES:
        found = [_question(result, place) for place, result in enumerate(results) if result["failure"] == kind]
        if found:
            out.append(f'<h3 id="kind-{kind}" class="bad">{label(kind)} ({len(found)})</h3>{"".join(found)}')
    return "".join(out)


def passed_questions(results: Sequence[Result]) -> str:
    """Return the questions that went right."""
    return "".join(_question(result, place) for place, result in enumerate(results) if not result["failure"])


def links(names: Sequence[str], places: Mapping[str, int], results: Sequence[Result]) -> str:
    """Return a list of questions that lead to where they stand, with the kind of failure of each."""
    items = []
    for name in names:
        place = places.get(name)
        if place is None:
            continue
        result = results[place]
        failed = f' <span class="tag bad">{label(result["failure"])}</span>' if result["failure"] else ""
        question = f'<span lang="{escape(result["language"])}">{escape(result["question"])}</span>'
        items.append(f'<li><a href="#q{place}">{question}</a> <span class="soft small">{escape(name)}</span>{failed}</li>')
    return f'<ul class="changes">{"".join(items)}</ul>'
