"""The catalogue's tables, its schema version, and the steps from each version to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest.kb.errors import KnowledgeBaseError

__all__ = [
    "PAGE_BY_NUMBER",
    "PASSAGES_BY_ID",
    "SCHEMA_VERSION",
    "SQLITE_FULL",
    "documents_table",
    "faults_of",
    "feedback_table",
    "meta_table",
    "on_connect",
    "pages_table",
    "passages_table",
    "pending_table",
    "prepare",
    "sources_table",
    "vectors_table",
]

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

metadata = sa.MetaData()
meta_table = sa.Table("meta", metadata, sa.Column("key", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False))
documents_table = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("splitter", sa.String, nullable=False),
    sa.Column("record", sa.JSON, nullable=False),
)
sources_table = sa.Table(
    "sources",
    metadata,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, nullable=False, index=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("mtime_ns", sa.Integer, nullable=False),
)
pages_table = sa.Table(
    "pages",
    metadata,
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("details", sa.LargeBinary, nullable=False),
    sa.Column("boxes", sa.LargeBinary),
)
passages_table = sa.Table(
    "passages",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, nullable=False, index=True),
    sa.Column("page", sa.Integer, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("details", sa.String, nullable=False),
)
vectors_table = sa.Table(
    "vectors",
    metadata,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("content", sa.String, primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)
feedback_table = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("record", sa.JSON, nullable=False),
)
pending_table = sa.Table(
    "pending",
    metadata,
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("action", sa.String, nullable=False),
)
# Made once: to put them together anew takes longer than to read ten passages.
PAGE_BY_NUMBER = sa.select(pages_table).where(
    pages_table.c.document_id == sa.bindparam("document_id"), pages_table.c.number == sa.bindparam("number")
)
PASSAGES_BY_ID = (
    sa.select(
        passages_table,
        sa.func.substr(pages_table.c.text, passages_table.c.start + 1, passages_table.c.end - passages_table.c.start).label("passage_text"),
    )
    .join(pages_table, sa.and_(pages_table.c.document_id == passages_table.c.document_id, pages_table.c.number == passages_table.c.page))
    .where(passages_table.c.id.in_(sa.bindparam("ids", expanding=True)))
)
# SQLITE_FULL; SQLITE_IOERR_WRITE and SQLITE_IOERR_SHMSIZE, which is what it says of a quota or a limit of size.
SQLITE_FULL = frozenset({13, 778, 4874})


def on_connect(connection: Any, _record: Any) -> None:
    """Set what every connection needs."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA synchronous=FULL")
    # What is deleted is overwritten: a removed document is gone from the file, not only from sight.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def prepare(engine: sa.Engine, path: Path, *, create: bool) -> None:
    """Make, migrate or refuse the file, by its schema version.

    Args:
        engine: Of the file.
        path: The file, for messages.
        create: Make what is missing.

    Raises:
        KnowledgeBaseError: It is missing, unknown, or of a newer version.
    """
    found = _version(engine, path)
    if found is None and not create:
        raise KnowledgeBaseError(f"there is no knowledge base at {path.parent}", hint="Run `wenju ingest PATH` first.")
    if found is not None and found > SCHEMA_VERSION:
        raise KnowledgeBaseError(
            f"the catalogue {path} has schema {found}, this version of Wenju reads up to {SCHEMA_VERSION}",
            hint="Use the version of Wenju that wrote it, or ingest into another data directory.",
        )
    if found is None:
        with engine.begin() as connection:
            connection.execute(sa.text("PRAGMA journal_mode=WAL"))
            metadata.create_all(connection)
            connection.execute(meta_table.insert().prefix_with("OR IGNORE").values(key="schema", value=str(SCHEMA_VERSION)))
    elif found < SCHEMA_VERSION:
        _migrate(engine)


def _version(engine: sa.Engine, path: Path) -> int | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("meta"):
            return None
        found = connection.execute(sa.select(meta_table.c.value).where(meta_table.c.key == "schema")).scalar()
    if found is not None and not found.isdigit():
        raise KnowledgeBaseError(f"the catalogue {path} has the unknown schema {found!r}", hint="Restore a backup.")
    return None if found is None else int(found)


def _migrate(engine: sa.Engine) -> None:
    """Take every step to this version in one transaction; a second process that comes meanwhile waits and finds it done."""
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        found = int(connection.execute(sa.select(meta_table.c.value).where(meta_table.c.key == "schema")).scalar_one())
        for version in range(found, SCHEMA_VERSION):
            for statement in _MIGRATIONS[version]:
                connection.exec_driver_sql(statement)
        connection.execute(meta_table.update().where(meta_table.c.key == "schema").values(value=str(SCHEMA_VERSION)))
        connection.commit()


def faults_of(engine: sa.Engine) -> list[str]:
    """Return what SQLite finds wrong with the file and what contradicts itself in it; empty if all is well."""
    try:
        with engine.connect() as connection:
            found = [str(line) for line in connection.exec_driver_sql("PRAGMA quick_check(20)").scalars() if line != "ok"]
            count = int(connection.exec_driver_sql(_LONE_PASSAGES).scalar_one())
    except sa.exc.DatabaseError as error:
        return [str(error.orig)]
    return [*found, *([f"{count} passages stand on a page that is not there"] if count else [])]
