"""OTLP metrics as Prometheus series, translated when they are asked for."""
