"""Agreements: the public ones since 1959 and those this node executes; what they let through, and acting on them."""

from sealane.web.agreements.room import room

__all__ = ["room"]
