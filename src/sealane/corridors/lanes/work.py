"""Goes through the legs and stays of a lane in pieces: prices them, writes their tables, adds them up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sealane.corridors.call_table import micros
from sealane.corridors.lanes.attribution import stay_shares
from sealane.corridors.lanes.claims import Claims
from sealane.corridors.lanes.distances import SOURCES, Distances, area_of_port, leg_distances
from sealane.corridors.lanes.electricity import Electricity
from sealane.corridors.lanes.lane_fleet import LaneFleet, told_column
from sealane.corridors.lanes.pricing import MEASURES, STAY_MODES, Priced, price_legs, price_stays
from sealane.corridors.lanes.schemas import AREAS, LEGS, PARTS, PLACES, RULES, STAYS
from sealane.corridors.lanes.stays import HOURS_SOURCES, stay_hours
from sealane.corridors.lanes.totals import Totals
from sealane.corridors.ship_energy import Fleet
from sealane.emissions.profiles import GRADES
from sealane.inventory.schemas import TableSpec
from sealane.reference import load_table

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

PIECE = 50_000
"""Legs or calls that are worked on at once; what is in memory of them is about 100 MB."""

FLAGS: Mapping[str, str] = {
    "no_particulars": "the ship's class is not known: not priced",
    "time_unknown": "departure or arrival is not known, or no time lies between them: not priced",
    "distance_unknown": "nobody told the distance and a port is not known: not priced",
    "speed_above_max": "faster than the ship can sail: a call, a time or a distance is wrong; priced at full load",
    "slow": "slower than a ship under way: a call that nobody told is suspected",
    "same_port": "from a port to itself without a distance: priced as drifting",
    "part_observed": "part of the leg was not observed and is filled",
    "eca_unknown": "miles inside control areas are not known and taken as none",
}
_KWH = ("main_kwh", "aux_kwh", "boiler_kwh", "shore_kwh")
_MJ, _TTW, _WTW = (MEASURES.index(name) for name in ("energy_mj", "ttw_co2e_g", "wtw_co2e_g"))


@dataclass
class Sums:
    """What is added up beside `Totals`: by ship, by pass, by quarter."""

    ships: Floats  # rule, ship, (energy, ttw, wtw)
    ship_legs: Whole
    ship_nm: Floats
    ship_observed_nm: Floats
    pass_legs: Whole
    pass_nm: Floats
    pass_mj: Floats
    pass_wtw: Floats
    legs: Whole  # rule, quarter
    nm: Floats  # rule, quarter
    ship_quarters: list[Whole] = field(default_factory=list)  # rule, quarter, ship as one number
    flags: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FLAGS, 0))
    priced_legs: int = 0
    shore_kwh: dict[str, float] = field(default_factory=dict)  # by port, of all stays on the lane
    sources_nm: Floats = field(default_factory=lambda: np.zeros(len(SOURCES)))


@dataclass(frozen=True)
class LaneWork:
    """Everything a lane is worked out from.

    Attributes
    ----------
    calls, claims, ships : call table, shares, particulars.
    fleet : energy models; None where no ship has particulars.
    ship_row : ship of each call, ``(calls,)``.
    class_number : class of each ship on the axis of `Totals`, ``(ships,)``.
    quarters : quarters of the lane, ascending.
    grid : electricity from shore by UN/LOCODE; a port of which nothing is known is not in it.
    rule : the rule that counts.
    """

    calls: pa.Table
    claims: Claims
    ships: LaneFleet
    fleet: Fleet | None
    ship_row: Whole
    class_number: Whole
    quarters: Whole
    grid: Mapping[str, Electricity]
    rule: str

    @cached_property
    def ports(self) -> tuple[str, ...]:
        """The ports of the calls, in the order of `port_row`."""
        return tuple(self._coded_ports.dictionary.to_pylist())

    @cached_property
    def port_row(self) -> NDArray[np.int32]:
        """Port of each call, a number in `ports`, ``(calls,)``."""
        found: NDArray[np.int32] = self._coded_ports.indices.to_numpy()
        return found

    @cached_property
    def _coded_ports(self) -> pa.DictionaryArray:
        return self.calls["port"].combine_chunks().dictionary_encode()

    @cached_property
    def port_area(self) -> Whole:
        """Control area of each of `ports`."""
        return np.array([area_of_port(name) for name in self.ports], np.int64)

    @cached_property
    def port_grid(self) -> tuple[Floats, Whole]:
        """Carbon intensity of each of `ports` [g CO2e/kWh], NaN where not known, and its grade, -1 for none."""
        of = [self.grid.get(name) for name in self.ports]
        value = np.array([np.nan if one is None else one.g_per_kwh for one in of], np.float64)
        return value, np.array([-1 if one is None else one.grade_number for one in of], np.int64)


def pieces(rows: Whole) -> Iterator[Whole]:
    """Rows in pieces of `PIECE`."""
    for start in range(0, len(rows), PIECE):
        yield rows[start : start + PIECE]


def time_column(moments: Whole) -> pa.Array:
    """Microseconds as times in UTC, null where unknown."""
    return pa.array(moments, pa.timestamp("us", tz="UTC"), mask=moments == np.iinfo(np.int64).min)


def ship_columns(work: LaneWork, ship: Whole) -> dict[str, pa.Array]:
    """The columns that say which ship, for rows of ships."""
    ships = work.ships
    return {
        "ship": ships.ship[ship],
        "imo": told_column(ships, "imo", ship, pa.int32()),
        "mmsi": told_column(ships, "mmsi", ship, pa.int32()),
        "ship_name": told_column(ships, "ship_name", ship, pa.string()),
        "ship_class": pa.array(ships.classes(), pa.string()).take(pa.array(ship)),
        "subtype": pa.array(ships.subtypes(), pa.string()).take(pa.array(ship)),
    }


def _energy_columns(priced: Priced) -> dict[str, pa.Array]:
    done = priced.grade >= 0
    values = priced.totals
    columns = {name: pa.array(priced.kwh[:, at], mask=~done) for at, name in enumerate(_KWH)}
    for at, name in enumerate(MEASURES):
        columns[name] = pa.array(values[:, at], mask=~done | np.isnan(values[:, at]))
    grades = np.array(list(GRADES), dtype=object)[np.maximum(priced.grade, 0)]
    columns["grade"] = pa.array(grades, pa.string(), mask=~done)
    return columns


def _share_columns(shares: Mapping[str, Floats], rule: str) -> dict[str, pa.Array]:
    columns = {f"share_{name}": pa.array(shares[name], from_pandas=True) for name in RULES}
    return {**columns, "share": columns[f"share_{rule}"]}


def _write(writer: pq.ParquetWriter, spec: TableSpec, columns: Mapping[str, object]) -> None:
    table = pa.table({name: columns[name] for name in spec.columns})
    writer.write_table(table.cast(spec.schema))


def work_legs(work: LaneWork, totals: Totals, sums: Sums, path: Path) -> int:
    """Price the legs of the lane, write ``legs.parquet``, add them up; return how many there are."""
    claims, rotations = work.claims, work.claims.rotations
    rows = np.flatnonzero(claims.on_lane)
    weights = claims.weights()
    area = work.port_area
    with pq.ParquetWriter(path, LEGS.schema, compression="zstd") as writer:
        for piece in pieces(rows):
            start = rotations.from_call[piece]
            far = leg_distances(work.calls, rotations, piece)
            hours = rotations.leg_hours(piece)
            ship = work.ship_row[start]
            model = work.ships.model_of[ship] if work.fleet else np.full(len(piece), -1, np.int64)
            left = rotations.departure_us[start]
            priced = _price(work.fleet, model, far, hours, left, area[work.port_row[start]])
            flags = _flags(work, far, hours, model)
            quarter = np.searchsorted(work.quarters, claims.quarter[piece])
            at_sea = np.zeros(len(piece), np.int64)
            totals.add(
                weights[piece],
                quarter,
                work.class_number[ship],
                at_sea + PARTS.index("sea"),
                at_sea + PLACES.index("sea"),
                priced.by_fuel,
                far.observed_share,
            )
            _add_legs(work, sums, piece, ship, quarter, weights[piece], far, priced, flags)
            _write(writer, LEGS, _leg_columns(work, piece, ship, far, hours, priced, flags))
    return len(rows)


def _price(fleet: Fleet | None, model: Whole, far: Distances, hours: Floats, left: Whole, area: Whole) -> Priced:
    if fleet is None:
        return price_legs_of_nothing(len(model))
    return price_legs(fleet, model, far.distance_nm, hours, far.area_nm, left, area)


def price_legs_of_nothing(n: int) -> Priced:
    """What is priced where no ship is known."""
    from sealane.corridors.lanes.pricing import FUELS

    return Priced(np.zeros((n, 4)), np.zeros((n, len(FUELS), len(MEASURES))), np.full(n, -1, np.int8))


def _flags(work: LaneWork, far: Distances, hours: Floats, model: Whole) -> dict[str, NDArray[np.bool_]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = far.distance_nm / hours
    top = np.array([ship.max_speed_kn for ship in work.ships.models] or [np.nan])[np.maximum(model, 0)]
    limits = load_table("lane_limits")
    slow, length = limits.row("slow_leg").value, limits.row("slow_leg_length").value
    return {
        "no_particulars": model < 0,
        "time_unknown": np.isnan(hours),
        "distance_unknown": np.isnan(far.distance_nm),
        "speed_above_max": (model >= 0) & (speed > top),
        "slow": (speed < slow) & (far.distance_nm >= length),
        "same_port": far.distance_nm == 0.0,
        "part_observed": far.source == SOURCES.index("part_observed"),
        "eca_unknown": ~far.eca_known,
    }


def _add_legs(
    work: LaneWork,
    sums: Sums,
    piece: Whole,
    ship: Whole,
    quarter: Whole,
    weights: Floats,
    far: Distances,
    priced: Priced,
    flags: Mapping[str, NDArray[np.bool_]],
) -> None:
    ships, passes = len(work.ships.ship), len(sums.pass_nm)
    nm = np.nan_to_num(far.distance_nm)
    values = priced.totals
    for rule in range(len(RULES)):
        weight = weights[:, rule]
        for at, measure in enumerate((_MJ, _TTW, _WTW)):
            sums.ships[rule, :, at] += np.bincount(ship, values[:, measure] * weight, ships)
        counted = weight > 0.0
        sums.legs[rule] += np.bincount(quarter[counted], minlength=len(work.quarters))
        sums.nm[rule] += np.bincount(quarter, nm * weight, len(work.quarters))
        code = (rule * len(work.quarters) + quarter[counted]) * ships + ship[counted]
        sums.ship_quarters.append(np.unique(code))
    sums.ship_legs += np.bincount(ship, minlength=ships)
    sums.ship_nm += np.bincount(ship, nm, ships)
    sums.ship_observed_nm += np.bincount(ship, nm * far.observed_share, ships)
    sums.sources_nm += np.bincount(far.source, nm, len(SOURCES))
    inside = work.claims.rotations.inside[piece]
    of = work.claims.rotations.pass_of[piece][inside]
    sums.pass_nm += np.bincount(of, far.distance_nm[inside], passes)
    sums.pass_legs += np.bincount(of, minlength=passes)
    done = np.where(priced.grade >= 0, 1.0, np.nan)
    sums.pass_mj += np.bincount(of, (values[:, _MJ] * done)[inside], passes)
    sums.pass_wtw += np.bincount(of, (values[:, _WTW] * done)[inside], passes)
    sums.priced_legs += int((priced.grade >= 0).sum())
    for name, found in flags.items():
        sums.flags[name] += int(found.sum())


def _leg_columns(
    work: LaneWork,
    piece: Whole,
    ship: Whole,
    far: Distances,
    hours: Floats,
    priced: Priced,
    flags: Mapping[str, NDArray[np.bool_]],
) -> dict[str, object]:
    claims, rotations, calls = work.claims, work.claims.rotations, work.calls
    start, end = pa.array(rotations.from_call[piece]), pa.array(rotations.to_call[piece])
    words = np.zeros(len(piece), dtype=object)
    words[:] = ""
    for name, found in flags.items():
        words[found] = np.char.add(words[found].astype(str), f"{name} ")
    ends = np.array(["", "a", "b"], dtype=object)
    of = rotations.pass_of[piece]
    names = calls["call_id"]
    quarter = claims.quarter[piece]
    mixed = np.where(np.isnan(claims.tonnes.lane[piece]), claims.teu.mixed[piece], claims.tonnes.mixed[piece])
    any_cargo = ~np.isnan(claims.tonnes.lane[piece]) | ~np.isnan(claims.teu.lane[piece])
    basis = np.where(any_cargo, np.where(mixed, "mixed", "told"), "")
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = far.distance_nm / hours

    def number(values: Floats) -> pa.Array:
        return pa.array(values, from_pandas=True)

    return {
        "leg_id": pc.binary_join_element_wise(names.take(start), names.take(end), ">"),
        **ship_columns(work, ship),
        "carrier": calls["carrier"].take(start),
        "from_call_id": names.take(start),
        "to_call_id": names.take(end),
        "from_port": calls["port"].take(start),
        "to_port": calls["port"].take(end),
        "from_end": pa.array(ends[rotations.end[rotations.from_call[piece]]]),
        "to_end": pa.array(ends[rotations.end[rotations.to_call[piece]]]),
        "pass_id": _of_passes(pass_names, work, of),
        "direction": _of_passes(directions, work, of),
        "departure": time_column(rotations.departure_us[rotations.from_call[piece]]),
        "arrival": time_column(rotations.arrival_us[rotations.to_call[piece]]),
        "year": quarter // 4,
        "quarter": quarter % 4 + 1,
        "hours": number(hours),
        "distance_nm": number(far.distance_nm),
        "distance_source": pa.array(np.array(SOURCES, dtype=object)[far.source]),
        "observed_share": far.observed_share,
        "route_nm": number(far.route_nm),
        "eca_nm": far.area_nm.sum(axis=1),
        **{f"eca_{name}_nm": far.area_nm[:, at] for at, name in enumerate(AREAS)},
        "speed_kn": number(speed),
        "flags": pa.array([word.strip() for word in words]),
        **_share_columns({rule: claims.shares[rule][piece] for rule in RULES}, work.rule),
        "onboard_teu": number(claims.teu.onboard[piece]),
        "onboard_t": number(claims.tonnes.onboard[piece]),
        "lane_teu": number(claims.teu.lane[piece]),
        "lane_t": number(claims.tonnes.lane[piece]),
        "cargo_basis": pa.array(basis, pa.string(), mask=~any_cargo),
        **_energy_columns(priced),
    }


def _of_passes(name: Callable[[LaneWork, Whole], pa.Array], work: LaneWork, of: Whole) -> pa.Array:
    """A text of the pass of each leg, null where there is none."""
    passes = np.unique(of[of >= 0])
    at = np.searchsorted(passes, np.maximum(of, 0))
    return name(work, passes).take(pa.array(at, mask=of < 0))


def pass_names(work: LaneWork, passes: Whole) -> pa.Array:
    """Name of some passes: the call each begins with and the call it ends with."""
    rotations = work.claims.rotations
    ends = (work.calls["call_id"].take(pa.array(of[passes])) for of in (rotations.pass_from, rotations.pass_to))
    return pc.binary_join_element_wise(*ends, ">>").combine_chunks()


def directions(work: LaneWork, passes: Whole) -> pa.Array:
    """Direction of some passes."""
    from_a = work.claims.rotations.end[work.claims.rotations.pass_from[passes]] == 1
    return pa.array(np.where(from_a, "a_to_b", "b_to_a"), pa.string())


def work_stays(work: LaneWork, totals: Totals, sums: Sums, path: Path) -> int:
    """Price the stays of the lane, write ``stays.parquet``, add them up; return how many calls there are.

    A stay belongs half to the leg that ends there and half to the one that begins there: to that leg's quarter, by
    that leg's share.
    """
    claims, rotations = work.claims, work.claims.rotations
    on_lane = np.append(claims.on_lane, False)
    rows = np.flatnonzero(on_lane[rotations.leg_before] | on_lane[rotations.leg_after])
    weights = np.vstack([claims.weights(), np.zeros(len(RULES) + 1)])
    quarter = np.append(claims.quarter, work.quarters[0] if len(work.quarters) else 0)
    shares = {rule: stay_shares(rotations, claims.shares[rule]) for rule in RULES}
    grid, grid_grade = work.port_grid
    observed = work.calls["observed"].to_numpy()
    ships = len(work.ships.ship)
    begin_us = rotations.begin_us
    shore_kwh = np.zeros(len(work.ports))
    with pq.ParquetWriter(path, STAYS.schema, compression="zstd") as writer:
        for piece in pieces(rows):
            found = stay_hours(work.calls, rotations, piece)
            item, mode = np.nonzero(found.hours > 0.0)
            call = piece[item]
            hours = found.hours[item, mode]
            shore = np.where(mode == STAY_MODES.index("berth"), found.shore_h[item], 0.0)
            ship = work.ship_row[call]
            model = work.ships.model_of[ship] if work.fleet else np.full(len(call), -1, np.int64)
            begin = begin_us[call]
            port = work.port_row[call]
            area = work.port_area[port]
            if work.fleet is None:
                priced = price_legs_of_nothing(len(call))
            else:
                priced = price_stays(work.fleet, model, mode, hours, shore, area, begin, grid[port], grid_grade[port])
            part = np.array([PARTS.index(name) for name in STAY_MODES])[mode]
            place = np.array([PLACES.index(name) for name in ("between", "end_a", "end_b")])[rotations.end[call]]
            seen = np.where(observed[call], 1.0 - found.filled_h[item, mode] / hours, 0.0)
            values = priced.totals
            shore_kwh += np.bincount(port, priced.kwh[:, 3], len(work.ports))
            for leg in (rotations.leg_before[call], rotations.leg_after[call]):
                half = 0.5 * weights[leg]
                # A call at the edge of the data has no leg on one side; that half belongs to no lane.
                in_quarter = np.clip(np.searchsorted(work.quarters, quarter[leg]), 0, max(len(work.quarters) - 1, 0))
                totals.add(half, in_quarter, work.class_number[ship], part, place, priced.by_fuel, seen)
                for rule in range(len(RULES)):
                    for at, measure in enumerate((_MJ, _TTW, _WTW)):
                        sums.ships[rule, :, at] += np.bincount(ship, values[:, measure] * half[:, rule], ships)
            _write(
                writer,
                STAYS,
                {
                    "call_id": work.calls["call_id"].take(pa.array(call)),
                    **ship_columns(work, ship),
                    "port": work.calls["port"].take(pa.array(call)),
                    "end": pa.array(np.array(["", "a", "b"], dtype=object)[rotations.end[call]]),
                    "place": pa.array(np.array(PLACES, dtype=object)[place]),
                    "mode": pa.array(np.array(STAY_MODES, dtype=object)[mode]),
                    "arrival": time_column(rotations.arrival_us[call]),
                    "departure": time_column(rotations.departure_us[call]),
                    "hours": hours,
                    "hours_source": pa.array(np.array(HOURS_SOURCES, dtype=object)[found.source[item, mode]]),
                    "shore_power_h": shore,
                    "inside_eca": area > 0,
                    **_share_columns({rule: shares[rule][call] for rule in RULES}, work.rule),
                    **_energy_columns(priced),
                },
            )
    sums.shore_kwh = {work.ports[at]: float(shore_kwh[at]) for at in np.flatnonzero(shore_kwh).tolist()}
    return len(rows)


def last_seen(calls: pa.Table) -> tuple[int, int]:
    """First and last moment of a call table [us since 1970]."""
    first = [micros(calls[name], np.iinfo(np.int64).max).min() for name in ("arrival", "departure")]
    last = [micros(calls[name]).max() for name in ("arrival", "departure")]
    return int(min(first)), int(max(last))
