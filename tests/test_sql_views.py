"""POST /api/sql: the views, their types, the accessors, and what a refusal says."""

import json
import math
from typing import Any

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.settings import load
from quarterdeck.telemetry.sql import SqlAnswer, run_sql
from quarterdeck.telemetry.sql.rewrite import rewrite
from quarterdeck.telemetry.sql.views import VIEWS, quote
from support.engine import new_project, shared_engine
from support.rows import add_logs, add_samples, add_spans, now_ns

SETTINGS = load({"query_rows": 1000}, environ={})
ATTRIBUTES: dict[str, Any] = {
    "s": "text", "empty": "", "number_text": "7", "i": 2**62, "zero": 0, "d": 2.0, "tiny": 1e-300,
    "b": False, "list": [1, 2.5, "x", 3.0], "map": {"k": 1, "m": 2.0}, "odd 'key\\": "q\"'\\",
}  # fmt: skip
RESOURCE: dict[str, Any] = {"service.name": "shop", "n": 3, "d": 3.0, "b": True, "l": ["a"]}
NESTED: dict[str, Any] = {"k": None, "n": {"z": None, "f": 2.0}, "l": [None, {"a": None}], "e": {}}


@pytest.fixture(scope="module")
def ground() -> tuple[ProjectRef, int]:
    project, at = new_project("shop-project"), now_ns()
    events = f'[{{"time":{at},"name":"e","dropped":1,"attributes":{{"x":1,"d":1.0}}}}]'
    links = (
        '[{"trace_id":"ab","span_id":"cd","trace_state":"s","flags":1,"dropped":0,"attributes":{}}]'
    )
    add_spans(
        shared_engine(),
        project.id,
        {"time": at, "attributes": ATTRIBUTES, "resource": RESOURCE, "events": events, "links": links, "status": "error", "kind": "client",
         "trace_id": "0123456789abcdef0123456789abcdef", "span_id": "0123456789abcdef"},
        {"time": at + 1, "name": "other", "attributes": {"s": "else", "i": 5}, "trace_id": "f" * 32, "span_id": "e" * 16, "parent_span_id": "d" * 16},
    )  # fmt: skip
    add_logs(
        shared_engine(),
        project.id,
        {
            "time": at,
            "body": "hello",
            "trace_id": "f" * 32,
            "severity_text": "",
            "severity_number": 17,
        },
    )
    add_samples(
        shared_engine(),
        project.id,
        "cpu",
        18_000_000_000_000_000_000,
        {at: 1.0, at + 1: 2.5, at + 2: math.inf},
        {"cpu": 0, "mode": "user"},
    )
    add_samples(shared_engine(), project.id, "mem", 7, {at: 4.0}, {})
    return project, at


def ask(ground: tuple[ProjectRef, int], sql: str) -> SqlAnswer:
    return run_sql(shared_engine(), SETTINGS, sql, [ground[0]])


def one(ground: tuple[ProjectRef, int], sql: str) -> Any:
    return ask(ground, sql).rows[0][0]


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_every_view_answers_with_the_columns_it_names(
    ground: tuple[ProjectRef, int], view: str
) -> None:
    answer = ask(ground, f"SELECT * FROM {view}")
    assert [c.name for c in answer.columns] == VIEWS[view].names
    for column in VIEWS[view].columns:
        assert (
            ask(ground, f"SELECT {column.name} FROM {view} ORDER BY {column.name}").columns[0].name
            == column.name
        )


