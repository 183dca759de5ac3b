"""Node.js, with and without TypeScript."""

from errors.corpus.shapes import node, node_frame

_QUEUE = node_frame(
    "process.processTicksAndRejections", "node:internal/process/task_queues", 95, app=False
)
_EXPRESS = node_frame(
    "Layer.handle [as handle_request]",
    "/app/node_modules/express/lib/router/layer.js",
    95,
    app=False,
)

CASES = [
    (
        "node find",
        "as it first came",
        node(
            "Error",
            "Order 8812 not found",
            _EXPRESS,
            node_frame("OrderService.find", "/app/dist/orders/service.js", 40),
        ),
    ),
    (
        "node find",
        "another order, another place on disk",
        node(
            "Error",
            "Order 9 not found",
            _EXPRESS,
            node_frame(
                "OrderService.find", "/srv/releases/20261128101500/dist/orders/service.js", 44
            ),
        ),
    ),
    (
        "node find",
        "awaited",
        node(
            "Error",
            "Order 12 not found",
            _QUEUE,
            node_frame("async OrderService.find", "file:///app/dist/orders/service.js", 40),
        ),
    ),
    (
        "node find",
        "compiled for an old Node",
        node(
            "Error",
            "Order 12 not found",
            node_frame("Generator.next", "<anonymous>", 0),
            node_frame("__awaiter", "/app/dist/orders/service.js", 4),
            node_frame("OrderService.find", "/app/dist/orders/service.js", 51),
        ),
    ),
    (
        "node list",
        "another function",
        node(
            "Error",
            "Order 8812 not found",
            _EXPRESS,
            node_frame("OrderService.list", "/app/dist/orders/service.js", 60),
        ),
    ),
    (
        "node top",
        "the top level of a module",
        node(
            "Error",
            "no settings",
            node_frame("Module._compile", "node:internal/modules/cjs/loader", 1358, app=False),
            node_frame(
                "Object.<anonymous>",
                "/app/dist/settings.js",
                3,
                context_line="throw new Error('no settings')",
            ),
        ),
    ),
    (
        "node top",
        "as an ES module",
        node(
            "Error",
            "no settings",
            node_frame("ModuleJob.run", "node:internal/modules/esm/module_job", 234, app=False),
            node_frame(
                "<anonymous>",
                "file:///app/dist/settings.js",
                5,
                context_line="throw new Error('no settings')",
            ),
        ),
    ),
    (
        "node driver",
        "no frame of the application",
        node(
            "Error",
            "Connection terminated unexpectedly",
            node_frame("Socket.emit", "node:events", 519, app=False),
            node_frame(
                "Connection.<anonymous>", "/app/node_modules/pg/lib/client.js", 132, app=False
            ),
            node_frame(
                "Client._handleErrorWhileConnecting",
                "/app/node_modules/pg/lib/client.js",
                301,
                app=False,
            ),
        ),
    ),
    (
        "node driver",
        "pnpm's path to the next version",
        node(
            "Error",
            "Connection terminated unexpectedly",
            node_frame("Socket.emit", "node:events", 524, app=False),
            node_frame(
                "Connection.<anonymous>",
                "/app/node_modules/.pnpm/pg@8.13.1/node_modules/pg/lib/client.js",
                139,
                app=False,
            ),
            node_frame(
                "Client._handleErrorWhileConnecting",
                "/app/node_modules/.pnpm/pg@8.13.1/node_modules/pg/lib/client.js",
                305,
                app=False,
            ),
        ),
    ),
    (
        "ts controller",
        "with source maps",
        node(
            "BadRequest",
            "quantity must be positive",
            node_frame("CartController.add", "/app/src/cart/cart.controller.ts", 18),
            node_frame("assertPositive", "/app/src/common/assert.ts", 4),
        ),
    ),
    (
        "ts controller",
        "lines have moved",
        node(
            "BadRequest",
            "count must be positive",
            node_frame("CartController.add", "/app/src/cart/cart.controller.ts", 25),
            node_frame("assertPositive", "/app/src/common/assert.ts", 7),
        ),
    ),
]
