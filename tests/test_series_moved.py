"""Series that are asked for together lie together, those too that were stored before they did."""

from itertools import pairwise

from quarterdeck.store.telemetry.migrate import migrate
from quarterdeck.telemetry.ingest.prometheus.messages import V1, V2
from quarterdeck.telemetry.promql.source import Matcher
from support.engine import new_project, shared_engine
from support.prometheus import add_series, source_of
from support.remote_write import Series, now_ms, store, v1, v2

NOW = now_ms() // 3_600_000 * 3_600_000 + 60_000


def test_stored_series_move_to_their_new_ids_with_all_their_samples() -> None:
    engine, project = shared_engine(), new_project()
    days = [NOW - 20 * 86_400_000, NOW - 86_400_000, NOW]
    labels = [{"__name__": "moved", "instance": f"host-{i}", "path": "/ü"} for i in range(20)]
    add_series(engine, project.id, [(each, [(t, 1.0) for t in days]) for each in labels])
    for _ in range(2):  # the second time finds everything done, as after a kill at its end
        engine.execute(
            "ALTER TABLE schema_versions DELETE WHERE version = 33 SETTINGS mutations_sync = 1"
        )
        assert migrate(engine) == 1
    for later in (1, 2):  # the long way, and then as known ones
        for version, body, some in ((V1, v1, labels[:10]), (V2, v2, labels[10:])):
            request = body([Series(each, [(10.0, NOW + later)]) for each in some])
            assert store(engine, project.id, request, version) == ({"sample": 10}, {})
    sql = (
        f"SELECT uniqExact(series_id), count() FROM prom_samples FINAL WHERE project = {project.id}"
    )
    assert engine.query("test", sql).rows == [[20, 100]]
    found = source_of(engine, project.id).select(
        [Matcher("__name__", "=", "moved")], days[0] - 1, NOW + 2
    )
    assert len(found.labels) == 20
    assert len(found.values) == 100


def test_series_of_a_metric_and_an_instance_lie_together() -> None:
    engine, project = shared_engine(), new_project()
    names, hosts = [f"metric_{i}" for i in range(6)], [f"host-{i}" for i in range(5)]
    series = [
        Series({"__name__": name, "instance": host, "path": str(path)}, [(1.0, NOW)])
        for path in range(4)
        for host in hosts
        for name in names
    ]
    store(engine, project.id, v1(series))
    sql = (
        "SELECT metric, labels['instance'] FROM prom_series"
        f" WHERE project = {project.id} ORDER BY series_id"
    )
    order = engine.query("test", sql).rows
    assert len(order) == len(series)
    assert sum(one != following for one, following in pairwise(order)) == 6 * 5 - 1
