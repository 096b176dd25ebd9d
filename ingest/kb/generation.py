"""Generations and segments on disk: immutable, complete, published by one atomic swap.

::

    data/catalogue.sqlite3                    the truth
    data/originals/<sha256>                   the files' bytes
    data/segments/seg-…/                      lexical files, vectors, ``segment.json`` (written last)
    data/generations/gen-000007/kb.json       which segments and documents make up the generation
    data/CURRENT                              the name of the live generation
    data/writer.lock                          pid and time of the process that writes

Nothing that is live is ever changed: a new document writes a small segment and a new ``kb.json``; a deletion leaves the document out of
the next ``kb.json``. ``CURRENT`` is replaced with ``os.replace`` after everything it points to was flushed to disk.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.kb.analyse import Analyser
from ingest.kb.errors import KnowledgeBaseError, LockedError
from ingest.kb.lexical import write_lexical
from ingest.kb.model import Passage
from ingest.kb.vectors import write_vectors

__all__ = [
    "FORMAT_VERSION",
    "Generation",
    "Identity",
    "Layout",
    "SegmentEntry",
    "build_segment",
    "collect_garbage",
    "crash_point",
    "current_generation",
    "file_digest",
    "is_live",
    "lock_holder",
    "passage_terms",
    "publish",
    "read_generation",
    "segment_faults",
    "store_faults",
    "write_atomically",
    "writer_lock",
]

FORMAT_VERSION = 1
LANGUAGES = ("zh-Hant", "zh-Hans", "en")
_GENERATION = re.compile(r"gen-[0-9]{6,}")
# A torn file may say that it has terabytes; a record of a hundred thousand documents has four megabytes.
_MAX_RECORD = 64_000_000
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}")
_REBUILD = "Run `wenju doctor --fix` to build it again."


def crash_point(name: str) -> None:
    """End the process at once if ``WENJU_CRASH_AT`` names this point; tests of crash safety only."""
    if os.environ.get("WENJU_CRASH_AT") == name:
        os.kill(os.getpid(), 9)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies in a data directory."""

    data_dir: Path

    @property
    def catalogue(self) -> Path:
        """The SQLite catalogue."""
        return self.data_dir / "catalogue.sqlite3"

    @property
    def originals(self) -> Path:
        """The originals, named by digest."""
        return self.data_dir / "originals"

    @property
    def segments(self) -> Path:
        """The segments' folder."""
        return self.data_dir / "segments"

    @property
    def generations(self) -> Path:
        """The generations' folder."""
        return self.data_dir / "generations"

    @property
    def current(self) -> Path:
        """The pointer to the live generation."""
        return self.data_dir / "CURRENT"

    @property
    def lock(self) -> Path:
        """The writer's lock."""
        return self.data_dir / "writer.lock"

    @property
    def stores(self) -> Path:
        """The copies of Chroma's files that processes have open."""
        return self.data_dir / "cache" / "stores"

    @property
    def images(self) -> Path:
        """Cached page images."""
        return self.data_dir / "cache" / "pages"


