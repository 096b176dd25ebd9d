"""What a PDF carries beside its pages' text: attached files, notes and form fields, listed so that nobody takes them for read."""

from __future__ import annotations

from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

__all__ = ["count_extras", "extras_warnings"]

_MAX_LISTED = 100
_MAX_ANNOTATIONS = 5_000
_NOTES = (pdfium_c.FPDF_ANNOT_TEXT, pdfium_c.FPDF_ANNOT_FREETEXT)


def count_extras(page: Any) -> tuple[int, int]:
    """Return how many notes and how many form fields a pypdfium2 page has."""
    notes = fields = 0
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page.raw), _MAX_ANNOTATIONS)):
        item = pdfium_c.FPDFPage_GetAnnot(page.raw, index)
        if not item:
            continue
        kind = pdfium_c.FPDFAnnot_GetSubtype(item)
        pdfium_c.FPDFPage_CloseAnnot(item)
        notes += kind in _NOTES
        fields += kind == pdfium_c.FPDF_ANNOT_WIDGET
    return notes, fields


def extras_warnings(pdf: Any, notes: dict[int, int], fields: dict[int, int]) -> list[str]:
    """Return what to tell of a document's attachments, notes and form fields, none of which are read.

    Args:
        pdf: A pypdfium2 document.
        notes: How many notes each page has that has any, by its number from 1.
        fields: The same of form fields.
    """
    names = _attachments(pdf)
    out = [f"{len(names)} attached file(s) not read: {', '.join(names[:5])}"] if names else []
    for counts, what in ((notes, "note(s)"), (fields, "form field(s)")):
        if counts:
            pages = ", ".join(map(str, list(counts)[:5])) + (" …" if len(counts) > 5 else "")
            out.append(f"{sum(counts.values())} {what} not read, on page {pages}")
    return out


def _attachments(pdf: Any) -> list[str]:
    try:
        return [pdf.get_attachment(i).get_name() for i in range(min(pdf.count_attachments(), _MAX_LISTED))]
    except (pdfium.PdfiumError, ValueError, AttributeError):
        return []
