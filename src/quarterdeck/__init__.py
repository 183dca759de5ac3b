"""Quarterdeck: the place from which a small team runs its web application in production."""

__version__ = "0.1.0"
