"""The stored tables of telemetry: whose signal each one holds and how its days are told.

Every table is partitioned by day, so that a day goes at once; the expression gives the day
of a row. What adds a table to the schema adds it here, and a test compares the two.
"""

from dataclasses import dataclass
from typing import Literal

Signal = Literal["traces", "logs", "metrics", "errors"]
SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics", "errors")


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    signals: tuple[Signal, ...]
    day: str


_POINTS = ("samples", "histograms", "exponential_histograms", "summaries", "exemplars")
_PROMETHEUS = ("prom_samples", "prom_histograms", "prom_exemplars")

TABLES: tuple[Table, ...] = (
    Table("spans", ("traces",), "toDate(time)"),
    Table("trace_times", ("traces",), "day"),
    Table("red_1m", ("traces",), "toDate(minute)"),
    Table("latency_1m", ("traces",), "toDate(minute)"),
    Table("latency_15m", ("traces",), "toDate(quarter)"),
    Table("self_1m", ("traces",), "toDate(minute)"),
    Table("edges_1m", ("traces",), "toDate(minute)"),
    Table("logs", ("logs",), "toDate(time)"),
    Table("logs_1m", ("logs",), "toDate(minute)"),
    Table("log_patterns", ("logs",), "toDate(slot)"),
    *(Table(name, ("metrics",), "toDate(time)") for name in _POINTS),
    Table("series", ("metrics",), "day"),
    *(Table(name, ("metrics",), "toDate(time)") for name in _PROMETHEUS),
    Table("prom_series", ("metrics",), "day"),
    Table("prom_metadata", ("metrics",), "day"),
    Table("error_events", ("errors",), "toDate(time)"),
    Table("error_groups_1h", ("errors",), "toDate(hour)"),
    Table("facets_15m", ("traces", "logs"), "toDate(quarter)"),
    Table("releases", ("traces", "logs"), "day"),
    Table("rejects", SIGNALS, "toDate(time)"),
)

POINT_TABLES = _POINTS
PROMETHEUS_POINTS = _PROMETHEUS


def tables_of(signal: Signal) -> list[str]:
    """Tables that hold this signal alone."""
    return [table.name for table in TABLES if table.signals == (signal,)]
