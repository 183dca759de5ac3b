"""Scraping: exporters are asked for their metrics on a clock, as Prometheus asks them.

`spec.py` is what a person configures, `discovery.py` finds targets, `target.py` says what a target
is called, `engine.py` is the clock, `fetch.py` asks, `text.py` and `families.py` read the answer,
`series.py` names and limits the series, `turn.py` makes one request to remote write of it all.
"""
