"""What was logged before and after one record: by the same service, on the same host, in the same trace.

To go on, one asks for the context of the outermost record. Environments are kept apart but for
traces, which cross them.
"""

import re
from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput, NotFound
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.logs import LogRow, at_moment, page
from quarterdeck.telemetry.query.window import Asked, Window

By = Literal["service", "host", "trace"]

MOST = 500
HOST_FIELDS = ("host.name", "host.id", "k8s.pod.name", "container.id", "service.instance.id")
"""What names the machine, or what stands for one: the first that a record has."""

_REACH_MS = 7 * 86_400_000
_ID = re.compile(r"([0-9a-f]{16})-(\d{1,19})(?:-\d+)?")


class LogContext(BaseModel):
    record: LogRow
    by: By
    field: str = Field(description="What the records share; empty when this one does not have it.")
    value: str
    before: list[LogRow] = Field(description="Oldest first.")
    after: list[LogRow] = Field(description="Oldest first.")
    more_before: bool
    more_after: bool


def log_context(
    engine: Engine, project: int, id: str, by: By = "service", before: int = 25, after: int = 25
) -> LogContext:
    record = read_record(engine, project, id)
    field, value = _shared(record, by)
    asked = Asked()
    if by == "trace":
        asked.add(f"trace_id = toFixedString(unhex({asked.bind(value)}), 16)")
    elif by == "host":
        asked.add(f"JSONExtractString(resource, {asked.bind(field)}) = {asked.bind(value)}")
    else:
        asked.add(f"service = {asked.bind(value)}")
    if by != "trace":
        asked.add(f"environment = {asked.bind(record.environment)}")
    at = record.time_ms
    window = Window(project, max(0, at - _REACH_MS), at + _REACH_MS)
    hash = record.id.partition("-")[0]
    cursor = f"{record.time_ns}-{hash}"

    def side(order: Literal["asc", "desc"], limit: int) -> tuple[list[LogRow], bool]:
        if not value or not limit:
            return [], bool(value)
        found = page(engine, window, asked, limit=limit, cursor=cursor, order=order)
        return found.items, found.next_cursor is not None

    earlier, more_before = side("desc", before)
    later, more_after = side("asc", after)
    return LogContext.model_construct(
        record=record,
        by=by,
        field=field if value else "",
        value=value,
        before=earlier[::-1],
        after=later,
        more_before=more_before,
        more_after=more_after,
    )


def read_record(engine: Engine, project: int, id: str) -> LogRow:
    """The record of an id, as lists of records have it."""
    found = _ID.fullmatch(id)
    if not found:
        raise BadInput(
            "log_id_invalid", "This is not the id of a log record.", "Take it from a list of logs."
        )
    for row in at_moment(engine, project, int(found.group(2)), found.group(1)):
        if row.id == id:
            return row
    raise NotFound(
        "log_not_found",
        "There is no such log record.",
        "It may be older than what is kept.",
    )


def _shared(record: LogRow, by: By) -> tuple[str, str]:
    """What a record shares with those around it: a field and its value, empty when it has none."""
    if by == "trace":
        return "trace_id", record.trace_id
    if by == "service":
        return "service", record.service
    for field in HOST_FIELDS:
        value: Any = record.resource.get(field)
        if isinstance(value, str) and value:
            return field, value
    return "", ""
