"""User SQL reaches no file, setting, network or foreign project, whatever is tried."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.settings import Settings, load
from quarterdeck.telemetry.sql import run_sql
from quarterdeck.telemetry.sql.functions import AGGREGATES, SCALARS, WINDOWS, allowed
from support.engine import new_project, shared_engine
from support.rows import add_logs, add_samples, add_spans, now_ns

CORPUS = Path(__file__).parent / "corpus" / "hostile_sql.txt"
FOREIGN = "FOREIGN-SECRET"
IN_FILE = "SECRET-IN-A-FILE"
FOREIGN_ROWS = 977
LONGEST_SECONDS = 15  # a limit of 2 s is looked at between blocks, on a machine with other work


def statements() -> list[str]:
    lines = CORPUS.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


@dataclass
class Trap:
    """A server that only counts who calls."""

    calls: list[object] = field(default_factory=list)
    listener: socket.socket = field(default_factory=socket.socket)

    def start(self) -> None:
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self.listener.accept()
            except OSError:
                return
            self.calls.append(address)
            connection.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.listener.getsockname()[1]}"


@dataclass
class Ground:
    """Two projects, a file with a secret, a path that must stay empty and a trap."""

    own: ProjectRef
    foreign: ProjectRef
    file: Path
    out: Path
    trap: Trap
    settings: Settings

    def fill(self, statement: str) -> str:
        return (
            statement.replace("{file}", str(self.file))
            .replace("{out}", str(self.out))
            .replace("{url}", f"http://{self.trap.host}/data.csv")
            .replace("{host}", self.trap.host)
        )


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    engine = shared_engine()
    own, foreign = new_project("own"), new_project("foreign")
    at = now_ns()
    for project, word, rows in ((own, "mine", 3), (foreign, FOREIGN, FOREIGN_ROWS)):
        attributes = {"k": f"{word}-value"}
        add_spans(
            engine,
            project.id,
            *(
                {"name": word, "service": word, "attributes": attributes, "resource": {"host.name": word}, "time": at + i}
                for i in range(rows)
            ),
        )  # fmt: skip
        add_logs(
            engine,
            project.id,
            *({"body": word, "service": word, "attributes": attributes, "time": at + i} for i in range(rows)),
        )  # fmt: skip
        add_samples(engine, project.id, word, project.id, {at: 1.0}, {"label": word}, word)
        engine.execute(
            "INSERT INTO rejects (project, time, signal, reason, batch, request, items, sample)"
            f" VALUES ({project.id}, now64(3), 'logs', 'too_old', 1, 1, 1, '{word}')"
        )
    directory = tmp_path_factory.mktemp("hostile")
    file = directory / "secret.txt"
    file.write_text(IN_FILE + "\n")
    trap = Trap()
    trap.start()
    settings = load({"query_seconds": 2, "query_memory_mb": 300, "query_rows": 1000}, environ={})
    yield Ground(own, foreign, file, directory / "out.csv", trap, settings)
    trap.listener.close()


def test_the_corpus_is_large_and_without_duplicates() -> None:
    found = statements()
    assert len(found) >= 200
    assert len(found) == len(set(found))


@pytest.mark.parametrize("statement", statements())
def test_a_hostile_statement_learns_nothing_and_does_no_harm(
    ground: Ground, statement: str
) -> None:
    engine = shared_engine()
    started = time.monotonic()
    error: QuarterdeckError | None = None
    answered = rows_text = ""
    try:
        answer = run_sql(engine, ground.settings, ground.fill(statement), [ground.own])
        answered = json.dumps([[c.name for c in answer.columns], answer.rows], default=str)
        if (
            "numbers(" not in statement and "range(" not in statement
        ):  # a count of the other project's rows
            told = {value for row in answer.rows for value in row if isinstance(value, int)}
            assert not told & {FOREIGN_ROWS, FOREIGN_ROWS + 3}
        rows_text = json.dumps(answer.rows, default=str)
    except QuarterdeckError as refusal:
        error = refusal
    if error is not None:
        rows_text = answered = json.dumps(error.body(), default=str)
        assert error.status < 500, error.message
        assert "__t" not in answered or "__t" in statement, "an error shows how views are built"
        assert str(ground.own.id) not in error.message, "an error shows the binding"
    assert time.monotonic() - started < LONGEST_SECONDS
    assert FOREIGN not in rows_text
    assert IN_FILE not in answered
    assert not ground.out.exists()
    assert not ground.trap.calls


def test_what_a_failed_statement_wrote_never_begins_the_next_answer(ground: Ground) -> None:
    engine = shared_engine()
    failing = "SELECT number, toDate(if(number < 300, '2026-01-01', 'x')) FROM numbers(100000)"
    for _ in range(8):  # once for every connection that the next statement may get
        with pytest.raises(QuarterdeckError):
            run_sql(engine, ground.settings, failing, [ground.foreign])
        assert run_sql(engine, ground.settings, "SELECT 1", [ground.own]).rows == [[1]]


def test_after_all_of_it_everything_is_still_there(ground: Ground) -> None:
    engine = shared_engine()
    for project, rows in ((ground.own, 3), (ground.foreign, FOREIGN_ROWS)):
        for view in ("spans", "logs"):
            answer = run_sql(engine, ground.settings, f"SELECT count() FROM {view}", [project])
            assert answer.rows == [[rows]]


def test_no_name_in_another_case_reaches_a_function_that_is_not_allowed() -> None:
    known = shared_engine().query("functions", "SELECT name, alias_to FROM system.functions").rows
    listed = SCALARS | AGGREGATES | WINDOWS
    aliases = dict(known)
    for name, target in known:
        if allowed(name) and name not in listed:
            base = aliases.get(name) or name
            same_case = {other for other in listed if other.lower() in {name.lower(), base.lower()}}
            combined = any(name.startswith(other) for other in AGGREGATES)
            assert same_case or combined, f"{name} (alias of {target!r}) slips through"


def test_every_allowed_function_exists() -> None:
    known = {
        row[0].lower()
        for row in shared_engine().query("functions", "SELECT name FROM system.functions").rows
    }
    missing = {n for n in SCALARS | AGGREGATES | WINDOWS if n.lower() not in known} - {
        "exists",
        "lambda",
        "grouping",
    }
    assert not missing
