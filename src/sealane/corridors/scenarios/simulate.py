"""`simulate`: what follows from the choices a scenario makes, as tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from sealane.corridors.scenarios.evaluate import Outcome, evaluate, fossil_case
from sealane.corridors.scenarios.landside import landside_table
from sealane.corridors.scenarios.model import (
    FAMILIES,
    RESULT_TABLES,
    STUDY_TABLES,
    Floats,
    Input,
    Origin,
    ScenarioModel,
    ScenarioResult,
)
from sealane.corridors.scenarios.published import published_checks
from sealane.corridors.scenarios.rule_notes import rule_notes
from sealane.errors import DataError, Fault

CARRIER = "carrier"
GJ_PER_TJ = 1e3
# Below this a fleet, a flow or a payment is rounding.
NOTHING = 1e-9


def simulate(model: ScenarioModel) -> ScenarioResult:
    """Work out what follows from a scenario's choices.

    Ships retire as given, are converted as given, and what transport then lacks is built by `newbuild_mix`; each
    family burns `fuel_mix`, bunkered by `port_mix`. Fuel that is not available is replaced by the cheapest fossil oil
    fuel of that port, and the shortage is said.

    Returns
    -------
    Tables as `RESULT_TABLES`; `published_checks` and `landside` where the scenario has any.

    Raises
    ------
    DataError
        where a choice cannot be followed: a family or a fuel that is not on offer there and then.
    """
    check_choices(model)
    outcome, fossil = evaluate(model), evaluate(fossil_case(model))
    tables = {
        "fleet": _fleet_table(model, outcome),
        "fuel": _fuel_table(model, outcome),
        "cost": _cost_table(model, outcome),
        "year": year_table(model, outcome, fossil_cost_usd=fossil.cost_usd[0], fossil_wtw_t=fossil.wtw_t[0]),
        "dual": RESULT_TABLES["dual"].empty_table(),
        "inputs": inputs_table(model.inputs),
    }
    if model.landside:
        tables["landside"] = landside_table(model)
    checks = published_checks(model)
    if checks.num_rows:
        tables["published_checks"] = checks
    return ScenarioResult(
        kind="simulate",
        scenario=model.id,
        tables=tables,
        summary=summary(model, tables),
        notes=(*model.notes, *rule_notes(model, outcome), *_notes(model, outcome)),
        corridor=model.corridor,
    )


def check_choices(model: ScenarioModel) -> None:
    """Refuse choices that name what is not on offer; all of them at once.

    Raises
    ------
    DataError
        naming the choice, the year and what is not offered.
    """
    faults: list[Fault] = []
    years = [int(year) for year in model.years]

    def fault(where: str, found: str, at: Iterable[int], remedy: str) -> None:
        listed = [years[y] for y in at]
        if listed:
            when = str(listed[0]) if len(listed) == 1 else f"{listed[0]} to {listed[-1]} ({len(listed)} years)"
            faults.append(Fault(f"{model.id}: {where}, {when}", found, remedy))

    if model.class_share is None and len(model.classes) > 1:
        found = f"{len(model.classes)} ship classes and no share of the transport"
        faults.append(Fault(f"{model.id}: ships", found, "Give every class its share, or let 'sealane plan' choose"))
    for k, family in enumerate(FAMILIES):
        wanted = model.newbuild_mix[k] > 0.0
        for ship in model.classes:
            missing = wanted & (np.isnan(ship.newbuild_usd[k]) | np.isnan(ship.cost_of_capital[k]))
            fault(
                f"newbuild_mix.{family}",
                f"class {ship.id} is not offered with this family",
                np.flatnonzero(missing),
                "Give its price and efficiency under 'ships', or take it out of the mix",
            )
            in_use = wanted | (ship.existing[k] > 0.0)
            if math.isnan(ship.efficiency_propulsion[k]) or math.isnan(ship.efficiency_electric[k]):
                fault(
                    f"ships.{ship.id}.{family}",
                    "ships of this family have no efficiency",
                    np.flatnonzero(in_use),
                    "Give the efficiency",
                )
        total = model.fuel_mix[k].sum(axis=0)
        sails = wanted | np.any([ship.existing[k] > 0.0 for ship in model.classes], axis=0)
        sails = np.maximum.accumulate(sails | any(item.to_family == family for item in model.conversions))
        fault(
            f"fuel_mix.{family}",
            "the shares do not sum to 1",
            np.flatnonzero(sails & (np.abs(total - 1.0) > 1e-6)),
            "Let the shares of each family sum to 1, pilot fuel included",
        )
        oil = sum(
            (model.fuel_mix[k, f] for f, fuel in enumerate(model.fuels) if fuel.family == "oil"),
            start=np.zeros(len(years)),
        )
        pilot = max(ship.pilot_share[k] for ship in model.classes)
        if not math.isnan(pilot):
            fault(
                f"fuel_mix.{family}",
                f"less oil than the pilot share of {pilot:g}",
                np.flatnonzero(sails & (oil < pilot - 1e-6)),
                f"Let fuels of family oil have a share of {pilot:g} or more",
            )
    for f, fuel in enumerate(model.fuels):
        burnt = model.fuel_mix[:, f].any(axis=0)
        shares = model.port_mix[f]
        fault(
            f"port_mix.{fuel.id}",
            "the shares do not sum to 1",
            np.flatnonzero(burnt & (np.abs(shares.sum(axis=0) - 1.0) > 1e-6)),
            "Let the shares of the ports sum to 1",
        )
        for p, port in enumerate(model.ports):
            fault(
                f"port_mix.{fuel.id}.{port}",
                "the fuel has no price or no well-to-tank figure there",
                np.flatnonzero(
                    burnt & (shares[p] > 0.0) & (np.isnan(fuel.price_usd_per_gj[p]) | np.isnan(fuel.wtt_g_per_mj[p]))
                ),
                "Give both, or bunker elsewhere",
            )
    if faults:
        raise DataError(f"Scenario {model.id} cannot be simulated: its choices do not fit what is on offer.", faults)


def _table(name: str, rows: Sequence[Sequence[object]]) -> pa.Table:
    schema = RESULT_TABLES.get(name) or STUDY_TABLES[name]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in schema]
    return pa.Table.from_arrays(
        [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _fleet_table(model: ScenarioModel, outcome: Outcome) -> pa.Table:
    fleet = outcome.fleet
    parts = (fleet.ships, fleet.newbuilds, fleet.converted_in, fleet.converted_out, fleet.retired)
    rows = []
    for y, year in enumerate(model.years):
        for c, ship in enumerate(model.classes):
            for k, family in enumerate(FAMILIES):
                values = [float(part[0, c, k, y]) for part in parts]
                if max(values) > NOTHING:
                    rows.append((int(year), ship.id, family, *values))
    return _table("fleet", rows)


def _fuel_table(model: ScenarioModel, outcome: Outcome) -> pa.Table:
    rows = []
    for y, year in enumerate(model.years):
        for p, port in enumerate(model.ports):
            for f, fuel in enumerate(model.fuels):
                energy_gj = float(outcome.bunkered_gj[0, f, p, y])
                if energy_gj > NOTHING:
                    price = float(fuel.price_usd_per_gj[p, y])
                    mass_t = energy_gj / fuel.lhv_gj_per_t
                    rows.append(
                        (int(year), port, fuel.id, fuel.family, energy_gj / GJ_PER_TJ, mass_t, price, energy_gj * price)
                    )
    return _table("fuel", rows)


def _cost_table(model: ScenarioModel, outcome: Outcome) -> pa.Table:
    fleet = outcome.fleet
    items: list[tuple[str, str, Floats]] = [
        ("capital", CARRIER, fleet.capital_usd),
        ("operation", CARRIER, fleet.operation_usd),
        ("fuel", CARRIER, outcome.fuel_usd),
        ("shore_power", CARRIER, outcome.shore_usd),
        ("retrofit", CARRIER, fleet.conversion_usd),
        *((f"rule:{rule}", model.payments.payer.get(rule, CARRIER), paid) for rule, paid in outcome.rules_usd.items()),
    ]
    rows = [
        (int(year), item, payer, float(amount[0, y]))
        for y, year in enumerate(model.years)
        for item, payer, amount in items
        if amount.any()
    ]
    return _table("cost", rows)


def year_table(model: ScenarioModel, outcome: Outcome, *, fossil_cost_usd: Floats, fossil_wtw_t: Floats) -> pa.Table:
    """Table ``year`` of the first draw.

    Parameters
    ----------
    fossil_cost_usd, fossil_wtw_t : of the fossil case, ``(Y,)``.
    """
    cost, wtw, energy = outcome.cost_usd[0], outcome.wtw_t[0], outcome.energy_gj[0]
    rows = []
    for y, year in enumerate(model.years):
        demand, gap = float(outcome.demand_teu[0, y]), float(cost[y] - fossil_cost_usd[y])
        avoided = float(fossil_wtw_t[y] - wtw[y])
        rows.append(
            (
                int(year),
                demand,
                energy[y] / GJ_PER_TJ,
                outcome.shore_gj[0, :, y].sum() / GJ_PER_TJ,
                wtw[y],
                outcome.ttw_t[0, y],
                _number(model.cap_wtw_t[y]),
                _number(outcome.fuel_wtw_t[0, y] * 1e3 / energy[y]) if energy[y] > 0.0 else None,
                cost[y],
                fossil_cost_usd[y],
                fossil_wtw_t[y],
                gap,
                gap / demand if demand > 0.0 else None,
                # Below a millionth of the fossil case nothing was avoided that a cost could be divided by.
                gap / avoided if avoided > 1e-6 * abs(fossil_wtw_t[y]) else None,
            )
        )
    return _table("year", rows)


def inputs_table(inputs: Sequence[Input]) -> pa.Table:
    """Table ``inputs``: one row per assumption, in the order of the file."""
    return _table(
        "inputs", [(i.path, i.unit, str(i.origin), i.source, i.grade, i.value, i.low, i.high) for i in inputs]
    )


def discount_factors(model: ScenarioModel) -> Floats:
    """What one unit of each model year counts in a sum over the run, discounted to the first year, ``(Y,)``."""
    return np.asarray(model.year_weight * (1.0 + model.discount_rate) ** -(model.years - model.years[0]).astype(float))


def summary(model: ScenarioModel, tables: dict[str, pa.Table]) -> dict[str, float | int | str]:
    """Single figures of a result, from its tables; the plan uses the same."""
    year = {
        name: np.array(tables["year"][name].to_numpy(zero_copy_only=False), dtype=float)
        for name in ("cost_usd", "cost_gap_usd", "wtw_t", "fossil_wtw_t", "demand_teu", "energy_tj")
    }
    weight, discount = model.year_weight, discount_factors(model)
    avoided = year["fossil_wtw_t"] - year["wtw_t"]
    found: dict[str, float | int | str] = {
        "first_year": int(model.years[0]),
        "last_year": int(model.years[-1]),
        "cost_discounted_usd": float(discount @ year["cost_usd"]),
        "cost_gap_discounted_usd": float(discount @ year["cost_gap_usd"]),
        # Levelised, as the abatement cost is: discounted money over equally discounted containers.
        "cost_gap_usd_per_teu": float(discount @ year["cost_gap_usd"] / (discount @ year["demand_teu"])),
        "wtw_t": float(weight @ year["wtw_t"]),
        "fossil_wtw_t": float(weight @ year["fossil_wtw_t"]),
        "avoided_wtw_t": float(weight @ avoided),
        "energy_tj": float(weight @ year["energy_tj"]),
    }
    if discount @ avoided > 1e-6 * float(discount @ year["fossil_wtw_t"]):
        found["abatement_usd_per_t"] = float(discount @ year["cost_gap_usd"] / (discount @ avoided))
    for origin in Origin:
        found[f"inputs_{origin}"] = sum(1 for item in model.inputs if item.origin is origin)
    for rule, status in model.payments.status.items():
        found[f"status_of_{rule}"] = status
    return found


def _notes(model: ScenarioModel, outcome: Outcome) -> list[str]:
    notes = []
    years = model.years
    for f, fuel in enumerate(model.fuels):
        short = outcome.short_gj[0, f]
        for p, port in enumerate(model.ports):
            when = np.flatnonzero(short[p] > NOTHING)
            if when.size:
                worst = when[short[p, when].argmax()]
                notes.append(
                    f"{fuel.id} at {port}: less is available than the choices ask for in {when.size} of {years.size} "
                    f"years, most in {years[worst]} ({short[p, worst] / GJ_PER_TJ:,.1f} TJ); fossil oil replaces it."
                )
        over = np.flatnonzero(
            (outcome.bunkered_gj[0, f] > fuel.available_gj * (1.0 + 1e-9)).any(axis=0) & ~(short > NOTHING).any(axis=0)
        )
        if over.size:
            notes.append(
                f"{fuel.id}: more is burnt than the limit allows in {over.size} of {years.size} years, first in "
                f"{years[over[0]]}: nothing can replace it."
            )
    for limit, built, words in (
        (model.most_newbuilds, outcome.fleet.newbuilds, "new ships"),
        (model.most_retrofits, outcome.fleet.converted_in, "conversions"),
    ):
        number = built[0].sum(axis=(0, 1))
        # The first year builds the missing fleet at once; a rate binds from the second on.
        when = np.flatnonzero(number > limit * model.year_weight + NOTHING)
        if when.size:
            notes.append(f"More {words} than the limit allows in {', '.join(str(years[y]) for y in when)}.")
    over = np.flatnonzero(outcome.wtw_t[0] > model.cap_wtw_t * (1.0 + 1e-9))
    if over.size:
        notes.append(f"Emissions are above the cap in {over.size} of {years.size} years, first in {years[over[0]]}.")
    return notes
