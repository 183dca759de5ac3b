"""A real server whose error events are written down instead of kept, and DSNs to send to it.

    python -m support.sentry DATA PORT EVENTS

Events stand in the file EVENTS, one a line, as they would have been handed on.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from quarterdeck.app import App
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.settings import load
from quarterdeck.errors.sentry.http import sentry_routes
from quarterdeck.errors.sentry.received import SentEvent
from quarterdeck.telemetry.ingest.outcome import Outcome, overloaded
from support.server import ADMIN_KEY, Server

FULL = "there is no room for this event"


class RecordingApp(App):
    """Quarterdeck, with routes of ours in place of its own."""

    events: Path

    async def _open_errors(self) -> None:
        self.raw_routes += sentry_routes(
            self.intake, self._keep, self.accounts.project_by_id, self.clock, self.metrics
        )

    async def _keep(self, project: ProjectRef, events: Sequence[SentEvent]) -> Outcome:
        if any(event.document.get("message") == FULL for event in events):
            raise overloaded()
        with self.events.open("a") as file:
            for event in events:
                assert orjson.loads(event.raw) == event.document
                line = {
                    "project": project.slug,
                    "event_id": event.event_id,
                    "type": event.type,
                    "service": event.service,
                    "document": event.document,
                    "shift_s": event.shift_ns / 1e9,
                    "attachments": [
                        [one.name, one.media, one.kind, len(one.data)] for one in event.attachments
                    ],
                }
                file.write(json.dumps(line) + "\n")
        return Outcome(len(events))


async def serve(data: str, port: str, events: str) -> None:
    chosen = {
        "data": data, "port": port, "otlp_http_port": 0, "otlp_grpc_port": 0,
        "host_metrics_seconds": 0,
    }  # fmt: skip
    app = RecordingApp(load(chosen))
    app.events = Path(events)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await app.start()
    print(f"ready {app.url}", flush=True)
    await ended.wait()
    await app.stop()


@dataclass
class RecordingServer(Server):
    """Like Server, without a supervisor."""

    keys: dict[str, str] = field(default_factory=dict)

    def start(self) -> "RecordingServer":
        command = [sys.executable, "-m", "support.sentry", str(self.data), str(self.port)]
        tests = str(Path(__file__).parent.parent)
        paths = os.pathsep.join(filter(None, (tests, os.environ.get("PYTHONPATH", ""))))
        environment = {
            **os.environ, "QUARTERDECK_ADMIN_KEY": ADMIN_KEY, "PYTHONPATH": paths, **self.environment
        }  # fmt: skip
        with self._log_path.open("a") as log:
            self.process = subprocess.Popen(
                [*command, str(self._events)],
                stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
            )  # fmt: skip
        self.wait_ready()
        return self

    @property
    def _events(self) -> Path:
        return self.data.parent / f"{self.data.name}.events"

    def project(self, slug: str) -> "Dsn":
        """A new project."""
        with self.client() as client:
            made = client.post("/api/projects", json={"slug": slug})
        assert made.status_code == 201, made.text
        document = made.json()
        key = document["dsn"].partition("://")[2].partition("@")[0]
        return Dsn(self, slug, document["id"], key)

    def events(self, slug: str) -> list[dict[str, Any]]:
        lines = self._events.read_text().splitlines() if self._events.exists() else []
        return [event for event in map(json.loads, lines) if event["project"] == slug]


@dataclass(frozen=True)
class Dsn:
    """Where the SDKs of a project send to."""

    server: RecordingServer
    slug: str
    id: int
    key: str

    def __str__(self) -> str:
        return f"http://{self.key}@127.0.0.1:{self.server.port}/{self.id}"

    def path(self, endpoint: str = "envelope") -> str:
        return f"/api/{self.id}/{endpoint}/"

    @property
    def auth(self) -> dict[str, str]:
        return {
            "x-sentry-auth": f"Sentry sentry_version=7, sentry_key={self.key}, sentry_client=test/1"
        }

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.server.events(self.slug)

    def sql(self, statement: str, rows: int = 1) -> list[dict[str, Any]]:
        """Once there are so many rows: spans, logs and metrics are answered before they are kept."""
        deadline = time.monotonic() + 20
        headers = {"X-Quarterdeck-Project": self.slug}
        with self.server.client() as client:
            while True:
                answer = client.post("/api/sql", json={"sql": statement}, headers=headers)
                assert answer.status_code == 200, answer.text
                document = answer.json()
                if len(document["rows"]) >= rows or time.monotonic() > deadline:
                    break
                time.sleep(0.1)
        names = [column["name"] for column in document["columns"]]
        return [dict(zip(names, row, strict=True)) for row in document["rows"]]


def envelope(headers: dict[str, Any], *items: tuple[dict[str, Any], bytes]) -> bytes:
    """An envelope as SDKs write it; an item's length is added unless it is given."""
    lines = [json.dumps(headers).encode()]
    for header, payload in items:
        lines += [json.dumps({"length": len(payload), **header}).encode(), payload]
    return b"\n".join(lines) + b"\n"


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:4]))
