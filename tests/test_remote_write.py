"""Remote write 1.0 and 2.0 over HTTP: answers, what is stored, what is refused."""

import pytest

from support.otlp import Sql
from support.remote_write import (
    STALE,
    Series,
    histogram,
    now_ms,
    push,
    v1,
    written,
)
from support.server import Server


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


def test_a_request_of_version_1_is_kept_and_answered_204(server: Server) -> None:
    at = now_ms()
    body = v1(
        [
            Series({"__name__": "v1_up", "job": "a"}, [(1.0, at), (STALE, at + 1)]),
            Series({"__name__": "v1_hist"}, histograms=[histogram(1.0, at, positive=True)]),
        ],
        [("v1_up", 2, "Whether it is up.", "")],
    )
    answer = push(server, body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert written(answer) == (0, 0, 0)


def test_good_items_are_kept_beside_refused_ones(server: Server) -> None:
    at = now_ms()
    body = v1(
        [
            Series({"__name__": "v1_good"}, [(1.0, at), (2.0, 1000)]),
            Series({"job": "nameless"}, [(1.0, at)]),
        ]
    )
    answer = push(server, body)
    assert answer.status_code == 400
    assert "(too_old)" in answer.text
    assert "(metric_unnamed)" in answer.text
