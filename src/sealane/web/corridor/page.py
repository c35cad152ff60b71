"""The room of the corridors: pages, derivations, and what a map shows."""

from __future__ import annotations

from sealane.node.context import Node
from sealane.web.corridor.scenario_views import add_scenario_derivations, add_scenarios
from sealane.web.corridor.views import add_derivations, add_views
from sealane.web.rooms import Room


def room(node: Node) -> Room:
    """Return the room of the corridors."""
    room = Room("corridors", node)
    add_views(room, node)
    add_derivations(room, node)
    add_scenarios(room, node)
    add_scenario_derivations(room, node)
    return room
