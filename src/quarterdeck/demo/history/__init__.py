"""The hour before the start: real traces recorded from the shop, repeated over past time and sent by OTLP."""
