"""A page's text put together block by block."""

from __future__ import annotations

from ingest.kb.model import Block, BlockKind

__all__ = ["TextBuilder"]


class TextBuilder:
    """Collects blocks; keeps the heading path as headings come in."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[tuple[int, str]] = []
        self.blocks: list[Block] = []

    @property
    def path(self) -> tuple[str, ...]:
        """The headings that the next block stands under."""
        return tuple(title for _, title in self._headings)

    def add(self, kind: BlockKind, text: str, *, level: int = 0, header: str = "", lines: tuple[int, int] | None = None) -> None:
        """Append a block; blank text is left out. A heading ends those of its level and below.

        Args:
            kind: As in ``Block``, like all that follow.
            text: What it says.
            level: For a heading.
            header: For a table row.
            lines: Of the file.
        """
        text = text.strip()
        if not text:
            return
        if kind == "heading":
            self._headings = [(depth, title) for depth, title in self._headings if depth < level]
        if self._parts:
            self._parts.append("\n")
            self._length += 1
        self.blocks.append(Block(kind, self._length, self._length + len(text), self.path, level, header, lines))
        self._parts.append(text)
        self._length += len(text)
        if kind == "heading":
            self._headings.append((level, " ".join(text.split())))

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)
