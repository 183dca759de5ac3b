"""A person's rows leave every table, for good, and it is checked that they have.

A row is about a person when one of the attributes that name a user (`user.id`,
`enduser.id`, `enduser.pseudo.id`) has their id: on the span or record itself, on its
resource or scope, on an event or link of the span, in the structured body of a record, or on
the labels of a series, whose points go with it, or of an exemplar; in maps within maps and lists
however deep. Labels of Prometheus may have the names with underscores.
Counts by minute hold no ids and stay, as does text that happens to mention the person.
"""

import re
from collections.abc import Iterable

import orjson
from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput, Unavailable
from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry.known import forget_known_series
from quarterdeck.telemetry.query.log_mask import sample_of
from quarterdeck.telemetry.sql.views import quote
from quarterdeck.telemetry.tables import POINT_TABLES, PROMETHEUS_POINTS

KEYS = ("user.id", "enduser.id", "enduser.pseudo.id")
LABELS = (*KEYS, *(key.replace(".", "_") for key in KEYS))  # as Prometheus has them too

# The values of these keys in JSON text: a text, a list of plain values, or one such value. Only
# the quote that opens a key stands behind a brace or a comma: one within a text is escaped.
_TEXT = r'"(?:[^"\\]|\\.)*"'
_PAIR = (
    r'[{,]\s*"(?:' + "|".join(map(re.escape, KEYS)) + r')"\s*:\s*'
    rf'({_TEXT}|\[(?:[^"\[\]{{}}]|{_TEXT})*\]|[^\s,\[\]{{}}"]+)'
)

_NESTED = "'array', 'kvlist', 'json'"  # types whose text is JSON

_LIMITS = Limits(seconds=300, memory_mb=768, threads=2)
_LONGEST = 1_000


class Erased(BaseModel):
    spans: int
    logs: int
    exemplars: int
    series: int = Field(description="Series labelled with the person.")
    points: int = Field(description="Points of these series.")
    errors: int = Field(description="Error events of the person, or that hold the id as a value.")
    facets: int
    rejects: int = Field(description="Samples of refused items that mention the id.")


def check_user_id(user_id: str) -> None:
    if not user_id.strip() or len(user_id) > _LONGEST or "\0" in user_id:
        raise BadInput(
            "user_id_invalid",
            f"A user id is text of 1 to {_LONGEST} characters.",
            "Send the value of the attribute `user.id` or `enduser.id`.",
        )


def erase_person(engine: Engine, project: int, user_id: str) -> Erased:
    """Delete the rows of one person in one project; how many there were."""
    check_user_id(user_id)
    who = quote(user_id)
    points, series = _erase_series(engine, project, who)
    prometheus_points, prometheus_series = _erase_prometheus(engine, project, who)
    _erase_samples(engine, project, who)
    return Erased(
        spans=_erase(engine, "spans", f"project = {project} AND ({_in_spans(who)})"),
        logs=_erase(engine, "logs", f"project = {project} AND ({_in_logs(who)})"),
        exemplars=_erase(
            engine,
            "exemplars",
            f"project = {project} AND ({_in_map('attributes', 'attribute_types', who)})",
        )
        + _erase(engine, "prom_exemplars", f"project = {project} AND ({_in_labels(who)})"),
        series=series + prometheus_series,
        points=points + prometheus_points,
        errors=_erase(engine, "error_events", f"project = {project} AND ({_in_errors(user_id)})"),
        facets=_erase(
            engine, "facets_15m", f"project = {project} AND field IN ({_keys()}) AND value = {who}"
        ),
        rejects=_erase(engine, "rejects", f"project = {project} AND position(sample, {who}) > 0"),
    )


def _erase_samples(engine: Engine, project: int, who: str) -> None:
    """Patterns keep their counts and lose the lines that were shown for them, while these are there."""
    about = f"project = {project} AND ({_in_logs(who)})"
    if _count(engine, "logs", about):
        engine.execute(
            f"ALTER TABLE log_patterns UPDATE sample = '' WHERE project = {project}"
            f" AND sample IN (SELECT {sample_of()} FROM logs WHERE {about}) SETTINGS mutations_sync = 1"
        )


def _erase_series(engine: Engine, project: int, who: str) -> tuple[int, int]:
    named = f"{_in_map('labels', 'label_types', who)} OR {_in_json('resource', who)}"
    about = f"project = {project} AND ({named} OR {_in_json('scope_attributes', who)})"
    return _erase_labelled(engine, project, "series", about, POINT_TABLES)


def _erase_prometheus(engine: Engine, project: int, who: str) -> tuple[int, int]:
    about = f"project = {project} AND ({_in_labels(who)})"
    erased = _erase_labelled(engine, project, "prom_series", about, PROMETHEUS_POINTS)
    if erased[1]:
        forget_known_series(engine)
    return erased


def _erase_labelled(
    engine: Engine, project: int, table: str, about: str, points_in: Iterable[str]
) -> tuple[int, int]:
    """Points first, so that a run that dies in between can be repeated."""
    sql = f"SELECT DISTINCT series_id FROM {table} WHERE {about}"
    found = [row[0] for row in engine.query("erase_series", sql, limits=_LIMITS).rows]
    if not found:
        return 0, 0
    listed = ", ".join(map(str, found))
    points = sum(
        _erase(engine, name, f"project = {project} AND series_id IN ({listed})")
        for name in points_in
    )
    _erase(engine, table, about)
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


def _in_errors(user_id: str) -> str:
    """Whatever part of an event as it was sent is the id, and no more than it."""
    whole = quote(orjson.dumps(user_id).decode())
    names = ("user", "user_id", "user_email", "user_name")
    return " OR ".join(
        [f"{name} = {quote(user_id)}" for name in names] + [f"position(payload, {whole}) > 0"]
    )


def _in_labels(who: str) -> str:
    return " OR ".join(f"labels[{quote(key)}] = {who}" for key in LABELS)


def _keys() -> str:
    return ", ".join(map(quote, KEYS))


def _in_spans(who: str) -> str:
    columns = ("resource", "scope_attributes", "events", "links")
    found = " OR ".join(_in_json(column, who) for column in columns)
    return f"{_in_map('attributes', 'attribute_types', who)} OR {found}"


def _in_logs(who: str) -> str:
    found = " OR ".join(_in_json(column, who) for column in ("resource", "scope_attributes"))
    body = f"(body_type IN ({_NESTED}) AND {_in_json('body', who)})"
    return f"{_in_map('attributes', 'attribute_types', who)} OR {found} OR {body}"


def _in_map(column: str, types: str, who: str) -> str:
    """As the value of a key, or one of several in a list, or within another value."""
    named = (
        f"{column}[{quote(key)}] = {who}"
        f" OR (startsWith({column}[{quote(key)}], '[') AND has(JSONExtract({column}[{quote(key)}], 'Array(String)'), {who}))"
        for key in KEYS
    )
    nested = f"arrayExists((v, t) -> t IN ({_NESTED}) AND {_in_json('v', who)}, mapValues({column}), {types})"
    return f"({' OR '.join(named)} OR {nested})"


def _in_json(text: str, who: str) -> str:
    """Under one of the keys, as text, number or in a list, at any depth of a JSON text."""
    text = f"{text}::String"
    is_who = (
        f"JSONExtractString(x) = {who} OR x = {who} OR has(JSONExtract(x, 'Array(String)'), {who})"
    )
    # The search for words is there for speed: few texts need the pattern.
    return (
        f"(multiSearchAny({text}, [{_keys()}])"
        f" AND arrayExists(x -> {is_who}, extractAll({text}, {quote(_PAIR)})))"
    )
