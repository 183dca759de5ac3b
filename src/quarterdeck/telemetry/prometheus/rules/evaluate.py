"""One evaluation of one rule: its series at a moment, and which of the last ones have gone."""

from dataclasses import dataclass

from quarterdeck.core.errors import Unprocessable
from quarterdeck.telemetry.prometheus.queries import Queries
from quarterdeck.telemetry.prometheus.rules import wire
from quarterdeck.telemetry.prometheus.rules.spec import RecordingRule, RuleGroup
from quarterdeck.telemetry.prometheus.rules.wire import LabelSet
from quarterdeck.telemetry.promql.source import Labels, Matcher, is_stale


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Fields of a WriteRequest, and the series that the rule has now."""

    request: bytes
    series: frozenset[LabelSet]


def evaluate(
    queries: Queries,
    project: int,
    group: RuleGroup,
    rule: RecordingRule,
    time: int,
    before: frozenset[LabelSet],
) -> Evaluated:
    """The rule at a moment (milliseconds); `before`: the series that it had last.

    Raises what PromQL raises, and Unprocessable where a group's limit or labels forbid the result.
    """
    result = queries.instant(project, rule.expr, time, reserved=True)
    parts: dict[LabelSet, bytes] = {}
    for points in result.series():
        labels = named(group, rule, points.labels)
        if labels in parts:
            raise Unprocessable(
                "rule_labels_equal",
                "vector contains metrics with the same labelset after applying rule labels",
            )
        histogram = None if points.histograms is None else points.histograms[-1]
        if histogram is None:
            parts[labels] = wire.floated(labels, float(points.values[-1]), time)
        else:
            parts[labels] = wire.native(labels, histogram, time)
    if group.limit and len(parts) > group.limit:
        raise Unprocessable(
            "rule_limit", f"exceeded limit of {group.limit} with {len(parts)} series"
        )
    series = frozenset(parts)
    gone = wire.ended(sorted(before - series), time)
    return Evaluated(b"".join(parts.values()) + gone, series)


def named(group: RuleGroup, rule: RecordingRule, labels: Labels) -> LabelSet:
    """The labels of a result: its own, those of the rule over them, and the name."""
    merged = {**labels, **group.labels, **rule.labels, "__name__": rule.record}
    return tuple(sorted((name, value) for name, value in merged.items() if value))


def series_at(
    queries: Queries, project: int, group: RuleGroup, rule: RecordingRule, time: int
) -> frozenset[LabelSet]:
    """The series that a rule left at a moment, from the store: after a start nothing else knows."""
    own = {**group.labels, **rule.labels, "__name__": rule.record}
    matchers = [Matcher(name, "=", value) for name, value in own.items()]
    found = queries.source(project, reserved=True).select(matchers, time - 1, time)
    alive = ~is_stale(found.values)
    return frozenset(
        tuple(sorted(labels.items()))
        for i, labels in enumerate(found.labels)
        if alive[found.offsets[i + 1] - 1]
    )
