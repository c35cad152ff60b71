"""Particulars of every ship of the inventory, and where each value comes from.

The order of trust: the user's vessels file, then what the ship itself reported in its AIS static messages, then the
typical values of its class (EPA-420-B-22-011, Table C.3), then a stated assumption. Each value carries its origin and
grade; nothing is filled silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.emissions.engines import ENGINES
from sealane.emissions.fuel_rules import tier_for_keel_year
from sealane.emissions.ship_classes import (
    AUX_ENGINE_TYPES,
    ENGINE_TYPES,
    FUEL_TYPES,
    classify,
    nearest_listed,
)
from sealane.emissions.static_data import STATIC_SUMMARY_SCHEMA, StaticData, read_static
from sealane.emissions.user_vessels import UserVessel, UserVessels
from sealane.errors import DataError, Fault
from sealane.reference import load_table

ASSUMED_NOX_TIER = 1
"""NOx tier of a diesel engine whose keel year nobody gave; our assumption, grade D (see docs/reference/vessels.md)."""

ASSUMED_AUX_ENGINE = "AUX-MSD"
"""Auxiliary engines are taken as medium-speed diesels, as EPA's ShipEF does (calcEngineType.r)."""

AUX_SOURCE = "EPA ShipEF calcEngineType.r: auxiliary engines are medium-speed diesels"
TIER_SOURCE = "our assumption: keel year unknown"

_T = TypeVar("_T", int, float, str)


class OriginKind(StrEnum):
    """Where a value comes from, in the order of trust."""

    USER = "user file"
    AIS = "AIS static"
    CLASS_DEFAULT = "class default"
    ASSUMPTION = "assumption"


class Origin(NamedTuple):
    """Where a value comes from, how good that is (A-D), and the file, row or publication."""

    kind: OriginKind
    grade: str
    source: str


@dataclass(frozen=True)
class Particulars:
    """A ship as the emission formulas need it.

    Attributes
    ----------
    mmsi, imo, name : identity; `imo` None where no valid number was given.
    ship_class, subtype : spelt as in EPA Table E.1.
    engine_type, aux_engine_type : codes of `ENGINE_TYPES` and `AUX_ENGINE_TYPES`.
    installed_kw : installed propulsion power [kW].
    max_speed_kn : maximum speed [kn]; service speed / 0.94 where only that is known.
    max_draught_m : maximum draught [m].
    nox_tier : 0-3, of the ship's diesel engines, before the rules of place and load; turbines and gas engines
        have none, and their factors do not ask for it.
    keel_year : None where unknown.
    main_fuel : fuel the main engine burns everywhere by the user's word; None: the rule of date and place decides.
    electric_drive : no low-load adjustment.
    length_m, beam_m, teu, dwt, gt : None where unknown.
    static_changes : how many more values than one the static fields carried over time.
    notes : what was found wrong, in words.
    origins : field to `Origin`, for every field above that has a value.
    """

    mmsi: int
    imo: int | None
    name: str | None
    ship_class: str
    subtype: str
    engine_type: str
    aux_engine_type: str
    installed_kw: float
    max_speed_kn: float
    max_draught_m: float
    nox_tier: int
    keel_year: int | None
    main_fuel: str | None
    electric_drive: bool
    length_m: float | None
    beam_m: float | None
    teu: float | None
    dwt: float | None
    gt: float | None
    static_changes: int
    notes: tuple[str, ...]
    origins: Mapping[str, Origin]

    @property
    def main_grade(self) -> str:
        """Worst grade among the inputs of the main engine's emissions."""
        names = ("installed_kw", "max_speed_kn", "max_draught_m", "engine_type")
        return self._worst(*names, *(["nox_tier"] if ENGINES[self.engine_type].diesel else []))

    @property
    def hotel_grade(self) -> str:
        """Worst grade among the inputs of the auxiliary and boiler emissions."""
        names = ("ship_class", "subtype", "aux_engine_type")
        return self._worst(*names, *(["nox_tier"] if ENGINES[self.aux_engine_type].diesel else []))

    def _worst(self, *names: str) -> str:
        return max(self.origins[name].grade for name in names)


@dataclass(frozen=True)
class LeftOut:
    """A vessel that is not in the inventory, and why."""

    mmsi: int
    imo: int | None
    name: str | None
    ais_type: int | None
    length_m: float | None
    reason: str
    rule: str
    rows: int


