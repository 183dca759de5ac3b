"""SQL for users: one SELECT over our views, checked and bound to a project before it runs."""

from quarterdeck.telemetry.sql.answer import SqlAnswer, run_sql

__all__ = ["SqlAnswer", "run_sql"]
