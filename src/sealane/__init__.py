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
    from sealane.emissions.emission_factors import emission_factor
    from sealane.emissions.formulas import calc
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
    "InputError": "sealane.errors",
    "InterruptedWorkError": "sealane.errors",
    "InventoryRequest": "sealane.inventory.request",
    "MissingFactorError": "sealane.errors",
    "Record": "sealane.agreements.clauses",
    "ReferenceDataError": "sealane.errors",
    "RequestRefusedError": "sealane.errors",
    "SealaneError": "sealane.errors",
    "Settings": "sealane.inventory.settings",
    "StoreError": "sealane.errors",
    "Terms": "sealane.agreements.clauses",
    "calc": "sealane.emissions.formulas",
    "decide": "sealane.agreements.decisions",
    "emission_factor": "sealane.emissions.emission_factors",
    "explain": "sealane.inventory.explain",
    "list_factors": "sealane.reference",
    "load_agreements": "sealane.agreements",
    "open_node": "sealane.node.open",
    "port": "sealane.reference.ports",
    "read_agreements": "sealane.agreements",
    "read_zones": "sealane.movement.zones",
    "run_inventory": "sealane.jobs",
    "simulate_week": "sealane.samples.los_angeles_week",
    "write_samples": "sealane.samples",
    "write_zones": "sealane.movement.zones",
}

__all__ = [
    "Clause",
    "DataError",
    "EngineError",
    "FileFormatError",
    "InputError",
    "InterruptedWorkError",
    "InventoryRequest",
    "MissingFactorError",
    "Record",
    "ReferenceDataError",
    "RequestRefusedError",
    "SealaneError",
    "Settings",
    "StoreError",
    "Terms",
    "__version__",
    "calc",
    "decide",
    "emission_factor",
    "explain",
    "list_factors",
    "load_agreements",
    "open_node",
    "port",
    "read_agreements",
    "read_zones",
    "run_inventory",
    "simulate_week",
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
