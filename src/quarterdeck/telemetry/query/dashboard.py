"""The state of a project in one answer, for screens and scripts of others (S11).

What is there so far: health as telemetry shows it, performance, errors, throughput, hosts,
deployments. Limits of what counts as degraded are the defaults of the alert rules (D3): more than
1 % of requests failed, more than 80 % of a host's memory in use.
"""

from typing import Literal

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import hosts as hosts_query
from quarterdeck.telemetry.query import logs
from quarterdeck.telemetry.query.overview import overview
from quarterdeck.telemetry.query.releases import Deployment, deployments
from quarterdeck.telemetry.query.slowest import SlowSpan, slowest
from quarterdeck.telemetry.query.window import Asked, Window, run

FAILED = 0.01
MEMORY = 0.8
_MOST = 10


class Health(BaseModel):
    status: Literal["ok", "degraded", "unknown"] = Field(
        description="`unknown` when nothing has arrived in the range."
    )
    reasons: list[str]


class Performance(BaseModel):
    p95_ms: float | None
    slowest: list[SlowSpan]


class ErrorLine(BaseModel):
    time_ms: int
    service: str
    message: str
    trace_id: str


class Errors(BaseModel):
    error_rate: float = Field(description="Share of requests that failed, 0 to 1.")
    failed_requests: int
    error_logs: int
    newest: list[ErrorLine]


class Throughput(BaseModel):
    requests_per_second: float
    spans: int
    logs: int


class ServiceState(BaseModel):
    service: str
    release: str
    rate: float
    error_rate: float
    p95_ms: float | None


class HostState(BaseModel):
    host: str
    cpu: float | None
    memory: float | None
    disk: float | None
    last_seen: int


class Dashboard(BaseModel):
    from_ms: int
    to_ms: int
    health: Health
    performance: Performance
    errors: Errors
    throughput: Throughput
    services: list[ServiceState]
    hosts: list[HostState]
    deployments: list[Deployment]


def dashboard(engine: Engine, window: Window) -> Dashboard:
    seen = overview(engine, window)
    machines = hosts_query.hosts(engine, window).items
    services = [
        ServiceState(
            service=row.service, release=row.release, rate=row.rate, error_rate=row.error_rate, p95_ms=row.p95_ms
        )
        for row in seen.services
    ]  # fmt: skip
    found = [
        HostState(
            host=row.host, cpu=row.cpu, memory=row.memory, disk=row.disk.used if row.disk else None,
            last_seen=row.last_seen,
        )
        for row in machines
    ]  # fmt: skip
    return Dashboard(
        from_ms=window.start_ms,
        to_ms=window.end_ms,
        health=_health(services, found, anything=bool(seen.totals.spans or seen.totals.logs)),
        performance=Performance(p95_ms=seen.totals.p95_ms, slowest=slowest(engine, window)[:_MOST]),
        errors=_errors(engine, window, seen.totals.error_rate),
        throughput=Throughput(
            requests_per_second=seen.totals.rate, spans=seen.totals.spans, logs=seen.totals.logs
        ),
        services=services,
        hosts=found,
        deployments=deployments(engine, window),
    )


def _health(services: list[ServiceState], hosts: list[HostState], *, anything: bool) -> Health:
    reasons = [
        f"{row.error_rate:.1%} of the requests of {row.service} failed"
        for row in services
        if row.error_rate > FAILED
    ]
    reasons += [
        f"{row.memory:.0%} of the memory of {row.host} is in use"
        for row in hosts
        if row.memory is not None and row.memory > MEMORY
    ]
    if not anything:
        return Health(status="unknown", reasons=["Nothing has arrived in this range."])
    return Health(status="degraded" if reasons else "ok", reasons=reasons)


def _errors(engine: Engine, window: Window, error_rate: float) -> Errors:
    sql = f"SELECT sum(errors) FROM red_1m WHERE {window.where_rolled()} AND entry"
    failed = run(engine, "dashboard_failed", sql, window).rows[0][0]
    sql = f"SELECT sum(records) FROM logs_1m WHERE {window.where_rolled()} AND severity >= 5"
    records = run(engine, "dashboard_errors", sql, window).rows[0][0]
    asked = Asked()
    logs.condition(asked, severity="error,fatal")
    newest = logs.read(engine, window, asked, _MOST) if records else []
    return Errors(
        error_rate=error_rate,
        failed_requests=failed,
        error_logs=records,
        newest=[
            ErrorLine(
                time_ms=row.time_ms, service=row.service, message=str(row.body)[:500], trace_id=row.trace_id
            )
            for row in newest
        ],
    )  # fmt: skip
