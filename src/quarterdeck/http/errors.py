"""Every error leaves in the one shape of `core.errors`, whoever raised it; below Prometheus' API
in that of `core.errors_prometheus`.

The framework's own errors are translated here; what nobody expected becomes
`internal` with the request id to look for in the log, and never a stack trace.
"""

from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from quarterdeck.core import errors_prometheus
from quarterdeck.core.errors import (
    BadInput,
    Internal,
    NotFound,
    QuarterdeckError,
    Unprocessable,
)
from quarterdeck.core.errors_prometheus import speaks_prometheus, type_and_status
from quarterdeck.core.log import request_id


class MethodNotAllowed(QuarterdeckError):
    status = 405


def render(error: QuarterdeckError, path: str, headers: dict[str, str] | None = None) -> Response:
    """The response that tells a client of the error; `path` is what was asked for."""
    body, status = error.body(), error.status
    if speaks_prometheus(path):
        body, (_, status) = errors_prometheus.body(error), type_and_status(error)
    return Response(
        orjson.dumps(body, default=str),
        status_code=status,
        headers={**error.headers(), **(headers or {})},
        media_type="application/json",
    )


def route_unknown(path: str) -> NotFound:
    return NotFound(
        "route_unknown",
        f"There is no route {path}.",
        "GET /api/openapi.json lists all routes.",
    )


def method_not_allowed(method: str, path: str) -> MethodNotAllowed:
    return MethodNotAllowed(
        "method_not_allowed",
        f"{path} does not answer {method}.",
        "The header Allow names what it answers.",
    )


def internal() -> Internal:
    return Internal(
        "internal",
        "Something went wrong inside the server.",
        f"Look for request {request_id.get()} in the server's log.",
        details={"request_id": request_id.get()},
    )


def install(app: FastAPI) -> None:
    """Register the translations."""
    app.add_exception_handler(QuarterdeckError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(Exception, _unexpected)


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, QuarterdeckError)
    return render(error, request.url.path)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Where and why, but never the value: it may be a password.
    problems: list[dict[str, Any]] = [
        {"path": ".".join(str(part) for part in problem["loc"]), "message": problem["msg"]}
        for problem in error.errors()
    ]
    first = problems[0] if problems else {"path": "request", "message": "not valid"}
    return render(
        Unprocessable(
            "invalid_request",
            f"{first['path']}: {first['message']}.",
            "GET /api/openapi.json describes what this route takes.",
            details={"errors": problems},
        ),
        request.url.path,
    )


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if isinstance(error.__cause__, QuarterdeckError):  # raised while a body was read
        return render(error.__cause__, path)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return render(route_unknown(path), path, headers)
    if error.status_code == 405:
        return render(method_not_allowed(request.method, path), path, headers)
    wrong = BadInput(
        "invalid_request",
        f"{error.detail}.",
        "GET /api/openapi.json describes what this route takes.",
    )
    wrong.status = error.status_code
    return render(wrong, path, headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    return render(internal(), request.url.path)
