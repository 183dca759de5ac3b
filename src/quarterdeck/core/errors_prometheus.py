"""The shape of errors below `/prometheus/api/v1`, whoever raised them.

    {"status": "error", "errorType": "not_found", "error": "…"}

Clients of Prometheus, Grafana first, read nothing else. The types are those of
prometheus/web/api/v1 and no others; status codes are its too, or the error's own.
"""

from typing import Any

from quarterdeck.core.errors import (
    BadInput,
    NotFound,
    QuarterdeckError,
    TooMany,
    Unavailable,
    Unprocessable,
)

PREFIX = "/prometheus/api/v1"
_TIMEOUTS = {"promql_timeout", "query_too_slow"}
_EXECUTION = {"query_memory", "query_too_large", "query_failed"}


def speaks_prometheus(path: str) -> bool:
    return path.startswith(f"{PREFIX}/")


def type_and_status(error: QuarterdeckError) -> tuple[str, int]:
    if error.code in _TIMEOUTS:
        return "timeout", 503
    if error.code in _EXECUTION or isinstance(error, Unprocessable):
        return "execution", 422
    if isinstance(error, BadInput):
        return "bad_data", 400
    if isinstance(error, NotFound):
        return "not_found", 404
    if isinstance(error, Unavailable | TooMany):
        return "unavailable", error.status
    return "bad_data" if error.status < 500 else "internal", error.status


def body(error: QuarterdeckError) -> dict[str, Any]:
    return {"status": "error", "errorType": type_and_status(error)[0], "error": error.message}
