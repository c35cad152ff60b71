"""The columns of every table of an arrival study. The reference documentation is generated from here."""

from __future__ import annotations

import pyarrow as pa

from sealane.inventory.schemas import Column, TableSpec

_TIME = pa.timestamp("us", tz="UTC")
_S, _F, _I, _B = pa.string(), pa.float64(), pa.int32(), pa.bool_()

_CALL_ID = Column(_S, "", "port call")
_NOTICE = Column(_S, "h", "hours of notice before arrival, or voyage for the whole passage")
_POLICY = Column(_S, "", "fcfs: first come, first served; slot: the berth is booked at the point of notice")

APPROACHES = TableSpec(
    "approaches.parquet",
    "one call of the port that can be judged: how the ship came, and how long it waited",
    {
        "call_id": _CALL_ID,
        "imo": Column(_I, "IMO number", "null where unknown"),
        "mmsi": Column(_I, "MMSI", "null where unknown"),
        "ship_name": Column(_S, "", "name of the ship"),
        "carrier": Column(_S, "", "who operates the ship; null where unknown"),
        "ship_class": Column(_S, "", "class as in EPA Table E.1"),
        "subtype": Column(_S, "", "size class"),
        "terminal": Column(_S, "", "terminal; null where unknown"),
        "from_port": Column(_S, "UN/LOCODE", "port called before; null where the calls do not show it"),
        "left": Column(_TIME, "UTC", "departure from that port"),
        "arrival": Column(_TIME, "UTC", "arrival at the port limit"),
        "berth_start": Column(_TIME, "UTC", "first all fast; null where unknown"),
        "distance_nm": Column(_F, "nm", "length of the passage; null where the port before is not known"),
        "distance_source": Column(_S, "", "sailed, route, or none"),
        "sailing_h": Column(_F, "h", "time under way of the passage"),
        "speed_kn": Column(_F, "kn", "mean speed of the passage, or the usual speed of the class"),
        "speed_source": Column(_S, "", "passage, or class (EPA transit speed ratio, where the passage is not known)"),
        "wait_h": Column(_F, "h", "hours at anchor before the berth"),
        "berth_h": Column(_F, "h", "hours at berth; null where unknown"),
        "min_speed_kn": Column(_F, "kn", "slowest speed asked of the ship"),
        "eca_nm": Column(_F, "nm", "part of the passage inside an emission control area"),
        "voyage_fuel_t": Column(_F, "t", "fuel of the passage and the waiting as they were; null without a passage"),
        "grade": Column(_S, "A-D", "worst grade among the ship's inputs and factors"),
        "simulated": Column(_B, "", "the call is SIMULATED"),
    },
    ("arrival", "call_id"),
)

SAVINGS = TableSpec(
    "savings.parquet",
    "what notice of the berth's time would have saved one call",
    {
        "call_id": _CALL_ID,
        "notice": _NOTICE,
        "remaining_nm": Column(_F, "nm", "way still to go at the point of notice"),
        "remaining_h": Column(_F, "h", "time still to go at the observed speed"),
        "speed_kn": Column(_F, "kn", "speed without notice"),
        "new_speed_kn": Column(_F, "kn", "speed with notice"),
        "absorbed_h": Column(_F, "h", "waiting that became sailing time"),
        "left_wait_h": Column(_F, "h", "waiting that is left"),
        "bound": Column(
            _S, "", "what ended the slowing: none, no_wait, minimum_speed, below_minimum (the ship was slower already)"
        ),
        "main_saved_kwh": Column(_F, "kWh", "work of the main engine saved"),
        "aux_saved_kwh": Column(_F, "kWh", "work of the auxiliary engines saved; below zero where it grows"),
        "boiler_saved_kwh": Column(_F, "kWh", "work of the boilers saved; below zero where it grows"),
        "net_saved_kwh": Column(_F, "kWh", "all work saved"),
        "gross_saved_kwh": Column(_F, "kWh", "what is usually quoted, see docs/method/arrival.md; never below net"),
        "net_saved_fuel_t": Column(_F, "t", "fuel saved"),
        "gross_saved_fuel_t": Column(_F, "t", "fuel saved, gross"),
        "net_saved_pct": Column(_F, "%", "fuel saved of the voyage's, waiting included; null without a passage"),
        "cubic_pct": Column(_F, "%", "the same by the cubic law alone, without minimum speed, hotel load and waiting"),
    },
    ("call_id", "notice"),
)

EMISSIONS = TableSpec(
    "emissions.parquet",
    "one pollutant of the remaining passage and the waiting of one call, without and with notice",
    {
        "call_id": _CALL_ID,
        "notice": _NOTICE,
        "pollutant": Column(_S, "", "co2e, nox, so2, pm25 and the like"),
        "basis": Column(_S, "", "ttw (tank-to-wake) or wtw (well-to-wake, CO2e only)"),
        "before_g": Column(_F, "g", "mass emitted without notice"),
        "after_g": Column(_F, "g", "mass emitted with notice"),
        "net_saved_g": Column(_F, "g", "difference; below zero where it grows"),
        "gross_saved_g": Column(_F, "g", "gross saving; never below net"),
    },
    ("call_id", "notice", "basis", "pollutant"),
)

