"""Which environments a project has spoken of lately, from the rollups: a few milliseconds."""

from quarterdeck.store.telemetry import Engine, Limits

_HOURS = 2
_LIMITS = Limits(seconds=10, memory_mb=256, threads=1)
_SQL = f"""
SELECT project, environment FROM red_1m
WHERE minute > now() - INTERVAL {_HOURS} HOUR AND environment != ''
UNION DISTINCT
SELECT project, environment FROM logs_1m
WHERE minute > now() - INTERVAL {_HOURS} HOUR AND environment != ''
UNION DISTINCT
SELECT project, environment FROM series
WHERE day >= today() - 1 AND environment != ''
"""


def environments(engine: Engine) -> set[tuple[int, str]]:
    """(project, environment), of all projects."""
    found = engine.query("environments", _SQL, limits=_LIMITS, reserved=True)
    return {(int(project), str(name)) for project, name in found.rows}
