"""Fixtures of the fuzzer's own tests."""

from tests.fuzz.leaks import collected

__all__ = ["collected"]
