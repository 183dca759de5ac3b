"""A person's rows leave every table, for good, and it is checked that they have.

A row is about a person when one of the attributes that name a user (`user.id`,
`enduser.id`, `enduser.pseudo.id`) has their id: on the span or record itself, on its
resource, on an event of the span, in the structured body of a record, or on the labels of
a series, whose points go with it. Counts by minute hold no ids and stay.
"""

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput, Unavailable
from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry.sql.views import quote
from quarterdeck.telemetry.tables import POINT_TABLES

KEYS = ("user.id", "enduser.id", "enduser.pseudo.id")

_LIMITS = Limits(seconds=300, memory_mb=768, threads=2)
_LONGEST = 1_000


class Erased(BaseModel):
    spans: int
    logs: int
    exemplars: int
    series: int = Field(description="Series labelled with the person.")
    points: int = Field(description="Points of these series.")
    facets: int
    rejects: int = Field(description="Samples of refused items that mention the id.")


def erase_person(engine: Engine, project: int, user_id: str) -> Erased:
    """Delete the rows of one person in one project; how many there were."""
    if not user_id.strip() or len(user_id) > _LONGEST or "\0" in user_id:
        raise BadInput(
            "user_id_invalid",
            f"A user id is text of 1 to {_LONGEST} characters.",
            "Send the value of the attribute `user.id` or `enduser.id`.",
        )
    who = quote(user_id)
    points, series = _erase_series(engine, project, who)
    return Erased(
        spans=_erase(engine, "spans", f"project = {project} AND ({_in_spans(who)})"),
        logs=_erase(engine, "logs", f"project = {project} AND ({_in_logs(who)})"),
        exemplars=_erase(
            engine, "exemplars", f"project = {project} AND ({_in_map('attributes', who)})"
        ),
        series=series,
        points=points,
        facets=_erase(
            engine, "facets_15m", f"project = {project} AND field IN ({_keys()}) AND value = {who}"
        ),
        rejects=_erase(engine, "rejects", f"project = {project} AND position(sample, {who}) > 0"),
    )


def _erase_series(engine: Engine, project: int, who: str) -> tuple[int, int]:
    """Points first, so that a run that dies in between can be repeated."""
    about = f"project = {project} AND ({_in_map('labels', who)} OR {_in_json('resource', who)})"
    sql = f"SELECT DISTINCT series_id FROM series WHERE {about}"
    found = [row[0] for row in engine.query("erase_series", sql, limits=_LIMITS).rows]
    if not found:
        return 0, 0
    listed = ", ".join(map(str, found))
    points = sum(
        _erase(engine, table, f"project = {project} AND series_id IN ({listed})")
        for table in POINT_TABLES
    )
    _erase(engine, "series", about)
    return points, len(found)


def _erase(engine: Engine, table: str, where: str) -> int:
    before = _count(engine, table, where)
    if before:
        engine.execute(f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 1")
        if _count(engine, table, where):
            raise Unavailable(
                "erase_incomplete",
                f"Not every row of the person could be erased from {table} yet.",
                "Erase them again: rows may have come in meanwhile.",
                retry_after=5,
            )
    return before


def _count(engine: Engine, table: str, where: str) -> int:
    sql = f"SELECT count() FROM {table} WHERE {where}"
    return int(engine.query("erase_count", sql, limits=_LIMITS).rows[0][0])


def _keys() -> str:
    return ", ".join(map(quote, KEYS))


def _in_spans(who: str) -> str:
    within = f"{_within('events', who)} OR {_within('links', who)}"
    return f"{_in_map('attributes', who)} OR {_in_json('resource', who)} OR {_in_scope(who)} OR {within}"


def _within(column: str, who: str) -> str:
    """In the attributes of a span's events or links."""
    found = " OR ".join(_is(f"JSONExtractRaw(e, 'attributes', {quote(key)})", who) for key in KEYS)
    return f"({column} != '' AND arrayExists(e -> {found}, JSONExtractArrayRaw({column})))"


def _in_scope(who: str) -> str:
    return f"(scope_attributes != '' AND {_in_json('scope_attributes', who)})"


def _in_logs(who: str) -> str:
    body = f"(body_type IN ('kvlist', 'json') AND ({_in_json('body', who)}))"
    return (
        f"{_in_map('attributes', who)} OR {_in_json('resource', who)} OR {_in_scope(who)} OR {body}"
    )


def _in_map(column: str, who: str) -> str:
    """As the value of a key, or one of several in a list."""
    found = (
        f"{column}[{quote(key)}] = {who}"
        f" OR (startsWith({column}[{quote(key)}], '[') AND has(JSONExtract({column}[{quote(key)}], 'Array(String)'), {who}))"
        for key in KEYS
    )
    return "(" + " OR ".join(found) + ")"


def _in_json(column: str, who: str) -> str:
    found = (_is(f"JSONExtractRaw({column}::String, {quote(key)})", who) for key in KEYS)
    return "(" + " OR ".join(found) + ")"


def _is(raw: str, who: str) -> str:
    """Whether a JSON value is the id, as text or as a number."""
    return f"({raw} = toJSONString({who}) OR {raw} = {who})"
