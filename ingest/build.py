"""The pipeline: files → documents in the catalogue → one new generation, published whole or not at all."""

from __future__ import annotations

import errno
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ingest.blocks import Head, Page
from ingest.kb.catalogue import SQLITE_FULL, SourceFile
from ingest.kb.embedding import content_hash, passage_text, sentence_texts
from ingest.kb.errors import LimitExceeded, NoSpaceError, NoTextFound, NotFoundError, ReadError, WenjuError
from ingest.kb.generation import (
    Generation,
    Layout,
    SegmentEntry,
    build_segment,
    collect_garbage,
    crash_point,
    current_generation,
    publish,
    segment_faults,
    write_atomically,
    writer_lock,
)
from ingest.kb.knowledge import KnowledgeBase
from ingest.kb.model import Document, Language, Passage
from ingest.kb.script import detect_language
from ingest.kb.settings import Settings
from ingest.kb.worker import close_workers
from ingest.readers import READER_VERSION
from ingest.readers.ocr import advice
from ingest.sandbox import read_in_child
from ingest.sources import digest, find_files
from ingest.split import SPLITTER_VERSION, split_page

__all__ = [
    "BuildSummary",
    "FileResult",
    "Progress",
    "Reporter",
    "ingest_paths",
    "publish_catalogue",
    "remove_documents",
    "splitter_identity",
]

