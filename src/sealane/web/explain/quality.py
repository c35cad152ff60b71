"""The derivation of what a run says of its own data: statements of quality.json."""

from __future__ import annotations

import json
from typing import Any

from sealane.errors import DataError, Fault, Phrase
from sealane.web.derivation import Figure, Input, Quantity
from sealane.web.explain import names
from sealane.web.explain.derive import Subject, call_path, framed
from sealane.web.explain.model import InventoryDerivation
from sealane.web.explain.selection import Selection, explain_path
from sealane.web.port.index import Index
from sealane.web.words import N_

# Item -> (quantity, what it is).
ITEMS: dict[str, tuple[Quantity, str]] = {
    "rows_read": ("count", N_("Rows read from the files of positions.")),
    "rows_rejected": ("count", N_("Rows that could not be read as positions; rejects.csv says why, row by row.")),
    "vessels_in_inventory": ("count", N_("Vessels that are ocean-going ships by their type and size.")),
    "vessels_left_out": ("count", N_("Vessels seen and left out of the inventory, by reason.")),
    "hours.observed_h": ("duration_h", N_("Vessel hours between reports that follow each other closely.")),
    "hours.interpolated_h": ("duration_h", N_("Vessel hours filled between two reports.")),
    "hours.unobserved_h": ("duration_h", N_("Vessel hours in gaps too long to fill; they carry no emissions.")),
    "zones.used": ("count", N_("Zones that positions were held against.")),
    "zones.learnt": ("count", N_("Berths and anchorages learnt from where ships lay still; no surveyed berths.")),
    "status_and_mode.compared": ("count", N_("Ships whose reported status was held against the mode found.")),
    "status_and_mode.agree": ("count", N_("Ships that reported most of the time what was found most of the time.")),
}  # fmt: skip
REPORTED = N_("Hours for which the ship reported this status.")
DECIDED = N_("Hours in which the ship was found so.")
MOST_CONFIDENCE = 4
CONFIDENCE = N_("4, less one for each statement below that holds; never below 1")
RULE = N_("Reports, or values, that met this rule of cleaning.")


def value_of(quality: dict[str, Any], item: str) -> float | None:
    """The value of an item; None where this result does not tell it."""
    if item == "vessels_left_out":
        return float(quality["vessels_left_out"]["count"])
    if item.startswith("rule."):
        found = quality.get("totals", {}).get(item.removeprefix("rule."))
        return None if found is None else float(found)
    place: Any = quality
    for key in item.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    return float(place) if isinstance(place, int | float) else None


def found_of(index: Index, mmsi: int) -> dict[str, Any]:
    """What quality.json says of one ship: counts by rule, and a status that contradicts what was found."""
    import pyarrow.compute as pc

    rows = index.table("ship_quality").filter(pc.field("mmsi") == mmsi).column("found").to_pylist()
    return dict(json.loads(rows[0])) if rows else {}


def _of_ship(index: Index, mmsi: int) -> dict[str, tuple[float, Quantity, str]]:
    """Statements on one ship: value, quantity and what it is, by item."""
    found = found_of(index, mmsi)
    told: dict[str, tuple[float, Quantity, str]] = {
        f"rule.{rule}": (float(count), "count", RULE) for rule, count in found.get("counts", {}).items()
    }
    for side, words in (("reported", REPORTED), ("decided", DECIDED)):
        for mode, hours in found.get("disagreement", {}).get(f"{side}_h", {}).items():
            told[f"{side}.{mode}"] = (float(hours), "duration_h", words)
    return told


def of_quality(subject: Subject, selection: Selection) -> InventoryDerivation:
    """Return where a statement on the quality of the data comes from.

    Raises
    ------
    DataError
        for an item that the result does not tell.
    """
    if selection.call_id is not None and selection.item == "confidence":
        return _confidence(subject, selection)
    quality = subject.index.meta["quality"]
    item = selection.item or ""
    known: dict[str, tuple[float | None, Quantity, str]]
    if selection.mmsi is not None:
        known = dict(_of_ship(subject.index, selection.mmsi))
    else:
        known = {name: (value_of(quality, name), *ITEMS[name]) for name in ITEMS if value_of(quality, name) is not None}
        known |= {f"rule.{name}": (float(count), "count", RULE) for name, count in quality.get("totals", {}).items()}
    if item not in known:
        told = ", ".join(known) or "none is told of this ship"
        raise DataError(
            Phrase("The figure cannot be derived."),
            [Fault("item", repr(item), Phrase("Give one of: %(told)s.", told=told))],
        )
    value, quantity, words = known[item]
    path = selection.path(subject.result_id)
    own = Figure(value=value, quantity=quantity, explain=path, simulated=subject.simulated)
    notes = []
    if item.startswith("rule."):
        rule = quality.get("rules", {}).get(item.removeprefix("rule."), {})
        notes = [text for text in (rule.get("meaning"), rule.get("does")) if text]
    reasons = quality["vessels_left_out"]["by_reason"] if item == "vessels_left_out" else {}
    files = ", ".join(subject.index.meta["inputs"])
    inputs = [Input(name=names.DIMENSIONS["item"], value=item, origin="computed", source=f"quality.json; {files}")]
    inputs += [
        Input(name=reason, value=float(entry["vessels"]), origin="computed", source="quality.json")
        for reason, entry in reasons.items()
    ]
    return framed(
        subject,
        selection,
        own,
        equation=words,
        inputs=inputs,
        notes=notes,
        file="quality.json",
    )


def confidence_figure(result_id: str, call_id: str, value: int, *, simulated: bool) -> Figure:
    """Return the confidence in a port call as a figure."""
    path = explain_path(result_id, quantity="quality", item="confidence", call_id=call_id)
    return Figure(value=value, quantity="other", unit=f"/ {MOST_CONFIDENCE}", explain=path, simulated=simulated)


def _confidence(subject: Subject, selection: Selection) -> InventoryDerivation:
    """What takes a point from the confidence in a port call, as the run decided it."""
    index = subject.index
    code = index.number_of("call").get(str(selection.call_id))
    if code is None:
        raise DataError(
            Phrase("The figure cannot be derived."),
            [Fault("call_id", repr(selection.call_id), Phrase("Open the figure above and choose."))],
        )
    row = index.table("calls").slice(code, 1).to_pylist()[0]
    arrival, departure, gap = row["arrival"] is None, row["departure"] is None, row["gap_events"] > 0
    # The run takes the last point for stops at learnt zones alone; what the others do not explain is that one.
    learnt = MOST_CONFIDENCE - arrival - departure - gap > row["confidence"]
    said = (
        (N_("the arrival was not seen"), arrival, "arrival"),
        (N_("the departure was not seen"), departure, "departure"),
        (N_("a gap without reports lies in it"), gap, "gap_events"),
        (N_("no stop lies in a given zone: all were learnt from where ships lay still"), learnt, "confidence"),
    )
    return framed(
        subject,
        selection,
        confidence_figure(subject.result_id, str(selection.call_id), row["confidence"], simulated=subject.simulated),
        equation=CONFIDENCE,
        inputs=[
            Input(name=words, value=-int(holds), origin="computed", source=f"calls.parquet: {column}")
            for words, holds, column in said
        ],
        call_path=call_path(subject, selection.call_id),
        file="calls.parquet",
    )
