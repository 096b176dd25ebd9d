"""Put a backup in the place of a data directory: checked from end to end first, then all of it or nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import uuid
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from ingest.kb.catalogue import Catalogue
from ingest.kb.errors import SourceError
from ingest.kb.generation import Layout, write_atomically, writer_lock
from ingest.ops.backup import FORMAT, MANIFEST, SEAL, BackupReport

__all__ = ["restore"]

_CHUNK = 1 << 20
_LARGEST_MANIFEST = 256 << 20
_BROKEN = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, OSError, ValueError, KeyError, TypeError, AttributeError)


def restore(file: Path, layout: Layout, *, force: bool = False) -> BackupReport:
    """Put an archive in the place of a data directory.

    The whole archive is checked before a byte is written, and all of it lies beside the old content before anything is moved.

    Args:
        file: What ``backup`` wrote.
        layout: Where to; stop a service that reads it first.
        force: Replace what is there.

    Raises:
        SourceError: The archive is cut off, altered or none of ours, or there is something in the directory already.
        LockedError: Another process is writing there.
    """
    manifest, seal = _checked(file)
    taken = layout.data_dir.is_dir() and any(path.name != layout.lock.name for path in layout.data_dir.iterdir())
    if taken and not force:
        raise SourceError(f"{layout.data_dir} is not empty", hint="Give another folder with --to, or replace what is there with --force.")
    with writer_lock(layout):
        stage = layout.data_dir / f".restore-{uuid.uuid4().hex[:8]}"
        stage.mkdir()
        try:
            _extract(file, manifest, stage)
            # An archive holds one file; in use, the catalogue has its log beside it, so that readers do not wait for the writer.
            with closing(sqlite3.connect(stage / "catalogue.sqlite3")) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            # Opened before it is put in place: a catalogue of a newer version is refused here.
            with closing(Catalogue(stage / "catalogue.sqlite3")) as catalogue:
                documents = len(catalogue.documents())
            _swap(layout, stage)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return BackupReport(str(file), manifest["generation"], documents, len(manifest["files"]), file.stat().st_size, seal)


@contextmanager
def _reading(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, mode="r:gz" if file.suffix == ".gz" else "r:") as archive:
            yield archive
    except FileNotFoundError as error:
        raise SourceError(f"there is no file {file}") from error
    except _BROKEN as error:
        raise SourceError(f"{file} is cut off or damaged: {error}", hint="Nothing was changed. Take another backup.") from error


def _refuse(file: Path, why: str) -> SourceError:
    return SourceError(f"{file} is no archive that can be restored: {why}", hint="Nothing was changed. Take another backup.")


def _checked(file: Path) -> tuple[dict[str, Any], str]:
    """Read the archive from end to end and return its list; every byte has been compared with it."""
    with _reading(file) as archive:
        first = archive.next()
        if first is None or first.name != MANIFEST or not first.isreg() or first.size > _LARGEST_MANIFEST:
            raise _refuse(file, "it does not begin with its list of files")
        content = _content(archive, first)
        manifest: dict[str, Any] = json.loads(content)
        if manifest.get("format") != FORMAT:
            raise _refuse(file, f"its format is {manifest.get('format')}, this version of Wenju reads {FORMAT}")
        missing, seal = _compared(file, archive, dict(manifest["files"]))
    if missing:
        raise _refuse(file, f"{len(missing)} files are missing, the first is {min(missing)}")
    if seal != hashlib.sha256(content).hexdigest():
        raise _refuse(file, "its list was altered or it was cut off")
    if "catalogue.sqlite3" not in manifest["files"]:
        raise _refuse(file, "it holds no catalogue")
    return manifest, seal


def _compared(file: Path, archive: tarfile.TarFile, missing: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Compare what follows the list with it; returns what was not found, and the seal."""
    seal = ""
    while (member := archive.next()) is not None:
        if member.name == SEAL and member.isreg() and member.size == 64:
            seal = _content(archive, member).decode("ascii")
            continue
        entry = missing.pop(member.name, None)
        if entry is None or not member.isreg() or not _is_safe(member.name):
            raise _refuse(file, f"{member.name!r} does not belong in it")
        if member.size != entry["size"] or _digest(archive, member) != entry["sha256"]:
            raise _refuse(file, f"{member.name} has other bytes than its list says")
    # To the very end: the sum at the end of a compressed file is checked only there.
    while archive.fileobj is not None and archive.fileobj.read(_CHUNK):
        pass
    return missing, seal


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    handle = archive.extractfile(member)
    content = handle.read() if handle else b""
    if len(content) != member.size:
        raise EOFError(f"{member.name} ends early")
    return content


def _digest(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    handle = archive.extractfile(member)
    digest = hashlib.sha256()
    while handle and (chunk := handle.read(_CHUNK)):
        digest.update(chunk)
    return digest.hexdigest()


def _is_safe(name: str) -> bool:
    """Return whether a name stays inside the folder it is extracted to, and is one that we write."""
    path = PurePosixPath(name)
    places = {"CURRENT", "catalogue.sqlite3", "generations", "segments", "originals", "lexicon"}
    return (
        not path.is_absolute()
        and path.parts[:1] != ()
        and path.parts[0] in places
        and ".." not in path.parts
        and str(path) == name
        and "\\" not in name
        and "\0" not in name
    )


def _extract(file: Path, manifest: dict[str, Any], stage: Path) -> None:
    root = stage.resolve()
    with _reading(file) as archive:
        for member in archive:
            if member.name not in manifest["files"]:
                continue
            target = stage / member.name
            if not target.resolve().is_relative_to(root):
                raise _refuse(file, f"{member.name!r} leads out of the folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            source = archive.extractfile(member)
            with target.open("xb") as handle:
                if source:
                    shutil.copyfileobj(source, handle, _CHUNK)
                handle.flush()
                os.fsync(handle.fileno())


def _swap(layout: Layout, stage: Path) -> None:
    """Move the old content aside and the new in; the old comes back if that fails. The pointer moves first out and last in."""
    aside = layout.data_dir / f".replaced-{uuid.uuid4().hex[:8]}"
    aside.mkdir()
    kept = {layout.lock.name, stage.name, aside.name}
    old = sorted((path for path in layout.data_dir.iterdir() if path.name not in kept), key=lambda path: path.name != "CURRENT")
    new = sorted((path for path in stage.iterdir() if path.name != "CURRENT"), key=lambda path: path.name)
    pointer = (stage / "CURRENT").read_bytes() if (stage / "CURRENT").exists() else None
    moved: list[tuple[Path, Path]] = []
    try:
        for path in old:
            os.rename(path, aside / path.name)
            moved.append((path, aside / path.name))
        for path in new:
            os.rename(path, layout.data_dir / path.name)
            moved.append((path, layout.data_dir / path.name))
        if pointer is not None:
            write_atomically(layout.current, pointer)
    except BaseException:
        for origin, place in reversed(moved):
            os.rename(place, origin)
        raise
    shutil.rmtree(aside, ignore_errors=True)
