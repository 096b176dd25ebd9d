"""A run or a comparison as text: for the terminal, and as Markdown."""

from __future__ import annotations

from typing import Any

__all__ = ["comparison_text", "run_text"]

_NAMES = {
    "accuracy": "answer accuracy",
    "answered": "answerables kept",
    "refused_right": "unanswerables refused",
    "citation_precision": "citation precision",
    "citation_coverage": "citation coverage",
    "evidence_recall": "gold evidence cited",
    "quote_verified": "quotes verified",
    "page_accuracy": "page right",
}


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _table(head: list[str], rows: list[list[str]], *, markdown: bool) -> list[str]:
    if markdown:
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]] + [""]


def run_text(run: dict[str, Any], gate: list[dict[str, Any]] | None = None, *, markdown: bool = False) -> str:
    """Return a run's figures.

    Args:
        run: Of ``run_cases``.
        gate: Verdicts of ``check_gate``.
        markdown: Tables as Markdown.
    """
    summary = run["summary"]
    made_by = run["fingerprint"]
    title = f"{summary['questions']} questions, generation {made_by.get('generation', '')}, commit {made_by.get('commit', '')}"
    lines = [f"# Eval run: {title}" if markdown else title, ""]
    rows = [
        [_NAMES.get(name, name), _percent(item["value"]), f"{100 * item['low']:.1f}–{100 * item['high']:.1f}", str(item["n"])]
        for name, item in summary["headline"].items()
    ]
    if summary["follow_up_accuracy"]:
        rows.append(["follow-up accuracy", _percent(summary["follow_up_accuracy"]["value"]), "", str(summary["follow_up_accuracy"]["n"])])
    lines += _table(["measure", "value", "95 %", "n"], rows, markdown=markdown)
    for name in ("language", "crossing", "type"):
        rows = [
            [value, *(_percent(item[m]["value"]) if m in item else "–" for m in ("accuracy", "refused_right", "hit@1", "hit@5"))]
            for value, item in summary["slices"][name].items()
        ]
        lines += _table([name, "accuracy", "refused", "hit@1", "hit@5"], rows, markdown=markdown)
    for pair, item in summary["parity"].items():
        if item:
            lines.append(
                f"parity {pair}: {item['difference']:+.1f} points, {100 * item['agreement']:.1f} % equal over {item['groups']} groups"
            )
    refusals = summary["refusals"]
    if refusals["auroc"] is not None:
        lines.append(f"refusal AUROC {refusals['auroc']:.3f}, calibration error {refusals['calibration_error']:.3f}")
    latency = summary["latency_ms"]
    lines.append(f"latency p50 {latency['p50']:.1f} ms, p95 {latency['p95']:.1f} ms, p99 {latency['p99']:.1f} ms")
    lines += _usage(summary.get("usage"))
    lines += _judges(summary.get("judges"))
    if summary["failures"]:
        lines.append("failures: " + ", ".join(f"{name} {count}" for name, count in summary["failures"].items()))
    if gate is not None:
        lines += ["", "## Gate" if markdown else "gate"]
        for verdict in gate:
            mark = "ok  " if verdict["passed"] else "FAIL"
            found = "not measured" if verdict["found"] is None else f"{verdict['found']:.4f}"
            lines.append(
                f"{'- ' if markdown else ''}{mark} {verdict['measure']} {found} (at least {verdict['wanted']})".replace(
                    "at least", "at most" if verdict["measure"].startswith("max:") else "at least"
                )
            )
    return "\n".join(lines) + "\n"


def _usage(usage: dict[str, Any] | None) -> list[str]:
    if not usage:
        return []
    about = "about " if usage["estimated"] else ""
    line = f"tokens: {about}{usage['prompt_tokens']:,} read, {about}{usage['completion_tokens']:,} written for {usage['answers']} answers"
    return [line + (f"; cost {usage['cost']:.4f}, {usage['cost_per_answer']:.6f} an answer" if "cost" in usage else "")]


def _judges(judges: dict[str, Any] | None) -> list[str]:
    if not judges:
        return []
    return [
        f"judge {judges['model']}, {judges['runs']} runs: {name} {_percent(item['value'])} "
        f"({100 * item['low']:.1f}–{100 * item['high']:.1f}, n = {item['n']}, same verdict each time {_percent(item['agreement'])}, "
        f"{item['failed']} without a verdict)"
        for name, item in judges["measures"].items()
    ]


def comparison_text(comparison: dict[str, Any], *, markdown: bool = False) -> str:
    """Return a comparison's figures and the questions won and lost."""
    overall = comparison["overall"]
    lines = [
        f"{'# ' if markdown else ''}{overall['verdict']}: {100 * overall['difference']:+.1f} points "
        f"({100 * overall['low']:+.1f} to {100 * overall['high']:+.1f}), "
        f"won {overall['won']}, lost {overall['lost']} of {overall['n']}, McNemar p = {overall['p']:.3g}",
        "",
    ]
    rows = [
        [name, str(i["n"]), str(i["won"]), str(i["lost"]), f"{100 * i['difference']:+.1f}", f"{i['p']:.3g}", i["verdict"]]
        for name, i in {**comparison["measures"], **comparison["slices"]}.items()
    ]
    lines += _table(["what", "n", "won", "lost", "points", "p", "verdict"], rows, markdown=markdown)
    lines.append(f"tied: {len(comparison['tied'])} questions")
    if comparison["only_before"] or comparison["only_after"]:
        lines.append(f"left out: {comparison['only_before']} only in the first run, {comparison['only_after']} only in the second")
    if comparison["changed"]:
        lines.append(f"the set was changed between the runs, these compare little: {', '.join(comparison['changed'][:20])}")
    for name in ("won", "lost"):
        if comparison[name]:
            lines.append(f"{name}: {', '.join(comparison[name][:40])}{' …' if len(comparison[name]) > 40 else ''}")
    return "\n".join(lines) + "\n"
