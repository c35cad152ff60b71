"""Derivations of sums and counts: the figure, its parts, and by what else it can be divided."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sealane.errors import DataError, Fault, Phrase
from sealane.web.derivation import Figure, Input, Part
from sealane.web.explain import names
from sealane.web.explain.model import Divide, InventoryDerivation
from sealane.web.explain.selection import Selection
from sealane.web.explain.sums import (
    DIMS,
    OF_CALLS,
    Division,
    chosen,
    divided,
    figure,
    filled_share,
    open_dims,
    worst_grade,
)
from sealane.web.port.index import Facts, Index
from sealane.web.port.index_build import NONE
from sealane.web.words import N_

SUM = N_("The sum of its parts; kept so finely that the parts add up to the last bit, in any order.")
COUNT = N_("Rows of the table of port calls are counted.")
COUNT_SHIPS = N_("Ships of the inventory with positions in the period are counted, each MMSI once.")
FILLED = N_("mass on filled inputs (grade D) / mass emitted")
SHARE = N_("mass emitted here / mass emitted in all")
_HOURS_OF_CALLS = N_("Hours of the table of port calls, added up.")
_GAPS_OF_CALLS = N_(
    "Gaps too long to fill, of the table of port calls; a call's page lists each with its begin and end."
)
_FILES = {
    "mass": "inventory.parquet", "filled": "inventory.parquet", "share": "inventory.parquet", "calls": "calls.parquet",
    "unobserved": "calls.parquet", "interpolated": "calls.parquet", "ships": "vessels.parquet",
    "gaps": "calls.parquet",
}  # fmt: skip


_EQUATIONS = {
    "calls": COUNT, "ships": COUNT_SHIPS, "unobserved": _HOURS_OF_CALLS, "interpolated": _HOURS_OF_CALLS,
    "gaps": _GAPS_OF_CALLS,
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """Whose figures are derived.

    Attributes
    ----------
    result_id, simulated, digest : of the kept result.
    index : its index.
    """

    result_id: str
    simulated: bool
    digest: str
    index: Index


def derive(subject: Subject, selection: Selection) -> InventoryDerivation:
    """Return the derivation of a figure.

    Raises
    ------
    DataError
        naming every filter that the quantity does not have, or whose value is not in the inventory.
    """
    from sealane.web.explain.quality import of_quality
    from sealane.web.explain.row import of_row
    from sealane.web.explain.work_row import of_work_row

    selection = selection.with_defaults()
    if selection.quantity == "quality":
        return of_quality(subject, selection)
    if selection.quantity in {"filled", "share"}:
        return _of_share(subject, selection)
    if selection.basis == "wtt":
        return of_row(subject, selection, chosen(subject.index, selection.model_copy(update={"basis": "wtw"})))
    facts = chosen(subject.index, selection)
    left = open_dims(facts, selection)
    is_row = len(facts.value) == 1 and not left
    if selection.quantity == "mass" and is_row:
        return of_row(subject, selection, facts)
    if selection.quantity in {"hours", "distance", "energy"} and is_row:
        return of_work_row(subject, selection, facts)
    _refuse_row_filters(selection)
    return _of_sum(subject, selection, facts, left)


def _refuse_row_filters(selection: Selection) -> None:
    faults = [
        Fault(name, str(getattr(selection, name)), Phrase("Leave it out, or narrow the figure down to one row first."))
        for name in ("hour", "line")
        if getattr(selection, name) is not None
    ]
    if faults:
        raise DataError(Phrase("The figure cannot be derived: these are told of one row only."), faults)


def _of_sum(subject: Subject, selection: Selection, facts: Facts, left: tuple[str, ...]) -> InventoryDerivation:
    by = selection.by if selection.by in DIMS[selection.quantity] else None
    if selection.by is not None and by is None:
        told = ", ".join(DIMS[selection.quantity])
        raise DataError(
            Phrase("The figure cannot be divided so."),
            [
                Fault(
                    "by",
                    Phrase("%(quantity)s is not told by %(by)s", quantity=selection.quantity, by=selection.by),
                    Phrase("Give one of: %(told)s.", told=told),
                )
            ],
        )
    dim: str | None = by or (left[0] if left else None)
    skip = selection.skip or 0
    division = divided(subject.index, facts, dim, skip) if dim else None
    value = facts.total
    if division is not None and skip:
        value = sum(part.value for part in division.parts) + (division.rest.value if division.rest else 0.0)
    own = selection if skip else selection.model_copy(update={"skip": None})
    own_figure = figure(subject.result_id, own, value, simulated=subject.simulated, grade=worst_grade(facts))
    own_figure = own_figure.model_copy(update={"filled_share": None if skip else filled_share(facts)})
    equation = _EQUATIONS.get(selection.quantity, SUM)
    return framed(
        subject,
        selection,
        own_figure,
        equation=equation,
        parts=_parts(subject, selection, division) if division else [],
        part_dimension=names.DIMENSIONS[dim] if dim else "",
        divisions=[
            Divide(
                dimension=names.DIMENSIONS[other],
                path=own.model_copy(update={"by": other, "skip": None}).path(subject.result_id),
                current=other == dim,
            )
            for other in left
            if not skip or other == dim
        ],
        call_path=call_path(subject, selection.call_id),
        inputs=_one_call(subject, selection, facts),
    )


def _one_call(subject: Subject, selection: Selection, facts: Facts) -> list[Input]:
    """The rows that are counted, where there are none to divide."""
    if selection.quantity not in {*OF_CALLS, "ships"} or len(facts.value) != 1:
        return []
    column, dim = ("ship", "mmsi") if selection.quantity == "ships" else ("call", "call_id")
    name = subject.index.members(column)[int(facts.dims[column][0])]
    return [
        Input(
            name=member_label(subject.index, dim, name),
            value=float(facts.value[0]),
            origin="computed",
            source=f"{_FILES[selection.quantity]}: {dim} {name}",
            link=call_path(subject, name) if dim == "call_id" else None,
        )
    ]


def _parts(subject: Subject, selection: Selection, division: Division) -> list[Part]:
    parts = []
    for part in division.parts:
        narrower = selection.narrowed(**{division.dim: part.member})
        parts.append(
            Part(
                label=member_label(subject.index, division.dim, part.member),
                figure=figure(subject.result_id, narrower, part.value, simulated=subject.simulated, grade=part.grade),
            )
        )
    if division.rest is not None:
        rest = selection.model_copy(update={"by": division.dim, "skip": division.rest_skip})
        value, grade = division.rest.value, division.rest.grade
        parts.append(
            Part(
                label=names.REST,
                figure=figure(subject.result_id, rest, value, simulated=subject.simulated, grade=grade),
            )
        )
    return parts


def _of_share(subject: Subject, selection: Selection) -> InventoryDerivation:
    """The share of a mass that rests on filled inputs, or that is of this mode, source, ship type, ..."""
    part = selection.narrowed(quantity="mass")
    if selection.quantity == "filled":
        above, below = part.narrowed(grade="D"), part
        equation, names_of = FILLED, (N_("Mass on filled inputs"), N_("Mass emitted"))
    else:
        whole = {name: getattr(part, name) for name in ("pollutant", "basis", "in_call", "call_id")}
        above, below = part, Selection.model_validate(whole)
        equation, names_of = SHARE, (N_("Mass emitted here"), N_("Mass emitted in all"))
    values = [_mass(subject.index, one) for one in (above, below)]
    inputs = [
        Input(name=name, value=value, unit="g", origin="computed", link=one.path(subject.result_id))
        for name, value, one in zip(names_of, values, (above, below), strict=True)
    ]
    share = values[0] / values[1] if values[1] > 0 else None
    path = selection.path(subject.result_id)
    own = Figure(value=share, quantity="share", explain=path, simulated=subject.simulated)
    return framed(subject, selection, own, equation=equation, inputs=inputs)


def _mass(index: Index, selection: Selection) -> float:
    """The mass of a selection; zero where it has no row, as where nothing is on filled inputs."""
    return chosen(index, selection).total


def framed(subject: Subject, selection: Selection, own: Figure, **more: Any) -> InventoryDerivation:
    """Put what every derivation of an inventory has around its own."""
    meta = subject.index.meta
    query = selection.query()
    base = f"/api/v1/explain/inventory/{quote(subject.result_id, safe='')}/parts.csv"
    file = _FILES.get(selection.quantity, "activity.parquet")
    return InventoryDerivation(
        title=names.QUANTITIES[selection.quantity],
        figure=own,
        filters=said_filters(subject.index, selection),
        method=f"{meta['method_edition']}; {meta['gwp'].upper()}",
        source_files=[f"{more.pop('file', file)} ({N_RESULT} {subject.digest})"],
        exports={"CSV": f"{base}{'?' if query else ''}{query}"} if more.get("parts") else {},
        result_id=subject.result_id,
        port=subject.index.port,
        **more,
    )


N_RESULT = "SHA-256 of the result"


def said_filters(index: Index, selection: Selection) -> dict[str, str]:
    """The filters in words, in the order of the path."""
    said: dict[str, str] = {}
    for name in (
        "pollutant",
        "basis",
        *dict.fromkeys(dim for dims in DIMS.values() for dim in dims),
        "ship",
        "hour",
        "line",
    ):
        value = getattr(selection, name)
        if value is not None:
            text = _hour(value) if isinstance(value, dt.datetime) else member_label(index, name, str(value))
            said[names.DIMENSIONS[name]] = text
    if selection.skip:
        said[names.DIMENSIONS["skip"]] = str(selection.skip)
    return said


def _hour(time: dt.datetime) -> str:
    moment = time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)
    return moment.strftime("%Y-%m-%d %H:00 UTC")


def member_label(index: Index, dim: str, member: str) -> str:
    """What a reader calls a member of a dimension: ships by name and number, calls by ship and time, zones by name."""
    if dim == "zone":
        if member == NONE:
            return names.NO_ZONE
        zone = next((zone for zone in index.zones if zone["id"] == member), None)
        return f"{zone['name']} ({member})" if zone and zone["name"] else member
    if dim == "mmsi":
        return _ship_label(index, member)
    if dim == "call_id" and member == NONE:
        return names.NO_CALL
    if dim == "call_id":
        code = index.number_of("call").get(member)
        if code is not None:
            row = index.table("calls").slice(code, 1).to_pylist()[0]
            first = row["first_seen"].astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
            return f"{row['vessel_name'] or 'MMSI ' + format(row['mmsi'], '09d')}, {first}"
    return names.label(dim, member)


def _ship_label(index: Index, mmsi: str) -> str:
    code = index.number_of("ship").get(mmsi)
    if code is None:
        return mmsi
    row = index.table("ships").slice(code, 1).to_pylist()[0]
    number = f"IMO {row['imo']}" if row["imo"] else f"MMSI {row['mmsi']:09d}"
    return f"{row['name']} ({number})" if row["name"] else number


def call_path(subject: Subject, call_id: str | None) -> str | None:
    """The page of a port call."""
    if call_id is None or call_id == NONE:
        return None
    return f"/ports/{subject.index.port}/calls/{quote(subject.result_id, safe='')}/{quote(call_id, safe='')}"
