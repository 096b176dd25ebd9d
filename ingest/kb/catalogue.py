"""The catalogue: one SQLite file that is the truth; every index can be built again from it.

It holds documents, page texts with their blocks and character boxes, passages, the files they came from, and computed vectors. Reads
go through short connections, so that any number of processes may read while one writes (WAL).

What a run means to do with a document (publish it anew, remove it) is noted in ``pending`` in the transaction that makes it necessary
and crossed out after the swap: a run that is killed in between is finished by the next one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from ingest.kb.errors import KnowledgeBaseError, NoSpaceError, NotFoundError
from ingest.kb.model import Document, Page, Passage
from ingest.kb.rows import SENTENCES, document_of, matrix_of, pack_matrix, pack_page, page_of, passage_of, passage_row
from ingest.kb.schema import (
    PAGE_BY_NUMBER,
    PASSAGES_BY_ID,
    SCHEMA_VERSION,
    SQLITE_FULL,
    documents_table,
    faults_of,
    feedback_table,
    on_connect,
    pages_table,
    passages_table,
    pending_table,
    prepare,
    sources_table,
    vectors_table,
)
from ingest.kb.steps import BATCH, SourceFile, delete_documents, is_held, keep, mark, note_source

__all__ = ["SCHEMA_VERSION", "SQLITE_FULL", "Catalogue", "SourceFile"]


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
        sa.event.listen(self._engine, "connect", on_connect)
        try:
            prepare(self._engine, path, create=create)
        except sa.exc.DatabaseError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) in SQLITE_FULL:
                raise NoSpaceError(f"the catalogue {path} cannot grow: the disk is full", hint="Free some space and try again.") from error
            raise KnowledgeBaseError(
                f"the catalogue {path} cannot be read: {error.orig}", hint="Restore a backup with `wenju restore FILE --force`."
            ) from error

    def check(self) -> list[str]:
        """Return what SQLite finds wrong with the file and what contradicts itself in it; empty if all is well."""
        return faults_of(self._engine)

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
            delete_documents(connection, [document.id])
            record = asdict(document)
            connection.execute(documents_table.insert().values(id=document.id, sha256=document.sha256, splitter=splitter, record=record))
            if pages:
                connection.execute(
                    pages_table.insert(),
                    [
                        {
                            "document_id": document.id,
                            "number": page.number,
                            "text": page.text,
                            "details": pack_page(page),
                            "boxes": page.boxes,
                        }
                        for page in pages
                    ],
                )
            if passages:
                connection.execute(passages_table.insert(), [passage_row(passage) for passage in passages])
            mark(connection, [document.id], "publish")
            if source is not None:
                note_source(connection, source)

    def put_source(self, source: SourceFile) -> None:
        """Note that a file holds a document that is stored already; the document it held before goes if no other file holds it."""
        with self.write() as connection:
            note_source(connection, source)
            keep(connection, source.document_id)

    def keep_document(self, document_id: str) -> None:
        """Cross out that a document is to be removed: it was given again."""
        with self.write() as connection:
            keep(connection, document_id)

    def sources(self) -> dict[str, SourceFile]:
        """Return every ingested file by its path."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(sources_table)).all()
        return {row.path: SourceFile(row.path, row.document_id, row.size, row.mtime_ns) for row in rows}

    def forget_sources(self, paths: Sequence[str]) -> list[str]:
        """Forget files that are gone; returns the documents that no file holds any more, now marked to be removed."""
        with self.write() as connection:
            held = [
                connection.execute(sa.select(sources_table.c.document_id).where(sources_table.c.path == path)).scalar() for path in paths
            ]
            for path in paths:
                connection.execute(sources_table.delete().where(sources_table.c.path == path))
            lost = [name for name in dict.fromkeys(held) if name is not None and not is_held(connection, name)]
            mark(connection, lost, "remove")
        return lost

    def mark_removed(self, ids: Sequence[str]) -> None:
        """Note that documents are to be left out of the next generation, then removed."""
        with self.write() as connection:
            mark(connection, ids, "remove")

    def pending(self) -> dict[str, str]:
        """Return what is still to be done, ``publish`` or ``remove``, by document."""
        with self._engine.connect() as connection:
            return {row.document_id: row.action for row in connection.execute(sa.select(pending_table))}

    def settle(self, ids: Sequence[str]) -> None:
        """Note that documents were published."""
        with self.write() as connection:
            for start in range(0, len(ids), BATCH):
                some = pending_table.c.document_id.in_(ids[start : start + BATCH])
                connection.execute(pending_table.delete().where(some, pending_table.c.action == "publish"))

    def remove_documents(self, ids: Sequence[str]) -> None:
        """Remove documents with all that belongs to them."""
        with self.write() as connection:
            delete_documents(connection, ids)
            for start in range(0, len(ids), BATCH):
                some = ids[start : start + BATCH]
                connection.execute(sources_table.delete().where(sources_table.c.document_id.in_(some)))
                connection.execute(pending_table.delete().where(pending_table.c.document_id.in_(some)))

    def documents(self) -> dict[str, Document]:
        """Return all documents by id."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(documents_table.c.record)).scalars().all()
        found = (document_of(record) for record in rows)
        return {document.id: document for document in found}

    def splitters(self) -> dict[str, str]:
        """Return for each document the splitter version its passages were made with."""
        with self._engine.connect() as connection:
            return {row.id: row.splitter for row in connection.execute(sa.select(documents_table.c.id, documents_table.c.splitter))}

    def document(self, document_id: str) -> Document:
        """Return one document.

        Raises:
            NotFoundError: No such document.
        """
        with self._engine.connect() as connection:
            record = connection.execute(sa.select(documents_table.c.record).where(documents_table.c.id == document_id)).scalar()
        if record is None:
            raise NotFoundError(f"there is no document {document_id}", hint="`wenju documents list` shows what there is.")
        return document_of(record)

    # ---- pages and passages ----------------------------------------------------------------------------------------------------------

    def page(self, document_id: str, number: int) -> Page:
        """Return one page.

        Raises:
            NotFoundError: No such document or page.
        """
        with self._engine.connect() as connection:
            row = connection.execute(PAGE_BY_NUMBER, {"document_id": document_id, "number": number}).first()
        if row is None:
            document = self.document(document_id)
            raise NotFoundError(f"{document.file_name} has no page {number}", hint=f"Its pages are 1 to {document.page_count}.")
        return page_of(row)

    def pages(self, document_id: str) -> Iterator[Page]:
        """Yield a document's pages in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(pages_table).where(pages_table.c.document_id == document_id).order_by(pages_table.c.number))
            for row in rows:
                yield page_of(row)

    def passages_of(self, document_ids: Sequence[str]) -> Iterator[tuple[Passage, str]]:
        """Yield the passages of documents with their text, document by document in reading order."""
        for document_id in document_ids:
            with self._engine.connect() as connection:
                texts = dict(
                    connection.execute(
                        sa.select(pages_table.c.number, pages_table.c.text).where(pages_table.c.document_id == document_id)
                    ).all()
                )
                rows = connection.execute(
                    sa.select(passages_table)
                    .where(passages_table.c.document_id == document_id)
                    .order_by(passages_table.c.page, passages_table.c.start)
                ).all()
            for row in rows:
                passage = passage_of(row)
                yield passage, texts[passage.page][passage.start : passage.end]

    def passage_counts(self) -> dict[str, int]:
        """Return how many passages each document has."""
        query = sa.select(passages_table.c.document_id, sa.func.count()).group_by(passages_table.c.document_id)
        with self._engine.connect() as connection:
            return {str(name): int(count) for name, count in connection.execute(query)}

    def passages(self, ids: Sequence[str]) -> dict[str, tuple[Passage, str]]:
        """Return passages with their text by id; ids that name nothing are left out."""
        out: dict[str, tuple[Passage, str]] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(ids), BATCH):
                for row in connection.execute(PASSAGES_BY_ID, {"ids": ids[start : start + BATCH]}).fetchall():
                    passage = passage_of(row)
                    out[passage.id] = (passage, row[-1])
        return out

    # ---- vectors ---------------------------------------------------------------------------------------------------------------------

    def vectors(self, model: str, contents: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors of a model by content hash."""
        return {key: np.frombuffer(blob, dtype="<f4") for key, blob in self._blobs(model, contents)}

    def put_vectors(self, model: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Store vectors by content hash."""
        self._put_blobs(model, {key: np.asarray(vector, dtype="<f4").tobytes() for key, vector in vectors.items()})

    def sentence_vectors(self, model: str, contents: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors of the sentences of texts by the text's content hash, each of shape (sentences, dimension)."""
        return {key: matrix_of(blob) for key, blob in self._blobs(model + SENTENCES, contents)}

    def put_sentence_vectors(self, model: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Store vectors of sentences by their text's content hash, in half precision."""
        self._put_blobs(model + SENTENCES, {key: pack_matrix(rows) for key, rows in vectors.items() if len(rows)})

    def _blobs(self, model: str, contents: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        with self._engine.connect() as connection:
            for start in range(0, len(contents), BATCH):
                query = sa.select(vectors_table.c.content, vectors_table.c.vector).where(
                    vectors_table.c.model == model, vectors_table.c.content.in_(contents[start : start + BATCH])
                )
                yield from ((row.content, row.vector) for row in connection.execute(query))

    def _put_blobs(self, model: str, blobs: Mapping[str, bytes]) -> None:
        rows = [{"model": model, "content": key, "vector": blob} for key, blob in blobs.items()]
        if rows:
            with self.write() as connection:
                connection.execute(vectors_table.insert().prefix_with("OR REPLACE"), rows)

    # ---- feedback --------------------------------------------------------------------------------------------------------------------

    def put_feedback(self, created: str, record: Mapping[str, Any]) -> None:
        """Store one vote."""
        with self.write() as connection:
            connection.execute(feedback_table.insert().values(created=created, record=dict(record)))

    def drop_feedback(self, answer_id: str) -> int:
        """Forget the votes on an answer and return how many there were."""
        with self.write() as connection:
            return connection.execute(feedback_table.delete().where(feedback_table.c.record["answer_id"].as_string() == answer_id)).rowcount

    def feedback(self) -> list[dict[str, Any]]:
        """Return all votes, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(feedback_table).order_by(feedback_table.c.id)).all()
        return [{"created": row.created, **row.record} for row in rows]
