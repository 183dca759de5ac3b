"""Sends requests to the public addresses for telemetry, a few at once, and tries again when told to."""

import contextlib
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

from quarterdeck.demo.shop.drain import MEDIA, PATH

AT_ONCE = 3
PATIENCE = 30.0  # seconds
RETRY = frozenset({429, 502, 503, 504})


class Sender:
    """One target, and what it accepted."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers={
                "authorization": f"Bearer {key}",
            },
            timeout=30,
            trust_env=False,
        )
        self._threads = ThreadPoolExecutor(AT_ONCE)

    def send(self, requests: Iterable[tuple[str, bytes]]) -> int:
        """Send (path, body) as they are made; how many were accepted. Raises on a refusal."""
        waiting = [self._threads.submit(self._post, path, body) for path, body in requests if body]
        return sum(1 for sent in waiting if sent.result() is None)

    def _post(self, path: str, body: bytes) -> None:
        media = MEDIA if path == PATH else "application/x-protobuf"
        limit = time.monotonic() + PATIENCE
        while True:
            wait = 0.5
            try:
                answer = self._http.post(path, content=body, headers={"content-type": media})
            except httpx.TransportError:
                if time.monotonic() > limit:
                    raise
            else:
                if answer.status_code not in RETRY or time.monotonic() > limit:
                    answer.raise_for_status()
                    return
                with contextlib.suppress(ValueError):
                    wait = float(answer.headers.get("retry-after", "0.5"))
            time.sleep(min(wait, 5.0))

    def close(self) -> None:
        self._threads.shutdown()
        self._http.close()
