"""The ships of a lane: whose particulars are known, from where, and as which energy model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane.corridors.ship_energy import ShipEnergy, ship_of_particulars
from sealane.emissions.ship_classes import size_units, subtype_from_size
from sealane.emissions.user_vessels import UserVessel, UserVessels
from sealane.emissions.vessels import VESSEL_TABLE_FIELDS, Origin, OriginKind, Particulars, particulars_of
from sealane.errors import DataError, MissingFactorError

TOLD = ("imo", "mmsi", "ship_name", "carrier", "ship_class", "subtype", "teu", "dwt", "gt")
FROM_FILE, FROM_AIS, FROM_CLASS, UNKNOWN = "user file", "own AIS", "class default", "none"


@dataclass(frozen=True)
class LaneFleet:
    """Ships and their energy models.

    Attributes
    ----------
    ship : numbers of the ships, ascending, ``(ships,)``.
    told : what the calls tell of each ship, last call first, by `TOLD`.
    models : distinct energy models.
    model_of : row of ``models`` by ship, -1 without particulars, ``(ships,)``.
    origin : where each ship's particulars come from, ``(ships,)``.
    missing : why a ship has no particulars, by ship.
    """

    ship: NDArray[np.int64]
    told: tuple[Mapping[str, Any], ...]
    models: tuple[ShipEnergy, ...]
    model_of: NDArray[np.int64]
    origin: tuple[str, ...]
    missing: Mapping[int, str]

    def row_of(self, ship: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each ship number."""
        return np.searchsorted(self.ship, ship)

    def classes(self) -> tuple[str | None, ...]:
        """Ship class of each ship: of its particulars, else as told; ``(ships,)``."""
        return tuple(
            self.models[model].ship_class if model >= 0 else told["ship_class"]
            for model, told in zip(self.model_of.tolist(), self.told, strict=True)
        )

    def subtypes(self) -> tuple[str | None, ...]:
        """Size class of each ship, as `classes`."""
        return tuple(
            self.models[model].subtype if model >= 0 else told["subtype"]
            for model, told in zip(self.model_of.tolist(), self.told, strict=True)
        )


def resolve_fleet(
    calls: pa.Table,
    ship: NDArray[np.int64],
    vessels: UserVessels | None = None,
    particulars: pa.Table | None = None,
    method: str = "epa-2022",
) -> LaneFleet:
    """Particulars of every ship of a call table.

    Parameters
    ----------
    calls, ship : the call table and the ship of each row; sorted by ship.
    vessels : a vessels file of the user; it goes before all else.
    particulars : ``vessels.parquet`` of one's own inventories; it goes before the class the calls tell.
    method : ``epa-2022`` or ``imo4-2020``.
    """
    starts = np.flatnonzero(np.diff(ship, prepend=-1)) if len(ship) else np.empty(0, np.int64)
    ships = ship[starts]
    told = _last_told(calls, starts, len(ship))
    by_imo = {row.imo: row for row in vessels.rows if row.imo} if vessels else {}
    by_mmsi = {row.mmsi: row for row in vessels.rows if row.mmsi} if vessels else {}
    seen_imo, seen_mmsi = _by_number(particulars)
    models: dict[object, int] = {}
    found: list[ShipEnergy] = []
    model_of = np.full(len(ships), -1, np.int64)
    origin: list[str] = []
    missing: dict[int, str] = {}
    for at, (number, known) in enumerate(zip(ships.tolist(), told, strict=True)):
        user = by_mmsi.get(known["mmsi"]) or by_imo.get(known["imo"])
        own = seen_imo.get(known["imo"]) or seen_mmsi.get(known["mmsi"])
        key: object
        if user is not None:
            key, kind = ("user", user.row), FROM_FILE
        elif own is not None:
            key, kind = ("ais", own["mmsi"]), FROM_AIS
        else:
            key, kind = ("class", *(known[name] for name in ("ship_class", "subtype", "teu", "dwt", "gt"))), FROM_CLASS
        if key not in models:
            try:
                if user is not None:
                    ship_particulars = particulars_of(_completed(user, known), vessels.file if vessels else "")
                elif own is not None:
                    ship_particulars = _particulars_of_row(own)
                else:
                    ship_particulars = particulars_of(_completed(UserVessel(row=0), known), "port calls")
                found.append(ship_of_particulars(ship_particulars, method=method))
                models[key] = len(found) - 1
            except (DataError, MissingFactorError) as problem:
                models[key] = -1
                missing[number] = str(problem).splitlines()[0]
        model_of[at] = models[key]
        if models[key] < 0:
            missing.setdefault(number, "as another ship of the same kind")
        origin.append(kind if models[key] >= 0 else UNKNOWN)
    return LaneFleet(ships, told, tuple(found), model_of, tuple(origin), missing)


