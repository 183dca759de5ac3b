"""Dashboards of Grafana, read into ours, with a list of what did not come along."""

from quarterdeck.telemetry.dashboards.grafana.notes import Note
from quarterdeck.telemetry.dashboards.grafana.read import MOST_BYTES, Found, read_dashboard

__all__ = ["MOST_BYTES", "Found", "Note", "read_dashboard"]
