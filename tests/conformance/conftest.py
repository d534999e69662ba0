"""Fixtures of the comparison with frictionless."""

from tests.fuzz.leaks import collected

__all__ = ["collected"]
