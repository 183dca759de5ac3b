"""Logs are lines of JSON on stderr, and no secret ever stands in one.

A line holds `time`, `level`, `logger`, `message`, the `request_id` when a request is
being answered, and whatever was given as `extra`, best by `fields(…)`, which may use any name. Redaction happens last,
on the finished text, so that a secret inside a traceback, an exception's message or
a nested value is caught like one in the message.
"""

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")

_STANDARD = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"}
_LEVELS = {"debug", "info", "warning", "error"}
_REMOVED = "[removed]"

# Keys and tokens by their prefix, credentials in headers, addresses and bodies by their name.
_SECRETS = (
    re.compile(r"\bqd[a-z]*_[A-Za-z0-9_-]{16,}"),
    re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/=-]{6,}"),
    re.compile(r"(?i)(?<=\bbasic )[A-Za-z0-9+/=]{6,}"),
    re.compile(
        r"(?i)(?<=://)[^\s/:@\"'\\]+:[^\s/@\"'\\]+(?=@)",
    ),
)
_NAMED = re.compile(
    # The look-behind keeps it linear: without it every character of a long word is a beginning.
    r"(?i)((?<![\w-])(?:[\w-]*(?:password|passwd|secret|token|api[_-]?key|admin[_-]?key)|authorization"
    r"|(?:set-)?cookie)[\\\"']*\s*[=:]\s*[\\\"']*)([^\s\"'\\,;&}]+)"
)


def fields(**values: Any) -> dict[str, Any]:
    """`log.info("started", extra=fields(port=4400))` puts `port` on the line."""
    return {"fields": values}


def redact(text: str) -> str:
    """The text without keys, tokens, passwords, cookies and credentials in addresses."""
    for pattern in _SECRETS:
        text = pattern.sub(_REMOVED, text)
    return _NAMED.sub(rf"\1{_REMOVED}", text)


class JsonFormatter(logging.Formatter):
    """One record, one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if known := request_id.get():
            line["request_id"] = known
        given = {k: v for k, v in record.__dict__.items() if k not in _STANDARD}
        given.update(given.pop("fields", {}))
        for name, value in given.items():
            line.setdefault(name, value)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(
            {name: _clean(value) for name, value in line.items()}, default=str, ensure_ascii=False
        )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, int | float | bool) or value is None:
        return value
    return redact(json.dumps(value, default=str))


def configure(level: str = "info") -> None:
    """Send every logger to stderr as JSON; an unknown level counts as `info`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper() if level.lower() in _LEVELS else "INFO")
    for noisy in ("uvicorn", "uvicorn.error", "httpx", "httpcore", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
