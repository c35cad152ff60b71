"""Cargo: where a container, a bill of lading, a booking or a voyage is, as every source held at this node tells it."""

from sealane.web.cargo.follows import NewMilestones, new_milestones
from sealane.web.cargo.room import room

__all__ = ["NewMilestones", "new_milestones", "room"]
