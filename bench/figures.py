"""What a benchmark found, as a table for people and a file for machines."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from quarterdeck import __version__

LATEST = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, the target beside it, and the engine's own ceiling in the same run."""

    id: str
    what: str
    value: float
    unit: str
    target: float | None = None
    less_is_better: bool = False
    ceiling: float | None = None
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value <= self.target if self.less_is_better else self.value >= self.target


def number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def table(figures: Sequence[Figure]) -> str:
    """Figure, target, ceiling and ratios, aligned."""
    rows = [("", "what", "measured", "target", "of target", "ceiling", "of ceiling", "note")]
    for f in figures:
        bound = "≤" if f.less_is_better else "≥"
        rows.append(
            (
                f.id,
                f.what,
                f"{number(f.value)} {f.unit}",
                f"{bound}{number(f.target)}" if f.target is not None else "",
                f"{f.value / f.target:.0%}" if f.target else "",
                number(f.ceiling),
                f"{f.value / f.ceiling:.0%}" if f.ceiling else "",
                ("" if f.met is not False else "missed; ") + f.note,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("─" * w for w in widths))
    return "\n".join(line.rstrip() for line in lines)


def write(figures: Sequence[Figure], quick: bool) -> None:
    """bench/results/latest.json: what was measured, where and with what."""
    LATEST.parent.mkdir(exist_ok=True)
    document = {
        "version": __version__,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": quick,
        "machine": {
            "processors": os.cpu_count(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "system": platform.platform(),
            "python": platform.python_version(),
            "load_average": os.getloadavg()[0],
        },
        "figures": [asdict(f) for f in figures],
    }
    LATEST.write_text(json.dumps(document, indent=2) + "\n")