@dataclass(frozen=True, slots=True)
class Identity:
    """What an index and its questions must have in common."""

    analyser: str
    splitter: str
    embedding: str
    format: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """One segment of a generation: its name, its passages, and its documents that are live in this generation."""

    name: str
    passages: int
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """The content of ``kb.json``."""

    number: int
    created: str
    identity: Identity
    segments: tuple[SegmentEntry, ...]

    @property
    def name(self) -> str:
        """Directory name, also what answers carry."""
        return f"gen-{self.number:06d}"

    @property
    def documents(self) -> dict[str, str]:
        """The live documents and the segment that holds each."""
        return {document: segment.name for segment in self.segments for document in segment.documents}


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fsync_tree(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            handle = os.open(Path(root) / name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        _fsync_folder(Path(root))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that after a crash it is the old or the new one, never a torn one."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with temporary.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, path)
    _fsync_folder(path.parent)


def _sealed(record: dict[str, Any]) -> bytes:
    """Return a record as JSON with the digest of itself, so that a flipped bit in it is not taken for another document."""
    return json.dumps(record | {"sha256": _digest_of(record)}, ensure_ascii=False, indent=1).encode("utf-8")


def _unsealed(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(_text_of(path))
    seal = record.pop("sha256", None)
    if seal is not None and seal != _digest_of(record):
        raise ValueError("it was altered after it was written")
    return record


def _text_of(path: Path) -> str:
    with path.open("rb") as handle:
        content = handle.read(_MAX_RECORD + 1)
    if len(content) > _MAX_RECORD:
        raise ValueError(f"it has {path.stat().st_size:,} bytes")
    return content.decode("utf-8")


def _digest_of(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def current_generation(layout: Layout) -> Generation | None:
    """Return the live generation, None if nothing was ever published.

    Raises:
        KnowledgeBaseError: The pointer or what it names is unreadable.
    """
    name = _current_name(layout)
    while name is not None:
        try:
            return read_generation(layout, name)
        except KnowledgeBaseError:
            # A writer that published more than once since we read the pointer has collected what it named.
            fresh = _current_name(layout)
            if fresh == name:
                raise
            name = fresh
    return None


def is_live(layout: Layout, segment: str) -> bool:
    """Return whether a segment is part of the live index, or nothing was published; a writer that merged it away may have collected it.

    Raises:
        KnowledgeBaseError: As ``current_generation``.
    """
    generation = current_generation(layout)
    return generation is None or segment in {entry.name for entry in generation.segments}


def _current_name(layout: Layout) -> str | None:
    try:
        name = _text_of(layout.current).strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise KnowledgeBaseError(f"the pointer {layout.current} cannot be read: {error}", hint=_REBUILD) from error
    if not _GENERATION.fullmatch(name):
        raise KnowledgeBaseError(f"the pointer {layout.current} names no generation: {name[:40]!r}", hint=_REBUILD)
    return name


def read_generation(layout: Layout, name: str) -> Generation:
    """Return a generation by name.

    Raises:
        KnowledgeBaseError: It is missing or unreadable.
    """
    path = layout.generations / name / "kb.json"
    try:
        record = _unsealed(path)
        return Generation(
            number=record["number"],
            created=record["created"],
            identity=Identity(**record["identity"]),
            segments=tuple(SegmentEntry(entry["name"], entry["passages"], tuple(entry["documents"])) for entry in record["segments"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KnowledgeBaseError(f"the generation file {path} cannot be read: {error}", hint=_REBUILD) from error


def publish(layout: Layout, *, identity: Identity, segments: Sequence[SegmentEntry], previous: Generation | None) -> Generation:
    """Make a generation of finished segments the live one."""
    numbers = [int(path.name[4:]) for path in layout.generations.glob("gen-[0-9]*") if path.name[4:].isdigit()]
    generation = Generation(
        number=max([previous.number if previous else 0, *numbers], default=0) + 1,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        identity=identity,
        segments=tuple(segments),
    )
    folder = layout.generations / generation.name
    folder.mkdir(parents=True)
    record = {
        "number": generation.number,
        "created": generation.created,
        "identity": asdict(identity),
        "segments": [asdict(segment) for segment in generation.segments],
    }
    write_atomically(folder / "kb.json", _sealed(record))
    _fsync_folder(layout.generations)
    crash_point("before_swap")
    write_atomically(layout.current, generation.name.encode("utf-8"))
    crash_point("after_swap")
    return generation


def passage_terms(analyser: Analyser, passage: Passage, text: str, title: str) -> Any:
    """Return the index terms of a passage: those of its text, and under ``h`` the words and concepts of its headings and title.

    The header of a table is text: without the names of its columns a row says nothing.
    """
    terms = analyser.analyse(f"{passage.header}\n{text}" if passage.header and not text.startswith(passage.header) else text).terms()
    context = " \n ".join((title, *passage.heading))
    for term, count in analyser.analyse(context).terms().items():
        if term[0] in "wbc":
            terms[f"h{term}"] += count
    return terms


def build_segment(
    layout: Layout,
    *,
    passages: Sequence[tuple[Passage, str]],
    titles: dict[str, str],
    analyser: Analyser,
    vectors: NDArray[np.float32] | None,
) -> SegmentEntry:
    """Write a segment aside, flush it, and move it to its place.

    Args:
        layout: The data directory.
        passages: With their text, in reading order.
        titles: Title of each document, by id.
        analyser: Makes the index terms.
        vectors: Unit vectors in the same order, None without a dense leg.
    """
    name = f"seg-{uuid.uuid4().hex[:12]}"
    layout.segments.mkdir(parents=True, exist_ok=True)
    building = layout.segments / f".building-{name}"
    building.mkdir()
    write_lexical(building, (passage_terms(analyser, p, text, titles.get(p.document_id, "")) for p, text in passages))
    crash_point("after_lexical")
    documents = list(dict.fromkeys(passage.document_id for passage, _ in passages))
    place = {document: index for index, document in enumerate(documents)}
    ids = [passage.id for passage, _ in passages]
    np.save(building / "ids.npy", np.array(ids, dtype="S28"))
    np.save(building / "document.npy", np.array([place[p.document_id] for p, _ in passages], dtype=np.int32))
    np.save(building / "language.npy", np.array([LANGUAGES.index(p.language) for p, _ in passages], dtype=np.int8))
    if vectors is not None:
        write_vectors(building, ids, vectors)
        crash_point("after_vectors")
    files = _recorded_files(building)
    store = [path for path in sorted((building / "chroma").rglob("*")) if path.is_file() and path.suffix != ".lock"]
    record = {
        "name": name,
        "passages": len(ids),
        "documents": documents,
        "dense": vectors is not None,
        "files": {str(path.relative_to(building)): path.stat().st_size for path in files},
        "digests": {str(path.relative_to(building)): file_digest(path) for path in files},
        "store": {str(path.relative_to(building)): [path.stat().st_size, file_digest(path)] for path in store},
    }
    write_atomically(building / "segment.json", _sealed(record))
    _fsync_tree(building)
    crash_point("before_segment_rename")
    os.rename(building, layout.segments / name)
    _fsync_folder(layout.segments)
    crash_point("after_segment_rename")
    return SegmentEntry(name, len(ids), tuple(documents))


def _recorded_files(folder: Path) -> list[Path]:
    """Return the files that a segment cannot do without: not Chroma's, without which its own vectors answer, and no engine's locks."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock" and path.name != "segment.json")
    return [path for path in found if "chroma" not in path.relative_to(folder).parts]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def segment_faults(folder: Path, *, deep: bool) -> list[str]:
    """Return what is wrong with a segment's files compared with what was written; ``store_faults`` does so for Chroma's.

    Args:
        folder: The segment's.
        deep: Compare the bytes by their digests, not only the sizes.
    """
    try:
        record = _unsealed(folder / "segment.json")
        sizes, digests = dict(record["files"]), dict(record.get("digests", {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"segment.json cannot be read: {error}"]
    return _file_faults(folder, sizes, digests if deep else {})


def store_faults(folder: Path) -> list[str]:
    """Return what is wrong with a segment's Chroma files, which are opened as copies only, compared with what was written.

    Segments of versions before 1.1 have no such list: theirs were opened where they lay.
    """
    try:
        record = _unsealed(folder / "segment.json")
        written = dict(record.get("store", {}))
        faults = _file_faults(folder, {n: entry[0] for n, entry in written.items()}, {n: entry[1] for n, entry in written.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"segment.json cannot be read: {error}"]
    found = (path for path in sorted((folder / "chroma").rglob("*")) if path.is_file() and path.suffix != ".lock")
    strange = [str(path.relative_to(folder)) for path in found if written and str(path.relative_to(folder)) not in written]
    return [*faults, *(f"{name} was not written by an ingest" for name in strange)]


def _file_faults(folder: Path, sizes: dict[str, int], digests: dict[str, str]) -> list[str]:
    faults = []
    for name, size in sizes.items():
        path = folder / name
        try:
            found = path.stat().st_size
            if found != size:
                faults.append(f"{name} has {found:,} bytes, {size:,} were written")
            elif name in digests and file_digest(path) != digests[name]:
                faults.append(f"{name} has other bytes than were written")
        except OSError as error:
            faults.append(f"{name} cannot be read: {error.strerror or error}")
    return faults


def collect_garbage(layout: Layout, *, keep: int = 2, originals: Collection[str] | None = None) -> list[str]:
    """Remove generations but the newest ``keep`` and the live one, segments that no remaining generation names, and leftovers.

    Args:
        layout: The data directory.
        keep: Generations to keep, so that a reader that has just read the pointer still finds what it names.
        originals: Digests of the originals to keep; None keeps all.

    Returns:
        The names of what was removed. Call with the writer's lock held.
    """
    live = current_generation(layout)
    names = sorted(path.name for path in layout.generations.glob("gen-*"))
    kept = set(names[-keep:]) | ({live.name} if live else set())
    unwanted = [layout.generations / name for name in names if name not in kept]
    needed = {segment.name for segment in live.segments} if live else set()
    for name in kept - ({live.name} if live else set()):
        # A generation that was cut off before its file was written names nothing.
        with suppress(KnowledgeBaseError):
            needed |= {segment.name for segment in read_generation(layout, name).segments}
    unwanted += [path for path in _listed(layout.segments) if path.name not in needed]
    # Half-written files of write_atomically; whoever wrote them held the lock that we hold now.
    for folder in (layout.data_dir, layout.originals, *(layout.generations / name for name in kept)):
        unwanted += [path for path in _listed(folder) if _TEMPORARY.fullmatch(path.name)]
    if originals is not None:
        unwanted += [path for path in _listed(layout.originals) if path.name not in originals and not path.name.startswith(".")]
    for path in unwanted:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return [path.name for path in unwanted]


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def lock_holder(layout: Layout) -> tuple[bool, str]:
    """Return whether a process is writing now, and what the lock file says of its holder (the last one, if it was cut off)."""
    try:
        with layout.lock.open("r", encoding="utf-8", errors="replace") as handle:
            text = handle.read(200).strip()
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True, text
            return False, text
    except FileNotFoundError:
        return False, ""


@contextmanager
def writer_lock(layout: Layout, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the writer's lock.

    The lock is ``flock`` on a file that names its holder; the kernel frees it when the holder dies, so a stale lock cannot remain.

    Args:
        layout: The data directory.
        wait_s: Seconds to wait for another writer.

    Raises:
        LockedError: Another process is writing; the message names it.
    """
    layout.data_dir.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+", encoding="utf-8") as handle:
        # A short look of `wenju doctor` is no writer.
        deadline = time.monotonic() + max(wait_s, 0.3)
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
                if time.monotonic() >= deadline:
                    handle.seek(0)
                    holder = handle.read().strip() or "another process"
                    raise LockedError(
                        f"{layout.data_dir} is being written by {holder}", hint="Wait until it is done, then try again."
                    ) from error
                time.sleep(0.1)
        handle.seek(0)
        handle.truncate()
        handle.write(f"pid {os.getpid()} since {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}")
        handle.flush()
        try:
            yield
        finally:
            handle.seek(0)
            handle.truncate()
            handle.flush()
