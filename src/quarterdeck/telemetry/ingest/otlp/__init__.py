"""OTLP: traces, logs and metrics, over HTTP (protobuf, JSON) and gRPC.

Source: opentelemetry-proto docs/specification.md and opentelemetry/proto/**.
"""
