"""The clock of recording rules.

Guarantees. Every group is evaluated at the multiples of its interval, moved by an offset of its
own so that groups do not all run at once. How far each has come is kept in the store beside what
it recorded: after a restart the evaluations that were due meanwhile are made up, at the moments at
which they were due, up to `MAKE_UP_MS` back; what lies further back is missed, counted and shown.
An evaluation that is repeated writes the same series at the same moment, so nothing is recorded
twice. A series that a rule no longer gives ends with a staleness marker, as do all series of a
rule that is taken away.
"""

import asyncio
import logging
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.core.ids import hash_token
from quarterdeck.core.log import fields
from quarterdeck.core.metrics import Registry
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.resources.service import Configured, Resources
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry import marks
from quarterdeck.telemetry.ingest.outcome import Outcome, Refused
from quarterdeck.telemetry.prometheus.queries import Queries
from quarterdeck.telemetry.prometheus.rules import wire
from quarterdeck.telemetry.prometheus.rules.evaluate import evaluate, series_at
from quarterdeck.telemetry.prometheus.rules.spec import RecordingRule, RecordingRulesSpec, RuleGroup
from quarterdeck.telemetry.prometheus.rules.wire import LabelSet

EVERY_SECONDS = 1.0
MAKE_UP_MS = 3_600_000
_AT_ONCE = 60  # evaluations of one group in one look

