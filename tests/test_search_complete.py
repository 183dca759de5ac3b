"""What is offered while a search is being typed, and what is said of it."""

from typing import Any

import pytest

from quarterdeck.telemetry.facets import count_new
from quarterdeck.telemetry.query.search_check import check
from quarterdeck.telemetry.query.search_complete import Completion, complete
from quarterdeck.telemetry.query.window import Window, window_of
from quarterdeck.telemetry.search.parse import parse
from quarterdeck.telemetry.search.place import place_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns
from support.server import Server


@pytest.mark.parametrize(
    ("text", "kind", "range", "typed", "field"),
    [
        ("|", "term", "", "", ""),
        ("ser|", "term", "ser", "ser", ""),
        ("a ser|vice", "term", "service", "ser", ""),
        ("a |", "term", "", "", ""),
        ("-|", "term", "", "", ""),
        ("(|", "term", "", "", ""),
        ("NOT |", "term", "", "", ""),
        ("a O|", "term", "O", "O", ""),
        ("ser|:x", "name", "service"[:3], "ser", ""),
        ('"my f|ield":x', "name", '"my field"', "my f", ""),
        ("service:|", "value", "", "", "service"),
        ("service:|x y", "value", "x", "", "service"),
        ("service:ch|", "value", "ch", "ch", "service"),
        ('service:"ch a|', "value", '"ch a', "ch a", "service"),
        ('service:"ch a"|', "value", '"ch a"', "ch a", "service"),
        ("duration>=|", "value", "", "", "duration"),
        ("level:(|", "value", "", "", "level"),
        ("level:(warn OR e|", "value", "e", "e", "level"),
        ("level:(warn |", "value", "", "", "level"),
        ("level:(>=w|", "value", "w", "w", "level"),
        ("level:(warn) a|", "term", "a", "a", ""),
        ("level:[wa|", "value", "wa", "wa", "level"),
        ("level:[warn TO |", "value", "", "", "level"),
        ("level:[warn TO error] |", "term", "", "", ""),
        ("x:(a OR (b |", "value", "", "", "x"),
        ("a|:>=b", "name", "a", "a", ""),
        ("a:|>=b", "nothing", "", "", ""),
        ("/ab|/", "nothing", "", "", ""),
        ("(a)|", "nothing", "", "", ""),
        ("|abc", "nothing", "", "", ""),
        ("x:[1 TO|", "nothing", "", "", ""),
    ],
)
def test_the_place_of_the_cursor_is_known(
    text: str, kind: str, range: str, typed: str, field: str
) -> None:
    cursor, text = text.index("|"), text.replace("|", "", 1)
    place = place_of(text, cursor)
    assert (place.kind, place.typed, place.field) == (kind, typed, field)
    assert text[place.start : place.end] == range


