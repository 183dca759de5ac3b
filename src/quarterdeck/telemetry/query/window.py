"""What every page query is bounded by: a project, a range of time, perhaps an environment.

Also how a range is cut into steps: a step is a round number, so that points stand on round
moments and move only when the clock crosses one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Engine, Limits, Result

LIMITS = Limits(seconds=10, memory_mb=768, threads=2)

_SECONDS = (1, 2, 5, 10, 15, 30)
_MINUTES = (1, 2, 5, 10, 15, 30)
_HOURS = (1, 2, 3, 6, 12)
STEPS_MS = (
    *(s * 1000 for s in _SECONDS),
    *(m * 60_000 for m in _MINUTES),
    *(h * 3_600_000 for h in _HOURS),
    *(d * 86_400_000 for d in (1, 2, 7, 14, 30)),
)
MINUTE_MS = 60_000
_PARTS = (96, 12, 3, 1)
_SHORT_MS = 10 * MINUTE_MS
_LONGEST_MS = 3_660 * 86_400_000


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a project's telemetry that a query may read: from start to before end."""

    project: int
    start_ms: int
    end_ms: int
    environment: str = ""

    @property
    def seconds(self) -> float:
        return (self.end_ms - self.start_ms) / 1000

    @property
    def previous(self) -> "Window":
        """The period of the same length right before."""
        length = self.end_ms - self.start_ms
        return Window(self.project, self.start_ms - length, self.start_ms, self.environment)

    def until(self, end_ms: int) -> "Window":
        """The part before another end."""
        end = max(end_ms, self.start_ms + 1)
        return Window(self.project, self.start_ms, end, self.environment)

    def after(self, start_ms: int) -> "Window":
        """The part from another start on."""
        start = min(start_ms, self.end_ms - 1)
        return Window(self.project, start, self.end_ms, self.environment)

    def ends(self, *, newest: bool = True) -> list["Window"]:
        """The end that is wanted first, then more and more of the range, then all of it.

        What a list shows at first usually lies in a small part of a long range.
        """
        length = self.end_ms - self.start_ms
        if length <= _SHORT_MS:
            return [self]
        widths = [max(_SHORT_MS // 2, length // divisor) for divisor in _PARTS]
        if newest:
            return [self.after(max(self.start_ms, self.end_ms - width)) for width in widths]
        return [self.until(min(self.end_ms, self.start_ms + width)) for width in widths]

    def where(self, time: str = "time") -> str:
        """Conditions over a stored table; `time` is the column, to the nanosecond."""
        return self._where(
            f"{time} >= fromUnixTimestamp64Nano({{from_ns:Int64}}) AND {time} < fromUnixTimestamp64Nano({{to_ns:Int64}})"
        )

    def where_rolled(self, time: str = "minute") -> str:
        """The same over a rollup, whose first step may begin before the range does."""
        return self._where(
            f"{time} >= toStartOfMinute(fromUnixTimestamp64Milli({{from_ms:Int64}})) AND {time} < fromUnixTimestamp64Milli({{to_ms:Int64}})"
        )

    def _where(self, times: str) -> str:
        more = " AND environment = {environment:String}" if self.environment else ""
        return f"project = {{project:UInt32}} AND {times}{more}"

    def params(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "from_ms": self.start_ms,
            "to_ms": self.end_ms,
            "from_ns": self.start_ms * 1_000_000,
            "to_ns": self.end_ms * 1_000_000,
            "environment": self.environment,
        }


def window_of(project: int, start_ms: int, end_ms: int, environment: str = "") -> Window:
    """A window from what a client sent."""
    if not 0 <= start_ms < end_ms or end_ms - start_ms > _LONGEST_MS or end_ms > 4_102_444_800_000:
        raise BadInput(
            "time_range_invalid",
            f"from={start_ms} and to={end_ms} are not a range of time.",
            "Send both in milliseconds since 1970, `from` before `to`.",
        )
    return Window(project, start_ms, end_ms, environment)


@dataclass(frozen=True, slots=True)
class Grid:
    """A range cut into steps that begin on multiples of the step."""

    start_ms: int
    step_ms: int
    size: int

    def index(self, time_column: str) -> str:
        """SQL: the position of a time on the grid."""
        if self.step_ms % 1000 == 0 and self.start_ms % 1000 == 0:
            return f"intDiv(toUnixTimestamp({time_column}) - {self.start_ms // 1000}, {self.step_ms // 1000})"
        return f"intDiv(toUnixTimestamp64Milli({time_column}::DateTime64(3)) - {self.start_ms}, {self.step_ms})"

    def place(self, points: Mapping[int, Any], empty: Any) -> list[Any]:
        return [points.get(i, empty) for i in range(self.size)]

    def seconds(self, window: Window, index: int) -> float:
        """Seconds of a step that lie within the window: the first and the last may be cut."""
        start = max(window.start_ms, self.start_ms + index * self.step_ms)
        end = min(window.end_ms, self.start_ms + (index + 1) * self.step_ms)
        return max(end - start, 1) / 1000


def grid_of(window: Window, points: int = 60, least_ms: int = 1000) -> Grid:
    """At most about `points` steps, none shorter than `least_ms`."""
    length = window.end_ms - window.start_ms
    step = next((s for s in STEPS_MS if s >= least_ms and length / s <= points), STEPS_MS[-1])
    start = window.start_ms // step * step
    return Grid(start, step, max(1, -(-(window.end_ms - start) // step)))


@dataclass(slots=True)
class Asked:
    """Conditions and their parameters, gathered as a query is put together."""

    conditions: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any, type: str = "String") -> str:
        """A placeholder for a value; never the value itself."""
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{type}}}"

    def copy(self) -> "Asked":
        return Asked(list(self.conditions), dict(self.params))

    def add(self, condition: str) -> None:
        self.conditions.append(condition)

    @property
    def sql(self) -> str:
        """The conditions with a leading AND, or nothing."""
        return "".join(f" AND ({condition})" for condition in self.conditions)


def run(
    engine: Engine,
    name: str,
    sql: str,
    window: Window,
    asked: Asked | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Result:
    """Run a page query under the limits that all of them share."""
    params = {**window.params(), **(asked.params if asked else {})}
    used = {key: value for key, value in params.items() if f"{{{key}:" in sql}
    return engine.query(name, sql, used, limits=LIMITS, settings=settings)
