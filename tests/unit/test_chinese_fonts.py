"""Chinese in PDFs whose fonts do not say what their codes mean: LaTeX's without a character map, and fonts that are not in the file."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path

import makers
import pypdf
import pypdfium2 as pdfium
import pytest

# Every Chinese character is of level 1 of GB 2312: codes of all encodings below can be worked out.
TEXT = (
    "从二零二四年底到二零二五年底，中国开源模型每周平均占全部用量的百分之十三，其中一周最高接近百分之三十。报告同时指出，"
    "编程类请求的占比从百分之十一升到了一半以上。推理模型在第四季度已经超过全部用量的一半，而在年初几乎为零；这说明用户愿意为"
    "更长的思考付费。价格下降百分之十，用量只增加百分之零点五到零点七，便宜并不是唯一的理由，质量与速度同样重要。"
)


def cid(char: str) -> bytes:
    """Return the code of a character in Adobe-GB1, where level 1 of GB 2312 begins with CID 940; punctuation is left out."""
    row, cell = char.encode("gb2312")
    return (940 + (row - 0xB0) * 94 + cell - 0xA1).to_bytes(2, "big") if row >= 0xB0 else b""


CODES: dict[str, Callable[[str], bytes]] = {
    "GBK-EUC-H": lambda text: text.encode("gbk"),
    "GB-EUC-H": lambda text: text.encode("gb2312"),
    "UniGB-UCS2-H": lambda text: text.encode("utf-16-be"),
    "Identity-H": lambda text: b"".join(map(cid, text)),
}


def pdf_not_embedded(text: str, encoding: str, subtype: str) -> bytes:
    """Return a page set in SimSun, which is not in the file."""
    lines = [text[at : at + 30] for at in range(0, len(text), 30)]
    shown = b"".join(b"<%s> Tj 0 -20 Td\n" % CODES[encoding](line).hex().encode() for line in lines)
    content = b"BT /F1 12 Tf 60 700 Td\n" + shown + b"ET"
    name, kind = encoding.encode(), subtype.encode()
    return makers.pdf_of_objects(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n" % len(content) + content + b"\nendstream",
            b"<< /Type /Font /Subtype /Type0 /BaseFont /SimSun /Encoding /%s /DescendantFonts [6 0 R] >>" % name,
            b"<< /Type /Font /Subtype /%s /BaseFont /SimSun /DW 1000 /FontDescriptor 7 0 R" % kind
            + b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>",
            b"<< /Type /FontDescriptor /FontName /SimSun /Flags 32 /FontBBox [-8 -145 1000 859] /ItalicAngle 0 /Ascent 859 /Descent -141"
            b" /CapHeight 684 /StemV 88 >>",
        ]
    )


def share(wanted: str, found: str) -> float:
    """Return the share of a text's Chinese characters that are found, in order."""
    wanted, found = ("".join(char for char in text if "\u4e00" <= char <= "\u9fff") for text in (wanted, found))
    same = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in same) / len(wanted)


def by_extractors(data: bytes) -> dict[str, str]:
    """Return the text of a PDF's pages as each extractor gives it by itself."""
    document = pdfium.PdfDocument(data)
    first = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return {"pdfium": first, "pypdf": "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)}


def read_share(data: bytes, folder: Path, wanted: str) -> float:
    """Return the share that our reader finds."""
    _, pages = makers.read(makers.put(folder, "a.pdf", data))
    assert not any(page.warnings for page in pages)
    return share(wanted, "".join(page.text for page in pages))


@pytest.mark.parametrize("subtype", ["CIDFontType0", "CIDFontType2"])
@pytest.mark.parametrize("encoding", list(CODES))
def test_a_font_that_is_not_in_the_file_is_read_by_the_extractor_that_can(encoding: str, subtype: str, tmp_path: Path) -> None:
    data = pdf_not_embedded(TEXT, encoding, subtype)
    found = by_extractors(data)
    best = max(share(TEXT, text) for text in found.values())
    assert read_share(data, tmp_path, TEXT) >= 0.99 * best
    if encoding == "Identity-H":
        assert share(TEXT, found["pypdf"]) < 0.1, "pypdf has learnt it: the second opinion can be asked for less"
    else:
        assert best > 0.99


@pytest.mark.parametrize("encoding", ["GBK-EUC-H", "GB-EUC-H", "UniGB-UCS2-H"])
def test_where_the_machine_has_no_chinese_fonts_the_other_extractor_reads(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PDFium takes a font of the machine instead of one that is not in the file; where there is none it gives no text at all.
    monkeypatch.setattr("ingest.readers.pdf.page_lines", lambda *_: [])
    assert read_share(pdf_not_embedded(TEXT, encoding, "CIDFontType2"), tmp_path, TEXT) > 0.99


TEX = r"""\documentclass[11pt]{article}
\usepackage{xeCJK}
\setCJKmainfont{FandolSong-Regular.otf}
\pagestyle{empty}
\begin{document}
%s
\end{document}
"""


def has_fandol() -> bool:
    """Return whether XeLaTeX and its Chinese fonts are here."""
    if not shutil.which("xelatex") or not shutil.which("kpsewhich"):
        return False
    return bool(subprocess.run(["kpsewhich", "FandolSong-Regular.otf"], capture_output=True, check=False).stdout.strip())


@pytest.mark.slow
@pytest.mark.skipif(not has_fandol(), reason="xelatex with Fandol is not installed (texlive-xetex texlive-lang-chinese)")
def test_chinese_of_latex_without_a_character_map_is_read(tmp_path: Path) -> None:
    makers.put(tmp_path, "a.tex", TEX % TEXT)
    subprocess.run(["xelatex", "-interaction=batchmode", "a.tex"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    data = (tmp_path / "a.pdf").read_bytes()
    fonts = pypdf.PdfReader(io.BytesIO(data)).pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    assert any("/ToUnicode" not in font.get_object() for font in fonts.values())
    found = by_extractors(data)
    assert share(TEXT, found["pypdf"]) < 0.2
    best = max(share(TEXT, text) for text in found.values())
    assert best > 0.99
    assert read_share(data, tmp_path, TEXT) >= 0.99 * best
