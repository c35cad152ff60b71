"""Engine and fuel codes: what the user writes, and which rows of the tables each takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Engine:
    """One engine code.

    Attributes
    ----------
    group : ``propulsion``, ``auxiliary`` or ``boiler``.
    row : engine key in the ``ogv_*`` tables.
    imo4 : engine key in table ``imo4_sfc``.
    diesel : compression-ignition engine on oil; only these have NOx tiers above 0 and emit diesel particulate matter.
    strokes : 2 for slow-speed, 4 for faster diesel engines, 0 for all others.
    """

    group: str
    row: str
    imo4: str
    diesel: bool
    strokes: int


@dataclass(frozen=True)
class Fuel:
    """One fuel code: its key in the ``ogv_*`` tables, in ``imo4_sfc`` and in the fuel property tables.

    ``None`` where a table does not know the fuel.
    """

    rows: str | None
    imo4: str | None
    properties: str | None


ENGINES: Mapping[str, Engine] = MappingProxyType(
    {
        "SSD": Engine("propulsion", "SSD", "SSD", diesel=True, strokes=2),
        "MSD": Engine("propulsion", "MSD", "MSD", diesel=True, strokes=4),
        "HSD": Engine("propulsion", "HSD", "HSD", diesel=True, strokes=4),
        "ST": Engine("propulsion", "ST", "steam_turbine", diesel=False, strokes=0),
        "GT": Engine("propulsion", "GT", "gas_turbine", diesel=False, strokes=0),
        "LNG": Engine("propulsion", "LNG", "LNG-Otto-MS", diesel=False, strokes=0),
        "MSD-ED": Engine("propulsion", "MSD-ED", "MSD", diesel=True, strokes=4),
        "GT-ED": Engine("propulsion", "GT-ED", "gas_turbine", diesel=False, strokes=0),
        "AUX-MSD": Engine("auxiliary", "MSD", "auxiliary_engine", diesel=True, strokes=4),
        "AUX-HSD": Engine("auxiliary", "HSD", "auxiliary_engine", diesel=True, strokes=4),
        "AUX-LNG": Engine("auxiliary", "LNG", "auxiliary_engine", diesel=False, strokes=0),
        "BOILER": Engine("boiler", "BOILER", "steam_boiler", diesel=False, strokes=0),
    }
)
"""SSD, MSD, HSD: slow, medium, high-speed diesel; ST, GT: steam, gas turbine; -ED: electric drive; AUX-: auxiliary."""

FUELS: Mapping[str, Fuel] = MappingProxyType(
    {
        "HFO": Fuel("RM/HFO", "HFO", "HFO"),
        "VLSFO": Fuel("RM/HFO", "HFO", "HFO"),
        "MGO": Fuel("MGO/MDO", "MDO", "MDO/MGO"),
        "MDO": Fuel("MGO/MDO", "MDO", "MDO/MGO"),
        "LNG": Fuel("LNG", "LNG", "LNG"),
        "METHANOL": Fuel(None, "MeOH", "Methanol"),
    }
)
"""VLSFO takes the residual-fuel rows at its own sulphur. Methanol has rows in ``imo4-2020`` only."""
