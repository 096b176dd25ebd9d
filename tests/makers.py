"""Small files of every kind, made where a test needs them, and short ways to read and check them."""

from __future__ import annotations

import io
import os
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ingest.blocks import Head, Page
from ingest.kb.settings import ReadSettings
from ingest.readers import read_file

PROSE = (
    "Most firms now use a model at work. In 2025 the share reached 78% of all firms, up from 55% a year before. "
    "The gain was largest in marketing and in service desks. "
)


def put(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def read(path: Path, *, password: str | None = None, name: str = "", settings: ReadSettings | None = None) -> tuple[Head, list[Page]]:
    """Return a file's head and pages, read in this process."""
    items = list(read_file(path, settings or ReadSettings(), password=password, name=name))
    head = items[0]
    assert isinstance(head, Head)
    pages = [item for item in items[1:] if isinstance(item, Page)]
    assert len(pages) == len(items) - 1
    return head, pages


def kinds(page: Page) -> list[tuple[str, str]]:
    """Return the blocks of a page as pairs of kind and text."""
    return [(block.kind, page.text[block.start : block.end]) for block in page.blocks]


def of_kind(page: Page, kind: str) -> list[str]:
    """Return the texts of a page's blocks of one kind."""
    return [text for found, text in kinds(page) if found == kind]


def check_page(page: Page) -> None:
    """Assert what holds of every page: blocks are ordered, apart and inside the text, with nothing but newlines between them."""
    at = 0
    for block in page.blocks:
        assert at <= block.start < block.end <= len(page.text)
        assert not page.text[at : block.start].strip()
        text = page.text[block.start : block.end]
        assert text == text.strip()
        at = block.end
    assert not page.text[at:].strip()


# ---- PDF -----------------------------------------------------------------------------------------------------------------------------


def new_pdf() -> Any:
    """Return an empty A4 document measured in points."""
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_font("Helvetica", size=11)
    return pdf


def _bytes(pdf: Any) -> bytes:
    """Return the file with the page's size written on every page (fpdf2 writes it once, for the pages to inherit)."""
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(bytes(pdf.output())))
    for page in writer.pages:
        page.mediabox = page.mediabox
    return _written(writer)


def pdf_inherited(text: str) -> bytes:
    """Return a PDF whose page takes its size from the tree above it."""
    pdf = new_pdf()
    pdf.add_page()
    pdf.set_xy(60, 30)
    pdf.multi_cell(w=470, h=14, text=text, align="L")
    return bytes(pdf.output())


def pdf_sideways(text: str) -> bytes:
    """Return a page whose text is set from bottom to top, as wide tables are in upright reports."""
    pdf = new_pdf()
    pdf.add_page()
    with pdf.rotation(90, x=300, y=400):
        pdf.set_xy(60, 300)
        pdf.multi_cell(w=470, h=14, text=text, align="L")
    return _bytes(pdf)


def pdf_plain(pages: Sequence[str], *, title: str = "") -> bytes:
    """Return a PDF with one run of text on each page; an empty string makes a page without text."""
    pdf = new_pdf()
    if title:
        pdf.set_title(title)
    for text in pages:
        pdf.add_page()
        pdf.set_xy(60, 110)
        if text:
            pdf.multi_cell(w=470, h=14, text=text, align="L")
    return _bytes(pdf)


def pdf_two_columns(left: str, right: str) -> bytes:
    """Return a page with a full-width title and two columns of prose."""
    pdf = new_pdf()
    pdf.add_page()
    pdf.set_font("Helvetica", size=20)
    pdf.text(60, 80, "A report in two columns that a reader follows")
    pdf.set_font("Helvetica", size=10)
    for x, text in ((60, left), (315, right)):
        pdf.set_xy(x, 120)
        pdf.multi_cell(w=225, h=13, text=text, align="L")
    return _bytes(pdf)


def pdf_table(rows: Sequence[Sequence[str]], *, ruled: bool) -> bytes:
    """Return a page with prose, a table and prose."""
    pdf = new_pdf()
    pdf.add_page()
    pdf.set_xy(60, 110)
    pdf.multi_cell(w=470, h=14, text=PROSE, align="L")
    pdf.set_xy(60, 220)
    for row in rows:
        pdf.set_x(60)
        for cell in row:
            pdf.cell(w=120, h=20, text=cell, border=int(ruled))
        pdf.ln(20)
    pdf.set_xy(60, 420)
    pdf.multi_cell(w=470, h=14, text="After the table the text goes on. " + PROSE, align="L")
    return _bytes(pdf)


