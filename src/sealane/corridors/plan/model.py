"""The plan's equations in linopy. Each line here stands in docs/method/plan.md under the same name.

Axes as in `Coefficients`: c classes, k families, j cohorts, v conversions, w uses, f fuels, p ports, y years.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sealane.corridors.plan.coefficients import Coefficients
from sealane.corridors.plan.cohorts import Bools
from sealane.corridors.scenarios.model import Floats, ScenarioModel
from sealane.corridors.scenarios.payments import T_TO_G, fueleu_usd

if TYPE_CHECKING:
    import linopy
    import xarray

SOFT = ("demand", "cap_wtw", "cap_intensity", "availability", "most_newbuilds", "most_retrofits")
"""Groups of constraints that a user can relax; the others are arithmetic."""

SHIP_COUNTS = ("newbuilds", "ships", "retrofits")
KT_USD_TO_MUSD = 1e-3  # kt times USD/t
_KILO = 1e-3


@dataclass(frozen=True)
class Limits:
    """Right-hand sides of the groups in `SOFT`, in the model's units; inf where there is no limit.

    Attributes
    ----------
    demand : [1,000 TEU], ``(Y,)`` or ``(C, Y)``.
    cap_wtw : [kt], ``(Y,)``.
    cap_intensity : [kt/TJ], ``(Y,)``.
    availability : [TJ], ``(F, P, Y)``.
    most_newbuilds, most_retrofits : ships in a whole model period, ``(Y,)``.
    """

    demand: Floats
    cap_wtw: Floats
    cap_intensity: Floats
    availability: Floats
    most_newbuilds: Floats
    most_retrofits: Floats


def limits(model: ScenarioModel, terms: Coefficients) -> Limits:
    """Return what the scenario asks and allows."""
    # As in `simulate`, the first model year takes the fleet it needs; a rate binds from the second on.
    first = np.arange(len(model.years)) == 0
    return Limits(
        demand=terms.demand_kteu,
        cap_wtw=np.where(np.isnan(model.cap_wtw_t), np.inf, model.cap_wtw_t * _KILO),
        cap_intensity=np.where(np.isnan(model.cap_intensity_g_per_mj), np.inf, model.cap_intensity_g_per_mj * _KILO),
        availability=terms.available_tj,
        most_newbuilds=np.where(first, np.inf, model.most_newbuilds * model.year_weight),
        most_retrofits=model.most_retrofits * model.year_weight,
    )


def build(
    model: ScenarioModel,
    terms: Coefficients,
    *,
    whole_ships: bool = False,
    fixed: Mapping[str, Floats] | None = None,
    elastic: bool = False,
) -> linopy.Model:
    """Write the equations down.

    Parameters
    ----------
    model, terms : scenario and its coefficients.
    whole_ships : `SHIP_COUNTS` are integers.
    fixed : values that `SHIP_COUNTS` are held at, for the duals of a plan of whole ships.
    elastic : every constraint of `SOFT` gets a variable ``miss_<group>`` that says by how much it is missed; there is
        no objective then.
    """
    from linopy import Model

    plan = _Plan(Model(), model, terms, limits(model, terms), whole_ships, fixed or {}, elastic)
    plan.fleet()
    plan.energy()
    plan.emissions()
    if elastic:
        plan.lp.add_objective((plan.x["in_service"] * 0.0).sum())
        return plan.lp
    plan.cost()
    return plan.lp


class _Plan:
    """Writes one model down; it lives as long as `build` runs."""

    def __init__(
        self,
        lp: linopy.Model,
        model: ScenarioModel,
        terms: Coefficients,
        limit: Limits,
        whole_ships: bool,
        fixed: Mapping[str, Floats],
        elastic: bool,
    ) -> None:
        self.lp, self.model, self.terms, self.limit = lp, model, terms, limit
        self.whole_ships, self.fixed, self.elastic = whole_ships, fixed, elastic
        self.x: dict[str, Any] = {}

    def variable(self, name: str, dims: str, possible: Any = True, *, free: bool = False) -> None:
        """Add a variable >= 0; where it is not possible its upper bound is 0, and presolve takes it out."""
        import pandas as pd

        shape = tuple(self.terms.sizes[dim] for dim in dims.upper())
        upper = np.where(np.broadcast_to(possible, shape), np.inf, 0.0)
        lower = np.full(shape, -np.inf if free else 0.0)
        integer = self.whole_ships and name in SHIP_COUNTS
        if name in self.fixed:
            lower = upper = np.broadcast_to(self.fixed[name], shape)
            integer = False
        coords = [pd.RangeIndex(n, name=dim) for n, dim in zip(shape, dims, strict=True)]
        if 0 in shape:
            return
        self.x[name] = self.lp.add_variables(
            lower=_array(lower, dims), upper=_array(upper, dims), coords=coords, name=name, integer=integer
        )

    def at_most(self, name: str, left: Any, right: Floats, dims: str) -> None:
        """Add a constraint of `SOFT`: left <= right where right is finite, in the elastic model but for the miss."""
        finite = np.isfinite(right)
        if not finite.any():
            return
        if self.elastic:
            self.variable(f"miss_{name}", dims, finite)
            left = left - self.x[f"miss_{name}"]
        bound = _array(np.where(finite, right, 0.0), dims)
        self.lp.add_constraints(left <= bound, name=name, mask=_array(finite, dims))

    def fleet(self) -> None:
        """Cohorts, conversions, ships in service, transport."""
        t, ships = self.terms, self.terms.cohorts
        n = t.sizes["Y"]
        self.variable("newbuilds", "cky", t.builds)
        self.variable("ships", "ckjy", ships.alive[:, None, :, :])
        self.variable("retrofits", "cvjy", t.converts)
        self.variable("in_service", "cky", t.usable[:, :, None])
        owned, in_service, built = self.x["ships"], self.x["in_service"], self.x["newbuilds"]

        # What is left of a cohort: ships of the year before, less those converted away, plus those converted to it.
        # A ship may be given up before its time (<=); a new one is still paid for then.
        come, last = self._converted(), slice(1, n)
        alive = np.broadcast_to(ships.alive[:, None, :, :], (*ships.initial.shape, n))
        today, later = owned.isel(y=[0]), 1.0 * owned.isel(y=last)
        if come is not None:
            today, later = today - come.isel(y=[0]), later - come.isel(y=last)
        existing = slice(0, n)
        self.lp.add_constraints(
            (1.0 * today).isel(j=existing) <= _array(ships.initial[:, :, existing, None], "ckjy"), name="today"
        )
        if n > 1:
            before = owned.isel(y=slice(0, n - 1)).assign_coords(y=np.arange(1, n))
            continues = alive[..., :-1] & alive[..., 1:]
            mask = _array(continues, "ckjy").assign_coords(y=np.arange(1, n))
            self.lp.add_constraints(later - before <= 0, name="cohorts", mask=mask)
        joining = (owned.isel(j=slice(n, None)) * _array(np.eye(n), "jy").assign_coords(j=n + np.arange(n))).sum("y")
        self.lp.add_constraints(joining - built.rename(y="j").assign_coords(j=n + np.arange(n)) <= 0, name="vintages")
        self.lp.add_constraints(in_service - owned.sum("j") <= 0, name="in_service")

        carried = in_service * _array(t.kteu, "ck")
        by_class = t.demand_kteu.ndim == 2
        performed = carried.sum("k") if by_class else carried.sum(["c", "k"])
        dims = "cy" if by_class else "y"
        if self.elastic:
            self.variable("miss_demand", dims)
            performed = performed + self.x["miss_demand"]
        self.lp.add_constraints(performed == _array(t.demand_kteu, dims), name="demand")
        self.at_most("most_newbuilds", built.sum(["c", "k"]), self.limit.most_newbuilds, "y")
        if "retrofits" in self.x:
            self.at_most("most_retrofits", self.x["retrofits"].sum(["c", "v", "j"]), self.limit.most_retrofits, "y")

    def _converted(self) -> Any:
        """Ships that come into a family by conversion, less those that leave it, (c, k, j, y)."""
        if "retrofits" not in self.x:
            return None
        sign = np.zeros((self.terms.sizes["K"], self.terms.sizes["V"]))
        for v, (a, b) in enumerate(self.terms.conversions):
            sign[a, v], sign[b, v] = -1.0, 1.0
        return (self.x["retrofits"] * _array(sign, "kv")).sum("v")

    def energy(self) -> None:
        """Fuel burnt by family and use, pilot fuel, bunkering, availability."""
        t = self.terms
        self.variable("burnt", "kwfy", t.burns[..., None])
        either: Bools = np.any(t.burns, axis=1)
        sold = either[:, :, None, None] & t.offers[None]
        self.variable("bunkered", "kfpy", sold)
        burnt, bunkered, in_service = self.x["burnt"], self.x["bunkered"], self.x["in_service"]
        need = _array(t.need_tj, "ckwy")
        self.lp.add_constraints(burnt.sum("f") - (in_service * need).sum("c") == 0, name="energy")
        oil = np.array([fuel.family == "oil" for fuel in self.model.fuels], dtype=np.float64)
        pilot = _array(t.need_tj * t.pilot[:, :, None, None], "ckwy").isel(k=slice(1, None))
        dual_fuel = in_service.isel(k=slice(1, None))
        self.lp.add_constraints(
            (burnt.isel(k=slice(1, None)) * _array(oil, "f")).sum("f") - (dual_fuel * pilot).sum("c") >= 0, name="pilot"
        )
        self.lp.add_constraints(bunkered.sum("p") - burnt.sum("w") == 0, name="bunkering")
        self.at_most("availability", bunkered.sum("k"), self.limit.availability, "fpy")

    def emissions(self) -> None:
        """Well-to-wake emissions of fuel, and the caps on them."""
        t = self.terms
        self.variable("wtw", "y", free=True)
        wtw, burnt, bunkered, in_service = (self.x[name] for name in ("wtw", "burnt", "bunkered", "in_service"))
        fuel = (bunkered * _array(t.wtt_kt_per_tj, "fpy")).sum(["k", "f", "p"])
        fuel = fuel + (burnt * _array(t.ttw_kt_per_tj, "wf")).sum(["k", "w", "f"])
        self.lp.add_constraints(wtw - fuel == 0, name="well_to_wake")
        shore = (in_service * _array(t.shore_kt, "cy")).sum(["c", "k"])
        self.at_most("cap_wtw", wtw + shore, self.limit.cap_wtw, "y")
        asked = np.isfinite(self.limit.cap_intensity)
        allowed = burnt.sum(["k", "w", "f"]) * _array(np.where(asked, self.limit.cap_intensity, 0.0), "y")
        self.at_most("cap_intensity", wtw - allowed, np.where(asked, 0.0, np.inf), "y")

    def cost(self) -> None:
        """The objective: money of all years, discounted [million USD]."""
        t, pay, x = self.terms, self.model.payments, self.x
        d = t.discount
        parts = [
            x["newbuilds"] * _array(t.capital_present_musd(), "cky"),
            x["ships"] * _array(t.opex_musd[:, :, None] * d, "cky"),
            x["in_service"] * _array(t.shore_musd * d, "cy"),
            x["bunkered"] * _array(t.price_musd_per_tj * d, "fpy"),
        ]
        if "retrofits" in x:
            parts.append(x["retrofits"] * _array(t.conversion_present_musd(), "cvjy"))
        if pay.ttw_usd_per_t.any():
            paid = t.ttw_paid_kt_per_tj[:, :, None] * (pay.ttw_usd_per_t * d * KT_USD_TO_MUSD)
            parts.append(x["burnt"] * _array(paid, "wfy"))
        if pay.wtw_usd_per_t.any():
            price = pay.wtw_usd_per_t * d * KT_USD_TO_MUSD
            parts += [x["wtw"] * _array(price, "y"), x["in_service"] * _array(t.shore_kt * price, "cy")]
        base, direct = pay.nzf_base_g_per_mj, pay.nzf_direct_g_per_mj
        on = np.isfinite(base) & np.isfinite(direct)
        if on.any():
            # At the optimum tier 2 is what lies above the base line and tier 1 the rest down to the direct line, since
            # the second tier is the dearer one (checks.py).
            for line, units, price in (
                (base, ("tier2",), pay.nzf_tier2_usd_per_t),
                (direct, ("tier1", "tier2"), pay.nzf_tier1_usd_per_t),
            ):
                self.variable(units[0], "y", on)
                self.above(f"nzf_{units[0]}", line, on, units)
                parts.append(x[units[0]] * _array(np.nan_to_num(price) * d * KT_USD_TO_MUSD, "y"))
        price = fueleu_usd_per_t(self.model)
        if price.any():
            self.variable("fueleu", "y", price > 0)
            self.above("fueleu_limit", pay.fueleu_limit_g_per_mj, price > 0, ("fueleu",))
            parts.append(x["fueleu"] * _array(price * d * KT_USD_TO_MUSD, "y"))
        self.lp.add_objective(sum((part.sum() for part in parts[1:]), parts[0].sum()))

    def above(self, name: str, line_g_per_mj: Floats, on: Bools, units: Sequence[str]) -> None:
        """Say that the units are at least the well-to-wake emissions of fuel above a line of intensity."""
        energy = self.x["burnt"].sum(["k", "w", "f"]) * _array(np.where(on, line_g_per_mj, 0.0) * _KILO, "y")
        bought = sum((self.x[unit] for unit in units[1:]), 1.0 * self.x[units[0]])
        self.lp.add_constraints(bought - self.x["wtw"] + energy >= 0, name=name, mask=_array(on, "y"))


def fueleu_usd_per_t(model: ScenarioModel) -> Floats:
    """Price on each tonne of fuel emissions above FuelEU's limit, ``(Y,)``: the penalty, made linear.

    The penalty divides by the attained intensity. Here it is divided by that of the dirtiest fuel on offer in the year:
    exact at that intensity and at the limit, too low between them. 0 where the rule is off or no fuel above the limit.
    """
    pay = model.payments
    wtt = np.stack([fuel.wtt_g_per_mj for fuel in model.fuels])
    ttw = np.array([max(fuel.ttw_g_per_mj, fuel.ttw_electric_g_per_mj) for fuel in model.fuels])
    worst = np.nan_to_num(wtt + ttw[:, None, None], nan=-np.inf).max(axis=(0, 1))
    on = np.isfinite(pay.fueleu_limit_g_per_mj) & (worst > pay.fueleu_limit_g_per_mj)
    if pay.fueleu_scope <= 0.0 or not on.any():
        return np.zeros(len(model.years))
    one_mj = np.ones(len(model.years))
    usd_per_mj = fueleu_usd(pay, np.where(on, worst, 1.0), one_mj)
    over_t_per_mj = np.where(on, worst - pay.fueleu_limit_g_per_mj, 1.0) / T_TO_G
    return np.where(on, usd_per_mj / over_t_per_mj, 0.0)


def _array(values: Any, dims: str) -> xarray.DataArray:
    """Name the axes of an array, numbered from 0."""
    import xarray as xr

    values = np.asarray(values)
    return xr.DataArray(
        values, dims=list(dims), coords={d: np.arange(n) for d, n in zip(dims, values.shape, strict=True)}
    )
