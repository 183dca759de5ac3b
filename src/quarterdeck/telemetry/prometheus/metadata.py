"""Type, help and unit of metrics, from those who sent them."""

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.prometheus.families import LIMITS
from quarterdeck.telemetry.prometheus.otlp import info, naming
from quarterdeck.telemetry.prometheus.otlp.catalog import OtlpCatalog
from quarterdeck.telemetry.prometheus.points import FARTHEST_MS

Shown = dict[str, list[dict[str, str]]]
_TARGET_INFO = {"type": "gauge", "help": "Target metadata", "unit": ""}


def read(
    engine: Engine, otlp: OtlpCatalog, project: int, metric: str, limit: int, per_metric: int
) -> Shown:
    """By family name; -1 stands for no limit, and 0 a metric for none either (as in Prometheus)."""
    found: Shown = {}

    def add(name: str, type_: str, help_: str, unit: str) -> None:
        entry = {"type": type_, "help": help_, "unit": unit}
        entries = found.setdefault(name, [])
        if entry not in entries and not (0 < per_metric <= len(entries)):
            entries.append(entry)

    where = " AND metric = {metric:String}" if metric else ""
    sql = (
        "SELECT metric, type, argMax(help, seen), argMax(unit, seen) FROM prom_metadata"
        f" WHERE project = {{project:UInt32}}{where} GROUP BY metric, type ORDER BY metric, max(seen) DESC"
    )
    params = {"project": project, "metric": metric}
    for name, type_, help_, unit in engine.query(
        "promql_metadata", sql, params, limits=LIMITS
    ).rows:
        add(name, type_, help_, unit)
    kinds = otlp.kinds(project, 0, FARTHEST_MS)
    for described in kinds:
        kind = described.kind
        if metric in ("", kind.name):
            add(kind.name, kind.prometheus_type, described.help, naming.unit_name(kind.unit))
    if kinds and metric in ("", info.TARGET_INFO):
        found[info.TARGET_INFO] = [_TARGET_INFO]
    names = sorted(found)
    return {name: found[name] for name in (names if limit < 0 else names[:limit])}