@pytest.fixture(scope="module")
def around() -> Window:
    project, at = new_project().id, now_ns()
    engine = shared_engine()
    services = ["checkout"] * 5 + ["cart"] * 3 + ["search service"] * 2 + ["re(check)"]
    for i, service in enumerate(services):
        row = {
            "service": service, "time": at - i * SECOND,
            "attributes": {"http.route": "/cart" if i < 4 else 'say "hi"', "order status": "open", "n": i},
        }  # fmt: skip
        add_logs(engine, project, {**row, "severity_number": 17 if i < 2 else 9})
        add_spans(engine, project, {**row, "name": f"GET /{i}", "trace_id": f"{i + 1:032x}"})
    count_new(engine, now_ns() + 60 * SECOND)
    return window_of(project, at // 1_000_000 - 3_600_000, at // 1_000_000 + 60_000)


def offered(window: Window, text: str, signal: Any = "logs") -> Completion:
    cursor = text.index("|")
    return complete(shared_engine(), window, signal, text.replace("|", "", 1), cursor)


def texts(window: Window, text: str, kind: str = "", signal: Any = "logs") -> list[str]:
    items = offered(window, text, signal).items
    return [item.text for item in items if kind in ("", item.kind)]


def test_fields_that_exist_are_offered_with_their_counts(around: Window) -> None:
    all = offered(around, "|").items
    assert [item.text for item in all][:2] == ["level:", "service:"]
    assert {item.label: item.count for item in all}["service"] == 11
    assert {item.label: item.count for item in all}["http.route"] == 11
    assert texts(around, "ser|", "field") == ["service:"]
    assert texts(around, "route|") == ["http.route:"]
    assert texts(around, "stat|", "field") == ['"order status":']
    assert texts(around, "stat|", "field", "spans")[:2] == ["status:", "status_message:"]
    assert texts(around, "ser|:x") == ["service"]
    assert texts(around, "-dur|", "field", "spans") == ["duration:", "duration_ns:"]


def test_values_are_offered_most_frequent_first_and_quoted(around: Window) -> None:
    found = offered(around, "service:|").items
    assert [(item.text, item.count) for item in found] == [
        ("checkout", 5), ("cart", 3), ('"search service"', 2), ('"re(check)"', 1),
    ]  # fmt: skip
    assert texts(around, "service:che|") == ["checkout", '"re(check)"']
    assert texts(around, "http.route:|") == ['"say \\"hi\\""', '"/cart"']
    assert texts(around, '"order status":|') == ["open"]
    assert texts(around, "level:|")[:2] == ["info", "error"]
    assert texts(around, "level:(warn OR er|") == ["error"]
    assert texts(around, "kind:|", signal="spans")[0] == "server"
    assert texts(around, "root:|", signal="spans") == ["true", "false"]
    assert texts(around, "trace_id:|") == []
    assert texts(around, "nothing:|") == []


def test_operators_and_keywords_are_offered_where_they_can_stand(around: Window) -> None:
    assert texts(around, "duration|", "operator", "spans")[:3] == ["duration:", "duration>=", "duration>"]  # fmt: skip
    assert "service>=" not in texts(around, "service|", "operator")
    assert texts(around, "a |", "keyword") == ["OR"]
    assert texts(around, "|", "keyword") == []
    assert texts(around, "a an|", "keyword") == ["AND"]
    assert texts(around, "n|", "keyword") == ["NOT"]
    assert texts(around, "(|", "keyword") == []


def test_a_value_of_a_column_is_offered_with_its_field(around: Window) -> None:
    assert texts(around, "check|", "term") == ["service:checkout", 'service:"re(check)"']


def test_whatever_is_taken_can_be_read(around: Window) -> None:
    for text in ("|", "s|", "service:|", "http.route:|", "che|", "a |"):
        found = offered(around, text)
        before = text.replace("|", "")[: found.start]
        for item in found.items:
            if item.kind in ("value", "term"):
                parse(before + item.text)


def test_a_search_is_checked_as_one_types() -> None:
    assert check("logs", "a AND  b").model_dump() == {"ok": True, "canonical": "a b", "fault": None}
    found = check("spans", "cart duration>fast").fault
    assert found is not None
    assert (found.position, found.length) == (14, 4)
    assert "not a duration" in found.message
    assert check("logs", "duration:fast").ok  # an attribute of that name


def test_help_with_a_search_comes_over_http(server: Server) -> None:
    with server.client() as client:
        params: dict[str, Any] = {"signal": "spans", "q": "dur", "cursor": 3, "from": 0, "to": 1}
        got = client.get("/api/search/complete", params=params)
        assert got.status_code == 200
        assert got.json() == {"start": 0, "end": 3, "items": [
            {"text": "duration:", "label": "duration", "kind": "field", "count": None},
            {"text": "duration_ns:", "label": "duration_ns", "kind": "field", "count": None},
        ]}  # fmt: skip
        got = client.get("/api/search/check", params={"signal": "logs", "q": "a OR"})
        assert got.status_code == 200
        assert got.json()["fault"]["position"] == 2
        got = client.get("/api/search/check", params={"signal": "logs", "q": "x" * 5_000})
        assert got.status_code == 422
