"""How often a metric is told, of which the explorer makes the range of a rate."""

import numpy as np
import pytest

from quarterdeck.core.clock import SystemClock
from quarterdeck.core.settings import load
from quarterdeck.telemetry.prometheus.queries import Queries
from quarterdeck.telemetry.prometheus.spacing import rhythm, spacing
from support.engine import new_project, shared_engine
from support.prometheus import add_series
from support.remote_write import Series, now_ms, push, v1
from support.server import Server

T = 1_790_000_000_000
HOUR = 3_600_000


def every(seconds: float, count: int, after: int = T) -> list[int]:
    return [after + round(i * seconds * 1000) for i in range(count)]


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        (every(15, 240), 15),
        (every(60, 60), 60),
        # An hour ago it was told once a minute: that part of the range is to be seen too.
        (every(60, 20) + every(15, 160, T + 20 * 60_000), 60),
        # Nothing ran for ten minutes, and twice a scrape was missed.
        (every(15, 100) + every(15, 100, T + 35 * 60_000), 15),
        (sorted({*every(15, 240)} - {*every(600, 3)}), 15),
        (every(15, 3), 0),
        ([], 0),
    ],
)  # fmt: skip
def test_a_rhythm_is_what_is_no_exception(times: list[int], seconds: int) -> None:
    assert rhythm(np.array(times, np.int64)) == seconds * 1000


def test_the_slowest_job_decides() -> None:
    project, engine = new_project().id, shared_engine()
    told = [
        ({"__name__": "m", "job": job, "zone": zone}, [(at, 1.0) for at in every(seconds, count)])
        for job, seconds, count in (("fast", 15, 240), ("slow", 60, 60))
        for zone in "abcdef"
    ]
    add_series(engine, project, told)
    queries = Queries(engine, load({}, None, {}), SystemClock())
    assert spacing(engine, queries, project, "m", T, T + HOUR) == 60
    assert spacing(engine, queries, project, "unheard_of", T, T + HOUR) is None
    assert spacing(engine, queries, project, "m", T + 2 * HOUR, T + 3 * HOUR) is None


def test_the_route_tells_of_metrics_that_come_by_any_way(server: Server) -> None:
    now = now_ms()
    told = [Series({"__name__": "beats", "job": "a"}, [(1.0, now - i * 5_000) for i in range(40)])]
    assert push(server, v1(told, [])).is_success
    window = {"from": now - HOUR, "to": now + 1000}
    with server.client() as client:
        found = client.get("/api/metrics/spacing", params={**window, "metric": "beats"})
        assert found.json() == {"seconds": 5}
        found = client.get("/api/metrics/spacing", params={**window, "metric": "silence"})
        assert found.json() == {"seconds": None}
        assert client.get("/api/metrics/spacing", params=window).status_code == 422
