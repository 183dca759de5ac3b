"""One server process from its first to its last instant: settings, signals, exit code.

SIGTERM and SIGINT drain: stop accepting, finish and flush, exit 0. Under a supervisor,
repeated signals change nothing (only the supervisor kills); without one, the second
signal ends the process where it stands, which loses nothing that was acknowledged.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvloop
import yaml

from quarterdeck import supervisor
from quarterdeck.app import App
from quarterdeck.core import log
from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.core.settings import Settings, load

THREADS = 24  # queries, files and reads of the control store that wait at the same time

_log = logging.getLogger("quarterdeck.process")


def run(options: Mapping[str, Any], told: Mapping[str, Any] | None) -> int:
    """Serve until told to stop; the exit code."""
    log.configure()
    try:
        config = Path(options["config"]) if options.get("config") else None
        given = {name: value for name, value in options.items() if name != "config"}
        settings = load(given, config)
        log.configure(str(settings.log_level))
        app = App(settings, explicit=explicit_settings(given, settings, config), told=told)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(app, told))
    except QuarterdeckError as error:
        sys.stderr.write(f"error: {error.message} [{error.code}]\n{error.hint}\n")
        if error.__cause__ is not None:
            cause = f"{type(error.__cause__).__name__}: {error.__cause__}"
            sys.stderr.write(f"cause: {log.redact(cause)}\n")
        return supervisor.REFUSED


def explicit_settings(
    options: Mapping[str, Any], settings: Settings, config: Path | None
) -> frozenset[str]:
    """Names whose value somebody chose, as against the defaults."""
    chosen = {name for name, value in options.items() if value is not None}
    chosen |= {name for name in settings.values if f"QUARTERDECK_{name.upper()}" in os.environ}
    if config is not None:
        chosen |= set(yaml.safe_load(config.read_text()) or {})
    return frozenset(chosen)


async def _serve(app: App, told: Mapping[str, Any] | None) -> int:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, "work"))
    stop = asyncio.Event()

    asked_at = 0.0

    def asked() -> None:
        nonlocal asked_at
        if not stop.is_set():
            asked_at = time.monotonic()
            stop.set()
        elif told is None and time.monotonic() - asked_at > supervisor.ONE_REQUEST_SECONDS:
            os._exit(1)

    loop.add_signal_handler(signal.SIGTERM, asked)
    if told is None:
        loop.add_signal_handler(signal.SIGINT, asked)
    else:  # the terminal signals the whole group; the supervisor passes it on once
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return 0
    starting.result()
    gc.collect()
    gc.freeze()  # what was built at start lives as long as we do
    link = await app.setup_link()  # holds a token: printed here on purpose, and nowhere else
    sys.stdout.write(f"ready {app.url}\n" + (f"set up {link}\n" if link else ""))
    sys.stdout.flush()
    if told is not None:
        supervisor.tell_answering(told)
    await stopping
    _log.info("Stopping.")
    await app.stop()
    return 0
