"""Pictures of PDF pages with the cited span marked, drawn in a limited child process and kept in a cache of limited size."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ingest.kb.errors import NotFoundError
from ingest.kb.model import Rect
from ingest.kb.worker import run_in_child

__all__ = ["page_image"]

# Amber over the text: the words stay readable in print and on screen.
_FILL = (255, 196, 0, 96)
_LINE = (214, 120, 0, 255)
_MAX_PIXELS = 4_000_000
_CACHE_BYTES = 200_000_000
_TIMEOUT_S = 20.0
_MEMORY_MB = 1_500


def _shrink(folder: Path) -> None:
    """Remove the oldest pictures until the cache is within its size."""
    files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.webp"))
    total = sum(size for _, size, _ in files)
    for _, size, path in files:
        if total <= _CACHE_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size


def page_image(
    original: Path, cache: Path, *, sha256: str, page: int, rects: Sequence[Rect], width: int = 1_200, password: str | None = None
) -> bytes:
    """Return a page as WebP with rectangles drawn on it.

    Args:
        original: The PDF.
        cache: Folder for pictures.
        sha256: Of the PDF, for the cache.
        page: From 1.
        rects: As fractions of the page.
        width: Of the picture in pixels, at most; a picture never has more than four million pixels.
        password: If the file is locked.

    Raises:
        NotFoundError: The original is gone.
        ReadError: The page cannot be drawn.
    """
    boxes = [[rect.x0, rect.y0, rect.x1, rect.y1] for rect in rects]
    key = hashlib.sha256(f"{sha256}:{page}:{boxes}:{width}".encode()).hexdigest()[:32]
    path = cache / f"{key}.webp"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    if not original.exists():
        raise NotFoundError("the original file is gone", hint="Ingest the document again.")
    arguments = {"path": str(original), "page": page, "boxes": boxes, "width": width, "password": password}
    drawn = run_in_child("ingest.kb.page_image:draw", arguments, name=f"page {page}", timeout_s=_TIMEOUT_S, memory_mb=_MEMORY_MB)
    data = base64.b64decode("".join(drawn))
    cache.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    aside.write_bytes(data)
    os.replace(aside, path)
    _shrink(cache)
    return data


def draw(path: str, page: int, boxes: Sequence[Sequence[float]], width: int, password: str | None) -> Iterator[str]:
    """Yield the picture in base64 (runs in the child)."""
    import pypdfium2 as pdfium
    from PIL import Image, ImageDraw

    pdf: Any = pdfium.PdfDocument(path, password=password)
    try:
        sheet = pdf[page - 1]
        points = sheet.get_size()
        scale = min(width / max(points[0], 1.0), (_MAX_PIXELS / max(points[0] * points[1], 1.0)) ** 0.5, 4.0)
        image = sheet.render(scale=scale).to_pil().convert("RGB")
    finally:
        pdf.close()
    if boxes:
        layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
        pen = ImageDraw.Draw(layer)
        for x0, y0, x1, y1 in boxes:
            corners = (x0 * image.width - 1, y0 * image.height - 1, x1 * image.width + 1, y1 * image.height + 1)
            pen.rectangle(corners, fill=_FILL, outline=_LINE, width=1)
        image = Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")
    out = io.BytesIO()
    image.save(out, "WEBP", quality=80, method=2)
    yield base64.b64encode(out.getvalue()).decode("ascii")
