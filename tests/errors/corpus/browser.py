"""JavaScript of browsers: Chrome, Firefox, Safari, bundlers, source maps."""

from typing import Any

from errors.corpus.shapes import browser, script_frame

_CDN = "https://cdn.shop.example/static/js/"
_UNDEFINED = "Cannot read properties of undefined (reading 'price')"


def _source(
    function: str | None, path: str, line: int, code: str = "", **more: Any
) -> dict[str, Any]:
    """After symbolication, or from an unminified page."""
    return script_frame(function, f"webpack:///./src/{path}", line, 9, context_line=code, **more)


def _deep(times: int, last: str) -> list[dict[str, Any]]:
    parse, walk = _source("parse", "tree.js", 4), _source("walk", "tree.js", 9)
    return [*[parse, walk] * times, _source(last, "tree.js", 30)]


CASES = [
    (
        "js total",
        "Chrome",
        browser(
            "TypeError",
            _UNDEFINED,
            script_frame("HTMLButtonElement.onPay", "https://shop.example/js/pay.js", 10, 4),
            script_frame("Cart.total", "https://shop.example/js/cart.js", 20, 8),
            script_frame("Array.map", "<anonymous>", 0, 0),
            script_frame("Cart.lineTotal", "https://shop.example/js/cart.js", 31, 8),
        ),
    ),
    (
        "js total",
        "Firefox says it in other words",
        browser(
            "TypeError",
            "line is undefined",
            script_frame("onPay", "https://shop.example/js/pay.js", 10, 4),
            script_frame("total/<", "https://shop.example/js/cart.js", 20, 8),
            script_frame("lineTotal", "https://shop.example/js/cart.js", 31, 8),
        ),
    ),
    (
        "js total",
        "Safari has native frames",
        browser(
            "TypeError",
            "undefined is not an object (evaluating 'line.price')",
            script_frame("onPay", "https://shop.example/js/pay.js", 10, 4),
            script_frame("total", "https://shop.example/js/cart.js", 20, 8),
            script_frame("map", "[native code]", 0, 0),
            script_frame("lineTotal", "https://shop.example/js/cart.js", 31, 8),
        ),
    ),
    (
        "js total",
        "from another host, with a query, of a hashed file",
        browser(
            "TypeError",
            _UNDEFINED,
            script_frame("onPay", "https://cdn.example/js/pay.8f3a2c1d.js?v=7", 1, 4411),
            script_frame("Cart.total", "https://cdn.example/js/cart.0b1e22aa.min.js", 1, 21),
            script_frame("Cart.lineTotal", "https://cdn.example/js/cart.0b1e22aa.min.js", 1, 900),
        ),
    ),
    (
        "js min",
        "minified, no source map",
        browser(
            "TypeError",
            _UNDEFINED,
            script_frame("t", f"{_CDN}main.8f3a2c1d.js", 1, 31003),
            script_frame("Xe", f"{_CDN}vendor.77aa12cc.chunk.js", 1, 88),
        ),
    ),
    (
        "js min",
        "the next build has other names and hashes",
        browser(
            "TypeError",
            _UNDEFINED,
            script_frame("n", f"{_CDN}main.1c44e0f9.js", 1, 31250),
            script_frame("Ye", f"{_CDN}vendor.9b0c11dd.chunk.js", 1, 97),
        ),
    ),
    (
        "js min other",
        "another message from the same bundle",
        browser(
            "TypeError",
            "t.items is not iterable",
            script_frame("n", f"{_CDN}main.1c44e0f9.js", 1, 31250),
            script_frame("Ye", f"{_CDN}vendor.9b0c11dd.chunk.js", 1, 97),
        ),
    ),
    (
        "js vite",
        "Vite's hashes have letters of both cases",
        browser(
            "Error",
            "no basket",
            script_frame("loadBasket", "https://shop.example/assets/basket-BxK3a9Zq.js", 2, 10),
        ),
    ),
    (
        "js vite",
        "the next build",
        browser(
            "Error",
            "no basket",
            script_frame("loadBasket", "https://shop.example/assets/basket-D_a-9xYz.js", 2, 14),
        ),
    ),
    (
        "js next",
        "Next.js",
        browser(
            "Error",
            "no page",
            script_frame(
                "renderPage",
                "https://shop.example/_next/static/chunks/app/cart/page-8f3a2c1d9e0b1234.js",
                1,
                10,
            ),
            script_frame(
                "fill", "https://shop.example/_next/static/chunks/117-0a1b2c3d4e5f6789.js", 1, 5
            ),
        ),
    ),
    (
        "js next",
        "the next build numbers its chunks anew",
        browser(
            "Error",
            "no page",
            script_frame(
                "renderPage",
                "https://shop.example/_next/static/chunks/app/cart/page-1122334455667788.js",
                1,
                10,
            ),
            script_frame(
                "fill", "https://shop.example/_next/static/chunks/204-ffeeddccbbaa0099.js", 1, 5
            ),
        ),
    ),
    (
        "js map",
        "with source map",
        browser(
            "TypeError",
            _UNDEFINED,
            _source("checkout", "checkout.ts", 10, "  await pay(cart);"),
            _source(None, "cart.ts", 33, "  return line.price * line.count;"),
        ),
    ),
    (
        "js map",
        "the file has grown, the browser is another",
        browser(
            "TypeError",
            "line is undefined",
            _source("async*checkout", "checkout.ts", 12, "await pay(cart)"),
            _source("?", "cart.ts", 41, "    return line.price * line.count;"),
        ),
    ),
    (
        "js map other",
        "another anonymous function of the file",
        browser(
            "TypeError",
            _UNDEFINED,
            _source("checkout", "checkout.ts", 10),
            _source("<anonymous>", "cart.ts", 80, "  return line.price - discount;"),
        ),
    ),
    (
        "js async",
        "native async functions",
        browser(
            "Error",
            "declined",
            _source("async onSubmit", "form.ts", 3),
            _source("async submitOrder", "order.ts", 7),
        ),
    ),
    (
        "js async",
        "compiled for old browsers",
        browser(
            "Error",
            "declined",
            _source("onSubmit", "form.ts", 3),
            _source("asyncGeneratorStep", "form.ts", 1),
            _source("Generator.next", "form.ts", 1),
            _source("submitOrder$", "order.ts", 9),
            _source("__awaiter", "order.ts", 1),
        ),
    ),
    (
        "js library",
        "the SDK says that React is the application's",
        browser(
            "Error",
            "bad props",
            script_frame(
                "commitRoot",
                "webpack:///./node_modules/react-dom/cjs/react-dom.production.min.js",
                100,
                1,
            ),
            _source("BasketRow", "BasketRow.tsx", 12),
        ),
    ),
    (
        "js library",
        "React has another version",
        browser(
            "Error",
            "bad props",
            script_frame(
                "commitRootImpl",
                "webpack:///./node_modules/react-dom/cjs/react-dom-client.production.js",
                210,
                1,
            ),
            _source("BasketRow", "BasketRow.tsx", 14),
        ),
    ),
    (
        "js extension",
        "nothing but an extension's code",
        browser(
            "Error",
            "no tab",
            script_frame("inject", "chrome-extension://abcdefghijklmnop/content.js", 4, 1),
        ),
    ),
    (
        "js endless",
        "where the stack ended",
        browser("RangeError", "Maximum call stack size exceeded", *_deep(24, "isLeaf")),
    ),
    (
        "js endless",
        "where it ended in another browser",
        browser("RangeError", "Maximum call stack size exceeded", *_deep(25, "nameOf")),
    ),
    (
        "js chunk",
        "a chunk is gone",
        browser(
            "ChunkLoadError",
            "Loading chunk 12 failed.\n(error: https://cdn/12.8f3a2c.js)",
            script_frame("r.f.j", f"{_CDN}runtime.8f3a2c1d.js", 1, 3),
        ),
    ),
    (
        "js chunk",
        "another chunk",
        browser(
            "ChunkLoadError",
            "Loading chunk 7 failed.\n(missing: https://cdn/7.aaa111.js)",
            script_frame("t.e", f"{_CDN}main.1c44e0f9.js", 1, 9),
        ),
    ),
    (
        "js chunk",
        "Vite's words",
        browser(
            "TypeError",
            "Failed to fetch dynamically imported module: https://shop.example/assets/Cart-BxK3a9Zq.js",
        ),
    ),
    (
        "js rejected",
        "a promise rejected with an object",
        browser(
            "UnhandledRejection", "Object captured as promise rejection with keys: code, message"
        ),
    ),
    (
        "js rejected text",
        "a promise rejected with a text",
        browser("UnhandledRejection", "Non-Error promise rejection captured with value: Timeout"),
    ),
]
