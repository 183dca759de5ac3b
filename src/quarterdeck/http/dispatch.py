"""The outermost application: one dictionary look-up between ingest and its handler.

Nothing stands in front of an ingest route: no middleware, no routing table, no
request object. Everything else goes to the framed API. On the second OTLP port the
ingest routes are all there is. A path may end in one slash, as some exporters write it.

A path may have parameters; such routes are looked for after those that match to the letter,
in their order. `{name}` is one segment, or at the end all that is left; `{name:int}` is a number.
"""

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from quarterdeck.core.web import RawHandler, RawRoute
from quarterdeck.http.errors import method_not_allowed, render, route_unknown


class Dispatch:
    """Raw routes first, then the rest."""

    def __init__(self, routes: Iterable[RawRoute], rest: ASGIApp) -> None:
        self._raw: dict[tuple[str, str], RawHandler] = {}
        self._methods: dict[str, list[str]] = {}
        self._patterns: list[tuple[re.Pattern[str], RawRoute]] = []
        for route in routes:
            if "{" in route.path:
                self._patterns.append((_pattern(route.path), route))
                continue
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
            return
        handler, methods = self._by_pattern(scope)
        if handler is not None:
            await handler(scope, receive, send)
        elif allowed := self._methods.get(scope["path"], methods):
            wrong = method_not_allowed(scope["method"], scope["path"])
            await render(wrong, scope["path"], {"Allow": ", ".join(allowed)})(scope, receive, send)
        elif self.ingest_only_port and scope["server"][1] == self.ingest_only_port:
            await render(route_unknown(scope["path"]), scope["path"])(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    def _by_pattern(self, scope: Scope) -> tuple[RawHandler | None, list[str]]:
        """The handler of a path with parameters; without one, the methods that have one."""
        methods: list[str] = []
        for pattern, route in self._patterns:
            if (match := pattern.fullmatch(scope["path"])) is None:
                continue
            if route.method == scope["method"]:
                scope["path_params"] = match.groupdict()
                return route.handler, []
            methods.append(route.method)
        return None, methods


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:int)?\}", path)
    found = re.escape(parts[0])
    for name, number, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        shape = "[0-9]{1,18}" if number else "[^/]+" if text else ".+?"
        found += f"(?P<{name}>{shape})" + re.escape(text)
    return re.compile(found + "/?", re.DOTALL)
