"""`kill -9` between any two parts: no sample without its series, nothing acknowledged is lost."""

import subprocess
import sys
import time
from pathlib import Path

from quarterdeck.store.telemetry import EmbeddedEngine
from support.remote_write import Series, histogram, now_ms, store, v1

KILLS = 4
SERIES = 200
_ORPHANS = (
    "SELECT count() FROM (SELECT series_id FROM prom_samples UNION ALL SELECT series_id FROM prom_histograms)"
    " WHERE series_id NOT IN (SELECT series_id FROM prom_series)"
)


def test_no_point_is_durable_before_its_series(tmp_path: Path) -> None:
    acknowledged = 0
    for kill in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, __file__, str(tmp_path / "engine"), str(acknowledged)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None
        orphans, found = map(int, child.stdout.readline().split())
        assert orphans == 0
        assert found >= acknowledged * SERIES
        acknowledged = int(child.stdout.readline())  # it writes by now
        time.sleep(0.05 + 0.11 * kill)
        child.kill()
        acknowledged = max([acknowledged, *map(int, child.stdout.read().split())])
        child.wait()
    assert acknowledged >= KILLS


def main() -> None:
    """Say what is there, then write new series without end, and the number of each batch."""
    engine = EmbeddedEngine(Path(sys.argv[1]), memory_mb=1024)
    count = "SELECT uniqExact(series_id) FROM prom_samples"
    print(*(engine.query("count", sql).rows[0][0] for sql in (_ORPHANS, count)), flush=True)
    batch = int(sys.argv[2])
    while True:
        batch += 1
        at = now_ms()
        series = [
            Series({"__name__": f"k{batch}", "i": str(i)}, [(1.0, at)]) for i in range(SERIES)
        ]
        series.append(Series({"__name__": f"h{batch}"}, histograms=[histogram(1.0, at, zero=True)]))
        store(engine, 1, v1(series))
        print(batch, flush=True)


if __name__ == "__main__":
    main()
