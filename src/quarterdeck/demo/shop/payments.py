"""Payments: charges a provider outside the house, with limits, retries and back-off."""

import json
import secrets
import time
from collections.abc import Awaitable, Callable

from opentelemetry import baggage, trace
from opentelemetry.trace import Status, StatusCode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from quarterdeck.demo.shop.client import Answer, CallFailed
from quarterdeck.demo.shop.database import Database, Statement
from quarterdeck.demo.shop.outside import NORTHCARD, SAHELPAY
from quarterdeck.demo.shop.service import App, Refused, Service, closing, fields, whole
from quarterdeck.demo.shop.wallets import find_operator

INSERT_CHARGE = Statement(
    "INSERT", "charges",
    "INSERT INTO charges (id, reference, amount, provider, status, attempts, created_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)",
)  # fmt: skip
EARLIER = Statement(
    "SELECT", "charges",
    "SELECT id FROM charges WHERE reference = ? AND status = 'succeeded'",
)  # fmt: skip

ATTEMPTS = 3
SECONDS = 0.8  # that one attempt may take
BACK_OFF = 0.12  # seconds, doubled each time

PEERS = {"sahelpay": SAHELPAY, "northcard": NORTHCARD}

# Called with the service, the provider, its host and the customer's country before each charge;
# false when the charge cannot be made.
Preparation = Callable[[Service, str, str, str], Awaitable[bool]]


def build_next(service: Service) -> Starlette:
    """The release that sends a charge straight to the operator of the customer's wallet."""
    return build(service, find_operator)


def build(service: Service, prepare: Preparation | None = None) -> Starlette:
    telemetry = service.telemetry
    database = Database(service.directory / "payments.db", telemetry, threads=1)
    app = App(service)

    @app.route("POST", "/charges")
    async def charge(request: Request) -> Response:
        sent = await fields(request)
        reference, provider = str(sent.get("reference", "")), str(sent.get("provider", ""))
        amount = whole(sent.get("amount"), "amount", 1, 100_000_000)
        if provider not in PEERS:
            raise Refused(400, f"There is no provider {provider}")
        span = trace.get_current_span()
        span.set_attributes(
            {
                "payment.provider": provider,
                "payment.amount": amount,
                "payment.currency": "XOF",
                "order.number": reference,
            }
        )
        if earlier := await database.row(EARLIER, reference):
            return JSONResponse({"id": earlier["id"], "status": "succeeded"})
        with service.span("score risk", payment__amount=amount) as scoring:
            await service.pause(22)
            scoring.set_attribute("risk.score", round(service.rng.betavariate(2, 14), 3))
        country = str(baggage.get_baggage("customer.country") or "")
        ready = prepare is None or await prepare(service, provider, PEERS[provider], country)
        identity = f"ch_{secrets.token_hex(8)}"  # not from the seed: the file outlives the process
        answer, attempts = None, 1
        if ready:
            answer, attempts = await _with_retries(service, provider, reference, amount)
        span.set_attribute("payment.attempts", attempts)
        outcome = _outcome(answer)
        about = {
            "payment.provider": provider,
            "payment.amount": amount,
            "customer.country": country,
        }
        await database.run(
            INSERT_CHARGE, identity, reference, amount, provider, outcome, attempts, _now()
        )
        telemetry.measure("shop.payments", 1, payment__provider=provider, payment__outcome=outcome)
        if outcome == "succeeded":
            telemetry.log.info(
                "charged %d XOF through %s",
                amount,
                provider,
                extra={**about, "payment.id": identity, "payment.retried": attempts > 1},
            )
            return JSONResponse({"id": identity, "status": outcome}, 201)
        if outcome == "declined" and answer is not None:
            reason = str(answer.body.get("code", "declined"))
            telemetry.log.warning(
                "%s declined %d XOF: %s",
                provider,
                amount,
                reason,
                extra={**about, "payment.decline_code": reason},
            )
            raise Refused(402, f"The payment was declined: {reason}")
        telemetry.log.error(
            "charge of %d XOF through %s failed after %d attempts",
            amount,
            provider,
            attempts,
            extra={**about, "payment.attempts": attempts, "order.number": reference},
        )
        span.set_status(Status(StatusCode.ERROR, f"{provider} is not available"))
        raise Refused(503, f"{provider} is not available")

    return app.asgi(closing(database))


async def _with_retries(
    service: Service, provider: str, reference: str, amount: int
) -> tuple[Answer | None, int]:
    """The provider's last answer, None when there was none, and how often it was asked."""
    span = trace.get_current_span()
    answer: Answer | None = None
    for attempt in range(ATTEMPTS):
        problem = ""
        try:
            answer = await service.client.call(
                PEERS[provider],
                "POST",
                "/v2/charges",
                json={"reference": reference, "amount": amount, "currency": "XOF"},
                seconds=SECONDS,
                resend=attempt,
                extra={
                    "payment.provider": provider,
                    "payment.amount": amount,
                    "payment.currency": "XOF",
                },
            )
            service.telemetry.log.debug(
                json.dumps(
                    {
                        "event": "charge.answered",
                        "provider": provider,
                        "status": answer.status,
                        "answer": answer.body,
                        "reference": reference,
                        "amount": {"value": amount, "currency": "XOF"},
                    }
                )
            )
            if answer.status < 500:
                return answer, attempt + 1
            problem = f"answered {answer.status}"
        except CallFailed:
            answer = None
            problem = "did not answer in time"
        if attempt + 1 < ATTEMPTS:
            wait = BACK_OFF * 2**attempt * service.rng.uniform(0.7, 1.3)
            span.add_event(
                "payment.retry",
                {
                    "retry.attempt": attempt + 1,
                    "retry.wait": round(wait, 3),
                    "retry.reason": problem,
                },
            )
            service.telemetry.log.warning(
                "%s %s, retry in %d ms",
                provider,
                problem,
                wait * 1000,
                extra={"payment.provider": provider, "retry.attempt": attempt + 1},
            )
            await service.pause(wait * 1000, spread=0)
    return answer, ATTEMPTS


def _outcome(answer: Answer | None) -> str:
    if answer is None or answer.status >= 500:
        return "failed"
    return "succeeded" if answer.ok else "declined"


def _now() -> int:
    return time.time_ns() // 1_000_000