class VesselColumns(NamedTuple):
    """The register as arrays for a compiled kernel, shape ``(v,)``, ascending MMSI."""

    mmsi: NDArray[np.int32]
    installed_kw: NDArray[np.float64]
    max_speed_kn: NDArray[np.float64]
    max_draught_m: NDArray[np.float64]
    engine: NDArray[np.int16]  # index into ENGINE_TYPES
    aux_engine: NDArray[np.int16]  # index into AUX_ENGINE_TYPES
    nox_tier: NDArray[np.int8]
    keel_year: NDArray[np.int16]  # 0 where unknown
    fuel: NDArray[np.int8]  # index into FUEL_TYPES, -1 where date and place decide
    electric_drive: NDArray[np.bool_]
    hotel_class: NDArray[np.int32]  # index into VesselRegister.hotel_classes


@dataclass(frozen=True)
class VesselRegister:
    """All ships of the inventory, and the vessels left out.

    Attributes
    ----------
    ships : particulars in ascending order of MMSI.
    hotel_classes : (ship_class, subtype) pairs that occur, sorted.
    columns : the numbers as arrays.
    vessels : one row per ship: every value with its origin, grade and source.
    left_out : one row per vessel left out, with the reason.
    unused_user_rows : rows of the user's file whose ship was not seen.
    """

    ships: tuple[Particulars, ...]
    hotel_classes: tuple[tuple[str, str], ...]
    columns: VesselColumns
    vessels: pa.Table
    left_out: pa.Table
    unused_user_rows: tuple[int, ...]


def resolve_vessels(static_table: pa.Table, user_vessels: UserVessels | None = None) -> VesselRegister:
    """Particulars of every ship seen, and the list of vessels left out.

    Parameters
    ----------
    static_table : one row per MMSI and distinct static message, columns of `STATIC_SUMMARY_SCHEMA`
        (`summarise_static` makes it). The order of rows does not matter.
    user_vessels : the user's own particulars; they go before all else. A row is found by MMSI, else by IMO number.

    Returns
    -------
    VesselRegister
        ships in ascending MMSI; a vessel appears either among the ships or among the left out, never in neither.
    """
    by_mmsi: dict[int, list[Mapping[str, object]]] = defaultdict(list)
    for record in static_table.select(STATIC_SUMMARY_SCHEMA.names).to_pylist():
        by_mmsi[record["mmsi"]].append(record)
    rows = user_vessels.rows if user_vessels else ()
    file = user_vessels.file if user_vessels else ""
    of_mmsi = {row.mmsi: row for row in rows if row.mmsi is not None}
    of_imo = {row.imo: row for row in rows if row.imo is not None}
    ships: list[Particulars] = []
    left_out: list[LeftOut] = []
    used: set[int] = set()
    for mmsi in sorted(by_mmsi):
        static = read_static(by_mmsi[mmsi])
        user = of_mmsi.get(mmsi) or (of_imo.get(static.imo) if static.imo is not None else None)
        if user is not None:
            used.add(user.row)
        found = _resolve(mmsi, static, user, file)
        if isinstance(found, Particulars):
            ships.append(found)
        else:
            left_out.append(found)
    return _register(ships, left_out, tuple(row.row for row in rows if row.row not in used))


def register_of(ships: Sequence[Particulars]) -> VesselRegister:
    """A register of ships already resolved, in the order given; nothing is left out."""
    return _register(ships, (), ())


def _register(
    ships: Sequence[Particulars], left_out: Sequence[LeftOut], unused_user_rows: tuple[int, ...]
) -> VesselRegister:
    hotel_classes = tuple(sorted({(ship.ship_class, ship.subtype) for ship in ships}))
    return VesselRegister(
        ships=tuple(ships),
        hotel_classes=hotel_classes,
        columns=_to_columns(ships, hotel_classes),
        vessels=_to_vessels_table(ships),
        left_out=_to_left_out_table(left_out),
        unused_user_rows=unused_user_rows,
    )


def particulars_of(vessel: UserVessel, given_by: str) -> Particulars:
    """Particulars of a ship that no AIS message tells of: the user's values, class defaults for the rest.

    Parameters
    ----------
    vessel : values known; class and subtype are required.
    given_by : file or words that say who gave the values; with ``vessel.row`` above 0 the row is added.

    Raises
    ------
    DataError
        where class or subtype is not given.
    MissingFactorError
        if no default is published for the class.
    """
    if vessel.ship_class is None or vessel.subtype is None:
        fault = Fault(given_by, "no ship class with its subtype", "Give both, or the class and teu, dwt or gt")
        raise DataError("The ship's particulars cannot be resolved.", [fault])
    unseen = StaticData(None, None, None, None, None, False, None, 0, 0, ())
    found = _resolve(vessel.mmsi or 0, unseen, vessel, given_by)
    assert isinstance(found, Particulars)  # only a ship whose class nobody gave is left out
    return found


