"""Annotations: what somebody did, at a moment or for a while, drawn as marks on every chart.

A deployment that announces itself, a flag that was turned, an incident, a note. Deployments that
did not announce themselves are found in telemetry (query/releases.py).
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy import delete as sql_delete

from quarterdeck.accounts.audit import audit
from quarterdeck.core.errors import NotFound, TooMany
from quarterdeck.core.ids import new_id
from quarterdeck.core.permissions import Principal
from quarterdeck.store.control import metadata, now_of

MOST = 20_000  # of a project
MOST_LISTED = 1_000

annotations = Table(
    "annotations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("project_id", Integer, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger),
    Column("kind", String(32), nullable=False),
    Column("title", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("service", String(200), nullable=False),
    Column("environment", String(200), nullable=False),
    Column("release", String(200), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("author", String(320), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_annotations_time", "project_id", "time_ms"),
)


class Kind(StrEnum):
    DEPLOY = "deploy"
    FLAG = "flag"
    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Annotation:
    id: str
    project_id: int
    time_ms: int
    end_ms: int | None
    kind: str
    title: str
    text: str
    service: str
    environment: str
    release: str
    url: str
    author: str
    created_at: int


def add(conn: Connection, who: Principal, annotation: Annotation) -> Annotation:
    """Keep an annotation; its id and time of creation are given here."""
    count = select(func.count()).where(annotations.c.project_id == annotation.project_id)
    if conn.execute(count).scalar_one() >= MOST:
        raise TooMany(
            "annotations_full",
            f"The project has {MOST} annotations.",
            "Delete some of them.",
            retry_after=3600,
        )
    row = {
        **{name: getattr(annotation, name) for name in Annotation.__slots__},
        "id": new_id("ann"),
        "author": who.name[:320],
        "created_at": now_of(conn),
    }
    conn.execute(insert(annotations).values(**row))
    shown = {name: row[name] for name in ("kind", "title", "service", "release", "time_ms")}
    audit(conn, who, "annotation.create", row["id"], after=shown, project_id=annotation.project_id)
    return Annotation(**row)


def remove(conn: Connection, who: Principal, project_id: int, annotation_id: str) -> None:
    chosen = (annotations.c.id == annotation_id) & (annotations.c.project_id == project_id)
    found = conn.execute(select(annotations.c.kind, annotations.c.title).where(chosen)).first()
    if found is None:
        raise NotFound(
            "annotation_unknown", "There is no such annotation.", "GET /api/annotations lists them."
        )
    conn.execute(sql_delete(annotations).where(chosen))
    before = {"kind": found.kind, "title": found.title}
    audit(conn, who, "annotation.delete", annotation_id, before=before, project_id=project_id)


def within(
    conn: Connection,
    project_id: int,
    start_ms: int,
    end_ms: int,
    *,
    service: str = "",
    environment: str = "",
) -> list[Annotation]:
    """Those that touch a range, oldest first; those of no service or environment concern all."""
    t = annotations.c
    lasts_into = func.coalesce(t.end_ms, t.time_ms) >= start_ms
    chosen = select(annotations).where(t.project_id == project_id, t.time_ms < end_ms, lasts_into)
    if service:
        chosen = chosen.where(or_(t.service == service, t.service == ""))
    if environment:
        chosen = chosen.where(or_(t.environment == environment, t.environment == ""))
    rows = conn.execute(chosen.order_by(t.time_ms.desc(), t.id.desc()).limit(MOST_LISTED))
    return [Annotation(**row._mapping) for row in rows][::-1]


def empty_project(conn: Connection, who: Principal, project_id: int) -> None:
    """What goes with a project that goes."""
    conn.execute(sql_delete(annotations).where(annotations.c.project_id == project_id))
