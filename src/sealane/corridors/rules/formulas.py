"""Rules by hand: the formulas of regulations that ``sealane calc`` offers beside those of emissions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sealane.corridors.fuels import gwp_names
from sealane.corridors.rules import cii, eu_ets, fueleu, net_zero
from sealane.corridors.rules.cii_formula import EQUATION as CII_EQUATION
from sealane.corridors.rules.cii_formula import SOURCE as CII_SOURCE
from sealane.corridors.rules.cii_formula import by_hand
from sealane.corridors.rules.ship_year import MJ_PER_KWH, SCOPES, FuelUse, ShipYear
from sealane.emissions import formulas as emission_formulas
from sealane.emissions.formulas import Calculation, Formula, Option, Result, Value, work_out
from sealane.errors import DataError, Fault

FUEL_FORM = "FUEL[@CONSUMER]=TONNES[,scope=SCOPE][,e=E][,wtt=WTT]"
MOST_T = 200_000.0
_DETAILS = ("scope", "e", "wtt")


def _tonnes(text: str, where: str, faults: list[Fault]) -> float:
    try:
        mass_t = float(text)
    except ValueError:
        mass_t = math.nan
    if not 0.0 <= mass_t <= MOST_T:
        remedy = f"Give tonnes from 0 to {MOST_T:,.0f}, the most a ship burns in a year; were kg given?"
        faults.append(Fault(where, f"'{text.strip()}' tonnes", remedy))
    return mass_t


def _grams(details: Mapping[str, str], name: str, where: str, faults: list[Fault]) -> float | None:
    if name not in details:
        return None
    try:
        return float(details[name])
    except ValueError:
        faults.append(Fault(where, f"{name}='{details[name]}'", "Give a number [g CO2e/MJ]"))
        return None


def parse_fuel(text: str, faults: list[Fault]) -> FuelUse | None:
    """Fuel burnt as written by hand: ``HFO=12000``, ``LNG@otto-slow=800,scope=extra-eea``, ``FAME=100,e=14.9``.

    A text that cannot be read adds its faults and gives None. The scope is ``intra-eea`` unless said otherwise.
    """
    where, before = f"--fuel {text}", len(faults)
    name, equals, rest = text.partition("=")
    if not equals or not name.strip():
        faults.append(Fault(where, "no fuel and mass", f"Write it as {FUEL_FORM}, e.g. HFO=12000"))
        return None
    mass, *parts = rest.split(",")
    details: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        key = key.strip().casefold()
        if not equals or key not in _DETAILS or key in details:
            faults.append(Fault(where, f"'{part}'", f"Write it as {FUEL_FORM}, each detail once"))
        details[key] = value.strip()
    fuel, _, consumer = name.partition("@")
    scope = details.get("scope", SCOPES[0]).casefold()
    if scope not in SCOPES:
        faults.append(Fault(where, f"scope '{scope}'", f"Give one of: {', '.join(SCOPES)}"))
    mass_t = _tonnes(mass, where, faults)
    e, wtt = _grams(details, "e", where, faults), _grams(details, "wtt", where, faults)
    if len(faults) > before:
        return None
    return FuelUse(fuel.strip(), mass_t, scope, consumer.strip() or None, e, wtt, where)


def _optional(inputs: Mapping[str, Value], name: str) -> float | None:
    value = inputs[name]
    return None if value is None or isinstance(value, tuple) else float(value)


def _number(inputs: Mapping[str, Value], name: str) -> float:
    value = _optional(inputs, name)
    return math.nan if value is None else value


def _ship_year(inputs: Mapping[str, Value]) -> ShipYear:
    faults: list[Fault] = []
    texts = inputs["fuel"] if isinstance(inputs["fuel"], tuple) else ()
    fuels = tuple(use for use in (parse_fuel(text, faults) for text in texts) if use is not None)
    if faults:
        raise DataError("The fuel cannot be read.", faults)
    return ShipYear(
        ship="by hand",
        year=int(_number(inputs, "year")),
        fuels=fuels,
        gt=_optional(inputs, "gt"),
        shore_power_mj=(_optional(inputs, "shore_power_mwh") or 0.0) * 1000.0 * MJ_PER_KWH
        if "shore_power_mwh" in inputs
        else 0.0,
        wind_ratio=_number(inputs, "wind_ratio") if "wind_ratio" in inputs else 0.0,
        deficit_years=int(_number(inputs, "deficit_years")) if "deficit_years" in inputs else 1,
    )


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _fueleu(inputs: Mapping[str, Value]) -> Result:
    result = fueleu.assess(_ship_year(inputs), str(inputs["gwp"]), str(inputs["allocation"]))
    return Result(
        value=result.intensity_g_per_mj,
        equation="I = f_wind (sum M LCV WtT + sum M ((1 - s)(CO2 + G_CH4 CH4 + G_N2O N2O) + s G_CH4)) / "
        "(sum M LCV RWD + E_ops); balance = (limit - I)(sum M LCV + E_ops); "
        "penalty = |balance| / (I x 41,000) x 2,400 x (1 + (n - 1) / 10)",
        rows=result.rows,
        extra={
            "energy_mj": result.energy_mj,
            "intensity": _plain(result.intensity_g_per_mj),
            "intensity_g_per_mj": _plain(result.intensity_g_per_mj),
            "limit_g_per_mj": result.limit_g_per_mj,
            "balance_g": result.balance_g,
            "penalty_eur": result.penalty_eur,
            "wtt_g": result.wtt_g,
            "ttw_g": result.ttw_g,
            "wind_factor": result.wind_factor,
            "rfnbo_share": result.rfnbo_share,
            "status": result.status,
        },
        notes=result.notes,
    )


def _ets(inputs: Mapping[str, Value]) -> Result:
    path = inputs["price_path"]
    result = eu_ets.assess(
        _ship_year(inputs),
        str(inputs["gwp"]),
        _optional(inputs, "price_eur_per_t"),
        path=None if path is None else str(path),
    )
    return Result(
        value=result.allowances_t,
        equation="allowances = phase-in x sum share x (CO2 + G_CH4 CH4 + G_N2O N2O), tank-to-wake; "
        "CH4 and N2O from 2026",
        rows=result.rows,
        extra={
            "co2_t": result.co2_t,
            "ch4_t": result.ch4_t,
            "n2o_t": result.n2o_t,
            "zero_rated_co2_t": result.zero_rated_co2_t,
            "covered_co2e_t": result.covered_co2e_t,
            "phase_in": result.phase_in,
            "allowances_t": result.allowances_t,
            "price_per_t": _plain(result.price_per_t),
            "cost": _plain(result.cost),
            "currency": result.currency,
            "status": result.status,
        },
        notes=result.notes,
    )


def _nzf(inputs: Mapping[str, Value]) -> Result:
    result = net_zero.assess(
        _ship_year(inputs),
        str(inputs["gwp"]),
        drafts=bool(inputs["draft"]),
        tier1_usd_per_t=_optional(inputs, "tier1_usd_per_t"),
        tier2_usd_per_t=_optional(inputs, "tier2_usd_per_t"),
    )
    return Result(
        value=result.gfi_g_per_mj,
        equation="Tier 1 = (min(GFI, base) - direct)+ E; Tier 2 = (GFI - base)+ E; surplus = (direct - GFI)+ E",
        rows=result.rows,
        extra={
            "energy_mj": result.energy_mj,
            "gfi_g_per_mj": _plain(result.gfi_g_per_mj),
            "base_g_per_mj": result.base_g_per_mj,
            "direct_g_per_mj": result.direct_g_per_mj,
            "tier1_t": result.tier1_t,
            "tier2_t": result.tier2_t,
            "surplus_t": result.surplus_t,
            "cost_usd": _plain(result.cost_usd),
            "status": result.status,
        },
        notes=result.notes,
    )


def _cii(inputs: Mapping[str, Value]) -> Result:
    sizes = [_optional(inputs, name) for name in ("dwt", "gt", "co2_t", "distance_nm")]
    figures = by_hand(str(inputs["ship_type"]), int(_number(inputs, "year")), *sizes)
    return Result(
        value=figures.required,
        equation=CII_EQUATION,
        rows=figures.rows,
        extra={
            "reference": figures.reference,
            "required": figures.required,
            **figures.boundaries,
            "attained": figures.attained,
            "rating": figures.rating,
            "figures_in": figures.unit,
        },
        notes=figures.notes,
    )


_FUEL = Option(
    "fuel",
    "t",
    f"Fuel burnt [t], given once for each: {FUEL_FORM}; scopes: {', '.join(SCOPES)}; E of the certificate, or WTT.",
    "repeated",
    required=True,
)
_YEAR = Option("year", "year", "Calendar year.", "integer", required=True, minimum=2018.0, maximum=2100.0)
_GT = Option("gt", "GT", "Gross tonnage; omitted: large enough for the rule.", above_minimum=True, maximum=3e5)


def _gwp(default: str) -> Option:
    text = "Global warming potentials of this IPCC report, 100 years."
    return Option("gwp", "text", text, "text", gwp_names(), default=default)


FORMULAS: Mapping[str, Formula] = {
    formula.name: formula
    for formula in (
        Formula(
            "fueleu",
            "FuelEU Maritime: greenhouse gas intensity, compliance balance and penalty of fuel burnt in a year.",
            "balance = (limit - intensity) energy; "
            "penalty = |balance| / (intensity x 41,000) x 2,400 x (1 + (n - 1) / 10)",
            "g CO2e/MJ",
            "Regulation (EU) 2023/1805 Annexes I, II and IV, Article 23",
            (
                _FUEL,
                _YEAR,
                _gwp(fueleu.DEFAULT_GWP),
                _GT,
                Option("shore_power_mwh", "MWh", "Electricity from shore at berth (E_ops).", default=0.0, maximum=1e5),
                Option("wind_ratio", "1", "P_wind / P_prop of wind assistance.", default=0.0, maximum=1.0),
                Option(
                    "deficit_years",
                    "year",
                    "Consecutive periods with a deficit, this one included.",
                    "integer",
                    default=1,
                    minimum=1.0,
                    maximum=50.0,
                ),
                Option(
                    "allocation",
                    "text",
                    "How the half of the voyages to and from the area is filled.",
                    "text",
                    fueleu.ALLOCATIONS,
                    default=fueleu.ALLOCATIONS[0],
                ),
            ),
            _fueleu,
        ),
        Formula(
            "ets",
            "EU ETS maritime: allowances for fuel burnt in a year.",
            "allowances = phase-in x sum share x (CO2 + G_CH4 CH4 + G_N2O N2O)",
            "t CO2e",
            "Directive 2003/87/EC as amended by Directive (EU) 2023/959",
            (
                _FUEL,
                _YEAR,
                _gwp(eu_ets.DEFAULT_GWP),
                _GT,
                Option("price_eur_per_t", "EUR/t", "Price of an allowance; omitted: no cost.", maximum=1e4),
                Option(
                    "price_path",
                    "text",
                    "Named path of prices instead, in USD.",
                    "text",
                    eu_ets.price_path_names(),
                ),
            ),
            _ets,
        ),
        Formula(
            "nzf",
            "IMO Net-Zero Framework, DRAFT: deficits and remedial units of fuel burnt in a year.",
            "Tier 1 = (min(GFI, base) - direct)+ E; Tier 2 = (GFI - base)+ E",
            "g CO2e/MJ",
            "Draft amendments to MARPOL Annex VI, MEPC 83 (April 2025); not adopted",
            (
                _FUEL,
                _YEAR,
                Option("draft", "1", "Needed: the framework is a draft and not in force.", "flag", default=0),
                _gwp(net_zero.DEFAULT_GWP),
                _GT,
                Option(
                    "tier1_usd_per_t", "USD/t", "Price of a Tier 1 remedial unit; omitted: the draft's.", maximum=1e5
                ),
                Option(
                    "tier2_usd_per_t", "USD/t", "Price of a Tier 2 remedial unit; omitted: the draft's.", maximum=1e5
                ),
            ),
            _nzf,
        ),
        Formula(
            "cii",
            "Carbon intensity indicator: reference, required and the four boundaries of a ship and year.",
            CII_EQUATION,
            "g CO2/(t nm) or g CO2/(GT nm)",
            CII_SOURCE,
            (
                Option("ship_type", "text", "Type of ship.", "text", tuple(cii.SHIP_TYPES), required=True),
                Option("year", "year", "Calendar year.", "integer", required=True, minimum=2019.0, maximum=2100.0),
                Option("dwt", "t", "Deadweight, for types rated by it.", above_minimum=True, maximum=1e6),
                Option("gt", "GT", "Gross tonnage, for types rated by it.", above_minimum=True, maximum=1e6),
                Option("co2_t", "t", "CO2 of the year, for the attained CII and the rating.", maximum=1e6),
                Option("distance_nm", "nm", "Distance sailed, likewise.", above_minimum=True, maximum=210_000.0),
            ),
            _cii,
        ),
    )
}
"""Formulas of the rules by name."""

ALL_FORMULAS: Mapping[str, Formula] = {**emission_formulas.FORMULAS, **FORMULAS}
"""What ``sealane calc`` offers."""


def calc(formula: str, **inputs: object) -> Calculation:
    """Work out a published formula of emissions or of a rule.

    Parameters
    ----------
    formula : a name of `ALL_FORMULAS`, e.g. ``propulsion-power`` or ``fueleu``.
    inputs : by option name, e.g. ``speed_kn=14``, ``fuel=["HFO=12000"]``; text is accepted for numbers. None counts as
        not given.

    Raises
    ------
    DataError
        for an unknown formula, or listing every input that is unknown, missing or out of range.
    MissingFactorError
        if no published row answers.
    """
    if formula not in ALL_FORMULAS:
        remedy = f"Give one of: {', '.join(ALL_FORMULAS)}"
        raise DataError("There is no such formula.", [Fault("formula", f"'{formula}'", remedy)])
    return work_out(ALL_FORMULAS[formula], inputs)
