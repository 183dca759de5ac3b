"""The demonstration: a small real web shop whose telemetry reaches Quarterdeck through its public doors.

`shop` holds the services, each a process of its own, instrumented with the public
OpenTelemetry SDK alone; `traffic` its visitors; `history` the hour before the start;
`launcher` runs them beside a server. Nothing here is used by the product except `api`.
"""
