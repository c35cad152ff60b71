"""The derivation of hours, distance and energy of one ship in one mode and zone: hour by hour."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from sealane.errors import DataError, Fault, Phrase, SealaneError
from sealane.inventory.explain import explain, explain_outside_calls
from sealane.web.derivation import Figure, Input, Part, PublishedRow
from sealane.web.explain import names
from sealane.web.explain.derive import Subject, call_path, framed
from sealane.web.explain.model import InventoryDerivation
from sealane.web.explain.row import published, row_place
from sealane.web.explain.selection import Selection
from sealane.web.explain.sums import UNITS
from sealane.web.port.index import ENERGY_SOURCES, Facts, Index
from sealane.web.words import N_

HOURS = N_("time between reports, inside this hour and in this mode")
DISTANCE = N_("speed over ground x time between reports")
ENERGY = {
    "main": N_("hours x installed kW x load; load = (speed / maximum speed)^3 x (draught / maximum draught)^(2/3)"
               " x (1 + sea margin), at least 0.02 and at most 1"),
    "auxiliary": N_("hours x kW of the auxiliary engines in this mode, less what shore power gives"),
    "boiler": N_("hours x kW of the boilers in this mode"),
    "shore_power": N_("hours x kW taken from shore"),
}  # fmt: skip
ENERGY_MAIN_IMO4 = N_(
    "hours x installed kW x load; load = speed-power correction x (draught / maximum draught)^(2/3)"
    " x (speed / maximum speed)^3 / (weather x fouling), at most 1"
)
BY_HOUR = N_("Read from activity.parquet; kept so finely that the hours add up to the last bit.")
_COLUMN = {"hours": "hours", "distance": "distance_nm"}
_MEASURE = {"hours": "hours", "distance": "distance_nm", "energy": "energy_kwh"}
_POWER_TABLES = ("sea_margin", "hotel_load", "imo4_load")


def of_work_row(subject: Subject, selection: Selection, facts: Facts) -> InventoryDerivation:
    """Return the derivation of one row of hours, distance or energy, or of one hour of it."""
    index = subject.index
    call_id, mmsi, mode, zone = row_place(index, facts)
    evidence = index.members("evidence")[int(facts.dims["evidence"][0])]
    source = index.members("source")[int(facts.dims["source"][0])] if "source" in facts.dims else None
    quantity = selection.quantity
    column = _COLUMN.get(quantity) or ENERGY_SOURCES[int(facts.dims["source"][0])]
    rows = [row for row in _activity(index, mmsi, call_id, mode, zone, evidence) if row[column]]
    step = float(index.meta["quanta"][_MEASURE[quantity]])
    values = [float(np.rint(row[column] / step) * step) for row in rows]
    if quantity == "energy":
        is_imo4 = index.meta["method"] == "imo4-2020" and source == "main"
        equation = ENERGY_MAIN_IMO4 if is_imo4 else ENERGY[str(source)]
        published_rows = _power_rows(index, call_id, mmsi, mode, str(source))
    else:
        equation, published_rows = HOURS if quantity == "hours" else DISTANCE, []
    inputs = [
        Input(
            name=names.DIMENSIONS["evidence"],
            value=names.EVIDENCE[evidence],
            origin="filled" if evidence == "interpolated" else "observed",
            source="activity.parquet",
        )
    ]
    if selection.hour is not None:
        at = _hour_of(selection.hour)
        found = [(row, value) for row, value in zip(rows, values, strict=True) if row["hour"] == at]
        if not found:
            raise DataError(
                Phrase("The figure cannot be derived."),
                [Fault("hour", at.isoformat(), Phrase("Open the row and choose one of its hours."))],
            )
        row, value = found[0]
        inputs += _hour_inputs(row, column)
        parts: list[Part] = []
    else:
        value = facts.total
        parts = [
            Part(
                label=row["hour"].strftime("%Y-%m-%d %H:00 UTC"),
                figure=_figure(subject, selection.narrowed(hour=row["hour"]), part),
            )
            for row, part in zip(rows, values, strict=True)
        ]
    return framed(
        subject,
        selection,
        _figure(subject, selection, value),
        equation=equation,
        inputs=inputs,
        rows=published_rows,
        parts=parts,
        part_dimension=names.DIMENSIONS["hour"] if parts else "",
        notes=[BY_HOUR] if parts else [],
        call_path=call_path(subject, call_id),
    )


def _figure(subject: Subject, selection: Selection, value: float) -> Figure:
    return Figure(
        value=value,
        quantity=UNITS[selection.quantity],
        explain=selection.path(subject.result_id),
        simulated=subject.simulated,
    )


def _hour_of(time: dt.datetime) -> dt.datetime:
    moment = time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)
    return moment.replace(minute=0, second=0, microsecond=0)


def _hour_inputs(row: dict[str, Any], column: str) -> list[Input]:
    inputs = [
        Input(name=N_("Value in the file"), value=float(row[column]), unit=_unit(column), origin="computed",
              source=f"activity.parquet, column {column}"),
    ]  # fmt: skip
    if column != "hours":
        inputs.append(Input(name=N_("Hours"), value=float(row["hours"]), unit="h", origin="computed",
                            source="activity.parquet"))  # fmt: skip
    if column.endswith("_kwh") and row["hours"]:
        inputs.append(Input(name=N_("Mean power"), value=float(row[column] / row["hours"]), unit="kW",
                            origin="computed", source="activity.parquet"))  # fmt: skip
    return inputs


def _unit(column: str) -> str:
    return "h" if column == "hours" else "nm" if column == "distance_nm" else "kWh"


def _activity(
    index: Index, mmsi: int, call_id: str | None, mode: str, zone: str | None, evidence: str
) -> list[dict[str, Any]]:
    """Rows of activity.parquet, by hour; the file is sorted by MMSI, so that only a part of it is read."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def same(name: str, value: str | None) -> pc.Expression:
        return pc.field(name).is_null() if value is None else pc.field(name) == value

    wanted = (pc.field("mmsi") == mmsi) & same("call_id", call_id) & (pc.field("mode") == mode)
    wanted = wanted & same("zone", zone) & (pc.field("evidence") == evidence)
    rows: list[dict[str, Any]] = pq.read_table(index.source / "activity.parquet", filters=wanted).to_pylist()
    return sorted(rows, key=lambda row: row["hour"])


def _power_rows(index: Index, call_id: str | None, mmsi: int, mode: str, source: str) -> list[PublishedRow]:
    """Published rows behind the power of one source in one mode."""
    try:
        found = explain_outside_calls(index.source, mmsi) if call_id is None else explain(index.source, call_id)
    except SealaneError:  # a result of an older release: the hours stand, their factor rows cannot be told again
        return []
    rows = [row for figure in found.figures if (figure.mode, figure.source) == (mode, source)
            for row in figure.factor_rows if row.label.startswith(_POWER_TABLES)]  # fmt: skip
    return published(tuple(dict.fromkeys(rows)))
