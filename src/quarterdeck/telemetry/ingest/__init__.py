"""Telemetry in: from bytes on a socket to rows that survive a kill, one literal list of steps."""
