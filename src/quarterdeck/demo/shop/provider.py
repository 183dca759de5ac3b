"""The payment providers outside the house: one mock that answers for both, and tells nobody how it is.

It carries no instrumentation: the shop sees it through its own client spans, as one
sees any third party.
"""

import asyncio
import random
import secrets

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from quarterdeck.demo.switches import Switches

DECLINES = ("insufficient_funds", "limit_exceeded", "suspected_fraud")
DECLINED = 0.035
HICCUPS = 0.008


def build(rng: random.Random, switches: Switches) -> Starlette:
    async def charge(request: Request) -> Response:
        sahelpay = request.headers.get("host", "").startswith("api.sahelpay")
        if sahelpay and switches.on("payment-outage") and rng.random() < 0.93:
            if rng.random() < 0.2:
                await asyncio.sleep(6)
            await asyncio.sleep(min(rng.lognormvariate(-1.9, 0.5), 0.7))
            return JSONResponse({"code": "upstream_unavailable"}, 503)
        await asyncio.sleep(min(rng.lognormvariate(-1.6 if sahelpay else -1.35, 0.35), 0.7))
        if rng.random() < HICCUPS:
            return JSONResponse({"code": "internal"}, 502)
        if rng.random() < DECLINED:
            return JSONResponse({"code": rng.choice(DECLINES)}, 402)
        return JSONResponse({"id": f"pp_{secrets.token_hex(6)}", "status": "succeeded"}, 201)

    async def wallets(_: Request) -> Response:
        """The directory of wallets, which was never meant to be asked for each charge."""
        if rng.random() < 0.6:
            await asyncio.sleep(6)
        await asyncio.sleep(rng.uniform(0.9, 1.7))
        return JSONResponse({"operator": "Teranga"})

    return Starlette(
        routes=[
            Route("/v2/charges", charge, methods=["POST"]),
            Route("/v2/wallets", wallets, methods=["GET"]),
        ]
    )
