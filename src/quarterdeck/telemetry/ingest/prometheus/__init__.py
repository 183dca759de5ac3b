"""Prometheus remote write, and the way in for whatever else has Prometheus series to keep."""
