"""Settings are data: one table with name, default, unit, what is allowed, and help.

A value comes from, in this order: the command line, the environment
(`QUARTERDECK_` and the name in capitals), the YAML file of `--config`, the default.
An unknown key in the file or a value that is not allowed is an error that names it.
`docs/settings.md` is held true to this table by a test.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from quarterdeck.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Allowed:
    """The values that a setting may have, in words and as a check."""

    told: str
    holds: Callable[[Any], bool]


def _between(least: int, most: int) -> Allowed:
    """NaN is between nothing."""
    return Allowed(f"{least} to {most}", lambda value: bool(least <= value <= most))


def _one_of(*words: str) -> Allowed:
    return Allowed(f"{', '.join(words[:-1])} or {words[-1]}", lambda value: value.lower() in words)


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        named = parts.hostname and parts.port != 0  # a port that is none raises
    except ValueError:
        return False
    extra = "@" in parts.netloc or "?" in value or "#" in value
    plain = value.isprintable() and " " not in value
    return bool(parts.scheme in ("http", "https") and named and plain and not extra)


def _are_networks(value: str) -> bool:
    try:
        for part in value.split(","):
            ip_network(part.strip())
    except ValueError:
        return False
    return True


_PORT = _between(0, 65535)
_PRIVATE = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,::1/128,fc00::/7,fe80::/10"
_NETWORKS = Allowed("networks such as 10.0.0.0/8, separated by commas", _are_networks)
_WEB_ADDRESS = Allowed(
    "http:// or https://, a host, and perhaps a port and a path; or empty",
    lambda value: not value or _is_web_address(value),
)


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    kind: type
    default: Any
    help: str
    unit: str = ""
    secret: bool = False
    allowed: Allowed | None = None


SETTINGS: tuple[Setting, ...] = (
    Setting("data", str, "data", "Directory that holds everything Quarterdeck keeps."),
    Setting("host", str, "127.0.0.1", "Address to listen on."),
    Setting("port", int, 4400, "Port of the UI and the API; 0 switches it off.", allowed=_PORT),
    Setting("otlp_grpc_port", int, 4317, "Port of OTLP over gRPC; 0 switches it off.", allowed=_PORT),
    Setting("otlp_http_port", int, 4318, "Second port of OTLP over HTTP; 0 switches it off.", allowed=_PORT),
    Setting("syslog_udp_port", int, 0, "Port of syslog over UDP; 0 switches it off.", allowed=_PORT),
    Setting("syslog_tcp_port", int, 0, "Port of syslog over TCP; 0 switches it off.", allowed=_PORT),
    Setting("syslog_tls_port", int, 0, "Port of syslog over TLS; 0 switches it off.", allowed=_PORT),
    Setting("syslog_tls_certificate", str, "", "File with the certificate of syslog over TLS, PEM."),
    Setting("syslog_tls_key", str, "", "File with the key of that certificate, PEM."),
    Setting("syslog_project", str, "default", "Project of syslog messages that bring no key; empty to refuse them."),
    Setting("syslog_allow", str, _PRIVATE, "Networks that may send syslog, separated by commas.", allowed=_NETWORKS),
    Setting("public_url", str, "", "Address in links and DSNs, such as https://deck.example.com.", allowed=_WEB_ADDRESS),
    Setting("trusted_proxies", str, "127.0.0.1", "Proxies whose X-Forwarded headers count, separated by commas."),
    Setting("control_url", str, "", "SQLAlchemy address of a PostgreSQL control store; empty for SQLite in the data directory."),
    Setting("blobs_url", str, "", "Where blobs are kept, such as s3://bucket/prefix; empty for the data directory."),
    Setting("admin_key", str, "", "A key with the role admin, for automation; accepted as long as it is set.", secret=True),
    Setting("secret_key", str, "", "Key that encrypts secrets at rest; empty to keep one in the data directory.", secret=True),
    Setting("max_body_mb", int, 20, "Largest accepted request after decompression.", "MiB", allowed=_between(1, 1024)),
    Setting("max_connections", int, 2000, "HTTP connections open at once; others are answered 503 and closed.", allowed=_between(1, 1_000_000)),
    Setting("ingest_queue_mb", int, 64, "Accepted but not yet durable telemetry; beyond it clients are told to retry.", "MiB", allowed=_between(1, 65_536)),
    Setting("ingest_flush_ms", int, 50, "Shortest time that a small batch collects before it is written. A lone small batch may wait up to 1 s, of metrics 2 s, because each write has its price.", "ms", allowed=_between(0, 1000)),
    Setting("engine_memory_mb", int, 2048, "Memory that all queries and inserts of the engine may use together.", "MiB", allowed=_between(256, 1_048_576)),
    Setting("query_memory_mb", int, 1024, "Memory of one query.", "MiB", allowed=_between(64, 1_048_576)),
    Setting("query_seconds", int, 30, "Longest time one query may run.", "s", allowed=_between(1, 3600)),
    Setting("query_rows", int, 10_000, "Rows that one answer of POST /api/sql may hold; the rest is cut and said so.", allowed=_between(1, 1_000_000)),
    Setting("query_concurrency", int, 4, "Queries that run at once; others wait.", allowed=_between(1, 64)),
    Setting("disk_quota_gb", float, 0.0, "Telemetry on disk beyond which the oldest day is dropped; 0 for 80 % of the disk.", "GB", allowed=_between(0, 1_000_000)),
    Setting("retention_days", int, 30, "Days that telemetry is kept unless a project says otherwise.", "days", allowed=_between(1, 3650)),
    Setting("series_limit", int, 1_000_000, "Active series of Prometheus that a project may have unless it says otherwise; new ones beyond are refused.", allowed=_between(1, 100_000_000)),
    Setting("host_metrics_seconds", int, 30, "How often the server's own machine is measured, as a host of the project `default`; 0 switches it off.", "s", allowed=_between(0, 3600)),
    Setting("scrape_files", str, "", "Directory that file targets of scrape jobs are read from, and no other; empty for `targets` in the data directory."),
    Setting("session_days", int, 14, "Days that a browser session lasts without use.", "days", allowed=_between(1, 365)),
    Setting("log_level", str, "info", "The least grave lines that are logged.", allowed=_one_of("debug", "info", "warning", "error")),
    Setting("demo_url", str, "", "Control address of the demo shop; set by `quarterdeck demo` alone.", allowed=_WEB_ADDRESS),
)  # fmt: skip

_BY_NAME = {s.name: s for s in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force; `settings["port"]` style access is typed by the properties below."""

    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        shown = {
            name: ("set" if value else "") if _BY_NAME[name].secret else value
            for name, value in self.values.items()
        }
        return f"Settings({shown})"

    @property
    def data_dir(self) -> Path:
        return Path(str(self.values["data"]))


