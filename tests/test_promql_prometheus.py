"""The evaluator beside a real Prometheus 2.42, over the same data.

Ranges there include their left edge, here they do not: samples lie off the edges of all windows.
Left out is what Prometheus itself changed since: `atan2` kept the name, and a rate was bounded by
zero before it was bounded by the distance of the samples. What is newer than 2.42 is worked out by
hand in `tests/promql`.
"""

import json
import math
import random
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.telemetry.promql.evaluate import evaluate
from quarterdeck.telemetry.promql.source import Grid, Labels
from support.promql import Memory

START = 1_700_000_040_000  # a whole minute
END = START + 3_600_000
GRID = Grid(START + 600_000, END, 150_000)
MOMENT = START + 1_800_000

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="Prometheus is not installed (make packages)",
)

Found = dict[frozenset[tuple[str, str]], dict[int, float]]


def data() -> list[tuple[Labels, list[tuple[int, float]]]]:
    """Counters with restarts, gauges with gaps, NaN and infinities, histograms, info series."""
    chance = random.Random(4)
    found = []
    for number in range(8):
        labels = {
            "__name__": "requests_total",
            "job": "api" if number < 5 else "web",
            "instance": f"host{number}",
            "code": "200" if number % 2 else "500",
        }
        value, points = 0.0, []
        for time_ in _times(number):
            value = 0.0 if chance.random() < 0.02 else value + chance.randrange(50)
            if chance.random() > 0.05:
                points.append((time_, value))
        found.append((labels, points))
    for number in range(6):
        labels = {"__name__": "load", "job": "api", "instance": f"host{number}"}
        found.append((labels, [(at, round(chance.gauss(10, 4), 3)) for at in _times(number + 10)]))
    odd = [1.5, math.nan, math.inf, -math.inf, -2.25, 0.0, 7.0, 7.0]
    for number in range(2):
        labels = {"__name__": "odd", "instance": f"host{number}"}
        found.append(
            (labels, [(at, chance.choice(odd[: 8 - number])) for at in _times(number + 20)])
        )
    ended = {"__name__": "load", "job": "gone", "instance": "host9"}
    found.append((ended, [(at, 3.0) for at in _times(30)[:100]]))
    for job in ("api", "web"):
        counts = [0.0] * 5
        rows: list[list[tuple[int, float]]] = [[] for _ in counts]
        for at in _times(40):
            for bucket in range(5):
                counts[bucket] += chance.randrange(4)
            total = 0.0
            for bucket, count in enumerate(counts):
                total += count
                rows[bucket].append((at, total))
        for le, points in zip(("0.1", "0.5", "1", "2.5", "+Inf"), rows, strict=True):
            found.append(({"__name__": "seconds_bucket", "job": job, "le": le}, points))
    for number in range(5):
        labels = {
            "__name__": "build_info",
            "instance": f"host{number}",
            "version": f"1.{number % 3}",
        }
        found.append((labels, [(at, 1.0) for at in _times(number + 50)]))
    return found


def _times(seed: int) -> list[int]:
    """Every 15 s, at its own odd milliseconds."""
    shift = 1_000 + seed * 211 + 137
    return [START + shift % 14_000 + 501 + 15_000 * i for i in range(240)]


_SIMPLE = "abs ceil floor exp ln log2 log10 sqrt sgn sin cos tan asin acos atan sinh cosh tanh"
_SIMPLE += " asinh acosh atanh rad deg round timestamp"
_DATES = "minute hour day_of_week day_of_month day_of_year days_in_month month year"
_RANGES = "rate irate increase delta idelta deriv resets changes avg_over_time min_over_time"
_RANGES += " max_over_time sum_over_time count_over_time stddev_over_time stdvar_over_time"
_RANGES += " last_over_time present_over_time"
_VECTORS = ("requests_total", "load", "odd", 'requests_total{job="api"}', "load - 10")
_BY = ("", "by (job)", "without (instance)", "by (job, code)", "by (nothing)")


