"""The catalogue: one SQLite file that is the truth; every index can be built again from it.

It holds documents, page texts with their blocks and character boxes, passages, the files they came from, and computed vectors. Reads
go through short connections, so that any number of processes may read while one writes (WAL).

What a run means to do with a document (publish it anew, remove it) is noted in ``pending`` in the transaction that makes it necessary
and crossed out after the swap: a run that is killed in between is finished by the next one.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from ingest.kb.errors import KnowledgeBaseError, NoSpaceError, NotFoundError
from ingest.kb.model import Block, Document, Page, Passage

__all__ = ["SCHEMA_VERSION", "SQLITE_FULL", "Catalogue", "SourceFile"]

SCHEMA_VERSION = 2
# What leads from each version to the next; only additions, so that a step that was cut off can be taken again.
_MIGRATIONS: dict[int, tuple[str, ...]] = {
    0: (
        "CREATE TABLE IF NOT EXISTS feedback "
        "(id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, created VARCHAR NOT NULL, record JSON NOT NULL)",
    ),
    1: ("CREATE TABLE IF NOT EXISTS pending (document_id VARCHAR NOT NULL PRIMARY KEY, action VARCHAR NOT NULL)",),
}
_LONE_PASSAGES = (
    "SELECT count(*) FROM passages WHERE NOT EXISTS "
    "(SELECT 1 FROM pages WHERE pages.document_id = passages.document_id AND pages.number = passages.page)"
)

_metadata = sa.MetaData()
_meta = sa.Table("meta", _metadata, sa.Column("key", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False))
_documents = sa.Table(
    "documents",
    _metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("splitter", sa.String, nullable=False),
    sa.Column("record", sa.JSON, nullable=False),
)
_sources = sa.Table(
    "sources",
    _metadata,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, nullable=False, index=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("mtime_ns", sa.Integer, nullable=False),
)
_pages = sa.Table(
    "pages",
    _metadata,
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("details", sa.LargeBinary, nullable=False),
    sa.Column("boxes", sa.LargeBinary),
)
_passages = sa.Table(
    "passages",
    _metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, nullable=False, index=True),
    sa.Column("page", sa.Integer, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("details", sa.String, nullable=False),
)
_vectors = sa.Table(
    "vectors",
    _metadata,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("content", sa.String, primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)
_feedback = sa.Table(
    "feedback",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("record", sa.JSON, nullable=False),
)
_pending = sa.Table(
    "pending",
    _metadata,
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("action", sa.String, nullable=False),
)
# Made once: to put it together anew takes longer than to read ten passages.
_PASSAGES_BY_ID = (
    sa.select(_passages, sa.func.substr(_pages.c.text, _passages.c.start + 1, _passages.c.end - _passages.c.start).label("passage_text"))
    .join(_pages, sa.and_(_pages.c.document_id == _passages.c.document_id, _pages.c.number == _passages.c.page))
    .where(_passages.c.id.in_(sa.bindparam("ids", expanding=True)))
)
_BATCH = 500
Action = Literal["publish", "remove"]
# SQLITE_FULL; SQLITE_IOERR_WRITE and SQLITE_IOERR_SHMSIZE, which is what it says of a quota or a limit of size.
SQLITE_FULL = frozenset({13, 778, 4874})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was ingested: where it lay and what it was then."""

    path: str
    document_id: str
    size: int
    mtime_ns: int


