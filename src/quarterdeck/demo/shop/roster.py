"""The services of the shop in one readable table, and how one of them is put together."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette

from quarterdeck.demo.shop import admin, catalogue, edge, orders, outside, payments, supplier, web
from quarterdeck.demo.shop.client import Client, Peer
from quarterdeck.demo.shop.service import Service
from quarterdeck.demo.shop.telemetry import Telemetry
from quarterdeck.demo.switches import Switches


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    version: str
    protocol: str  # how its telemetry leaves
    build: Callable[[Service], Starlette]
    place: str = ""  # the name of its address, when that is not its own

    @property
    def address(self) -> str:
        return self.place or self.name


ROLES: tuple[Role, ...] = (
    Role("web", "2.14.0", "http", web.build),
    Role("catalogue", "4.2.0", "http+gzip", catalogue.build),
    Role("orders", "3.8.1", "http", orders.build),
    Role("payments", "1.9.3", "grpc", payments.build),
    Role("supplier", "1.3.1", "grpc", supplier.build),
    Role("admin", "1.1.0", "http+gzip", admin.build),
)

# The release of payments that the switch `bad-release` runs beside the present one.
CANARY = Role("payments", "1.10.0", "grpc", payments.build_next, place="payments-next")
STABLE = next(role for role in ROLES if role.name == CANARY.name)

# The releases before the present ones; the history shows the changes.
BEFORE = {"web": "2.13.2", "orders": "3.8.0"}

# The process that answers for everyone outside the house.
OUTSIDE = "outside"


def peers(addresses: Mapping[str, str]) -> dict[str, Peer]:
    """Whom a service may call; everyone outside is answered for by one process."""
    ours = {role.address: Peer(role.name, addresses[role.address]) for role in (*ROLES, CANARY)}
    others = {
        # The functions are elsewhere, but ours: they are told the trace they are called in.
        host: Peer(host, addresses[OUTSIDE], ours=False, traced=host == edge.HOST)
        for host in outside.HOSTS
    }
    return {**ours, **others}


def assemble(
    role: Role,
    telemetry: Telemetry,
    addresses: Mapping[str, str],
    switches: Switches,
    directory: Path,
    seed: int,
    transport: httpx.AsyncBaseTransport | None = None,
) -> tuple[Starlette, Service]:
    """A service's application, and what it was made of."""
    service = Service(
        name=role.name,
        telemetry=telemetry,
        client=Client(telemetry, peers(addresses), transport),
        switches=switches,
        rng=random.Random(f"{seed}:{role.name}"),
        directory=directory,
        seed=seed,
        port=httpx.URL(addresses[role.address]).port or 80,
    )
    return role.build(service), service


def assemble_outside(
    switches: Switches, seed: int, sink: edge.Sink, fate: outside.Fate | None = None
) -> Starlette:
    rng = random.Random(f"{seed}:outside")
    return outside.build(rng, switches, sink, fate or outside.chance(rng))
