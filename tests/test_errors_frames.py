"""A call is the same call however it was compiled, bundled, deployed or awaited."""

import pytest

from quarterdeck.errors.event import Frame
from quarterdeck.errors.frames import call_of
from quarterdeck.errors.functions import class_name, native_name, script_name
from quarterdeck.errors.paths import place_of

SCRIPT = {
    "total": ["total", "Object.total", "Cart.total", "Cart.total [as sum]", "async total", "async*total", "total/<",
              "total/</<", "Cart/this.total", "e.prototype.total", "total*", "async Cart.total", "get total", "total$"],
    "Cart": ["new Cart", "new shop.Cart"],
    "": ["", "?", "<anonymous>", "Object.<anonymous>", "HTMLDocument.<anonymous>", "e.<computed>", "anonymous", "_callee2$",
         "Object../src/cart.js", "eval at run (https://x/y.js)", "https://x/y.js", "global code", "__webpack_require__"],
}  # fmt: skip
NATIVE = {
    "total": ["total", "block in total", "block (2 levels) in total", "rescue in block in total", "total[T]", "total(x)",
              "total.func1", "total.func1.2", "total-fm", "total.<locals>.<lambda>", "lambda$total$0", "access$total", "total + 128",
              "total.constprop.0", "total<T>", "-total/1-fun-0-"],
    "Cart.total": ["Cart.total()", "Cart.total(for: Int) -> Decimal", "closure #1 in Cart.total()", "specialized Cart.total()",
                   "static Cart.total(_:)", "(2) await resume partial function for Cart.total()", "Cart.total.<fn>",
                   "Cart.total.<anonymous closure>", "async Task<int> Cart.total(int id)", "closure #2 (Swift.Int) -> () in Cart.total()"],
    "Shop.Cart.total": ["Shop.Cart.total/1", "anonymous fn/1 in Shop.Cart.total/2"],
    "shop::Cart::total": ["shop::Cart::total::h0123456789abcdef", "shop::Cart::total::{{closure}}", "shop::Cart<T>::total", "shop::Cart::<T>::total",
                          "<shop::Cart as core::ops::Sum>::total", "<shop::Cart<A<B>> as core::ops::Sum<C>>::total"],
    "(*Cart).Total": ["(*Cart).Total", "(*Cart).Total.func2", "(*Cart).Total-fm"],
    "App\\Cart::total": ["App\\Cart::total", "{closure:App\\Cart::total():42}"],
    "TotalAsync": ["<TotalAsync>d__5.MoveNext", "<TotalAsync>b__1_0"],
    "Local": ["<Run>g__Local|1_0"],
    "-[CartView rowAt:]": ["-[CartView rowAt:]", "__19-[CartView rowAt:]_block_invoke_2"],
    "<module>": ["<module>"],
    "<init>": ["<init>"],
    "[]": ["[]"],
    "<top>": ["<top (required)>", "block in <top (required)>"],
    "class@anonymous::run": ["class@anonymous::run", "class@anonymous /app/src/Job.php:12$0::run", "class@anonymous /app/src/Job.php:40$1f::run"],
    "eval": ["eval"],
    "walk": ["walk", "__walk_block_invoke_3"],
    "": ["", "?", "<lambda>", "{closure}", "0x7fff12", "<redacted>", "<unknown>"],
}  # fmt: skip
CLASSES = {
    "com.acme.Cart": ["com.acme.Cart", "com.acme.Cart$1", "com.acme.Cart$$Lambda$14/0x000000080010b840", "com.acme.Cart$2$1",
                      "com.acme.Cart$$EnhancerBySpringCGLIB$$ab12cd34", "com.acme.Cart$load$1"],
    "com.acme.Cart$Item": ["com.acme.Cart$Item", "com.acme.Cart$Item$3"],
    "Shop.Cart": ["Shop.Cart", "Shop.Cart+<TotalAsync>d__5", "Shop.Cart+<>c__DisplayClass3_0", "Shop.Cart+<>c", "Shop.Cart`1",
                  "Elixir.Shop.Cart", "Shop.Cart+<>c__DisplayClass3_0+<<Run>b__0>d"],
    "github.com/acme/shop/cart": ["github.com/acme/shop/cart", "github.com/acme/shop/v2/cart"],
}  # fmt: skip
PLACES = {
    "js/main.js": ["https://cdn.example/v42/static/js/main.8f3a2c.js?v=7", "/static/js/main.8f3a2c1d.chunk.js", "//cdn/js/main.min.js",
                   "https://x.example:8443/js/main-0123456789abcdef0123.js#x", "/js/8f3a2c1d/main.js"],
    "assets/index.js": ["/assets/index-BxK3a9Zq.js", "/assets/index-D_a-9xYz.js", "https://x/assets/index-5XQ2JZ7A.js",
                        "/assets/index-Cu-uybmg.js", "/assets/index--CuUybmg.js", "/assets/index-_CuUybmg.js", "/assets/index-CqJr8DUk.js"],
    "assets/cart-check-in.js": ["/assets/cart-check-in.js"],
    "assets/cart-OrderRow.js": ["/assets/cart-OrderRow.js"],
    "assets/OrderTable.js": ["/assets/OrderTable.js"],
    "assets/vendor-handlers.js": ["/assets/vendor-handlers.js"],
    "assets/page-checkout.js": ["/assets/page-checkout.js"],
    "src/cart.ts": ["webpack:///./src/cart.ts", "webpack-internal:///./src/cart.ts", "webpack:///./src/cart.ts?8f3a", "app:///src/cart.ts", "webpack://shop/./src/cart.ts?8f3a", "webpack://_N_E/src/cart.ts",
                    "webpack-internal:///(app-pages-browser)/./src/cart.ts", "/home/ada/shop/src/cart.ts", "file:///app/src/cart.ts",
                    "../src/cart.ts", "/app/src/cart.ts:12:3", "C:\\work\\shop\\src\\cart.ts"],
    "src/app/cart/cart.component.ts": ["src/app/cart/cart.component.ts", "./src/app/cart/cart.component.ts"],
    "react-dom/cjs/react-dom.js": ["webpack:///./node_modules/react-dom/cjs/react-dom.production.min.js", "/app/node_modules/react-dom/cjs/react-dom.development.js"],
    "express/lib/router/index.js": ["/app/node_modules/.pnpm/express@4.18.2/node_modules/express/lib/router/index.js", "node_modules/express/lib/router/index.js"],
    "app/models/cart.rb": ["app/models/cart.rb", "./app/models/cart.rb"],
    "models/cart.rb": ["/srv/releases/20261128101010/app/models/cart.rb", "/home/deploy/shop/app/models/cart.rb"],
    "rack/lib/rack/etag.rb": ["/usr/local/bundle/ruby/3.3.0/gems/rack-3.0.8/lib/rack/etag.rb", "/usr/local/bundle/gems/rack-3.1.2/lib/rack/etag.rb"],
    "django/db/utils.py": ["/home/a/.venv/lib/python3.11/site-packages/django/db/utils.py", "/usr/lib/python3/dist-packages/django/db/utils.py"],
    "json/decoder.py": ["/usr/lib/python3.11/json/decoder.py", "/usr/local/lib/python3.12/json/decoder.py"],
    "github.com/lib/pq/conn.go": ["/root/go/pkg/mod/github.com/lib/pq@v1.10.9/conn.go", "/go/pkg/mod/github.com/lib/pq@v1.10.7/conn.go"],
    "core/src/panicking.rs": ["/rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/core/src/panicking.rs"],
    "tokio/src/runtime/task.rs": ["/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/tokio-1.35.1/src/runtime/task.rs"],
    "src/vendor/list.ts": ["webpack:///./src/vendor/list.ts"],
    "node:internal/process/task_queues": ["node:internal/process/task_queues"],
    "cart": ["https://shop.example/cart"],
    "": ["", "https://shop.example/", "/", "blob:https://shop.example/7f3e2b1c-0d4a", "data:text/javascript,x()"],
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPT)
def test_a_function_of_javascript_has_one_name_in_every_browser(name: str) -> None:
    assert {spelled: script_name(spelled) for spelled in SCRIPT[name]} == dict.fromkeys(
        SCRIPT[name], name
    )


