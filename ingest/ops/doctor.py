"""Is the installation and its knowledge base well? One line a check, each with what to do about it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from contextlib import closing
from importlib import metadata

from ingest.kb.analyse import Analyser
from ingest.kb.catalogue import SCHEMA_VERSION, Catalogue
from ingest.kb.embedding import make_embedder
from ingest.kb.errors import KnowledgeBaseError, WenjuError
from ingest.kb.generation import FORMAT_VERSION, Generation, Layout, SegmentEntry, current_generation, lock_holder, segment_faults
from ingest.kb.lexicon import load_lexicon
from ingest.kb.settings import Settings, load_settings
from ingest.ops.checks import Check, State, chroma_server_checks, llm_checks
from ingest.ops.upkeep import stale_uploads
from ingest.readers.ocr import advice

__all__ = ["Check", "diagnose", "needs_rebuild"]

_FREE_FAIL, _FREE_WARN = 50_000_000, 1_000_000_000
_CACHE_WARN = 400_000_000
_EMBEDDER_TIMEOUT_S = 30.0
_ENGINES = ("chromadb", "tantivy", "llama-index-core", "pypdf", "pypdfium2", "numpy", "opencc")
# A fault in one of these is mended by building the index again from the catalogue.
_REBUILT = frozenset({"generation", "segments", "vectors", "chroma", "identity"})
_FIX = "Run `wenju doctor --fix`: it is built again from the catalogue, no file is read or embedded anew."


def needs_rebuild(checks: list[Check]) -> bool:
    """Return whether building the index again would mend something."""
    return any(check.state == "fail" and check.name in _REBUILT for check in checks)


def diagnose() -> list[Check]:
    """Run every check that can be run; one that cannot even start is a fault of its own."""
    checks = [_versions()]
    try:
        settings = load_settings()
    except WenjuError as error:
        return [*checks, Check("settings", "fail", error.message, error.hint)]
    checks.append(Check("settings", "ok", f"read; the knowledge base lies in {settings.data_dir}"))
    layout = Layout(settings.data_dir)
    parts: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("data_dir", lambda: _data_dir(layout)),
        ("lock", lambda: _lock(layout)),
        ("lexicon", lambda: _lexicon(settings)),
        ("embedder", lambda: _embedder(settings)),
        ("llm", lambda: llm_checks(settings)),
        ("ocr", lambda: _ocr(settings)),
        ("cache", lambda: _cache(layout)),
        ("uploads", lambda: _uploads(layout)),
        ("chroma_server", lambda: chroma_server_checks(settings)),
        ("catalogue", lambda: _catalogue(layout)),
        ("generation", lambda: _generation(layout, settings)),
    ]
    for name, part in parts:
        try:
            checks.extend(part())
        except WenjuError as error:
            checks.append(Check(name, "fail", error.message, error.hint))
        except Exception as error:
            # A check that breaks is a finding, and must not hide the checks after it.
            checks.append(Check(name, "fail", f"the check itself failed: {type(error).__name__}: {error}"))
    return checks


def _versions() -> Check:
    found = []
    for name in ("wenju", *_ENGINES):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} (not installed)")
    python = ".".join(map(str, sys.version_info[:3]))
    return Check("versions", "ok", f"{found[0]}, Python {python}, SQLite {sqlite3.sqlite_version}, {', '.join(found[1:])}")


def _data_dir(layout: Layout) -> Iterator[Check]:
    folder = layout.data_dir
    if not folder.exists():
        yield Check("data_dir", "warn", f"{folder} does not exist yet", "Run `wenju ingest PATH`, or set WENJU_DATA_DIR.")
        return
    trial = folder / f".doctor.{uuid.uuid4().hex[:8]}"
    try:
        with trial.open("wb") as handle:
            handle.write(b"wenju")
            handle.flush()
            os.fsync(handle.fileno())
        yield Check("data_dir", "ok", f"{folder} can be written and flushed")
    except OSError as error:
        yield Check("data_dir", "fail", f"{folder} cannot be written: {error.strerror}", "Check its owner and mode, or set WENJU_DATA_DIR.")
    finally:
        trial.unlink(missing_ok=True)
    free = shutil.disk_usage(folder).free
    state: State = "fail" if free < _FREE_FAIL else "warn" if free < _FREE_WARN else "ok"
    yield Check(
        "disk", state, f"{free / 1e9:,.1f} GB free", "" if state == "ok" else "Free some space: an ingest needs room beside the old."
    )


def _lock(layout: Layout) -> Iterator[Check]:
    held, text = lock_holder(layout)
    if held:
        yield Check(
            "lock", "warn", f"{text or 'another process'} is writing now", "Wait until it is done; what follows may change meanwhile."
        )
    elif text:
        yield Check("lock", "ok", f"free; its last holder ({text}) was cut off, the next writer finishes its work")
    else:
        yield Check("lock", "ok", "free")


def _lexicon(settings: Settings) -> Iterator[Check]:
    lexicon = load_lexicon(tuple(settings.lexicon_dirs), shipped=settings.lexicon_shipped)
    count = len(lexicon.concepts)
    if not count:
        yield Check("lexicon", "fail", "no concept was found", "Install the package whole: corpus/lexicon is part of it.")
        return
    yield Check("lexicon", "ok", f"{count:,} concepts, version {lexicon.version}")


def _embedder(settings: Settings) -> Iterator[Check]:
    provider = settings.embedding.provider
    embedder = make_embedder(settings.embedding, Analyser(load_lexicon(tuple(settings.lexicon_dirs), shipped=settings.lexicon_shipped)))
    if embedder is None:
        hint = "" if provider == "none" else "Install the embedding's package, or set WENJU_EMBEDDING__PROVIDER=none."
        yield Check("embedder", "ok" if provider == "none" else "warn", "none: questions are answered from words alone", hint)
        return
    pool = ThreadPoolExecutor(1)
    try:
        size = len(pool.submit(embedder.embed_question, "token").result(_EMBEDDER_TIMEOUT_S))
        yield Check("embedder", "ok", f"{provider}, {size} dimensions")
    except LateError:
        yield Check("embedder", "warn", f"{provider} gave no answer within {_EMBEDDER_TIMEOUT_S:g} s", "Check embedding.base_url.")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ocr(settings: Settings) -> Iterator[Check]:
    hint = advice(settings.read)
    yield Check(
        "ocr",
        "ok",
        f"off: pages without text are named, not read. {hint}" if hint else "on: pages without text are read from their picture",
    )


def _cache(layout: Layout) -> Iterator[Check]:
    sizes = [path.stat().st_size for path in layout.images.glob("*.webp")] if layout.images.is_dir() else []
    total = sum(sizes)
    state: State = "warn" if total > _CACHE_WARN else "ok"
    hint = "Run `wenju gc`." if state == "warn" else ""
    yield Check("cache", state, f"{len(sizes)} page images, {total / 1e6:,.1f} MB", hint)


def _uploads(layout: Layout) -> Iterator[Check]:
    old = len(stale_uploads(layout))
    if old:
        yield Check("uploads", "warn", f"{old} uploads of a stopped service were left behind", "Run `wenju gc`, or start the service.")
    else:
        yield Check("uploads", "ok", "nothing was left behind")


def _catalogue(layout: Layout) -> Iterator[Check]:
    if not layout.catalogue.exists():
        yield Check("catalogue", "warn", "nothing was ingested yet", "Run `wenju ingest PATH`.")
        return
    catalogue = Catalogue(layout.catalogue)
    try:
        faults = catalogue.check()
        if faults:
            yield Check("catalogue", "fail", "; ".join(faults[:3]), "Restore a backup: `wenju restore FILE --force`.")
            return
        documents = catalogue.documents()
        yield Check("catalogue", "ok", f"schema {SCHEMA_VERSION}, {len(documents)} documents")
        waiting = catalogue.pending()
        if waiting:
            yield Check("pending", "warn", f"{len(waiting)} documents wait to be published or removed", "Run `wenju ingest` again.")
        lost = [document.file_name for document in documents.values() if not (layout.originals / document.sha256).exists()]
        if lost:
            hint = "Restore a backup, or run `wenju ingest --force` on the files. Answers are not affected, page images are."
            yield Check("originals", "warn", f"missing, {len(lost)} of {len(documents)}: {', '.join(lost[:3])}", hint)
        else:
            yield Check("originals", "ok", f"{len(documents)} files")
    finally:
        catalogue.close()


def _generation(layout: Layout, settings: Settings) -> Iterator[Check]:
    if not layout.catalogue.exists():
        return
    try:
        generation = current_generation(layout)
    except KnowledgeBaseError as error:
        yield Check("generation", "fail", error.message, _FIX)
        return
    if generation is None:
        yield Check("generation", "warn", "nothing was published yet", "Run `wenju ingest PATH`.")
        return
    count = sum(entry.passages for entry in generation.segments)
    yield Check("generation", "ok", f"{generation.name} of {generation.created}: {len(generation.documents)} documents, {count:,} passages")
    yield from _identity(generation, settings)
    damaged: set[str] = set()
    for entry in generation.segments:
        faults = segment_faults(layout.segments / entry.name, deep=True)
        if faults:
            damaged.add(entry.name)
            yield Check("segments", "fail", f"{entry.name}: {'; '.join(faults[:3])}", _FIX)
    if not damaged:
        yield Check("segments", "ok", f"{len(generation.segments)} segments, every file as it was written")
    for entry in generation.segments:
        if entry.name not in damaged:
            yield from _vectors(layout, entry, generation)


def _identity(generation: Generation, settings: Settings) -> Iterator[Check]:
    analyser = Analyser(load_lexicon(tuple(settings.lexicon_dirs), shipped=settings.lexicon_shipped))
    embedder = make_embedder(settings.embedding, analyser)
    wanted = (FORMAT_VERSION, analyser.version)
    found = (generation.identity.format, generation.identity.analyser)
    if wanted != found:
        yield Check("identity", "fail", f"the index was built as {found}, this installation is {wanted}", "Run `wenju upgrade`.")
    elif generation.identity.embedding != (embedder.identity if embedder else "none"):
        message = f"its vectors are of {generation.identity.embedding}, the settings name {embedder.identity if embedder else 'none'}"
        yield Check("identity", "warn", message, "Run `wenju upgrade`; until then there is no dense leg.")


def _vectors(layout: Layout, entry: SegmentEntry, generation: Generation) -> Iterator[Check]:
    if generation.identity.embedding == "none":
        return
    import numpy as np

    from ingest.kb.chroma_copy import StoreCopies, examine_store

    folder = layout.segments / entry.name
    try:
        found = len(np.load(folder / "vectors.npy", mmap_mode="r"))
    except (OSError, ValueError) as error:
        yield Check("vectors", "fail", f"{folder.name}: {error}", _FIX)
        return
    if found != entry.passages:
        yield Check("vectors", "fail", f"{folder.name}: {found} vectors for {entry.passages} passages", _FIX)
        return
    with closing(StoreCopies(layout)) as copies:
        fault = examine_store(folder, entry.passages, copies.folder / folder.name)
    if fault:
        yield Check("chroma", "fail", f"{folder.name}: {fault}", _FIX)
    else:
        yield Check(
            "chroma", "ok", f"{folder.name}: {found} vectors, every file as it was written; a copy opened and asked in a process of its own"
        )