def _resolve(mmsi: int, static: StaticData, user: UserVessel | None, file: str) -> Particulars | LeftOut:
    user = user or UserVessel(row=0)
    origins: dict[str, Origin] = {}
    notes = list(static.notes)

    def by_user(detail: str = "") -> Origin:
        where = f"{file} row {user.row}" if user.row else file
        return Origin(OriginKind.USER, "B", f"{where}{detail}")

    by_ais = Origin(OriginKind.AIS, "C", f"AIS static messages, {static.rows:,} reports")

    def first(name: str, given: _T | None, reported: _T | None = None) -> _T | None:
        """The user's value, else the reported one; notes the origin."""
        if given is not None:
            origins[name] = by_user()
            return given
        if reported is not None:
            origins[name] = by_ais
        return reported

    imo = first("imo", user.imo, static.imo)
    if user.imo is not None and static.imo not in (None, user.imo):
        notes.append(f"reported IMO number {static.imo} differs from the vessels file")
    name = first("name", user.name, static.name)
    length = first("length_m", user.length_m, static.length_m)
    beam = first("beam_m", user.beam_m, static.beam_m)

    if user.ship_class is not None and user.subtype is not None:
        ship_class, subtype = user.ship_class, user.subtype
        origins["ship_class"] = by_user()
        origins["subtype"] = by_user(f", told from {user.subtype_source}" if user.subtype_source else "")
    else:
        told = classify(static.ais_type, length, beam)
        reason = told.left_out_reason
        if reason is None and static.class_b and imo is None:
            # Ships bound by SOLAS carry class A and an IMO number; a class B set that lacks both is a small craft.
            reason = "class B transceiver without a valid IMO number"
        if reason is not None or told.ship_class is None or told.subtype is None:
            return LeftOut(
                mmsi, imo, name, static.ais_type, length, reason or "no class can be told", told.rule, static.rows
            )
        ship_class, subtype = told.ship_class, told.subtype
        origins["ship_class"] = origins["subtype"] = Origin(OriginKind.ASSUMPTION, told.grade, told.rule)

    listed = nearest_listed("C.3", ship_class, subtype)

    def default(name: str, quantity: str) -> float:
        row = load_table("ogv_class_defaults").row(listed.ship_class, listed.subtype, quantity)
        origins[name] = _default_origin(row.source, listed.ship_class, listed.subtype, listed.reason)
        return row.value

    engine = first("engine_type", user.engine_type)
    if engine is None:
        row = load_table("ogv_class_defaults").row(listed.ship_class, listed.subtype, "installed_kw")
        engine = row.text("engine")
        origins["engine_type"] = _default_origin(row.source, listed.ship_class, listed.subtype, listed.reason)
        if user.electric_drive and engine in ("MSD", "GT"):
            engine = f"{engine}-ED"
    installed = first("installed_kw", user.installed_kw)
    maximum = first("max_speed_kn", user.max_speed_kn)
    if maximum is None and user.service_speed_kn is not None:
        ratio = load_table("method_constants").row("epa-2022", "service_to_max_speed").value
        maximum = user.service_speed_kn / ratio
        origins["max_speed_kn"] = by_user(f", service speed {user.service_speed_kn:g} kn / {ratio:g}")
    draught = first("max_draught_m", user.max_draught_m)
    if draught is None:
        draught = default("max_draught_m", "max_draught_m")
        if static.draught_max_m is not None and static.draught_max_m > draught:
            # A ship cannot load deeper than her maximum: what she reported bounds it from below.
            notes.append(f"reported draught {static.draught_max_m:g} m is above the class default {draught:g} m")
            draught = static.draught_max_m
            origins["max_draught_m"] = by_ais._replace(grade="D", source="largest draught reported by AIS")
    tier = _nox_tier(user, origins, by_user)
    aux = first("aux_engine_type", user.aux_engine_type)
    if aux is None:
        aux = ASSUMED_AUX_ENGINE
        origins["aux_engine_type"] = Origin(OriginKind.ASSUMPTION, "D", AUX_SOURCE)
    return Particulars(
        mmsi=mmsi,
        imo=imo,
        name=name,
        ship_class=ship_class,
        subtype=subtype,
        engine_type=engine,
        aux_engine_type=aux,
        installed_kw=installed if installed is not None else default("installed_kw", "installed_kw"),
        max_speed_kn=maximum if maximum is not None else default("max_speed_kn", "max_speed_kn"),
        max_draught_m=draught,
        nox_tier=tier,
        keel_year=first("keel_year", user.keel_year),
        main_fuel=first("main_fuel", user.fuel),
        electric_drive=user.electric_drive if user.electric_drive is not None else engine.endswith("-ED"),
        length_m=length,
        beam_m=beam,
        teu=first("teu", user.teu),
        dwt=first("dwt", user.dwt),
        gt=first("gt", user.gt),
        static_changes=static.changes,
        notes=tuple(notes),
        origins=origins,
    )


