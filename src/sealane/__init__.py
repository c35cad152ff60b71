"""Sealane: green and digital shipping corridors between partner ports."""

__version__ = "0.1.0"
