"""The live visitors: they follow the plans over real HTTP, and survive whatever the shop answers."""

import asyncio
import contextlib
import logging
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from quarterdeck.demo.shop import goods
from quarterdeck.demo.switches import Switches
from quarterdeck.demo.traffic.personas import STAFF, Plan, Planner, Step
from quarterdeck.demo.traffic.rhythm import sessions_per_second

SPIKE = 4.0
MOST = 400  # sessions at once, however slow the shop becomes
STAFF_EVERY = 45.0  # seconds between two sittings of an admin
SUPPLIER_EVERY = 6.0  # seconds between two looks of the suppliers

_NUMBER = re.compile(r"SH-[0-9A-F]{10}")


def run(addresses: Mapping[str, str], switches: Switches, seed: int) -> None:
    """Send visitors until the process is told to end."""
    with contextlib.suppress(SystemExit, KeyboardInterrupt):
        asyncio.run(_all(addresses, switches, seed))


async def _all(addresses: Mapping[str, str], switches: Switches, seed: int) -> None:
    limits = httpx.Limits(max_connections=100, keepalive_expiry=30)
    async with httpx.AsyncClient(timeout=20, limits=limits, trust_env=False) as http:
        shop = Shop(http, addresses)
        rng = random.Random(f"{seed}:{time.time_ns()}")
        planner = Planner(rng, goods.products(seed), goods.customers(seed))
        await asyncio.gather(
            customers(shop, planner, rng, switches, seed),
            staff(shop, planner, rng),
            suppliers(shop, rng),
        )


