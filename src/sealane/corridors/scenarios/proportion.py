"""Numbers of a scenario file against the corridor's own size: what no range of its own can tell is a unit mistake.

A cap of 300 tonnes and one of 300 kilotonnes are both plausible emissions, but not both for one corridor. What differs
from the fossil case beyond all proportion, and would fit in another unit, is a fault that names the unit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sealane.corridors.scenarios.evaluate import evaluate, fossil_case
from sealane.corridors.scenarios.marks import Node
from sealane.corridors.scenarios.model import Floats, ScenarioModel
from sealane.corridors.scenarios.quantities import UNITS

# Pilot fuel alone emits more than a three-hundredth of the fossil case.
LEAST_CAP, MOST_CAP = 1 / 300.0, 300.0
# A ship-month of a large corridor's energy; a whole port's fuel for a small one.
LEAST_FUEL, MOST_FUEL = 1e-4, 1e3
# A number that fits the corridor is within these of it.
FITS = (1 / 300.0, 10.0)


def check_proportions(model: ScenarioModel, reduction: Floats, top: Node) -> ScenarioModel:
    """Turn a reduction against the fossil case into tonnes; add faults for caps and fuels out of all proportion."""
    if top.faults:
        return model
    outcome = evaluate(fossil_case(model))
    fossil_t, energy_gj = outcome.wtw_t[0], float(outcome.energy_gj[0].max())
    for y in np.flatnonzero(~np.isnan(model.cap_wtw_t)):
        words = f"in {model.years[y]}, where the fossil case emits {fossil_t[y]:,.0f} t"
        ratio = model.cap_wtw_t[y] / fossil_t[y] if fossil_t[y] > 0.0 else 1.0
        if _fault(_at(top, "targets", "wtw"), "t/year", ratio, (LEAST_CAP, MOST_CAP), words):
            break
    for fuel in model.fuels:
        for p, port in enumerate(model.ports):
            given = fuel.available_gj[p][np.isfinite(fuel.available_gj[p])]
            node = _at(top, "fuels", fuel.id, "available", port)
            for value in sorted({float(given.min()), float(given.max())}) if given.size else []:
                words = f"{value:,.0f} GJ of it, where the corridor burns {energy_gj:,.0f} GJ a year"
                if _fault(node, "GJ/year", value / energy_gj, (LEAST_FUEL, MOST_FUEL), words, fuel.lhv_gj_per_t):
                    break
    return replace(model, cap_wtw_t=np.fmin(model.cap_wtw_t, (1.0 - reduction) * fossil_t))


def _at(top: Node, *keys: str) -> Node | None:
    node: Node | None = top
    for key in keys:
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node


def _fault(
    node: Node | None,
    canonical: str,
    ratio: float,
    bounds: tuple[float, float],
    words: str,
    lhv_gj_per_t: float | None = None,
) -> bool:
    """Add a fault where a number is out of proportion and would fit in another unit; True if one was added."""
    if node is None or ratio == 0.0 or bounds[0] <= ratio <= bounds[1]:
        return False
    factors = dict(UNITS[canonical])
    if lhv_gj_per_t is not None:
        factors |= {"t/year": lhv_gj_per_t, "kt/year": lhv_gj_per_t * 1e3, "Mt/year": lhv_gj_per_t * 1e6}
    unit_node = node.value.get("unit") if isinstance(node.value, dict) else None
    written = str(unit_node.value) if unit_node is not None else canonical
    fitting = [
        (abs(np.log(factor / factors[written])), unit)
        for unit, factor in factors.items()
        if written in factors and FITS[0] <= ratio * factor / factors[written] <= FITS[1]
    ]
    same = [item for item in fitting if (item[1][-6:] == "t/year") == (written[-6:] == "t/year")] or fitting
    if not same:
        return False
    node.fault(words, f"Looks like {min(same)[1]} where {written} is written")
    return True
