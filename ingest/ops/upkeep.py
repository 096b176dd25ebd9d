"""Taking out what nothing needs, and taking a knowledge base of an older version along."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ingest.build import BuildSummary, Reporter, ingest_paths, publish_catalogue, splitter_identity
from ingest.kb.catalogue import SCHEMA_VERSION, Catalogue
from ingest.kb.chroma_copy import abandoned_copies
from ingest.kb.errors import KnowledgeBaseError
from ingest.kb.generation import Layout, collect_garbage, writer_lock
from ingest.kb.settings import Settings

__all__ = ["Upgrade", "collect", "stale_uploads", "upgrade"]

_CACHE_BYTES = 200_000_000
# A leftover of a process that was cut off; a younger one may still be in use.
_LEFTOVER_S = 24 * 3600.0
_LEFTOVER = re.compile(r"\.(?:backup|restore|replaced)-[0-9a-f]{8}")


def collect(layout: Layout) -> tuple[list[str], int]:
    """Remove old generations, segments, originals and leftovers that nothing needs.

    Returns:
        What was removed, and the bytes that it took.

    Raises:
        LockedError: Another process is writing.
        KnowledgeBaseError: There is no knowledge base.
    """
    # Told before the lock is taken: a data directory must not come to be by looking for one.
    _require(layout)
    before = _size(layout.data_dir)
    with writer_lock(layout), closing(Catalogue(layout.catalogue)) as catalogue:
        originals = {document.sha256 for document in catalogue.documents().values()}
        removed = collect_garbage(layout, originals=originals)
        removed += _remove_leftovers(layout)
    removed += _shrink_cache(layout.images)
    return removed, max(0, before - _size(layout.data_dir))


def stale_uploads(layout: Layout) -> list[Path]:
    """Return what a stopped service left of uploads; younger ones a running service may still read."""
    uploads = layout.data_dir / "uploads"
    return [path for path in uploads.iterdir() if _is_old(path)] if uploads.is_dir() else []


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _LEFTOVER_S


def _remove_leftovers(layout: Layout) -> list[str]:
    found = [path for path in layout.data_dir.iterdir() if _LEFTOVER.fullmatch(path.name)]
    old = [path for path in found if _is_old(path)] + stale_uploads(layout) + abandoned_copies(layout)
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in old]


def _shrink_cache(folder: Path) -> list[str]:
    files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.webp")) if folder.is_dir() else []
    total = sum(size for _, size, _ in files)
    removed = []
    for _, size, path in files:
        if total <= _CACHE_BYTES:
            break
        path.unlink(missing_ok=True)
        removed.append(path.name)
        total -= size
    return removed


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:
            # A writer may remove what we are about to count.
            continue
    return total


@dataclass(slots=True)
class Upgrade:
    """What an upgrade did, one line a step."""

    steps: list[str] = field(default_factory=list)
    summary: BuildSummary | None = None


def upgrade(settings: Settings, *, report: Reporter) -> Upgrade:
    """Bring catalogue, passages and index to this version; what is there already is left as it is.

    Raises:
        KnowledgeBaseError: There is no knowledge base, or a newer version made it.
    """
    layout = Layout(settings.data_dir)
    done = Upgrade()
    found = _schema(layout)
    if found is not None and found < SCHEMA_VERSION:
        kept = layout.data_dir / f"catalogue-schema{found}.sqlite3"
        with closing(sqlite3.connect(layout.catalogue)) as source, closing(sqlite3.connect(kept)) as target:
            source.backup(target)
        done.steps.append(f"kept the catalogue as it was in {kept.name}")
    with closing(Catalogue(layout.catalogue)) as catalogue:
        if found is not None and found < SCHEMA_VERSION:
            done.steps.append(f"took the catalogue from schema {found} to {SCHEMA_VERSION}")
        wanted = splitter_identity(settings)
        documents = catalogue.documents()
        stale = [documents[name] for name, splitter in catalogue.splitters().items() if splitter != wanted]
    names = {layout.originals / document.sha256: document.file_name for document in stale}
    present = {path: name for path, name in names.items() if path.exists()}
    if present:
        done.steps.append(f"read {len(present)} documents again from their originals: they were split by another version")
        done.summary = ingest_paths(settings, list(present), report=report, names=present, remove_missing=False)
    else:
        done.summary = publish_catalogue(settings, report=report)
    if len(present) < len(names):
        done.steps.append(f"{len(names) - len(present)} documents stay as they are: their originals are missing")
    done.steps.append(f"generation {done.summary.generation} is live")
    return done


def _require(layout: Layout) -> None:
    if not layout.catalogue.exists():
        raise KnowledgeBaseError(f"there is no knowledge base at {layout.data_dir}", hint="Run `wenju ingest PATH` first.")


def _schema(layout: Layout) -> int | None:
    _require(layout)
    try:
        with closing(sqlite3.connect(layout.catalogue)) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
            return int(row[0]) if row else None
    except (sqlite3.DatabaseError, ValueError):
        # Opening it will say what is wrong.
        return None
