"""Errors of applications: what Sentry's SDKs send, grouped into issues that people work on."""