@pytest.mark.parametrize("name", NATIVE)
def test_a_function_has_one_name_whatever_its_compiler_adds(name: str) -> None:
    assert {spelled: native_name(spelled) for spelled in NATIVE[name]} == dict.fromkeys(
        NATIVE[name], name
    )


@pytest.mark.parametrize("name", CLASSES)
def test_a_generated_class_is_the_class_it_was_generated_for(name: str) -> None:
    assert {spelled: class_name(spelled)[0] for spelled in CLASSES[name]} == dict.fromkeys(
        CLASSES[name], name
    )


@pytest.mark.parametrize("name", PLACES)
def test_a_file_has_one_name_on_every_machine_and_in_every_build(name: str) -> None:
    assert {path: place_of(path) for path in PLACES[name]} == dict.fromkeys(PLACES[name], name)


@pytest.mark.parametrize(
    ("platform", "frame", "called"),
    [
        ("python", Frame("total", "shop.cart", "shop/cart.py"), "total in shop.cart"),
        ("python", Frame("main", "__main__", "jobs/nightly.py"), "main in jobs/nightly.py"),
        ("node", Frame("Cart.total", "cart", "/app/dist/cart.js"), "total in dist/cart.js"),
        ("javascript", Frame("t", "", "https://x/js/main.8f3a2c.js"), "(anonymous) in js/main.js"),
        ("java", Frame("invokeSuspend", "com.acme.Cart$load$1", "Cart.kt"), "load in com.acme.Cart"),
        ("csharp", Frame("MoveNext", "Shop.Cart+<TotalAsync>d__5"), "TotalAsync in Shop.Cart"),
        ("ruby", Frame("Cart#total", "", "app/models/cart.rb"), "total in app/models/cart.rb"),
        ("cocoa", Frame("Cart.total()", package="/a/7F3E/Shop.app/Shop"), "Cart.total in Shop"),
        ("go", Frame("f", "github.com/acme/shop", "cart.go"), "f in github.com/acme/shop"),
        ("python", Frame("f"), "f in an unknown file"),
        ("other", Frame("Cart.total", "", "src/cart.ts"), "total in src/cart.ts"),
    ],
)  # fmt: skip
def test_a_call_says_where_it_stands(platform: str, frame: Frame, called: str) -> None:
    assert str(call_of(frame, platform)) == called


@pytest.mark.parametrize(
    ("platform", "frame"),
    [
        ("javascript", Frame("Array.map", "", "<anonymous>")),
        ("javascript", Frame("map", "", "[native code]")),
        ("javascript", Frame("", "", "")),
        ("node", Frame("process.processTicksAndRejections", "", "node:internal/process/task_queues")),
        ("python", Frame("<listcomp>", "shop.cart", "shop/cart.py")),
        ("java", Frame("invoke0", "jdk.internal.reflect.NativeMethodAccessorImpl")),
        ("java", Frame("find", "com.sun.proxy.$Proxy42")),
        ("csharp", Frame("GetResult", "System.Runtime.CompilerServices.TaskAwaiter`1")),
        ("dart", Frame(abs_path="<asynchronous suspension>")),
        ("native", Frame("0x7fff12")),
    ],
)  # fmt: skip
def test_frames_of_runtimes_that_come_and_go_count_for_nothing(platform: str, frame: Frame) -> None:
    assert call_of(frame, platform).noise
