"""What is measured of a machine: names of the conventions, real devices alone, no secrets, no pids."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.agent.config import load
from quarterdeck.agent.host import host_resource
from quarterdeck.agent.otlp import Points
from quarterdeck.agent.processes import TOP, Processes
from quarterdeck.agent.system import System
from quarterdeck.core.errors import BadInput


def told(points: Points) -> Iterator[tuple[str, dict[str, str], float, Any]]:
    """(metric, labels, value, kind) of each point."""
    for metric in points.request.resource_metrics[0].scope_metrics[0].metrics:
        kind = getattr(metric, metric.WhichOneof("data") or "gauge")
        for point in kind.data_points:
            labels = {pair.key: pair.value.string_value for pair in point.attributes}
            value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
            yield metric.name, labels, value, kind


def empty() -> Points:
    return Points({}, 1, 1)


def burn(seconds: float) -> None:
    code = (
        f"import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_machine_is_told_of_in_the_names_of_the_conventions() -> None:
    system = System({"host.name": "here"})
    burn(0.3)
    found = list(told(system.points()))
    names = {name for name, *_ in found}
    assert names >= {
        "system.cpu.utilization", "system.cpu.logical.count", "system.cpu.load_average.1m",
        "system.memory.usage", "system.memory.utilization", "system.memory.limit", "system.paging.usage",
        "system.filesystem.usage", "system.filesystem.utilization", "system.uptime",
    }  # fmt: skip
    shares = {
        of["cpu.mode"]: value for name, of, value, _ in found if name == "system.cpu.utilization"
    }
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    assert shares["user"] > 0
    memory = {
        of["system.memory.state"]: v for name, of, v, _ in found if name == "system.memory.usage"
    }
    [limit] = [value for name, _, value, _ in found if name == "system.memory.limit"]
    assert sum(memory.values()) == pytest.approx(limit, rel=0.01)
    for name, _, _, kind in found:
        if name in {"system.disk.io", "system.network.io"}:
            assert kind.is_monotonic
            assert kind.aggregation_temporality == 2  # cumulative


def test_only_what_is_real_is_told() -> None:
    found = list(told(System({}).points()))
    mounts = {
        of["system.filesystem.mountpoint"]
        for name, of, *_ in found
        if name == "system.filesystem.usage"
    }
    assert "/" in mounts
    assert not [
        path for path in mounts if path.startswith(("/proc", "/sys", "/dev", "/run", "/snap"))
    ]
    devices = {of["system.device"] for name, of, *_ in found if name == "system.disk.io"}
    assert not [name for name in devices if name.startswith(("loop", "ram", "zram"))]
    interfaces = {
        of["network.interface.name"] for name, of, *_ in found if name == "system.network.io"
    }
    assert "lo" not in interfaces


def test_programs_are_told_by_name_and_owner_and_never_by_what_they_were_told() -> None:
    processes = Processes()
    secret = "--password=hunter2secret"
    code = "import sys, time; print('up', flush=True); time.sleep(30)"
    child = subprocess.Popen([sys.executable, "-c", code, secret], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        burn(0.3)
        points = empty()
        processes.add(points)
    finally:
        child.kill()
        child.communicate()
    found = list(told(points))
    assert secret.encode() not in points.request.SerializeToString()
    assert b"hunter2" not in points.request.SerializeToString()
    labels = [of for name, of, *_ in found if name == "process.memory.usage"]
    assert {frozenset(of) for of in labels} == {
        frozenset({"process.executable.name", "process.owner"})
    }
    assert 0 < len(labels) <= 2 * TOP
    assert all(0 <= value <= 1 for name, _, value, _ in found if name == "process.cpu.utilization")
    assert sum(value for name, _, value, _ in found if name == "system.process.count") > 1


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="only Linux lets a name be set")
def test_a_program_that_writes_its_task_into_its_name_is_told_by_the_first_word() -> None:
    code = (
        "import time\n"
        "open('/proc/self/comm', 'w').write('minder: p=secret')\n"
        "held = bytearray(80_000_000)\n"
        "print('up', flush=True); time.sleep(30)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        points = empty()
        Processes().add(points)
    finally:
        child.kill()
        child.communicate()
    names = {
        of["process.executable.name"] for name, of, *_ in told(points) if name == "process.count"
    }
    assert not [name for name in names if "secret" in name or " " in name]


def test_a_machine_that_invents_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from quarterdeck.agent import processes as module

    def invented() -> Iterator[Any]:
        for number in range(TOP):
            key = (number, float(len(seen)))
            yield module._Process(key, (f"job-{len(seen)}-{number}", "root"), "running", 1.0, 1)

    seen: set[str] = set()
    rounds = 0
    monkeypatch.setattr(module, "_all", invented)
    processes = Processes()
    while rounds < 60:
        rounds += 1
        points = empty()
        processes.add(points)
        fresh = {
            of["process.executable.name"]
            for name, of, *_ in told(points)
            if name == "process.count"
        }
        seen |= fresh
        if "other" in fresh:
            break
    assert "other" in seen
    assert len(seen) < 320


def test_a_machine_is_the_same_one_each_time_and_keeps_its_id_to_itself() -> None:
    first, second = host_resource("tower", "lab"), host_resource("tower", "lab")
    assert first == second
    assert (first["host.name"], first["deployment.environment.name"]) == ("tower", "lab")
    assert {"host.arch", "os.type"} <= first.keys()
    if Path("/etc/machine-id").exists():
        assert Path("/etc/machine-id").read_text().strip() not in first.values()


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "agent.yaml"
    path.write_text(text)
    return str(path)


def test_a_file_gives_the_options_and_the_command_line_wins(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        url: https://deck.example.com
        interval: 1m
        buffer_mb: 64
        files:
          - paths: [/var/log/a.log, /var/log/b/*.log]
            service: a
            multiline: "^> "
            start: end
            exclude: "*.old"
            attributes: {team: web, zone: 7}
          - paths: /var/log/c.log
            multiline: off
        """,
    )
    options = load(path, {"key": "k", "interval": "5s", "name": None, "files": ()})
    assert (options.url, options.interval, options.key) == ("https://deck.example.com", 5.0, "k")
    assert options.metrics_bytes + options.logs_bytes == 64 * 1024 * 1024
    first, second = options.files
    assert (first.service, first.start, first.exclude) == ("a", "end", ("*.old",))
    assert first.attributes == {"team": "web", "zone": "7"}
    assert (second.paths, second.multiline) == (("/var/log/c.log",), "off")