class Catalogue:
    """The catalogue in a data directory.

    Args:
        path: The SQLite file; made on first use if ``create``.
        create: Make the file and its tables when they are missing.

    Raises:
        KnowledgeBaseError: There is no catalogue and ``create`` is False, or it was made by a newer version.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if not create and not path.exists():
            raise KnowledgeBaseError(f"there is no knowledge base at {path.parent}", hint="Run `wenju ingest PATH` first.")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.QueuePool, pool_size=8, max_overflow=24)
        sa.event.listen(self._engine, "connect", _on_connect)
        try:
            self._prepare(create=create)
        except sa.exc.DatabaseError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) in SQLITE_FULL:
                raise NoSpaceError(f"the catalogue {path} cannot grow: the disk is full", hint="Free some space and try again.") from error
            raise KnowledgeBaseError(
                f"the catalogue {path} cannot be read: {error.orig}", hint="Restore a backup with `wenju restore FILE --force`."
            ) from error

    def _prepare(self, *, create: bool) -> None:
        """Make, migrate or refuse the file, by its schema version."""
        found = self._version()
        if found is None and not create:
            raise KnowledgeBaseError(f"there is no knowledge base at {self.path.parent}", hint="Run `wenju ingest PATH` first.")
        if found is not None and found > SCHEMA_VERSION:
            raise KnowledgeBaseError(
                f"the catalogue {self.path} has schema {found}, this version of Wenju reads up to {SCHEMA_VERSION}",
                hint="Use the version of Wenju that wrote it, or ingest into another data directory.",
            )
        if found is None:
            with self._engine.begin() as connection:
                connection.execute(sa.text("PRAGMA journal_mode=WAL"))
                _metadata.create_all(connection)
                connection.execute(_meta.insert().prefix_with("OR IGNORE").values(key="schema", value=str(SCHEMA_VERSION)))
        elif found < SCHEMA_VERSION:
            self._migrate()

    def _version(self) -> int | None:
        with self._engine.connect() as connection:
            if not sa.inspect(connection).has_table("meta"):
                return None
            found = connection.execute(sa.select(_meta.c.value).where(_meta.c.key == "schema")).scalar()
        if found is not None and not found.isdigit():
            raise KnowledgeBaseError(f"the catalogue {self.path} has the unknown schema {found!r}", hint="Restore a backup.")
        return None if found is None else int(found)

    def _migrate(self) -> None:
        """Take every step to this version in one transaction; a second process that comes meanwhile waits and finds it done."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            found = int(connection.execute(sa.select(_meta.c.value).where(_meta.c.key == "schema")).scalar_one())
            for version in range(found, SCHEMA_VERSION):
                for statement in _MIGRATIONS[version]:
                    connection.exec_driver_sql(statement)
            connection.execute(_meta.update().where(_meta.c.key == "schema").values(value=str(SCHEMA_VERSION)))
            connection.commit()

    def check(self) -> list[str]:
        """Return what SQLite finds wrong with the file and what contradicts itself in it; empty if all is well."""
        try:
            with self._engine.connect() as connection:
                found = [str(line) for line in connection.exec_driver_sql("PRAGMA quick_check(20)").scalars() if line != "ok"]
                count = int(connection.exec_driver_sql(_LONE_PASSAGES).scalar_one())
        except sa.exc.DatabaseError as error:
            return [str(error.orig)]
        return [*found, *([f"{count} passages stand on a page that is not there"] if count else [])]

    def copy_to(self, path: Path) -> None:
        """Copy the catalogue as it stands now, also while others read and write it."""
        source = sqlite3.connect(self.path)
        target = sqlite3.connect(path)
        try:
            source.backup(target)
            # One file, without a log beside it, is what an archive can hold.
            target.execute("PRAGMA journal_mode=DELETE")
        finally:
            target.close()
            source.close()

    def close(self) -> None:
        """Release all connections."""
        self._engine.dispose()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction: all or nothing."""
        with self._engine.begin() as connection:
            yield connection

    # ---- documents -------------------------------------------------------------------------------------------------------------------

    def put_document(
        self, document: Document, pages: Sequence[Page], passages: Sequence[Passage], *, splitter: str, source: SourceFile | None
    ) -> None:
        """Store a document whole, in one transaction, in place of an earlier reading of the same bytes."""
        with self.write() as connection:
            _delete(connection, [document.id])
            record = asdict(document)
            connection.execute(_documents.insert().values(id=document.id, sha256=document.sha256, splitter=splitter, record=record))
            if pages:
                connection.execute(
                    _pages.insert(),
                    [
                        {
                            "document_id": document.id,
                            "number": page.number,
                            "text": page.text,
                            "details": _pack_page(page),
                            "boxes": page.boxes,
                        }
                        for page in pages
                    ],
                )
            if passages:
                connection.execute(_passages.insert(), [_passage_row(passage) for passage in passages])
            _mark(connection, [document.id], "publish")
            if source is not None:
                _put_source(connection, source)

    def put_source(self, source: SourceFile) -> None:
        """Note that a file holds a document that is stored already; the document it held before goes if no other file holds it."""
        with self.write() as connection:
            _put_source(connection, source)
            _keep(connection, source.document_id)

    def keep_document(self, document_id: str) -> None:
        """Cross out that a document is to be removed: it was given again."""
        with self.write() as connection:
            _keep(connection, document_id)

    def sources(self) -> dict[str, SourceFile]:
        """Return every ingested file by its path."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_sources)).all()
        return {row.path: SourceFile(row.path, row.document_id, row.size, row.mtime_ns) for row in rows}

    def forget_sources(self, paths: Sequence[str]) -> list[str]:
        """Forget files that are gone; returns the documents that no file holds any more, now marked to be removed."""
        with self.write() as connection:
            held = [connection.execute(sa.select(_sources.c.document_id).where(_sources.c.path == path)).scalar() for path in paths]
            for path in paths:
                connection.execute(_sources.delete().where(_sources.c.path == path))
            lost = [name for name in dict.fromkeys(held) if name is not None and not _is_held(connection, name)]
            _mark(connection, lost, "remove")
        return lost

    def mark_removed(self, ids: Sequence[str]) -> None:
        """Note that documents are to be left out of the next generation, then removed."""
        with self.write() as connection:
            _mark(connection, ids, "remove")

    def pending(self) -> dict[str, str]:
        """Return what is still to be done, ``publish`` or ``remove``, by document."""
        with self._engine.connect() as connection:
            return {row.document_id: row.action for row in connection.execute(sa.select(_pending))}

    def settle(self, ids: Sequence[str]) -> None:
        """Note that documents were published."""
        with self.write() as connection:
            for start in range(0, len(ids), _BATCH):
                some = _pending.c.document_id.in_(ids[start : start + _BATCH])
                connection.execute(_pending.delete().where(some, _pending.c.action == "publish"))

    def remove_documents(self, ids: Sequence[str]) -> None:
        """Remove documents with all that belongs to them."""
        with self.write() as connection:
            _delete(connection, ids)
            for start in range(0, len(ids), _BATCH):
                some = ids[start : start + _BATCH]
                connection.execute(_sources.delete().where(_sources.c.document_id.in_(some)))
                connection.execute(_pending.delete().where(_pending.c.document_id.in_(some)))

    def documents(self) -> dict[str, Document]:
        """Return all documents by id."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_documents.c.record)).scalars().all()
        found = (_document(record) for record in rows)
        return {document.id: document for document in found}

    def splitters(self) -> dict[str, str]:
        """Return for each document the splitter version its passages were made with."""
        with self._engine.connect() as connection:
            return {row.id: row.splitter for row in connection.execute(sa.select(_documents.c.id, _documents.c.splitter))}

    def document(self, document_id: str) -> Document:
        """Return one document.

        Raises:
            NotFoundError: No such document.
        """
        with self._engine.connect() as connection:
            record = connection.execute(sa.select(_documents.c.record).where(_documents.c.id == document_id)).scalar()
        if record is None:
            raise NotFoundError(f"there is no document {document_id}", hint="`wenju documents list` shows what there is.")
        return _document(record)

    # ---- pages and passages ----------------------------------------------------------------------------------------------------------

    def page(self, document_id: str, number: int) -> Page:
        """Return one page.

        Raises:
            NotFoundError: No such document or page.
        """
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_pages).where(_pages.c.document_id == document_id, _pages.c.number == number)).first()
        if row is None:
            document = self.document(document_id)
            raise NotFoundError(f"{document.file_name} has no page {number}", hint=f"Its pages are 1 to {document.page_count}.")
        return _page(row)

    def pages(self, document_id: str) -> Iterator[Page]:
        """Yield a document's pages in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_pages).where(_pages.c.document_id == document_id).order_by(_pages.c.number))
            for row in rows:
                yield _page(row)

    def passages_of(self, document_ids: Sequence[str]) -> Iterator[tuple[Passage, str]]:
        """Yield the passages of documents with their text, document by document in reading order."""
        for document_id in document_ids:
            with self._engine.connect() as connection:
                texts = dict(connection.execute(sa.select(_pages.c.number, _pages.c.text).where(_pages.c.document_id == document_id)).all())
                rows = connection.execute(
                    sa.select(_passages).where(_passages.c.document_id == document_id).order_by(_passages.c.page, _passages.c.start)
                ).all()
            for row in rows:
                passage = _passage(row)
                yield passage, texts[passage.page][passage.start : passage.end]

    def passage_counts(self) -> dict[str, int]:
        """Return how many passages each document has."""
        query = sa.select(_passages.c.document_id, sa.func.count()).group_by(_passages.c.document_id)
        with self._engine.connect() as connection:
            return {str(name): int(count) for name, count in connection.execute(query)}

    def passages(self, ids: Sequence[str]) -> dict[str, tuple[Passage, str]]:
        """Return passages with their text by id; ids that name nothing are left out."""
        out: dict[str, tuple[Passage, str]] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(ids), _BATCH):
                for row in connection.execute(_PASSAGES_BY_ID, {"ids": ids[start : start + _BATCH]}):
                    out[row.id] = (_passage(row), row.passage_text)
        return out

    # ---- vectors ---------------------------------------------------------------------------------------------------------------------

    def vectors(self, model: str, contents: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors of a model by content hash."""
        out: dict[str, NDArray[np.float32]] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(contents), _BATCH):
                query = sa.select(_vectors.c.content, _vectors.c.vector).where(
                    _vectors.c.model == model, _vectors.c.content.in_(contents[start : start + _BATCH])
                )
                for row in connection.execute(query):
                    out[row.content] = np.frombuffer(row.vector, dtype="<f4")
        return out

    def put_vectors(self, model: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Store vectors by content hash."""
        rows = [{"model": model, "content": key, "vector": np.asarray(v, dtype="<f4").tobytes()} for key, v in vectors.items()]
        if rows:
            with self.write() as connection:
                connection.execute(_vectors.insert().prefix_with("OR REPLACE"), rows)

    # ---- feedback --------------------------------------------------------------------------------------------------------------------

    def put_feedback(self, created: str, record: Mapping[str, Any]) -> None:
        """Store one vote."""
        with self.write() as connection:
            connection.execute(_feedback.insert().values(created=created, record=dict(record)))

    def drop_feedback(self, answer_id: str) -> int:
        """Forget the votes on an answer and return how many there were."""
        with self.write() as connection:
            return connection.execute(_feedback.delete().where(_feedback.c.record["answer_id"].as_string() == answer_id)).rowcount

    def feedback(self) -> list[dict[str, Any]]:
        """Return all votes, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_feedback).order_by(_feedback.c.id)).all()
        return [{"created": row.created, **row.record} for row in rows]


def _on_connect(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA synchronous=FULL")
    # What is deleted is overwritten: a removed document is gone from the file, not only from sight.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _delete(connection: sa.Connection, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        connection.execute(_passages.delete().where(_passages.c.document_id.in_(some)))
        connection.execute(_pages.delete().where(_pages.c.document_id.in_(some)))
        connection.execute(_documents.delete().where(_documents.c.id.in_(some)))


def _put_source(connection: sa.Connection, source: SourceFile) -> None:
    before = connection.execute(sa.select(_sources.c.document_id).where(_sources.c.path == source.path)).scalar()
    connection.execute(_sources.insert().prefix_with("OR REPLACE").values(**asdict(source)))
    if before is not None and before != source.document_id and not _is_held(connection, before):
        _mark(connection, [before], "remove")


def _is_held(connection: sa.Connection, document_id: str) -> bool:
    query = sa.select(_sources.c.path).where(_sources.c.document_id == document_id).limit(1)
    return connection.execute(query).first() is not None


def _mark(connection: sa.Connection, ids: Sequence[str], action: Action) -> None:
    for document_id in ids:
        connection.execute(_pending.insert().prefix_with("OR REPLACE").values(document_id=document_id, action=action))


def _keep(connection: sa.Connection, document_id: str) -> None:
    connection.execute(_pending.delete().where(_pending.c.document_id == document_id, _pending.c.action == "remove"))


def _document(record: Mapping[str, Any]) -> Document:
    values = dict(record)
    values["tags"] = tuple(values["tags"])
    values["warnings"] = tuple(values["warnings"])
    return Document(**values)


def _pack_page(page: Page) -> bytes:
    details = {
        "label": page.label,
        "width": page.width,
        "height": page.height,
        "ocr": page.ocr,
        "warnings": page.warnings,
        "blocks": [[b.kind, b.start, b.end, b.heading, b.level, b.header] for b in page.blocks],
    }
    return zlib.compress(json.dumps(details, ensure_ascii=False).encode("utf-8"), 6)


def _page(row: Any) -> Page:
    details = json.loads(zlib.decompress(row.details))
    blocks = tuple(Block(k, s, e, tuple(h), level, header) for k, s, e, h, level, header in details["blocks"])
    return Page(
        number=row.number,
        text=row.text,
        blocks=blocks,
        label=details["label"],
        boxes=row.boxes,
        width=details["width"],
        height=details["height"],
        ocr=details["ocr"],
        warnings=tuple(details["warnings"]),
    )


def _passage_row(passage: Passage) -> dict[str, Any]:
    details = json.dumps([passage.heading, passage.language, passage.kind, passage.header], ensure_ascii=False)
    return {
        "id": passage.id,
        "document_id": passage.document_id,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "details": details,
    }


def _passage(row: Any) -> Passage:
    heading, language, kind, header = json.loads(row.details)
    return Passage(row.id, row.document_id, row.page, row.start, row.end, tuple(heading), language, kind, header)
