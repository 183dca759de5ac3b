"""Dashboards: what they are made of, those that ship with the server, and how Grafana's are read."""
