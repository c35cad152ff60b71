"""From the solver's numbers to the tables of a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from sealane.corridors.plan.coefficients import USES, Coefficients
from sealane.corridors.plan.model import fueleu_usd_per_t, limits
from sealane.corridors.plan.solver import Solution
from sealane.corridors.scenarios.evaluate import Outcome, evaluate, fossil_case
from sealane.corridors.scenarios.fleet import Fleet
from sealane.corridors.scenarios.model import (
    FAMILIES,
    RESULT_TABLES,
    Floats,
    ScenarioModel,
    ScenarioResult,
    ShipClass,
)
from sealane.corridors.scenarios.payments import payments_usd
from sealane.corridors.scenarios.rule_notes import rule_notes
from sealane.corridors.scenarios.simulate import CARRIER, NOTHING, inputs_table, summary, year_table

PLAN_TABLES: Mapping[str, pa.Schema] = {
    # ship-years in service and what they perform, and the fuel energy they need
    "service": pa.schema(
        [
            ("year", pa.int32()),
            ("ship_class", pa.string()),
            ("family", pa.string()),
            ("in_service", pa.float64()),
            ("transport_teu", pa.float64()),
            ("energy_tj", pa.float64()),
        ]
    ),
    # which engines burn what: family of the ship, use main or electric
    "burnt": pa.schema(
        [
            ("year", pa.int32()),
            ("ship_family", pa.string()),
            ("use", pa.string()),
            ("fuel", pa.string()),
            ("energy_tj", pa.float64()),
        ]
    ),
}
"""Tables a plan adds to `RESULT_TABLES`."""

_MUSD, _KILO = 1e6, 1e3
# Fewer ships than this, converted after they were built, are not worth a note.
_WORTH_SAYING = 0.01


def outcome_of(model: ScenarioModel, terms: Coefficients, solution: Solution) -> Outcome:
    """The plan in the form in which `simulate` holds what it worked out, one draw.

    Every figure is worked out from the plan's choices with the scenario's own arrays, payments by the exact rules.
    """
    x = {name: np.where(np.abs(v) < NOTHING, 0.0, v) for name, v in solution.values.items()}
    bunkered_gj = x["bunkered"].sum(axis=0) * _KILO
    electric_gj = x["burnt"][:, USES.index("electric")].sum(axis=0) * _KILO
    ttw_t = np.einsum("kwfy,wf->y", x["burnt"], terms.ttw_kt_per_tj) * _KILO
    paid_ttw_t = np.einsum("kwfy,wf->y", x["burnt"], terms.ttw_paid_kt_per_tj) * _KILO
    fuel_wtw_t = np.einsum("kfpy,fpy->y", x["bunkered"], terms.wtt_kt_per_tj) * _KILO + ttw_t
    by_class = x["in_service"].sum(axis=1)
    port_gj = np.stack([ship.electric_port_gj[:, None] * ship.shore_share for ship in model.classes])
    shore_gj = np.einsum("cy,cpy->py", by_class, port_gj)
    wtw_t = fuel_wtw_t + (by_class * terms.shore_kt).sum(axis=0) * _KILO
    return Outcome(
        fleet=_fleet(model, terms, x),
        demand_teu=np.broadcast_to(model.demand_teu, (1, len(model.years))),
        bunkered_gj=bunkered_gj[None],
        electric_gj=electric_gj[None],
        short_gj=np.zeros((1, *bunkered_gj.shape)),
        shore_gj=shore_gj[None],
        fuel_usd=(np.einsum("kfpy,fpy->y", x["bunkered"], terms.price_musd_per_tj) * _MUSD)[None],
        shore_usd=((by_class * terms.shore_musd).sum(axis=0) * _MUSD)[None],
        rules_usd=payments_usd(
            model.payments,
            energy_gj=bunkered_gj.sum(axis=(0, 1))[None],
            fuel_wtw_t=fuel_wtw_t[None],
            wtw_t=wtw_t[None],
            ttw_t=paid_ttw_t[None],
        ),
        wtw_t=wtw_t[None],
        ttw_t=ttw_t[None],
        fuel_wtw_t=fuel_wtw_t[None],
    )


def _fleet(model: ScenarioModel, terms: Coefficients, x: Mapping[str, Floats]) -> Fleet:
    n, alive = len(model.years), terms.cohorts.alive
    ships, built = x["ships"].sum(axis=2), x["newbuilds"]
    into, out = np.zeros_like(ships), np.zeros_like(ships)
    conversion = np.zeros(n)
    if "retrofits" in x:
        moved = x["retrofits"].sum(axis=2)  # (C, V, Y)
        for v, (a, b) in enumerate(terms.conversions):
            out[:, a] += moved[:, v]
            into[:, b] += moved[:, v]
        so_far = np.cumsum(x["retrofits"] * terms.conversion_musd, axis=3)
        conversion = np.einsum("cvjy,cjy->y", so_far, alive.astype(float)) * _MUSD
    before = np.concatenate([terms.cohorts.initial.sum(axis=2)[..., None], ships[..., :-1]], axis=2)
    retired = before + built + into - out - ships
    carried = x["in_service"] * terms.kteu[:, :, None]
    capacity = (ships * terms.kteu[:, :, None]).sum(axis=1)
    used = np.divide(carried.sum(axis=1), capacity, out=np.zeros_like(capacity), where=capacity > 0.0)
    capital = np.einsum("ckv,cvy->y", built * terms.annuity_musd, alive[:, n:].astype(float)) * _MUSD
    operation = np.einsum("cky,ck->y", ships, terms.opex_musd) * _MUSD
    retired = np.where(retired < NOTHING, 0.0, retired)
    return Fleet(
        ships=ships[None],
        newbuilds=built[None],
        retired=retired[None],
        converted_in=into[None],
        converted_out=out[None],
        used=used[None],
        capital_usd=capital[None],
        conversion_usd=conversion[None],
        operation_usd=operation[None],
    )


def result(
    model: ScenarioModel, terms: Coefficients, solution: Solution, duals: Solution, *, whole_ships: bool
) -> ScenarioResult:
    """Tables, single figures and notes of a plan.

    Parameters
    ----------
    solution : the plan.
    duals : where the shadow prices come from; the plan itself, or with whole ships the plan with its ships fixed.
    """
    outcome = outcome_of(model, terms, solution)
    in_service = solution.values["in_service"]
    carried = (in_service * terms.kteu[:, :, None]).sum(axis=1)
    total = carried.sum(axis=0)
    share = np.divide(carried, total, out=np.full_like(carried, 1.0 / len(carried)), where=total > 0.0)
    fossil = evaluate(fossil_case(replace(model, class_share=share, classes=_whole_arrays(model))))
    tables = {
        "fleet": _fleet_table(model, outcome),
        "fuel": _fuel_table(model, outcome),
        "cost": _cost_table(model, outcome),
        "year": year_table(model, outcome, fossil_cost_usd=fossil.cost_usd[0], fossil_wtw_t=fossil.wtw_t[0]),
        "dual": dual_table(model, terms, duals),
        "inputs": inputs_table(model.inputs),
        "service": _service_table(model, terms, in_service),
        "burnt": _burnt_table(model, solution.values["burnt"]),
    }
    figures = {
        **summary(model, tables),
        "objective_usd": solution.objective * _MUSD,
        "solver": "HiGHS",
        "status": "optimal",
        "ships": "whole" if whole_ships else "fractions of a ship",
        "gap": solution.gap,
    }
    notes = (
        *model.notes,
        *rule_notes(model, outcome),
        *_notes(model, figures, whole_ships),
        *_built_and_converted(model, terms, solution),
    )
    return ScenarioResult("plan", model.id, tables, figures, notes, model.corridor)


def _whole_arrays(model: ScenarioModel) -> tuple[ShipClass, ...]:
    """The classes with 0 for what a family that is not offered does not have; `evaluate` multiplies it by no ships."""
    return tuple(
        replace(
            ship,
            capacity_loss=np.nan_to_num(ship.capacity_loss),
            opex_usd_per_year=np.nan_to_num(ship.opex_usd_per_year),
        )
        for ship in model.classes
    )


def _notes(model: ScenarioModel, figures: Mapping[str, Any], whole_ships: bool) -> list[str]:
    notes = []
    if whole_ships:
        notes.append(
            f"Whole ships: within {figures['gap']:.2g} of the least cost. Shadow prices are those of the plan with its "
            f"ships held fixed. Today's fleet is rounded down to whole ships in each year."
        )
    if fueleu_usd_per_t(model).any():
        paid, planned = figures["cost_discounted_usd"], figures["objective_usd"]
        notes.append(
            f"FuelEU is linear in the plan; the tables hold the exact penalty. Discounted cost {paid:,.0f} USD, as the "
            f"plan saw it {planned:,.0f} USD."
        )
    if model.landside:
        notes.append("Yard equipment and trucks are not planned; `sealane scenario run` shows them.")
    return notes


def _built_and_converted(model: ScenarioModel, terms: Coefficients, solution: Solution) -> list[str]:
    """Say where the plan builds ships of one family and converts them later, and whether prices alone are why."""
    if "retrofits" not in solution.values:
        return []
    n = len(model.years)
    moved = solution.values["retrofits"][:, :, n:, :].sum(axis=3)  # (C, V, year built)
    built = solution.values["newbuilds"]
    notes = []
    for c, ship in enumerate(model.classes):
        for v, (a, b) in enumerate(terms.conversions):
            years = np.flatnonzero(moved[c, v] > NOTHING)
            number = float(moved[c, v, years].sum())
            if number < _WORTH_SAYING:
                continue
            text = (
                f"{number:,.2f} of {float(built[c, a].sum()):,.2f} new {FAMILIES[a]} ships of class {ship.id} are "
                f"converted to {FAMILIES[b]} in later years."
            )
            conversion = ship.retrofit_usd[a, b]
            more = np.nanmax(ship.newbuild_usd[b, years] - ship.newbuild_usd[a, years], initial=-np.inf)
            if np.isfinite(more) and conversion < more:
                text += (
                    f" A conversion ({conversion / _MUSD:,.1f} MUSD) costs less than a new {FAMILIES[b]} ship costs "
                    f"more than one for {FAMILIES[a]} ({more / _MUSD:,.1f} MUSD): the two prices come from different "
                    f"rows that need not fit together. Read these as ships built for {FAMILIES[b]}, or give prices of "
                    "your own."
                )
            notes.append(text)
    return notes


def _rows(name: str, rows: Iterable[Sequence[object]]) -> pa.Table:
    schema = RESULT_TABLES.get(name) or PLAN_TABLES[name]
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.Table.from_arrays(
        [pa.array(list(column), type=field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _fleet_table(model: ScenarioModel, outcome: Outcome) -> pa.Table:
    fleet = outcome.fleet
    parts = np.stack([fleet.ships, fleet.newbuilds, fleet.converted_in, fleet.converted_out, fleet.retired])[:, 0]
    kept = np.argwhere(parts.max(axis=0).transpose(2, 0, 1) > NOTHING)
    return _rows(
        "fleet",
        (
            (int(model.years[y]), model.classes[c].id, FAMILIES[k], *map(float, parts[:, c, k, y]))
            for y, c, k in kept.tolist()
        ),
    )


def _fuel_table(model: ScenarioModel, outcome: Outcome) -> pa.Table:
    energy_gj = outcome.bunkered_gj[0]
    rows = []
    for y, p, f in np.argwhere(energy_gj.transpose(2, 1, 0) > NOTHING * _KILO).tolist():
        fuel, gj = model.fuels[f], float(energy_gj[f, p, y])
        price = float(fuel.price_usd_per_gj[p, y])
        rows.append(
            (
                int(model.years[y]),
                model.ports[p],
                fuel.id,
                fuel.family,
                gj / _KILO,
                gj / fuel.lhv_gj_per_t,
                price,
                gj * price,
            )
        )
    return _rows("fuel", rows)


def _cost_table(model: ScenarioModel, outcome: Outcome) -> pa.Table:
    fleet = outcome.fleet
    items = {
        "capital": fleet.capital_usd,
        "operation": fleet.operation_usd,
        "fuel": outcome.fuel_usd,
        "shore_power": outcome.shore_usd,
        "retrofit": fleet.conversion_usd,
    }
    paid = [(item, CARRIER, usd) for item, usd in items.items()]
    paid += [(f"rule:{rule}", model.payments.payer.get(rule, CARRIER), usd) for rule, usd in outcome.rules_usd.items()]
    return _rows(
        "cost",
        (
            (int(year), item, payer, float(usd[0, y]))
            for y, year in enumerate(model.years)
            for item, payer, usd in paid
            if usd.any()
        ),
    )


def _service_table(model: ScenarioModel, terms: Coefficients, in_service: Floats) -> pa.Table:
    energy = in_service * terms.need_tj.sum(axis=2)
    teu = in_service * terms.kteu[:, :, None] * _KILO
    kept = np.argwhere(in_service.transpose(2, 0, 1) > NOTHING).tolist()
    return _rows(
        "service",
        (
            (
                int(model.years[y]),
                model.classes[c].id,
                FAMILIES[k],
                *(float(part[c, k, y]) for part in (in_service, teu, energy)),
            )
            for y, c, k in kept
        ),
    )


def _burnt_table(model: ScenarioModel, burnt: Floats) -> pa.Table:
    kept = np.argwhere(burnt.transpose(3, 0, 1, 2) > NOTHING).tolist()
    return _rows(
        "burnt",
        (
            (int(model.years[y]), FAMILIES[k], USES[w], model.fuels[f].id, float(burnt[k, w, f, y]))
            for y, k, w, f in kept
        ),
    )


def dual_table(model: ScenarioModel, terms: Coefficients, solution: Solution) -> pa.Table:
    """Shadow prices: money saved by one unit more of what is scarce, or paid for one unit more of transport.

    The solver's duals are of discounted cost over a model period; divided by the years' worth of the period, they are
    USD of one year. Limits have prices of at least 0. Those of yards, which hold for a period, are in
    USD of the year in which one ship more could have been delivered.
    """
    years = [int(year) for year in model.years]
    d = terms.discount
    rows: list[tuple[object, ...]] = []

    def add(name: str, sign: float, subject: Sequence[str], unit: str, factor: Floats, bound: Any) -> None:
        if name not in solution.duals:
            return
        dual = solution.duals[name]
        price = sign * dual.reshape(-1, len(years)) * factor
        bounded = np.isfinite(np.broadcast_to(bound, dual.shape)).reshape(-1, len(years))
        for y, year in enumerate(years):
            for s, words in enumerate(subject):
                if bounded[s, y]:
                    value = float(price[s, y])
                    rows.append((year, name, words, unit, value if abs(value) > NOTHING else 0.0))

    limit = limits(model, terms)
    classes = [ship.id for ship in model.classes] if terms.demand_kteu.ndim == 2 else ["corridor"]
    add("demand", 1.0, classes, "USD/TEU", _KILO / d, 0.0)  # million USD per 1,000 TEU
    add("cap_wtw", -1.0, ["well-to-wake CO2e"], "USD/t", _KILO / d, limit.cap_wtw)
    add("cap_intensity", -1.0, ["well-to-wake CO2e of fuel"], "USD/t", _KILO / d, limit.cap_intensity)
    places = [f"{fuel.id} at {port}" for fuel in model.fuels for port in model.ports]
    scarce = np.where(terms.offers, limit.availability, np.inf)
    add("availability", -1.0, places, "USD/GJ", _KILO / d, scarce)  # million USD per TJ
    worth = _MUSD * model.year_weight / d
    add("most_newbuilds", -1.0, ["new ships"], "USD/ship", worth, limit.most_newbuilds)
    add("most_retrofits", -1.0, ["conversions"], "USD/ship", worth, limit.most_retrofits)
    order = {name: i for i, name in enumerate(dict.fromkeys(row[1] for row in rows))}
    rows.sort(key=lambda row: (row[0], order[row[1]]))
    return _rows("dual", rows)
