"""What the searches of logs and traces find: every form of the language over rows in the engine."""

from contextlib import suppress

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query.logs import search
from quarterdeck.telemetry.query.search_sql import search_logs, search_spans
from quarterdeck.telemetry.query.traces import Filter, traces
from quarterdeck.telemetry.query.window import Asked, Window, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns


def around(project: int, at: int, seconds: int = 3600) -> Window:
    ms = at // 1_000_000
    return window_of(project, ms - seconds * 1000, ms + seconds * 1000)


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
        # Words, phrases, patterns, regular expressions.
        ("*", {0, 1, 2, 3}),
        ("-*", set()),
        ("pay?ent", {0, 1}),
        ("paymen?", {0, 1}),
        ("pay?", set()),  # one character and no more
        ("?ayment", {0, 1}),
        ("*ment", {0, 1}),
        ("*aymen", set()),  # a word ends where the pattern does
        ("ayment*", set()),
        ("*aymen*", {0, 1}),
        ("pay*order", set()),  # within a word
        ("order-7?", {0, 1}),
        ("order-*7", {0}),
        ("stra*", {3}),
        ("key=a*c", set()),  # that is the field `key`
        ('"key=a_b%c"', {2}),
        ("key\\=a*c", {2}),
        ("/order-7[78]/", {0, 1}),
        ("/payment/", {1}),
        ("/(?i)payment/", {0, 1}),
        ("/a.b/", {2}),
        ("-/(?i)payment/", {2, 3}),
        ("body:declin*", {0}),
        ("body:/^P/", {0}),
        ("body:*", {0, 1, 2, 3}),
        # Alternatives, groups, denial.
        ("declined OR miss", {0, 2}),
        ("payment declined OR miss", {0, 2}),
        ("payment (declined OR miss)", {0}),
        ("payment AND NOT declined", {1}),
        ("NOT (payment OR miss)", {3}),
        ("-(payment declined)", {1, 2, 3}),
        ("-(-payment)", {0, 1}),
        ("service:(pay OR web) -miss", {0, 1, 3}),
        ("order:(o77 OR o78)", {0, 1}),
        ("-order:(o77 OR o78)", {2, 3}),
        ("order!=o77", {1, 2, 3}),
        ("order:o77 OR retries:3 OR für", {0, 2, 3}),
        # Numbers, ranges, booleans.
        ("amount:99", {1}),
        ("amount:99.0", {1}),
        ("amount:[12.5 TO 99]", {0, 1}),
        ("amount:{12.5 TO 99]", {1}),
        ("amount:[12.5 TO 99}", {0}),
        ("amount:{12.5 TO 99}", set()),
        ("amount:[50 TO *]", {1}),
        ("amount:[* TO 50]", {0}),
        ("amount:12..13", {0}),
        ("amount:(>10 <50)", {0}),
        ("-amount>50", {0, 2, 3}),  # all others, those without it too
        ("-amount:[0 TO 50]", {1, 2, 3}),
        ("amount>0.0123KB", {0, 1}),
        ("amount:*", {0, 1}),
        ("NOT amount:*", {2, 3}),
        ("ok:TRUE", {1}),
        ("ok:false", {0}),
        ("user.id:u?", {0, 1}),
        ("user.id:/^u[13]$/", {0}),
        ('order:""', set()),
        ("order:/.*/", {0, 1, 3}),
        ("-order:/7$/", {1, 2, 3}),
        ('"user.id":u2', {1}),
        # Levels.
        ("level:(error OR warn)", {0, 3}),
        ("level:[info TO warn]", {1, 3}),
        ("level:info..error", {0, 1, 3}),
        ("level<info", {2}),
        ("-level>=warn", {1, 2}),
        ("level:w*", {3}),
        ("level:/^(warn|error)$/", {0, 3}),
        ("level:*", {0, 1, 2, 3}),
        ("severity_number:[5 TO 9]", {1, 2}),
        # Columns and ids.
        ("service:/^p/", {0, 1}),
        ("service:*", {0, 1, 2, 3}),
        ("event:*", set()),
        ("host.name:(h1 OR h3)", {1, 3}),
        ("host.name:h*", {0, 1, 2, 3}),
        ("-host.name:h0", {1, 2, 3}),
        ("resource.n>1", {2, 3}),
        ("resource.n:*", {0, 1, 2, 3}),
        ("resource.missing:*", set()),
        ("-resource.missing:x", {0, 1, 2, 3}),
        ("resource.missing:/.*/", set()),
        ("trace_id:*3", {2}),
        ("trace_id:*", {0, 1, 2, 3}),
        ("span_id:*", set()),
        (f"{2:032x} OR {3:032x}", {1, 2}),
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
         "attributes": {"http.status_code": 502}, "parent_span_id": "00000000000000aa", "resource": {"host.name": "h1"}},
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
        # Words are found within names and messages.
        ("*", {1, 2, 3}),
        ("art", {1}),
        ('"POST /pay"', {2}),
        ('"GET *"', set()),
        ("c?rt", {1}),
        ("con*ders", set()),  # within a word, as in logs
        ("c*rt", {1}),
        ("ca*", {1, 2}),
        ("ar*", set()),  # from the start of a word
        ("/^(GET|POST) /", {1, 2}),
        ("-/^GET/", {2, 3}),
        ("cart OR declined", {1, 2}),
        ("NOT (cart OR declined)", {3}),
        ("(cart OR declined) status:error", {2}),
        ("kind:(server OR client)", {1, 2}),
        ("kind:s*", {1, 2}),
        ("kind:/^c/", {3}),
        ("kind:*", {1, 2, 3}),
        ("-kind:server", {3}),
        ("status:*", {2}),
        ("has_error:true", {2}),
        ("has_error:false", {1, 3}),
        ("-has_error:true", {1, 3}),
        ("root:true", {1, 3}),
        ("root:false", {2}),
        ("entry:true", {1, 2, 3}),
        ("entry:false", set()),
        ("duration:[80ms TO 1s]", {1, 2}),
        ("duration:{80ms TO 1s}", {2}),
        ("duration:80ms..1s", {1, 2}),
        ("duration:[* TO 80ms]", {1, 3}),
        ("duration:(<1ms OR >0.5s)", {2, 3}),
        ("duration:80", {1}),
        ("duration_ns<=5000", {3}),
        ("duration>0.1m2s", set()),
        ("name:?ET*", {1}),
        ("name:/cart$/", {1}),
        ("name:(*cart OR *pay)", {1, 2}),
        ("name!=*cart", {2, 3}),
        ("status_message:*", {2}),
        ("status_message:card*", {2}),
        ("http.status_code:5??", {2}),
        ("http.status_code:5*", {2}),
        ("http.status_code:[200 TO 299]", {1}),
        ("http.status_code:200..599", {1, 2}),
        ("http.status_code:(200 OR 502)", {1, 2}),
        ("http.status_code!=200", {2, 3}),
        ("-http.status_code>=500", {1, 3}),
        ("http.status_code:/^5/", {2}),
        ("@http.status_code:200", {1}),
        ("parent_span_id:*", {2}),
        ("host.name:h1", {2}),
        ("resource.host.name:h1 OR cart", {1, 2}),
        ("service:sho?", {1, 2, 3}),
        ("environment:prod release:1.0", {1, 2, 3}),
    ],
)
def test_a_search_finds_these_traces(spans: tuple[int, int], text: str, found: set[int]) -> None:
    project, at = spans
    answer = traces(shared_engine(), around(project, at), Filter(q=text))
    assert {int(row.trace_id, 16) for row in answer.items} == found