def pdf_running_heads(count: int) -> bytes:
    """Return pages with a running head, a running foot and a page number, and one sentence that only that page has."""
    pdf = new_pdf()
    for number in range(1, count + 1):
        pdf.add_page()
        pdf.set_font("Helvetica", size=9)
        pdf.text(60, 40, f"Survey of models - Chapter {number}")
        pdf.text(60, 815, "Confidential draft of the survey")
        pdf.text(290, 830, str(number))
        pdf.set_font("Helvetica", size=11)
        pdf.set_xy(60, 110)
        pdf.multi_cell(w=470, h=14, text=f"The body of page number {'abcdefgh'[number - 1] * 4} stands here. " + PROSE, align="L")
    return _bytes(pdf)


def pdf_picture() -> bytes:
    """Return a page that is a picture and nothing else, as a scanner makes it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (600, 800), "white")
    ImageDraw.Draw(image).rectangle((80, 80, 300, 120), fill="black")
    out = io.BytesIO()
    image.save(out, "PDF")
    return out.getvalue()


def pdf_scrambled() -> bytes:
    """Return a page whose font says that its letters are private characters: neither extractor can tell what stands there."""
    import pypdf
    from pypdf.generic import NameObject, StreamObject

    letters = sorted(set(PROSE.encode("ascii")))
    rows = b"\n".join(b"<%02x> <%04x>" % (code, 0xE000 + code) for code in letters)
    head = b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <ff> endcodespacerange\n"
    table = StreamObject()
    table.set_data(head + b"%d beginbfchar\n" % len(letters) + rows + b"\nendbfchar endcmap end")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_plain([PROSE])))
    for font in writer.pages[0]["/Resources"]["/Font"].values():  # type: ignore[index]
        font.get_object()[NameObject("/ToUnicode")] = writer._add_object(table)
    return _written(writer)


def pdf_scan(data: bytes, *, dpi: int = 150, stamp: str = "") -> bytes:
    """Return a PDF as a scanner makes it of another: every page a picture, without a text layer but for a stamp."""
    import pypdfium2 as pdfium
    from fpdf import FPDF

    source = pdfium.PdfDocument(data)
    pdf = FPDF(unit="pt", format=source[0].get_size())
    pdf.set_auto_page_break(False)
    pdf.set_font("Helvetica", size=8)
    for page in source:
        pdf.add_page()
        pdf.image(page.render(scale=dpi / 72).to_pil().convert("L"), x=0, y=0, w=pdf.w, h=pdf.h)
        if stamp:
            pdf.text(40, 20, stamp)
    source.close()
    return _bytes(pdf)


class FakeOcr:
    """An OCR engine that finds one line where the ink is, whatever it is: the letters stand side by side over it."""

    said = "The share of firms that use models reached 78% in 2025."

    def read(self, image: Any) -> list[Any]:
        """Return that line."""
        import numpy as np

        from ingest.readers.ocr import OcrLine

        ys, xs = np.nonzero(image.min(axis=2) < 128)
        if not len(xs):
            return []
        edges = np.linspace(xs.min(), xs.max() + 1, len(self.said) + 1)
        rows = [np.full(len(self.said), float(y)) for y in (ys.min(), ys.max() + 1)]
        return [OcrLine(self.said, np.stack([edges[:-1], rows[0], edges[1:], rows[1]], axis=1))]


class BrokenOcr:
    """An OCR engine that fails."""

    def read(self, image: Any) -> list[Any]:
        """Raise."""
        raise RuntimeError("no memory for the picture")


class BlindOcr:
    """An OCR engine that never finds anything."""

    def read(self, image: Any) -> list[Any]:
        """Return nothing."""
        return []


def pdf_rotated(data: bytes, degrees: int) -> bytes:
    """Return a PDF whose content is turned to the left and whose pages are shown turned to the right: upright to a reader."""
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    for page in writer.pages:
        width, height = page.mediabox.width, page.mediabox.height
        shift = {90: (height, 0), 180: (width, height), 270: (0, width)}[degrees]
        page.add_transformation(pypdf.Transformation().rotate(degrees).translate(*shift))
        page.mediabox = pypdf.generic.RectangleObject((0, 0, width, height) if degrees == 180 else (0, 0, height, width))
        page.cropbox = page.mediabox
        page.rotate(degrees)
    return _written(writer)


def pdf_locked(data: bytes, *, user: str, owner: str, algorithm: str = "AES-256") -> bytes:
    """Return a PDF encrypted with two passwords."""
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt(user, owner, algorithm=algorithm)
    return _written(writer)


def _written(writer: Any) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def pdf_of_objects(objects: Sequence[bytes], root: int = 1) -> bytes:
    """Return a PDF of raw objects, numbered from 1."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, start)
    return bytes(out)


