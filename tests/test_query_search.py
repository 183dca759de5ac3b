"""The language of the search fields: what it means, and what it says when it cannot be read."""

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query import logs
from quarterdeck.telemetry.query.logs import search
from quarterdeck.telemetry.query.search import parse
from quarterdeck.telemetry.query.traces import Filter, traces
from quarterdeck.telemetry.query.window import Asked, Window, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns


def around(project: int, at: int, seconds: int = 3600) -> Window:
    ms = at // 1_000_000
    return window_of(project, ms - seconds * 1000, ms + seconds * 1000)


def shown(text: str) -> list[tuple[str, str, str, bool]]:
    return [(t.field, t.operator, t.value, t.negated) for t in parse(text)]


def test_words_phrases_fields_and_denials_are_told_apart() -> None:
    assert shown('payment -"card declined" service:shop -level:debug') == [
        ("", ":", "payment", False),
        ("", ":", "card declined", True),
        ("service", ":", "shop", False),
        ("level", ":", "debug", True),
    ]
    assert shown("duration>=100ms http.status_code:>499 a=b") == [
        ("duration", ">=", "100ms", False),
        ("http.status_code", ">", "499", False),
        ("a", ":", "b", False),
    ]
    assert shown('user.name:"Ada \\"the first\\" L" ') == [
        ("user.name", ":", 'Ada "the first" L', False)
    ]
    assert shown("  ") == []
    assert shown("GET https://shop.example/cart - x") == [
        ("", ":", "GET", False),
        ("", ":", "https://shop.example/cart", False),
        ("", ":", "-", False),
        ("", ":", "x", False),
    ]
    assert shown('"still being typed') == [("", ":", "still being typed", False)]


@pytest.mark.parametrize(
    ("text", "position"),
    [("payment service:", 16), ("level>=abc severity_number>x", 11), ("x" * 4001, 4000)],
)
def test_what_cannot_be_read_is_refused_with_its_position(text: str, position: int) -> None:
    with pytest.raises(BadInput) as refused:
        logs.condition(Asked(), q=text)
    assert refused.value.code == "search_invalid"
    assert refused.value.details["position"] == position


@pytest.fixture(scope="module")
def records() -> tuple[int, int]:
    project, at = new_project().id, now_ns()
    rows = [
        ("Payment declined for order-77", 17, {"order": "o77", "amount": 12.5, "user.id": "u1", "ok": False}),
        ("payment accepted for order-78", 9, {"order": "o78", "amount": 99.0, "user.id": "u2", "ok": True}),
        ("Cache miss: key=a_b%c", 5, {"retries": 3}),
        ("Zahlung für Straße 5 abgelehnt", 13, {"order": "it's \\ odd"}),
    ]  # fmt: skip
    add_logs(
        shared_engine(),
        project,
        *(
            {"body": body, "severity_number": number, "attributes": attributes, "time": at + i,
             "service": "pay" if i < 2 else "web", "resource": {"host.name": f"h{i}", "n": i},
             "trace_id": f"{i + 1:032x}"}
            for i, (body, number, attributes) in enumerate(rows)
        ),
    )  # fmt: skip
    return project, at


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {0, 1, 2, 3}),
        ("payment", {0, 1}),
        ("PAYMENT declined", {0}),
        ("-payment", {2, 3}),
        ("pay", set()),  # a word is a whole word
        ("pay*", {0, 1}),
        ("order-77", {0}),
        ('"declined for"', {0}),
        ('"for declined"', set()),
        ("a_b%c", {2}),
        ("a_b_c", set()),
        ("für", {3}),
        ("Straße", {3}),
        ("service:pay", {0, 1}),
        ("-service:pay", {2, 3}),
        ("service:p*", {0, 1}),
        ("level:error", {0}),
        ("level>=warn", {0, 3}),
        ("severity:info", {1}),
        ("severity_number<10", {1, 2}),
        ("order:o77", {0}),
        ("-order:o77", {1, 2, 3}),
        ("order:*", {0, 1, 3}),
        ("order:o7*", {0, 1}),
        ('order:"it\'s \\\\ odd"', {3}),
        ("amount>50", {1}),
        ("amount<=12.5", {0}),
        ("ok:true", {1}),
        ("retries:3", {2}),
        ("attributes.order:o78", {1}),
        ("host.name:h2", {2}),
        ("resource.n:3", {3}),
        (f"{2:032x}", {1}),
        (f"trace_id:{3:032X}", {2}),
        ("trace_id:nonsense", set()),
        ("body:declined", {0}),
        ("'; DROP TABLE logs --", set()),
        ("order:'", set()),
        ("%", {2}),
        ("_", {2}),
        ("payment service:pay -level:error amount>10", {1}),
    ],
)
def test_a_search_finds_these_records(records: tuple[int, int], text: str, found: set[int]) -> None:
    project, at = records
    answer = search(shared_engine(), around(project, at), q=text)
    assert {int(row.time_ns) - at for row in answer.items} == found


@pytest.fixture(scope="module")
def spans() -> tuple[int, int]:
    project, at = new_project().id, now_ns()
    rows = [
        {"name": "GET /cart", "duration_ns": 80_000_000, "attributes": {"http.status_code": 200}},
        {"name": "POST /pay", "duration_ns": 900_000_000, "status": "error", "status_message": "card declined",
         "attributes": {"http.status_code": 502}},
        {"name": "consume orders", "kind": "consumer", "duration_ns": 5_000},
    ]  # fmt: skip
    add_spans(
        shared_engine(),
        project,
        *(
            {**row, "time": at + i * SECOND, "trace_id": f"{i + 1:032x}"}
            for i, row in enumerate(rows)
        ),
    )
    return project, at


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {1, 2, 3}),
        ("cart", {1}),
        ("declined", {2}),
        ("status:error", {2}),
        ("kind:consumer", {3}),
        ("duration>=80ms", {1, 2}),
        ("duration:>0.5s", {2}),
        ("duration<10us", {3}),
        ("name:GET*", {1}),
        ('operation:"POST /pay"', {2}),
        ("http.status_code>=500", {2}),
        ("http.status_code:200", {1}),
        ("-http.status_code:*", {3}),
        ("trace_id:00000000000000000000000000000003", {3}),
    ],
)
def test_a_search_finds_these_traces(spans: tuple[int, int], text: str, found: set[int]) -> None:
    project, at = spans
    answer = traces(shared_engine(), around(project, at), Filter(q=text))
    assert {int(row.trace_id, 16) for row in answer.items} == found


@pytest.mark.parametrize("text", ["duration>fast", "kind:sideways", "status>ok"])
def test_a_value_that_a_field_cannot_have_is_refused(spans: tuple[int, int], text: str) -> None:
    project, at = spans
    with pytest.raises(BadInput, match=r".+"):
        traces(shared_engine(), around(project, at), Filter(q=text))


def test_a_word_is_looked_up_in_the_text_index() -> None:
    asked = Asked()
    logs.condition(asked, q="payment order:o77")
    window = around(1, now_ns())
    sql = f"EXPLAIN indexes = 1 SELECT body FROM logs WHERE {window.where()}{asked.sql}"
    plan = "\n".join(
        row[0]
        for row in shared_engine().query("plan", sql, {**window.params(), **asked.params}).rows
    )
    assert "body_words" in plan
    assert "attribute_values" in plan
    assert "Min-Max" in plan