def test_a_span_comes_back_with_every_value_and_type(ground: tuple[ProjectRef, int]) -> None:
    answer = ask(ground, "SELECT * FROM spans WHERE trace_id = '0123456789abcdef0123456789abcdef'")
    row = dict(zip([c.name for c in answer.columns], answer.rows[0], strict=True))
    assert row["attributes"] == ATTRIBUTES
    assert {k: type(v) for k, v in row["attributes"].items()} == {
        k: type(v) for k, v in ATTRIBUTES.items()
    }
    assert row["resource"] == RESOURCE
    assert isinstance(row["resource"]["d"], float)
    assert (row["span_id"], row["parent_span_id"], row["project"]) == (
        "0123456789abcdef",
        "",
        "shop-project",
    )
    assert (row["kind"], row["status"]) == ("client", "error")
    assert row["events"][0]["attributes"] == {"x": 1, "d": 1.0}
    assert row["events"][0]["time"] == row["time"]
    assert row["links"][0]["trace_state"] == "s"
    types = {c.name: c.type for c in answer.columns}
    assert (types["time"], types["duration_ns"], types["attributes"], types["events"]) == (
        "time",
        "int",
        "map",
        "array",
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {} FROM spans WHERE span_id = '0123456789abcdef'",
        "SELECT {} FROM spans s WHERE s.span_id = '0123456789abcdef'",
        "SELECT {} FROM (SELECT * FROM spans) WHERE span_id = '0123456789abcdef'",
        "WITH x AS (SELECT attributes, span_id FROM spans) SELECT {} FROM x WHERE span_id = '0123456789abcdef'",
        "SELECT any({}) FROM spans WHERE span_id = '0123456789abcdef'",
    ],
)
def test_accessors_say_the_same_wherever_the_map_comes_from(
    ground: tuple[ProjectRef, int], sql: str
) -> None:
    expected = {
        "attr_string(attributes, 's')": "text", "attr_string(attributes, 'empty')": "",
        "attr_string(attributes, 'i')": None, "attr_string(attributes, 'absent')": None,
        "attr_int(attributes, 'i')": 2**62, "attr_int(attributes, 'zero')": 0,
        "attr_int(attributes, 'd')": None, "attr_int(attributes, 'number_text')": None,
        "attr_float(attributes, 'd')": 2.0, "attr_float(attributes, 'zero')": 0.0,
        "attr_bool(attributes, 'b')": False, "attr_bool(attributes, 's')": None,
        "attr_text(attributes, 'i')": str(2**62), "attr_text(attributes, 'absent')": None,
        "attr_type(attributes, 'list')": "array", "attr_type(attributes, 'map')": "kvlist",
        "attr_type(attributes, 'd')": "double", "attr_type(attributes, 'absent')": None,
        "attr_string(attributes, 'odd \\'key\\\\')": "q\"'\\",
    }  # fmt: skip
    for expression, value in expected.items():
        assert one(ground, sql.format(expression)) == value, expression


@pytest.fixture(scope="module")
def nested() -> tuple[ProjectRef, int]:
    """Spans that hold the same value everywhere, one of them without a scope's attributes."""
    project, at = new_project(), now_ns()
    engine, whole = shared_engine(), {"m": NESTED, "odd 'key\\": 1.0}
    add_spans(engine, project.id, {"time": at, "attributes": whole, "resource": whole})
    engine.execute(
        "INSERT INTO spans (project, service, time, name, resource, scope_attributes)"
        f" VALUES ({project.id}, 's', fromUnixTimestamp64Nano({at + 1}), 'scoped', '{{}}', {quote(json.dumps(whole))})"
    )
    return project, at


@pytest.mark.parametrize("map", ["attributes", "resource", "scope_attributes"])
def test_a_value_that_is_asked_for_keeps_its_nulls_and_its_points(
    nested: tuple[ProjectRef, int], map: str
) -> None:
    here, elsewhere = ("=", "!=") if map == "scope_attributes" else ("!=", "=")
    rows = f"FROM spans WHERE name {here} 'scoped'"
    for asked in (f"{map}['m']", f"{map}['m'] AS m", f"spans.{map}['m']"):
        assert repr(one(nested, f"SELECT {asked} {rows}")) == repr(NESTED), asked
    several = run_sql(
        shared_engine(),
        SETTINGS,
        f"SELECT {map}['m'], {map}['odd \\'key\\\\'], {map} {rows}",
        [nested[0]],
    )
    assert several.rows == [[NESTED, 1.0, {"m": NESTED, "odd 'key\\": 1.0}]]
    assert json.loads(one(nested, f"SELECT attr_text({map}, 'm') {rows}")) == NESTED
    assert repr(one(nested, f"SELECT {map}['odd \\'key\\\\'] {rows}")) == "1.0"
    assert one(nested, f"SELECT {map}['absent'] {rows}") is None
    assert one(nested, f"SELECT {map}['m'] FROM spans WHERE name {elsewhere} 'scoped'") is None


