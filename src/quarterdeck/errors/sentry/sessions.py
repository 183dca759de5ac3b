"""Sessions of release health as one metric: `sentry.sessions`, a sum of deltas by `status`.

`init` counts the sessions that began. How they ended is one of `exited`, `errored` (with an error
that was handled), `unhandled`, `crashed` and `abnormal`; the crash-free share of a release is
1 - crashed / init. What this cannot tell: how many people had a session, since no ids are kept,
and that a session which never ends had an error.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from quarterdeck.errors.sentry.otlp import package, resource
from quarterdeck.errors.sentry.received import Context, Received
from quarterdeck.errors.sentry.values import time_ns, whole
from quarterdeck.errors.shapes import mapping, name, objects

METRIC = "sentry.sessions"
MOST_GROUPS = 100  # of one item
_LONGEST_NS = 86_400_000_000_000  # that a count may say it spans
_ENDED = ("exited", "errored", "unhandled", "crashed", "abnormal")


def session(document: Mapping[str, Any], context: Context, into: Received) -> None:
    """One update of one session."""
    status = name(document.get("status"))
    counts: dict[str, int] = {}
    if document.get("init") is True:
        counts["init"] = 1
    if status in _ENDED:
        ended = "errored" if status == "exited" and whole(document.get("errors")) else status
        counts[ended] = 1
    began = time_ns(document.get("started"), context.shift_ns)
    _add(mapping(document.get("attrs")), [(began, counts)], context, into)


def sessions(document: Mapping[str, Any], context: Context, into: Received) -> None:
    """Sessions that a server-side SDK has counted."""
    groups = []
    for group in objects(document.get("aggregates"))[:MOST_GROUPS]:
        counts = {status: count for status in _ENDED if (count := whole(group.get(status)))}
        counts["init"] = sum(counts.values())
        groups.append((time_ns(group.get("started"), context.shift_ns), counts))
    _add(mapping(document.get("attrs")), groups, context, into)


def _add(
    attrs: Mapping[str, Any],
    groups: list[tuple[int, dict[str, int]]],
    context: Context,
    into: Received,
) -> None:
    """Points have the time of arrival: a delta of long ago would change counters already read."""
    totals: dict[str, int] = {}
    began, earliest = context.received_ns, context.received_ns - _LONGEST_NS
    for started, counts in groups:
        began = max(min(began, started or began), earliest)
        for status, count in counts.items():
            totals[status] = totals.get(status, 0) + count
    if not any(totals.values()):
        return
    release = attrs.get("release")
    service = package(release) or context.service
    metric = into.metrics.add(resource(service, release, attrs.get("environment")))
    metric.name, metric.unit = METRIC, "{session}"
    metric.description = "Sessions of users, by how they began and ended."
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    for status, count in sorted(totals.items()):
        if count:
            point = metric.sum.data_points.add(
                start_time_unix_nano=began, time_unix_nano=context.received_ns, as_int=count
            )
            point.attributes.add(key="status").value.string_value = status
