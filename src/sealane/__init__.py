"""Sealane: green and digital shipping corridors between partner ports.

AIS positions become port calls, energy and an emissions inventory in which every figure is explained; agreements
become signed documents that two nodes execute, so that data flow exactly as agreed.

>>> import sealane
>>> [a.id for a in sealane.load_agreements().find(partner="Gothenburg")]
['gothenburg-mou-2023']

Each public name loads its part of the program when it is first used; importing the package alone compiles nothing,
opens nothing and is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealane.agreements import load_agreements, read_agreements
    from sealane.agreements.clauses import Clause, Record, Terms
    from sealane.agreements.decisions import decide
    from sealane.corridors.arrival.run import run_arrival
    from sealane.corridors.arrival.slow_steaming import slow_steaming
    from sealane.corridors.call_table import read_calls
    from sealane.corridors.fuels import pathway
    from sealane.corridors.lanes.document import read_corridor
    from sealane.corridors.lanes.run import run_lane
    from sealane.corridors.plan.solve import solve_plan
    from sealane.corridors.rules.formulas import calc
    from sealane.corridors.rules.ship_year import FuelUse, ShipYear
    from sealane.corridors.scenarios.compare import compare_scenarios
    from sealane.corridors.scenarios.ensemble import ensemble
    from sealane.corridors.scenarios.read import read_scenario
    from sealane.corridors.scenarios.simulate import simulate
    from sealane.corridors.scenarios.tornado import tornado
    from sealane.emissions.emission_factors import emission_factor
    from sealane.errors import (
        DataError,
        EngineError,
        FileFormatError,
        InputError,
        InterruptedWorkError,
        MissingFactorError,
        ReferenceDataError,
        RequestRefusedError,
        SealaneError,
        StoreError,
    )
    from sealane.inventory.explain import explain
    from sealane.inventory.request import InventoryRequest
    from sealane.inventory.settings import Settings
    from sealane.jobs import run_inventory
    from sealane.movement.routes.find import route
    from sealane.movement.zones import read_zones, write_zones
    from sealane.node.open import open_node
    from sealane.reference import list_factors
    from sealane.reference.ports import port
    from sealane.samples import write_samples
    from sealane.samples.los_angeles_week import simulate_week

__version__ = "0.1.0"

# Public name -> the module it lives in.
_HOMES = {
    "Clause": "sealane.agreements.clauses",
    "DataError": "sealane.errors",
    "EngineError": "sealane.errors",
    "FileFormatError": "sealane.errors",
    "FuelUse": "sealane.corridors.rules.ship_year",
    "InputError": "sealane.errors",
    "InterruptedWorkError": "sealane.errors",
    "InventoryRequest": "sealane.inventory.request",
    "MissingFactorError": "sealane.errors",
    "Record": "sealane.agreements.clauses",
    "ReferenceDataError": "sealane.errors",
    "RequestRefusedError": "sealane.errors",
    "SealaneError": "sealane.errors",
    "Settings": "sealane.inventory.settings",
    "ShipYear": "sealane.corridors.rules.ship_year",
    "StoreError": "sealane.errors",
    "Terms": "sealane.agreements.clauses",
    "calc": "sealane.corridors.rules.formulas",
    "compare_scenarios": "sealane.corridors.scenarios.compare",
    "decide": "sealane.agreements.decisions",
    "emission_factor": "sealane.emissions.emission_factors",
    "ensemble": "sealane.corridors.scenarios.ensemble",
    "explain": "sealane.inventory.explain",
    "list_factors": "sealane.reference",
    "load_agreements": "sealane.agreements",
    "open_node": "sealane.node.open",
    "pathway": "sealane.corridors.fuels",
    "port": "sealane.reference.ports",
    "read_agreements": "sealane.agreements",
    "read_calls": "sealane.corridors.call_table",
    "read_corridor": "sealane.corridors.lanes.document",
    "read_scenario": "sealane.corridors.scenarios.read",
    "read_zones": "sealane.movement.zones",
    "route": "sealane.movement.routes.find",
    "run_arrival": "sealane.corridors.arrival.run",
    "run_inventory": "sealane.jobs",
    "run_lane": "sealane.corridors.lanes.run",
    "simulate": "sealane.corridors.scenarios.simulate",
    "simulate_week": "sealane.samples.los_angeles_week",
    "slow_steaming": "sealane.corridors.arrival.slow_steaming",
    "solve_plan": "sealane.corridors.plan.solve",
    "tornado": "sealane.corridors.scenarios.tornado",
    "write_samples": "sealane.samples",
    "write_zones": "sealane.movement.zones",
}

__all__ = [
    "Clause",
    "DataError",
    "EngineError",
    "FileFormatError",
    "FuelUse",
    "InputError",
    "InterruptedWorkError",
    "InventoryRequest",
    "MissingFactorError",
    "Record",
    "ReferenceDataError",
    "RequestRefusedError",
    "SealaneError",
    "Settings",
    "ShipYear",
    "StoreError",
    "Terms",
    "__version__",
    "calc",
    "compare_scenarios",
    "decide",
    "emission_factor",
    "ensemble",
    "explain",
    "list_factors",
    "load_agreements",
    "open_node",
    "pathway",
    "port",
    "read_agreements",
    "read_calls",
    "read_corridor",
    "read_scenario",
    "read_zones",
    "route",
    "run_arrival",
    "run_inventory",
    "run_lane",
    "simulate",
    "simulate_week",
    "slow_steaming",
    "solve_plan",
    "tornado",
    "write_samples",
    "write_zones",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home when it is first asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'sealane' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