def test_accessors_read_resources_and_labels_too(ground: tuple[ProjectRef, int]) -> None:
    where = "FROM spans WHERE span_id = '0123456789abcdef'"
    assert one(ground, f"SELECT attr_int(resource, 'n') {where}") == 3
    assert one(ground, f"SELECT attr_type(resource, 'd') {where}") == "double"
    assert one(ground, f"SELECT attr_bool(resource, 'b') {where}") is True
    assert one(ground, f"SELECT attr_text(resource, 'l') {where}") == '["a"]'
    assert (
        one(ground, "SELECT attr_string(labels, 'mode') FROM samples WHERE metric = 'cpu' LIMIT 1")
        == "user"
    )
    assert one(ground, "SELECT labels['cpu'] FROM series WHERE metric = 'cpu'") == 0


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("attributes['s'] = 'text'", 1), ("'text' = attributes['s']", 1), ("attributes['s'] IN ('text', 'else')", 2),
        ("attributes['i'] IN (5, 6)", 1),
        ("attributes['i'] = 5", 1), ("attributes['i'] > 5", 1), ("attributes['absent'] = ''", 0),
        ("attributes['s'] != 'text'", 1), ("NOT attributes['s'] = 'text'", 1), ("attributes['s'] = 'text' OR name = 'other'", 2),
        ("trace_id = 'ffffffffffffffffffffffffffffffff'", 1), ("trace_id IN ('ffffffffffffffffffffffffffffffff', 'x')", 1),
        ("trace_id = 'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF'", 0), ("parent_span_id = ''", 1), ("parent_span_id = 'dddddddddddddddd'", 1),
        ("project = 'shop-project'", 2), ("project = 'other'", 0), ("service = 'shop' AND time > now() - INTERVAL 1 HOUR", 2),
        ("trace_id IN (SELECT trace_id FROM logs)", 1), ("attr_int(attributes, 'i') = 5", 1), ("resource['n'] = 3", 1),
    ],
)  # fmt: skip
def test_conditions_hold_for_these_spans(
    ground: tuple[ProjectRef, int], condition: str, count: int
) -> None:
    assert one(ground, f"SELECT count() FROM spans WHERE {condition}") == count


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT attributes['s'], count() FROM spans GROUP BY attributes['s'] ORDER BY 1", [["else", 1], ["text", 1]]),
        ("SELECT s.name, l.body FROM spans s JOIN logs l ON s.trace_id = l.trace_id", [["other", "hello"]]),
        ("SELECT s.name, l.body FROM spans s LEFT JOIN logs l USING (trace_id) WHERE s.attributes['s'] = 'text'", [["GET /", ""]]),
        ("SELECT name FROM spans ORDER BY time LIMIT 1 BY service LIMIT 5", [["GET /"]]),
        ("WITH a AS (SELECT name FROM spans), b AS (SELECT name FROM a) SELECT count() FROM a, b", [[4]]),
        ("SELECT arrayMap(attributes -> attributes + 1, [1, 2])", [[[2, 3]]]),
        ("SELECT e.name FROM spans ARRAY JOIN events AS e", [["e"]]),
        ("SELECT name, row_number() OVER (ORDER BY time) AS n FROM spans ORDER BY n", [["GET /", 1], ["other", 2]]),
        ("SELECT countIf(status = 'error'), quantile(0.5)(duration_ns) FROM spans", [[1, 1000000.0]]),
        ("SELECT a FROM (SELECT 1 AS a UNION ALL SELECT 2) ORDER BY a DESC", [[2], [1]]),
        ("SELECT sum(value) FROM samples WHERE metric = 'mem'", [[4.0]]),
        ("SELECT metric, count() FROM samples GROUP BY metric ORDER BY metric", [["cpu", 3], ["mem", 1]]),
        ("SELECT value FROM samples WHERE labels['mode'] = 'user' ORDER BY time", [[1.0], [2.5], ["inf"]]),
        ("SELECT severity, level, severity_number FROM logs", [["ERROR", "error", 17]]),
        ("SELECT series_id FROM series WHERE metric = 'cpu'", [[18_000_000_000_000_000_000]]),
        ("SELECT name FROM spans PREWHERE status = 'error' WHERE kind = 'client'", [["GET /"]]),
        ("SELECT number FROM numbers(3)", [[0], [1], [2]]),
        ("SELECT CAST('5' AS Int64) + 1, '5'::UInt8, toDecimal64(1.5, 2), nan", [[6, 5, "1.5", "nan"]]),
        ("SELECT map('a', 1)['a'], tuple(1, 'x').2, if(1 > 0, 'y', 'n')", [[1, "x", "y"]]),
    ],
)  # fmt: skip
def test_ordinary_statements_answer(
    ground: tuple[ProjectRef, int], sql: str, rows: list[list[Any]]
) -> None:
    assert ask(ground, sql).rows == rows


