"""Parameters of the Prometheus HTTP API, in its formats and with its complaints.

A parameter may stand in the address or in a form that is posted; the form goes first. Times are
seconds since 1970 or RFC 3339, durations seconds or Prometheus' own (`1h30m`); both become
milliseconds.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from fastapi import Request

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.promql import syntax
from quarterdeck.telemetry.promql.source import Matcher

FIRST_MS, LAST_MS = 0, 9_000_000_000_000  # 1970 to 2255: what the store can hold
_FARTHEST_MS = 2**62
_MOST_FIELDS = 1000
_DURATION = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?"
)
_UNITS_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII
)
# What Prometheus writes for "since ever" and "for ever", and takes back.
_BOUNDS = {
    "-292273086-05-16T16:47:06Z": -_FARTHEST_MS,
    "292277025-08-18T07:12:54.999999999Z": _FARTHEST_MS,
}


def invalid(name: str, why: str) -> BadInput:
    return BadInput("promql_parameter", f'invalid parameter "{name}": {why}')


class Form:
    """The parameters of a request, by name in the order in which they came."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in fields:
            self._fields.setdefault(name, []).append(value)

    def text(self, name: str) -> str:
        return self._fields.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        return self._fields.get(name, [])

    def time(self, name: str, default: int | None = None) -> int:
        """Milliseconds; without a default the parameter must be there."""
        given = self.text(name)
        if not given and default is not None:
            return default
        found = parse_time(given)
        if found is None:
            raise invalid(name, f'cannot parse "{given}" to a valid timestamp')
        return found

    def duration(self, name: str, default: int | None = None) -> int:
        given = self.text(name)
        if not given and default is not None:
            return default
        found = parse_duration(given)
        if found is None:
            raise invalid(name, f'cannot parse "{given}" to a valid duration')
        return found

    def limit(self, name: str = "limit") -> int:
        """A number of answers, 0 for all of them."""
        given = self.text(name)
        if not given:
            return 0
        if not re.fullmatch(r"[+-]?\d{1,18}", given, re.ASCII):
            raise invalid(name, f'cannot parse "{given}" to a number')
        if int(given) < 0:
            raise invalid(name, "limit must be non-negative")
        return int(given)

    def range(self) -> tuple[int, int]:
        """`start` and `end` where they may be left out: within what the store can hold."""
        start, end = self.time("start", FIRST_MS), self.time("end", LAST_MS)
        return max(start, FIRST_MS), min(end, LAST_MS)

    def selectors(self, name: str = "match[]") -> list[tuple[Matcher, ...]]:
        """The series selectors given; each must need some label."""
        found = []
        for text in self.all(name):
            try:
                node = syntax.parse(text)
            except BadInput as error:
                raise invalid(name, error.message) from None
            if (
                not isinstance(node, syntax.Selector)
                or node.window is not None
                or node.offset
                or node.at is not None
            ):
                raise invalid(name, f'"{text}" is not a series selector')
            found.append(node.matchers)
        return found


async def form_of(request: Request) -> Form:
    """Parameters of the address, behind those of a form in the body."""
    fields: list[tuple[str, str]] = []
    kind = request.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    if request.method == "POST" and kind == "application/x-www-form-urlencoded":
        body = (await request.body()).decode("utf-8", "replace")
        try:
            fields += parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise BadInput("promql_parameter", "the form has too many parameters") from None
    return Form(fields + list(request.query_params.multi_items()))


def parse_time(text: str) -> int | None:
    """Milliseconds since 1970 of a time as the API takes it, None when it is none."""
    if _FLOAT.fullmatch(text):
        seconds = float(text)
        return _rounded(seconds * 1000) if math.isfinite(seconds) else None
    if text in _BOUNDS:
        return _BOUNDS[text]
    parts = _RFC3339.fullmatch(text)
    if parts is None:
        return None
    day, clock, fraction, zone = parts.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone == 'Z' else zone}")
        since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return since // timedelta(milliseconds=1) + int((fraction or "0").ljust(3, "0")[:3])


def parse_duration(text: str) -> int | None:
    """Milliseconds of a duration as the API takes it, None when it is none."""
    if _FLOAT.fullmatch(text):
        found = float(text) * 1000
        return int(found) if abs(found) < 9.2e15 else None
    parts = _DURATION.fullmatch(text)
    if parts is None or not text:
        return None
    total = sum(int(n) * unit for n, unit in zip(parts.groups(), _UNITS_MS, strict=True) if n)
    return total if total < 9.2e15 else None


def _rounded(milliseconds: float) -> int:
    return max(-_FARTHEST_MS, min(_FARTHEST_MS, round(milliseconds)))
