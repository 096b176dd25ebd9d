"""Downloading the originals that ``sources.toml`` lists: only addresses listed there, resumable, size-limited, checksummed when known."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingest.kb.errors import SourceError

__all__ = ["FetchResult", "fetch_sources", "load_sources"]

MAX_BYTES = 100_000_000
_TIMEOUT_S = 30.0
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What became of one original."""

    name: str
    ok: bool
    path: Path | None
    message: str


def load_sources(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a ``sources.toml``.

    Raises:
        SourceError: It is missing or malformed.
    """
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("source", [])
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read: {error}", hint="It lists sources as [[source]] tables.") from error
    return [entry for entry in entries if isinstance(entry, dict)]


def fetch_sources(
    sources: Path, folder: Path, *, report: Callable[[str], None] = lambda _: None, max_bytes: int = MAX_BYTES
) -> list[FetchResult]:
    """Download every entry that has a ``fetch`` address into a folder; what is there already and fits its checksum is left alone.

    Args:
        sources: The list.
        folder: Where the files go, under the entries' ``file`` names.
        report: Is told of each file.
        max_bytes: Largest file.
    """
    results = []
    for entry in load_sources(sources):
        if not entry.get("fetch"):
            continue
        result = _fetch(entry, folder, max_bytes)
        report(f"{'ok  ' if result.ok else 'FAIL'} {result.name}: {result.message}")
        results.append(result)
    return results


def _fetch(entry: dict[str, Any], folder: Path, max_bytes: int) -> FetchResult:
    import httpx

    address = str(entry["fetch"])
    name = Path(str(entry.get("file") or urlsplit(address).path)).name
    wanted = str(entry.get("fetch_sha256", ""))
    target = folder / name
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        return FetchResult(name, False, None, f"{address} is not an https address")
    if target.exists() and (not wanted or _digest(target) == wanted):
        return FetchResult(name, True, target, "already there")
    folder.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(target.name + ".part")
    try:
        _download(address, aside, max_bytes)
    except (httpx.HTTPError, OSError, ValueError) as error:
        # What has come so far stays beside the target, and the next try goes on from there.
        return FetchResult(name, False, None, f"{address}: {error or type(error).__name__}; run the command again to go on")
    found = _digest(aside)
    if wanted and found != wanted:
        aside.unlink()
        return FetchResult(name, False, None, f"the file from {address} has SHA-256 {found}, expected {wanted}; it was thrown away")
    os.replace(aside, target)
    return FetchResult(name, True, target, f"{target.stat().st_size:,} bytes, SHA-256 {found}")


def _download(address: str, aside: Path, max_bytes: int) -> None:
    """Download to a file, going on where an earlier try stopped if the server can. Redirects are not followed."""
    import httpx

    have = aside.stat().st_size if aside.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False) as client, client.stream("GET", address, headers=headers) as reply:
        if reply.status_code == 416:
            aside.unlink()
            raise ValueError("what was downloaded so far does not fit the file any more")
        if reply.status_code not in (200, 206):
            raise ValueError(f"the server answered {reply.status_code}")
        if reply.status_code == 200:
            have = 0
        with aside.open("ab" if have else "wb") as out:
            for chunk in reply.iter_bytes(_CHUNK):
                have += len(chunk)
                if have > max_bytes:
                    out.close()
                    aside.unlink()
                    raise ValueError(f"the file is larger than {max_bytes:,} bytes")
                out.write(chunk)
        length = reply.headers.get("content-length")
        total = int(length) + (have - int(length) if reply.status_code == 206 else 0) if length else None
    if total is not None and have < total:
        raise ValueError(f"the connection broke off after {have:,} of {total:,} bytes")


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
