"""Corridors: lanes, voyages, just-in-time arrival, scenarios and plans, and where each of their figures comes from."""

from sealane.web.corridor.page import room

__all__ = ["room"]
