"""Results as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from typing import Any

__all__ = ["csv_text", "safe_cell"]

_FORMULA = tuple("=+-@＝＋－＠")
_UNSEEN = " \t\r\n\0\ufeff\u200b\u00a0\u3000"
_LEADING = ("\t", "\r", "\n", "\0")
_COLUMNS = (
    "id",
    "group_id",
    "language",
    "type",
    "answerable",
    "question",
    "status",
    "answer",
    "failure",
    "accuracy",
    "hit@5",
    "quote_verified",
    "error",
    "ms",
)


def safe_cell(value: Any) -> str:
    """Return a cell's text; one that a spreadsheet would run as a formula (full-width signs too) is led by an apostrophe."""
    text = "" if value is None else str(value)
    # Spreadsheets strip what cannot be seen before they look for a sign.
    return f"'{text}" if text.lstrip(_UNSEEN).startswith(_FORMULA) or text.startswith(_LEADING) else text


def csv_text(run: dict[str, Any]) -> str:
    """Return a run's questions, one line each, every cell quoted."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for result in run["results"]:
        flat = result | result["scores"] | {"status": result["answer"]["status"], "answer": result["answer"]["answer"]}
        writer.writerow([safe_cell(flat.get(name)) for name in _COLUMNS])
    return "\ufeff" + out.getvalue()
