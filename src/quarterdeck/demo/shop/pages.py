"""The storefront's HTML: small, without scripts, with every value escaped."""

from html import escape
from typing import Any

from quarterdeck.demo.shop.goods import CATEGORIES, CITIES

_STYLE = """
:root{color-scheme:light dark;--ink:#20242a;--soft:#69707a;--line:#e3e5e8;--back:#fbfaf7;--act:#a8432a}
@media(prefers-color-scheme:dark){:root{--ink:#e6e7e9;--soft:#9aa1ab;--line:#2b2f36;--back:#14161a;--act:#e08563}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}header,main,footer{max-width:64rem;margin:auto;padding:1rem}
header{display:flex;gap:1.25rem;align-items:center;flex-wrap:wrap;border-bottom:1px solid var(--line)}
header b{font:600 1.3rem Georgia,serif}a{color:inherit}nav a{margin-right:.9rem;color:var(--soft)}
form{display:inline-flex;gap:.4rem}input,select,button{font:inherit;padding:.35rem .6rem;
border:1px solid var(--line);border-radius:4px;background:transparent;color:inherit}
button{background:var(--act);border-color:var(--act);color:var(--back);cursor:pointer}
.goods{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem;padding:0}
.goods li{list-style:none;border-top:3px solid var(--act);padding:.6rem 0}
.goods small,td:last-child{color:var(--soft)}td,th{padding:.4rem 1.2rem .4rem 0;text-align:left}
""".replace("\n", "")


def _frame(title: str, body: str) -> str:
    links = "".join(f'<a href="/c/{slug}">{row[0]}</a>' for slug, row in CATEGORIES.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} · Marigot</title><style>{_STYLE}</style>"
        '<header><a href="/"><b>Marigot</b></a>'
        '<form action="/search"><input name="q" aria-label="Search" placeholder="Search">'
        f'</form><a href="/cart">Cart</a><nav>{links}</nav></header>'
        f"<main><h1>{escape(title)}</h1>{body}</main></html>"
    )


def money(amount: int) -> str:
    """FCFA has no decimals."""
    return f"{amount:,}".replace(",", "\N{NO-BREAK SPACE}") + "\N{NO-BREAK SPACE}FCFA"


def _goods(products: list[dict[str, Any]]) -> str:
    items = "".join(
        f'<li><a href="/p/{escape(p["sku"])}">{escape(p["name"])}</a><br>'
        f"{money(p['price'])}<br><small>{p['stock']} in stock</small></li>"
        for p in products
    )
    return f'<ul class="goods">{items}</ul>' if items else "<p>Nothing found.</p>"


def listing(title: str, products: list[dict[str, Any]]) -> str:
    return _frame(title, _goods(products))


def product(found: dict[str, Any], related: list[dict[str, Any]]) -> str:
    sku = escape(found["sku"])
    return _frame(
        found["name"],
        f"<p>{money(found['price'])} · {found['weight']} g · from {escape(found['supplier'])}</p>"
        f'<form method="post" action="/cart/items"><input type="hidden" name="sku" value="{sku}">'
        '<input name="quantity" type="number" min="1" max="20" value="1" aria-label="Quantity">'
        f"<button>Add to cart</button></form><h2>Related</h2>{_goods(related)}",
    )


def cart(lines: list[dict[str, Any]], total: int) -> str:
    if not lines:
        return _frame("Cart", "<p>Your cart is empty.</p>")
    cities = "".join(f"<option>{escape(city)}</option>" for city in CITIES)
    return _frame(
        "Cart",
        f"<table>{_lines(lines)}</table><p>Total {money(total)}</p>"
        '<form method="post" action="/checkout">'
        f'<select name="city" aria-label="City">{cities}</select>'
        '<select name="provider" aria-label="Payment"><option>sahelpay<option>northcard</select>'
        "<button>Order and pay</button></form>",
    )


def order(found: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    return _frame(
        f"Order {found['number']}",
        f"<p>{escape(found['status'])} · {escape(found['city'])} · {money(found['total'])}</p>"
        f"<table>{_lines(lines)}</table>",
    )


def problem(status: int, message: str) -> str:
    return _frame(f"Sorry ({status})", f'<p>{escape(message)}.</p><p><a href="/">Go on</a></p>')


def _lines(lines: list[dict[str, Any]]) -> str:
    return "".join(
        f"<tr><td>{escape(line['name'])}<td>{line['quantity']}<td>{money(line['price'])}</tr>"
        for line in lines
    )
