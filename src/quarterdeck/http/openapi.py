"""OpenAPI of everything the server answers, ingest routes too.

FastAPI describes what goes through it; `RawRoute`s bring their own description. The
error shape and the two ways to authenticate are written once.
"""

from collections.abc import Iterable
from typing import Any

import orjson
from fastapi import FastAPI, Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import RawRoute, Router

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Stable; docs/errors.md lists them."},
                "message": {"type": "string", "description": "What went wrong."},
                "hint": {"type": "string", "description": "What to do."},
                "details": {"type": "object", "additionalProperties": True},
            },
        }
    },
}
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "qd_session",
        "description": "A browser session; writing also needs the header X-CSRF-Token.",
    },
}


def describe(app: FastAPI, raw: Iterable[RawRoute]) -> dict[str, Any]:
    """The whole document."""
    document: dict[str, Any] = dict(app.openapi())
    paths: dict[str, Any] = document.setdefault("paths", {})
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = _ERROR
    components["securitySchemes"] = _SCHEMES
    for route in raw:
        operation = {
            "tags": ["ingest"],
            "summary": route.summary,
            "responses": {"200": {"description": "Accepted"}},
            **route.openapi,
            "x-permission": str(route.permission),
        }
        paths.setdefault(route.path_format, {})[route.method.lower()] = operation
    for path in paths.values():
        for operation in path.values():
            _finish(operation)
    return document


def _finish(operation: dict[str, Any]) -> None:
    """Errors have our shape, not the framework's; a permission implies a credential."""
    public = operation.get("x-permission") == Permission.PUBLIC
    operation["security"] = [] if public else [{"key": []}, {"session": []}]
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    responses["default"] = {
        "description": "An error",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def openapi_router(app: FastAPI, raw: Iterable[RawRoute]) -> Router:
    """`GET /api/openapi.json`, made at the first request."""
    router = Router(tag="about")
    kept: list[bytes] = []

    @router.get(
        "/api/openapi.json",
        permission=Permission.PUBLIC,
        summary="This document",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}},
    )
    async def openapi() -> Response:
        if not kept:
            kept.append(orjson.dumps(describe(app, raw)))
        return Response(kept[0], media_type="application/json")

    return router
