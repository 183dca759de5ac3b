"""`/prometheus/api/v1`: the HTTP API of Prometheus, so that Grafana's data source and every other
client of it works unchanged. Formats, errors and status codes are those of prometheus/web/api/v1.
"""

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from quarterdeck.core.errors import BadInput, QuarterdeckError
from quarterdeck.core.errors_prometheus import PREFIX, body, type_and_status
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, Scope, ScopeDep
from quarterdeck.telemetry.prometheus.answer import TRUNCATED, envelope, gathered, result_pieces
from quarterdeck.telemetry.prometheus.params import Form, form_of, invalid
from quarterdeck.telemetry.prometheus.queries import Bounds, Queries
from quarterdeck.telemetry.query.threads import Threads

Answer = Callable[[Form, Scope], Response]


def prometheus_router(queries: Queries, threads: Threads) -> Router:
    router = Router(PREFIX, tag="prometheus")

    def route(methods: str, path: str, summary: str, answer: Answer) -> None:
        """Declare a route whose answer is worked out in a thread."""

        async def handle(request: Request, scope: ScopeDep) -> Response:
            return await _guarded(request, scope, answer, threads)

        for method in methods.split():
            router.route(
                method, path, permission=Permission.READ, summary=summary, response_model=None,
                name=f"{method.lower()}{path.replace('/', '_')}",
            )(handle)  # fmt: skip

    route("GET POST", "/query", "An expression at one moment", lambda f, s: _query(queries, f, s))
    route("GET POST", "/query_range", "An expression over a range", lambda f, s: _range(queries, f, s))  # fmt: skip
    route("GET POST", "/series", "Series that match selectors", lambda f, s: _series(queries, f, s))
    route("GET POST", "/labels", "Names of labels", lambda f, s: _labels(queries, f, s))
    route("GET", "/metadata", "Type, help and unit of metrics", lambda f, s: _metadata(queries, f, s))  # fmt: skip
    route("GET POST", "/query_exemplars", "Exemplars of the series of an expression", lambda f, s: _exemplars(queries, f, s))  # fmt: skip
    route("GET POST", "/format_query", "An expression, laid out", lambda f, _: _json(queries.formatted(f.text("query"))))  # fmt: skip

    @router.get("/label/{name}/values", permission=Permission.READ, summary="Values of a label", response_model=None)  # fmt: skip
    async def label_values(request: Request, name: str, scope: ScopeDep) -> Response:
        return await _guarded(
            request, scope, lambda form, scope: _values(queries, name, form, scope), threads
        )

    return router


async def _guarded(request: Request, scope: Scope, answer: Answer, threads: Threads) -> Response:
    try:
        form = await form_of(request)
        return await threads.run(answer, form, scope)
    except QuarterdeckError as error:
        return failure(error)


def failure(error: QuarterdeckError) -> Response:
    """An error in Prometheus' shape."""
    _, status = type_and_status(error)
    return Response(orjson.dumps(body(error)), status, error.headers(), "application/json")


def _json(data: Any, warnings: Iterable[str] = ()) -> Response:
    return Response(envelope(data, list(warnings)), media_type="application/json")


def _limited(found: list[Any], limit: int) -> Response:
    if limit and len(found) > limit:
        return _json(found[:limit], [TRUNCATED])
    return _json(found)


def _query(queries: Queries, form: Form, scope: Scope) -> Response:
    limit = form.limit()
    time = form.time("time", queries.now_ms())
    result = queries.instant(scope.project.id, form.text("query"), time, _asked(form))
    return _streamed(result_pieces(result, limit))


def _range(queries: Queries, form: Form, scope: Scope) -> Response:
    limit, start, end = form.limit(), form.time("start"), form.time("end")
    if end < start:
        raise invalid("end", "end timestamp must not be before start time")
    step = form.duration("step")
    if step <= 0:
        raise invalid(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        )
    result = queries.range(
        scope.project.id, form.text("query"), start, end, step, _asked(form)
    )  # fmt: skip
    return _streamed(result_pieces(result, limit))


def _asked(form: Form) -> Bounds:
    return Bounds(form.duration("timeout", 0), form.duration("lookback_delta", 0))


def _streamed(pieces: Iterable[bytes]) -> Response:
    """The first piece is made here, so that what is refused is refused with its status."""
    parts = gathered(pieces)
    first = next(parts)

    def rest() -> Iterable[bytes]:
        yield first
        yield from parts

    return StreamingResponse(rest(), media_type="application/json")


def _series(queries: Queries, form: Form, scope: Scope) -> Response:
    if not form.all("match[]"):
        raise BadInput("promql_parameter", "no match[] parameter provided")
    limit, (start, end) = form.limit(), form.range()
    selectors = form.selectors()
    return _limited(queries.lookup.series(scope.project.id, selectors, start, end), limit)


def _labels(queries: Queries, form: Form, scope: Scope) -> Response:
    limit, (start, end) = form.limit(), form.range()
    selectors = form.selectors()
    return _limited(queries.lookup.names(scope.project.id, selectors, start, end), limit)


def _values(queries: Queries, name: str, form: Form, scope: Scope) -> Response:
    name = unescaped(name)
    if not name:
        raise BadInput("promql_parameter", 'invalid label name: ""')
    limit, (start, end) = form.limit(), form.range()
    selectors = form.selectors()
    return _limited(queries.lookup.values(scope.project.id, name, selectors, start, end), limit)


def _metadata(queries: Queries, form: Form, scope: Scope) -> Response:
    limits = []
    for name in ("limit", "limit_per_metric"):
        try:
            limits.append(int(form.text(name) or -1))
        except ValueError:
            raise BadInput("promql_parameter", f"{name} must be a number") from None
    return _json(queries.metadata(scope.project.id, form.text("metric"), limits[0], limits[1]))


def _exemplars(queries: Queries, form: Form, scope: Scope) -> Response:
    start, end = form.range()
    if end < start:
        raise BadInput(
            "promql_parameter", "end timestamp must not be before start timestamp"
        )  # fmt: skip
    return _json(queries.exemplars(scope.project.id, form.text("query"), start, end))


def unescaped(name: str) -> str:
    """A name in Prometheus' `U__` escaping: `__` is `_`, `_HEX_` a character."""
    if not name.startswith("U__"):
        return name
    rest, out, at = name[3:], "", 0
    while at < len(rest):
        if rest[at] != "_":
            out, at = out + rest[at], at + 1
        elif rest[at + 1 : at + 2] == "_":
            out, at = out + "_", at + 2
        else:
            end = rest.find("_", at + 1)
            digits = rest[at + 1 : end]
            if end < 0 or not 0 < len(digits) <= 6 or not set(digits) <= set("0123456789abcdefABCDEF"):  # fmt: skip
                return name
            code = int(digits, 16)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                return name
            out, at = out + chr(code), end + 1
    return out
