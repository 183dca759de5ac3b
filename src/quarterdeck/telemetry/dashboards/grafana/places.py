"""Where panels stand: Grafana's grid of 24 columns, and the rows of 12 spans from before it."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from quarterdeck.telemetry.dashboards.grafana.fields import Json, flag, inside, items, text, whole
from quarterdeck.telemetry.dashboards.spec import COLUMNS

_ROW_PIXELS = 38  # of the grid
_OLD_HEIGHT = 250  # pixels of a panel, before the grid
_MOST_Y = 10_000


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel of the document, and where it stands once every row is open."""

    panel: Json
    x: int
    y: int
    w: int
    h: int
    row: bool = False
    folded: bool = False


def places(dashboard: Json) -> Iterator[Placed]:
    """Every panel, those in folded rows too."""
    if any(items(dashboard, "rows")):
        yield from _from_rows(dashboard)
    else:
        yield from _from_grid(dashboard)


def _from_grid(dashboard: Json) -> Iterator[Placed]:
    """What stands below a folded row has moved up in the document: it moves down again."""
    top = sorted(items(dashboard, "panels"), key=lambda each: _box(each)[1::-1])
    shift = 0
    for panel in top:
        x, y, w, h = _box(panel)
        if text(panel, "type") != "row":
            yield Placed(panel, x, y + shift, w, h)
            continue
        inner = [each for each in items(panel, "panels") if text(each, "type") != "row"]
        yield Placed(panel, 0, y + shift, COLUMNS, 1, row=True, folded=bool(inner))
        if not inner:
            continue
        boxes = [_box(each) for each in inner]
        first = min(box[1] for box in boxes)
        for each, (ix, iy, iw, ih) in zip(inner, boxes, strict=True):
            yield Placed(each, ix, y + shift + 1 + iy - first, iw, ih)
        shift += max(box[1] + box[3] for box in boxes) - first


def _box(panel: Json) -> tuple[int, int, int, int]:
    place = inside(panel, "gridPos")
    w = whole(place, "w", 1, COLUMNS, 12)
    x = min(whole(place, "x", 0, COLUMNS - 1, 0), COLUMNS - w)
    return x, whole(place, "y", 0, _MOST_Y, 0), w, whole(place, "h", 1, 100, 8)


def _from_rows(dashboard: Json) -> Iterator[Placed]:
    y = 0
    for row in items(dashboard, "rows"):
        folded = flag(row, "collapse")
        if text(row, "title") and (flag(row, "showTitle") or folded):
            yield Placed(row, 0, y, COLUMNS, 1, row=True, folded=folded)
            y += 1
        x = tallest = 0
        for panel in items(row, "panels"):
            w = min(COLUMNS, 2 * whole(panel, "span", 1, 12, 12))
            if x + w > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            h = _height(panel) or _height(row) or math.ceil(_OLD_HEIGHT / _ROW_PIXELS)
            yield Placed(panel, x, y, w, h)
            x, tallest = x + w, max(tallest, h)
        y = min(y + tallest, _MOST_Y)


def _height(of: Json) -> int:
    """`250px`, `"250"` and 250 are the same; nothing is 0."""
    value = of.get("height")
    found = re.match(r"^\s*(\d{1,5})", str(value)) if isinstance(value, str | int) else None
    return min(100, max(2, round(int(found[1]) / _ROW_PIXELS))) if found else 0