def test_the_documented_file_of_options_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "hosts.md").read_text()
    [example] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    options = load(write(tmp_path, example), {"key": "k", "files": ()})
    assert [group.service for group in options.files] == ["nginx", "shop"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("intervall: 5s", "`intervall`"),
        ("interval: soon", "`interval`"),
        ("interval: 0.1s", "`interval`"),
        ("buffer_mb: 1", "`buffer_mb`"),
        ("files: [{paths: []}]", "`paths`"),
        ("files: [{path: /a}]", "`path`"),
        ("files: [{paths: /a, start: middle}]", "`start`"),
        ("files: [{paths: /a, multiline: '('}]", "`multiline`"),
        ("files: 7", "`files`"),
        ("files: [{service: a}]", "`paths`"),
        ("metrics: maybe", "`metrics`"),
        ("metrics: false", "nothing to do"),
        ("url: ftp://x", "ftp://x"),
        ("- a list", "mapping"),
        ("{", "agent.yaml"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadInput) as refused:
        load(write(tmp_path, text), {"key": "k", "files": ()})
    assert named in refused.value.message


def test_an_agent_without_a_key_says_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        load(None, {"files": (), "buffer": str(tmp_path)})
    assert refused.value.code == "key_missing"


def test_the_agent_imports_neither_the_server_nor_its_libraries() -> None:
    code = "import sys, quarterdeck.agent.run, quarterdeck.cli.agent; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    heavy = {
        "chdb",
        "fastapi",
        "httpx",
        "pydantic",
        "sqlalchemy",
        "uvicorn",
        "asyncio",
        "grpc",
        "numpy",
    }
    assert heavy & set(done.stdout.split()) == set()
