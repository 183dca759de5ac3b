"""The outermost application: one dictionary look-up between ingest and its handler.

Nothing stands in front of an ingest route: no middleware, no routing table, no
request object. Everything else goes to the framed API. On the second OTLP port the
ingest routes are all there is. A path may end in one slash, as some exporters write it.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from quarterdeck.core.web import RawHandler, RawRoute
from quarterdeck.http.errors import method_not_allowed, render, route_unknown


class Dispatch:
    """Raw routes first, then the rest."""

    def __init__(self, routes: Iterable[RawRoute], rest: ASGIApp) -> None:
        self._raw: dict[tuple[str, str], RawHandler] = {}
        self._methods: dict[str, list[str]] = {}
        for route in routes:
            for path in (route.path, f"{route.path}/"):
                self._raw[route.method, path] = route.handler
                if not route.shared:
                    self._methods.setdefault(path, []).append(route.method)
        self._rest = rest
        self.ingest_only_port: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        handler = self._raw.get((scope["method"], scope["path"]))
        if handler is not None:
            await handler(scope, receive, send)
        elif scope["path"] in self._methods:
            allowed = {"Allow": ", ".join(self._methods[scope["path"]])}
            wrong = method_not_allowed(scope["method"], scope["path"])
            await render(wrong, allowed)(scope, receive, send)
        elif self.ingest_only_port and scope["server"][1] == self.ingest_only_port:
            await render(route_unknown(scope["path"]))(scope, receive, send)
        else:
            await self._rest(scope, receive, send)
