"""What a field of log records holds: values, shares, numbers, over time."""

from functools import partial

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry import facets as facets_job
from quarterdeck.telemetry.query import log_field as log_field_query
from quarterdeck.telemetry.query.facets import MOST_FIELDS, facets
from quarterdeck.telemetry.query.log_field import FieldStats, log_field
from quarterdeck.telemetry.query.window import window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, now_ns


def asked(project: int, at: int, field: str, q: str = "") -> FieldStats:
    window = window_of(project, at // 10**6 - 600_000, at // 10**6 + 1_000)
    return log_field(shared_engine(), window, field, q=q)


def test_values_of_a_field_have_their_shares_and_their_course() -> None:
    project, at = new_project().id, now_ns()
    tenants = ["a"] * 6 + ["b"] * 3 + ["c"]
    add_logs(
        shared_engine(),
        project,
        *({"time": at - i * SECOND, "attributes": {"tenant": t}} for i, t in enumerate(tenants)),
        *({"time": at - i * SECOND, "body": "other"} for i in range(10)),
    )
    found = asked(project, at, "tenant")
    assert (found.records, found.present, found.distinct, found.looked_at) == (20, 10, 3, 20)
    assert [(v.value, v.count, v.share) for v in found.values] == [("a", 6, 0.6), ("b", 3, 0.3), ("c", 1, 0.1)]  # fmt: skip
    assert [sum(value.trend) for value in found.values] == [6, 3, 1]
    assert (sum(found.rest), found.numbers) == (0, None)
    assert asked(project, at, "tenant", q="tenant:b").values[0].share == 1
    assert [v.value for v in asked(project, at, "service").values] == ["shop"]
    assert [v.value for v in asked(project, at, "service.name").values] == ["shop"]
    none = asked(project, at, "nothing.of.the.kind")
    assert (none.present, none.distinct, none.values) == (0, 0, [])


def test_numbers_have_their_middle_their_edges_and_a_histogram() -> None:
    project, at = new_project().id, now_ns()
    add_logs(
        shared_engine(),
        project,
        *({"time": at - i, "attributes": {"ms": i, "wide": 10 ** (i / 16)}} for i in range(1, 101)),
        {"time": at, "attributes": {"ms": "n/a"}},
    )
    numbers = asked(project, at, "ms").numbers
    assert numbers is not None
    assert (numbers.count, numbers.min, numbers.max, numbers.avg) == (100, 1, 100, 50.5)
    assert [numbers.p50, numbers.p95] == pytest.approx([50.5, 95.05])
    assert sum(bucket.count for bucket in numbers.buckets) == 100
    assert [numbers.buckets[0].start, numbers.buckets[-1].end] == pytest.approx([1, 100])
    wide = asked(project, at, "wide").numbers
    assert wide is not None
    assert max(bucket.count for bucket in wide.buckets) < 8  # spread by size, not all in the first


def test_of_very_many_records_a_part_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_field_query, "MOST_RECORDS", 100)
    project, at = new_project().id, now_ns()
    add_logs(
        shared_engine(),
        project,
        *({"time": at - i * SECOND // 3, "attributes": {"half": str(i % 2)}} for i in range(1_000)),
    )
    found = asked(project, at, "half")
    assert found.records == 1_000
    assert 20 < found.looked_at < 300
    assert found.present == pytest.approx(1_000)
    assert found.values[0].share == pytest.approx(0.5, abs=0.15)


def test_what_is_no_field_is_refused() -> None:
    for wrong in ("", "x" * 301, "a\0b"):
        with pytest.raises(BadInput):
            asked(1, now_ns(), wrong)
    hostile = asked(new_project().id, now_ns(), "a') OR 1=1 --{p0:String}")
    assert hostile.records == 0


def test_among_thousands_of_fields_one_is_found_by_a_part_of_its_name() -> None:
    project, at = new_project().id, now_ns()
    add_logs(
        shared_engine(),
        project,
        *({"time": at - i, "attributes": {f"field.{i * 50 + j}.x": "1" for j in range(50)}} for i in range(100)),
    )  # fmt: skip
    window = window_of(project, at // 10**6 - 600_000, at // 10**6 + 1_000, "prod")
    ask = partial(facets, shared_engine())
    assert (
        len(ask(window_of(project, window.start_ms, window.end_ms), "logs")) == MOST_FIELDS
    )  # not counted yet
    facets_job.count_new(shared_engine(), now_ns() + 10 * SECOND)
    for within in (window, window_of(project, window.start_ms, window.end_ms)):
        assert len(ask(within, "logs")) <= MOST_FIELDS
        assert [each.field for each in ask(within, "logs", find="FIELD.4711")] == ["field.4711.x"]
        assert ask(within, "logs", find="no such field") == []
