"""Fixtures of the exchange's tests."""

from tests.exchange.delivery_pair import make_pair

__all__ = ["make_pair"]
