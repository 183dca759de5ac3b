"""What tests of any floor stand on: settings of their own, standing people, a client in process.

It ships with the package, so that extensions test themselves the same way.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from quarterdeck.core.clock import ManualClock
from quarterdeck.core.permissions import Principal, Role
from quarterdeck.core.settings import Settings, load

__all__ = ["MEMBER", "OUTSIDER", "OWNER", "ManualClock", "client", "settings_for"]

OWNER = Principal("user", "usr_owner", "Olivia Owner", Role.ADMIN, None)
"""May do everything."""

MEMBER = Principal("user", "usr_member", "Milo Member", Role.RESPONDER, None)
"""Sees everything, responds, administers nothing."""

OUTSIDER = Principal("key", "key_outsider", "outsider", Role.VIEWER, frozenset({999}))
"""Holds a valid key, to another project."""


def settings_for(data: Path, **values: Any) -> Settings:
    """Settings in a directory of the test's own, whatever the environment says."""
    return load({"data": str(data), **values}, environ={})


@asynccontextmanager
async def client(app: Any, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that calls the application in this process."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://deck.test", headers=headers
    ) as opened:
        yield opened
