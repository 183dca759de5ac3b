"""How far each job that counts what arrived has come, kept in the store beside what it counts."""

from collections.abc import Mapping

from quarterdeck.store.telemetry import Engine, Limits

_LIMITS = Limits(seconds=20, memory_mb=64, threads=1)


def reached_ms(engine: Engine, job: str) -> int:
    """The arrival up to which a job has counted, in milliseconds since 1970; 0 before its first run."""
    sql = "SELECT toUnixTimestamp64Milli(argMax(received, version)), count() FROM facet_marks WHERE signal = {job:String}"
    at, known = engine.query("marks", sql, {"job": job}, limits=_LIMITS).rows[0]
    return int(at) if known else 0


def note(engine: Engine, job: str, reached: int, version: int | None = None) -> None:
    """A job has counted up to an arrival. `job` is a name of ours; the highest version holds."""
    engine.execute(
        "INSERT INTO facet_marks (signal, received, version)"
        f" VALUES ('{job}', fromUnixTimestamp64Milli({int(reached)}), {int(version or reached)})"
    )


def note_all(engine: Engine, reached: Mapping[str, int]) -> None:
    """Several jobs have counted up to an arrival (milliseconds) each; names as in `note`."""
    rows = ", ".join(
        f"('{job}', fromUnixTimestamp64Milli({int(at)}), {int(at)})" for job, at in reached.items()
    )
    engine.execute(f"INSERT INTO facet_marks (signal, received, version) VALUES {rows}")
