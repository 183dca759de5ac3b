"""Which series of Prometheus have their row for an hour: their samples need nothing else.

A key is the id of a series and the hour (`PromKey` in store/telemetry/prometheus.py). Keys are kept
twice: here, for remote write 1.0, and in the engine's table `prom_known`, for 2.0. Forgetting costs a
row written again, no more; both are empty after a start.
"""

import threading
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from quarterdeck.store.telemetry import Engine

Keys = npt.NDArray[np.uint64]

_HOUR_MS = 3_600_000
_FEWEST = 1 << 16


class KnownSeries:
    """A set of 64-bit keys in an array with open addressing: 16 to 32 bytes a key, asked by the thousand.

    Who asks needs no lock: what is being added may be missed, and nothing that is not there is found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: Keys = np.zeros(
            _FEWEST, np.uint64
        )  # 0 is free, so that a key of 0 is never known
        self._count = 0
        self.forgotten = 0  # how often everything was forgotten

    def __len__(self) -> int:
        return self._count

    def has(self, keys: Keys) -> npt.NDArray[np.bool_]:
        slots = self._slots
        mask = np.uint64(len(slots) - 1)
        at = keys & mask
        seen = slots[at]
        found: npt.NDArray[np.bool_] = (seen == keys) & (keys != 0)
        left = np.flatnonzero((seen != keys) & (seen != 0))
        while len(left):
            at[left] = (at[left] + np.uint64(1)) & mask
            seen, wanted = slots[at[left]], keys[left]
            found[left] = (seen == wanted) & (wanted != 0)
            left = left[(seen != wanted) & (seen != 0)]
        return found

    def add(self, keys: Keys, forgotten: int) -> None:
        """Add keys of series whose rows were written when so often everything had been forgotten."""
        with self._lock:
            if forgotten != self.forgotten:
                return  # the rows may have been deleted since
            keys = np.unique(keys[keys != 0])
            keys = keys[~self.has(keys)]
            self._count += len(keys)
            if 2 * self._count > len(self._slots):
                size = 1 << (2 * self._count).bit_length()
                self._slots = _placed(self._slots[self._slots != 0], np.zeros(size, np.uint64))
            _placed(keys, self._slots)

    def forget(self) -> None:
        with self._lock:
            self.forgotten += 1
            self._count = 0
            self._slots = np.zeros(_FEWEST, np.uint64)


def _placed(keys: Keys, slots: Keys) -> Keys:
    """The slots with these keys, none of which was there."""
    mask = np.uint64(len(slots) - 1)
    at = keys & mask
    while len(keys):
        free = slots[at] == 0
        slots[at[free]] = keys[free]
        left = slots[at] != keys  # taken, or another of these keys was put there after it
        keys, at = keys[left], (at[left] + np.uint64(1)) & mask
    return slots


def int_hash_64(numbers: Keys) -> Keys:
    """The engine's function `intHash64`."""
    x = numbers ^ np.uint64(0x4CF2D2BAAE6DA887)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        x = (x ^ (x >> np.uint64(33))) * np.uint64(factor)
    return x ^ (x >> np.uint64(33))


def known_keys(ids: Keys, times: npt.NDArray[np.int64]) -> Keys:
    """`PromKey`: what is known of series that have their rows for the hours of these milliseconds."""
    return ids ^ int_hash_64((times // _HOUR_MS).astype(np.uint64))


_known: WeakKeyDictionary[Engine, KnownSeries] = WeakKeyDictionary()


def known_series(engine: Engine) -> KnownSeries:
    """The keys of this engine's series."""
    return _known.setdefault(engine, KnownSeries())


def forget_known_series(engine: Engine) -> None:
    """Forget which series of Prometheus have their row; must follow whatever deletes such rows."""
    engine.execute("TRUNCATE TABLE prom_known")
    known_series(engine).forget()
