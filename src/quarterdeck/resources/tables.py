"""The tables of resources: what stands, what stood, and who refers to whom.

A resource of a global kind has no project. Revisions outlive their resource and go with
their project. That nothing is deleted while others refer to it is `change.py`'s to see
to; the foreign keys let a whole project go at once.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    text,
)

from quarterdeck.store.control import Json, metadata

_IN_PROJECT = text("project_id IS NOT NULL")
_GLOBAL = text("project_id IS NULL")

resources = Table(
    "resources",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("project_id", Integer, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("name", String(63), nullable=False),
    Column("spec", Json, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("origin", String(8), nullable=False),  # "ui", "api" or "file"
    Column("source", String(200), nullable=False),  # where a file's resource came from, else ""
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", String(320), nullable=False),
    Index(
        "uq_resources_in_project",
        "project_id",
        "kind",
        "name",
        unique=True,
        sqlite_where=_IN_PROJECT,
        postgresql_where=_IN_PROJECT,
    ),
    Index(
        "uq_resources_global",
        "kind",
        "name",
        unique=True,
        sqlite_where=_GLOBAL,
        postgresql_where=_GLOBAL,
    ),
    Index("ix_resources_source", "source"),
)

resource_revisions = Table(
    "resource_revisions",
    metadata,
    Column("resource_id", String(64), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(64), nullable=False),
    Column("project_id", Integer, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("name", String(63), nullable=False),
    Column("action", String(8), nullable=False),  # "create", "update", "rename", "delete"
    Column("spec", Json),  # none once deleted
    Column("origin", String(8), nullable=False),
    Column("source", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(320), nullable=False),
    Index("ix_resource_revisions_name", "project_id", "kind", "name", "at"),
)

resource_refs = Table(
    "resource_refs",
    metadata,
    Column(
        "referrer_id",
        String(64),
        ForeignKey("resources.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("path", String(1000), primary_key=True),  # where in its spec: a JSON list
    Column(
        "target_id",
        String(64),
        ForeignKey("resources.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
)
