"""The clock of derived metrics: every few seconds what has arrived is counted, once.

Guarantees. What arrived up to a moment before which everything is durable is counted by exactly
one run, also when the process is killed between any two steps: a run covers arrivals up to a
whole ten seconds, its points carry the number of that moment, and whoever starts again looks for
the newest number before going on. A metric that cannot be counted (a search that is no longer
understood, a store that is busy) is tried again and does not hold up the others; what waited
longer than a day is left out and said so.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.core.log import fields
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.resources.service import Configured, Resources
from quarterdeck.store.telemetry import EmbeddedEngine, Limits
from quarterdeck.telemetry import marks
from quarterdeck.telemetry.derived import otlp
from quarterdeck.telemetry.derived.count import MOST_ROWS, count
from quarterdeck.telemetry.derived.spec import DerivedMetricSpec
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.outcome import Refused
from quarterdeck.telemetry.ingest.own import keep_own

STEP_MS = 10_000
EVERY_SECONDS = 5.0
BACKFILL_MS = 3_600_000  # what a new metric looks back upon
LONGEST_MS = 86_400_000
_TAGS = 1_000_000_000  # a run's number has room in the nanoseconds of a second until 2286
_LIMITS = Limits(seconds=20, memory_mb=256, threads=1)

_log = logging.getLogger(__name__)


class DerivedMetrics:
    """All derived metrics of a server."""

    def __init__(
        self,
        engine: EmbeddedEngine,
        resources: Resources,
        intake: Intake,
        project_of: Callable[[int], ProjectRef | None],
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._resources = resources
        self._intake = intake
        self._project_of = project_of
        self._clock = clock
        self._done: dict[str, int] = {}  # resource → up to which arrival it has been counted
        self._news: dict[tuple[int, str], int] = {}  # (project, signal) → its newest commit

    def committed(self, signal: str, projects: set[int]) -> None:
        """New rows are durable; may be called from any thread."""
        for project in projects:
            self._news[project, signal] = now_ms(self._clock)

    async def tick(self) -> None:
        """Count for every metric whose project has had news."""
        until = self._intake.settled_ns() // 1_000_000 // STEP_MS * STEP_MS
        wanted = self._resources.list_specs(DerivedMetricSpec)
        for gone in self._done.keys() - {each.id for each in wanted}:
            del self._done[gone]
        for each in wanted:
            project = self._project_of(each.project_id or 0)
            news = self._news.get((each.project_id or 0, each.spec.signal), 0)
            if project is None or self._done.get(each.id, 0) > news:
                continue
            try:
                await self._count(project, each, until)
            except (QuarterdeckError, Refused) as error:
                _log.warning(
                    "A derived metric could not be counted; it will be tried again: %s",
                    error,
                    extra=fields(metric=each.spec.metric, project=project.slug),
                )

    async def _count(
        self, project: ProjectRef, each: Configured[DerivedMetricSpec], until: int
    ) -> None:
        since = self._done.get(each.id)
        if since is None:
            since = await asyncio.to_thread(self._resume, project.id, each.id, until)
        if since < until - LONGEST_MS:
            _log.warning(
                "More than a day was not counted for a derived metric; what is older is left out.",
                extra=fields(metric=each.spec.metric, project=project.slug),
            )
            since = until - LONGEST_MS
        while since < until:
            request, end = await asyncio.to_thread(self._prepare, project.id, each, since, until)
            if request is not None:
                await keep_own(self._intake, project, "metrics", request)
            await asyncio.to_thread(marks.note, self._engine, _mark(each.id), end)
            since = self._done[each.id] = end
        self._done.setdefault(each.id, since)

    def _prepare(
        self, project: int, each: Configured[DerivedMetricSpec], since: int, until: int
    ) -> tuple[Message | None, int]:
        """What is to be kept, None for nothing, and up to where it reaches."""
        points = count(self._engine, project, each.spec, since, until)
        while len(points) == MOST_ROWS and until - since > STEP_MS:
            until = since + max(STEP_MS, (until - since) // 2 // STEP_MS * STEP_MS)
            points = count(self._engine, project, each.spec, since, until)
        if not points:
            return None, until
        if len(points) == MOST_ROWS:
            _log.warning(
                "A derived metric has more sets of labels than one run counts; the rarest are left out.",
                extra=fields(metric=each.spec.metric),
            )
        kept = otlp.folded(points, each.spec.max_series, self._known(project, each))
        return otlp.request_of(each.spec, each.id, kept, until // STEP_MS), until

    def _resume(self, project: int, resource_id: str, until: int) -> int:
        """Up to where a metric had been counted when this process began."""
        mark = marks.reached_ms(self._engine, _mark(resource_id)) or until - BACKFILL_MS
        return max(mark, self._newest_run(project, resource_id) * STEP_MS)

    def _newest_run(self, project: int, resource_id: str) -> int:
        """The highest number among the points that runs have left, 0 without any."""
        tables = " UNION ALL ".join(
            f"SELECT toUnixTimestamp64Nano(start) % {_TAGS} AS tag FROM {table}"
            f" WHERE project = {{project:UInt32}} AND series_id IN (SELECT series_id FROM series WHERE {_OWN})"
            for table in ("samples", "histograms")
        )
        params = {"project": project, "id": resource_id}
        sql = f"SELECT max(tag) FROM ({tables})"
        return int(self._engine.query("derived_newest", sql, params, limits=_LIMITS).rows[0][0])

    def _known(self, project: int, each: Configured[DerivedMetricSpec]) -> set[tuple[Any, ...]]:
        """The sets of labels that the last day has seen."""
        sql = f"""
            SELECT DISTINCT service, environment, release, labels FROM series
            WHERE {_OWN} AND metric = {{metric:String}} AND day >= today() - 1 LIMIT {each.spec.max_series}"""
        params = {"project": project, "id": each.id, "metric": each.spec.metric}
        found = self._engine.query("derived_known", sql, params, limits=_LIMITS).rows
        order = {name: place for place, name in enumerate(each.spec.group_by)}

        def labels(found: dict[str, str]) -> tuple[tuple[str, str], ...]:
            return tuple(sorted(found.items(), key=lambda label: order.get(label[0], 0)))

        return {(*row[:3], labels(row[3])) for row in found}


_OWN = f"project = {{project:UInt32}} AND scope = '{otlp.SCOPE}' AND scope_version = {{id:String}}"


def _mark(resource_id: str) -> str:
    return f"derived {resource_id}"
