"""How large a run is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes of a full run; `QUICK` only shows that everything works."""

    quick: bool = False
    seconds: float = 15.0  # of load, for a rate
    warm_seconds: float = 3.0
    templates: int = 60  # distinct requests that the generator varies
    kept_items: int = 400_000  # stored to measure the size on disk
    idle_seconds: float = 30.0
    settle_seconds: float = 15.0
    kills: int = 100
    child_kills: int = 10
    growth_seconds: float = 150.0
    growth_slice: int = 1_000_000
    explored_items: int = 20_000_000  # spans, and as many log records, that pages are asked about
    page_loads: int = 20  # of each page


QUICK = Options(
    quick=True,
    seconds=2.0,
    warm_seconds=0.5,
    templates=4,
    kept_items=10_000,
    idle_seconds=3.0,
    settle_seconds=1.0,
    kills=2,
    child_kills=1,
    growth_seconds=8.0,
    growth_slice=20_000,
    explored_items=40_000,
    page_loads=3,
)
