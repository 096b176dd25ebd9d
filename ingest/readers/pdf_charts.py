"""The words in a chart: labels with their figures become rows, ticks and legends are kept apart from the running text."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ingest.readers.pdf_cells import Table
from ingest.readers.pdf_columns import rows_of
from ingest.readers.pdf_lines import Line
from ingest.readers.pdf_rows import is_caption, is_number

__all__ = ["chart_lines", "labelled_bars"]

_SOURCE = re.compile(
    r"^(?:sources?|notes?|data)\s*[:：.]|^(?:資料來源|资料来源|來源|来源|數據來源|数据来源|註|注|說明|说明)\s*[:：]", re.IGNORECASE
)
# Tick labels stand this far outside of the drawn axes at most, in points.
_REACH = 26.0


def chart_lines(lines: Sequence[Line], box: tuple[float, float, float, float], *, body: float) -> list[Line]:
    """Return the lines that are labels of a chart; captions, sources and sentences that stand in its area are running text.

    Args:
        lines: Of the page.
        box: Area of the chart in points.
        body: Font size of the document's running text.
    """
    x0, y0, x1, y1 = box
    out: list[Line] = []
    running: list[Line] = []
    sentences = _sentences(lines)
    for line in sorted(lines, key=lambda item: item.middle):
        across = (line.x0 + line.x1) / 2
        if id(line) in sentences or not (x0 - _REACH < across < x1 + _REACH and y0 - _REACH < line.middle < y1 + _REACH):
            continue
        wide = line.x1 - line.x0 > 0.5 * (x1 - x0)
        # The last line of a paragraph is short, and goes on from one that is not.
        if (wide and len(line.text) > 20 and not _is_labels(line.text)) or any(_goes_on(above, line) for above in running):
            running.append(line)
            continue
        inside = x0 - 3 < across < x1 + 3 and y0 - 3 < line.middle < y1 + 3
        if inside or (is_number(line.text) and line.size < 0.95 * body) or line.size < 0.8 * body:
            out.append(line)
    return out


def _goes_on(above: Line, line: Line) -> bool:
    """Return whether a line stands right under another, from the same edge and in the same type."""
    near = -0.3 < (line.y0 - above.y1) / (above.y1 - above.y0) < 0.6
    return near and abs(line.size - above.size) < 0.3 and abs(line.x0 - above.x0) < 3 and len(line.text) > 20


def _sentences(lines: Sequence[Line]) -> set[int]:
    """Return which lines (by identity) are captions and the lines that name a source, with those that go on under them."""
    found: set[int] = set()
    last: Line | None = None
    for row in rows_of(lines):
        text = " ".join(line.text for line in row)
        goes_on = last is not None and (
            row[0].y0 - last.y1 < 0.8 * (last.y1 - last.y0)
            and abs(row[0].size - last.size) < 0.3
            and abs(row[0].x0 - last.x0) < 2 * last.size
        )
        if is_caption(text) or _SOURCE.match(text) or (goes_on and len(row) == 1):
            found |= {id(line) for line in row}
            last = row[0]
        else:
            last = None
    return found


def _is_labels(text: str) -> bool:
    """Return whether a line is a row of labels, such as the years under an axis, and no sentence."""
    words = text.split()
    return sum(any(char.isdigit() for char in word) for word in words) >= 0.5 * len(words)


def labelled_bars(lines: Sequence[Line]) -> Table | None:
    """Return a chart of lying bars as a table of two columns, its labels and their figures; None if it is none.

    Args:
        lines: Of ``chart_lines``.
    """
    pairs: list[list[list[Line]]] = []
    for row in rows_of([line for line in lines if not line.sideways]):
        words = [line for line in row if not is_number(line.text)]
        figures = [line for line in row if is_number(line.text)]
        if len(words) == 1 and len(figures) == 1 and figures[0].x0 > words[0].x1:
            pairs.append([words, figures])
    members = [line for row in pairs for cell in row for line in cell]
    if len(pairs) < 3 or len(members) < 0.6 * len(lines):
        return None
    # Labels of one axis end (or begin) at one line; where they do not, the rows met by chance.
    ends = np.array([[row[0][0].x0, row[0][0].x1] for row in pairs])
    if min(np.ptp(ends[:, 0]), np.ptp(ends[:, 1])) > 4:
        return None
    columns = [(float(ends[:, 0].min()), float(ends[:, 1].max())), (min(r[1][0].x0 for r in pairs), max(r[1][0].x1 for r in pairs))]
    return Table(pairs, [], members, columns)