def expressions() -> list[str]:
    found = [
        f"{name}({vector})" for name in _SIMPLE.split() for vector in ("load", "odd", "load/30")
    ]
    found += [
        f"{name}({selector})"
        for name in _RANGES.split()
        for selector in (
            "requests_total[5m]",
            "load[1m]",
            "odd[3m] offset 2m",
            f"load[4m] @ {START // 1000 + 900}",
            "(load * 2)[10m1s:1m]",
            "delta(requests_total[2m])[7m1s:]",
        )
    ]
    found += [
        f"{op} {by} ({vector})"
        for op in ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
        for by in _BY
        for vector in ("requests_total", "load", "odd")
    ]
    found += [f"{name}(load * 1e8)" for name in _DATES.split()]
    found += ["sum(load) atan2 3", "3 atan2 4", "-sum(load) atan2 max(odd)"]
    for op in ("+", "-", "*", "/", "%", "^"):
        found += [
            f"load {op} 3",
            f"3 {op} odd",
            f"3 {op} 4",
            f"load {op} on(instance) odd",
            f"requests_total {op} ignoring(code) requests_total",
            f"requests_total {op} on(instance) group_left(version) build_info",
            f"sum by (job) (load) {op} on(job) group_right sum by (job, code) (requests_total)",
        ]
    for op in ("==", "!=", "<", ">", "<=", ">="):
        found += [
            f"load {op} 10",
            f"10 {op} load",
            f"load {op} bool 10",
            f"odd {op} on(instance) load",
            f"3 {op} bool 4",
            f"requests_total {op} bool on(instance, job) load",
        ]
    for op in ("and", "or", "unless"):
        found += [
            f"load {op} odd",
            f"load {op} on(instance) requests_total",
            f"requests_total {op} ignoring(code) load",
            f"load > 9 {op} load < 11",
        ]
    for q in ("0", "0.25", "0.5", "0.9", "1", "-1", "2", "NaN"):
        found += [
            f"quantile({q}, load)",
            f"quantile by (job) ({q}, odd or load)",
            f"quantile_over_time({q}, load[5m])",
            f"quantile_over_time({q}, odd[5m])",
            f"histogram_quantile({q}, rate(seconds_bucket[5m]))",
            f"histogram_quantile({q}, sum by (le) (seconds_bucket))",
        ]
    found += [
        "topk(3, load)",
        "bottomk(2, load)",
        "topk by (job) (1, requests_total)",
        "bottomk without (instance) (2, requests_total)",
        'count_values("v", round(load))',
        'count_values by (job) ("v", round(load / 5))',
        "predict_linear(load[5m], 600)",
        "predict_linear(requests_total[5m], -60)",
        "double_exponential_smoothing(load[5m], 0.3, 0.6)",
        "clamp(load, 8, 12)",
        "clamp_min(odd, 0)",
        "clamp_max(odd, 1)",
        "clamp(load, 12, 8)",
        "round(load, 0.5)",
        "round(odd, 3)",
        'label_replace(load, "host", "$1-${2}", "instance", "(h)ost(\\\\d)")',
        'label_replace(load, "instance", "", "instance", ".*")',
        'label_join(load, "both", "-", "job", "instance")',
        "absent(nothing)",
        'absent(load{job="no"})',
        "absent(sum(nothing))",
        'absent_over_time(load{job="gone"}[5m])',
        'absent_over_time(nothing{a="b"}[5m])',
        "scalar(load)",
        'scalar(load{instance="host1"})',
        "vector(time())",
        "vector(3)",
        "time()",
        "pi()",
        "minute()",
        "hour(vector(1e9))",
        "-load",
        "-(odd)",
        "- 3 ^ 2",
        "2 ^ 3 ^ 2",
        "load offset -3m",
        "load @ end()",
        "load @ start() offset 1m",
        "sum(rate(requests_total[5m] @ end()))",
        "max_over_time(sum(load)[10m1s:30s] @ end())",
        "sum_over_time((load > 10)[5m1s:15s] offset 90s)",
        "sum by (job) (rate(requests_total[5m])) / sum by (job) (increase(requests_total[10m]))",
        'sum(rate(requests_total{code=~"5.."}[5m])) / sum(rate(requests_total[5m]))',
        'load{job="gone"}',
        '{__name__=~"lo.d|odd", instance!~"host[1-9]"}',
        "stddev(load) > bool 3",
        "min(odd) or max(odd)",
        "avg(avg_over_time(odd[5m]))",
        "changes(load[5m]) > on(instance) group_left sum by (instance) (resets(odd[5m]))",
        "load + requests_total",
        "load + on(job) load",
        "sum(load) + on() group_right load",
        "nothing + load",
        "histogram_quantile(0.5, load)",
    ]
    return found


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("prometheus")
    (directory / "data.txt").write_text(_open_metrics())
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "data.txt", "data"],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    (directory / "prometheus.yml").write_text("{}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            _wait(f"http://{address}/-/ready", process, directory / "log")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"Prometheus did not start: {log.read_text()[-2000:]}")


def _open_metrics() -> str:
    lines = []
    for labels, points in sorted(data(), key=lambda each: each[0]["__name__"]):
        inner = ",".join(f'{k}="{v}"' for k, v in labels.items() if k != "__name__")
        for at, value in points:
            lines.append(f"{labels['__name__']}{{{inner}}} {value} {at / 1000:.3f}")
    return "\n".join([*lines, "# EOF", ""])


def _theirs(url: str, path: str, expression: str, **when: float) -> Found | str:
    expression = expression.replace("double_exponential_smoothing", "holt_winters")
    form = urllib.parse.urlencode({"query": expression, **when}).encode()
    try:
        with urllib.request.urlopen(f"{url}/api/v1/{path}", form, timeout=10) as answer:
            found = json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        return str(json.load(error)["error"])
    if found["resultType"] == "scalar":
        found = {"result": [{"metric": {}, "value": found["result"]}]}
    return {
        frozenset(each["metric"].items()): {
            round(at * 1000): float(value) for at, value in each.get("values") or [each["value"]]
        }
        for each in found["result"]
    }


def _ours(memory: Memory, expression: str, when: Grid | int) -> Found | str:
    try:
        result = evaluate(expression, memory, when)
    except QuarterdeckError as error:
        return error.message
    return {
        frozenset(each.labels.items()): dict(
            zip(each.times.tolist(), each.values.tolist(), strict=True)
        )
        for each in result.series()
    }


def _differ(ours: Found | str, theirs: Found | str) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str):
        return isinstance(ours, str) != isinstance(theirs, str)
    return ours.keys() != theirs.keys() or any(
        ours[key].keys() != theirs[key].keys()
        or any(not _close(value, theirs[key][at]) for at, value in ours[key].items())
        for key in ours
    )


def _close(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def test_expressions_give_what_a_real_prometheus_gives(prometheus: str) -> None:
    memory = Memory()
    for labels, points in data():
        memory.add(labels, points)
    wrong = {}
    asked = expressions()
    for expression in asked:
        theirs = _theirs(
            prometheus,
            "query_range",
            expression,
            start=GRID.start / 1000,
            end=GRID.end / 1000,
            step=GRID.step / 1000,
        )
        ours = _ours(memory, expression, GRID)
        if _differ(ours, theirs):
            wrong[expression] = (ours, theirs)
        theirs = _theirs(prometheus, "query", expression, time=MOMENT / 1000)
        ours = _ours(memory, expression, MOMENT)
        if _differ(ours, theirs):
            wrong[f"{expression} at a moment"] = (ours, theirs)
    assert len(asked) > 400
    assert not wrong
