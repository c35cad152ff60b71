"""Products for which no single published schema exists: our own, small and closed, with units in the names.

A property that is not listed is refused. ``docs/reference/data-products.md`` is made from these tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final

from sealane.agreements.clauses import Record
from sealane.errors import Fault
from sealane.products.codes import imo_fault, locode_fault, mmsi_fault, terminal_fault
from sealane.products.dataset import Dataset, JoinKeys
from sealane.products.shapes import (
    Group,
    Leaf,
    boolean,
    code,
    integer,
    leaf_names,
    moment,
    number,
    one_of,
    read_time,
    text,
    walk,
)

Read = Callable[[Mapping[str, Any], str, list[Fault], dt.datetime], tuple[Record, JoinKeys] | None]
POLLUTANTS: Final = ("co2", "ch4", "n2o", "co2e", "nox", "so2", "pm10", "pm25", "dpm", "hc", "co", "bc")
ENERGY_CARRIERS: Final = (
    "battery_electric",
    "hydrogen_fuel_cell",
    "hydrogen_combustion",
    "grid_electric",
    "methanol",
    "ammonia",
    "diesel",
    "other",
)
_KEY = r"[A-Za-z0-9][A-Za-z0-9._:@/-]*"


def _key(most: int, meaning: str) -> Leaf:
    form = "letters, digits and . _ : @ / -, beginning with a letter or digit"
    return text(most, pattern=_KEY, form=form, meaning=meaning)


_PORT = code(locode_fault, "UN/LOCODE", meaning="port the row is about")
_TERMINAL = code(terminal_fault, "terminal code", meaning="SMDG terminal code")
_SIMULATED = boolean("true: made by a simulation, no observation")
_PUBLISHED = moment("when the holder released this revision")
_PERIOD = {"period_start": moment("begin, included"), "period_end": moment("end, not included")}

EMISSION_RESULT: Final = Group(
    {
        "result_id": _key(180, "id of the row, stable over revisions"),
        "kind": one_of("inventory", "corridor", meaning="result of a port's inventory or of a corridor"),
        "port": _PORT,
        "corridor": _key(60, "corridor, for results of kind corridor"),
        "call_id": _key(60, "port call, as in calls.parquet"),
        "vessel_imo": code(imo_fault, "IMO number", meaning="vessel"),
        "vessel_mmsi": code(mmsi_fault, "MMSI", meaning="vessel"),
        "ship_class": text(60, meaning="ship type of the method"),
        **_PERIOD,
        "mode": one_of("transit", "manoeuvring", "anchorage", "berth", "drift", meaning="mode of operation"),
        "source": one_of("main", "auxiliary", "boiler", "shore_power", meaning="what emits"),
        "zone": text(120, meaning="most particular zone the ship was in"),
        "pollutant": one_of(
            *["co2", "ch4", "n2o", "co2e", "nox", "so2", "pm10", "pm25", "dpm", "hc", "co", "bc"], meaning="pollutant"
        ),
        "mass_g": number(0, unit="g", meaning="mass emitted"),
        "basis": one_of("ttw", "wtw", meaning="tank-to-wake or well-to-wake"),
        "grade": one_of("A", "B", "C", "D", meaning="worst grade among inputs and factors"),
        "method": text(200, meaning="method and edition"),
        "published_at": _PUBLISHED,
        "simulated": _SIMULATED,
    },
    required=("result_id", "kind", "period_start", "period_end", "pollutant", "mass_g", "basis"),
    closed=True,
)

ENVIRONMENT_OBSERVATION: Final = Group(
    {
        "observation_id": _key(180, "id of the observation, stable over revisions"),
        "station_id": _key(60, "measuring station"),
        "station_name": text(120, meaning="name of the station"),
        "port": _PORT,
        "terminal": _TERMINAL,
        "latitude_deg": number(-90, 90, unit="deg", meaning="WGS 84, north positive"),
        "longitude_deg": number(-180, 180, unit="deg", meaning="WGS 84, east positive"),
        "medium": one_of("air", "water", "sediment", "soil", "noise", "habitat", "weather", meaning="what is observed"),
        "parameter": text(80, meaning="observed property, e.g. PM2.5, dissolved oxygen, eelgrass area"),
        "unit": text(30, meaning="unit of value, UCUM code"),
        "time": moment("time of the observation, or begin of its averaging period"),
        "period_end": moment("end of the averaging period, not included"),
        "value": number(meaning="observed value in unit"),
        "below_detection_limit": boolean("true: value is the detection limit, the true value lies below"),
        "method": text(200, meaning="method of measurement"),
        "quality": one_of("raw", "provisional", "validated", meaning="state of its checks"),
        "published_at": _PUBLISHED,
        "simulated": _SIMULATED,
    },
    required=("observation_id", "station_id", "medium", "parameter", "unit", "time", "value", "quality"),
    closed=True,
)

TRIAL_RESULT: Final = Group(
    {
        "result_id": _key(180, "id of the row, stable over revisions"),
        "trial_id": _key(60, "trial"),
        "port": _PORT,
        "terminal": _TERMINAL,
        "equipment_kind": text(80, meaning="e.g. yard tractor, top handler, drayage truck, harbour craft"),
        "equipment_id": _key(60, "one piece of equipment"),
        "energy_carrier": one_of(
            *[
                "battery_electric",
                "hydrogen_fuel_cell",
                "hydrogen_combustion",
                "grid_electric",
                "methanol",
                "ammonia",
                "diesel",
                "other",
            ],
            meaning="what it runs on; diesel for the baseline",
        ),
        **_PERIOD,
        "energy_kwh": number(0, unit="kWh", meaning="energy taken up"),
        "fuel_kg": number(0, unit="kg", meaning="fuel taken up"),
        "operating_h": number(0, unit="h", meaning="hours at work"),
        "scheduled_h": number(0, unit="h", meaning="hours it was meant to be at work"),
        "available_h": number(0, unit="h", meaning="hours of these it was fit to work"),
        "charging_h": number(0, unit="h", meaning="hours charging or refuelling"),
        "moves": integer(meaning="containers moved"),
        "distance_km": number(0, unit="km", meaning="distance driven"),
        "faults": integer(meaning="faults that stopped it"),
        "note": text(2000, meaning="what a reader should know"),
        "published_at": _PUBLISHED,
        "simulated": _SIMULATED,
    },
    required=("result_id", "trial_id", "equipment_kind", "energy_carrier", "period_start", "period_end"),
    closed=True,
)

DOCUMENT_TOPICS: Final = (
    "port_infrastructure",
    "commercial_facilities",
    "port_operation",
    "trade",
    "service",
    "workforce",
    "cybersecurity",
    "environment",
    "best_practice",
)
DOCUMENT: Final = Group(
    {
        "recordID": text(200, meaning="id of the row: document, version and how it is shared"),
        "documentID": text(120, meaning="document, the same for all its versions"),
        "version": integer(1, meaning="counts from 1"),
        "title": text(300, meaning="title"),
        "topic": one_of(*DOCUMENT_TOPICS, meaning="subject"),
        "mediaType": text(100, pattern=r"[a-z]+/[A-Za-z0-9.+-]+", form="a media type, e.g. application/pdf"),
        "language": text(35, pattern=r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", form="a language tag (BCP 47), e.g. en"),
        "fileName": text(200, pattern=r"[^/\\]+", form="a file name without folders"),
        "sizeBytes": integer(0, 2**53 - 1, meaning="size of the file in bytes"),
        "sha256": text(64, pattern="[0-9a-f]{64}", form="64 hexadecimal digits"),
        "addedDateTime": moment("when this version was added"),
        "content": text(400, pattern=r"/[^\s]*", form="a path on the holder's node where the file is fetched"),
    },
    required=("recordID", "documentID", "version", "title", "topic", "mediaType", "fileName", "sizeBytes", "sha256"),
    closed=True,
)


def _reader(dataset: str, shape: Group, key: str, time: str | None, known: str) -> Read:
    def read(
        payload: Mapping[str, Any], path: str, faults: list[Fault], now: dt.datetime
    ) -> tuple[Record, JoinKeys] | None:
        before = len(faults)
        walk(shape, payload, path, faults)
        if len(faults) == before:
            _check_order(payload, path, faults)
        if len(faults) > before:
            return None
        published = payload.get(known)
        record = Record(
            dataset=dataset,
            id=payload[key],
            occurred_at=read_time(payload[time]) if time else None,
            known_at=(read_time(published) if published else None) or now,
            port=payload.get("port"),
            terminal=payload.get("terminal"),
            vessel_imo=payload.get("vessel_imo"),
            body=payload,
        )
        return record, JoinKeys()

    return read


def _check_order(payload: Mapping[str, Any], path: str, faults: list[Fault]) -> None:
    """Check what one value demands of another."""
    begin, end = payload.get("period_start", payload.get("time")), payload.get("period_end")
    if begin and end:
        first, last = read_time(begin), read_time(end)
        if first is not None and last is not None and first >= last:
            faults.append(Fault(f"{path}.period_end", f"{end}, not after {begin}", "Give an end after the begin."))
    if payload.get("kind") == "corridor" and "corridor" not in payload:
        faults.append(Fault(f"{path}.corridor", "is missing", "A result of kind corridor names its corridor."))
    if payload.get("kind") == "inventory" and "port" not in payload:
        faults.append(Fault(f"{path}.port", "is missing", "A result of kind inventory names its port."))
    if payload.get("available_h", 0) > payload.get("scheduled_h", float("inf")):
        remedy = "Hours available are counted within the hours scheduled."
        faults.append(Fault(f"{path}.available_h", f"{payload['available_h']}, more than scheduled_h", remedy))


def _dataset(
    id_: str,
    title: str,
    description: str,
    shape: Group,
    key: str,
    time: str | None,
    also: tuple[str, ...],
    known: str = "published_at",
) -> Dataset:
    return Dataset(
        id=id_,
        title=title,
        description=description,
        standard="Sealane 1, no published standard",
        media_type="application/json",
        fields=tuple(leaf_names(shape)),
        required=(*shape.required, *also),
        read=_reader(id_, shape, key, time, known),
    )


EMISSION_RESULTS: Final = _dataset(
    "emission-results",
    "Emission results",
    "Masses of pollutants from a port's inventory or a corridor, by vessel, call, mode, source and zone.",
    EMISSION_RESULT,
    "result_id",
    "period_start",
    ("published_at", "simulated", "port", "corridor"),
)
ENVIRONMENT_OBSERVATIONS: Final = _dataset(
    "environment-observations",
    "Environmental observations",
    "Measurements of air, water, sediment, soil, noise, habitat and weather in and around a port.",
    ENVIRONMENT_OBSERVATION,
    "observation_id",
    "time",
    ("published_at", "simulated", "below_detection_limit"),
)
TRIAL_RESULTS: Final = _dataset(
    "trial-results",
    "Trial results",
    "Energy, hours, availability and work of zero-emission equipment on trial, and of its baseline.",
    TRIAL_RESULT,
    "result_id",
    "period_start",
    ("published_at", "simulated"),
)
DOCUMENTS: Final = _dataset(
    "documents",
    "Documents",
    "Metadata of infrastructure plans, best practice and training material; the files themselves lie beside.",
    DOCUMENT,
    "recordID",
    None,
    ("addedDateTime",),
    "addedDateTime",
)
