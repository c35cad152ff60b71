"""SIMULATED liner services across the Pacific, and the truth of what the lane Los Angeles/Long Beach - Shanghai emits.

Every ship, time, distance and box is made up by a seeded generator. Nothing here uses the program's lane: rotations are
walked through call by call, cargo is followed consignment by consignment, and the published formulas stand as plain
expressions below; only published rows (factors, hotel loads, fuel rules) are looked up. Stated choices of this truth
are those of docs/method/lanes.md: a stay belongs half to the leg that ends there and half to the one that begins there,
manoeuvring runs at the speed of table ``lane_limits``, electricity from shore, taken in California only, counts with
the row of its grid.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sealane.emissions.emission_factors import emission_factor
from sealane.emissions.fuel_rules import effective_tier, fuel_for_engine, regime_for
from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.low_load import low_load_rows
from sealane.emissions.well_to_tank import well_to_tank
from sealane.folders import whole_folder
from sealane.movement.geodesy import great_circle_nm
from sealane.reference import load_table
from sealane.reference.ports import port as port_of
from sealane.samples.simulated_fleet import IMO_STEM_FIRST, MMSI_FIRST, imo_with_check_digit

END_A, END_B = ("USLAX", "USLGB"), ("CNSHA",)
CORRIDOR = "la-lb-shanghai"
LABEL = "SIMULATED"
RULES = ("direct", "rotation", "cargo")
MEASURES = (
    *("fuel_t", "energy_mj", "ttw_co2e_g", "wtw_co2e_g"),
    *("nox_g", "so2_g", "pm10_g", "pm25_g"),
)
AMERICA = ("USLAX", "USLGB", "USOAK")
# Rotations are made up; each is sailed over and over. The fourth never reaches Shanghai, the fifth shuttles.
ROTATIONS = (
    ("USLGB", "USLAX", "USOAK", "JPTYO", "CNSHA", "KRPUS"),
    ("USLAX", "JPYOK", "CNSHA", "SGSIN", "CNSHA", "KRPUS", "USOAK"),
    ("USLAX", "USLGB", "CNSHA", "KRPUS", "JPNGO"),
    ("USOAK", "USLAX", "KRPUS", "JPTYO"),
    ("USLAX", "CNSHA"),
)
_CLASSES = (("5,000 TEU", 5000, 4), ("8,000 TEU", 8000, 4), ("14,500 TEU", 14000, 2))
_FIRST = dt.datetime(2025, 1, 3, 6, 0, tzinfo=dt.UTC)
_SIM_ONLY_IMO = 20_000  # stems of this service lie behind those of the simulated week


@dataclass(frozen=True)
class ServiceShip:
    """A simulated ship and her particulars, all of them given."""

    imo: int
    mmsi: int
    name: str
    carrier: str
    subtype: str
    teu: int
    installed_kw: float
    max_speed_kn: float
    nox_tier: int
    keel_year: int
    rotation: tuple[str, ...]


@dataclass
class ServiceCall:
    """One simulated call; times in whole minutes, so that hours are exact."""

    ship: ServiceShip
    port: str
    arrival: dt.datetime
    anchorage_min: int
    manoeuvring_min: int
    berth_min: int
    shore_min: int
    sailed_nm: float | None
    eca_nm: float | None
    sailed_min: int
    loaded: dict[str, tuple[float, float]] = field(default_factory=dict)  # destination to (TEU, t)
    discharged: tuple[float, float] = (0.0, 0.0)
    onboard: tuple[float, float] = (0.0, 0.0)
    lane: tuple[float, float] = (0.0, 0.0)

    @property
    def departure(self) -> dt.datetime:
        """End of the call."""
        return self.arrival + dt.timedelta(minutes=self.anchorage_min + self.manoeuvring_min + self.berth_min)


@dataclass(frozen=True)
class SimulatedService:
    """Ships, their calls by ship in time, and the truth by rule and measure."""

    ships: tuple[ServiceShip, ...]
    calls: tuple[tuple[ServiceCall, ...], ...]
    truth: Mapping[str, Mapping[str, float]]
    counts: Mapping[str, int]


def simulate_service(seed: int = 20260101, ships: int = 6, rounds: int = 3) -> SimulatedService:
    """Make services and their truth up.

    Parameters
    ----------
    seed : of the generator; the same seed gives the same service.
    ships : how many; rotations are given out in turn.
    rounds : how often each ship sails her rotation.
    """
    rng = np.random.default_rng(seed)
    fleet = tuple(_ship(rng, number) for number in range(ships))
    calls = tuple(_sail(rng, ship, rounds) for ship in fleet)
    for ship_calls in calls:
        _carry(rng, ship_calls)
    truth, counts = _truth(calls)
    return SimulatedService(fleet, calls, truth, counts)


def _ship(rng: np.random.Generator, number: int) -> ServiceShip:
    subtype, teu, _ = _CLASSES[number % len(_CLASSES)]
    defaults = load_table("ogv_class_defaults")
    kw = defaults.row("Container Ship", subtype, "installed_kw").value
    speed = defaults.row("Container Ship", subtype, "max_speed_kn").value
    return ServiceShip(
        imo=imo_with_check_digit(IMO_STEM_FIRST + _SIM_ONLY_IMO + number),
        mmsi=MMSI_FIRST + 600 + number,
        name=f"{LABEL} SERVICE {number + 1:02d}",
        carrier=f"{LABEL} LINE {'AB'[number % 2]}",
        subtype=subtype,
        teu=teu,
        installed_kw=float(round(kw * rng.uniform(0.9, 1.1))),
        max_speed_kn=float(round(speed * rng.uniform(0.97, 1.03), 1)),
        nox_tier=(1, 2, 3)[number % 3],
        keel_year=(2008, 2014, 2019)[number % 3],
        rotation=ROTATIONS[number % len(ROTATIONS)],
    )


def _sail(rng: np.random.Generator, ship: ServiceShip, rounds: int) -> tuple[ServiceCall, ...]:
    calls: list[ServiceCall] = []
    now = _FIRST + dt.timedelta(minutes=int(rng.integers(0, 20_000)))
    for port in [*ship.rotation * rounds, ship.rotation[0]]:
        sailed_min, nm, eca_nm = 0, None, None
        if calls:
            a, b = port_of(calls[-1].port), port_of(port)
            nm = round(float(great_circle_nm(a.lat, a.lon, b.lat, b.lon)) * rng.uniform(1.02, 1.08) + 5.0, 1)
            share = rng.uniform(0.05, 0.2) if {calls[-1].port, port} & set(AMERICA) else 0.0
            eca_nm = nm if {calls[-1].port, port} <= set(AMERICA) else round(nm * share, 1)
            # Some legs are slow enough for the low-load adjustment.
            knots = ship.max_speed_kn * (rng.uniform(0.4, 0.52) if rng.random() < 0.25 else rng.uniform(0.6, 0.75))
            sailed_min = max(math.ceil(nm / knots * 60.0), 1)
            now += dt.timedelta(minutes=sailed_min)
        berth = int(rng.integers(14 * 60, 60 * 60))
        shore = int(rng.integers(6 * 60, berth - 60)) if port in ("USLAX", "USLGB") and rng.random() < 0.5 else 0
        anchored = int(rng.integers(60, 40 * 60)) if rng.random() < 0.4 else 0
        calls.append(
            ServiceCall(ship, port, now, anchored, int(rng.integers(90, 300)), berth, shore, nm, eca_nm, sailed_min)
        )
        now = calls[-1].departure
    return tuple(calls)


def _carry(rng: np.random.Generator, calls: Sequence[ServiceCall]) -> None:
    """Load boxes for later ports and follow every consignment until it is put ashore."""
    aboard: list[tuple[str, int, float, float]] = []  # port of loading, call of discharge, TEU, t
    for number, call in enumerate(calls):
        landed = [c for c in aboard if c[1] == number]
        aboard = [c for c in aboard if c[1] != number]
        call.discharged = (math.fsum(c[2] for c in landed), math.fsum(c[3] for c in landed))
        for later in range(number + 1, min(number + len(call.ship.rotation), len(calls))):
            if calls[later].port == call.port or rng.random() < 0.3:
                continue
            teu = float(rng.integers(20, 40 + call.ship.teu // 12))
            tonnes = teu * float(rng.integers(6, 13))
            aboard.append((call.port, later, teu, tonnes))
            old = call.loaded.get(calls[later].port, (0.0, 0.0))
            call.loaded[calls[later].port] = (old[0] + teu, old[1] + tonnes)
        lane = [c for c in aboard if _ends_differ(c[0], calls[c[1]].port)]
        call.onboard = (math.fsum(c[2] for c in aboard), math.fsum(c[3] for c in aboard))
        call.lane = (math.fsum(c[2] for c in lane), math.fsum(c[3] for c in lane))


def _end(port: str) -> str:
    return "a" if port in END_A else "b" if port in END_B else ""


def _ends_differ(one: str, other: str) -> bool:
    return {_end(one), _end(other)} == {"a", "b"}


def _shares(calls: Sequence[ServiceCall]) -> list[tuple[float, float, float]]:
    """Shares of each leg by rule, found by walking back and forth from it."""
    ends = [_end(call.port) for call in calls]
    found = []
    for leg in range(len(calls) - 1):
        before = next((k for k in range(leg, -1, -1) if ends[k]), None)
        after = next((k for k in range(leg + 1, len(calls)) if ends[k]), None)
        inside = before is not None and after is not None and ends[before] != ends[after]
        direct = inside and before == leg and after == leg + 1
        joined = bool(ends[leg]) and ends[leg] == ends[leg + 1]
        if joined:
            first, last = leg, leg + 1
            while first > 0 and ends[first - 1] == ends[leg]:
                first -= 1
            while last + 1 < len(calls) and ends[last + 1] == ends[leg]:
                last += 1
            behind = next((ends[k] for k in range(first - 1, -1, -1) if ends[k]), ends[leg])
            ahead = next((ends[k] for k in range(last + 1, len(calls)) if ends[k]), ends[leg])
            joined = behind != ends[leg] or ahead != ends[leg]
        on_lane = inside or joined
        tonnes = calls[leg].onboard[1]
        cargo = calls[leg].lane[1] / tonnes if on_lane and tonnes else 0.0
        found.append((float(direct), float(on_lane), cargo))
    return found


def _adjust(pollutant: str, load: float, sulphur_pct: float) -> float:
    """Low-load adjustment as EPA-420-B-22-011 Table 3.10 gives it, worked out from its coefficients."""
    if load >= 0.2:
        return 1.0
    row = {r.text("symbol"): r.value for r in low_load_rows(pollutant)}
    held = max(load, 0.02)
    if pollutant == "so2":
        sulphur = max(sulphur_pct / 100.0, 0.001)
        at, limit = ((row["a"] * (14.1205 / x + 205.7169) * sulphur + row["b"]) for x in (held, 0.2))
        return at / limit
    return (row["a"] * held ** -row["x"] + row["b"]) / (row["a"] * 0.2 ** -row["x"] + row["b"])


def _price(
    ship: ServiceShip, load: float, kwh: Sequence[float], day: dt.date, *, inside: bool, gwp: str = "ar5"
) -> dict[str, float]:
    """Measures of work of main engine, auxiliary engines and boiler [kWh] in one place."""
    regime = regime_for(day, inside)
    tier = effective_tier(ship.nox_tier, ship.keel_year, "north_american" if inside else None)
    warming = {gas: load_table("gwp100").row(gwp, gas).value for gas in ("co2", "ch4", "n2o")}
    result = dict.fromkeys(MEASURES, 0.0)
    for engine, work, main in zip(("SSD", "AUX-MSD", "BOILER"), kwh, (True, False, False), strict=True):
        if work <= 0.0:
            continue
        fuel, sulphur_pct, _ = fuel_for_engine(regime, engine)
        at_load = 0.02 if main and load < 0.25 else 1.0

        def grams(pollutant: str) -> float:
            factor = emission_factor(pollutant, engine, fuel, tier, at_load, sulphur_pct, gwp=gwp)  # noqa: B023 used at once
            low = _adjust(pollutant, load, sulphur_pct) if main else 1.0  # noqa: B023 used at once
            return work * factor.value * low  # noqa: B023 used at once

        carbon = emission_factor("co2", engine, fuel, tier, at_load, sulphur_pct, gwp=gwp)
        consumption = next(row.value for row in carbon.rows if row.table == "ogv_bsfc")
        low = _adjust("co2", load, sulphur_pct) if main else 1.0
        upstream = well_to_tank(engine, fuel, baseline=True)
        heat = next(row.value for row in upstream.rows if row.unit == "MJ/kg")
        burnt_g = work * consumption * low
        ttw = sum(grams(gas) * potential for gas, potential in warming.items())
        result["fuel_t"] += burnt_g / 1e6
        result["energy_mj"] += burnt_g / 1e3 * heat
        result["ttw_co2e_g"] += ttw
        result["wtw_co2e_g"] += ttw + work * upstream.value * low
        for pollutant in ("nox", "so2", "pm10", "pm25"):
            result[f"{pollutant}_g"] += grams(pollutant)
    return result


def _load(ship: ServiceShip, speed_kn: float, margin: float) -> float:
    return min(1.0, max(0.02, (speed_kn / ship.max_speed_kn) ** 3 * (1.0 + margin)))


def _hotel(ship: ServiceShip, mode: str) -> tuple[float, float]:
    found = hotel_load("Container Ship", ship.subtype, mode)
    return found.aux_kw, found.boiler_kw


def _sea(call: ServiceCall, left: dt.datetime) -> dict[str, float]:
    """Measures of the leg that ends in a call."""
    assert call.sailed_nm is not None and call.eca_nm is not None
    hours = call.sailed_min / 60.0
    speed = call.sailed_nm / hours
    load = _load(call.ship, speed, load_table("sea_margin").row("epa-2022", "at_sea").value)
    aux, boiler = _hotel(call.ship, "transit")
    total = dict.fromkeys(MEASURES, 0.0)
    for inside, nm in ((False, call.sailed_nm - call.eca_nm), (True, call.eca_nm)):
        h = nm / speed
        kwh = (load * call.ship.installed_kw * h, aux * h, boiler * h)
        for name, value in _price(call.ship, load, kwh, left.date(), inside=inside).items():
            total[name] += value
    return total


def _stay(call: ServiceCall) -> dict[str, float]:
    """Measures of a call: at anchor, manoeuvring, at berth."""
    inside = call.port in AMERICA
    ratio = load_table("lane_limits").row("manoeuvring_speed").value
    load = _load(call.ship, ratio * call.ship.max_speed_kn, load_table("sea_margin").row("epa-2022", "coastal").value)
    total = dict.fromkeys(MEASURES, 0.0)
    for mode, minutes, running in (
        ("anchorage", call.anchorage_min, 0.0),
        ("manoeuvring", call.manoeuvring_min, load),
        ("berth", call.berth_min, 0.0),
    ):
        aux, boiler = _hotel(call.ship, mode)
        h = minutes / 60.0
        own = h - call.shore_min / 60.0 if mode == "berth" else h
        kwh = (running * call.ship.installed_kw * h, aux * own, boiler * h)
        for name, value in _price(call.ship, running, kwh, call.arrival.date(), inside=inside).items():
            total[name] += value
        if mode == "berth":
            shore_kwh = aux * call.shore_min / 60.0
            total["energy_mj"] += shore_kwh * 3.6
            total["wtw_co2e_g"] += shore_kwh * load_table("grid_carbon_intensity").row("US-CA").value
    return total


def _truth(calls: Sequence[Sequence[ServiceCall]]) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    terms: dict[str, dict[str, list[float]]] = {rule: {name: [] for name in MEASURES} for rule in RULES}
    counts = dict.fromkeys(("calls", "legs", "direct", "rotation"), 0)
    for ship_calls in calls:
        shares = _shares(ship_calls)
        counts["calls"] += len(ship_calls)
        counts["legs"] += len(shares)
        counts["direct"] += int(sum(share[0] for share in shares))
        counts["rotation"] += int(sum(share[1] for share in shares))
        for leg, share in enumerate(shares):
            if not share[1]:
                continue
            sea = _sea(ship_calls[leg + 1], ship_calls[leg].departure)
            stays = [_stay(ship_calls[leg]), _stay(ship_calls[leg + 1])]
            for rule, part in zip(RULES, share, strict=True):
                for name in MEASURES:
                    terms[rule][name].append(part * (sea[name] + 0.5 * stays[0][name] + 0.5 * stays[1][name]))
    truth = {rule: {name: math.fsum(values) for name, values in of.items()} for rule, of in terms.items()}
    return truth, counts


CALL_HEADER = (
    *("imo", "ship_name", "carrier", "ship_class", "subtype", "port", "arrival", "departure"),
    *("anchorage_start", "anchorage_end", "berth_start", "berth_end", "anchorage_h", "berth_h", "manoeuvring_h"),
    *("shore_power_start", "shore_power_end", "cargo_teu_loaded", "cargo_teu_discharged", "cargo_t_loaded"),
    *("cargo_t_discharged", "onboard_teu_departure", "onboard_t_departure", "lane_teu_departure", "lane_t_departure"),
    *("sailed_nm", "sailed_eca_nm"),
)
VESSEL_HEADER = (
    *("imo", "mmsi", "name", "ship_class", "subtype", "installed_kw", "max_speed_kn", "max_draught_m"),
    *("engine_type", "aux_engine_type", "nox_tier", "keel_year", "teu"),
)


def _text(moment: dt.datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def call_rows(service: SimulatedService) -> list[dict[str, Any]]:
    """Rows of the file of port calls, ship by ship, with numbers in full."""
    rows = []
    for call in (call for ship_calls in service.calls for call in ship_calls):
        inward = dt.timedelta(minutes=call.manoeuvring_min // 2)
        anchor = call.arrival if call.anchorage_min else None
        anchor_end = call.arrival + dt.timedelta(minutes=call.anchorage_min) if call.anchorage_min else None
        berth = call.arrival + dt.timedelta(minutes=call.anchorage_min) + inward
        berth_end = berth + dt.timedelta(minutes=call.berth_min)
        teu = math.fsum(c[0] for c in call.loaded.values())
        tonnes = math.fsum(c[1] for c in call.loaded.values())
        shore_end = berth + dt.timedelta(minutes=call.shore_min)
        values: tuple[Any, ...] = (
            *(call.ship.imo, call.ship.name, call.ship.carrier, "Container Ship", call.ship.subtype, call.port),
            *map(_text, (call.arrival, call.departure, anchor, anchor_end, berth, berth_end)),
            *(call.anchorage_min / 60.0, call.berth_min / 60.0, call.manoeuvring_min / 60.0),
            *(_text(berth if call.shore_min else None), _text(shore_end if call.shore_min else None)),
            *(teu, call.discharged[0], tonnes, call.discharged[1], *call.onboard, *call.lane),
            *("" if call.sailed_nm is None else call.sailed_nm, "" if call.eca_nm is None else call.eca_nm),
        )
        rows.append(dict(zip(CALL_HEADER, values, strict=True)))
    return rows


def vessel_rows(service: SimulatedService) -> list[dict[str, Any]]:
    """Rows of the vessels file."""
    draught = load_table("ogv_class_defaults")
    return [
        dict(
            zip(
                VESSEL_HEADER,
                (
                    *(ship.imo, ship.mmsi, ship.name, "Container Ship", ship.subtype, ship.installed_kw),
                    *(ship.max_speed_kn, draught.row("Container Ship", ship.subtype, "max_draught_m").value),
                    *("SSD", "AUX-MSD", ship.nox_tier, ship.keel_year, ship.teu),
                ),
                strict=True,
            )
        )
        for ship in service.ships
    ]


def write_rows(path: Path, header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file whose first row says that it is SIMULATED."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {LABEL} DATA: no ship, call, time or cargo in this file is a real one's\n")
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_simulated_service(folder: Path, seed: int = 20260101, ships: int = 6, rounds: int = 3) -> None:
    """Write ``calls.csv``, ``vessels.csv`` and ``truth.json`` of a simulated service; the folder appears whole."""
    service = simulate_service(seed, ships, rounds)
    with whole_folder(folder, ("calls.csv", "vessels.csv", "truth.json")) as work:
        write_rows(work / "calls.csv", CALL_HEADER, call_rows(service))
        write_rows(work / "vessels.csv", VESSEL_HEADER, vessel_rows(service))
        truth = {"label": f"{LABEL} DATA", "corridor": CORRIDOR, "seed": seed, "rules": service.truth}
        text = json.dumps({**truth, "counts": service.counts}, indent=2)
        (work / "truth.json").write_text(text + "\n", encoding="utf-8")
