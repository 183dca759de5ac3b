"""The one tree of errors and the one shape they take on the wire.

    QuarterdeckError
    ├── BadInput 400 ── Unprocessable 422
    ├── Unauthenticated 401
    ├── Forbidden 403
    ├── NotFound 404
    ├── Conflict 409 ── PreconditionFailed 412
    ├── TooLarge 413
    ├── UnsupportedMedia 415
    ├── TooMany 429            (retry after)
    ├── Internal 500
    └── Unavailable 503        (retry after)

Every error has a stable `code` (listed in docs/errors.md, held true by a test), a
`message` that says what went wrong, and a `hint` that says what to do. On the wire:

    {"error": {"code": "project_unknown", "message": "…", "hint": "…", "details": {…}}}
"""

from collections.abc import Mapping
from typing import Any


class QuarterdeckError(Exception):
    """Base of everything that may reach a user; never raised itself."""

    status = 500

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        *,
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = dict(details or {})
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """The JSON that a client receives."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.hint:
            error["hint"] = self.hint
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def headers(self) -> dict[str, str]:
        if self.retry_after is None:
            return {}
        return {"Retry-After": str(max(1, round(self.retry_after)))}


class BadInput(QuarterdeckError):
    status = 400


class Unprocessable(BadInput):
    status = 422


class Unauthenticated(QuarterdeckError):
    status = 401

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(QuarterdeckError):
    status = 403


class NotFound(QuarterdeckError):
    status = 404


class Conflict(QuarterdeckError):
    status = 409


class PreconditionFailed(Conflict):
    status = 412


class TooLarge(QuarterdeckError):
    status = 413


class UnsupportedMedia(QuarterdeckError):
    status = 415


class TooMany(QuarterdeckError):
    status = 429


class Internal(QuarterdeckError):
    status = 500


class Unavailable(QuarterdeckError):
    status = 503
