"""The figures of a scenario's year as trees of terms: fuel by port, emissions by fuel and use, cost by item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from sealane.corridors.scenarios.fleet import annuity
from sealane.corridors.scenarios.model import FAMILIES, Floats, ScenarioModel
from sealane.web.corridor.lane_sums import same
from sealane.web.corridor.scenario_files import Row, ScenarioFiles
from sealane.web.corridor.terms import Term, total
from sealane.web.derivation import Input, Origin
from sealane.web.words import N_

USD_PER_MUSD = 1e6
GJ_PER_TJ = 1e3
KG_PER_T = 1e3
_ORIGINS: Mapping[str, Origin] = {
    "sourced": "published",
    "user": "entered",
    "placeholder": "filled",
    "missing": "missing",
}
UNKNOWN = N_("It cannot be taken apart further: the scenario it came from is not known here, or has changed since.")
ITEM_WORDS: Mapping[str, str] = {
    "capital": N_("capital of new ships"),
    "operation": N_("operation without fuel"),
    "fuel": N_("fuel"),
    "shore_power": N_("shore power"),
    "retrofit": N_("conversions"),
}


@dataclass(frozen=True)
class Burnt:
    """Fuel of one year: bunkered by fuel and port, burnt in auxiliary engines by fuel, shore power by port; all GJ."""

    bunkered_gj: Mapping[tuple[str, str], float]
    electric_gj: Mapping[str, float]
    shore_gj: Mapping[str, float]


def assumption(files: ScenarioFiles, name: str, path: str, value: float, unit: str) -> Input:
    """An input as the list of assumptions has it; one that stands for several years is found by its stem."""
    rows = files.rows("inputs")
    row = next((r for r in rows if r["path"] == path), None)
    while row is None and "." in path:
        path = path.rpartition(".")[0]
        row = next((r for r in rows if r["path"] == path or r["path"].startswith(f"{path}.")), None)
        if path.count(".") < 2:
            break
    if row is None:
        return Input(name=name, value=value, unit=unit, origin="computed")
    return Input(
        name=name,
        value=value,
        unit=unit,
        origin=_ORIGINS[str(row["origin"])],
        source=f"{row['source']} ({row['path']})",
        grade=row["grade"],
    )


def energy_term(files: ScenarioFiles, year: int) -> Term:
    """Fuel energy [TJ]: by fuel, by port of bunkering."""
    rows = [row for row in files.rows("fuel") if row["year"] == year]

    def leaf(row: Row) -> Term:
        inputs = (
            Input(name=N_("mass"), value=row["mass_t"], unit="t", origin="computed"),
            Input(
                name=N_("lower heating value"),
                value=row["energy_tj"] / row["mass_t"] * GJ_PER_TJ if row["mass_t"] else None,
                unit="GJ/t",
                origin="published",
            ),
        )
        return Term(
            row["port"], row["port"], row["energy_tj"], equation=N_("mass x lower heating value"), inputs=inputs
        )

    return _by_fuel(rows, leaf, "energy")


def _by_fuel(rows: Iterable[Row], leaf: Callable[[Row], Term], key: str) -> Term:
    by_fuel: dict[str, list[Term]] = {}
    for row in rows:
        by_fuel.setdefault(row["fuel"], []).append(leaf(row))
    parts = [total(fuel, fuel, N_("port of bunkering"), found) for fuel, found in by_fuel.items()]
    return total(key, key, N_("fuel"), parts)


def cost_term(files: ScenarioFiles, year: int) -> Term:
    """Cost [million USD] by item; fuel by fuel and port, ships by class and family where the scenario is known."""
    parts = []
    for row in files.rows("cost"):
        if row["year"] != year:
            continue
        item, held = str(row["item"]), row["cost_usd"] / USD_PER_MUSD
        label = ITEM_WORDS.get(item) or f"{item.replace('rule:', '')} ({row['payer']})"
        made = _item(files, item, year)
        if made is not None and same(made.value, held):
            parts.append(Term(item, label, made.value, made.parts, made.dimension, made.equation, made.inputs))
        else:
            note = (
                UNKNOWN if files.model is None else N_("The tables of the result do not hold what this is the sum of.")
            )
            parts.append(Term(item, label, held, notes=(note,)))
    return total("cost", "cost", N_("item"), parts)


def _item(files: ScenarioFiles, item: str, year: int) -> Term | None:
    if item == "fuel":
        rows = [row for row in files.rows("fuel") if row["year"] == year]
        return _by_fuel(rows, lambda row: _fuel_cost(files, row), item)
    model = files.model
    if model is None or year not in files.years:
        return None
    y = files.years.index(year)
    if item == "capital":
        return _capital(files, model, y)
    if item == "operation":
        return _operation(files, model, year)
    return None


def _fuel_cost(files: ScenarioFiles, row: Row) -> Term:
    inputs = (
        Input(name=N_("fuel energy"), value=row["energy_tj"], unit="TJ", origin="computed"),
        assumption(
            files,
            N_("price"),
            f"fuels.{row['fuel']}.price.{row['port']}.{row['year']}",
            row["price_usd_per_gj"],
            "USD/GJ",
        ),
    )
    return Term(row["port"], row["port"], row["cost_usd"] / USD_PER_MUSD, equation=N_("energy x price"), inputs=inputs)


def _fleet(files: ScenarioFiles, year: int) -> list[Row]:
    return [row for row in files.rows("fleet") if row["year"] == year]


def _capital(files: ScenarioFiles, model: ScenarioModel, y: int) -> Term:
    """Annuities of the ships built up to the year and still in their life."""
    classes = {ship.id: ship for ship in model.classes}
    parts = []
    for row in files.rows("fleet"):
        built, at = row["newbuilds"], files.years.index(int(row["year"]))
        ship, k = classes[row["ship_class"]], FAMILIES.index(row["family"])
        last = int(np.searchsorted(model.years, int(row["year"]) + ship.lifetime_years))
        if not built > 0.0 or not at <= y < last:
            continue
        price, rate = float(ship.newbuild_usd[k, at]), float(ship.cost_of_capital[k, at])
        yearly = float(annuity(rate, float(ship.lifetime_years)))
        key = f"{row['year']}-{ship.id}-{row['family']}"
        inputs = (
            Input(name=N_("ships built"), value=built, unit=N_("ships"), origin="computed"),
            Input(name=N_("price of a new ship"), value=price, unit="USD", origin="computed"),
            Input(name=N_("cost of capital"), value=rate, unit="1/year", origin="published"),
            Input(name=N_("life"), value=ship.lifetime_years, unit=N_("years"), origin="published"),
        )
        value = built * price * yearly / USD_PER_MUSD
        equation = N_("ships built x price x r / (1 - (1 + r)^-life)")
        parts.append(Term(key, f"{row['year']}, {ship.id}, {row['family']}", value, equation=equation, inputs=inputs))
    return total("capital", "capital", N_("ships by year built"), parts)


def _operation(files: ScenarioFiles, model: ScenarioModel, year: int) -> Term:
    classes = {ship.id: ship for ship in model.classes}
    parts = []
    for row in _fleet(files, year):
        k, ship = FAMILIES.index(row["family"]), classes[row["ship_class"]]
        opex = float(np.nan_to_num(ship.opex_usd_per_year)[k])
        inputs = (
            Input(name=N_("ships in service"), value=row["ships"], unit=N_("ships"), origin="computed"),
            Input(name=N_("operation of a ship"), value=opex, unit="USD/year", origin="published"),
        )
        label = f"{ship.id}, {row['family']}"
        value = row["ships"] * opex / USD_PER_MUSD
        parts.append(Term(f"{ship.id}-{row['family']}", label, value, equation=N_("ships x operation"), inputs=inputs))
    return total("operation", "operation", N_("ships"), parts)


def burnt_of(files: ScenarioFiles, year: int, *, fossil: bool = False) -> tuple[ScenarioModel, Burnt] | None:
    """What was burnt in a year, worked out anew or of a plan from its tables; None where that is not known."""
    if fossil:
        if files.fossil is None:
            return None
        model, outcome = files.fossil
        return model, _of_outcome(model, outcome.bunkered_gj, outcome.electric_gj, outcome.shore_gj, files, year)
    model = files.model  # type: ignore[assignment]  # a scenario that is not known ends here
    if model is None:
        return None
    if files.outcome is not None:
        found = files.outcome
        return model, _of_outcome(model, found.bunkered_gj, found.electric_gj, found.shore_gj, files, year)
    return model, _of_plan(files, model, year)


def _of_outcome(
    model: ScenarioModel, bunkered: Floats, electric: Floats, shore: Floats, files: ScenarioFiles, year: int
) -> Burnt:
    y = files.years.index(year)
    return Burnt(
        {
            (fuel.id, port): float(bunkered[0, f, p, y])
            for f, fuel in enumerate(model.fuels)
            for p, port in enumerate(model.ports)
        },
        {fuel.id: float(electric[0, f, y]) for f, fuel in enumerate(model.fuels)},
        {port: float(shore[0, p, y]) for p, port in enumerate(model.ports)},
    )


def _of_plan(files: ScenarioFiles, model: ScenarioModel, year: int) -> Burnt:
    y = files.years.index(year)
    fuel = {(r["fuel"], r["port"]): r["energy_tj"] * GJ_PER_TJ for r in files.rows("fuel") if r["year"] == year}
    electric: dict[str, float] = {}
    for row in files.rows("burnt"):
        if row["year"] == year and row["use"] == "electric":
            electric[row["fuel"]] = electric.get(row["fuel"], 0.0) + row["energy_tj"] * GJ_PER_TJ
    shore: dict[str, float] = dict.fromkeys(model.ports, 0.0)
    ships = {ship.id: ship for ship in model.classes}
    for row in files.rows("service"):
        if row["year"] == year:
            ship = ships[row["ship_class"]]
            for p, port in enumerate(model.ports):
                shore[port] += row["in_service"] * float(ship.electric_port_gj[p] * ship.shore_share[p, y])
    return Burnt(fuel, electric, shore)


def emission_term(files: ScenarioFiles, year: int, *, fossil: bool = False, tank_to_wake: bool = False) -> Term | None:
    """Emissions [t CO2e]: by fuel, by port (well-to-tank) and use (tank-to-wake), and electricity from shore.

    None where the scenario is not known.
    """
    known = burnt_of(files, year, fossil=fossil)
    if known is None:
        return None
    model, burnt = known
    y = files.years.index(year)
    parts = []
    for fuel in model.fuels:
        by_port = {p: burnt.bunkered_gj.get((fuel.id, p), 0.0) for p in model.ports}
        if not any(by_port.values()):
            continue
        terms = []
        if not tank_to_wake:
            bunkered = []
            for p, port in enumerate(model.ports):
                if by_port[port]:
                    path = f"fuels.{fuel.id}.wtt.{port}.{year}"
                    factor = float(np.nan_to_num(fuel.wtt_g_per_mj[p, y]))
                    bunkered.append(_product(files, port, port, N_("well-to-tank"), by_port[port], path, factor))
            terms.append(total("wtt", N_("well-to-tank"), N_("port of bunkering"), bunkered))
        aux = burnt.electric_gj.get(fuel.id, 0.0)
        main = sum(by_port.values()) - aux
        for key, label, energy, name, factor in (
            ("ttw-main", N_("tank-to-wake, main engines"), main, "ttw", fuel.ttw_g_per_mj),
            ("ttw-aux", N_("tank-to-wake, auxiliary engines"), aux, "ttw_electric", fuel.ttw_electric_g_per_mj),
        ):
            if energy:
                path = f"fuels.{fuel.id}.{name}"
                terms.append(_product(files, key, label, N_("tank-to-wake"), energy, path, factor))
        parts.append(total(fuel.id, fuel.id, N_("way of the fuel"), terms))
    if not tank_to_wake and any(burnt.shore_gj.values()):
        shore = []
        for p, port in enumerate(model.ports):
            if burnt.shore_gj.get(port):
                factor = float(np.nan_to_num(model.shore_g_per_mj[p, y]))
                path = f"ports.{port}.shore_power.intensity"
                words = N_("intensity of electricity")
                shore.append(_product(files, port, port, words, burnt.shore_gj[port], path, factor))
        parts.append(total("shore", N_("electricity from shore"), N_("port"), shore))
    return total("emissions", "emissions", N_("fuel"), parts)


def _product(
    files: ScenarioFiles, key: str, label: str, words: str, energy_gj: float, path: str, factor: float
) -> Term:
    inputs = (
        Input(name=N_("energy"), value=energy_gj / GJ_PER_TJ, unit="TJ", origin="computed"),
        assumption(files, words, path, factor, "g/MJ"),
    )
    return Term(key, label, energy_gj * factor / KG_PER_T, equation=N_("energy x intensity"), inputs=inputs)