@pytest.mark.parametrize(
    ("signal", "text", "fault"),
    [
        ("logs", "level>=abc x", "abc"),
        ("logs", "level:[warn TO loud]", "[warn TO loud]"),
        ("logs", "a severity_number>x", "x"),
        ("logs", "amount>much", "much"),
        ("logs", "amount>=1e", "1e"),
        ("logs", "(a OR amount:[1 TO x])", "[1 TO x]"),
        ("logs", "service>5x", "5x"),
        ("logs", "trace_id>5", "5"),
        ("logs", "severity_number:9*", "9*"),
        ("spans", "duration>fast", "fast"),
        ("spans", "duration:/1/", "/1/"),
        ("spans", "cart kind:sideways", "sideways"),
        ("spans", "status>ok", "ok"),
        ("spans", "root:maybe", "maybe"),
        ("spans", "has_error>true", "true"),
        ("logs", "a amount:[599 TO 500]", "[599 TO 500]"),
        ("logs", "amount:10..2 b", "10..2"),
        ("logs", "level:[error TO info]", "[error TO info]"),
        ("spans", "(a OR duration:[2s TO 100ms])", "[2s TO 100ms]"),
    ],
)
def test_a_value_that_a_field_cannot_have_is_refused_where_it_stands(
    signal: str, text: str, fault: str
) -> None:
    with pytest.raises(BadInput) as refused:
        (search_logs if signal == "logs" else search_spans)(Asked(), text)
    assert refused.value.code == "search_invalid"
    assert refused.value.hint
    position, length = (refused.value.details[key] for key in ("position", "length"))
    assert text[position : position + length] == fault


def plan(text: str) -> str:
    asked = Asked()
    search_logs(asked, text)
    window = around(1, now_ns())
    sql = f"EXPLAIN indexes = 1 SELECT body FROM logs WHERE {window.where()}{asked.sql}"
    rows = shared_engine().query("plan", sql, {**window.params(), **asked.params}).rows
    return "\n".join(row[0] for row in rows)


def test_a_word_and_the_value_of_an_attribute_are_looked_up_in_their_indexes() -> None:
    found = plan("payment order:o77")
    assert "body_words" in found
    assert "attribute_values" in found
    assert "Min-Max" in found


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("payment OR declined", "body_words"),
        ("(payment OR declined) -debug", "body_words"),
        ("payment OR order:o77", "body_words"),
        ("order:o77 OR order:o78", "attribute_values"),
        ("status_code:200", "attribute_values"),
        ("order-7*", "body_words"),
        ("-(-payment)", "body_words"),
    ],
)
def test_neither_or_nor_not_loses_the_index(text: str, index: str) -> None:
    assert index in plan(text)


@pytest.mark.parametrize(
    "text",
    ["\x00", "a\x00*", "f:\x00", "\u202e", "'; DROP TABLE logs", "{p0:String}", "f:{p0:String}x",
     "/\x00/", "?" * 3_000, "*a" * 1_500, "\\" * 3_999, "f:" + "(a OR " * 15 + "b", '"' + "a " * 1_900],
)  # fmt: skip
def test_hostile_text_is_looked_for_or_refused(records: tuple[int, int], text: str) -> None:
    project, at = records
    with suppress(BadInput):
        search(shared_engine(), around(project, at), q=text)
        traces(shared_engine(), around(project, at), Filter(q=text))
