"""Sentry's protocol: envelopes, the old store endpoint and browsers' security reports, taken in.

`http.py` has the routes, `items.py` the table of what becomes of each kind of item.
"""
