"""Copies of a knowledge base: one tar file with a list of SHA-256 digests, made while others read and write, restored whole or not at all.

::

    manifest.json      format, time, generation; name, size and SHA-256 of each file that follows
    catalogue.sqlite3  as it stood at one moment
    CURRENT, generations/…, segments/…, originals/…, lexicon/…
    manifest.sha256    the digest of manifest.json: an archive without it was cut off
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ingest.kb.catalogue import Catalogue
from ingest.kb.errors import KnowledgeBaseError
from ingest.kb.generation import Layout, current_generation, file_digest

__all__ = ["FORMAT", "MANIFEST", "SEAL", "BackupReport", "backup"]

FORMAT = 1
_ATTEMPTS = 5
_CHUNK = 1 << 20
MANIFEST = "manifest.json"
SEAL = "manifest.sha256"


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What an archive holds.

    Attributes:
        seal: Digest of the list of digests; note it down to be sure of an archive later.
    """

    file: str
    generation: str
    documents: int
    files: int
    size: int
    seal: str


def backup(layout: Layout, file: Path) -> BackupReport:
    """Write an archive of the knowledge base as it stands now; readers and a writer are not held up.

    Args:
        layout: The data directory.
        file: The archive, replaced in one step; compressed if its name ends in ``.gz``.

    Raises:
        KnowledgeBaseError: There is nothing to copy, or a writer published faster than could be copied.
    """
    if not layout.catalogue.exists():
        # Told before anything is written: a data directory must not come to be by looking for one.
        raise KnowledgeBaseError(f"there is no knowledge base at {layout.data_dir}", hint="Run `wenju ingest PATH` first.")
    stage = layout.data_dir / f".backup-{uuid.uuid4().hex[:8]}"
    try:
        for _ in range(_ATTEMPTS):
            shutil.rmtree(stage, ignore_errors=True)
            if _stage(layout, stage):
                return _write_archive(stage, file)
        raise KnowledgeBaseError(
            "a writer published again and again while the copy was made", hint="Run `wenju backup` again when the ingest is done."
        )
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _stage(layout: Layout, stage: Path) -> bool:
    """Collect what belongs together in a folder; False if a new generation was published meanwhile."""
    stage.mkdir(parents=True)
    before = current_generation(layout)
    catalogue = Catalogue(layout.catalogue)
    with closing(catalogue):
        catalogue.copy_to(stage / "catalogue.sqlite3")
    copy = Catalogue(stage / "catalogue.sqlite3")
    with closing(copy):
        going = {name for name, action in copy.pending().items() if action == "remove"}
        digests = {document.sha256: name not in going for name, document in copy.documents().items()}
    try:
        if before is not None:
            _link(layout.generations / before.name / "kb.json", stage / "generations" / before.name / "kb.json")
            for entry in before.segments:
                _stage_segment(layout.segments / entry.name, stage / "segments" / entry.name)
            (stage / "CURRENT").write_text(before.name, "utf-8")
        for sha256, needed in digests.items():
            # A document that is about to be removed may have lost its original already.
            if needed or (layout.originals / sha256).exists():
                _link(layout.originals / sha256, stage / "originals" / sha256)
        lexicon = layout.data_dir / "lexicon"
        for path in sorted(lexicon.rglob("*.tsv")):
            _link(path, stage / "lexicon" / path.relative_to(lexicon))
    except FileNotFoundError as error:
        if current_generation(layout) == before:
            raise KnowledgeBaseError(f"{error.filename} is missing", hint="Run `wenju doctor --fix`, then make the backup.") from error
        return False
    return current_generation(layout) == before


def _stage_segment(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if not path.is_file():
            continue
        inner = path.relative_to(source)
        # A torn file of terabytes (all hole) is not taken along.
        if path.stat().st_size > 64 * max(path.stat().st_blocks * 512, _CHUNK):
            raise KnowledgeBaseError(f"{path} is torn", hint="Run `wenju doctor --fix`, then make the backup.")
        _link(path, target / inner)


def _link(source: Path, target: Path) -> None:
    """Give a file that never changes a second name, so that it stays when a writer collects it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _write_archive(stage: Path, file: Path) -> BackupReport:
    paths = sorted(path for path in stage.rglob("*") if path.is_file())
    entries = {path.relative_to(stage).as_posix(): {"size": path.stat().st_size, "sha256": file_digest(path)} for path in paths}
    current = stage / "CURRENT"
    generation = current.read_text("utf-8") if current.exists() else ""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = {"format": FORMAT, "created": created, "generation": generation, "files": entries}
    manifest = json.dumps(record, ensure_ascii=False, indent=1).encode("utf-8")
    seal = hashlib.sha256(manifest).hexdigest()
    partial = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # The archive holds every document: others on the machine have no business in it.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            with tarfile.open(fileobj=handle, mode="w:gz" if file.suffix == ".gz" else "w", format=tarfile.PAX_FORMAT) as archive:
                _add(archive, MANIFEST, manifest)
                for name in entries:
                    archive.add(stage / name, arcname=name, recursive=False)
                _add(archive, SEAL, seal.encode("ascii"))
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
    documents = sum(1 for name in entries if name.startswith("originals/"))
    return BackupReport(str(file), generation, documents, len(entries), file.stat().st_size, seal)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mtime = int(time.time())
    archive.addfile(member, io.BytesIO(content))
