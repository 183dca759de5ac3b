"""Admin: the shop's people look at customers and figures and change settings."""

from opentelemetry import trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from quarterdeck.demo.shop.database import Database, Statement
from quarterdeck.demo.shop.service import App, Refused, Service, closing, fields, whole

CUSTOMERS = Statement(
    "SELECT", "customers",
    "SELECT id, name, city FROM customers WHERE city LIKE ? ORDER BY id LIMIT 50 OFFSET ?",
)  # fmt: skip
CUSTOMER = Statement("SELECT", "customers", "SELECT * FROM customers WHERE id = ?")
SETTINGS = Statement("SELECT", "settings", "SELECT name, value FROM settings ORDER BY name")
SET = Statement(
    "UPDATE", "settings", "UPDATE settings SET value = ? WHERE name = ? RETURNING name, value"
)


def build(service: Service) -> Starlette:
    telemetry = service.telemetry
    database = Database(service.directory / "admin.db", telemetry, threads=1)
    app = App(service, access_log=True)

    @app.route("GET", "/admin/users")
    async def users(request: Request) -> Response:
        page = whole(request.query_params.get("page", 0), "page", 0, 1000)
        city = request.query_params.get("city", "%")
        return JSONResponse({"users": await database.rows(CUSTOMERS, city, page * 50)})

    @app.route("GET", "/admin/users/{user}")
    async def user(request: Request) -> Response:
        identity = request.path_params["user"]
        found = await database.row(CUSTOMER, identity)
        if found is None:
            raise Refused(404, f"There is no user {identity}")
        orders = await service.client.call(
            "orders", "GET", "/customers/{customer}/orders", fill={"customer": identity}, seconds=3
        )
        return JSONResponse({"user": found, "orders": orders.body.get("orders", [])})

    @app.route("GET", "/admin/analytics")
    async def analytics(request: Request) -> Response:
        days = whole(request.query_params.get("days", 7), "days", 1, 90)
        answer = await service.client.call(
            "orders", "GET", "/reports/revenue", params={"days": days}, seconds=8
        )
        if not answer.ok:
            raise Refused(502, f"Orders answered {answer.status}")
        cities = answer.body["cities"]
        with service.span("summarise", report__days=days) as span:
            await service.pause(30)
            revenue = sum(city["revenue"] for city in cities)
            span.set_attribute("report.revenue", revenue)
        telemetry.log.info(
            "analytics over %d days: %d XOF",
            days,
            revenue,
            extra={"report.days": days, "report.revenue": revenue, "report.currency": "XOF"},
        )
        return JSONResponse({**answer.body, "revenue": revenue})

    @app.route("GET", "/admin/settings")
    async def settings(_: Request) -> Response:
        return JSONResponse({"settings": await database.rows(SETTINGS)})

    @app.route("POST", "/admin/settings/{name}")
    async def change(request: Request) -> Response:
        name = request.path_params["name"]
        value = str((await fields(request)).get("value", ""))[:200]
        changed = await database.run(SET, value, name)
        if not changed:
            raise Refused(404, f"There is no setting {name}")
        trace.get_current_span().add_event("setting.changed", {"setting.name": name})
        telemetry.log.warning(
            "setting %s changed", name, extra={"setting.name": name, "setting.value": value}
        )
        return JSONResponse(changed[0])

    return app.asgi(closing(database))
