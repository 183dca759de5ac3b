"""Who visits and what they do, as plans: the live visitors follow them, the history repeats them.

A plan is a list of steps, each with the pause before it. The funnel, with its
abandonment, is in the plans: browse, cart, sign in, check out, track.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from quarterdeck.demo.shop.goods import CATEGORIES, Customer, Product

BROWSERS = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Version/19.1 Mobile Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
)  # fmt: skip
APP = "MarigotApp/3.2 (Android 15)"
BOT = "Mozilla/5.0 (compatible; harvestbot/1.4; +https://harvest.example/bot)"
STAFF = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"

SEARCHES = (
    "basket", "solar lantern", "coffee", "shea butter", "pot", "speaker", "fabric", "honey", "lamp",
    "phone", "carved stool", "dried mango", "garden gloves", "night", "black soap", "umbrella",
)  # fmt: skip
ODD_SEARCHES = ('6.1" phone', 'pot 30cm"', "kettle (copper)")
PROVIDERS = {"sahelpay": 0.62, "northcard": 0.38}


@dataclass(frozen=True, slots=True)
class Step:
    """One action after a pause; `action` also names its kind in the history."""

    wait: float
    action: str
    sku: str = ""
    category: str = ""
    text: str = ""
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    persona: str
    customer: Customer
    provider: str
    user_agent: str
    address: str
    html: bool
    steps: list[Step] = field(default_factory=list)


class Planner:
    """Draws sessions; the same seed draws the same ones."""

    def __init__(
        self, rng: random.Random, products: list[Product], customers: list[Customer]
    ) -> None:
        self._rng = rng
        self._products = products
        self._customers = customers
        # Few products sell most, as everywhere.
        self._weights = [1 / (rank + 3) ** 0.9 for rank in range(len(products))]
        self._ranked = list(products)
        random.Random(len(products)).shuffle(self._ranked)

    def visit(self, persona: str | None = None) -> Plan:
        """A customer's session, of a given persona or a drawn one."""
        rng = self._rng
        chosen = (
            persona or rng.choices(list(PERSONAS), [share for share, _ in PERSONAS.values()])[0]
        )
        app = chosen != "bot" and rng.random() < 0.3
        agent = BOT if chosen == "bot" else APP if app else rng.choice(BROWSERS)
        return Plan(
            persona=chosen,
            customer=rng.choice(self._customers),
            provider=rng.choices(list(PROVIDERS), list(PROVIDERS.values()))[0],
            user_agent=agent,
            address=f"196.{rng.randint(64, 207)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
            html=not app,
            steps=PERSONAS[chosen][1](self),
        )

    def staff(self) -> list[Step]:
        """What an admin does in one sitting."""
        rng = self._rng
        steps = [Step(rng.uniform(0, 4), "admin_users")]
        steps.append(Step(rng.uniform(3, 9), "admin_user"))
        steps.append(Step(rng.uniform(3, 9), "admin_analytics"))
        if rng.random() < 0.4:
            steps.append(Step(rng.uniform(4, 12), "admin_analytics"))
        steps.append(Step(rng.uniform(3, 9), "admin_settings"))
        if rng.random() < 0.15:
            steps.append(Step(rng.uniform(3, 9), "admin_change"))
        return steps

    def think(self, about: float) -> float:
        """Seconds between two clicks."""
        return min(self._rng.lognormvariate(0, 0.6) * about, 25.0)

    def chance(self, share: float) -> bool:
        return self._rng.random() < share

    def product(self) -> Product:
        return self._rng.choices(self._ranked, self._weights)[0]

    def category(self) -> str:
        return self._rng.choice(list(CATEGORIES))

    def browse(self) -> list[Step]:
        steps = [Step(0, "home")] if self.chance(0.7) else []
        for _ in range(self._rng.randint(1, 2)):
            steps.append(Step(self.think(4), "category", category=self.category()))
            for _ in range(self._rng.randint(1, 2)):
                steps.append(Step(self.think(6), "product", sku=self.product().sku))
        return steps

    def search(self) -> list[Step]:
        odd = self.chance(0.012)
        text = self._rng.choice(ODD_SEARCHES if odd else SEARCHES)
        steps = [Step(self.think(3), "search_odd" if odd else "search", text=text)]
        if not odd:
            for _ in range(self._rng.randint(0, 2)):
                steps.append(Step(self.think(5), "product", sku=self.product().sku))
        return steps

    def buy(self) -> list[Step]:
        steps = []
        for _ in range(self._rng.choices((1, 2, 3), (6, 3, 1))[0]):
            sku = self.product().sku
            steps.append(Step(self.think(4), "product", sku=sku))
            quantity = self._rng.choices((1, 2, 4), (8, 2, 1))[0]
            steps.append(Step(self.think(4), "add", sku=sku, quantity=quantity))
        steps.append(Step(self.think(3), "cart"))
        if self.chance(0.2):
            return steps  # the cart is left behind
        steps.append(Step(self.think(5), "login"))
        if self.chance(0.12):
            return steps
        steps.append(Step(self.think(6), "checkout"))
        if self.chance(0.75):
            steps.append(Step(self.think(4), "track"))
            if self.chance(0.35):
                steps.append(Step(self.think(20), "track"))
        return steps


def _window_shopper(p: Planner) -> list[Step]:
    return p.browse() + (p.browse() if p.chance(0.4) else [])


def _searcher(p: Planner) -> list[Step]:
    steps = p.search()
    if p.chance(0.5):
        steps += p.search()
    return steps + (p.buy() if p.chance(0.25) else [])


def _buyer(p: Planner) -> list[Step]:
    return p.browse() + p.buy()


def _bot(p: Planner) -> list[Step]:
    steps = [Step(0.8, "product", sku=p.product().sku) for _ in range(6)]
    return [*steps, Step(0.8, "missing", sku="OLD-117"), Step(0.8, "home")]


# persona: (share of the sessions, its plan)
PERSONAS: dict[str, tuple[float, Callable[[Planner], list[Step]]]] = {
    "window-shopper": (0.42, _window_shopper),
    "searcher": (0.22, _searcher),
    "buyer": (0.33, _buyer),
    "bot": (0.03, _bot),
}