@dataclass(frozen=True, slots=True)
class Shop:
    """The shop as its visitors reach it."""

    http: httpx.AsyncClient
    addresses: Mapping[str, str]

    async def send(
        self, service: str, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> httpx.Response | None:
        """The answer; None when the shop is away, which a visitor shrugs off."""
        try:
            return await self.http.request(
                method,
                f"{self.addresses[service]}{path}",
                headers={"host": f"{service}.marigot.example", **headers},
                json=body,
                follow_redirects=False,
            )
        except httpx.HTTPError:
            return None


class Visitor:
    """One customer's session: cookies, and the order they placed."""

    def __init__(self, shop: Shop, plan: Plan) -> None:
        self._shop = shop
        self.plan = plan
        self._cookies: dict[str, str] = {}
        self.order = ""

    async def act(self, step: Step) -> httpx.Response | None:
        """Do one step; None when it makes no sense any more (no order to track)."""
        plan = self.plan
        match step.action:
            case "home":
                return await self._send("GET", "/")
            case "category":
                return await self._send("GET", f"/c/{step.category}")
            case "product" | "missing":
                return await self._send("GET", f"/p/{step.sku}")
            case "search" | "search_odd":
                return await self._send("GET", f"/search?{httpx.QueryParams(q=step.text)}")
            case "add":
                body = {"sku": step.sku, "quantity": step.quantity}
                return await self._send("POST", "/cart/items", body)
            case "cart":
                return await self._send("GET", "/cart")
            case "login":
                return await self._send("POST", "/login", {"customer": plan.customer.id})
            case "checkout":
                body = {"city": plan.customer.city, "provider": plan.provider}
                answer = await self._send("POST", "/checkout", body)
                if answer is not None and answer.status_code < 400:
                    said = answer.headers.get("location", "") or answer.text
                    found = _NUMBER.search(said)
                    self.order = found.group() if found else ""
                return answer
            case "track" if self.order:
                return await self._send("GET", f"/orders/{self.order}")
        return None

    async def _send(self, method: str, path: str, body: Any = None) -> httpx.Response | None:
        headers = {
            "user-agent": self.plan.user_agent,
            "accept": "text/html" if self.plan.html else "application/json",
            "x-forwarded-for": self.plan.address,
        }
        if self._cookies:
            headers["cookie"] = "; ".join(
                f"{name}={value}" for name, value in self._cookies.items()
            )
        answer = await self._shop.send("web", method, path, headers, body)
        if answer is not None:
            # Kept by hand: the visitors share one pool of connections, not one jar.
            self._cookies.update({c.name: c.value or "" for c in answer.cookies.jar})
            self._shop.http.cookies.clear()
        return answer


async def follow(shop: Shop, plan: Plan) -> None:
    """A whole session. A visitor who meets two faults in a row leaves."""
    visitor = Visitor(shop, plan)
    faults = 0
    for step in plan.steps:
        await asyncio.sleep(step.wait)
        answer = await visitor.act(step)
        faults = faults + 1 if answer is not None and answer.status_code >= 500 else 0
        if faults == 2:
            return


async def customers(
    shop: Shop, planner: Planner, rng: random.Random, switches: Switches, seed: int
) -> None:
    """Arrivals as they come: a Poisson process whose rate follows the rhythm."""
    open_sessions: set[asyncio.Task[None]] = set()

    def begin(plan: Plan) -> None:
        if len(open_sessions) < MOST:
            task = asyncio.create_task(follow(shop, plan))
            open_sessions.add(task)
            task.add_done_callback(open_sessions.discard)

    # The street is not empty when the demo starts: some are in the middle of their visit.
    for _ in range(round(sessions_per_second(time.time(), seed) * 35)):
        plan = planner.visit("window-shopper")
        del plan.steps[: rng.randrange(len(plan.steps))]
        begin(plan)
    while True:
        rate = sessions_per_second(time.time(), seed)
        if switches.on("traffic-spike"):
            rate *= SPIKE
        # Short steps, so that a switch is felt at once.
        wait = rng.expovariate(rate)
        if wait > 2.0:
            await asyncio.sleep(2.0)
            continue
        await asyncio.sleep(wait)
        begin(planner.visit())


async def staff(shop: Shop, planner: Planner, rng: random.Random) -> None:
    """The shop's people, now and then."""
    while True:
        await asyncio.sleep(rng.expovariate(1 / STAFF_EVERY))
        for step in planner.staff():
            await asyncio.sleep(step.wait)
            await act_as_staff(shop, step.action, f"u_{rng.randint(1, 400):04}")


async def act_as_staff(
    shop: Shop, action: str, customer: str, address: str = "10.20.0.7"
) -> httpx.Response | None:
    headers = {"user-agent": STAFF, "cookie": "uid=staff_awa", "x-forwarded-for": address}
    method, path, body = {
        "admin_users": ("GET", "/admin/users?page=1", None),
        "admin_user": ("GET", f"/admin/users/{customer}", None),
        "admin_analytics": ("GET", "/admin/analytics?days=7", None),
        "admin_settings": ("GET", "/admin/settings", None),
        "admin_change": ("POST", "/admin/settings/offer_banner", {"value": "Harvest week"}),
    }[action]
    return await shop.send("admin", method, path, headers, body)


async def suppliers(shop: Shop, rng: random.Random) -> None:
    """The suppliers' people: they look at the offers, accept, and deliver later."""
    while True:
        await asyncio.sleep(SUPPLIER_EVERY * rng.uniform(0.5, 1.5))
        for offer in await offers_in(shop, "open"):
            await asyncio.sleep(rng.uniform(0.2, 1.5))
            await act_as_supplier(shop, "accept", offer)
        if rng.random() < 0.5:
            for offer in await offers_in(shop, "accepted"):
                await asyncio.sleep(rng.uniform(0.2, 1.5))
                await act_as_supplier(shop, "deliver", offer)


async def act_as_supplier(
    shop: Shop, action: str, offer: int = 0, state: str = "open", address: str = "10.20.0.9"
) -> httpx.Response | None:
    """One request of a supplier's person: `offers`, `accept` or `deliver`."""
    headers = {"user-agent": STAFF, "cookie": "uid=supplier_kora", "x-forwarded-for": address}
    if action == "offers":
        return await shop.send("supplier", "GET", f"/offers?state={state}", headers)
    return await shop.send("supplier", "POST", f"/offers/{offer}/{action}", headers)


async def offers_in(shop: Shop, state: str, address: str = "10.20.0.9") -> list[int]:
    """The ids of the offers in a state."""
    answer = await act_as_supplier(shop, "offers", state=state, address=address)
    if answer is None or answer.status_code != 200:
        return []
    try:
        return [int(offer["id"]) for offer in answer.json()["offers"]]
    except (ValueError, KeyError, TypeError):
        logging.warning("the supplier's answer cannot be read")
        return []
