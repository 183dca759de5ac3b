"""Python, Ruby, PHP, Elixir."""

from errors.corpus.shapes import (
    elixir,
    elixir_frame,
    file_frame,
    php,
    python,
    python_frame,
    ruby,
)

_VIEW = python_frame("shop.views", "checkout", 41)
_HANDLER = python_frame("django.core.handlers.exception", "inner", 55, app=False)


def _total(line: int, code: str = "return sum(line.price for line in lines)") -> dict[str, object]:
    return python_frame("shop.cart", "total", line, code=code)


def _tree(depth: int, leaf: str) -> list[dict[str, object]]:
    walk = [python_frame("shop.tree", "walk", 10), python_frame("shop.tree", "visit", 20)]
    return [*walk * depth, python_frame("shop.tree", leaf, 30)]


def _elixir_controller(line: int) -> dict[str, object]:
    return elixir_frame(
        "ShopWeb.CartController", "ShopWeb.CartController.show/2", "lib/shop_web/controllers/cart_controller.ex", line
    )  # fmt: skip


CASES = [
    ("py total", "as it first came", python("KeyError", "'price'", _HANDLER, _VIEW, _total(12))),
    ("py total", "lines have moved", python("KeyError", "'price'", _HANDLER, _VIEW, _total(97))),
    ("py total", "another message", python("KeyError", "'amount'", _HANDLER, _VIEW, _total(12))),
    (
        "py total",
        "a later release, another host and environment",
        python(
            "KeyError",
            "'price'",
            _HANDLER,
            _VIEW,
            _total(13),
            release="shop@2.4.1",
            environment="staging",
        ),
    ),
    (
        "py total",
        "a library between the application's frames",
        python(
            "KeyError",
            "'price'",
            _VIEW,
            python_frame("funcy.decorators", "wrapper", 47, app=False),
            _total(12),
        ),
    ),
    (
        "py total",
        "a comprehension has a frame of its own before Python 3.12",
        python(
            "KeyError", "'price'", _VIEW, _total(12), python_frame("shop.cart", "<listcomp>", 12)
        ),
    ),
    (
        "py total",
        "the SDK leaves open whose the standard library is",
        python(
            "KeyError",
            "'price'",
            {
                **python_frame("asyncio.runners", "run", 190),
                "in_app": None,
                "abs_path": "/usr/local/lib/python3.11/asyncio/runners.py",
            },
            _VIEW,
            _total(12),
        ),
    ),
    (
        "py total typed otherwise",
        "the same place",
        python("TypeError", "'price'", _VIEW, _total(12)),
    ),
    (
        "py discount",
        "the same message from elsewhere",
        python("KeyError", "'price'", _VIEW, python_frame("shop.cart", "discount", 60)),
    ),
    (
        "py lambda a",
        "an anonymous function",
        python(
            "KeyError",
            "'x'",
            python_frame("shop.sort", "<lambda>", 5, code="key=lambda row: row['x']"),
        ),
    ),
    (
        "py lambda a",
        "it has moved",
        python(
            "KeyError",
            "'x'",
            python_frame("shop.sort", "<lambda>", 15, code="    key=lambda  row: row['x']"),
        ),
    ),
    (
        "py lambda b",
        "another one in the same file",
        python(
            "KeyError",
            "'x'",
            python_frame("shop.sort", "<lambda>", 25, code="key=lambda row: row['y']"),
        ),
    ),
    (
        "py script",
        "started as a script",
        python(
            "ValueError",
            "no",
            {
                "module": "__main__",
                "function": "main",
                "filename": "jobs/nightly.py",
                "abs_path": "/srv/app/jobs/nightly.py",
                "lineno": 3,
                "in_app": True,
            },
        ),
    ),
    (
        "py script",
        "started elsewhere",
        python(
            "ValueError",
            "no",
            {
                "module": "__main__",
                "function": "main",
                "filename": "jobs/nightly.py",
                "abs_path": "/home/ada/shop/jobs/nightly.py",
                "lineno": 9,
                "in_app": True,
            },
        ),
    ),
    ("py tree", "three levels deep", python("ValueError", "bad leaf", *_tree(3, "leaf"))),
    ("py tree", "nine levels deep", python("ValueError", "bad leaf", *_tree(9, "leaf"))),
    ("py tree twig", "another leaf", python("ValueError", "bad leaf", *_tree(9, "twig"))),
    (
        "py endless",
        "ends where it ends",
        python("RecursionError", "maximum recursion depth exceeded", *_tree(60, "leaf")),
    ),
    (
        "py endless",
        "ends elsewhere",
        python(
            "RecursionError", "maximum recursion depth exceeded in comparison", *_tree(61, "twig")
        ),
    ),
    (
        "py library",
        "no frame of the application",
        python(
            "OSError",
            "closed",
            python_frame("gunicorn.arbiter", "run", 202, app=False),
            python_frame("gunicorn.sock", "close", 9, app=False),
        ),
    ),
    (
        "py library",
        "a later version of it",
        python(
            "OSError",
            "closed",
            python_frame("gunicorn.arbiter", "run", 230, app=False),
            python_frame("gunicorn.sock", "close", 11, app=False),
        ),
    ),
    (
        "rb total",
        "Ruby 3.3",
        ruby(
            "NoMethodError",
            "undefined method `price' for nil:NilClass",
            file_frame("show", "app/controllers/carts_controller.rb", 14),
            file_frame("block in total", "app/models/cart.rb", 22),
            file_frame("total", "app/models/cart.rb", 21),
        ),
    ),
    (
        "rb total",
        "Ruby 3.4 names the class",
        ruby(
            "NoMethodError",
            "undefined method 'price' for nil",
            file_frame("CartsController#show", "app/controllers/carts_controller.rb", 15),
            file_frame("block in Cart#total", "app/models/cart.rb", 32),
            file_frame("Cart#total", "app/models/cart.rb", 31),
        ),
    ),
    (
        "rb gem",
        "a version of the gem",
        ruby(
            "Timeout::Error",
            "execution expired",
            file_frame(
                "call",
                "/usr/local/bundle/ruby/3.3.0/gems/rack-3.0.8/lib/rack/etag.rb",
                12,
                app=False,
            ),
        ),
    ),
    (
        "rb gem",
        "the next version",
        ruby(
            "Timeout::Error",
            "execution expired",
            file_frame(
                "call",
                "/usr/local/bundle/ruby/3.3.0/gems/rack-3.1.2/lib/rack/etag.rb",
                29,
                app=False,
            ),
        ),
    ),
    (
        "php total",
        "a closure",
        php(
            "ErrorException",
            'Undefined array key "price"',
            file_frame("App\\Http\\CartController::show", "/app/Http/CartController.php", 18),
            file_frame("App\\Cart::{closure}", "/app/Cart.php", 40),
            file_frame("App\\Cart::total", "/app/Cart.php", 33),
        ),
    ),
    (
        "php total",
        "lines have moved",
        php(
            "ErrorException",
            'Undefined array key "price"',
            file_frame("App\\Http\\CartController::show", "/app/Http/CartController.php", 20),
            file_frame("App\\Cart::{closure}", "/app/Cart.php", 44),
            file_frame("App\\Cart::total", "/app/Cart.php", 35),
        ),
    ),
    (
        "php new closure",
        "PHP 8.4 says where a closure stands",
        php(
            "ErrorException",
            "x",
            file_frame("{closure:App\\Cart::total():42}", "/app/Cart.php", 43),
        ),
    ),
    (
        "php new closure",
        "and the line has moved",
        php(
            "ErrorException",
            "x",
            file_frame("{closure:App\\Cart::total():77}", "/app/Cart.php", 78),
        ),
    ),
    (
        "ex total",
        "as it first came",
        elixir(
            "KeyError",
            "key :price not found in: %{id: 8812}",
            _elixir_controller(12),
            elixir_frame("Shop.Cart", "Shop.Cart.total/1", "lib/shop/cart.ex", 8),
        ),
    ),
    (
        "ex total",
        "another map, other lines",
        elixir(
            "KeyError",
            'key :price not found in: %{id: 9, name: "x"}',
            _elixir_controller(19),
            elixir_frame("Elixir.Shop.Cart", "Shop.Cart.total/1", "lib/shop/cart.ex", 18),
        ),
    ),
    (
        "ex total",
        "within an anonymous function there",
        elixir(
            "KeyError",
            "key :price not found",
            _elixir_controller(12),
            elixir_frame("Shop.Cart", "anonymous fn/2 in Shop.Cart.total/1", "lib/shop/cart.ex", 9),
        ),
    ),
    (
        "ex load",
        "another function of the module",
        elixir(
            "KeyError",
            "key :price not found",
            _elixir_controller(12),
            elixir_frame("Shop.Cart", "Shop.Cart.load/1", "lib/shop/cart.ex", 8),
        ),
    ),
]