SUMMARY = TableSpec(
    "summary.parquet",
    "the sum over all calls, by notice and quantity",
    {
        "notice": _NOTICE,
        "quantity": Column(_S, "", "energy, fuel, wtw_co2e, ttw_co2e, nox, so2, pm25 or waiting"),
        "unit": Column(_S, "", "kWh, t or h"),
        "before": Column(_F, "unit", "remaining passage and waiting without notice"),
        "after": Column(_F, "unit", "the same with notice"),
        "net_saved": Column(_F, "unit", "before less after"),
        "gross_saved": Column(_F, "unit", "gross saving; null for waiting"),
        "calls": Column(_I, "", "calls in the sum"),
    },
    ("notice", "quantity"),
)

QUEUE = TableSpec(
    "queue.parquet",
    "one call in the replay of the queue under one policy",
    {
        "call_id": _CALL_ID,
        "policy": _POLICY,
        "terminal": Column(_S, "", "queue the call stood in: terminal, ship class where none is told, or whole port"),
        "carrier": Column(_S, "", "who operates the ship; null where unknown"),
        "booked": Column(_TIME, "UTC", "when its place in the queue was decided"),
        "ready": Column(_TIME, "UTC", "when it could have been at its berth at its own speed"),
        "berth_start": Column(_TIME, "UTC", "all fast in the replay"),
        "berth_end": Column(_TIME, "UTC", "end of the stay at berth in the replay"),
        "delay_h": Column(_F, "h", "from ready to all fast"),
        "slow_h": Column(_F, "h", "part of it spent sailing slower"),
        "anchorage_h": Column(_F, "h", "part of it spent at anchor"),
        "order": Column(_I, "", "place in the order of berthing of its queue, from 1"),
        "speed_kn": Column(_F, "kn", "speed of the last stretch"),
        "fuel_t": Column(_F, "t", "fuel of the last stretch and the waiting"),
        "wtw_co2e_g": Column(_F, "g", "well-to-wake CO2e of the same"),
        "nox_g": Column(_F, "g", "NOx of the same"),
        "so2_g": Column(_F, "g", "SO2 of the same"),
        "pm25_g": Column(_F, "g", "PM2.5 of the same"),
    },
    ("policy", "terminal", "berth_start", "call_id"),
)

FAIRNESS = TableSpec(
    "fairness.parquet",
    "how the delay is spread under one policy, over all ships or those of one carrier",
    {
        "policy": _POLICY,
        "carrier": Column(_S, "", "null: all ships"),
        "calls": Column(_I, "", "calls"),
        "mean_delay_h": Column(_F, "h", "mean delay"),
        "median_delay_h": Column(_F, "h", "median delay"),
        "p90_delay_h": Column(_F, "h", "90th percentile of the delay"),
        "max_delay_h": Column(_F, "h", "longest delay"),
        "gini": Column(_F, "0-1", "Gini coefficient of the delays; 0: all wait the same; null where none waits"),
        "overtaken": Column(_I, "", "calls that a ship ready later came before at the same queue"),
        "inversions": Column(_I, "", "pairs served against the order of being ready; all ships only"),
        "inversion_share": Column(_F, "0-1", "inversions by pairs of the same queue; all ships only"),
    },
    ("policy", "carrier"),
)

OCCUPANCY = TableSpec(
    "occupancy.parquet",
    "ships at anchor and at berth at the full hour, as observed or replayed",
    {
        "hour": Column(_TIME, "UTC", "full hour"),
        "policy": Column(_S, "", "observed, fcfs or slot"),
        "at_anchor": Column(_I, "ships", "at anchor"),
        "at_berth": Column(_I, "ships", "at berth"),
    },
    ("policy", "hour"),
)

PUBLISHED = TableSpec(
    "published.parquet",
    "the mean saving of a published study of container ships beside ours",
    {
        "notice": _NOTICE,
        "published_pct": Column(_F, "%", "mean fuel saving per voyage, IMO GreenVoyage2050 study, AIS of 2019"),
        "all_pct": Column(_F, "%", "ours: mean over all container voyages, those that did not wait included"),
        "waiting_pct": Column(_F, "%", "ours: mean over those that waited"),
        "cubic_pct": Column(_F, "%", "ours by the cubic law alone, mean over all"),
        "voyages": Column(_I, "", "container voyages"),
        "waited": Column(_I, "", "of them waited"),
        "explanation": Column(_S, "", "why ours differs"),
    },
    ("notice",),
)

LEFT_OUT = TableSpec(
    "left_out.parquet",
    "one call of the port that could not be judged, and why",
    {"call_id": _CALL_ID, "reason": Column(_S, "", "what is missing, and what to give")},
    ("call_id",),
)

TABLES: dict[str, TableSpec] = {
    "approaches": APPROACHES,
    "savings": SAVINGS,
    "emissions": EMISSIONS,
    "summary": SUMMARY,
    "queue": QUEUE,
    "fairness": FAIRNESS,
    "occupancy": OCCUPANCY,
    "published": PUBLISHED,
    "left_out": LEFT_OUT,
}
