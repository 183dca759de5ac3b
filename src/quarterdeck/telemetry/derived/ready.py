"""Derived metrics that most projects want, offered ready made: nothing counts until one is saved."""

from typing import Any

READY: dict[str, dict[str, Any]] = {
    "edge-function-duration": {
        "title": "Duration of edge functions",
        "description": "How long edge and serverless functions take, by function; from the log drains of Vercel, Netlify and Supabase.",
        "metric": "faas.invoke_duration",
        "signal": "logs",
        "query": "faas.duration:*",
        "aggregation": "histogram",
        "field": "faas.duration",
        "scale": 0.001,
        "unit": "s",
        "group_by": ["faas.name"],
    },
    "edge-function-status": {
        "title": "Status of edge functions",
        "description": "Invocations of edge and serverless functions by the status they answered with.",
        "metric": "faas.invocations",
        "signal": "logs",
        "query": "faas.name:* http.response.status_code:*",
        "unit": "{invocation}",
        "group_by": ["faas.name", "http.response.status_code"],
    },
    "log-errors": {
        "title": "Errors in logs",
        "description": "Records of level error and above, by service.",
        "metric": "log.errors",
        "signal": "logs",
        "query": "level>=error",
        "unit": "{record}",
        "group_by": ["severity"],
    },
    "request-duration": {
        "title": "Duration of requests",
        "description": "How long services take to answer, by operation and outcome.",
        "metric": "span.server.duration",
        "signal": "traces",
        "query": "kind:server",
        "aggregation": "histogram",
        "field": "duration",
        "unit": "s",
        "group_by": ["name", "status"],
    },
}
