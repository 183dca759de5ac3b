"""The platform's log drain: every few seconds it hands on what was logged, as lines of JSON.

What cannot be handed on is dropped, as drains do.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from quarterdeck.demo.shop.edge import Line
from quarterdeck.demo.shop.telemetry import Export

EVERY = 10.0  # seconds
MOST = 10_000  # lines that wait

PATH = "/api/logs"
MEDIA = "application/x-ndjson"


class Drain:
    def __init__(self, export: Export) -> None:
        self._export = export
        self._lines: list[Line] = []

    def take(self, line: Line) -> None:
        if len(self._lines) < MOST:
            self._lines.append(line)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hand on while within, and what is left at the end."""
        key = {"authorization": f"Bearer {self._export.key}", "content-type": MEDIA}
        async with httpx.AsyncClient(headers=key, timeout=5, trust_env=False) as http:

            async def hand_on() -> None:
                if self._lines:
                    lines, self._lines = self._lines, []
                    with suppress(httpx.HTTPError):
                        await http.post(f"{self._export.http}{PATH}", content=ndjson(lines))

            async def repeat() -> None:
                while True:
                    await asyncio.sleep(EVERY)
                    await hand_on()

            repeating = asyncio.create_task(repeat())
            try:
                yield
            finally:
                repeating.cancel()
                await asyncio.gather(repeating, return_exceptions=True)
                await hand_on()


def ndjson(lines: list[Line]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
