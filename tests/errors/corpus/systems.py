"""Go and Rust."""

from errors.corpus.shapes import file_frame, go, go_frame, rust

_MODULE = "github.com/acme/shop/cart"
_SERVE = go_frame(
    "net/http", "HandlerFunc.ServeHTTP", "/usr/local/go/src/net/http/server.go", 2136, app=False
)

CASES = [
    (
        "go total",
        "as it first came",
        go(
            "runtime.boundsError",
            "index out of range [5] with length 3",
            _SERVE,
            go_frame("main", "main.func1", "/app/main.go", 20),
            go_frame(_MODULE, "(*Cart).Total", "/app/cart/cart.go", 41),
        ),
    ),
    (
        "go total",
        "other figures and lines",
        go(
            "runtime.boundsError",
            "index out of range [0] with length 0",
            _SERVE,
            go_frame("main", "main.func2", "/app/main.go", 28),
            go_frame(_MODULE, "(*Cart).Total", "/home/ada/shop/cart/cart.go", 47),
        ),
    ),
    (
        "go total",
        "within a closure of it, the module in its next version",
        go(
            "runtime.boundsError",
            "index out of range [5] with length 3",
            go_frame("main", "main.func1", "/app/main.go", 20),
            go_frame(
                "github.com/acme/shop/v2/cart", "(*Cart).Total.func1", "/app/cart/cart.go", 43
            ),
        ),
    ),
    (
        "go generic",
        "a generic function",
        go(
            "*errors.errorString",
            "empty",
            go_frame("github.com/acme/shop/list", "Map[...]", "/app/list/list.go", 9),
        ),
    ),
    (
        "go generic",
        "as another compiler names it",
        go(
            "*errors.errorString",
            "empty",
            go_frame("github.com/acme/shop/list", "Map[go.shape.int]", "/app/list/list.go", 12),
        ),
    ),
    (
        "go bare",
        "an error without a stack",
        {
            **go("*errors.errorString", "order 8812: not found"),
            "exception": [{"type": "*errors.errorString", "value": "order 8812: not found"}],
        },
    ),
    (
        "go bare",
        "another order",
        {
            **go("*errors.errorString", "order 9: not found"),
            "exception": [{"type": "*errors.errorString", "value": "order 9: not found"}],
        },
    ),
    (
        "go bare other",
        "another error without a stack",
        {
            **go("*errors.errorString", "order 9: not found"),
            "exception": [{"type": "*errors.errorString", "value": "order 9: already paid"}],
        },
    ),
    (
        "rs total",
        "as it first came",
        rust(
            "panic",
            "called `Option::unwrap()` on a `None` value",
            file_frame(
                "core::panicking::panic",
                "/rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/core/src/panicking.rs",
                144,
                app=False,
            ),
            file_frame("shop::cart::Cart::total::h1f2e3d4c5b6a7988", "src/cart.rs", 30),
        ),
    ),
    (
        "rs total",
        "another build, another compiler",
        rust(
            "panic",
            "called `Option::unwrap()` on a `None` value",
            file_frame(
                "core::panicking::panic",
                "/rustc/051478957371ee0084a7c0913941d2a8c4757bb9/library/core/src/panicking.rs",
                146,
                app=False,
            ),
            file_frame("shop::cart::Cart::total::h0011223344556677", "src/cart.rs", 36),
        ),
    ),
    (
        "rs total",
        "within a closure of it",
        rust(
            "panic",
            "called `Option::unwrap()` on a `None` value",
            file_frame("shop::cart::Cart::total::{{closure}}", "src/cart.rs", 31),
        ),
    ),
    (
        "rs drop",
        "a trait's method, generics told",
        rust(
            "panic",
            "x",
            file_frame("<shop::Pool<T> as core::ops::drop::Drop>::drop", "src/pool.rs", 30),
        ),
    ),
    (
        "rs drop",
        "generics left out",
        rust(
            "panic",
            "x",
            file_frame("<shop::Pool as core::ops::drop::Drop>::drop", "src/pool.rs", 34),
        ),
    ),
]
