"""The ships of a call table, each with its particulars and where they come from.

The order of trust: the user's vessels file, the particulars an inventory of one's own AIS resolved, then class and
size as the calls name them, with EPA class defaults. A ship of which nobody tells a class is not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.corridors.call_table import ship_key
from sealane.corridors.ship_model import ShipEnergy, ship_of_particulars
from sealane.emissions.ship_classes import find_ship_class, find_subtype, size_units, subtype_from_size
from sealane.emissions.user_vessels import UserVessel, UserVessels
from sealane.emissions.vessels import VESSEL_TABLE_FIELDS, Origin, OriginKind, Particulars, particulars_of
from sealane.errors import MissingFactorError

_TOLD = ("imo", "mmsi", "ship_name", "ship_class", "subtype", "teu", "dwt", "gt")
_PARTICULARS = tuple(field.name for field in fields(Particulars) if field.name not in ("origins", "notes"))


@dataclass(frozen=True)
class CallShips:
    """Ships of a call table.

    Attributes
    ----------
    ships : one for each ship whose class is known, ascending by IMO number, else MMSI.
    index : row of `ships` for each row of the table, ``(rows,)``; -1: no class is known.
    origin : where the particulars of each of `ships` come from: user file, own AIS or class default.
    missing : ship key (IMO number, else MMSI) to what is missing and what to give.
    """

    ships: tuple[ShipEnergy, ...]
    index: NDArray[np.int64]
    origin: tuple[str, ...]
    missing: Mapping[int, str]


def ships_of_calls(
    calls: pa.Table,
    *,
    method: str = "epa-2022",
    particulars: pa.Table | None = None,
    vessels: UserVessels | None = None,
) -> CallShips:
    """Resolve the ships of a call table.

    Parameters
    ----------
    calls : columns of `sealane.corridors.call_table.CALLS_SCHEMA`. The first call in time that tells a value decides.
    method : ``epa-2022`` or ``imo4-2020``.
    particulars : ``vessels.parquet`` of inventory folders.
    vessels : the user's own vessels file.

    Returns
    -------
    CallShips
    """
    keys = ship_key(calls)
    unique, index = np.unique(keys, return_inverse=True)
    told = _first_told(calls, index.ravel(), len(unique))
    known = _known_particulars(particulars)
    rows = vessels.rows if vessels else ()
    by_imo = {row.imo: row for row in rows if row.imo is not None}
    by_mmsi = {row.mmsi: row for row in rows if row.mmsi is not None}
    ships: list[ShipEnergy] = []
    origin: list[str] = []
    number = np.full(len(unique), -1, np.int64)
    missing: dict[int, str] = {}
    for at, key in enumerate(unique.tolist()):
        values = {name: told[name][at] for name in _TOLD}
        user = by_mmsi.get(values["mmsi"]) or by_imo.get(values["imo"])
        try:
            found, source = _resolve(values, user, vessels.file if vessels else "", known)
            ship = ship_of_particulars(found, method=method)
        except MissingFactorError as problem:
            missing[key] = str(problem)
            continue
        number[at] = len(ships)
        ships.append(ship)
        origin.append(source)
    return CallShips(tuple(ships), number[index.ravel()], tuple(origin), missing)


def _first_told(calls: pa.Table, ship: NDArray[np.int64], count: int) -> dict[str, list[Any]]:
    """First value of each column that a row of the ship tells, None where none does."""
    columns: dict[str, list[Any]] = {}
    for name in _TOLD:
        column = calls[name].combine_chunks()
        valid = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        owners, first = np.unique(ship[valid], return_index=True)
        values: list[Any] = [None] * count
        for owner, value in zip(owners.tolist(), column.take(pa.array(valid[first])).to_pylist(), strict=True):
            values[owner] = value
        columns[name] = values
    return columns


def _known_particulars(table: pa.Table | None) -> dict[tuple[str, int], Particulars]:
    """Particulars as an inventory resolved them, by MMSI and by IMO number."""
    known: dict[tuple[str, int], Particulars] = {}
    for row in table.to_pylist() if table is not None else []:
        origins = {
            name: Origin(OriginKind(row[f"{name}_origin"]), row[f"{name}_grade"], row[f"{name}_source"])
            for name in VESSEL_TABLE_FIELDS
            if row.get(f"{name}_origin")
        }
        ship = Particulars(**{name: row[name] for name in _PARTICULARS}, notes=(row["notes"],), origins=origins)
        known.setdefault(("mmsi", ship.mmsi), ship)
        if ship.imo is not None:
            known.setdefault(("imo", ship.imo), ship)
    return known


@cache
def _class(text: str) -> str:
    return find_ship_class(text)


@cache
def _subtype(ship_class: str, text: str) -> str:
    return find_subtype(ship_class, text)


def _resolve(
    told: Mapping[str, object], user: UserVessel | None, file: str, known: Mapping[tuple[str, int], Particulars]
) -> tuple[Particulars, str]:
    if user is not None and user.ship_class is not None and user.subtype is not None:
        return particulars_of(user, file), OriginKind.USER.value
    for kind in ("imo", "mmsi"):
        number = told[kind]
        if isinstance(number, int) and (kind, number) in known:
            return known[kind, number], "own AIS"
    if told["ship_class"] is None:
        raise MissingFactorError("its ship class is not known: give ship_class with subtype, teu, dwt or gt")
    ship_class = _class(str(told["ship_class"]))
    source: str | None = None
    if told["subtype"] is not None:
        subtype: str | None = _subtype(ship_class, str(told["subtype"]))
    else:
        subtype = None
        for unit in size_units(ship_class):
            size = told[unit]
            if isinstance(size, float):
                subtype, grade, rule = subtype_from_size(ship_class, unit, size)
                source = f"{unit} {size:g}, size bins grade {grade}: {rule}"
                break
    if subtype is None:
        units = " or ".join(size_units(ship_class)) or "subtype"
        raise MissingFactorError(f"the size of this {ship_class} is not known: give {units} or the subtype")
    vessel = UserVessel(
        row=0,
        mmsi=told["mmsi"] if isinstance(told["mmsi"], int) else None,
        imo=told["imo"] if isinstance(told["imo"], int) else None,
        name=None if told["ship_name"] is None else str(told["ship_name"]),
        ship_class=ship_class,
        subtype=subtype,
        subtype_source=source,
        teu=told["teu"] if isinstance(told["teu"], float) else None,
        dwt=told["dwt"] if isinstance(told["dwt"], float) else None,
        gt=told["gt"] if isinstance(told["gt"], float) else None,
    )
    return particulars_of(vessel, "port calls"), OriginKind.CLASS_DEFAULT.value
