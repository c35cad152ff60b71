"""Well-to-tank emissions of fuel per kWh: the upstream part of well-to-wake CO2e.

Published only as CO2e, so there is no upstream NOx, SO2 or particulate matter. Two sets: the defaults of the IMO
life-cycle guidelines, and FuelEU Maritime Annex II. The IMO has adopted none for LNG and methanol; FuelEU's stand in.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sealane.emissions.emission_factors import Factor
from sealane.emissions.factor_query import factor_query, fuel_consumption
from sealane.errors import DataError, Fault, MissingFactorError
from sealane.movement.compiled import njit
from sealane.reference import load_table

WTT_SETS = ("imo-lca-2024", "fueleu-2023")
MJ_PER_KG_TO_MJ_PER_G = 0.001

_FUELEU: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "HFO": ("HFO", "ICE"),
        "VLSFO": ("HFO", "ICE"),
        "MGO": ("MDO/MGO", "ICE"),
        "MDO": ("MDO/MGO", "ICE"),
        "LNG": ("LNG", "Otto dual-fuel medium speed"),
        "METHANOL": ("Methanol (natural gas)", "ICE"),
    }
)
_IMO_LCA: Mapping[str, str] = MappingProxyType(
    {
        "HFO": "HFO(HSHFO)_f_SR_gm",
        "VLSFO": "HFO(VLSFO)_f_SR_gm",
        "MGO": "MDO/MGO(ULSFO)_f_SR_gm",
        "MDO": "MDO/MGO(ULSFO)_f_SR_gm",
    }
)


@njit(nogil=True, cache=True)
def well_to_tank_factor(bsfc_g_per_kwh: float, lcv_mj_per_kg: float, wtt_g_per_mj: float) -> float:
    """Upstream CO2e [g/kWh] = fuel consumption [g/kWh] x lower calorific value [MJ/kg] / 1000 x WtT [g CO2e/MJ].

    Source: Regulation (EU) 2023/1805 Annex I; MEPC.391(81).
    """
    return bsfc_g_per_kwh * (lcv_mj_per_kg * MJ_PER_KG_TO_MJ_PER_G) * wtt_g_per_mj


def well_to_tank(
    engine: str,
    fuel: str | None = None,
    load: float = 1.0,
    method: str = "epa-2022",
    wtt_set: str = "imo-lca-2024",
    *,
    baseline: bool = False,
    age: str = "after_2000",
) -> Factor:
    """Well-to-tank factor of an engine's fuel [g CO2e/kWh], fossil pathway.

    Parameters
    ----------
    engine, fuel, load, method, age : as `sealane.emissions.emission_factors.emission_factor`.
    wtt_set : ``imo-lca-2024`` or ``fueleu-2023``.
    baseline : keep fuel consumption at its baseline (``imo4-2020``), as `factor_vector` does.

    Raises
    ------
    DataError
        listing every input that is not known or out of range.
    MissingFactorError
        if no value is held for the fuel.
    """
    if wtt_set not in WTT_SETS:
        fault = Fault("wtt_set", f"'{wtt_set}'", f"Give one of: {', '.join(WTT_SETS)}")
        raise DataError("The well-to-tank factor cannot be looked up.", [fault])
    query = factor_query(engine, fuel, 0, load, None, method, "ar5", age, baseline=baseline)
    if query.fuel not in _FUELEU:
        raise MissingFactorError(
            f"No well-to-tank value is held for fuel {query.fuel}. Give it yourself, with its source."
        )
    table, key = load_table("fueleu_annex2_fossil"), _FUELEU[query.fuel]
    if wtt_set == "imo-lca-2024" and query.fuel in _IMO_LCA:
        table, key = load_table("imo_lca_defaults"), (_IMO_LCA[query.fuel],)
    wtt, lcv = table.row(*key, "wtt"), table.row(*key, "lcv")
    consumption, words, rows = fuel_consumption(query)
    return Factor(
        pollutant="wtt_co2e",
        engine=query.engine,
        fuel=query.fuel,
        value=well_to_tank_factor(consumption, lcv.value, wtt.value),
        equation=f"{words} x LCV x WtT",
        rows=(*rows, lcv, wtt),
        assumptions=(),
        tier=query.tier,
        load=load,
        sulphur_pct=query.sulphur_pct,
        method=method,
        gwp=query.gwp,
    )
