"""The shop's database files: their tables, and what they hold on the first day."""

import random
import sqlite3
from pathlib import Path

from quarterdeck.demo.shop import goods
from quarterdeck.demo.shop.database import connect

SALES_DAYS = 3 * 365  # enough rows for a scan of them all to hurt

CATALOGUE = """
CREATE TABLE products (
  sku TEXT PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, price INTEGER NOT NULL,
  supplier TEXT NOT NULL, weight INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0)
);
CREATE INDEX products_category ON products (category);
CREATE VIRTUAL TABLE products_fts USING fts5(sku UNINDEXED, name, category);
CREATE TABLE sales (sku TEXT NOT NULL, day INTEGER NOT NULL, quantity INTEGER NOT NULL);
CREATE INDEX sales_sku ON sales (sku, quantity);
"""

ORDERS = """
CREATE TABLE cart_lines (
  cart TEXT NOT NULL, sku TEXT NOT NULL, name TEXT NOT NULL, price INTEGER NOT NULL,
  weight INTEGER NOT NULL, quantity INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
  PRIMARY KEY (cart, sku)
);
CREATE INDEX cart_lines_updated ON cart_lines (updated_ms);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, customer TEXT NOT NULL,
  city TEXT NOT NULL, goods INTEGER NOT NULL, shipping INTEGER NOT NULL, total INTEGER NOT NULL,
  status TEXT NOT NULL, payment TEXT NOT NULL, created_ms INTEGER NOT NULL
);
CREATE INDEX orders_customer ON orders (customer);
CREATE INDEX orders_created ON orders (created_ms);
CREATE TABLE order_lines (
  number TEXT NOT NULL, sku TEXT NOT NULL, name TEXT NOT NULL, price INTEGER NOT NULL,
  quantity INTEGER NOT NULL
);
CREATE INDEX order_lines_number ON order_lines (number);
CREATE TABLE fulfilment_queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL, traceparent TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting', created_ms INTEGER NOT NULL
);
CREATE INDEX fulfilment_queue_state ON fulfilment_queue (state, id);
"""

PAYMENTS = """
CREATE TABLE charges (
  id TEXT PRIMARY KEY, reference TEXT NOT NULL, amount INTEGER NOT NULL, provider TEXT NOT NULL,
  status TEXT NOT NULL, attempts INTEGER NOT NULL, created_ms INTEGER NOT NULL
);
CREATE INDEX charges_reference ON charges (reference);
"""

SUPPLIER = """
CREATE TABLE offers (
  id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL, supplier TEXT NOT NULL,
  lines TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open', created_ms INTEGER NOT NULL
);
CREATE INDEX offers_state ON offers (state, id);
"""

ADMIN = """
CREATE TABLE customers (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT NOT NULL
);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO settings VALUES
  ('free_shipping_from', '75000'), ('offer_banner', 'Harvest week'), ('max_items', '20');
"""

FILES = {
    "catalogue.db": CATALOGUE,
    "orders.db": ORDERS,
    "payments.db": PAYMENTS,
    "supplier.db": SUPPLIER,
    "admin.db": ADMIN,
}


def prepare(directory: Path, seed: int, sales_days: int = SALES_DAYS) -> None:
    """Create the files that do not exist yet; each appears whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, script in FILES.items():
        path = directory / name
        if path.exists():
            continue
        draft = directory / f"{name}.draft"
        draft.unlink(missing_ok=True)
        connection = sqlite3.connect(draft)
        connection.executescript(script)
        if name == "catalogue.db":
            _stock(connection, seed, sales_days)
        elif name == "admin.db":
            connection.executemany(
                "INSERT INTO customers VALUES (?, ?, ?, ?)",
                [(c.id, c.name, c.email, c.city) for c in goods.customers(seed)],
            )
        connection.commit()
        connection.close()
        draft.rename(path)
        connect(path).close()


def _stock(connection: sqlite3.Connection, seed: int, sales_days: int) -> None:
    found = goods.products(seed)
    connection.executemany(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(p.sku, p.name, p.category, p.price, p.supplier, p.weight, p.stock) for p in found],
    )
    connection.executemany(
        "INSERT INTO products_fts VALUES (?, ?, ?)", [(p.sku, p.name, p.category) for p in found]
    )
    rng = random.Random(f"{seed}:sales")
    sold = iter(rng.choices(range(10), k=sales_days * len(found)))
    connection.executemany(
        "INSERT INTO sales VALUES (?, ?, ?)",
        ((p.sku, day, next(sold)) for day in range(sales_days) for p in found),
    )
