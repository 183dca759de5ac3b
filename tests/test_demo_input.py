"""What visitors send the shop: escaped where it is shown, refused where it is wrong, the same from the same seed."""

import pytest

from quarterdeck.demo.history.record import Studio
from quarterdeck.demo.shop import checkout, goods
from quarterdeck.demo.traffic.personas import Step
from quarterdeck.demo.traffic.visitors import Shop, Visitor
from test_demo_shop import plan, studio

__all__ = ["studio"]

pytestmark = pytest.mark.timeout(60)


async def test_pages_escape_what_visitors_type(studio: tuple[Studio, Shop]) -> None:
    _, shop = studio
    visitor = Visitor(shop, plan())
    answer = await visitor.act(Step(0, "search", text="<script>alert(1)</script>"))
    assert answer is not None
    assert "<script>" not in answer.text
    answer = await shop.send("web", "GET", "/c/<b>x</b>", {"accept": "text/html"})
    assert answer is not None
    assert answer.status_code == 404
    assert "<b>x</b>" not in answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cart/items", {"sku": "KIT-001", "quantity": "many"}),
        ("/cart/items", {"sku": "KIT-001", "quantity": -3}),
        ("/cart/items", {"sku": None}),
        ("/checkout", {"city": "Atlantis", "provider": "sahelpay"}),
        ("/login", {"customer": "' OR 1=1 --"}),
    ],
)
async def test_bad_input_is_refused_and_not_a_fault(
    studio: tuple[Studio, Shop], path: str, body: dict[str, object]
) -> None:
    _, shop = studio
    answer = await shop.send("web", "POST", path, {"accept": "application/json"}, body)
    assert answer is not None
    assert 400 <= answer.status_code < 500


def test_shipping_counts_every_started_kilogram() -> None:
    assert checkout.quote(checkout.TARIFF, "coast", 1) == 900
    assert checkout.quote(checkout.TARIFF, "coast", 1001) == 1800


def test_the_same_seed_draws_the_same_shop() -> None:
    assert goods.products(7) == goods.products(7)
    assert goods.products(7) != goods.products(8)
    assert goods.customers(7) == goods.customers(7)
