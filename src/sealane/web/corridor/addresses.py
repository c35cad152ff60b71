"""Addresses of derivations: one way to write them, so that a figure and its parts meet at the same place."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode


def address(path: str, **query: object) -> str:
    """Return a path with its query, without what is None."""
    kept = [(key, str(value)) for key, value in query.items() if value is not None]
    return quote(path, safe="/:") + (f"?{urlencode(kept)}" if kept else "")


def lane_address(result_id: str, query: Mapping[str, object]) -> str:
    """Address of the derivation of a lane's figure."""
    return address(f"/explain/lane/{result_id}", **query)


def scenario_address(result_id: str, **query: object) -> str:
    """Address of the derivation of a figure of a scenario or plan."""
    return address(f"/explain/scenario/{result_id}", **query)


def arrival_address(result_id: str, **query: object) -> str:
    """Address of the derivation of a figure of an arrival study."""
    return address(f"/explain/arrival/{result_id}", **query)


def plan_address(result_id: str, **query: object) -> str:
    """Address of the derivation of a plan's shadow price."""
    return address(f"/explain/plan/{result_id}", **query)
