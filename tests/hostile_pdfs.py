"""PDFs made to do harm: trees without end, references in circles, pages beyond every measure, files cut off."""

from __future__ import annotations

from collections.abc import Sequence

import makers

TEXT = "Models are used by 78% of firms."
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_PAINT = b"BT /F1 12 Tf 72 700 Td (" + TEXT.encode() + b") Tj ET"
_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def _stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< %b /Length %d >>\nstream\n" % (entries, len(data)) + data + b"\nendstream"


def _page(contents: int, *, parent: int = 2, box: bytes = b"[0 0 612 792]", resources: bytes = b"/Font << /F1 5 0 R >>") -> bytes:
    return b"<< /Type /Page /Parent %d 0 R /MediaBox %b /Contents %d 0 R /Resources << %b >> >>" % (parent, box, contents, resources)


def _one_page(page: bytes, paint: bytes = _PAINT, more: Sequence[bytes] = (), pages: bytes = _PAGES, catalog: bytes = _CATALOG) -> bytes:
    return makers.pdf_of_objects([catalog, pages, page, _stream(paint), _FONT, *more])


def deep_tree(depth: int) -> bytes:
    """Return a PDF whose only page stands under so many nodes of the page tree."""
    nodes = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 3) for number in range(depth)]
    font = b"/Font << /F1 %d 0 R >>" % (depth + 4)
    page = _page(depth + 3, parent=depth + 1, resources=font)
    return makers.pdf_of_objects([_CATALOG, *nodes, page, _stream(_PAINT), _FONT])


def tree_in_a_circle() -> bytes:
    """Return a PDF whose page tree holds itself, and says that it has a thousand pages."""
    return _one_page(_page(4), pages=b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 1000 >>")


def parent_in_a_circle() -> bytes:
    """Return a PDF whose page is its own parent, and takes its resources from itself."""
    return _one_page(b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R /Resources 3 0 R >>")


def object_in_a_circle() -> bytes:
    """Return a PDF whose page tree is a reference to itself."""
    return makers.pdf_of_objects([_CATALOG, b"2 0 R"])


def table_in_a_circle() -> bytes:
    """Return a PDF whose cross-reference table comes before itself."""
    data = _one_page(_page(4))
    start = data[data.rindex(b"startxref") :].split()[1]
    return data.replace(b"/Root 1 0 R >>", b"/Root 1 0 R /Prev %b >>" % start)


def outline_in_a_circle() -> bytes:
    """Return a PDF with a bookmark that is its own child and its own neighbour."""
    outline = [
        b"<< /First 7 0 R /Last 7 0 R /Count 1 >>",
        b"<< /Title (Models) /Parent 6 0 R /Next 7 0 R /First 7 0 R /Dest [3 0 R /Fit] >>",
    ]
    return _one_page(_page(4), more=outline, catalog=b"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>")


def forms_that_multiply(depth: int = 8) -> bytes:
    """Return a PDF of two kilobytes that paints each form ten times within the one before: 10 to the power of ``depth - 1`` lines."""
    forms = []
    for number in range(depth):
        resources = b"/XObject << /X %d 0 R >> /Font << /F1 5 0 R >>" % (number + 7)
        entries = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << %b >>" % resources
        forms.append(_stream(b"/X Do " * 10 if number < depth - 1 else _PAINT, entries))
    return _one_page(_page(4, resources=b"/XObject << /X 6 0 R >>"), paint=b"/X Do", more=forms)


def form_in_a_circle() -> bytes:
    """Return a PDF whose form paints itself, twice."""
    paint = b"q /X Do /X Do Q " + _PAINT
    resources = b"/XObject << /X 6 0 R >> /Font << /F1 5 0 R >>"
    entries = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << %b >>" % resources
    return _one_page(_page(4, resources=resources), paint=paint, more=[_stream(paint, entries)])


def huge_page(side: int) -> bytes:
    """Return a PDF whose page measures so many points each way."""
    return _one_page(_page(4, box=b"[0 0 %d %d]" % (side, side)))


def cut_off() -> bytes:
    """Return the first half of a PDF."""
    data = makers.pdf_plain([makers.PROSE] * 3)
    return data[: len(data) // 2]
