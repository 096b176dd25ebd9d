"""The report's tables: measures, slices, gate, comparison, fingerprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eval.report.charts import spark
from eval.report.marks import cell, interval, label, name_of, percent, points, section, table, value_label
from eval.report.questions import links

__all__ = ["cards", "comparison", "extras", "fingerprint", "gate", "measures", "parity_table", "refusals", "slices", "verdicts"]

_CARDS = ("accuracy", "answered", "refused_right", "evidence_recall", "quote_verified", "hit@5")
_SLICED = ("accuracy", "refused_right", "hit@1", "hit@5")


def verdicts(run: dict[str, Any]) -> str:
    """Return what the gate and the comparison come to, in a line each."""
    out = ""
    if run.get("gate"):
        passed = all(item["passed"] for item in run["gate"]) and not (run.get("comparison") or {}).get("worse")
        out += f'<span class="verdict{"" if passed else " bad"}">{label("gate_passed" if passed else "gate_failed")}</span>'
    if run.get("comparison"):
        overall = run["comparison"]["overall"]
        bad = bool(run["comparison"]["worse"])
        name = "worse" if bad else overall["verdict"]
        out += f'<span class="verdict{" bad" if bad else ""}">{label(name)} · {points(overall["difference"])} {label("points")}</span>'
    return f"<div>{out}</div>" if out else ""


def cards(summary: dict[str, Any]) -> str:
    """Return the measures that matter most, large."""
    return '<div class="cards">' + "".join(
        f'<div class="card"><span>{label(name)}</span><b>{percent(item["value"])}</b>{spark(item)}'
        f'<span class="soft">95 %: {interval(item)} · n = {item["n"]}</span></div>'
        for name in _CARDS
        if (item := summary["headline"].get(name))
    ) + "</div>"  # fmt: skip


def measures(summary: dict[str, Any]) -> str:
    """Return every measure with its interval."""
    rows = [
        cell(label(name))
        + cell(percent(item["value"]), "n")
        + cell(spark(item), "w")
        + cell(interval(item), "n")
        + cell(str(item["n"]), "n")
        for name, item in summary["headline"].items()
    ]
    follow = summary["follow_up_accuracy"]
    if follow:
        rows.append(
            cell(label("follow_up_accuracy")) + cell(percent(follow["value"]), "n") + cell("") + cell("") + cell(str(follow["n"]), "n")
        )
    head = [(label("measure"), ""), (label("value"), "n"), ("", "w"), (label("interval"), "n"), ("n", "n")]
    return table(head, rows)


def slices(summary: dict[str, Any]) -> str:
    """Return the slices, a table for each kind."""
    out = []
    for key, entries in summary["slices"].items():
        rows = []
        for value, item in entries.items():
            shown = item.get("accuracy") or item.get("refused_right") or item.get("hit@5")
            figures = "".join(cell(percent(item[name]["value"]) if name in item else "–", "n") for name in _SLICED)
            rows.append(cell(value_label(key, value)) + figures + cell(spark(shown), "w") + cell(str(shown["n"]) if shown else "", "n"))
        head = [(label(key), ""), *((label(name), "n") for name in _SLICED), ("", "w"), ("n", "n")]
        out.append(f"<h3>{label(key)}</h3>{table(head, rows)}")
    return "".join(out)


def parity_table(summary: dict[str, Any]) -> str:
    """Return how each two languages differ over the same questions."""
    rows = []
    for pair, item in summary["parity"].items():
        if item:
            left, _, right = pair.partition("–")
            names = f"{label(left)} – {label(right)}"
            rows.append(
                cell(names)
                + cell(points(item["difference"] / 100), "n")
                + cell(percent(item["agreement"]), "n")
                + cell(str(item["groups"]), "n")
            )
    head = [(label("pair"), ""), (label("difference"), "n"), (label("agreement"), "n"), ("n", "n")]
    return table(head, rows) if rows else ""


def refusals(summary: dict[str, Any]) -> str:
    """Return the four counts of answering and refusing, and how well the two are told apart."""
    item = summary["refusals"]
    rows = [
        cell(label(name)) + cell(str(item[f"{name}_answered"]), "n") + cell(str(item[f"{name}_refused"]), "n")
        for name in ("answerable", "unanswerable")
    ]
    told = "".join(
        f"<p>{label(name)}: <b>{item[name]:.3f}</b></p>" for name in ("auroc", "calibration_error") if item.get(name) is not None
    )
    return table([("", ""), (label("said"), "n"), (label("refused"), "n")], rows) + told


def gate(run: dict[str, Any]) -> str:
    """Return the thresholds and what was found."""
    if not run.get("gate"):
        return ""
    rows = []
    for item in run["gate"]:
        limit = label("at_most" if item["measure"].startswith("max:") else "at_least")
        found = label("not_measured") if item["found"] is None else f"{item['found']:.4g}"
        mark = cell("✓", "ok n") if item["passed"] else cell("✗", "bad n")
        rows.append(cell(name_of(item["measure"])) + cell(f"{limit} {item['wanted']:g}", "n") + cell(found, "n") + mark)
    return section("gate", table([(label("measure"), ""), (label("wanted"), "n"), (label("found"), "n"), ("", "n")], rows))


def _differing(fingerprints: Sequence[Mapping[str, Any]]) -> str:
    before, after = (dict(_flat(item)) for item in fingerprints)
    rows = [
        cell(escape(name)) + cell(escape(before.get(name, "–"))) + cell(escape(after.get(name, "–")))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) and name != "sets"
    ]
    return f"<h3>{label('differs')}</h3>{table([('', ''), (label('before'), ''), (label('after'), '')], rows)}" if rows else ""


def comparison(run: dict[str, Any]) -> str:
    """Return the comparison with the baseline: every measure and slice, the questions won and lost, what differs."""
    found = run.get("comparison")
    if not found:
        return ""
    rows, kind = [], ""
    for name, item in {"overall": found["overall"], **found["measures"], **found["slices"]}.items():
        key = name.partition("/")[0] if "/" in name else ""
        if key != kind:
            kind = key
            rows.append(f'<tr class="kind"><th colspan="8">{label("crossing" if key == "crosses" else key)}</th></tr>')
        verdict = {"better": "ok", "worse": "bad"}.get(item["verdict"], "soft")
        sign = {"better": "▲", "worse": "▼"}.get(item["verdict"], "·")
        rows.append(
            cell(name_of(name)) + cell(str(item["n"]), "n") + cell(str(item["won"]), "n") + cell(str(item["lost"]), "n")
            + cell(points(item["difference"]), "n") + cell(f"{points(item['low'])} … {points(item['high'])}", "n")
            + cell(f"{item['p']:.3g}", "n") + cell(sign, f"{verdict} n")
        )  # fmt: skip
    columns = [("n", "n"), (label("won"), "n"), (label("lost"), "n"), (label("points"), "n"), ("95 %", "n"), (label("p"), "n"), ("", "n")]
    places = {result["id"]: place for place, result in enumerate(run["results"])}
    lists = "".join(
        f"<h3>{label(name)} ({len(found[name])})</h3>{links(found[name], places, run['results'])}"
        for name in ("lost", "won")
        if found[name]
    )
    tied = f'<p class="soft">{label("tied")}: {len(found["tied"])}</p>'
    return section("comparison", table([("", ""), *columns], rows) + lists + tied + _differing(found["fingerprints"]))


def extras(summary: dict[str, Any]) -> str:
    """Return the model's usage and the judges' verdicts, where there are any."""
    out = ""
    usage = summary.get("usage")
    if usage:
        told = [cell(label(name)) + cell(f"{usage[name]:,}", "n") for name in ("prompt_tokens", "completion_tokens")]
        told += [cell(label("cost")) + cell(f"{usage['cost']:.4f}", "n")] if "cost" in usage else []
        note = f" ({label('estimated')})" if usage["estimated"] else ""
        out += section("usage", table([("", ""), ("", "n")], told), note)
    judges = summary.get("judges")
    if judges:
        head = [(label(name), "n") for name in ("value", "interval", "verdicts_equal", "no_verdict")]
        rows = [
            cell(label(name)) + cell(percent(item["value"]), "n") + cell(interval(item), "n") + cell(percent(item["agreement"]), "n")
            + cell(str(item["failed"]), "n") + cell(str(item["n"]), "n")
            for name, item in judges["measures"].items()
        ]  # fmt: skip
        made = f'<p class="soft small">{escape(judges["model"])} · {judges["runs"]} × · {escape(judges["prompts"])}</p>'
        out += section("judges", table([("", ""), *head, ("n", "n")], rows) + made)
    return out


def _flat(table_of: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for name, value in table_of.items():
        if isinstance(value, Mapping):
            out += _flat(value, f"{prefix}{name}.")
        else:
            out.append((f"{prefix}{name}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return out


def fingerprint(made_by: Mapping[str, Any]) -> str:
    """Return what the run was made with."""
    return table([("", ""), ("", "")], [cell(escape(name)) + cell(escape(value)) for name, value in _flat(made_by)])
