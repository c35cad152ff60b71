"""What a reader of rule payments must know: where the corridor as one differs from a ship-year by `sealane rule`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.rules import eu_ets
from sealane.corridors.rules.fueleu import constant
from sealane.corridors.scenarios.evaluate import Outcome
from sealane.corridors.scenarios.model import Floats, ScenarioModel

_MUSD = 1e6


def rule_notes(model: ScenarioModel, outcome: Outcome) -> list[str]:
    """Notes on what the rules that are switched on cost; the first draw of `outcome`."""
    notes = []
    years, priced = model.years, model.payments.ttw_usd_per_t > 0.0
    early = [int(year) for year in years[priced] if year >= eu_ets.FIRST_YEAR and not _all_gases(int(year))]
    if early:
        notes.append(
            f"EU ETS in {', '.join(map(str, early))}: CH4 and N2O are counted here, though the directive counts CO2 "
            "alone before 2026; these years are a little too dear."
        )
    paid = outcome.rules_usd.get("fueleu")
    if paid is not None and paid[0].any():
        notes.append(
            "FuelEU is worked out with the scenario's own well-to-wake figures, not with those of Annex II, and counts "
            "an RFNBO once: `sealane rule fueleu` assesses a ship's year by the Annex, with its reward."
        )
        factor = consecutive_factor(years, paid[0] > 0.0)
        weight, worst = model.year_weight, int(factor.argmax())
        if factor.max() > 1.0:
            notes.append(
                "FuelEU penalties are those of a first period with a deficit. For a ship in deficit period after "
                f"period Article 23 adds a tenth each time: up to {factor.max():.1f} times in {years[worst]}, "
                f"{float(weight @ (factor * paid[0])) / _MUSD:,.1f} instead of {float(weight @ paid[0]) / _MUSD:,.1f} "
                "MUSD over the years, not discounted."
            )
    return notes


def _all_gases(year: int) -> bool:
    return all(row.value for row in eu_ets.gas_rows(year))


def consecutive_factor(years: NDArray[np.int64], deficit: NDArray[np.bool_]) -> Floats:
    """``1 + (n - 1) / 10`` of FuelEU Maritime Article 23(2), n counting years of a deficit in a row, ``(Y,)``.

    Years between two model years in deficit are taken to be in deficit too; 1 where there is none.
    """
    increment = constant("consecutive_increment").value
    found, row = np.ones(len(years)), 0
    for y in range(len(years)):
        if not deficit[y]:
            row = 0
            continue
        row = row + int(years[y] - years[y - 1]) if row else 1
        found[y] = 1.0 + (row - 1) * increment
    return found
