"""Which series of Prometheus have their row for an hour: their samples need nothing else.

A key is the hash of a series and the hour (`PromKey` in store/telemetry/prometheus.py), and what is
remembered of it is where the series lies (`PromPlace`), which makes its id. Keys are kept twice: here,
for remote write 1.0, and in the engine's table `prom_known`, for 2.0. Forgetting costs a row written
again, no more; both are empty after a start.
"""

import threading
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from quarterdeck.store.telemetry import Engine
from quarterdeck.store.telemetry.prometheus import HASH_BITS

Keys = npt.NDArray[np.uint64]
Places = npt.NDArray[np.uint32]
_Slots = tuple[Keys, Places]

_HOUR_MS = 3_600_000
_HASH_BITS = np.uint64(HASH_BITS)
_FEWEST = 1 << 16


class KnownSeries:
    """64-bit keys and their places in arrays with open addressing: 24 to 48 bytes a key, asked by the thousand.

    Who asks needs no lock: what is being added may be missed, and nothing that is not there is found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots = _empty(_FEWEST)
        self._count = 0
        self.forgotten = 0  # how often everything was forgotten
        self.changes = 0  # how often rows of series were written or deleted

    def __len__(self) -> int:
        return self._count

    def find(self, keys: Keys) -> Places:
        """The place of each, 0 where a key is not known."""
        slots, places = self._slots
        mask = np.uint64(len(slots) - 1)
        at = keys & mask
        seen = slots[at]
        found = np.where((seen == keys) & (keys != 0), places[at], 0)
        left = np.flatnonzero((seen != keys) & (seen != 0))
        while len(left):
            at[left] = (at[left] + np.uint64(1)) & mask
            seen, wanted = slots[at[left]], keys[left]
            found[left] = np.where((seen == wanted) & (wanted != 0), places[at[left]], 0)
            left = left[(seen != wanted) & (seen != 0)]
        return found

    def add(self, keys: Keys, places: Places, forgotten: int) -> None:
        """Add keys of series whose rows were written when so often everything had been forgotten."""
        with self._lock:
            if forgotten != self.forgotten:
                return  # the rows may have been deleted since
            keys, first = np.unique(keys, return_index=True)
            new = (self.find(keys) == 0) & (keys != 0)
            keys, places = keys[new], places[first][new]
            self._count += len(keys)
            slots = self._slots
            if 2 * self._count > len(slots[0]):
                taken = slots[0] != 0
                slots = _empty(1 << (2 * self._count).bit_length())
                _put(self._slots[0][taken], self._slots[1][taken], slots)
            _put(keys, places, slots)
            self._slots = slots

    def changed(self) -> None:
        """Rows of series were written: said once they are durable, before anybody is told so."""
        with self._lock:
            self.changes += 1

    def forget(self) -> None:
        with self._lock:
            self.forgotten += 1
            self.changes += 1
            self._count = 0
            self._slots = _empty(_FEWEST)


def _empty(size: int) -> _Slots:
    """A key of 0 marks a free slot, so that it is never known."""
    return np.zeros(size, np.uint64), np.zeros(size, np.uint32)


def _put(keys: Keys, places: Places, into: _Slots) -> None:
    """Put in keys, none of which is there. A key is seen without its place for a moment: not known."""
    slots, of_slots = into
    mask = np.uint64(len(slots) - 1)
    at = keys & mask
    while len(keys):
        free = slots[at] == 0
        slots[at[free]] = keys[free]
        mine = slots[at] == keys  # or another of these keys was put there after it
        of_slots[at[mine]] = places[mine]
        keys, places, at = keys[~mine], places[~mine], (at[~mine] + np.uint64(1)) & mask


def series_ids(hashes: Keys, places: Places) -> Keys:
    """`PromId`: ids from hashes and the places that were found; the bit that marks a place is shifted out."""
    rest = np.uint64((1 << HASH_BITS) - 1)
    return (places.astype(np.uint64) << _HASH_BITS) | (hashes & rest)


def int_hash_64(numbers: Keys) -> Keys:
    """The engine's function `intHash64`."""
    x = numbers ^ np.uint64(0x4CF2D2BAAE6DA887)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        x = (x ^ (x >> np.uint64(33))) * np.uint64(factor)
    return x ^ (x >> np.uint64(33))


def known_keys(hashes: Keys, times: npt.NDArray[np.int64]) -> Keys:
    """`PromKey`: what is known of series that have their rows for the hours of these milliseconds."""
    return hashes ^ int_hash_64((times // _HOUR_MS).astype(np.uint64))


_known: WeakKeyDictionary[Engine, KnownSeries] = WeakKeyDictionary()


def known_series(engine: Engine) -> KnownSeries:
    """The keys of this engine's series."""
    return _known.setdefault(engine, KnownSeries())


def forget_known_series(engine: Engine) -> None:
    """Forget which series of Prometheus have their row; must follow whatever deletes such rows."""
    engine.execute("TRUNCATE TABLE prom_known")
    known_series(engine).forget()
