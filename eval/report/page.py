"""The report as one self-contained HTML page: no script, no outside request, charts as SVG, readable in three languages."""

from __future__ import annotations

import os
import time
from html import escape
from importlib.resources import files
from typing import Any

from eval.report import parts
from eval.report.charts import failure_bars, histogram, parity_chart, reliability_chart, risk_chart
from eval.report.marks import label, section
from eval.report.questions import failed_questions, passed_questions
from eval.report.strings import FAILURES, LANGUAGES

__all__ = ["html_report", "reader_language"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_TONGUES = {"zh-Hant": "繁體中文", "zh-Hans": "简体中文", "en": "English"}


def reader_language() -> str:
    """Return the language that the report opens in: that of the environment's locale."""
    name = next((os.environ[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(key)), "").replace("-", "_")
    if not name.startswith("zh"):
        return "en"
    return "zh-Hant" if name.startswith(("zh_TW", "zh_HK", "zh_MO", "zh_Hant")) else "zh-Hans"


def _figure(name: str, drawing: str, note: str = "", more: str = "") -> str:
    if not drawing:
        return ""
    return f"<figure><figcaption>{label(name)}</figcaption>{drawing}{f'<p>{label(note)}</p>' if note else ''}{more}</figure>"


def _charts(run: dict[str, Any]) -> str:
    summary = run["summary"]
    by_language = summary["slices"]["language"]
    languages = {name: by_language[name]["accuracy"] for name in LANGUAGES if "accuracy" in by_language.get(name, {})}
    counts = summary["refusals"]
    judged = sum(counts[f"{kind}_{what}"] for kind in ("answerable", "unanswerable") for what in ("answered", "refused"))
    now = (counts["answerable_answered"] + counts["unanswerable_answered"]) / judged if judged else None
    failures = {name: summary["failures"].get(name, 0) for name in FAILURES if name != "error" or summary["failures"].get(name)}
    times = histogram([result["ms"] for result in run["results"]], summary["latency_ms"])
    drawn = (
        _figure("failures", failure_bars(failures), "failures_note"),
        _figure("parity", parity_chart(languages), "parity_note"),
        _figure("risk_coverage", risk_chart(counts["risk_coverage"], now), "risk_note"),
        _figure("reliability", reliability_chart(counts["reliability"]), "reliability_note"),
        _figure("latency", times, "latency_note"),
        _figure("refusals", parts.refusals(summary) if judged else ""),
    )
    return f'<div class="grid">{"".join(drawn)}</div>{parts.parity_table(summary)}'


def _tongues(language: str) -> tuple[str, str]:
    """Return the buttons that hold the choice of language, and their labels."""
    buttons = "".join(
        f'<input class="switch" type="radio" name="tongue" id="{code}"{" checked" if code == language else ""}>' for code in LANGUAGES
    )
    labels = "".join(f'<label for="{code}" lang="{code}">{name}</label>' for code, name in _TONGUES.items())
    return buttons, f'<div class="tongues">{labels}</div>'


def html_report(run: dict[str, Any], *, language: str | None = None) -> str:
    """Return the report of a run as one HTML page.

    Args:
        run: Of ``run_cases``, with ``gate`` and ``comparison`` where there are any.
        language: That it opens in; None takes the environment's.
    """
    summary, results, made_by = run["summary"], run["results"], run["fingerprint"]
    language = language or reader_language()
    buttons, labels = _tongues(language)
    failed = sum(bool(result["failure"]) for result in results)
    body = {
        "overview": parts.verdicts(run) + parts.cards(summary),
        "measures": parts.measures(summary),
        "charts": _charts(run),
        "slices": parts.slices(summary),
        "failed": failed_questions(results),
        "passed": passed_questions(results),
        "fingerprint": parts.fingerprint(made_by),
    }
    counts = {"failed": f" ({failed})", "passed": f" ({len(results) - failed})"}
    built = {name: section(name, text, counts.get(name, "")) for name, text in body.items()}
    built["measures"] += parts.gate(run) + parts.comparison(run) + parts.extras(summary)
    order = ["overview", "measures", "comparison", "charts", "slices", "failed", "passed", "fingerprint"]
    whole = "".join(built.values())
    contents = "".join(f'<a href="#{name}">{label(name)}</a>' for name in order if f'<section id="{name}">' in whole)
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run["created"]))
    facts = " · ".join(
        escape(str(item)) for item in (made, ", ".join(made_by.get("sets", [])), made_by.get("generation"), made_by.get("commit")) if item
    )
    missing = ", ".join(run.get("missing_documents", []))
    notes = f'<p class="bad">{label("missing")}: {escape(missing)}</p>' if missing else ""
    style = files("eval.report").joinpath("style.css").read_text("utf-8")
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="referrer" content="no-referrer">'
        f"<title>Wenju 問據 · {escape(', '.join(made_by.get('sets', [])) or 'eval')}</title><style>{style}</style></head><body>{buttons}"
        f"<main>{labels}<h1>{label('title')}</h1>"
        f'<p class="soft">{summary["questions"]} {label("questions")} · {facts}</p>{notes}'
        f'<nav class="contents">{contents}</nav>{whole}</main></body></html>\n'
    )
