"""The report's charts as SVG; colours come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eval.report.marks import svg_label

__all__ = ["failure_bars", "histogram", "parity_chart", "reliability_chart", "risk_chart", "spark"]

_WIDTH = 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 412, 12, 212


def _svg(height: int, body: str, name: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(name)}">{body}</svg>'


def spark(item: Mapping[str, Any] | None) -> str:
    """Return a share with its interval on a line from 0 to 1."""
    if item is None:
        return ""
    value = 200 * item["value"]
    return (
        '<svg class="spark" viewBox="-5 0 210 14" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" x="0" y="6" width="200" height="2" rx="1"/>'
        f'{_whisker(item, 0, 200, 7)}<rect class="dot" x="{value - 1.5:.1f}" y="1" width="3" height="12" rx="1"/></svg>'
    )


def _whisker(item: Mapping[str, Any], left: float, right: float, y: float) -> str:
    """Return the line of an interval; nothing where too few groups allow none."""
    if item.get("low") is None:
        return ""
    low, high = (left + (right - left) * item[key] for key in ("low", "high"))
    return f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'


def parity_chart(languages: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the accuracy of each language with its interval; empty for no language."""
    if not languages:
        return ""
    left, right, row = 150, 372, 40
    body = "".join(
        f'<line class="gridline" x1="{x}" x2="{x}" y1="6" y2="{row * len(languages)}"/>'
        f'<text x="{x}" y="{row * len(languages) + 16}" text-anchor="middle">{share} %</text>'
        for share in (0, 25, 50, 75, 100)
        for x in [left + (right - left) * share / 100]
    )
    for place, (name, item) in enumerate(languages.items()):
        y = place * row + 22
        value = left + (right - left) * item["value"]
        body += svg_label(name, f'x="0" y="{y + 4}"') + (
            f'{_whisker(item, left, right, y)}<circle class="dot" cx="{value:.1f}" cy="{y}" r="5"/>'
            f'<text x="{_WIDTH}" y="{y + 4}" text-anchor="end">{100 * item["value"]:.1f} %</text>'
        )
    return _svg(row * len(languages) + 22, body, "parity")


def _frame(x_name: str, y_name: str, top: float = 1.0) -> str:
    """Return the axes of a square from 0 to 1, the upper end of the second one given."""
    body = ""
    for step in range(5):
        x = _LEFT + (_RIGHT - _LEFT) * step / 4
        y = _BOTTOM - (_BOTTOM - _TOP) * step / 4
        body += (
            f'<line class="gridline" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{x:.1f}" y="{_BOTTOM + 16}" text-anchor="middle">{25 * step} %</text>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * top * step / 4:g} %</text>'
        )
    middle = (_TOP + _BOTTOM) / 2
    body += f'<line class="axis" x1="{_LEFT}" x2="{_RIGHT}" y1="{_BOTTOM}" y2="{_BOTTOM}"/>'
    body += svg_label(x_name, f'x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 34}" text-anchor="middle"')
    return body + svg_label(y_name, f'x="10" y="{middle}" transform="rotate(-90 10 {middle})" text-anchor="middle"')


def _at(x: float, y: float, top: float = 1.0) -> tuple[float, float]:
    return _LEFT + (_RIGHT - _LEFT) * x, _BOTTOM - (_BOTTOM - _TOP) * min(1.0, y / top)


def risk_chart(points: Sequence[Sequence[float]], now: float | None = None) -> str:
    """Return the risk–coverage curve; empty for no points.

    Args:
        points: Coverage and risk.
        now: The share that is answered as things are.
    """
    if not points:
        return ""
    # Risks are small: the axis ends at the next quarter above the highest.
    top = max(0.25, math.ceil(4 * max(risk for _, risk in points)) / 4)
    placed = [_at(coverage, risk, top) for coverage, risk in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    area = f'<polygon class="area" points="{placed[0][0]:.1f},{_BOTTOM} {path} {placed[-1][0]:.1f},{_BOTTOM}"/>'
    rule = ""
    if now is not None:
        x, _ = _at(now, 0)
        rule = f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_BOTTOM}"/>'
    return _svg(252, f'{_frame("coverage", "risk", top)}{area}<polyline class="line" points="{path}"/>{rule}', "risk and coverage")


