"""Metrics derived from logs and spans: a resource says what is counted, a clock counts it."""