def _default_origin(source: str, ship_class: str, subtype: str, reason: str | None) -> Origin:
    # A class average says little of this ship: grade D whatever the grade of the published average.
    stand_in = f" (nearest listed: {reason})" if reason else ""
    return Origin(OriginKind.CLASS_DEFAULT, "D", f"{ship_class}/{subtype}{stand_in}; {source}")


def _nox_tier(user: UserVessel, origins: dict[str, Origin], by_user: Callable[[str], Origin]) -> int:
    """Tier of the diesel engines aboard: a steamer's auxiliary diesels are bound by her keel year like any other's."""
    if user.nox_tier is not None:
        origins["nox_tier"] = by_user("")
        return user.nox_tier
    if user.keel_year is not None:
        tier, row = tier_for_keel_year(user.keel_year)
        origins["nox_tier"] = by_user(f", keel of {user.keel_year}: {row.source}")
        return tier
    origins["nox_tier"] = Origin(OriginKind.ASSUMPTION, "D", TIER_SOURCE)
    return ASSUMED_NOX_TIER


def _to_columns(ships: Sequence[Particulars], hotel_classes: Sequence[tuple[str, str]]) -> VesselColumns:
    hotel = {pair: at for at, pair in enumerate(hotel_classes)}
    return VesselColumns(
        mmsi=np.array([s.mmsi for s in ships], np.int32),
        installed_kw=np.array([s.installed_kw for s in ships], np.float64),
        max_speed_kn=np.array([s.max_speed_kn for s in ships], np.float64),
        max_draught_m=np.array([s.max_draught_m for s in ships], np.float64),
        engine=np.array([ENGINE_TYPES.index(s.engine_type) for s in ships], np.int16),
        aux_engine=np.array([AUX_ENGINE_TYPES.index(s.aux_engine_type) for s in ships], np.int16),
        nox_tier=np.array([s.nox_tier for s in ships], np.int8),
        keel_year=np.array([s.keel_year or 0 for s in ships], np.int16),
        fuel=np.array([FUEL_TYPES.index(s.main_fuel) if s.main_fuel else -1 for s in ships], np.int8),
        electric_drive=np.array([s.electric_drive for s in ships], np.bool_),
        hotel_class=np.array([hotel[s.ship_class, s.subtype] for s in ships], np.int32),
    )


# Fields of the vessels table that carry an origin, with their Arrow type.
VESSEL_TABLE_FIELDS: dict[str, pa.DataType] = {
    "imo": pa.int32(),
    "name": pa.string(),
    "ship_class": pa.string(),
    "subtype": pa.string(),
    "engine_type": pa.string(),
    "aux_engine_type": pa.string(),
    "installed_kw": pa.float64(),
    "max_speed_kn": pa.float64(),
    "max_draught_m": pa.float64(),
    "nox_tier": pa.int8(),
    "keel_year": pa.int16(),
    "main_fuel": pa.string(),
    "length_m": pa.float64(),
    "beam_m": pa.float64(),
    "teu": pa.float64(),
    "dwt": pa.float64(),
    "gt": pa.float64(),
}


def _to_vessels_table(ships: Sequence[Particulars]) -> pa.Table:
    """One row per ship; each field is followed by ``_origin``, ``_grade`` and ``_source`` (null without a value)."""
    columns: dict[str, pa.Array] = {"mmsi": pa.array([s.mmsi for s in ships], pa.int32())}
    for name, kind in VESSEL_TABLE_FIELDS.items():
        columns[name] = pa.array([getattr(s, name) for s in ships], kind)
        found = [s.origins.get(name) for s in ships]
        columns[f"{name}_origin"] = pa.array([o.kind.value if o else None for o in found], pa.string())
        columns[f"{name}_grade"] = pa.array([o.grade if o else None for o in found], pa.string())
        columns[f"{name}_source"] = pa.array([o.source if o else None for o in found], pa.string())
    columns["electric_drive"] = pa.array([s.electric_drive for s in ships], pa.bool_())
    columns["main_grade"] = pa.array([s.main_grade for s in ships], pa.string())
    columns["hotel_grade"] = pa.array([s.hotel_grade for s in ships], pa.string())
    columns["static_changes"] = pa.array([s.static_changes for s in ships], pa.int32())
    columns["notes"] = pa.array(["; ".join(s.notes) for s in ships], pa.string())
    return pa.table(columns)


def _to_left_out_table(left_out: Sequence[LeftOut]) -> pa.Table:
    kinds = {
        "mmsi": pa.int32(),
        "imo": pa.int32(),
        "name": pa.string(),
        "ais_type": pa.int16(),
        "length_m": pa.float64(),
        "reason": pa.string(),
        "rule": pa.string(),
        "rows": pa.int64(),
    }
    return pa.table({f.name: pa.array([getattr(v, f.name) for v in left_out], kinds[f.name]) for f in fields(LeftOut)})
