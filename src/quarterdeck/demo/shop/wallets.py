"""Which operator keeps a customer's mobile wallet: what release 1.10.0 of payments brought.

It is what the switch `bad-release` deploys. The table of operators lacks one country, for
whose customers the provider's slow directory is asked instead.
"""

import time

from quarterdeck.demo.shop.client import CallFailed
from quarterdeck.demo.shop.service import Service

# country: (dialling code, operator)
OPERATORS = {
    "CI": (225, "Lagune"),
    "BJ": (229, "Ouidah"),
    "TG": (228, "Mono"),
    "ML": (223, "Djoliba"),
    "BF": (226, "Mouhoun"),
    "NE": (227, "Aïr"),
    "GW": (245, "Geba"),
}
FORGOTTEN = ("SN", 221)
ATTEMPTS = 2
SECONDS = 2.2  # that the directory may take


async def find_operator(service: Service, provider: str, host: str, country: str) -> bool:
    """Whether the charge can go on, to the operator that was found or without needing one."""
    if provider != "sahelpay":
        return True
    with service.span("find wallet operator", customer__country=country) as span:
        if country != FORGOTTEN[0]:
            await service.pause(2)
            span.set_attribute("wallet.operator", OPERATORS.get(country, ("", "default"))[1])
            return True
        return await _ask_directory(service, host, FORGOTTEN[1])


async def _ask_directory(service: Service, host: str, code: int) -> bool:
    started = time.perf_counter()
    for attempt in range(ATTEMPTS):
        try:
            answer = await service.client.call(
                host,
                "GET",
                "/v2/wallets",
                params={"dialling_code": code},
                seconds=SECONDS,
                resend=attempt,
            )
        except CallFailed:
            answer = None
        service.telemetry.log.warning(
            "no wallet operator known for dialling code +%d, directory asked for %d ms",
            code,
            (time.perf_counter() - started) * 1000,
            extra={
                "customer.country": FORGOTTEN[0],
                "payment.provider": "sahelpay",
                "wallet.answered": answer is not None,
            },
        )
        if answer is not None and answer.ok:
            return True
    return False
