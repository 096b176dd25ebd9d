"""Small SVG charts for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

__all__ = ["bars", "calibration_chart", "risk_chart"]

_WIDTH, _ROW, _LEFT = 420, 26, 150


def bars(values: Mapping[str, float], *, unit: str = "", scale: float = 1.0) -> str:
    """Return a bar chart, one bar a name; empty for no values."""
    if not values:
        return ""
    top = 1.0 if unit == "%" else max(values.values()) or 1.0
    rows = []
    for place, (name, value) in enumerate(values.items()):
        y = place * _ROW
        width = (_WIDTH - _LEFT - 70) * value / top
        rows.append(
            f'<text x="0" y="{y + 17}">{escape(name)}</text>'
            f'<rect x="{_LEFT}" y="{y + 4}" width="{width:.1f}" height="18" rx="2" fill="#0b6e69"/>'
            f'<text x="{_LEFT + width + 6:.1f}" y="{y + 17}">{value * scale:.1f} {escape(unit)}</text>'
        )
    height = len(values) * _ROW
    return f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img">{"".join(rows)}</svg>'


def _axes(x: str, y: str) -> str:
    return (
        '<line x1="40" y1="200" x2="400" y2="200" stroke="currentColor"/><line x1="40" y1="10" x2="40" y2="200" stroke="currentColor"/>'
        f'<text x="220" y="222" text-anchor="middle">{escape(x)}</text>'
        f'<text x="12" y="110" transform="rotate(-90 12 110)" text-anchor="middle">{escape(y)}</text>'
        '<text x="40" y="214">0</text><text x="392" y="214">1</text><text x="26" y="18">1</text>'
    )


def risk_chart(points: Sequence[Sequence[float]]) -> str:
    """Return the risk–coverage curve; empty for no points."""
    if not points:
        return ""
    path = " ".join(f"{40 + 360 * coverage:.1f},{200 - 190 * risk:.1f}" for coverage, risk in points)
    line = f'<polyline points="{path}" fill="none" stroke="#a63a2a" stroke-width="2"/>'
    return f'<svg viewBox="0 0 {_WIDTH} 230" width="{_WIDTH}" height="230" role="img">{_axes("coverage", "risk")}{line}</svg>'


def calibration_chart(bins: Sequence[Mapping[str, float]]) -> str:
    """Return the reliability diagram: a dot for each bin, its size by the count; empty for no bins."""
    if not bins:
        return ""
    most = max(item["n"] for item in bins)
    dots = "".join(
        f'<circle cx="{40 + 360 * item["confidence"]:.1f}" cy="{200 - 190 * item["accuracy"]:.1f}" '
        f'r="{3 + 9 * (item["n"] / most) ** 0.5:.1f}" fill="#0b6e69" fill-opacity=".7"/>'
        for item in bins
    )
    diagonal = '<line x1="40" y1="200" x2="400" y2="10" stroke="currentColor" stroke-dasharray="4 4" opacity=".5"/>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} 230" width="{_WIDTH}" height="230" role="img">{_axes("confidence", "accuracy")}{diagonal}{dots}</svg>'
    )
