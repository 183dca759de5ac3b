"""The agent at work: it measures on a clock, follows files, and sends what is kept on disk.

SIGTERM or SIGINT end it: what was read is on disk, what can still be sent is sent.
"""

import fcntl
import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import IO

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from quarterdeck.agent.buffer import Buffer, FullError, Record
from quarterdeck.agent.config import Options
from quarterdeck.agent.files import Follower
from quarterdeck.agent.host import host_resource
from quarterdeck.agent.otlp import Attributes, logs_request
from quarterdeck.agent.processes import PROCESSES_EVERY_S, Processes
from quarterdeck.agent.send import Sender, Target
from quarterdeck.agent.system import System
from quarterdeck.core.errors import Unavailable
from quarterdeck.core.log import fields

_log = logging.getLogger("quarterdeck.agent")

LAST_SECONDS = 5.0


def run(options: Options) -> None:
    """Returns when it has been told to end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lock = _take(options.buffer)
    resource = host_resource(options.name, options.environment)
    metrics = Buffer(options.buffer / "metrics", options.metrics_bytes, keep="newest")
    logs = Buffer(options.buffer / "logs", options.logs_bytes, keep="all")
    target = Target(options.url, options.key, options.project)
    send_metrics = Sender(target, "/v1/metrics", metrics, ExportMetricsServiceResponse)
    send_logs = Sender(target, "/v1/logs", logs, ExportLogsServiceResponse)
    follower = Follower(options.files, resource, logs)
    parts = [send_metrics, send_logs, follower] if options.files else [send_metrics, send_logs]
    _log.info("The agent runs.", extra=fields(url=options.url, host=resource["host.name"]))
    for part in parts:
        part.start()

    system, processes = System(resource), Processes()
    looked = -PROCESSES_EVERY_S
    stop.wait(min(1.0, options.interval))  # shares of the processor need some time to be of
    while not stop.is_set():
        now = time.monotonic()
        if options.metrics:
            points = system.points()
            if now - looked >= PROCESSES_EVERY_S - 1:
                looked = now
                processes.add(points)
            try:
                metrics.append(Record(points.request.SerializeToString(), points.items))
            except FullError as error:
                _log.warning("A measurement finds no room.", extra=fields(reason=str(error)))
        if metrics.dropped and not send_metrics.trouble:
            _tell_dropped(metrics, logs, resource)
        stop.wait(max(0.1, options.interval - (time.monotonic() - now)))

    _log.info("The agent ends.")
    if options.files:
        follower.stop()
        follower.join()
    for sender in (send_metrics, send_logs):
        sender.stop(LAST_SECONDS)
    for sender in (send_metrics, send_logs):
        sender.join(LAST_SECONDS + 1)
    for buffer in (metrics, logs):
        buffer.close()
    lock.close()


def _tell_dropped(metrics: Buffer, logs: Buffer, resource: Attributes) -> None:
    """A record that says what is missing, once the server is back to read it."""
    count = metrics.dropped
    text = f"The agent's buffer was full: {count} points of this host's metrics were dropped."
    record = LogRecord(
        time_unix_nano=time.time_ns(), observed_time_unix_nano=time.time_ns(),
        severity_number=SeverityNumber.SEVERITY_NUMBER_WARN, severity_text="WARN",
    )  # fmt: skip
    record.body.string_value = text
    request = logs_request([({**resource, "service.name": "quarterdeck-agent"}, [record])])
    try:
        logs.append(Record(request.SerializeToString(), 1))
    except FullError:
        return
    metrics.told_dropped(count)


def _take(directory: Path) -> IO[str]:
    """The directory for this process alone."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (directory / "lock").open("a")
        os.chmod(directory / "lock", 0o600)
    except OSError as error:
        raise Unavailable(
            "agent_buffer_unusable",
            f"{directory} cannot be used as a buffer: {error.strerror}.",
            "Name a directory that the agent may write with --buffer.",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise Unavailable(
            "agent_buffer_taken",
            f"Another agent uses {directory}.",
            "End it, or give this one a directory of its own with --buffer.",
        ) from error
    return lock