def load(
    overrides: Mapping[str, Any] | None = None,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from overrides (None means not given), environment, file and defaults."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {s.name: s.default for s in SETTINGS}
    if config is not None:
        values.update(_from_file(config))
    for setting in SETTINGS:
        text = environ.get(f"QUARTERDECK_{setting.name.upper()}")
        if text is not None:
            values[setting.name] = _parse(setting, text, f"QUARTERDECK_{setting.name.upper()}")
    for name, value in (overrides or {}).items():
        if value is not None:
            values[name] = _parse(_BY_NAME[name], value, f"--{name.replace('_', '-')}")
    return Settings(values)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(
            "config_unreadable", f"{path}: {error}", "Check the file and its YAML."
        ) from error
    if not isinstance(document, dict):
        raise BadInput(
            "config_unreadable",
            f"{path} is not a mapping of settings.",
            "Write `name: value` lines.",
        )
    unknown = sorted(set(document) - set(_BY_NAME))
    if unknown:
        raise BadInput(
            "setting_unknown",
            f"{path}: unknown setting {', '.join(map(repr, unknown))}.",
            "docs/settings.md lists them all.",
        )
    return {
        name: _parse(_BY_NAME[name], value, f"{path}: {name}") for name, value in document.items()
    }


def _parse(setting: Setting, value: Any, where: str) -> Any:
    try:
        parsed = _as_kind(setting.kind, value)
    except (TypeError, ValueError, OverflowError):
        parsed = None
    if parsed is None or (setting.allowed and not setting.allowed.holds(parsed)):
        shown = "the value" if setting.secret else repr(value)
        raise BadInput(
            "setting_invalid",
            f"{where}: {shown} is not allowed.",
            f"Allowed: {what_is_allowed(setting)}. {setting.help}",
        )
    return parsed


def _as_kind(kind: type, value: Any) -> Any:
    """The value as what it was meant to be; None when it says something else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    parsed = kind(value)
    return None if isinstance(value, float) and kind is int and parsed != value else parsed


def what_is_allowed(setting: Setting) -> str:
    """In words, for people who choose a value."""
    kind = {int: "a whole number", float: "a number"}.get(setting.kind, "")
    rule = setting.allowed.told if setting.allowed else ""
    return ", ".join(filter(None, (kind, rule))) or "text"
