"""Readers: one per format, chosen by content, each yielding a head and then pages."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ingest.blocks import Head, Page
from ingest.kb.errors import LimitExceeded, NoTextFound, UnsupportedFile
from ingest.kb.settings import ReadSettings

__all__ = ["READER_VERSION", "read_file"]

# Raised when a reader reads the same file differently: documents read by another version are then read again.
READER_VERSION = "4"

_MARKDOWN = {".md", ".markdown", ".mdx", ".mdown"}
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
# A piece of a page, by its name: it begins with a tag, but says of itself no more than that.
_HTML_NAMES = {".html", ".htm", ".xhtml"}
_TAG = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[a-zA-Z!]")
_LOOKS_MARKDOWN = re.compile(r"^(?:#{1,6} \S|---\s*$|\+\+\+\s*$|```|[-*] \S|> )|\]\(|\|\s*:?-{3,}", re.MULTILINE)
_BINARY = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.doc, .xls, .ppt)"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"SQLite format 3", "a database"),
)
_HINT = "Wenju reads PDF, Markdown, HTML, DOCX and plain text; convert the file to one of these."


def _zip_kind(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise UnsupportedFile(f"is a broken archive ({error})", hint=_HINT) from error
    if "word/document.xml" in names:
        return "docx"
    raise UnsupportedFile("is an archive or an Office file of another kind than DOCX", hint=_HINT)


def kind_of(data: bytes, name: str) -> str:
    """Return ``pdf``, ``docx``, ``html``, ``markdown`` or ``text`` by content; the suffix only tells Markdown from plain text.

    Raises:
        UnsupportedFile: The content is of another kind.
    """
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _zip_kind(data)
    for magic, what in _BINARY:
        if data.startswith(magic):
            raise UnsupportedFile(f"is {what}, whatever its name says", hint=_HINT)
    if b"\x00" in data[:8192] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnsupportedFile("is binary, of a kind that is not known", hint=_HINT)
    if _HTML.match(data[:4096].removeprefix(b"\xef\xbb\xbf")):
        return "html"
    suffix = Path(name).suffix.lower()
    if suffix in _HTML_NAMES and _TAG.match(data):
        return "html"
    if suffix in _MARKDOWN:
        return "markdown"
    if suffix in (".txt", ".text"):
        return "text"
    return "markdown" if _LOOKS_MARKDOWN.search(data[:20_000].decode("utf-8", "replace")) else "text"


def read_file(path: Path, settings: ReadSettings, *, password: str | None = None, name: str = "") -> Iterator[Head | Page]:
    """Yield a file's head, then its pages in order. Trusts nothing of the file: meant to run in a limited child process.

    Args:
        path: The file.
        settings: Limits of size, pages and characters.
        password: For a locked PDF.
        name: The name to take the suffix from, default the path's own.

    Raises:
        ReadError: Or one of its kinds.
    """
    size = path.stat().st_size
    if size == 0:
        raise NoTextFound("is empty (0 bytes)", hint="Give the file again; the copy may have failed.")
    if size > settings.max_bytes:
        raise LimitExceeded(
            f"has {size:,} bytes, the limit is {settings.max_bytes:,}", hint="Raise read.max_bytes (WENJU_READ__MAX_BYTES) if you trust it."
        )
    chars = 0
    for item in _read(path, settings, password=password, name=name or path.name):
        if isinstance(item, Page):
            chars += len(item.text)
            if chars > settings.max_chars:
                # What is read here in a moment is analysed and indexed elsewhere, in the process that answers.
                raise LimitExceeded(
                    f"has more than {settings.max_chars:,} characters of text, which is the limit",
                    hint="Cut it into several files, or raise read.max_chars (WENJU_READ__MAX_CHARS) if you can wait.",
                )
        yield item


def _read(path: Path, settings: ReadSettings, *, password: str | None, name: str) -> Iterator[Head | Page]:
    data = path.read_bytes()
    kind = kind_of(data, name)
    # Each reader is imported when it is needed: parsers are slow to import.
    if kind == "pdf":
        from ingest.readers.pdf import read_pdf

        yield from read_pdf(path, settings, password=password)
    elif kind == "docx":
        from ingest.readers.docx import read_docx

        yield from read_docx(data, settings)
    elif kind == "html":
        from ingest.readers.html import read_html

        yield from read_html(data, name=name)
    elif kind == "markdown":
        from ingest.readers.markdown import read_markdown

        yield from read_markdown(data, name=name)
    else:
        from ingest.readers.text import read_text

        yield from read_text(data, name=name)
