"""How a route is declared, once, with its permission.

    router = Router("/api/keys", tag="keys")

    @router.get("", permission=Permission.ADMIN)
    async def list_keys(scope: ScopeDep) -> list[KeyView]: ...

A route without a permission cannot be declared; the permission is checked before
the handler runs and stands in OpenAPI as `x-permission`, where a test walks it.
Domains build their router in a function that takes what it needs, so that nothing
is global. Ingest routes, which must not pay for models and middleware, are
`RawRoute`s: plain ASGI handlers that carry the same declaration.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import APIRouter, Depends, Request
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from quarterdeck.core.errors import Forbidden, Unauthenticated
from quarterdeck.core.permissions import Permission, Principal, ProjectRef

F = TypeVar("F", bound=Callable[..., Any])


class Gate(Protocol):
    """What the HTTP side needs from accounts; set as `app.state.gate` by the composition."""

    async def authenticate(self, request: Request) -> Principal:
        """The principal of a request: key, session cookie (CSRF checked) or anonymous."""
        ...

    async def project(self, principal: Principal, slug: str | None) -> ProjectRef:
        """The project asked for, or the principal's own; NotFound when it is not theirs to see."""
        ...


Record = Callable[[Principal, str, str], Awaitable[None]]
"""Puts (who, action, target) on the audit trail: for routes that change nothing in the control
store. They await it before they begin, so that nothing happens without an entry."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A request's principal and the project it works in."""

    principal: Principal
    project: ProjectRef


async def principal_of(request: Request) -> Principal:
    """Authenticate once per request and remember it."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        gate: Gate = request.app.state.gate
        known = await gate.authenticate(request)
        request.state.principal = known
    return known


async def scope_of(request: Request) -> Scope:
    """Header `X-Quarterdeck-Project` or query `project` picks the project."""
    principal = await principal_of(request)
    gate: Gate = request.app.state.gate
    slug = request.query_params.get("project") or request.headers.get("x-quarterdeck-project")
    return Scope(principal, await gate.project(principal, slug))


PrincipalDep = Annotated[Principal, Depends(principal_of)]
ScopeDep = Annotated[Scope, Depends(scope_of)]


def check(principal: Principal, permission: Permission) -> None:
    """Raise unless the principal holds the permission."""
    if principal.may(permission):
        return
    if principal.kind == "anonymous":
        raise Unauthenticated(
            "not_authenticated",
            "This needs a key or a session.",
            "Send `Authorization: Bearer KEY`, or sign in.",
        )
    raise Forbidden(
        "not_permitted",
        f"{principal.name} lacks the permission `{permission}`.",
        "Ask an admin for a role or a key that grants it.",
    )


def _require(permission: Permission) -> Any:
    async def guard(request: Request) -> None:
        if permission is not Permission.PUBLIC:
            check(await principal_of(request), permission)

    return Depends(guard)


class Router:
    """An APIRouter whose every route names its permission."""

    def __init__(self, prefix: str = "", *, tag: str) -> None:
        self.api = APIRouter(prefix=prefix, tags=[tag])

    def route(
        self, method: str, path: str, *, permission: Permission, **options: Any
    ) -> Callable[[F], F]:
        extra = {"x-permission": str(permission), **options.pop("openapi_extra", {})}

        def declare(handler: F) -> F:
            self.api.add_api_route(
                path,
                handler,
                methods=[method],
                dependencies=[_require(permission)],
                openapi_extra=extra,
                **options,
            )
            return handler

        return declare

    def get(self, path: str, *, permission: Permission, **options: Any) -> Callable[[F], F]:
        return self.route("GET", path, permission=permission, **options)

    def post(self, path: str, *, permission: Permission, **options: Any) -> Callable[[F], F]:
        return self.route("POST", path, permission=permission, **options)

    def put(self, path: str, *, permission: Permission, **options: Any) -> Callable[[F], F]:
        return self.route("PUT", path, permission=permission, **options)

    def patch(self, path: str, *, permission: Permission, **options: Any) -> Callable[[F], F]:
        return self.route("PATCH", path, permission=permission, **options)

    def delete(self, path: str, *, permission: Permission, **options: Any) -> Callable[[F], F]:
        return self.route("DELETE", path, permission=permission, **options)


RawHandler = Callable[[AsgiScope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RawRoute:
    """An ingest route that bypasses FastAPI; the handler checks the permission itself.

    `shared` leaves the path's other methods to the framed API.
    """

    method: str
    path: str
    permission: Permission
    handler: RawHandler
    summary: str
    openapi: dict[str, Any] = field(default_factory=dict)
    shared: bool = False

    @property
    def path_format(self) -> str:
        """The path as OpenAPI writes it, where a parameter is a name and nothing else."""
        return self.path.replace(":int}", "}")
