"""The switches that break the shop, and the file through which its processes learn them.

The launcher writes the file, whole and atomically; every other process reads it again
when it changed, at most twice a second. A missing or torn file means all is well.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READ_EVERY = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Switch:
    name: str
    title: str
    description: str


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "checkout-errors",
        "Checkout errors",
        "A new shipping tariff lacks the coastal zone: checkouts to coastal cities raise KeyError.",
    ),
    Switch(
        "slow-queries",
        "Slow queries",
        "The kitchen category is sorted by a query that cannot use its index.",
    ),
    Switch(
        "payment-outage",
        "Payment outage",
        "The provider sahelpay answers 503 or not at all; payments are retried, then fail.",
    ),
    Switch(
        "bad-release",
        "Bad release",
        "payments 1.10.0 takes two thirds of the charges and does not know the wallets of one country.",
    ),
    Switch(
        "memory-leak",
        "Memory leak",
        "The supplier service keeps every document it has drawn, up to 160 MB.",
    ),
    Switch(
        "supplier-delay",
        "Supplier delay",
        "Fulfilment slows down and the queue of paid orders grows.",
    ),
    Switch(
        "traffic-spike",
        "Traffic spike",
        "Four times as many visitors arrive.",
    ),
)

NAMES = frozenset(switch.name for switch in SWITCHES)


class Switches:
    """What is switched on, as one process sees it. Without a file it is set by hand."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._since: dict[str, int] = {}
        self._checked = 0.0
        self._stamp = 0

    def on(self, name: str) -> bool:
        self._refresh()
        return name in self._since

    def set(self, name: str, on: bool, now_ms: int) -> None:
        """Turn a switch, and tell the other processes."""
        self._refresh()
        if on:
            self._since.setdefault(name, now_ms)
        else:
            self._since.pop(name, None)
        if self._path is not None:
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps(self._since))
            os.replace(draft, self._path)

    def view(self) -> list[dict[str, Any]]:
        """Every switch with its state, as the control address answers it."""
        self._refresh()
        return [
            {
                "name": switch.name,
                "title": switch.title,
                "description": switch.description,
                "on": switch.name in self._since,
                "since": self._since.get(switch.name),
            }
            for switch in SWITCHES
        ]

    def _refresh(self) -> None:
        if self._path is None or time.monotonic() - self._checked < READ_EVERY:
            return
        self._checked = time.monotonic()
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp != self._stamp:
                found = json.loads(self._path.read_text())
                self._since = {name: int(since) for name, since in found.items() if name in NAMES}
                self._stamp = stamp
        except FileNotFoundError:
            self._since = {}
        except (OSError, ValueError, AttributeError, TypeError):
            return  # torn or foreign: keep what is known