def test_a_result_is_cut_at_the_limit_and_says_so(ground: tuple[ProjectRef, int]) -> None:
    whole = ask(ground, "SELECT number FROM numbers(1000)")
    cut = ask(ground, "SELECT number FROM numbers(1001) ORDER BY number DESC")
    assert (len(whole.rows), whole.truncated) == (1000, False)
    assert (len(cut.rows), cut.truncated) == (1000, True)
    assert cut.rows[0] == [1000]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT nope FRO m x", "sql_parse"), ("", "sql_parse"), ("SELECT 1; SELECT 2", "sql_one_statement"),
        ("DROP TABLE spans", "sql_not_select"), ("SHOW TABLES", "sql_not_select"), ("DESCRIBE spans", "sql_not_select"),
        ("SELECT * FROM nothing", "sql_view_unknown"), ("SELECT * FROM error_events", "sql_view_unknown"),
        ("SELECT * FROM default.spans", "sql_view_unknown"), ("SELECT nothing FROM spans", "sql_column_unknown"),
        ("SELECT sleep(1)", "sql_function_forbidden"), ("SELECT * FROM file('x')", "sql_function_forbidden"),
        ("SELECT * FROM numbers(1e12)", "sql_function_forbidden"), ("SELECT 1 SETTINGS max_threads = 9", "sql_clause_forbidden"),
        ("SELECT 1 FORMAT JSON", "sql_clause_forbidden"), ("SELECT 1 INTO OUTFILE 'x'", "sql_clause_forbidden"),
        ("WITH spans AS (SELECT 1) SELECT 1", "sql_name_reserved"), ("SELECT 1 AS __t", "sql_name_reserved"),
        ("SELECT attr_int(attributes) FROM spans", "sql_accessor"), ("SELECT toDate('x')", "sql_failed"),
        ("SELECT '" + "x" * 70_000 + "'", "sql_too_long"), ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "sql_too_complex"),
    ],
)  # fmt: skip
def test_a_refusal_has_a_code_and_says_what_to_do(
    ground: tuple[ProjectRef, int], sql: str, code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        ask(ground, sql)
    assert refused.value.code == code
    assert refused.value.message
    assert refused.value.hint


def test_a_syntax_error_names_its_place(ground: tuple[ProjectRef, int]) -> None:
    with pytest.raises(BadInput) as refused:
        ask(ground, "SELECT 'é',\n  name FROM spans WERE 1")
    assert refused.value.details["line"] == 2
    assert refused.value.details["column"] > 1


def plan(ground: tuple[ProjectRef, int], sql: str) -> str:
    bound = rewrite(shared_engine(), sql, [ground[0]])
    rows = shared_engine().query("plan", f"EXPLAIN indexes = 1 {bound.sql}").rows
    return "\n".join(row[0] for row in rows)


def test_conditions_on_ids_attributes_and_words_use_the_indexes(
    ground: tuple[ProjectRef, int],
) -> None:
    assert "trace_id_bloom" in plan(
        ground, "SELECT name FROM spans WHERE trace_id = 'ffffffffffffffffffffffffffffffff'"
    )
    assert "attribute_values" in plan(
        ground, "SELECT name FROM spans s WHERE s.attributes['s'] = 'text'"
    )
    assert "attribute_values" in plan(
        ground, "SELECT name FROM spans WHERE attr_string(attributes, 's') = 'text'"
    )
    assert "body_words" in plan(
        ground, "SELECT body FROM logs WHERE hasToken(lower(body), 'hello')"
    )
    assert "Min-Max" in plan(ground, "SELECT body FROM logs WHERE time > now() - INTERVAL 1 HOUR")


def test_a_column_that_is_not_named_is_not_read(ground: tuple[ProjectRef, int]) -> None:
    assert "series" not in plan(ground, "SELECT time, value FROM samples")
    assert "attributes" not in plan(ground, "SELECT name FROM spans")
