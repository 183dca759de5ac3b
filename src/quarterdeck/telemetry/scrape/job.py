"""A job as it runs: its targets, how they are asked, and what is remembered of each."""

import asyncio
import base64
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.resources.service import Configured
from quarterdeck.telemetry.scrape.ask import Ask
from quarterdeck.telemetry.scrape.discovery import Discovery, Group
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.relabel import Labels, relabelling
from quarterdeck.telemetry.scrape.series import Limits, Naming
from quarterdeck.telemetry.scrape.spec import ScrapeJobSpec
from quarterdeck.telemetry.scrape.target import Target
from quarterdeck.telemetry.scrape.turn import Course, Reading

if TYPE_CHECKING:
    from quarterdeck.telemetry.scrape.fetch import Connection

Resolve = Callable[[str], Awaitable[str]]
"""The text with the secrets in it that it refers to."""

_SECRET_SECONDS = 5.0  # that a secret is remembered, as settings and keys are


@dataclass(slots=True)
class Health:
    """How the last scrape of a target went; before the first one everything is unknown.

    Asking and keeping are told apart: the store's answer comes later, and stands until the next.
    """

    state: Literal["unknown", "up", "down"] = "unknown"
    failed: str = ""  # why there was no answer
    lost: str = ""  # why not all of it was kept
    refused: int = 0  # how many samples
    at_ms: int = 0
    seconds: float = 0.0
    scraped: int = 0
    kept: int = 0
    missed: int = 0  # turns at which it was still being asked

    @property
    def error(self) -> str:
        return self.failed or self.lost


@dataclass(slots=True, eq=False)
class Memory:
    """What is remembered of a target, also when its job changes."""

    course: Course
    connection: "Connection | None" = None
    connected_for: "Job | None" = None  # the connection is made as this job wants it
    health: Health = field(default_factory=Health)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # held while it is asked


@dataclass(slots=True, eq=False)
class Point:
    """One target of one job; another one takes its place when either changes."""

    job: "Job"
    target: Target
    reading: Reading
    memory: Memory
    gone: bool = False


class Job:
    """One revision of a scrape job."""

    def __init__(
        self, configured: Configured[ScrapeJobSpec], directory: Path, resolve: Resolve
    ) -> None:
        self.configured = configured
        self.spec = configured.spec
        self.discovery = Discovery(self.spec, directory)
        self.groups: list[Group] | None = None
        self.points: dict[bytes, Point] = {}
        self.dropped: list[Labels] = []
        self.dropped_count = 0
        self._resolve = resolve
        self.ask = Ask(
            tuple(self.spec.protocols),
            self.spec.fallback_scrape_protocol,
            self.spec.most_bytes,
            self.spec.enable_compression,
            self.spec.follow_redirects,
            self.spec.tls_config.server_name if self.spec.tls_config else "",
        )
        self._relabel = relabelling(self.spec.metric_relabel_configs)
        self._limits = Limits(
            self.spec.sample_limit,
            self.spec.label_limit,
            self.spec.label_name_length_limit,
            self.spec.label_value_length_limit,
        )
        self._opened: tuple[float, dict[str, str]] | None = None
        self._context: ssl.SSLContext | None = None

    @property
    def name(self) -> str:
        return self.spec.job_name or self.configured.name

    def reading(self, labels: Mapping[str, str]) -> Reading:
        naming = Naming(labels, self.spec.honor_labels, self._relabel, self._limits)
        return Reading(
            naming,
            self.spec.honor_timestamps,
            self.spec.track_timestamps_staleness,
            self.spec.scrape_native_histograms,
            self.spec.always_scrape_classic_histograms,
        )

    async def credentials(self) -> dict[str, str]:
        """The header of authorization, with its secret; ScrapeFailed while that is not there."""
        now = time.monotonic()
        if self._opened is None or now - self._opened[0] > _SECRET_SECONDS:
            self._opened = now, await self._header()
        return self._opened[1]

    async def _header(self) -> dict[str, str]:
        spec = self.spec
        if spec.basic_auth is not None:
            password = await self._secret(spec.basic_auth.password or "")
            pair = f"{spec.basic_auth.username}:{password}".encode()
            value = f"Basic {base64.b64encode(pair).decode()}"
        elif spec.authorization is not None:
            credentials = await self._secret(spec.authorization.credentials)
            value = f"{spec.authorization.type} {credentials.strip()}"
        elif spec.bearer_token is not None:
            value = f"Bearer {(await self._secret(spec.bearer_token)).strip()}"
        else:
            return {}
        if not value.isascii() or not value.isprintable():
            raise ScrapeFailed("The job's secret holds what no header may.")
        return {"Authorization": value}

    async def _secret(self, reference: str) -> str:
        try:
            return await self._resolve(reference)
        except QuarterdeckError as error:
            raise ScrapeFailed("The job's secret is not there; see its settings.") from error

    async def context(self, shared: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """How its targets are believed; `shared` is that of jobs that say nothing of it."""
        from quarterdeck.telemetry.scrape.fetch import context_of

        tls = self.spec.tls_config
        if tls is None:
            return shared()
        if self._context is None:
            key = await self._secret(tls.key or "")
            self._context = await asyncio.to_thread(context_of, tls, key)
        return self._context