Outcome = Literal["added", "updated", "unchanged", "removed", "failed"]
# More live segments than this are merged into one with their like.
_MAX_SEGMENTS = 8
_FREE_BYTES = 50_000_000
_FULL = re.compile(r"no space left|disk is full|file too large|file size limit|disk quota|os error (?:28|27|122)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file."""

    path: str
    outcome: Outcome
    document_id: str = ""
    pages: int = 0
    passages: int = 0
    seconds: float = 0.0
    code: str = ""
    reason: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class BuildSummary:
    """What a run did.

    Attributes:
        generation: The live generation after the run, empty if nothing was ever published.
    """

    files: list[FileResult] = field(default_factory=list)
    generation: str = ""
    documents: int = 0
    passages: int = 0
    embedded: int = 0
    seconds: float = 0.0
    dry_run: bool = False

    @property
    def failed(self) -> list[FileResult]:
        """The files that could not be read."""
        return [result for result in self.files if result.outcome == "failed"]

    @property
    def exit_code(self) -> int:
        """0 if every file was read, else 3."""
        return 3 if self.failed else 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a run: the stage, how far it is, and the file at hand."""

    stage: Literal["reading", "embedding", "indexing", "publishing"]
    done: int
    total: int
    current: str = ""
    pages: int = 0


Reporter = Callable[[Progress], None]


def _quiet(_progress: Progress) -> None:
    """Report to nobody."""


def splitter_identity(settings: Settings) -> str:
    """Return what passages depend on besides the text: documents stored under another identity are read again."""
    sizes = settings.retrieval
    return f"{READER_VERSION}.{SPLITTER_VERSION}/{sizes.passage_chars_zh}/{sizes.passage_chars_en}"


def _check_space(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.data_dir).free
    if free < _FREE_BYTES:
        raise NoSpaceError(
            f"{settings.data_dir} has {free // 1_000_000} MB free, an ingest needs at least {_FREE_BYTES // 1_000_000} MB",
            hint="Free some space, or set WENJU_DATA_DIR to another disk. What was published before is untouched.",
        )


def ingest_paths(
    settings: Settings,
    paths: Sequence[Path],
    *,
    report: Reporter = _quiet,
    force: bool = False,
    dry_run: bool = False,
    names: dict[Path, str] | None = None,
    password: str | None = None,
    wait_s: float = 0.0,
    remove_missing: bool = True,
) -> BuildSummary:
    """Read files and publish a generation with them.

    Args:
        settings: Where and how.
        paths: Files and folders; none at all only publishes what the catalogue holds. Files that were ingested from one of these folders
            before and are gone are removed.
        report: Is told of each step.
        force: Read unchanged files again.
        dry_run: Only say what would be done; nothing is written.
        names: File names to show instead of the paths' own (uploads).
        password: For locked PDFs.
        wait_s: Seconds to wait for another writer.
        remove_missing: Remove documents whose files are gone from a given folder.

    Raises:
        SourceError: A path does not exist or holds nothing to read.
        LockedError: Another process is writing.
        NoSpaceError: The disk is full; the live generation is untouched.
    """
    started = time.monotonic()
    files = find_files(paths)
    if dry_run:
        return _plan(settings, files)
    _check_space(settings)
    with _writing(settings, wait_s=wait_s, create=True) as kb:
        # Files are known by their absolute paths, whatever the caller wrote.
        shown = {path.resolve(): name for path, name in (names or {}).items()}
        run = _Run(kb, report=report, force=force, names=shown, password=password)
        run.read_all(files)
        if remove_missing:
            run.remove_missing([path.resolve() for path in paths if path.is_dir()], files)
        run.publish()
    run.summary.seconds = time.monotonic() - started
    return run.summary


@contextmanager
def _writing(settings: Settings, *, wait_s: float, create: bool = False) -> Iterator[KnowledgeBase]:
    """The knowledge base with the writer's lock held; a disk that fills up is told as such, whoever noticed it."""
    try:
        with writer_lock(Layout(settings.data_dir), wait_s=wait_s):
            kb = KnowledgeBase(settings, create=create)
            try:
                yield kb
            finally:
                kb.close()
    except Exception as error:
        if isinstance(error, NoSpaceError) or not _is_full(error):
            raise
        raise NoSpaceError(
            f"the disk filled up while writing to {settings.data_dir}",
            hint="Free some space and run the same command again: what was read is kept, the live generation is untouched.",
        ) from error


def _is_full(error: BaseException) -> bool:
    """Return whether an error, or what caused it, is want of space: the engines underneath each say it in their own way."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return True
        if getattr(getattr(seen, "orig", None), "sqlite_errorcode", 0) in SQLITE_FULL or _FULL.search(str(seen)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def remove_documents(settings: Settings, ids: Sequence[str], *, report: Reporter = _quiet, wait_s: float = 10.0) -> BuildSummary:
    """Publish a generation without some documents, then remove them from the catalogue and from disk.

    Raises:
        NotFoundError: There is no such document.
        LockedError: Another process is writing.
    """
    with _writing(settings, wait_s=wait_s) as kb:
        run = _Run(kb, report=report)
        known = kb.catalogue.documents()
        for document_id in ids:
            if document_id not in known:
                raise NotFoundError(f"there is no document {document_id}", hint="`wenju documents list` shows what there is.")
            run.summary.files.append(FileResult(known[document_id].file_name, "removed", document_id))
        kb.catalogue.mark_removed(ids)
        crash_point("after_mark_removed")
        run.publish()
        return run.summary


def publish_catalogue(settings: Settings, *, report: Reporter = _quiet, wait_s: float = 0.0, rebuild: bool = False) -> BuildSummary:
    """Publish what the catalogue holds, without reading any file again.

    Args:
        settings: Where and how.
        report: Is told of each step.
        wait_s: Seconds to wait for another writer.
        rebuild: Write every segment anew, even those that look whole.
    """
    with _writing(settings, wait_s=wait_s) as kb:
        run = _Run(kb, report=report, rebuild=rebuild)
        run.publish()
        return run.summary


def _plan(settings: Settings, files: Sequence[Path]) -> BuildSummary:
    summary = BuildSummary(dry_run=True)
    known: dict[str, SourceFile] = {}
    documents: dict[str, Document] = {}
    if Layout(settings.data_dir).catalogue.exists():
        kb = KnowledgeBase(settings)
        known, documents = kb.catalogue.sources(), kb.catalogue.documents()
        kb.close()
    for path in files:
        document_id = f"doc_{digest(path)[:16]}"
        if document_id in documents:
            summary.files.append(FileResult(str(path), "unchanged", document_id))
        else:
            outcome: Outcome = "updated" if str(path) in known else "added"
            summary.files.append(FileResult(str(path), outcome, document_id))
    return summary


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:20])) + (" …" if len(numbers) > 20 else "")


class _Run:
    """One run of the pipeline, with the writer's lock held."""

    def __init__(
        self,
        kb: KnowledgeBase,
        *,
        report: Reporter = _quiet,
        force: bool = False,
        names: dict[Path, str] | None = None,
        password: str | None = None,
        rebuild: bool = False,
    ) -> None:
        self.kb = kb
        self.report = report
        self.force = force
        self.names = names or {}
        self.password = password
        self.rebuild = rebuild
        self.summary = BuildSummary()

    # ---- reading ---------------------------------------------------------------------------------------------------------------------

    def read_all(self, files: Sequence[Path]) -> None:
        """Read the files, side by side in child processes; each lands in the catalogue as soon as it is read."""
        sources = self.kb.catalogue.sources()
        documents = self.kb.catalogue.documents()
        splitters = self.kb.catalogue.splitters()
        todo: list[tuple[Path, str]] = []
        for path in files:
            sha256 = digest(path)
            document_id = f"doc_{sha256[:16]}"
            same = documents.get(document_id)
            if same and same.sha256 == sha256 and splitters[document_id] == self._splitter and not self.force:
                self._note(path, document_id)
                self.summary.files.append(FileResult(str(path), "unchanged", document_id, pages=same.page_count, warnings=same.warnings))
            else:
                todo.append((path, sha256))
        with ThreadPoolExecutor(max_workers=max(1, self.kb.settings.read.workers)) as pool:
            for done, result in enumerate(pool.map(lambda item: self._read_one(*item), todo)):
                if result.outcome == "added" and result.path in sources:
                    result = replace(result, outcome="updated")
                self.summary.files.append(result)
                self.report(Progress("reading", done + 1, len(todo), result.path, result.pages))
        close_workers()

    @property
    def _splitter(self) -> str:
        return splitter_identity(self.kb.settings)

    def _note(self, path: Path, document_id: str) -> None:
        if path in self.names:
            self.kb.catalogue.keep_document(document_id)
            return
        stat = path.stat()
        self.kb.catalogue.put_source(SourceFile(str(path), document_id, stat.st_size, stat.st_mtime_ns))

    def _read_one(self, path: Path, sha256: str) -> FileResult:
        started = time.monotonic()
        try:
            document, pages, passages = self._document(path, sha256)
        except ReadError as error:
            return FileResult(
                str(path),
                "failed",
                seconds=time.monotonic() - started,
                code=error.code,
                reason=error.message,
                hint=error.hint,
            )
        stat = path.stat()
        source = None if path in self.names else SourceFile(str(path), document.id, stat.st_size, stat.st_mtime_ns)
        self._keep_original(path, sha256)
        crash_point("before_catalogue")
        self.kb.catalogue.put_document(document, pages, passages, splitter=self._splitter, source=source)
        crash_point("after_catalogue")
        return FileResult(
            str(path),
            "added",
            document.id,
            pages=document.page_count,
            passages=len(passages),
            seconds=time.monotonic() - started,
            warnings=document.warnings,
        )

    def _document(self, path: Path, sha256: str) -> tuple[Document, list[Page], list[Passage]]:
        settings = self.kb.settings
        name = self.names.get(path, path.name)
        size = path.stat().st_size
        if size > settings.read.max_bytes:
            raise LimitExceeded(
                f"{name} has {size:,} bytes, the limit is {settings.read.max_bytes:,}",
                hint="Raise read.max_bytes (WENJU_READ__MAX_BYTES) if you trust the file.",
            )
        head: Head | None = None
        pages: list[Page] = []
        for item in read_in_child(path, settings=settings.read, password=self.password, name=name):
            if isinstance(item, Head):
                head = item
            else:
                pages.append(item)
        if head is None or not any(page.text.strip() for page in pages):
            raise NoTextFound(
                f"{name}: no text on any of its {len(pages)} page(s): it looks like a scan"
                if pages and head and head.paged
                else f"{name}: there is no text in it",
                hint=(advice(settings.read) if head and head.paged else "") or "Give a file with text in it.",
            )
        sample = "\n".join(page.text for page in pages)[:200_000]
        language: Language = head.language if head.language in ("zh-Hant", "zh-Hans", "en") else detect_language(sample)  # type: ignore[assignment]
        empty = [page.number for page in pages if not page.text.strip()]
        warnings = list(head.warnings)
        if empty:
            warnings.append(f"no text on {len(empty)} of {len(pages)} pages: {_listed(empty)}")
            scans = any("no text layer" in warning for page in pages for warning in page.warnings)
            warnings += [advice(settings.read)] if scans and advice(settings.read) else []
        by_ocr = [page.number for page in pages if page.ocr]
        if by_ocr:
            warnings.append(f"read by OCR, may hold errors: {len(by_ocr)} of {len(pages)} pages: {_listed(by_ocr)}")
        document = Document(
            id=f"doc_{sha256[:16]}",
            sha256=sha256,
            file_name=name,
            title=head.title or Path(name).stem,
            language=language,
            media_type=head.media_type,
            size=size,
            page_count=len(pages),
            paged=head.paged,
            date=head.date or None,
            publisher=head.publisher or None,
            tags=head.tags,
            warnings=tuple(warnings),
            metadata=head.metadata,
        )
        passages = [
            passage
            for page in pages
            for passage in split_page(page, document_id=document.id, sha256=sha256, language=language, settings=settings.retrieval)
        ]
        if not passages:
            raise NoTextFound(
                f"{name}: there is nothing in it but headings or a table of contents", hint="Give a file with sentences or tables."
            )
        return document, pages, passages

    def _keep_original(self, path: Path, sha256: str) -> None:
        folder = self.kb.layout.originals
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / sha256).exists():
            write_atomically(folder / sha256, path.read_bytes())

    def remove_missing(self, roots: Sequence[Path], files: Sequence[Path]) -> None:
        """Remove the documents whose files lay under one of the folders and are gone."""
        present = {str(path) for path in files}
        sources = self.kb.catalogue.sources()
        lost = [
            source
            for source in sources.values()
            if source.path not in present
            and any(Path(source.path).is_relative_to(root) for root in roots)
            and not Path(source.path).exists()
        ]
        self.kb.catalogue.forget_sources([source.path for source in lost])
        self.summary.files.extend(FileResult(source.path, "removed", source.document_id) for source in lost)
        crash_point("after_forget")

    # ---- publishing ------------------------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Publish the catalogue's documents, less those that are gone, writing only the segments that are missing."""
        kb = self.kb
        identity = kb.identity(SPLITTER_VERSION)
        before = self._previous()
        documents = kb.catalogue.documents()
        # Also what an earlier run that was cut off left to do.
        pending = kb.catalogue.pending()
        changed = {name for name, action in pending.items() if action == "publish"}
        gone = [name for name, action in pending.items() if action == "remove"]
        wanted = [name for name in documents if pending.get(name) != "remove"]
        kept = self._kept_segments(before, set(wanted) - changed) if before and before.identity == identity and not self.rebuild else []
        held = {name for entry in kept for name in entry.documents}
        missing = [name for name in wanted if name not in held]
        kept, missing = _merge(kept, missing, limit=_MAX_SEGMENTS)
        new = self._segment(missing, documents) if missing else []
        segments = [*kept, *new]
        if before is None or tuple(segments) != before.segments or identity != before.identity:
            self.report(Progress("publishing", 0, 1))
            generation = publish(kb.layout, identity=identity, segments=segments, previous=before)
            self.report(Progress("publishing", 1, 1))
        else:
            generation = before
        kb.catalogue.settle(list(changed))
        kb.catalogue.remove_documents(gone)
        crash_point("after_removal")
        remaining = {document.sha256 for name, document in documents.items() if pending.get(name) != "remove"}
        collect_garbage(kb.layout, originals=remaining)
        self.summary.generation = generation.name
        self.summary.documents = len(generation.documents)
        # Not what the segments hold: what was read again stays in its segment until segments are merged.
        self.summary.passages = sum(kb.catalogue.passage_counts().values())

    def _previous(self) -> Generation | None:
        try:
            return current_generation(self.kb.layout)
        except WenjuError:
            # The catalogue is the truth: an unreadable generation is built again, not mourned.
            return None

    def _kept_segments(self, before: Generation, wanted: set[str]) -> list[SegmentEntry]:
        kept = []
        for entry in before.segments:
            if segment_faults(self.kb.layout.segments / entry.name, deep=False):
                continue
            live = tuple(name for name in entry.documents if name in wanted)
            if live:
                kept.append(SegmentEntry(entry.name, entry.passages, live))
        return kept

    def _segment(self, names: Sequence[str], documents: dict[str, Document]) -> list[SegmentEntry]:
        passages = list(self.kb.catalogue.passages_of(names))
        if not passages:
            return []
        vectors = self._embed(passages, documents)
        self.report(Progress("indexing", 0, len(passages)))
        entry = build_segment(
            self.kb.layout,
            passages=passages,
            titles={name: documents[name].title for name in names},
            analyser=self.kb.analyser,
            vectors=vectors,
        )
        self.report(Progress("indexing", len(passages), len(passages)))
        return [entry]

    def _embed(self, passages: Sequence[tuple[Passage, str]], documents: dict[str, Document]) -> NDArray[np.float32] | None:
        embedder = self.kb.embedder
        if embedder is None:
            return None
        titled = [(passage, text, documents[passage.document_id].title) for passage, text in passages]
        keys = [content_hash(passage_text(*one)) for one in titled]
        known = self.kb.catalogue.vectors(embedder.identity, list(dict.fromkeys(keys)))
        fresh = [(key, one) for key, one in dict(zip(keys, titled, strict=True)).items() if key not in known]
        size = self.kb.settings.embedding.batch_size
        for start in range(0, len(fresh), size):
            batch = fresh[start : start + size]
            names, texts = [key for key, _ in batch], [passage_text(*one) for _, one in batch]
            sentences = [sentence_texts(*one) if embedder.of_sentences else [] for _, one in batch]
            every = list(dict.fromkeys([*texts, *(text for some in sentences for text in some)]))
            found = dict(zip(every, embedder.embed_passages(every), strict=True))
            # First: a passage whose own vector is there is not embedded again.
            matrices = {name: np.stack([found[text] for text in some]) for name, some in zip(names, sentences, strict=True) if some}
            self.kb.catalogue.put_sentence_vectors(embedder.identity, matrices)
            vectors = {name: found[text] for name, text in zip(names, texts, strict=True)}
            self.kb.catalogue.put_vectors(embedder.identity, vectors)
            known.update(vectors)
            self.summary.embedded += len(batch)
            self.report(Progress("embedding", min(start + size, len(fresh)), len(fresh)))
            crash_point("during_embedding")
        return np.stack([known[key] for key in keys]).astype(np.float32)


def _merge(kept: list[SegmentEntry], missing: list[str], *, limit: int) -> tuple[list[SegmentEntry], list[str]]:
    """Return the segments to keep and the documents to write anew, so that segments stay few.

    When there are too many, the smallest half is rewritten together with the new documents; a segment most of whose documents
    are deleted is rewritten too. A large segment is thus rewritten rarely.
    """
    if len(kept) < limit:
        return kept, missing
    by_size = sorted(kept, key=lambda entry: entry.passages)
    small = by_size[: len(by_size) // 2]
    rest = [entry for entry in kept if entry not in small]
    return rest, [*(name for entry in small for name in entry.documents), *missing]
