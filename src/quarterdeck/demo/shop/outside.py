"""The world outside the house, told apart by host name: payment providers, a carrier, mail, edge functions.

None of them carries instrumentation: the shop sees them through its own client spans, as
one sees any third party; of the functions it is also sent the log.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Host, Route, Router

from quarterdeck.demo.shop import edge
from quarterdeck.demo.switches import Switches

SAHELPAY, NORTHCARD = "api.sahelpay.example", "api.northcard.example"
CARRIER = "rates.colisway.example"
MAIL = "api.lettermail.example"
HOSTS = (SAHELPAY, NORTHCARD, CARRIER, MAIL, edge.HOST)

DECLINES = ("insufficient_funds", "limit_exceeded", "suspected_fraud")
DECLINED = 0.035
HICCUP = "hiccup"
HICCUPS = 0.008
MAIL_LIMIT = 0.01  # of the mails are sent too fast for the mail service's taste

Fate = Callable[[str], str]  # a provider → HICCUP, why it declines, or empty when all is well


def chance(rng: random.Random) -> Fate:
    def fate(_: str) -> str:
        drawn = rng.random()
        if drawn < HICCUPS:
            return HICCUP
        return rng.choice(DECLINES) if drawn < HICCUPS + DECLINED else ""

    return fate


def build(rng: random.Random, switches: Switches, sink: edge.Sink, fate: Fate) -> Starlette:
    providers = Router([
        Route("/v2/charges", _charges(rng, switches, fate), methods=["POST"]),
        Route("/v2/wallets", _wallets(rng), methods=["GET"]),
    ])  # fmt: skip
    carrier = Router([Route("/v1/rates", _rates(rng), methods=["GET"])])
    mail = Router([Route("/v3/messages", _messages(rng), methods=["POST"])])
    return Starlette(
        routes=[
            Host(SAHELPAY, providers),
            Host(NORTHCARD, providers),
            Host(CARRIER, carrier),
            Host(MAIL, mail),
            Host(edge.HOST, edge.build(rng, sink)),
        ]
    )


Answering = Callable[[Request], Awaitable[Response]]


def _charges(rng: random.Random, switches: Switches, fate: Fate) -> Answering:
    async def charge(request: Request) -> Response:
        host = request.headers.get("host", "")
        sahelpay = host == SAHELPAY
        if sahelpay and switches.on("payment-outage") and rng.random() < 0.93:
            if rng.random() < 0.2:
                await asyncio.sleep(6)
            await asyncio.sleep(min(rng.lognormvariate(-1.9, 0.5), 0.7))
            return JSONResponse({"code": "upstream_unavailable"}, 503)
        await asyncio.sleep(min(rng.lognormvariate(-1.6 if sahelpay else -1.35, 0.35), 0.7))
        fated = fate(host)
        if fated:
            status, code = (502, "internal") if fated == HICCUP else (402, fated)
            return JSONResponse({"code": code}, status)
        return JSONResponse({"id": f"pp_{secrets.token_hex(6)}", "status": "succeeded"}, 201)

    return charge


def _wallets(rng: random.Random) -> Answering:
    async def wallets(_: Request) -> Response:
        """The directory of wallets, which was never meant to be asked for each charge."""
        if rng.random() < 0.6:
            await asyncio.sleep(6)
        await asyncio.sleep(rng.uniform(0.9, 1.7))
        return JSONResponse({"operator": "Teranga"})

    return wallets


def _rates(rng: random.Random) -> Answering:
    async def rates(_: Request) -> Response:
        await asyncio.sleep(min(rng.lognormvariate(-3.0, 0.4), 0.7))
        return JSONResponse(
            {"fuel_surcharge": round(rng.uniform(0.02, 0.05), 3), "days": rng.randint(1, 6)}
        )

    return rates


def _messages(rng: random.Random) -> Answering:
    async def messages(_: Request) -> Response:
        await asyncio.sleep(min(rng.lognormvariate(-2.4, 0.4), 0.9))
        if rng.random() < MAIL_LIMIT:
            return JSONResponse({"code": "too_many_requests"}, 429, {"retry-after": "2"})
        return JSONResponse({"id": f"<{secrets.token_hex(8)}@lettermail.example>"}, 202)

    return messages
