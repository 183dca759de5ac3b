"""A fault is filed by what it is about, and ranked by who caught it and what it costs."""

from typing import Any

import pytest

from errors.corpus.shapes import exception, python
from quarterdeck.errors.grouping import group
from quarterdeck.errors.normalise import normalise


def told(document: dict[str, Any]) -> tuple[str, str]:
    grouped = group(1, normalise(document, received_ns=1_795_859_500 * 10**9))
    return grouped.category, grouped.severity


@pytest.mark.parametrize(
    ("kind", "value", "category"),
    [
        ("CardError", "Your card was declined.", "payment"),
        ("PaymentIntentFailed", "timeout of 5000 ms", "payment"),
        ("MemoryError", "", "memory"),
        ("java.lang.OutOfMemoryError", "Java heap space", "memory"),
        ("OperationalError", "server closed the connection unexpectedly", "database"),
        ("SQLSyntaxErrorException", "x", "database"),
        ("PG::UniqueViolation", "x", "database"),
        ("Error", 'duplicate key value violates unique constraint "x"', "database"),
        ("UnauthorizedError", "x", "authentication"),
        ("AxiosError", "Request failed with status code 401", "external"),
        ("Error", "Request failed with status code 401", "authentication"),
        ("TokenExpiredError", "jwt expired", "authentication"),
        ("ModuleNotFoundError", "No module named 'shop'", "configuration"),
        ("ReadTimeout", "x", "timeout"),
        ("ReadTimeoutError", "x", "timeout"),
        ("System.TimeoutException", "x", "timeout"),
        ("Error", "connect ETIMEDOUT 10.0.0.1:443", "timeout"),
        ("Error", "context deadline exceeded", "timeout"),
        ("ConnectionError", "x", "network"),
        ("Error", "connect ECONNREFUSED 127.0.0.1:5432", "network"),
        ("TypeError", "Failed to fetch", "network"),
        ("Error", "502 Bad Gateway", "external"),
        ("HTTPStatusError", "Client error '404 Not Found'", "external"),
        ("TypeError", "setTimeout is not a function", "other"),
        ("ValueError", "a paymaster in tlsomething", "other"),
        ("KeyError", "'price'", "other"),
    ],
)
def test_a_category_is_told_by_type_and_message(kind: str, value: str, category: str) -> None:
    assert told(python(kind, value))[0] == category


def test_the_outermost_exception_tells_before_its_causes() -> None:
    document = python("PaymentFailed", "x")
    document["exception"]["values"].insert(0, exception("ReadTimeout", "x", []))
    assert told(document)[0] == "payment"
    document["exception"]["values"][-1] = exception("CartError", "x", [])
    assert told(document)[0] == "timeout"


def test_a_fault_in_a_browser_is_the_clients_unless_it_says_more() -> None:
    assert (
        told({"platform": "javascript", "exception": [{"type": "TypeError", "value": "x"}]})[0]
        == "client"
    )
    assert (
        told({"platform": "node", "exception": [{"type": "TypeError", "value": "x"}]})[0] == "other"
    )
    assert told({"platform": "javascript", "message": "Load failed"})[0] == "network"


@pytest.mark.parametrize(
    ("level", "kind", "handled", "severity"),
    [
        ("fatal", "KeyError", None, "critical"),
        ("error", "KeyError", False, "high"),
        ("error", "KeyError", True, "medium"),
        ("error", "KeyError", None, "medium"),
        ("error", "PaymentFailed", False, "critical"),
        ("error", "PaymentFailed", True, "high"),
        ("error", "OperationalError", False, "critical"),
        ("warning", "PaymentFailed", False, "low"),
        ("info", "KeyError", False, "low"),
    ],
)  # fmt: skip
def test_severity_follows_level_who_caught_it_and_what_it_costs(
    level: str, kind: str, handled: bool | None, severity: str
) -> None:
    told_of = exception(kind, "x", [], mechanism={"type": "generic", "handled": handled})
    assert told({"level": level, "exception": [told_of]})[1] == severity
