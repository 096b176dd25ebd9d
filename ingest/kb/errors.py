"""The root of Wenju's errors.

WenjuError
├── SettingsError          a setting is unknown, malformed or contradictory        exit 4
├── SourceError            a path that was asked for cannot be used                exit 2
├── ReadError              one file could not be read (recorded, the run goes on)  exit 3
│   ├── UnsupportedFile    the content is of no known kind
│   ├── LockedFile         encrypted, and no password opens it
│   ├── NoTextFound        nothing to index (scan without a text layer, empty file)
│   └── LimitExceeded      over a limit of size, pages, time or memory
├── LockedError            another process is writing                              exit 5
├── DependencyError        a part we rely on is down or missing                    exit 6
├── NoSpaceError           the disk is full                                        exit 7
├── NotFoundError          an id that names nothing                                exit 2
└── KnowledgeBaseError     the knowledge base on disk is missing, torn or of another kind   exit 4

Each message says what, where, why and what to do; ``code`` is stable and machine-readable.
"""

from __future__ import annotations

__all__ = [
    "DependencyError",
    "KnowledgeBaseError",
    "LimitExceeded",
    "LockedError",
    "LockedFile",
    "NoSpaceError",
    "NoTextFound",
    "NotFoundError",
    "ReadError",
    "SettingsError",
    "SourceError",
    "UnsupportedFile",
    "WenjuError",
]


class WenjuError(Exception):
    """Root of every error that Wenju raises on purpose.

    Args:
        message: One or two sentences for a person: what, where, why.
        hint: What to do next, as an imperative sentence.
    """

    code = "internal"
    exit_code = 1
    status = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(WenjuError):
    """A setting is unknown, malformed or contradictory."""

    code = "settings"
    exit_code = 4


class SourceError(WenjuError):
    """A path that was asked for does not exist or holds nothing to read."""

    code = "source"
    exit_code = 2
    status = 422


class ReadError(WenjuError):
    """One file could not be read; the run goes on with the others."""

    code = "unreadable"
    exit_code = 3
    status = 422


class UnsupportedFile(ReadError):
    """The content of the file is of no kind that Wenju reads."""

    code = "unsupported"
    status = 415


class LockedFile(ReadError):
    """The file is encrypted and no known password opens it."""

    code = "locked_file"


class NoTextFound(ReadError):
    """The file holds no text to index."""

    code = "no_text"


class LimitExceeded(ReadError):
    """The file is over a limit of size, pages, time or memory."""

    code = "limit"
    status = 413


class LockedError(WenjuError):
    """Another process holds the writer's lock."""

    code = "locked"
    exit_code = 5
    status = 409


class DependencyError(WenjuError):
    """A part that Wenju relies on is down or not installed."""

    code = "dependency"
    exit_code = 6
    status = 503


class NoSpaceError(WenjuError):
    """The disk has no room for what was to be written."""

    code = "no_space"
    exit_code = 7
    status = 507


class NotFoundError(WenjuError):
    """An identifier names nothing in the knowledge base."""

    code = "not_found"
    exit_code = 2
    status = 404


class KnowledgeBaseError(WenjuError):
    """The knowledge base on disk is missing, torn or was made by another version."""

    code = "knowledge_base"
    exit_code = 4
    status = 503