def reliability_chart(bins: Sequence[Mapping[str, float]]) -> str:
    """Return the reliability diagram: a dot for each bin, its size by the count; empty for no bins."""
    if not bins:
        return ""
    most = max(item["n"] for item in bins)
    placed = [(_at(item["confidence"], item["accuracy"]), item["n"]) for item in bins]
    path = " ".join(f"{x:.1f},{y:.1f}" for (x, y), _ in placed)
    dots = "".join(
        f'<circle class="dot" fill-opacity=".75" cx="{x:.1f}" cy="{y:.1f}" r="{3 + 9 * (n / most) ** 0.5:.1f}">'
        f"<title>n = {n:.0f}</title></circle>"
        for (x, y), n in placed
    )
    diagonal = f'<line class="rule" x1="{_LEFT}" y1="{_BOTTOM}" x2="{_RIGHT}" y2="{_TOP}"/>'
    return _svg(252, f'{_frame("confidence", "right")}{diagonal}<polyline class="line" points="{path}"/>{dots}', "reliability")


def histogram(values: Sequence[float], marks: Mapping[str, float | None], *, bins: int = 32) -> str:
    """Return how values of very different size are spread, on a logarithmic axis; empty for no values.

    Args:
        values: Above zero; others count as the smallest.
        marks: Values to point out, by name.
        bins: Columns.
    """
    if not values:
        return ""
    low = max(0.1, min(values))
    high = max(*values, low * 2)
    scale = math.log(high / low)
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int(bins * math.log(max(value, low) / low) / scale))] += 1
    wide, top = (_RIGHT - 20) / bins, 40
    body = "".join(
        f'<rect class="bar" fill-opacity=".55" x="{10 + place * wide:.1f}" width="{wide - 1.5:.1f}" '
        f'y="{180 - height:.1f}" height="{height:.1f}"/>'
        for place, count in enumerate(counts)
        if (height := (180 - top) * count / max(counts))
    )
    body += f'<line class="axis" x1="10" x2="{_RIGHT}" y1="180" y2="180"/>'
    for place, (name, mark) in enumerate(marks.items()):
        if mark is None:
            continue
        x = 10 + bins * wide * math.log(max(mark, low) / low) / scale
        anchor = "end" if x > _WIDTH * 0.6 else "start"
        body += (
            f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{8 + 12 * place}" y2="180"/>'
            f'<text x="{x + (-5 if anchor == "end" else 5):.1f}" y="{14 + 12 * place}" text-anchor="{anchor}">'
            f"{escape(name)} {mark:,.0f} ms</text>"
        )
    return _svg(
        200, f'{body}<text x="10" y="196">{low:,.0f} ms</text><text x="{_RIGHT}" y="196" text-anchor="end">{high:,.0f} ms</text>', "latency"
    )


def failure_bars(counts: Mapping[str, int]) -> str:
    """Return a bar for each kind of failure, those that did not occur too."""
    most = max([*counts.values(), 1])
    body = ""
    for place, (name, count) in enumerate(counts.items()):
        y, width = place * 26, 210 * count / most
        text = svg_label(name, f'x="0" y="{y + 16}"')
        body += (f'<a href="#kind-{escape(name)}">{text}</a>' if count else text) + (
            f'<rect class="bar bad" x="170" y="{y + 4}" width="{max(width, 1):.1f}" height="16" rx="3" '
            f'fill-opacity="{1 if count else 0.25}"/>'
            f'<text x="{178 + max(width, 1):.1f}" y="{y + 16}">{count}</text>'
        )
    return _svg(26 * len(counts), body, "failures")
