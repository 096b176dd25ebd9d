"""Pages made here, so that the place of a sentence on them is known."""

from __future__ import annotations

from pathlib import Path

from fpdf import FPDF

SIZE = 14.0
LEFT, TOP = 40.0, 120.0
WIDTH, HEIGHT = 210.0, 297.0
# The page's size stands with the page, or with its parent only, as many programs write it.
ANIMALS = {"own": "Quokka", "inherited": "Numbat"}


def sentence(box: str) -> str:
    """Return the sentence of a page."""
    return f"{ANIMALS[box]} routers handled 4321 requests per second."


def truth(box: str) -> tuple[float, float, float, float]:
    """Return where the sentence stands, as fractions of the page."""
    pdf = FPDF()
    pdf.set_font("Helvetica", size=SIZE)
    size = SIZE / 72 * 25.4
    # A line of Helvetica reaches 0.931 of its size over the baseline and 0.225 under it.
    top, bottom = TOP - 0.931 * size, TOP + 0.225 * size
    return LEFT / WIDTH, top / HEIGHT, (LEFT + pdf.get_string_width(sentence(box))) / WIDTH, bottom / HEIGHT


def write_layouts(folder: Path) -> Path:
    """Write the pages and return their folder."""
    folder.mkdir(parents=True)
    for box, animal in ANIMALS.items():
        # fpdf2 writes the size of a page that differs from the document's own.
        pdf = FPDF(format="A3" if box == "own" else "A4")
        pdf.add_page(format="A4")
        pdf.set_font("Helvetica", size=SIZE)
        pdf.text(LEFT, 40, "Measured at the edge")
        pdf.text(LEFT, TOP, sentence(box))
        pdf.output(str(folder / f"{animal}.pdf"))
    return folder
