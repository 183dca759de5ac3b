"""Prometheus as its users know it, over what the engine holds: series, PromQL, the HTTP API, recording rules."""
