"""A view of user SQL as a subquery bound to projects.

Views of metrics show the points of OTLP and of Prometheus, each arm with tables of its own and the
same columns; conditions that an index can answer are repeated in both.
"""

from collections.abc import Collection, Sequence

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.telemetry.sql import prometheus
from quarterdeck.telemetry.sql.views import SERIES, View, quote

_FOLDED = [
    "metric",
    "type",
    "temporality",
    "monotonic",
    "unit",
    "description",
    "labels",
    "label_types",
    "resource",
    "scope",
    "scope_version",
    "scope_attributes",
    "schema_url",
    "service",
    "environment",
    "release",
]


_SERIES_TABLE = "default.series"


def _folded(series: str, projects: str, filters: Sequence[str]) -> str:
    """Each series once: its rows by day, and those that no merge has folded yet, made one."""
    columns = ", ".join(f"any(__u.{name}) AS {name}" for name in _FOLDED)
    more = "".join(f" AND {f.replace('__s.', '__u.')}" for f in filters)
    return (
        f"(SELECT __u.project AS project, __u.series_id AS series_id, {columns}, min(__u.first_seen) AS first_seen, max(__u.last_seen) AS last_seen"
        f" FROM {series} AS __u WHERE __u.project IN ({projects}){more} GROUP BY __u.project, __u.series_id)"
    )


def bind(
    view: View,
    projects: Sequence[ProjectRef],
    used: Collection[str] | None,
    filters: Sequence[str] = (),
    extra: Sequence[tuple[str, str]] = (),
) -> str:
    """The view as a subquery over these projects.

    `used` names the columns that the statement may read (None for all of them), `filters`
    are conditions that its rows must meet anyway, `extra` hidden columns.
    """
    ids = ", ".join(str(int(project.id)) for project in projects) or "NULL"
    slug = _slug(projects, "__s" if view is SERIES else "__t")
    columns = [
        f"{slug if column.name == 'project' else column.sql} AS {column.name}"
        for column in view.columns
        if used is None or column.name in used
    ] + [f"{sql} AS {name}" for name, sql in extra]
    listed = ", ".join(columns) or "1 AS __h_none"
    prometheus_series = prometheus.SERIES.format(projects=ids)
    if view is SERIES:
        selects = [
            f"SELECT {listed.replace('__t.', '__s.')} FROM {_folded(series, ids, filters)} AS __s"
            for series in (_SERIES_TABLE, prometheus_series)
        ]
        return f"({' UNION ALL '.join(selects)})"
    selects = []
    if view.table:
        points = f"default.{view.table}"
        selects.append(_select(view, listed, points, _SERIES_TABLE, ids, filters))
    if view.name in prometheus.POINTS:
        points = prometheus.POINTS[view.name].format(projects=ids)
        selects.append(_select(view, listed, points, prometheus_series, ids, filters))
    return f"({' UNION ALL '.join(selects)})"


def _select(
    view: View, listed: str, points: str, series: str, ids: str, filters: Sequence[str]
) -> str:
    where = "".join(f" AND {f}" for f in filters if "__s." not in f)
    source = f"{points} AS __t"
    about_series = [f for f in filters if "__s." in f]
    if about_series:
        chosen = " AND ".join(f.replace("__s.", "__u.") for f in about_series)
        where += (
            f" AND __t.series_id IN (SELECT __u.series_id FROM {series} AS __u"
            f" WHERE __u.project IN ({ids}) AND {chosen})"
        )
    if "__s." in listed:
        folded = _folded(series, ids, about_series)
        source += f" ANY LEFT JOIN {folded} AS __s ON __t.series_id = __s.series_id"
    return f"SELECT {listed} FROM {source} WHERE __t.project IN ({ids}) AND {view.only}{where}"


def _slug(projects: Sequence[ProjectRef], alias: str) -> str:
    if len(projects) == 1:
        return f"toLowCardinality({quote(projects[0].slug)})"
    known = ", ".join(str(int(p.id)) for p in projects)
    slugs = ", ".join(quote(p.slug) for p in projects)
    return f"transform({alias}.project, [{known}]::Array(UInt32), [{slugs}]::Array(String), '')"