def pdf_flate_bomb(megabytes: int) -> bytes:
    """Return a PDF of some kilobytes whose one page unpacks to so many megabytes of text operators."""
    stream = zlib.compressobj(9)
    line = b"BT /F1 12 Tf 10 10 Td (models) Tj ET\n"
    chunk = line * (1_000_000 // len(line))
    packed = b"".join(stream.compress(chunk) for _ in range(megabytes)) + stream.flush()
    twice = zlib.compress(packed, 9)
    return pdf_of_objects(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n" % len(twice) + twice + b"\nendstream",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
    )


# ---- DOCX ----------------------------------------------------------------------------------------------------------------------------


def docx_report() -> bytes:
    """Return a DOCX with a title, two headings, paragraphs, a list and a table."""
    import docx

    document = docx.Document()
    document.core_properties.title = "Models at work"
    document.core_properties.author = "Office of Figures"
    document.core_properties.keywords = "models; work"
    document.add_heading("Models at work", 0)
    document.add_heading("Use", 1)
    document.add_paragraph(PROSE.strip())
    document.add_paragraph("First item of the list", style="List Bullet")
    document.add_heading("Figures", 2)
    table = document.add_table(rows=0, cols=2)
    for row in (("Year", "Share"), ("2024", "55%"), ("2025", "78%")):
        cells = table.add_row().cells
        cells[0].text, cells[1].text = row
    document.add_paragraph("人工智慧的採用率在二〇二五年達到七成八。")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def docx_edited() -> bytes:
    """Return a DOCX with tracked changes, hidden text and a footnote."""
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    def run(text: str, more: str = "", name: str = "t") -> str:
        return f'<w:r>{more}<w:{name} xml:space="preserve">{text}</w:{name}></w:r>'

    document = docx.Document()
    changed = run("The share rose to ") + f"<w:del>{run('61%', name='delText')}</w:del><w:ins>{run('78%')}</w:ins>" + run(" in 2025")
    moved = f"<w:moveFrom>{run(' moved away')}</w:moveFrom>" + run(" ignore this", "<w:rPr><w:vanish/></w:rPr>") + run(".")
    paragraph = parse_xml(f"<w:p {nsdecls('w')}><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>{changed}{moved}</w:p>")
    cell = document.add_table(rows=2, cols=1).rows[1].cells[0]
    cell._tc.append(parse_xml(f"<w:p {nsdecls('w')}><w:ins>{run('55%')}</w:ins></w:p>"))
    document.element.body.insert(0, paragraph)
    separator = f'<w:footnote w:type="separator" w:id="-1"><w:p>{run("separator")}</w:p></w:footnote>'
    note = f'<w:footnote w:id="1"><w:p>{run("A survey of 1,491 people.")}</w:p></w:footnote>'
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    blob = f"<w:footnotes {nsdecls('w')}>{separator}{note}</w:footnotes>".encode()
    part = Part(PackURI("/word/footnotes.xml"), kind, blob, document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def docx_bomb() -> bytes:
    """Return a DOCX of half a megabyte that unpacks to 500 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive, archive.open("word/document.xml", "w") as member:
        for _ in range(500):
            member.write(b" " * 1_000_000)
    return out.getvalue()


# ---- what a child may do -------------------------------------------------------------------------------------------------------------


def child_counts(upto: int) -> Iterator[int]:
    """Yield numbers (a child that behaves)."""
    yield from range(upto)


def child_sleeps(seconds: float) -> Iterator[int]:
    """Yield one number, then hang."""
    yield 1
    time.sleep(seconds)


def child_spins() -> Iterator[int]:
    """Use the processor for ever."""
    yield 1
    while True:
        pass


def child_eats(megabytes: int) -> Iterator[int]:
    """Take memory, then say how much."""
    held = [bytearray(1_000_000) for _ in range(megabytes)]
    yield len(held)


def child_dies(signal: int) -> Iterator[int]:
    """Yield one number, then die."""
    yield 1
    os.kill(os.getpid(), signal)


def child_prints() -> Iterator[str]:
    """Print to standard output and standard error, as libraries do, and yield a value."""
    print('{"is": "item", "value": "forged"}', flush=True)
    os.write(1, b'{"is": "end"}\n')
    os.write(2, b"a warning\n")
    yield "true"


def child_pid() -> Iterator[int]:
    """Yield the child's own process number."""
    yield os.getpid()


def child_environment() -> Iterator[list[str]]:
    """Yield the names of the environment's variables as the child sees them."""
    yield sorted(os.environ)


def child_asks_for_time(ask: float, sleep: float) -> Iterator[str]:
    """Ask for further seconds, sleep, then say so."""
    from ingest.kb.worker import more_time

    more_time(ask)
    time.sleep(sleep)
    yield "awake"


def child_recurses() -> Iterator[int]:
    """Recurse without end."""

    def deeper(level: int) -> int:
        return deeper(level + 1) + 1

    yield deeper(0)
