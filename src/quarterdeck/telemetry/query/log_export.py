"""Log records as lines of JSON or CSV, oldest first, of any number.

    for part in export_logs(engine, window, asked, "csv", columns): ...

The range is cut into stretches of about `PART_BYTES`, told by how many records there are and how
large; each is one bounded query whose answer the engine has already written out. So memory does not
depend on the number of records, and whoever stops asking stops the work. Records that arrive while
it runs may or may not be among them. All records of a stretch come in the order of time and hash;
none is missed or told twice.

CSV is that of RFC 4180, every cell in quotes. A cell that a spreadsheet could take for a formula
(it begins with `=`, `+`, `-`, `@`, a tab or a line end, after blanks or not) and that is not a plain
number begins with an apostrophe.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.log_fields import json_of, text_of
from quarterdeck.telemetry.query.logs import HASH
from quarterdeck.telemetry.query.rows import ATTRIBUTES
from quarterdeck.telemetry.query.window import LIMITS, Asked, Window, grid_of, run
from quarterdeck.telemetry.sql.views import quote

Format = Literal["ndjson", "csv"]

COLUMNS = ("time", "level", "service", "environment", "release", "body", "trace_id", "span_id")
"""What a table has unless it is told otherwise, before attributes and resource as JSON."""

PART_BYTES = 4 * 1024 * 1024
_ROW_BYTES = 300  # of what is not counted
_STRETCHES = 1000
_FORMULA = r"^\s*[=+\-@\t\r\n＝＋－＠]"
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_WHOLE = {
    "attributes": ATTRIBUTES.rpartition(" AS ")[0],
    "resource": "if(resource::String = '', '{}', resource::String)",
}


def export_logs(
    engine: Engine, window: Window, asked: Asked, format: Format, columns: Sequence[str] = ()
) -> Iterator[bytes]:
    """Each part ends with a line; the first is the head of a table."""
    line = _json(asked, columns) if format == "ndjson" else _csv(asked, columns)
    if format == "csv":
        yield _head(columns)
    for part, more in _parts(engine, window, asked):
        within = asked.copy()
        for condition in more:
            within.add(condition)
        # Raw line ends are white space of JSON that a sender wrote; in texts they are escaped.
        text = (
            f"translate({line}, '\\n\\r', '  ')" if format == "ndjson" else f"concat({line}, '\\r')"
        )
        sql = f"SELECT toValidUTF8({text}) FROM logs WHERE {part.where()}{within.sql} ORDER BY time, {HASH}"
        params = {**part.params(), **within.params}
        used = {key: value for key, value in params.items() if f"{{{key}:" in sql}
        answer = engine.raw("logs_export", sql, "TSVRaw", used, limits=LIMITS)
        if answer:
            yield answer


def _parts(
    engine: Engine, window: Window, asked: Asked
) -> Iterator[tuple[Window, tuple[str, ...]]]:
    """Stretches of time that hold about `PART_BYTES`, with conditions for parts of a dense second."""
    grid = grid_of(window, _STRETCHES)
    sql = f"""
        SELECT {grid.index("time")} AS step, count(),
            sum(length(body) + arraySum(x -> length(x), mapValues(attributes)) + {_ROW_BYTES})
        FROM logs WHERE {window.where()}{asked.sql} GROUP BY step ORDER BY step"""
    begun, size = window.start_ms, 0
    for step, records, bytes in run(engine, "logs_export_parts", sql, window, asked).rows:
        start = max(window.start_ms, grid.start_ms + step * grid.step_ms)
        end = min(window.end_ms, grid.start_ms + (step + 1) * grid.step_ms)
        if size and size + bytes > PART_BYTES:
            yield _between(window, begun, start), ()
            begun, size = start, 0
        if bytes <= PART_BYTES:
            size += bytes
            continue
        dense = _between(window, begun, end)
        if grid.step_ms > 1000:
            yield from _parts(engine, dense, asked)
        else:
            rows = max(1, records * PART_BYTES // bytes)
            yield from ((dense, more) for more in _cut(engine, dense, asked, rows))
        begun = end
    if size:
        yield _between(window, begun, window.end_ms), ()


def _between(window: Window, start: int, end: int) -> Window:
    return Window(window.project, start, end, window.environment)


def _cut(engine: Engine, window: Window, asked: Asked, rows: int) -> Iterator[tuple[str, ...]]:
    """Conditions that cut a stretch into parts of so many records, in their order."""
    sql = f"""
        SELECT toUnixTimestamp64Nano(time), hash FROM (
            SELECT time, {HASH} AS hash, row_number() OVER (ORDER BY time, hash) AS number
            FROM logs WHERE {window.where()}{asked.sql}
        ) WHERE number % {rows} = 0 ORDER BY number"""
    place = f"(toUnixTimestamp64Nano(time), {HASH})"
    above: tuple[str, ...] = ()
    for time, hash in run(engine, "logs_export_cut", sql, window, asked).rows:
        edge = f"({time}, {hash})"
        yield (*above, f"{place} <= {edge}")
        above = (f"{place} > {edge}",)
    yield above


def _json(asked: Asked, columns: Sequence[str]) -> str:
    listed = columns or (
        "time", "level", "severity_number", "severity_text", "service", "environment", "release",
        "event_name", "body", "trace_id", "span_id", *_WHOLE,
    )  # fmt: skip
    parts = []
    for index, name in enumerate(listed):
        key = f"concat({quote('{' if index == 0 else ',')}, toJSONString({asked.bind(name)}), ':')"
        parts += [key, _WHOLE.get(name) or json_of(asked, name)]
    return f"concat({', '.join(parts)}, '}}')"


def _csv(asked: Asked, columns: Sequence[str]) -> str:
    cells = []
    for name in columns or (*COLUMNS, *_WHOLE):
        text = _WHOLE.get(name) or text_of(asked, name)
        odd = f"match({text}, {quote(_FORMULA)}) AND NOT match({text}, {quote(_NUMBER)})"
        cells.append(f"""concat('"', if({odd}, '\\'', ''), replaceAll({text}, '"', '""'), '"')""")
    return f"arrayStringConcat([{', '.join(cells)}], ',')"


def _head(columns: Sequence[str]) -> bytes:
    names = columns or (*COLUMNS, *_WHOLE)
    cells = ["'" + name if re.match(_FORMULA, name) else name for name in names]
    return (",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n").encode()
