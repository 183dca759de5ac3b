"""Points of Prometheus series out of the tables `prom_samples` and `prom_histograms`."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Engine, Limits, columns
from quarterdeck.telemetry.prometheus.families import listed
from quarterdeck.telemetry.prometheus.family import Ids
from quarterdeck.telemetry.prometheus.points import Places, Points, between, none
from quarterdeck.telemetry.promql.histogram import Histogram
from quarterdeck.telemetry.promql.limits import too_many_samples

AT_ONCE = 2_500  # series of a statement, which bounds its memory
PARALLEL = 2
_WORTH_TWO = 1_000  # series for which a second thread is worth its statement


def portions(count: int, most: int = AT_ONCE) -> list[slice]:
    """Series in portions that are read beside each other, of `most` series at most."""
    size = min(most, AT_ONCE)
    if count >= _WORTH_TWO:
        size = min(size, -(-count // PARALLEL))
    return [slice(at, at + size) for at in range(0, count, size)]


_HISTOGRAM = (
    "count, sum, schema, zero_threshold, zero_count, positive_index, positive_count,"
    " negative_index, negative_count, custom_bounds, reset_hint"
)


def floats(
    engine: Engine, project: int, ids: Ids, after: int, until: int, limits: Limits
) -> Points:
    """Samples of series; `Points.series` are places in `ids`, which ascend.

    A sample that was sent twice and not merged yet comes once. More than `limits.rows` samples
    are refused before they are in memory.
    """
    if not len(ids) or until <= after:
        return none()
    chunks = portions(len(ids))

    def read(portion: slice) -> Points:
        found = _once(engine, project, ids[portion], after, until, limits)
        found.series += portion.start
        return found

    try:
        if len(chunks) == 1:
            return read(chunks[0])
        limits = replace(limits, threads=1)
        with ThreadPoolExecutor(PARALLEL) as pool:
            parts = list(pool.map(read, chunks))
    except BadInput as error:
        if error.code == "query_too_large":
            raise too_many_samples(limits.rows) from None
        raise
    return Points(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def _once(engine: Engine, project: int, ids: Ids, after: int, until: int, limits: Limits) -> Points:
    found = _floats(engine, project, ids, after, until, limits, "")
    again = (found.series[1:] == found.series[:-1]) & (found.times[1:] == found.times[:-1])
    if not again.any():
        return found
    bits = found.values.view(np.uint64)
    if (again & (bits[1:] != bits[:-1])).any():  # which one is newer, only the engine knows
        return _floats(engine, project, ids, after, until, limits, "FINAL")
    return found.at(np.append(~again, True))


def _floats(
    engine: Engine, project: int, ids: Ids, after: int, until: int, limits: Limits, final: str
) -> Points:
    sql = (
        f"SELECT series_id, time, value FROM prom_samples {final} WHERE project = {project}"
        f" AND series_id IN ({listed(ids)}) AND {between(after, until)} ORDER BY series_id, time"
    )
    read = columns.read(engine, "promql_samples", sql, limits=limits)
    if "time" not in read:
        return none()
    return Points(place(read["series_id"].values, ids), read["time"].values, read["value"].values)


def any_histogram(engine: Engine, project: int, ids: Ids, after: int, until: int) -> bool:
    """Whether one of the series has a native histogram in the range."""
    sql = (
        f"SELECT 1 FROM prom_histograms WHERE project = {project} AND {between(after, until)}"
        f" AND series_id IN ({listed(ids)}) LIMIT 1"
    )
    return bool(engine.query("promql_any_histogram", sql).rows)


def histograms(
    engine: Engine, project: int, ids: Ids, after: int, until: int, limits: Limits
) -> Points:
    """Native histograms of series."""
    if not len(ids) or until <= after:
        return none()
    sql = (
        f"SELECT series_id, time, {_HISTOGRAM} FROM prom_histograms FINAL WHERE project = {project}"
        f" AND series_id IN ({listed(ids)}) AND {between(after, until)} ORDER BY series_id, time"
    )
    read = columns.read(engine, "promql_histograms", sql, limits=limits)
    if "time" not in read:
        return none()
    count = len(read["time"].values)
    found = np.full(count, None, object)
    for row in range(count):
        found[row] = _histogram(read, row)
    return Points(
        place(read["series_id"].values, ids), read["time"].values, np.full(count, np.nan), found
    )


def _histogram(read: columns.Columns, row: int) -> Histogram:
    def items(name: str) -> npt.NDArray[np.float64]:
        column = read[name]
        assert column.offsets is not None
        return column.values[column.offsets[row] : column.offsets[row + 1]]

    return Histogram(
        count=float(read["count"].values[row]),
        sum=float(read["sum"].values[row]),
        schema=int(read["schema"].values[row]),
        zero_threshold=float(read["zero_threshold"].values[row]),
        zero_count=float(read["zero_count"].values[row]),
        positive_index=items("positive_index").astype(np.int64),
        positive_count=items("positive_count"),
        negative_index=items("negative_index").astype(np.int64),
        negative_count=items("negative_count"),
        custom=items("custom_bounds"),
        hint=int(read["reset_hint"].values[row]),
    )


def place(found: Ids, ids: Ids) -> Places:
    """The place in `ids` of each id found; equal ids stand together."""
    starts = np.concatenate((np.zeros(1, np.int64), np.flatnonzero(found[1:] != found[:-1]) + 1))
    order = np.argsort(ids, kind="stable")
    at = order[np.searchsorted(ids, found[starts], sorter=order)]
    return np.repeat(at, np.diff(np.append(starts, len(found))))
