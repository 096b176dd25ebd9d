"""What a transaction of the catalogue is made of: documents removed, sources noted, work to be done marked and crossed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import sqlalchemy as sa

from ingest.kb.schema import documents_table, pages_table, passages_table, pending_table, sources_table

__all__ = ["BATCH", "Action", "SourceFile", "delete_documents", "is_held", "keep", "mark", "note_source"]

BATCH = 500
Action = Literal["publish", "remove"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was ingested: where it lay and what it was then."""

    path: str
    document_id: str
    size: int
    mtime_ns: int


def delete_documents(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Remove documents with their pages and passages."""
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        connection.execute(passages_table.delete().where(passages_table.c.document_id.in_(some)))
        connection.execute(pages_table.delete().where(pages_table.c.document_id.in_(some)))
        connection.execute(documents_table.delete().where(documents_table.c.id.in_(some)))


def note_source(connection: sa.Connection, source: SourceFile) -> None:
    """Note which document a file holds; the one it held before is to be removed if no other file holds it."""
    before = connection.execute(sa.select(sources_table.c.document_id).where(sources_table.c.path == source.path)).scalar()
    connection.execute(sources_table.insert().prefix_with("OR REPLACE").values(**asdict(source)))
    if before is not None and before != source.document_id and not is_held(connection, before):
        mark(connection, [before], "remove")


def is_held(connection: sa.Connection, document_id: str) -> bool:
    """Return whether a file holds a document."""
    query = sa.select(sources_table.c.path).where(sources_table.c.document_id == document_id).limit(1)
    return connection.execute(query).first() is not None


def mark(connection: sa.Connection, ids: Sequence[str], action: Action) -> None:
    """Note what is to be done with documents."""
    for document_id in ids:
        connection.execute(pending_table.insert().prefix_with("OR REPLACE").values(document_id=document_id, action=action))


def keep(connection: sa.Connection, document_id: str) -> None:
    """Cross out that a document is to be removed."""
    connection.execute(pending_table.delete().where(pending_table.c.document_id == document_id, pending_table.c.action == "remove"))
