"""The ways in for logs besides OTLP, one file a protocol.

Each turns its requests into lines of JSON (lines.py), which the engine splits, parses and judges.
"""
