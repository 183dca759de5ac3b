"""Runs the shop: one parent that loads the code once and forks a process for each service.

The parent binds the ports before it forks, so that a service which crashed comes back
at the same address, and that a release which is switched on answers at once. It keeps a single thread and no telemetry of its own. Its
instructions are one line of JSON on stdin; it answers with one line, the addresses.
"""

import asyncio
import contextlib
import gc
import json
import logging
import math
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from quarterdeck.demo.processes import die_with_parent
from quarterdeck.demo.shop import edge, runtime, schema
from quarterdeck.demo.shop.drain import Drain
from quarterdeck.demo.shop.roster import CANARY, OUTSIDE, ROLES, Role, assemble, assemble_outside
from quarterdeck.demo.shop.telemetry import Export, live, resource
from quarterdeck.demo.switches import Switches
from quarterdeck.demo.traffic import visitors

GRACE = 3.0  # seconds that a service may take to end
LINGER = 1.5  # seconds that one answers on after its switch is off, for callers who do not know yet


@dataclass(frozen=True, slots=True)
class Orders:
    """What the launcher asks for."""

    directory: Path
    switches: Path
    seed: int
    export: Export
    traffic: bool = True

    @staticmethod
    def parse(line: str) -> "Orders":
        found: dict[str, Any] = json.loads(line)
        return Orders(
            directory=Path(found["directory"]),
            switches=Path(found["switches"]),
            seed=int(found["seed"]),
            export=Export(**found["export"]),
            traffic=bool(found.get("traffic", True)),
        )


def main() -> None:
    die_with_parent()
    given = Orders.parse(sys.stdin.readline())
    # Known exporters' complaints about a server that is away are not worth a log of their own.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    schema.prepare(given.directory, given.seed)
    names = [role.address for role in (*ROLES, CANARY)] + [OUTSIDE]
    sockets = {name: _listen() for name in names}
    addresses = {
        name: f"http://127.0.0.1:{bound.getsockname()[1]}" for name, bound in sockets.items()
    }
    jobs = {role.name: Job(_service(role, given, addresses, sockets)) for role in ROLES}
    jobs[CANARY.address] = Job(_service(CANARY, given, addresses, sockets), "bad-release")
    jobs[OUTSIDE] = Job(_outside(given, sockets))
    if given.traffic:
        jobs["traffic"] = Job(lambda: visitors.run(addresses, Switches(given.switches), given.seed))
    sys.stdout.write(json.dumps(addresses) + "\n")
    sys.stdout.flush()
    gc.freeze()  # what is loaded stays shared between the processes
    _supervise(jobs, Switches(given.switches))


@dataclass(frozen=True, slots=True)
class Job:
    run: Callable[[], None]
    switch: str = ""  # that it waits for; without one it always runs


def _listen() -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    bound.listen(128)
    return bound


def _service(
    role: Role, given: Orders, addresses: dict[str, str], sockets: dict[str, socket.socket]
) -> Callable[[], None]:
    def job() -> None:
        about = resource(role.name, role.version, f"{role.name}-{os.getpid()}")
        telemetry = live(about, given.export, role.protocol)
        runtime.watch(telemetry)
        app, _ = assemble(
            role, telemetry, addresses, Switches(given.switches), given.directory, given.seed
        )
        telemetry.log.info(
            "%s %s started", role.name, role.version, extra={"process.pid": os.getpid()}
        )
        serve(app, sockets[role.address], runtime.lag(telemetry))
        telemetry.close()

    return job


def _outside(given: Orders, sockets: dict[str, socket.socket]) -> Callable[[], None]:
    def job() -> None:
        drain = Drain(given.export)
        app = assemble_outside(Switches(given.switches), given.seed, drain.take)

        @contextlib.asynccontextmanager
        async def beside() -> AsyncIterator[None]:
            async with drain.running(), edge.clock(random.Random(given.seed), drain.take):
                yield

        serve(app, sockets[OUTSIDE], beside())

    return job


def serve(
    app: Starlette, bound: socket.socket, beside: AbstractAsyncContextManager[None] | None = None
) -> None:
    """Answer on the socket until SIGTERM, within `beside`."""
    config = uvicorn.Config(
        app, loop="asyncio", http="httptools", lifespan="on", log_config=None, access_log=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)

    async def answer() -> None:
        async with beside or contextlib.nullcontext():
            await server.serve(sockets=[bound])

    # The server passes the signal on once it has ended in order; what follows must still run.
    with contextlib.suppress(SystemExit):
        asyncio.run(answer())


def _supervise(jobs: dict[str, Job], switches: Switches) -> None:
    """Keep every job that is wanted running, each in a process of its own, until told to end."""
    running: dict[str, int] = {}
    started: dict[str, float] = {}
    wanted: dict[str, float] = {}
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while not ending:
        for name, job in jobs.items():
            now = time.monotonic()
            if not job.switch or switches.on(job.switch):
                wanted[name] = now
                if name not in running:
                    running[name], started[name] = _fork(name, job.run), now
            elif name in running and now - wanted[name] > LINGER:
                wanted[name] = math.inf  # told once
                os.kill(running[name], signal.SIGTERM)
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            time.sleep(0.25)
            continue
        name = next(name for name, known in running.items() if known == pid)
        del running[name]
        logging.warning("%s ended with %d", name, status)
        # One that fails at once must not take the processor from the others.
        if time.monotonic() - started[name] < 5:
            time.sleep(1)
    _end(set(running.values()))


def _fork(name: str, job: Callable[[], None]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        die_with_parent()
        job()
        code = 0
    except BaseException:
        logging.exception("%s failed", name)
    finally:
        # Never back into the parent's code, whatever happened.
        os._exit(code)


def _stop(*_: object) -> None:
    raise SystemExit(0)


def _end(children: set[int]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + GRACE
    while children and time.monotonic() < limit:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        children.discard(pid)
        if pid == 0:
            time.sleep(0.05)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
