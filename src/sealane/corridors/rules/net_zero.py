"""IMO Net-Zero Framework: greenhouse gas fuel intensity, deficits of Tier 1 and Tier 2, surplus. A draft, not in force.

Draft amendments to MARPOL Annex VI approved at MEPC 83 (April 2025); adoption was adjourned on 17 October 2025. Every
entry point asks for ``drafts=True``, and every result says that it is of a draft.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.fuels import Pathway, gwp_set
from sealane.corridors.rules.ship_year import (
    G_PER_T,
    ShipYear,
    burnt,
    check_particulars,
    result_as_dict,
    unique_rows,
)
from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference import FactorRow, load_table

EDITION = "Draft amendments to MARPOL Annex VI, MEPC 83 (April 2025); not adopted"
STATUS = "DRAFT, not in force"
LINES = ("base", "direct")
TIERS = (1, 2)
DEFAULT_GWP = "ar5"


@dataclass(frozen=True)
class NetZeroResult:
    """Net-Zero Framework (draft) of one ship and year.

    Attributes
    ----------
    ship, year, imo, applies : who, when, and whether the draft would hold for the ship.
    energy_mj : all fuel energy of the year, shore power included [MJ].
    gfi_g_per_mj : attained greenhouse gas fuel intensity, well-to-wake; NaN without energy.
    base_g_per_mj, direct_g_per_mj : base target and direct compliance target.
    tier1_t, tier2_t : deficits [t CO2e] between the targets and above the base target.
    surplus_t : surplus units below the direct compliance target [t CO2e].
    tier1_usd_per_t, tier2_usd_per_t : prices of remedial units; NaN where none is set or given.
    cost_usd : remedial units bought for both deficits; NaN where a price that is needed is not set.
    gwp, edition, status, rows, notes : provenance.
    """

    ship: str
    year: int
    imo: int | None
    applies: bool
    energy_mj: float
    gfi_g_per_mj: float
    base_g_per_mj: float
    direct_g_per_mj: float
    tier1_t: float
    tier2_t: float
    surplus_t: float
    tier1_usd_per_t: float
    tier2_usd_per_t: float
    cost_usd: float
    gwp: str
    rows: tuple[FactorRow, ...]
    notes: tuple[str, ...]
    edition: str = EDITION
    status: str = STATUS

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return result_as_dict("nzf", self)


def check_allowed(*, drafts: bool) -> None:
    """Raise DataError unless drafts were asked for."""
    if not drafts:
        remedy = "Ask for drafts: --draft on the command line, drafts=True in Python; the result then says DRAFT"
        raise DataError(
            "The IMO Net-Zero Framework is a draft and off by default.",
            [Fault("rule nzf", "not adopted (adjourned on 2025-10-17)", remedy)],
        )


def target_rows(year: int, line: str, *, drafts: bool = False) -> tuple[FactorRow, ...]:
    """Rows of a target: reference intensity and reduction of the year.

    Parameters
    ----------
    year : 2028 to 2035 for both lines; 2040 for ``base`` only.
    line : ``base`` or ``direct``.
    drafts : must be True.

    Raises
    ------
    DataError
        if drafts were not asked for, or for another line.
    MissingFactorError
        for a year the draft leaves open, 2036 to 2039 among them; nothing is interpolated.
    """
    check_allowed(drafts=drafts)
    if line not in LINES:
        raise DataError("Unknown target.", [Fault("line", f"'{line}'", f"Give one of: {', '.join(LINES)}")])
    table = load_table("nzf_targets")
    if not table.has(str(year), line):
        years = sorted(int(row.text("year")) for row in table.find(line=line))
        raise MissingFactorError(
            f"The draft Net-Zero Framework sets no {line} target for {year}; it does for "
            f"{', '.join(map(str, years))}. The others are to be decided by 2032; "
            "nothing is interpolated. Choose such a year."
        )
    return (load_table("rule_constants").row("nzf", "reference_gfi"), table.row(str(year), line))


def target_g_per_mj(year: int, line: str, *, drafts: bool = False) -> float:
    """Base or direct compliance target [g CO2e/MJ] of a year; errors as `target_rows`."""
    reference, reduction = target_rows(year, line, drafts=drafts)
    return reference.value * (1.0 - reduction.value / 100.0)


def targets_g_per_mj(
    years: Sequence[int] | NDArray[np.int64], line: str, *, drafts: bool = False
) -> NDArray[np.float64]:
    """Targets of several years [g CO2e/MJ]; NaN before the first year, an error for a later year left open."""
    check_allowed(drafts=drafts)
    first = min(int(row.text("year")) for row in load_table("nzf_targets").rows)
    return np.array(
        [target_g_per_mj(int(y), line, drafts=True) if int(y) >= first else math.nan for y in years], dtype=np.float64
    )


def price_rows(year: int, *, drafts: bool = False) -> Mapping[int, FactorRow]:
    """Rows of remedial unit prices by tier [USD/t]; empty where the draft leaves them open (from 2031)."""
    check_allowed(drafts=drafts)
    table = load_table("nzf_prices")
    return {tier: table.row(str(year), str(tier)) for tier in TIERS if table.has(str(year), str(tier))}


def prices_usd_per_t(
    years: Sequence[int] | NDArray[np.int64], tier: int, *, drafts: bool = False
) -> NDArray[np.float64]:
    """Remedial unit prices of several years [USD/t]; NaN where the draft sets none."""
    rows = [price_rows(int(y), drafts=drafts) for y in years]
    return np.array([row[tier].value if tier in row else math.nan for row in rows], dtype=np.float64)


def deficits_g_per_mj(gfi_g_per_mj: float, base_g_per_mj: float, direct_g_per_mj: float) -> tuple[float, float, float]:
    """Tier 1 deficit, Tier 2 deficit and surplus per energy [g CO2e/MJ].

    ``(min(GFI, base) - direct)+``, ``(GFI - base)+`` and ``(direct - GFI)+``.
    """
    return (
        max(0.0, min(gfi_g_per_mj, base_g_per_mj) - direct_g_per_mj),
        max(0.0, gfi_g_per_mj - base_g_per_mj),
        max(0.0, direct_g_per_mj - gfi_g_per_mj),
    )


def _price(given: float | None, row: FactorRow | None) -> float:
    if given is not None:
        return given
    return math.nan if row is None else row.value


def _cost(tonnes: float, price: float) -> float:
    return 0.0 if tonnes == 0.0 else tonnes * price


def assess(
    ship_year: ShipYear,
    gwp: str = DEFAULT_GWP,
    *,
    drafts: bool = False,
    tier1_usd_per_t: float | None = None,
    tier2_usd_per_t: float | None = None,
    own: Sequence[Pathway] = (),
) -> NetZeroResult:
    """Deficits and remedial units of a ship's year under the draft.

    Parameters
    ----------
    ship_year : what was burnt; all of it counts, whatever its scope.
    gwp : ``ar5`` (28/265), as in the life-cycle guidelines.
    drafts : must be True.
    tier1_usd_per_t, tier2_usd_per_t : prices in place of the draft's, which end with 2030.
    own : fuels of the user's own.

    Raises
    ------
    DataError
        if drafts were not asked for, or listing every fault of the fuels.
    MissingFactorError
        for a year without both targets, or a fuel without a well-to-tank value (the IMO has none for LNG).
    """
    check_allowed(drafts=drafts)
    prices = {"tier1_usd_per_t": tier1_usd_per_t, "tier2_usd_per_t": tier2_usd_per_t}
    check_particulars(ship_year, "The Net-Zero Framework", prices)
    base_rows = target_rows(ship_year.year, "base", drafts=True)
    direct_rows = target_rows(ship_year.year, "direct", drafts=True)
    least = load_table("rule_constants").row("nzf", "gross_tonnage_from")
    applies = ship_year.gt is None or ship_year.gt >= least.value
    notes = ["DRAFT: not adopted; figures show what the text of MEPC 83 would give."]
    if not applies:
        notes.append(f"Out of scope: {ship_year.gt:g} GT is below {least.value:g} GT.")
    elif ship_year.gt is None:
        notes.append(f"Gross tonnage is not given; the ship is taken to have {least.value:g} GT or more.")
    items = burnt(ship_year, "imo-lca", own) if applies else ()
    items = tuple(item for item in items if item.mass_t > 0.0)
    energy_mj = math.fsum(item.energy_mj for item in items) + (ship_year.shore_power_mj if applies else 0.0)
    emitted_g = math.fsum(
        part
        for item in items
        for part in (item.energy_mj * item.path.wtt_g_per_mj, item.mass_g * item.path.ttw_g_per_g(gwp))
    )
    gfi = emitted_g / energy_mj if energy_mj > 0.0 else math.nan
    base = base_rows[0].value * (1.0 - base_rows[1].value / 100.0)
    direct = direct_rows[0].value * (1.0 - direct_rows[1].value / 100.0)
    tier1, tier2, surplus = deficits_g_per_mj(gfi, base, direct) if energy_mj > 0.0 else (0.0, 0.0, 0.0)
    tier1_t, tier2_t, surplus_t = (part * energy_mj / G_PER_T for part in (tier1, tier2, surplus))
    published = price_rows(ship_year.year, drafts=True)
    price1, price2 = _price(tier1_usd_per_t, published.get(1)), _price(tier2_usd_per_t, published.get(2))
    if math.isnan(price1) or math.isnan(price2):
        notes.append(
            f"The draft sets no price of remedial units for {ship_year.year}; without a price of your own the "
            "deficits have no cost."
        )
    if ship_year.shore_power_mj and applies:
        notes.append("Shore power counts as energy without emissions.")
    notes += sorted({note for item in items for note in item.path.notes})
    return NetZeroResult(
        ship=ship_year.ship,
        year=ship_year.year,
        imo=ship_year.imo,
        applies=applies,
        energy_mj=energy_mj,
        gfi_g_per_mj=gfi,
        base_g_per_mj=base,
        direct_g_per_mj=direct,
        tier1_t=tier1_t,
        tier2_t=tier2_t,
        surplus_t=surplus_t,
        tier1_usd_per_t=price1,
        tier2_usd_per_t=price2,
        cost_usd=_cost(tier1_t, price1) + _cost(tier2_t, price2),
        gwp=gwp,
        rows=unique_rows(
            base_rows,
            direct_rows,
            (least,),
            (
                row
                for row, given in zip(published.values(), (tier1_usd_per_t, tier2_usd_per_t), strict=False)
                if given is None
            ),
            gwp_set(gwp).rows,
            *(item.path.rows for item in items),
        ),
        notes=tuple(notes),
    )
