"""How many visitors come: a day's rhythm, a week's, and the noise of any street.

Deterministic for a seed and a moment, so that the history and the live traffic meet
without a step. Hours are the shop's own: Dakar, which is UTC.
"""

import math
import random
from datetime import UTC, datetime

SESSIONS = 0.62  # a second, on average; a session makes about seven requests

# Monday first: pay day and market day at the end of the week.
WEEK = (0.92, 0.90, 0.95, 1.0, 1.12, 1.18, 0.97)
PEAK_HOUR = 19.5


def sessions_per_second(at: float, seed: int) -> float:
    """The expected arrivals at a time (seconds since the epoch)."""
    moment = datetime.fromtimestamp(at, UTC)
    hour = moment.hour + moment.minute / 60 + moment.second / 3600
    day = 1 + 0.34 * math.cos((hour - PEAK_HOUR) / 24 * math.tau)
    lunch = 0.12 * math.exp(-(((hour - 12.75) / 0.9) ** 2))
    return SESSIONS * WEEK[moment.weekday()] * (day + lunch) * _noise(at, seed)


def _noise(at: float, seed: int) -> float:
    """Smooth noise around one: three octaves, each interpolated between drawn points."""
    factor = 1.0
    for period, strength in ((900.0, 0.12), (180.0, 0.09), (45.0, 0.07)):
        step = math.floor(at / period)
        share = at / period - step
        share = share * share * (3 - 2 * share)
        before, after = _drawn(seed, period, step), _drawn(seed, period, step + 1)
        factor *= 1 + strength * (before * (1 - share) + after * share)
    return factor


def _drawn(seed: int, period: float, step: int) -> float:
    return random.Random(f"{seed}:{period}:{step}").uniform(-1, 1)