def _last_told(calls: pa.Table, starts: NDArray[np.int64], rows: int) -> tuple[dict[str, Any], ...]:
    """The last value told of each ship, by `TOLD`."""
    number = np.arange(rows)
    columns = []
    for name in TOLD:
        column = calls[name].combine_chunks()
        place = np.where(column.is_valid().to_numpy(zero_copy_only=False), number, -1)
        last = np.maximum.reduceat(place, starts) if len(starts) else np.empty(0, np.int64)
        # A value of the ship before must not reach into this one.
        last = np.where(last >= starts, last, -1)
        columns.append(column.take(pa.array(last, mask=last < 0)).to_pylist())
    return tuple(dict(zip(TOLD, values, strict=True)) for values in zip(*columns, strict=True))


def _completed(vessel: UserVessel, told: Mapping[str, Any]) -> UserVessel:
    """The user's row with what the calls tell where it is silent; the subtype from the size where that tells it."""
    given = {name: told[name] for name in ("ship_class", "teu", "dwt", "gt") if getattr(vessel, name) is None}
    if vessel.ship_class is None or vessel.ship_class == told["ship_class"]:
        given |= {"subtype": told["subtype"]} if vessel.subtype is None else {}
    vessel = replace(vessel, **given)
    if vessel.subtype is None and vessel.ship_class is not None:
        for unit in size_units(vessel.ship_class):
            size = getattr(vessel, unit)
            if size is not None:
                subtype, grade, rule = subtype_from_size(vessel.ship_class, unit, size)
                source = f"{unit} {size:g}, size bins grade {grade}: {rule}"
                return replace(vessel, subtype=subtype, subtype_source=source)
    return vessel


def _by_number(particulars: pa.Table | None) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    if particulars is None:
        return {}, {}
    rows = particulars.sort_by([("mmsi", "ascending")]).to_pylist()
    return {row["imo"]: row for row in rows if row["imo"]}, {row["mmsi"]: row for row in rows}


def _particulars_of_row(row: Mapping[str, Any]) -> Particulars:
    """Particulars as ``vessels.parquet`` of an inventory holds them, with their origins."""
    origins = {
        name: Origin(OriginKind(row[f"{name}_origin"]), row[f"{name}_grade"], row[f"{name}_source"])
        for name in VESSEL_TABLE_FIELDS
        if row.get(f"{name}_origin")
    }
    names = {field.name for field in fields(Particulars)}
    values = {name: row[name] for name in VESSEL_TABLE_FIELDS if name in names}
    notes = tuple(text for text in (row.get("notes") or "").split("; ") if text)
    return Particulars(
        mmsi=row["mmsi"],
        electric_drive=row["electric_drive"],
        static_changes=row["static_changes"],
        notes=notes,
        origins=origins,
        **values,
    )


def told_column(fleet: LaneFleet, name: str, rows: NDArray[np.int64], kind: pa.DataType) -> pa.Array:
    """A column of what is told of ships, for rows of ships."""
    values = pa.array([told[name] for told in fleet.told], kind)
    return pc.take(values, pa.array(rows))
