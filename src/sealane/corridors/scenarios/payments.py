"""What rules cost a corridor in a year: prices on emissions, and the fleet-wide lines of FuelEU and the Net-Zero draft.

The corridor's ships are taken as one: FuelEU lets companies pool, and the Net-Zero draft lets surplus units be
transferred. A surplus is worth nothing here. A single ship-year is assessed by `sealane rule`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sealane.corridors.rules.fueleu import constant
from sealane.corridors.scenarios.model import Floats, Payments

T_TO_G = 1e6
GJ_TO_MJ = 1e3


def payments_usd(
    payments: Payments, *, energy_gj: Floats, fuel_wtw_t: Floats, wtw_t: Floats, ttw_t: Floats
) -> Mapping[str, Floats]:
    """Yearly payments [USD] by rule, only of rules that are on; each in the shape of the emissions, ``(D, Y)``.

    Parameters
    ----------
    energy_gj : fuel energy.
    fuel_wtw_t : well-to-wake of the fuel [t CO2e].
    wtw_t : the same with electricity from shore.
    ttw_t : tank-to-wake as the rule counts it: carbon of biogenic or captured origin left out.
    """
    found: dict[str, Floats] = {}
    if payments.ttw_usd_per_t.any():
        found["eu-ets"] = payments.ttw_usd_per_t * ttw_t
    if payments.wtw_usd_per_t.any():
        found["carbon-price"] = payments.wtw_usd_per_t * wtw_t
    energy_mj = energy_gj * GJ_TO_MJ
    intensity = np.divide(fuel_wtw_t * T_TO_G, energy_mj, out=np.zeros_like(energy_mj), where=energy_mj > 0.0)
    if not np.isnan(payments.nzf_base_g_per_mj).all():
        found["nzf"] = net_zero_usd(payments, intensity, energy_mj)
    if payments.fueleu_scope > 0.0 and not np.isnan(payments.fueleu_limit_g_per_mj).all():
        found["fueleu"] = fueleu_usd(payments, intensity, energy_mj)
    return found


def net_zero_usd(payments: Payments, intensity_g_per_mj: Floats, energy_mj: Floats) -> Floats:
    """Remedial units of the IMO Net-Zero Framework (draft, MEPC 83) [USD]; 0 in years without a line."""
    base, direct = payments.nzf_base_g_per_mj, payments.nzf_direct_g_per_mj
    tier1 = np.maximum(0.0, np.minimum(intensity_g_per_mj, base) - direct)
    tier2 = np.maximum(0.0, intensity_g_per_mj - base)
    usd = (tier1 * payments.nzf_tier1_usd_per_t + tier2 * payments.nzf_tier2_usd_per_t) * energy_mj / T_TO_G
    return np.asarray(np.nan_to_num(usd))


def fueleu_usd(payments: Payments, intensity_g_per_mj: Floats, energy_mj: Floats) -> Floats:
    """FuelEU Maritime penalty [USD], Regulation (EU) 2023/1805 Annex IV, first year of a deficit, nothing banked."""
    vlsfo_mj_per_t, eur_per_t = constant("vlsfo_energy").value, constant("penalty_per_vlsfo_t").value
    deficit_g = np.maximum(0.0, intensity_g_per_mj - payments.fueleu_limit_g_per_mj) * energy_mj * payments.fueleu_scope
    tonnes = np.divide(
        deficit_g,
        intensity_g_per_mj * vlsfo_mj_per_t,
        out=np.zeros_like(deficit_g),
        where=intensity_g_per_mj > 0.0,
    )
    return np.asarray(np.nan_to_num(tonnes * eur_per_t * payments.usd_per_eur))
