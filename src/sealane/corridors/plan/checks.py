"""What a scenario's arrays must be before a plan is made; all faults at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sealane.corridors.scenarios.model import FAMILIES, Floats, ScenarioModel, ShipClass
from sealane.errors import DataError, Fault

_ROOM = 1e-9


def check(model: ScenarioModel) -> None:
    """Refuse a scenario that cannot be planned whatever the limits are.

    Raises
    ------
    DataError
        naming class, fuel, family and year of every fault: shapes that do not fit, numbers missing or negative where a
        family is offered, ships of today that grow in number, shares outside 0 to 1.
    """
    faults = [*_shapes(model)]
    if not faults:
        faults = [*_scenario(model)]
        for ship in model.classes:
            faults += _ship(model, ship)
        for fuel in model.fuels:
            faults += _fuel(model, fuel.id)
    if faults:
        raise DataError(f"Scenario {model.id} cannot be planned.", faults)


def _fault(model: ScenarioModel, where: str, found: str, remedy: str) -> Fault:
    return Fault(f"{model.id}: {where}", found, remedy)


def _shapes(model: ScenarioModel) -> Iterable[Fault]:
    n, p, k = len(model.years), len(model.ports), len(FAMILIES)
    wanted: list[tuple[str, Floats, tuple[int, ...]]] = [
        (name, getattr(model, name), (n,))
        for name in (
            *("year_weight", "demand_teu", "cap_wtw_t", "cap_intensity_g_per_mj"),
            *("most_newbuilds", "most_retrofits"),
        )
    ]
    wanted += [(name, getattr(model, name), (p, n)) for name in ("shore_g_per_mj", "shore_usd_per_gj")]
    if model.class_share is not None:
        wanted.append(("class_share", model.class_share, (len(model.classes), n)))
    for ship in model.classes:
        shapes = {
            "electric_port_gj": (p,),
            "shore_share": (p, n),
            "efficiency_propulsion": (k,),
            "efficiency_electric": (k,),
            "pilot_share": (k,),
            "newbuild_usd": (k, n),
            "retrofit_usd": (k, k),
            "opex_usd_per_year": (k,),
            "cost_of_capital": (k, n),
            "capacity_loss": (k,),
            "existing": (k, n),
        }
        wanted += [(f"ships.{ship.id}.{name}", getattr(ship, name), shape) for name, shape in shapes.items()]
    for fuel in model.fuels:
        for name in ("price_usd_per_gj", "available_gj", "wtt_g_per_mj"):
            wanted.append((f"fuels.{fuel.id}.{name}", getattr(fuel, name), (p, n)))
    for where, found, shape in wanted:
        if np.shape(found) != shape:
            yield _fault(model, where, f"has the shape {np.shape(found)}", f"Give an array of the shape {shape}")
    for where, number in (("years", n), ("ports", p), ("ships", len(model.classes)), ("fuels", len(model.fuels))):
        if number == 0:
            yield _fault(model, where, "there are none", "Give at least one")
    for name, given in (("ships", [s.id for s in model.classes]), ("fuels", [f.id for f in model.fuels])):
        for twice in sorted({item for item in given if given.count(item) > 1}):
            yield _fault(model, f"{name}.{twice}", "is given twice", "Give each a name of its own")
    for fuel in model.fuels:
        if fuel.family not in FAMILIES:
            yield _fault(model, f"fuels.{fuel.id}.family", f"'{fuel.family}'", f"Give one of: {', '.join(FAMILIES)}")


def _scenario(model: ScenarioModel) -> Iterable[Fault]:
    pay = model.payments
    if (np.diff(model.years) <= 0).any():
        yield _fault(model, "years", "do not grow", "Give model years in order, each once")
    if not (np.isfinite(model.year_weight).all() and (model.year_weight > 0).all()):
        yield _fault(model, "year_weight", "is not above 0 in every year", "Give how many years each stands for")
    if not model.discount_rate > -1.0:
        yield _fault(model, "discount_rate", f"{model.discount_rate}", "Give a fraction per year, such as 0.05")
    for name in ("demand_teu", "most_newbuilds", "most_retrofits"):
        values = getattr(model, name)
        bad = np.isnan(values) | (values < 0) | (np.isinf(values) if name == "demand_teu" else False)
        yield from _years(model, name, bad, "is missing or negative", "Give a number of at least 0")
    for name in ("cap_wtw_t", "cap_intensity_g_per_mj"):
        yield from _years(model, name, np.isinf(getattr(model, name)), "is infinite", "Leave a year without cap empty")
    if model.class_share is not None:
        off = (np.abs(model.class_share.sum(axis=0) - 1.0) > 1e-6) | (model.class_share < 0).any(axis=0)
        yield from _years(model, "class_share", off, "shares are negative or do not sum to 1", "Let them sum to 1")
    for name in ("ttw_usd_per_t", "wtw_usd_per_t"):
        values = getattr(pay, name)
        yield from _years(
            model, f"rules.{name}", ~(values >= 0), "is missing or negative", "Give a price of at least 0"
        )
    on = np.isfinite(pay.nzf_base_g_per_mj) & np.isfinite(pay.nzf_direct_g_per_mj)
    yield from _years(
        model,
        "rules.nzf",
        on & (pay.nzf_direct_g_per_mj > pay.nzf_base_g_per_mj),
        "the direct compliance line lies above the base line",
        "Give a direct line at or below the base line",
    )
    tiers = np.nan_to_num(pay.nzf_tier1_usd_per_t), np.nan_to_num(pay.nzf_tier2_usd_per_t)
    yield from _years(
        model,
        "rules.nzf",
        on & (tiers[0] > tiers[1]),
        "units of the first tier are dearer than those of the second, which a linear plan cannot hold",
        "Give a price of the second tier at or above the first",
    )


def _ship(model: ScenarioModel, ship: ShipClass) -> Iterable[Fault]:
    def fault(field: str, found: str, remedy: str) -> Fault:
        return _fault(model, f"ships.{ship.id}.{field}", found, remedy)

    for field in ("teu_per_year", "lifetime_years"):
        if not getattr(ship, field) > 0:
            yield fault(field, f"{getattr(ship, field)}", "Give a number above 0")
    for field in ("propulsion_gj", "electric_sea_gj"):
        if not getattr(ship, field) >= 0:
            yield fault(field, f"{getattr(ship, field)}", "Give a number of at least 0")
    if not (ship.electric_port_gj >= 0).all():
        yield fault("electric_port_gj", "is missing or negative at a port", "Give a number of at least 0 for each")
    if not ((ship.shore_share >= 0) & (ship.shore_share <= 1)).all():
        yield fault("shore_share", "is missing or outside 0 to 1", "Give a share of 0 to 1 for each port and year")
    used = (ship.electric_port_gj[:, None] * ship.shore_share) > 0
    for name in ("shore_g_per_mj", "shore_usd_per_gj"):
        missing = used & ~np.isfinite(getattr(model, name))
        for p in np.flatnonzero(missing.any(axis=1)):
            yield _fault(
                model,
                f"{name}.{model.ports[p]}",
                f"is missing where class {ship.id} takes shore power",
                "Give it, or set the class's shore_share there to 0",
            )
    if not (ship.existing >= -_ROOM).all() or (np.diff(ship.existing, axis=1) > _ROOM).any():
        yield fault("existing", "ships of today are negative or grow in number", "Give numbers that never rise")
    usable = np.isfinite(ship.efficiency_propulsion) & np.isfinite(ship.efficiency_electric)
    for k, family in enumerate(FAMILIES):
        wanted = (np.isfinite(ship.newbuild_usd[k]), ship.existing[k] > 0, np.isfinite(ship.retrofit_usd[:, k]))
        if not any(part.any() for part in wanted):
            continue
        for field in ("efficiency_propulsion", "efficiency_electric"):
            value = getattr(ship, field)[k]
            if np.isfinite(value) and not 0 < value <= 1:
                yield fault(f"{field}.{family}", f"{value:g}", "Give work per lower heating value, above 0 up to 1")
        if not usable[k]:
            continue
        for field, most in (("opex_usd_per_year", np.inf), ("capacity_loss", 1.0 - _ROOM), ("pilot_share", 1.0)):
            value = getattr(ship, field)[k]
            if not 0 <= value <= most or np.isinf(value):
                yield fault(
                    f"{field}.{family}", f"{value:g}", "Give a number of at least 0" + (", and below 1" * (most <= 1))
                )
        if (ship.newbuild_usd[k] < 0).any():
            yield fault(f"newbuild_usd.{family}", "is negative in a year", "Give a price of at least 0")
        bought = np.isfinite(ship.newbuild_usd[k]) | np.isfinite(ship.retrofit_usd[:, k]).any()
        if (bought & ~(ship.cost_of_capital[k] > -1)).any():
            yield fault(f"cost_of_capital.{family}", "is missing in a year with a price", "Give a fraction per year")
    if (ship.retrofit_usd < 0).any():
        yield fault("retrofit_usd", "is negative", "Give a price of at least 0")


def _fuel(model: ScenarioModel, name: str) -> Iterable[Fault]:
    fuel = next(fuel for fuel in model.fuels if fuel.id == name)

    def fault(field: str, found: str, remedy: str) -> Fault:
        return _fault(model, f"fuels.{name}.{field}", found, remedy)

    if not fuel.lhv_gj_per_t > 0:
        yield fault("lhv_gj_per_t", f"{fuel.lhv_gj_per_t}", "Give a lower heating value above 0")
    if (fuel.price_usd_per_gj < 0).any() or np.isinf(fuel.price_usd_per_gj).any():
        yield fault("price_usd_per_gj", "is negative or infinite", "Leave it empty where the fuel is not sold")
    if (fuel.available_gj < 0).any():
        yield fault("available_gj", "is negative", "Give at least 0; leave it out where nothing limits it")
    if np.isnan(fuel.available_gj[np.isfinite(fuel.price_usd_per_gj)]).any():
        yield fault("available_gj", "is missing where the fuel has a price", "Give it, or say that nothing limits it")
    unknown = np.isfinite(fuel.price_usd_per_gj) & ~np.isfinite(fuel.wtt_g_per_mj)
    if unknown.any():
        yield fault("wtt_g_per_mj", "is missing where the fuel has a price", "Give it, or take the price out")


def _years(model: ScenarioModel, where: str, bad: object, found: str, remedy: str) -> Iterable[Fault]:
    years = model.years[np.flatnonzero(np.asarray(bad))]
    if len(years):
        listed = ", ".join(str(int(year)) for year in years)
        yield _fault(model, f"{where}, {listed}", found, remedy)
