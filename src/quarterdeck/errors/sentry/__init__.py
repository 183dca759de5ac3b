"""Sentry's protocol: envelopes, and what each kind of item becomes here."""
