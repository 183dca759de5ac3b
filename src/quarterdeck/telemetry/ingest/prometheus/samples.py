"""Samples of remote write 1.0, read off the bytes of their series without taking these apart.

Most series of a request are labels and one sample. Where the bytes end in a sample, what stands
before it is hashed as it came: for labels in protobuf, sorted, the hash is the series', and a
series that is known by it is what it says. Labels are never mistaken for a sample, because what
stands before it must be the labels of a known series.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_digest

from quarterdeck.store.telemetry import columns
from quarterdeck.telemetry.known import Keys, Places, int_hash_64, series_ids

Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# The end of a series from its 18th byte: a sample's tag, its length, the tag of its value, the value,
# the tag of its time and six bytes of time, which they are from 1971 to 2109. A value of zero is not
# written, and the sample then is nine bytes.
_LONGEST, _SHORTEST = 18, 9
_tail, _head = itemgetter(slice(-_LONGEST, None)), itemgetter(slice(None, -_LONGEST))
_END = np.dtype(
    {
        "names": ["sample", "value", "zero", "time"],
        "formats": ["<u4", "<f8", "<u4", "<u8"],
        "offsets": [0, 3, 9, 10],
        "itemsize": _LONGEST,
    }
)
_THREE = np.uint32(0xFFFFFF)
_SAMPLE = 0x091012
_ZERO = 0x100712


@dataclass(frozen=True, slots=True)
class Ends:
    """How the series of a request end, and hashes of what stands before."""

    tails: npt.NDArray[np.void]
    hashes: Keys
    with_value: Flags
    of_zero: Flags


@dataclass(frozen=True, slots=True)
class Samples:
    """One a series. Where `simple` is false the series has to be taken apart, and the rest is noise."""

    projects: npt.NDArray[np.uint32]
    hashes: Keys
    times: Times
    values: npt.NDArray[np.float64]
    simple: Flags

    def only(self, some: Flags, places: Places) -> columns.Given:
        """Some of them as they stand in `prom_samples`, by the places of all."""
        return {
            "project": ("UInt32", self.projects[some]),
            "series_id": ("UInt64", series_ids(self.hashes[some], places[some])),
            "time": ("DateTime64(3)", self.times[some]),
            "value": ("Float64", self.values[some]),
        }


def ends_of(series: Sequence[bytes]) -> Ends:
    """The ends of each TimeSeries.

    What is done to every one is done by functions in C: their calls are what a known series costs.
    """
    tails = b"".join(map(_tail, series))
    if len(tails) != _LONGEST * len(series):  # some are shorter than that
        tails = b"".join(one[-_LONGEST:].rjust(_LONGEST, b"\0") for one in series)
    ends = np.frombuffer(tails, _END)
    tag = (ends["time"] >> np.uint64(8)) & np.uint64(0xFF)
    with_value = ((ends["sample"] & _THREE) == _SAMPLE) & (tag == 0x10)
    of_zero = ((ends["zero"] & _THREE) == _ZERO) & ~with_value
    labels = list(map(_head, series))
    for place in np.flatnonzero(of_zero).tolist():
        labels[place] = series[place][:-_SHORTEST]
    hashes = np.frombuffer(b"".join(map(xxh3_64_digest, labels)), ">u8")
    return Ends(ends, hashes, with_value, of_zero)


def samples_of(requests: Sequence[Ends], projects: npt.NDArray[np.uint32]) -> Samples:
    """The samples of several requests, one after another; a project for each sample."""
    ends = np.concatenate([request.tails for request in requests])
    with_value = np.concatenate([request.with_value for request in requests])
    of_zero = np.concatenate([request.of_zero for request in requests])
    hashes = np.concatenate([request.hashes for request in requests]).astype(np.uint64)
    times, timed = _varints(ends["time"] >> np.uint64(16))
    return Samples(
        projects,
        hashes ^ int_hash_64(projects.astype(np.uint64)),
        times,
        np.where(with_value, ends["value"], 0.0),
        (with_value | of_zero) & timed,
    )


def _varints(six: Keys) -> tuple[Times, Flags]:
    """Numbers from varints of six bytes, and which of them are such."""
    whole = six & np.uint64(0x7F)
    for byte in range(1, 6):
        whole |= (six >> np.uint64(byte)) & np.uint64(0x7F << (7 * byte))
    return whole.astype(np.int64), (six & np.uint64(0x808080808080)) == 0x8080808080
