"""The chain behind a leg's figures: inputs, equations, factor rows, shares; worked out anew and compared.

The folder of a lane holds all that is needed: the leg, the ship's particulars with their origins, the stays at both its
ends. Factors are resolved again from the reference tables and multiplied line by line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.corridors.lanes.schemas import AREAS, POLLUTANTS, RULES, TABLES
from sealane.corridors.ship_energy import Fleet, ShipEnergy, fleet_of, ship_of_particulars
from sealane.emissions.emission_factors import Factor
from sealane.emissions.layout import PRICED, SOURCE_NAMES, Mode
from sealane.emissions.pricing import adjustment, main_load
from sealane.emissions.profiles import Place, factor_sheet
from sealane.emissions.vessels import VESSEL_TABLE_FIELDS, Origin, OriginKind, Particulars
from sealane.errors import DataError, Fault, FileFormatError
from sealane.inventory.context import profile_of
from sealane.inventory.explain import Source
from sealane.reference import load_table

_GASES = ("co2", "ch4", "n2o")
_SHOWN = ("co2", "ch4", "n2o", "wtt_co2e", "nox", "so2", "pm10", "pm25")
CLOSE = 1e-12
"""Relative difference at which a figure counts as the same: the order of additions differs."""


@dataclass(frozen=True)
class Line:
    """One product: work x factor x adjustment for low load; `rows` are those of `published` in words."""

    place: str
    source: str
    fuel: str
    pollutant: str
    hours: float
    power_kw: float
    factor_g_per_kwh: float
    adjustment: float
    grams: float
    equation: str
    rows: tuple[str, ...]
    published: tuple[Source, ...]


@dataclass(frozen=True)
class Figure:
    """A figure of legs.parquet beside what the lines give."""

    name: str
    equation: str
    worked_out: float
    in_table: float | None

    @property
    def adds_up(self) -> bool:
        """Both are the same but for the order of additions."""
        return self.in_table is not None and math.isclose(self.worked_out, self.in_table, rel_tol=CLOSE, abs_tol=1e-9)


@dataclass(frozen=True)
class LegExplanation:
    """Everything behind one leg.

    Attributes
    ----------
    leg : its row in legs.parquet.
    particulars : value, origin, grade and source by field.
    steps : how distance, speed and load come about, in words.
    lines, figures : the products, and what they add up to.
    shares : by rule, with the equation.
    counts : what the leg adds to the lane by rule and pollutant, half of the stays at both its ends included [g].
    """

    leg: Mapping[str, Any]
    particulars: tuple[Mapping[str, Any], ...]
    steps: tuple[str, ...]
    lines: tuple[Line, ...]
    figures: tuple[Figure, ...]
    shares: Mapping[str, str]
    counts: Mapping[str, Mapping[str, float]]

    @property
    def adds_up(self) -> bool:
        """Every figure does."""
        return all(figure.adds_up for figure in self.figures)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "adds_up": self.adds_up}


def explain_leg(folder: Path, leg_id: str) -> LegExplanation:
    """Explain one leg of a lane.

    Parameters
    ----------
    folder : written by ``sealane lane``.
    leg_id : as legs.parquet names it.

    Raises
    ------
    FileFormatError
        if the folder is no lane's.
    DataError
        if there is no such leg.
    """
    try:
        summary = json.loads((folder / "lane.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise FileFormatError(
            f"{folder} is no folder of a lane. Give the one that 'sealane lane --out' wrote."
        ) from None
    legs = _rows(folder, "legs", pc.field("leg_id") == leg_id)
    if not legs:
        some = pq.read_table(folder / TABLES["legs"].file, columns=["leg_id"])["leg_id"][:3].to_pylist()
        fault = Fault("leg", f"'{leg_id}'", f"Give a leg of legs.parquet, e.g. {', '.join(some)}")
        raise DataError("There is no such leg.", [fault])
    leg = legs[0]
    values = _rows(folder, "particulars", pc.field("ship") == leg["ship"])
    steps = _steps(leg)
    lines: tuple[Line, ...] = ()
    if values and leg["hours"] is not None and leg["distance_nm"] is not None:
        ship = ship_of_particulars(_particulars(leg, values), method=summary["request"]["method"])
        moment = leg["departure"]
        fleet = fleet_of([ship], moment, moment, areas=AREAS, gwp=summary["request"]["gwp"])
        if leg["distance_nm"] > 0.0:
            load = _load(fleet, leg["speed_kn"])
            steps += (_load_words(load, ship),)
            lines = tuple(line for at, nm in _pieces(leg) for line in _lines(fleet, ship, at, nm, leg, load))
    stays = [_rows(folder, "stays", pc.field("call_id") == leg[name]) for name in ("from_call_id", "to_call_id")]
    counts = {
        rule: {
            name: (leg[f"share_{rule}"] or 0.0)
            * ((leg[name] or 0.0) + 0.5 * math.fsum(row[name] or 0.0 for rows in stays for row in rows))
            for name in POLLUTANTS
        }
        for rule in RULES
    }
    return LegExplanation(
        leg=leg,
        particulars=tuple({k: row[k] for k in ("field", "value", "origin", "grade", "source")} for row in values),
        steps=steps,
        lines=lines,
        figures=_figures(leg, lines, summary["request"]["gwp"]) if lines else (),
        shares=_shares(leg),
        counts=counts,
    )


def _rows(folder: Path, name: str, chosen: pc.Expression) -> list[dict[str, Any]]:
    path = folder / TABLES[name].file
    if not path.is_file():
        raise FileFormatError(f"{path} is missing. Give the folder that 'sealane lane --out' wrote.")
    found: list[dict[str, Any]] = pq.read_table(path, filters=chosen).to_pylist()
    return found


def _steps(leg: Mapping[str, Any]) -> tuple[str, ...]:
    words = {
        "observed": "seen by own AIS without a gap",
        "part_observed": f"{leg['observed_share']:.1%} of it observed, the rest filled",
        "logged": "as told with the call reached",
        "route": "shortest way over water between the two ports; nobody told the distance",
        "unknown": "not known",
    }
    steps = [f"distance = {leg['distance_nm']} nm: {words[leg['distance_source']]}"]
    if leg["route_nm"] is not None:
        steps.append(f"shortest feasible distance = {leg['route_nm']} nm")
    if leg["hours"] is None or leg["distance_nm"] is None:
        return (*steps, f"not priced: {leg['flags']}")
    steps.append(f"hours = arrival - departure = {leg['hours']} h; speed = distance / hours = {leg['speed_kn']} kn")
    areas = ", ".join(f"{name} {leg[f'eca_{name}_nm']} nm" for name in AREAS if leg[f"eca_{name}_nm"])
    steps.append(f"inside control areas: {areas or 'none'}")
    return tuple(steps)


def _particulars(leg: Mapping[str, Any], values: list[dict[str, Any]]) -> Particulars:
    """Particulars as the lane used them."""
    text = {row["field"]: row["value"] for row in values}
    origins = {
        row["field"]: Origin(OriginKind(row["origin"]), row["grade"], row["source"]) for row in values if row["origin"]
    }

    def read(name: str) -> Any:
        if name not in text:
            return None
        kind = str(VESSEL_TABLE_FIELDS.get(name, "string"))
        if kind in ("double", "float"):
            return float(text[name])
        return int(text[name]) if kind.startswith(("int", "uint")) else text[name]

    names = [name for name in VESSEL_TABLE_FIELDS if name not in ("imo", "name", "mmsi")]
    return Particulars(
        mmsi=leg["mmsi"] or 0,
        imo=leg["imo"],
        name=leg["ship_name"],
        electric_drive=text.get("electric_drive") == "True",
        static_changes=0,
        notes=(),
        origins=origins,
        **{name: read(name) for name in names},
    )


def _pieces(leg: Mapping[str, Any]) -> list[tuple[int, float]]:
    """Control area and miles of each piece of a leg, outside first."""
    inside = [leg[f"eca_{name}_nm"] for name in AREAS]
    outside = max(leg["distance_nm"] - float(np.sum(inside)), 0.0)
    return [(at, nm) for at, nm in enumerate([outside, *inside]) if nm > 0.0]


def _load_words(load: float, ship: ShipEnergy) -> str:
    if ship.method != "epa-2022":
        return f"load = {load:.10g} (Fourth IMO GHG Study, equation 8)"
    law = "min(1, max(0.02, (v / v_max)^3 (1 + sea margin)))"
    return f"load = {law} = {load:.10g}, v_max = {ship.max_speed_kn:g} kn, installed {ship.installed_kw:g} kW"


def _load(fleet: Fleet, speed_kn: float) -> float:
    mode = int(Mode.TRANSIT)
    return float(main_load(0, speed_kn * 10.0, mode, 0, math.nan, fleet.vessels, fleet.factors, fleet.limits))


def _lines(fleet: Fleet, ship: ShipEnergy, area: int, nm: float, leg: Mapping[str, Any], load: float) -> list[Line]:
    moment: datetime = leg["departure"]
    at = np.array([int(moment.timestamp() * 1e6)])
    regime = int(fleet.regimes(np.array([area]), at)[0])
    place: Place = fleet.places.places[regime]
    low = load < fleet.limits.tier_fallback_load
    sheet = factor_sheet(profile_of(ship.particulars), place, ship.method, fleet.gwp, low=low)
    hours = nm / leg["speed_kn"]
    aux, boiler = ship.hotel_kw("transit")
    found = []
    for source, power in enumerate((load * ship.installed_kw, aux, boiler)):
        if power <= 0.0:
            continue
        for name in _SHOWN:
            factor = sheet.upstream[source] if name == "wtt_co2e" else sheet.factors[source].get(name)
            if factor is None:
                continue
            low_load = _adjustment(fleet, regime, name, load) if source == 0 else 1.0
            found.append(
                Line(
                    place=place.name,
                    source=SOURCE_NAMES[source],
                    fuel=sheet.fuel[source],
                    pollutant=name,
                    hours=hours,
                    power_kw=power,
                    factor_g_per_kwh=factor.value,
                    adjustment=low_load,
                    grams=power * hours * factor.value * low_load,
                    equation=factor.equation,
                    rows=_row_words(factor),
                    published=tuple(
                        Source(row.label, row.value, row.unit, row.source, row.edition, row.grade)
                        for row in factor.rows
                    ),
                )
            )
    return found


def _row_words(factor: Factor) -> tuple[str, ...]:
    return tuple(f"{r.label} = {r.value:g} {r.unit} (grade {r.grade}; {r.source})" for r in factor.rows)


def _adjustment(fleet: Fleet, regime: int, name: str, load: float) -> float:
    profile = int(fleet.vessels.profile[0])
    return float(
        adjustment(
            PRICED.index(name),
            load,
            fleet.factors.sulphur_fraction[profile, regime],
            fleet.factors.bc_exponent[profile, regime],
            fleet.vessels.low_load[0],
            fleet.factors,
            fleet.limits,
        )
    )


def _figures(leg: Mapping[str, Any], lines: tuple[Line, ...], gwp: str) -> tuple[Figure, ...]:
    potential = {gas: load_table("gwp100").row(gwp, gas).value for gas in _GASES}
    ttw = math.fsum(line.grams * potential[line.pollutant] for line in lines if line.pollutant in potential)
    wtt = math.fsum(line.grams for line in lines if line.pollutant == "wtt_co2e")
    words = " + ".join(f"{value:g} {gas.upper()}" for gas, value in potential.items())
    figures = [
        Figure("ttw_co2e_g", words, ttw, leg["ttw_co2e_g"]),
        Figure("wtw_co2e_g", "tank-to-wake + well-to-tank", ttw + wtt, leg["wtw_co2e_g"]),
    ]
    for name in ("nox", "so2", "pm10", "pm25"):
        grams = math.fsum(line.grams for line in lines if line.pollutant == name)
        figures.append(Figure(f"{name}_g", "sum of its lines", grams, leg[f"{name}_g"]))
    return tuple(figures)


def _shares(leg: Mapping[str, Any]) -> dict[str, str]:
    onboard, lane, unit = leg["onboard_t"], leg["lane_t"], "t"
    if onboard is None or lane is None:
        onboard, lane, unit = leg["onboard_teu"], leg["lane_teu"], "TEU"
    cargo = "the cargo is not known"
    if onboard is not None and lane is not None:
        cargo = f"{lane:g} / {onboard:g} {unit} ({leg['cargo_basis']})"
    of = f"of pass {leg['pass_id']}" if leg["pass_id"] else "of no pass"
    return {
        "direct": f"{leg['share_direct']:g}: {leg['from_port']} to {leg['to_port']}, {of}",
        "rotation": f"{leg['share_rotation']:g}: {of}",
        "cargo": f"{'unknown' if leg['share_cargo'] is None else format(leg['share_cargo'], 'g')}: {cargo}",
    }


def as_text(explanation: LegExplanation) -> str:
    """The explanation for people to read."""
    leg = explanation.leg
    name = leg["ship_name"] or "name unknown"
    out = [f"{leg['leg_id']}  {name}, {leg['from_port']} to {leg['to_port']}", "", "Ship"]
    for item in explanation.particulars:
        origin = f"   [{item['origin']}, grade {item['grade']}: {item['source']}]" if item["origin"] else ""
        out.append(f"  {item['field']} = {item['value']}{origin}")
    out += ["", "Steps", *(f"  {step}" for step in explanation.steps)]
    for line in explanation.lines:
        out += [
            "",
            f"{line.pollutant}, {line.source}, {line.place}, {line.fuel}",
            f"  {line.power_kw:.10g} kW x {line.hours:.10g} h x {line.factor_g_per_kwh:.10g} g/kWh"
            f" x {line.adjustment:.10g} = {line.grams:.10g} g",
            f"  {line.equation}",
            *(f"  {row}" for row in line.rows),
        ]
    out += ["", "Sums"]
    for figure in explanation.figures:
        verdict = "equals the table" if figure.adds_up else f"the table says {figure.in_table!r}"
        out.append(f"  {figure.name} = {figure.equation} = {figure.worked_out:.10g}: {verdict}")
    out += ["", "Shares", *(f"  {rule} {words}" for rule, words in explanation.shares.items()), ""]
    out.append("Counts to the lane, half of the stays at both ends included")
    for rule, grams in explanation.counts.items():
        out.append(f"  {rule}: " + ", ".join(f"{key} {value:.10g}" for key, value in grams.items()))
    return "\n".join(out)
