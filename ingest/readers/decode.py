"""From bytes to text: UTF-8, the UTF-16 forms, GB18030, Big5, and what charset-normalizer knows beyond these."""

from __future__ import annotations

import codecs

from ingest.kb.errors import UnsupportedFile

__all__ = ["decode"]

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SAMPLE = 200_000


def _common_share(text: str) -> float:
    """Return the share of Han characters that are common ones: level 1 of GB 2312 (rows 16 to 55) or of Big5 (A440 to C67E)."""
    han = [char for char in text[:_SAMPLE] if "\u4e00" <= char <= "\u9fff"]
    if not han:
        return 0.0

    def common(char: str) -> bool:
        simplified = char.encode("gb2312", "ignore")
        traditional = char.encode("big5", "ignore")
        return b"\xb0" <= simplified[:1] <= b"\xd7" or b"\xa4" <= traditional[:1] <= b"\xc6"

    odd = sum(1 for char in text[:_SAMPLE] if "\ue000" <= char <= "\uf8ff" or "\uff61" <= char <= "\uff9f")
    return (sum(map(common, han)) - odd) / (len(han) + odd)


def decode(data: bytes, *, name: str) -> tuple[str, str]:
    """Return the text of a file and the name of its encoding.

    GB18030 and Big5 accept much of each other's bytes; the reading with more common characters wins.

    Raises:
        UnsupportedFile: No encoding fits: the file is not text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        fault = error
    if b"\x00" not in data[:_SAMPLE]:
        readings = []
        for encoding in ("gb18030", "big5hkscs", "cp950"):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            readings.append((_common_share(text), text, encoding))
        if readings and max(readings)[0] > 0.8:
            _, text, encoding = max(readings, key=lambda reading: reading[0])
            return text, encoding
        # A few broken bytes in a file that is UTF-8 else: shown as U+FFFD rather than refused.
        lenient = data.decode("utf-8", "replace")
        if lenient.count("\ufffd") <= max(3, len(lenient) // 500):
            return lenient, "utf-8 with errors"
        from charset_normalizer import from_bytes

        best = from_bytes(data[:_SAMPLE]).best()
        if best is not None and best.encoding:
            return data.decode(best.encoding, "replace"), best.encoding
    raise UnsupportedFile(
        f"is not text: byte {data[fault.start]:#04x} at {fault.start:,} fits no encoding that is known",
        hint="Save it as UTF-8, or give a PDF, HTML, DOCX or Markdown file.",
    )
