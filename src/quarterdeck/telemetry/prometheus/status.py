"""What clients of the Prometheus API ask of a server beside its data: build, run time, flags,
targets, alerts. Grafana looks at the build to know which features it may offer.
"""

from datetime import UTC, datetime
from typing import Any

from fastapi import Response

from quarterdeck import __version__
from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.permissions import Permission
from quarterdeck.core.settings import Settings
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.telemetry.prometheus.answer import envelope

LANGUAGE = "3.5.0"
"""The Prometheus whose PromQL and API are spoken; clients compare it with what they need."""


def iso(milliseconds: int) -> str:
    """RFC 3339 in UTC, as Prometheus shows times; the year 1 for one that never was."""
    if milliseconds <= 0:
        return "0001-01-01T00:00:00Z"
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def status_router(clock: Clock, settings: Settings) -> Router:
    router = Router("/prometheus/api/v1", tag="prometheus")
    started = now_ms(clock)

    def ok(data: Any) -> Response:
        return Response(envelope(data), media_type="application/json")

    @router.get("/status/buildinfo", permission=Permission.READ, response_model=None)
    async def build_info() -> Response:
        """Which Prometheus this behaves like, and which Quarterdeck it is."""
        return ok(
            {
                "version": LANGUAGE,
                "revision": f"quarterdeck-{__version__}",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
            }
        )

    @router.get("/status/runtimeinfo", permission=Permission.READ, response_model=None)
    async def runtime_info() -> Response:
        """Since when the server runs and how long it keeps data unless a project says otherwise."""
        return ok(
            {
                "startTime": iso(started),
                "CWD": "",
                "reloadConfigSuccess": True,
                "lastConfigTime": iso(started),
                "corruptionCount": 0,
                "goroutineCount": 0,
                "GOMAXPROCS": 0,
                "GOMEMLIMIT": 0,
                "GOGC": "",
                "GODEBUG": "",
                "storageRetention": f"{int(settings.retention_days)}d",
                "serverTime": iso(now_ms(clock)),
            }
        )

    @router.get("/status/flags", permission=Permission.READ, response_model=None)
    async def flags() -> Response:
        """The limits that hold, under Prometheus' names for them."""
        return ok(
            {
                "query.lookback-delta": "5m",
                "query.max-concurrency": str(int(settings.query_concurrency)),
                "query.timeout": f"{int(settings.query_seconds)}s",
                "storage.tsdb.retention.time": f"{int(settings.retention_days)}d",
            }
        )

    @router.get("/status/config", permission=Permission.READ, response_model=None)
    async def config(scope: ScopeDep) -> Response:
        """A Prometheus configuration without anything: here resources take its place."""
        return ok({"yaml": ""})

    @router.get("/alerts", permission=Permission.READ, response_model=None)
    async def alerts(scope: ScopeDep) -> Response:
        """Active alerts of alerting rules."""
        return ok({"alerts": []})

    return router
