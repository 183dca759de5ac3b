"""`target_info`: what OTLP resources say of themselves, as Prometheus' clients join it in.

It has the value 1 each minute of a day from the first to the last point that came from the
resource on that day.
"""

from collections.abc import Sequence

import numpy as np

from quarterdeck.telemetry.prometheus.family import Match
from quarterdeck.telemetry.prometheus.otlp import naming
from quarterdeck.telemetry.prometheus.otlp.catalog import OtlpCatalog, resource_of
from quarterdeck.telemetry.prometheus.points import Points, Series
from quarterdeck.telemetry.promql.source import Labels, Matcher

TARGET_INFO = "target_info"
_EVERY_MS = 60_000


def resources(
    catalog: OtlpCatalog,
    match: Match,
    project: int,
    matchers: Sequence[Matcher],
    after: int,
    until: int,
) -> list[tuple[Labels, int, int]]:
    """Labels of `target_info` that match, and from when to when the resource was heard on a day."""
    name = [m for m in matchers if m.name == "__name__"]
    if not all(match(matcher, [TARGET_INFO])[0] for matcher in name):
        return []
    found = []
    for text, first, last in catalog.resources(project, after, until):
        labels = naming.info_labels(resource_of(text))
        if not labels.keys() & {"job", "instance"} or len(labels) < 2:
            continue
        labels["__name__"] = TARGET_INFO
        if all(match(m, [labels.get(m.name, "")])[0] for m in matchers):
            found.append((labels, first * 1000, last * 1000))
    return found


def select(
    catalog: OtlpCatalog,
    match: Match,
    series: Series,
    project: int,
    matchers: Sequence[Matcher],
    after: int,
    until: int,
) -> list[Points]:
    parts = []
    for labels, first, last in resources(catalog, match, project, matchers, after, until):
        times = np.append(np.arange(first, last, _EVERY_MS), last)
        times = times[(times > after) & (times <= until)]
        place = series.places([labels])[0]
        parts.append(Points(np.full(len(times), place), times, np.ones(len(times))))
    return parts
