"""Takes requests from a buffer to the server, in order, until it has them.

What the server cannot take now (no answer, 408, 429, 5xx) is sent again after a pause that
doubles, with jitter, or that `Retry-After` names. A key that is refused or an address that is
not a server's says nothing about the data, so that is waited out too. Everything else the
server refuses would be refused again: when several records went together they are sent one by
one, and the one at fault is dropped with the server's reason.
"""

import http.client
import logging
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, Any

import zstandard
from google.protobuf.message import DecodeError

from quarterdeck import __version__
from quarterdeck.agent.buffer import Batch, Buffer
from quarterdeck.core.log import fields

_log = logging.getLogger("quarterdeck.agent")

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
_MOST_ASKED = 600.0  # of a pause that the server names
_SECONDS = 30.0
_PROTOBUF = "application/x-protobuf"
_NOT_THE_DATA = {0, 401, 403, 404, 405, 407}
_LATER = {408, 425, 429}
_TOGETHER = 200  # records in one request


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, and as whom."""

    url: str
    key: str
    project: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """`status` 0 stands for no answer."""

    status: int
    reason: str
    retry_after: float = 0.0


class Sender(threading.Thread):
    """Sends what a buffer holds, until told to stop."""

    def __init__(self, target: Target, path: str, buffer: Buffer, response: type[Any]) -> None:
        super().__init__(name=f"send {path}", daemon=True)
        self._target = target
        self._path = path
        self._buffer = buffer
        self._response = response
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._pack = zstandard.ZstdCompressor(level=3)
        self._ending = threading.Event()
        self._last_chance = 0.0
        self._together = _TOGETHER
        self.trouble = ""

    def stop(self, seconds: float) -> None:
        """Send what there is within the time, without pauses, and end; the rest stays on disk."""
        self._last_chance = time.monotonic() + seconds
        self._ending.set()

    def run(self) -> None:
        pause = SHORTEST_PAUSE
        while True:
            batch = self._next()
            if batch is None:
                return
            answer = self._post(batch.payload)
            if self._settle(batch, answer):
                pause = SHORTEST_PAUSE
                continue
            asked = min(answer.retry_after, _MOST_ASKED)
            if self._ending.wait(max(asked, pause * random.uniform(0.5, 1.0))):
                if self._last_chance < time.monotonic() or not answer.status:
                    return
                time.sleep(0.2)
            pause = min(LONGEST_PAUSE, pause * 2)

    def _next(self) -> Batch | None:
        """The next batch; None when it is time to end."""
        while True:
            batch = self._buffer.oldest(self._together)
            if self._ending.is_set() and (batch is None or time.monotonic() > self._last_chance):
                return None
            if batch is not None:
                return batch
            self._buffer.wait(0.5)

    def _settle(self, batch: Batch, answer: _Answer) -> bool:
        """Whether to go on with the next batch; else this one is sent again after a pause."""
        if answer.status == 200:
            if answer.reason:
                _log.warning(
                    "The server refused a part.",
                    extra=fields(path=self._path, reason=answer.reason),
                )
            if self.trouble:
                _log.info("The server takes data again.", extra=fields(path=self._path))
            self.trouble = ""
            self._together = min(self._together * 2, _TOGETHER)
            self._buffer.sent(batch)
            return True
        if not 400 <= answer.status < 500 or answer.status in _LATER | _NOT_THE_DATA:
            self._tell(answer)
            return False
        if batch.records > 1:
            self._together = 1
            return True
        _log.error(
            "The server refused data, which is dropped.",
            extra=fields(
                path=self._path, items=batch.items, status=answer.status, reason=answer.reason
            ),
        )
        self._buffer.sent(batch)
        return True

    def _tell(self, answer: _Answer) -> None:
        """Trouble is told once, and again when it is another one."""
        trouble = f"{answer.status} {answer.reason}"
        if trouble != self.trouble:
            level = logging.ERROR if answer.status in _NOT_THE_DATA else logging.WARNING
            _log.log(
                level,
                "The server does not take data; it is kept and sent again.",
                extra=fields(
                    path=self._path,
                    url=self._target.url,
                    status=answer.status,
                    reason=answer.reason,
                ),
            )
        self.trouble = trouble

    def _post(self, payload: bytes) -> _Answer:
        headers = {
            "Authorization": f"Bearer {self._target.key}",
            "Content-Type": _PROTOBUF,
            "Content-Encoding": "zstd",
            "User-Agent": f"quarterdeck-agent/{__version__}",
        }
        if self._target.project:
            headers["X-Quarterdeck-Project"] = self._target.project
        request = urllib.request.Request(  # noqa: S310 (http or https: config.py)
            self._target.url.rstrip("/") + self._path,
            self._pack.compress(payload),
            headers,
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                if answer.headers.get_content_type() != _PROTOBUF:
                    return _Answer(0, "Something answers there that is no server of ours.")
                return _Answer(answer.status, self._refused(answer.read(65_536)))
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(error.code, _reason(error), _retry_after(error))
        except (OSError, http.client.HTTPException) as error:
            return _Answer(0, str(getattr(error, "reason", error)) or type(error).__name__)

    def _refused(self, body: bytes) -> str:
        """What a partial success says; empty when all was kept."""
        try:
            return str(self._response.FromString(body).partial_success.error_message)
        except DecodeError:
            return ""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A POST that is sent elsewhere would arrive as a GET."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


def _reason(error: urllib.error.HTTPError) -> str:
    """The message of a google.rpc.Status, or whatever text there is."""
    body = error.read(4_096)
    if body[:1] == b"\x08" and body[2:3] == b"\x12":  # a code below 128, then the message
        length = next((i for i in range(3, len(body)) if body[i] < 0x80), 3)
        body = body[length + 1 :]
    text = body.decode(errors="replace")
    shown = "".join(c if c.isprintable() else " " for c in text).strip()[:300]
    return shown or str(error.reason)


def _retry_after(error: urllib.error.HTTPError) -> float:
    try:
        return max(0.0, float(error.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0
