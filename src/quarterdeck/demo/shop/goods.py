"""What the shop sells, to whom, and where they live: the same for everyone who has the same seed."""

import random
from dataclasses import dataclass

# slug: (title, code, lowest and highest price in XOF, goods)
CATEGORIES: dict[str, tuple[str, str, int, int, tuple[str, ...]]] = {
    "kitchen": ("Kitchen", "KIT", 2500, 48000, (
        "Cast-iron stew pot", "Clay water filter", "Mortar of ebony", "Palm-fibre sieve",
        "Enamel serving bowl", "Charcoal stove", "Calabash ladle", "Bread knife", "Couscous steamer",
        "Bissap jug", "Copper kettle", "Millet grinder")),
    "textiles": ("Textiles", "TEX", 3500, 65000, (
        "Bazin fabric, 5 yards", "Indigo throw", "Bogolan cushion", "Kente table runner",
        "Wax-print apron", "Cotton hammock", "Woven bedspread", "Linen towel set", "Raffia rug",
        "Batik curtain", "Embroidered boubou", "Striped headwrap")),
    "electronics": ("Electronics", "ELE", 4500, 285000, (
        "Solar lantern", "Power bank 20 Ah", "Smartphone 6.1 inch", "Bluetooth speaker",
        "Rechargeable fan", "USB hub", "Dual-SIM phone", "Solar panel 60 W", "Headphones",
        "Router 4G", "Laptop sleeve", "LED bulb pack")),
    "home": ("Home", "HOM", 3000, 120000, (
        "Bolga basket", "Carved stool", "Rattan lamp", "Mosquito net", "Storage trunk", "Wall mirror",
        "Floor mat", "Candle set", "Bamboo shelf", "Clay vase", "Door curtain", "Coat stand")),
    "beauty": ("Beauty", "BEA", 1500, 22000, (
        "Shea butter, raw", "Black soap", "Baobab oil", "Karité hair mask", "Rose water",
        "Argan serum", "Henna powder", "Beard balm", "Moringa cream", "Clay mask", "Lip balm trio",
        "Cocoa scrub")),
    "groceries": ("Groceries", "GRO", 900, 14000, (
        "Attiéké 1 kg", "Fonio 1 kg", "Peanut paste", "Hibiscus flowers", "Ginger syrup",
        "Smoked paprika", "Cashew nuts", "Robusta coffee", "Dark chocolate", "Acacia honey",
        "Palm sugar", "Dried mango")),
    "books": ("Books", "BOO", 2500, 18000, (
        "Cookery of the coast", "Tales of the griots", "Atlas of rivers", "Learn Wolof",
        "Poems at dusk", "The long harmattan", "Weaving by hand", "Birds of the Sahel",
        "Letters from Ségou", "Market mathematics", "A house of clay", "Night train to Kayes")),
    "garden": ("Garden", "GAR", 1200, 39000, (
        "Watering can", "Seed box", "Hand hoe", "Drip hose 20 m", "Lemon tree", "Garden gloves",
        "Compost bin", "Pruning shears", "Terracotta pot", "Shade cloth", "Bird bath", "Rain barrel")),
}  # fmt: skip

SUPPLIERS = ("Ateliers du Fleuve", "Kora Trading", "Sahel Depot", "Comptoir de la Côte")

# city: (country, shipping zone, share of the customers)
CITIES: dict[str, tuple[str, str, float]] = {
    "Dakar": ("SN", "coast", 0.15),
    "Thiès": ("SN", "coast", 0.06),
    "Saint-Louis": ("SN", "coast", 0.05),
    "Abidjan": ("CI", "coast", 0.15),
    "Bouaké": ("CI", "inland", 0.05),
    "Cotonou": ("BJ", "coast", 0.07),
    "Lomé": ("TG", "coast", 0.06),
    "Bamako": ("ML", "inland", 0.17),
    "Ouagadougou": ("BF", "inland", 0.13),
    "Niamey": ("NE", "inland", 0.06),
    "Bissau": ("GW", "island", 0.05),
}

_FIRST = (
    "Awa", "Moussa", "Fatou", "Ibrahim", "Aminata", "Kofi", "Mariam", "Ousmane", "Adjoa", "Seydou",
    "Khady", "Yao", "Rokia", "Abdou", "Efua", "Mamadou", "Salimata", "Kwame", "Ndeye", "Issa",
)  # fmt: skip
_LAST = (
    "Diop", "Traoré", "Ndiaye", "Koné", "Ouédraogo", "Mensah", "Ba", "Camara", "Sow", "Kouassi",
    "Touré", "Fall", "Cissé", "Agbo", "Sarr", "Keita", "Bamba", "Diallo", "Lawson", "Gueye",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    sku: str
    name: str
    category: str
    price: int  # XOF, which has no decimals
    supplier: str
    weight: int  # grams
    stock: int


@dataclass(frozen=True, slots=True)
class Customer:
    id: str
    name: str
    email: str
    city: str


def products(seed: int) -> list[Product]:
    rng = random.Random(f"{seed}:goods")
    found = []
    for category, (_, code, low, high, names) in CATEGORIES.items():
        for number, name in enumerate(names, start=1):
            price = round(low * (high / low) ** rng.random(), -2)
            found.append(
                Product(
                    sku=f"{code}-{number:03}",
                    name=name,
                    category=category,
                    price=int(max(500, price)),
                    supplier=rng.choice(SUPPLIERS),
                    weight=rng.randrange(150, 6000, 50),
                    stock=rng.randrange(30, 220),
                )
            )
    return found


def customers(seed: int, count: int = 400) -> list[Customer]:
    rng = random.Random(f"{seed}:customers")
    cities, shares = zip(*((city, share) for city, (*_, share) in CITIES.items()), strict=True)
    found = []
    for number in range(1, count + 1):
        first, last = rng.choice(_FIRST), rng.choice(_LAST)
        found.append(
            Customer(
                id=f"u_{number:04}",
                name=f"{first} {last}",
                email=f"customer{number:04}@example.com",
                city=rng.choices(cities, shares)[0],
            )
        )
    return found