Keep = Callable[[ProjectRef, bytes], Awaitable[Outcome]]
"""Keeps a WriteRequest: `ingest/prometheus/own.py`."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class RuleState:
    """What has become of a rule since this process began."""

    health: str = "unknown"
    error: str = ""
    seconds: float = 0.0
    at: int = 0  # of the last evaluation, milliseconds
    series: frozenset[LabelSet] | None = None  # None until the store has been asked


@dataclass(slots=True)
class GroupState:
    project: ProjectRef
    resource: str  # its name
    spec: RuleGroup
    mark: str
    done: int = 0  # up to which moment it has been evaluated
    missed: int = 0
    seconds: float = 0.0
    at: int = 0
    rules: dict[int, RuleState] = field(default_factory=dict)

    def state(self, index: int) -> RuleState:
        return self.rules.setdefault(index, RuleState())


_Written = tuple[RuleState | None, bytes]
"""A rule, unless it is gone, and what it writes."""


class RecordingRules:
    """All recording rules of a server."""

    def __init__(
        self,
        queries: Queries,
        engine: Engine,
        resources: Resources,
        keep: Keep,
        project_of: Callable[[int], ProjectRef | None],
        clock: Clock,
        metrics: Registry,
    ) -> None:
        self._queries = queries
        self._engine = engine
        self._resources = resources
        self._keep_series = keep
        self._project_of = project_of
        self._clock = clock
        self._groups: dict[str, GroupState] = {}
        self._failed = metrics.counter(
            "quarterdeck_rule_failures_total", "Evaluations of recording rules that failed."
        )
        self._missed = metrics.counter(
            "quarterdeck_rule_missed_total", "Evaluations of groups of rules that were due and left out."
        )  # fmt: skip

    def groups(self, project: int) -> Iterator[GroupState]:
        """What is known of the groups of a project, in the order of resources and groups."""
        found = (group for group in self._groups.values() if group.project.id == project)
        yield from sorted(found, key=lambda group: group.resource)

    async def tick(self) -> None:
        """Evaluate what is due."""
        wanted = dict(self._wanted())
        for key in self._groups.keys() - wanted.keys():
            await self._end(self._groups.pop(key))
        reached: dict[str, int] = {}
        for key, group in wanted.items():
            self._groups[key] = group = await self._known(key, group)
            try:
                if await self._catch_up(group):
                    reached[group.mark] = group.done
            except Refused as refused:  # the store is busy; the same evaluation comes again
                _log.warning(
                    "A group of recording rules could not be written; it will be tried again: %s",
                    refused.message,
                    extra=fields(group=group.spec.name, project=group.project.slug),
                )
        if reached:
            await asyncio.to_thread(marks.note_all, self._engine, reached)

    def _wanted(self) -> Iterator[tuple[str, GroupState]]:
        for each in self._resources.list_specs(RecordingRulesSpec):
            project = self._project_of(each.project_id or 0)
            if project is not None:
                for spec in each.spec.groups:
                    key = _key(each, spec)
                    yield key, GroupState(project, each.name, spec, f"rules {key}")

    async def _known(self, key: str, group: GroupState) -> GroupState:
        """The group with its state; a new one begins where the store says it stopped."""
        known = self._groups.get(key)
        if known is None:
            mark = await asyncio.to_thread(marks.reached_ms, self._engine, group.mark)
            due = _due_before(group, now_ms(self._clock))
            group.done = mark or due - group.spec.interval_ms
            return group
        known.resource = group.resource
        if known.spec != group.spec:
            await self._change(known, group.spec)
        return known

    async def _catch_up(self, group: GroupState) -> bool:
        """Evaluate at every moment that is due; whether there was one."""
        now, interval = now_ms(self._clock), group.spec.interval_ms
        last = _due_before(group, now)
        if last <= group.done:
            return False
        first = _due_before(group, group.done) + interval
        if (late := now - MAKE_UP_MS) > first:
            missed = -(-(late - first) // interval)
            group.missed += missed
            self._missed.add(missed)
            _log.warning(
                "Recording rules were not evaluated for too long; what is older is left out.",
                extra=fields(group=group.spec.name, project=group.project.slug, missed=missed),
            )
            group.done = first + (missed - 1) * interval
            first += missed * interval
        for moment in range(first, last + 1, interval)[:_AT_ONCE]:
            await self._evaluate(group, moment)
            group.done = moment
        return True

    async def _evaluate(self, group: GroupState, moment: int) -> None:
        """All rules of a group, one after the other; each sees what those before it recorded."""
        began = time.perf_counter()
        at = moment - group.spec.offset_ms
        waiting: list[_Written] = []
        recorded: set[str] = set()
        for index, rule in enumerate(group.spec.rules):
            state = group.state(index)
            if state.series is None:
                last = group.done - group.spec.offset_ms
                state.series = await asyncio.to_thread(
                    series_at, self._queries, group.project.id, group.spec, rule, last
                )
            if any(name in rule.expr for name in recorded):
                await self._keep(group.project, waiting)
                waiting, recorded = [], set()
            waiting.append((state, await self._one(group, rule, state, at)))
            recorded.add(rule.record)
        await self._keep(group.project, waiting)
        group.seconds, group.at = time.perf_counter() - began, moment

    async def _one(
        self, group: GroupState, rule: RecordingRule, state: RuleState, at: int
    ) -> bytes:
        """What a rule writes; nothing when it fails, which its health tells."""
        began = time.perf_counter()
        try:
            found = await asyncio.to_thread(
                evaluate, self._queries, group.project.id, group.spec, rule, at, state.series or frozenset()
            )  # fmt: skip
        except QuarterdeckError as error:
            self._failed.add(1)
            state.health, state.error = "err", error.message
            _log.warning(
                "A recording rule failed: %s", error.message,
                extra=fields(rule=rule.record, group=group.spec.name, project=group.project.slug),
            )  # fmt: skip
            return b""
        finally:
            state.seconds, state.at = time.perf_counter() - began, at
        state.health, state.error, state.series = "ok", "", found.series
        return found.request

    async def _keep(self, project: ProjectRef, waiting: list[_Written]) -> None:
        """Keep what rules have recorded; the health of those whose series are refused tells it."""
        request = b"".join(part for _, part in waiting)
        outcome = await self._keep_series(project, request) if request else Outcome(0)
        if not outcome.rejected:
            return
        if (
            len(waiting) > 1
        ):  # a point written again replaces itself, so each alone tells whose they are
            for each in waiting:
                await self._keep(project, [each])
            return
        message = f"Recorded series were refused: {outcome.message()}"
        _log.warning("%s", message, extra=fields(project=project.slug))
        if (state := waiting[0][0]) is not None:
            self._failed.add(1)
            state.health, state.error = "err", message

    async def _change(self, group: GroupState, spec: RuleGroup) -> None:
        """Rules that stay keep their series; those that are gone end them."""
        stays = {_identity(group.spec, r): group.state(i) for i, r in enumerate(group.spec.rules)}
        rules = {
            index: stays.pop(_identity(spec, rule))
            for index, rule in enumerate(spec.rules)
            if _identity(spec, rule) in stays
        }
        group.spec, group.rules = spec, rules
        for index in range(len(spec.rules)):
            if index not in rules:
                group.rules[index] = RuleState(series=frozenset())
        await self._mark_ended(group.project, list(stays.values()))

    async def _end(self, group: GroupState) -> None:
        await self._mark_ended(group.project, list(group.rules.values()))

    async def _mark_ended(self, project: ProjectRef, states: list[RuleState]) -> None:
        gone = sorted(labels for state in states for labels in state.series or ())
        if gone and self._project_of(project.id) is not None:
            await self._keep(project, [(None, wire.ended(gone, now_ms(self._clock)))])


def _key(each: Configured[RecordingRulesSpec], group: RuleGroup) -> str:
    """Names a group in the store's marks: a name of ours, whatever the person wrote."""
    return f"{each.id} {hash_token(group.name)[:16]}"


def _identity(group: RuleGroup, rule: RecordingRule) -> tuple[str, str, str]:
    return rule.record, str(sorted({**group.labels, **rule.labels}.items())), rule.expr


def _due_before(group: GroupState, now: int) -> int:
    """The last moment up to `now` at which the group is due."""
    interval = group.spec.interval_ms
    shift = zlib.crc32(group.mark.encode()) % interval
    return (now - shift) // interval * interval + shift
