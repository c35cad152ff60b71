"""The columns of every table the main job writes. The reference documentation is generated from here."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from sealane.emissions.layout import PRICED

_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, unit ('' for none) and meaning."""

    type: pa.DataType
    unit: str
    meaning: str


@dataclass(frozen=True)
class TableSpec:
    """One output table: file name, what a row is, the columns, and the columns that order and identify rows."""

    file: str
    row: str
    columns: dict[str, Column]
    key: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """The table's Arrow schema."""
        return pa.schema([(name, column.type) for name, column in self.columns.items()])


_CALL_ID = Column(pa.string(), "", "port call, made from port, MMSI and arrival; null outside every call of the port")
_MMSI = Column(pa.int32(), "MMSI", "Maritime Mobile Service Identity")
_MODE = Column(pa.string(), "", "transit, manoeuvring, anchorage, berth or drift")
_ZONE = Column(pa.string(), "", "most particular zone the ship was in; null in no zone")
_H = pa.float64()

CALLS = TableSpec(
    "calls.parquet",
    "one port call",
    {
        "call_id": _CALL_ID,
        "mmsi": _MMSI,
        "imo": Column(pa.int32(), "IMO number", "with a valid check digit; null where none is known"),
        "vessel_name": Column(pa.string(), "", "as the user gave it, else as reported"),
        "ship_class": Column(pa.string(), "", "EPA ship type; null for a vessel outside the inventory"),
        "subtype": Column(pa.string(), "", "EPA size class"),
        "port": Column(pa.string(), "UN/LOCODE", "port of call"),
        "arrival": Column(_TIME, "UTC", "first report inside the port limit; null where the arrival was not seen"),
        "departure": Column(_TIME, "UTC", "first report outside again; null where the departure was not seen"),
        "first_seen": Column(_TIME, "UTC", "first report of the call"),
        "last_seen": Column(_TIME, "UTC", "last report of the call"),
        "berth_h": Column(_H, "h", "hours at berth"),
        "anchorage_h": Column(_H, "h", "hours at anchor"),
        "manoeuvring_h": Column(_H, "h", "hours manoeuvring inside the call"),
        "transit_h": Column(_H, "h", "hours in transit inside the call"),
        "drift_h": Column(_H, "h", "hours idle outside any berth or anchorage"),
        "interpolated_h": Column(_H, "h", "part of the hours above that was filled between two reports"),
        "unobserved_h": Column(_H, "h", "hours inside the call without reports, in none of the above"),
        "berth_stops": Column(pa.int32(), "", "stops at berth"),
        "anchorage_stops": Column(pa.int32(), "", "stops at anchor"),
        "shifts": Column(pa.int32(), "", "moves from one stop to the next inside the call"),
        "gap_events": Column(pa.int32(), "", "silences longer than the gap limit inside the call"),
        "truncated": Column(
            pa.string(), "", "'start', 'end' or 'both' where the data begin or end inside the call; else ''"
        ),
        "confidence": Column(
            pa.int8(),
            "1-4",
            "4: both ends seen, stops at given zones or by status, no gap event; one less for each that fails",
        ),
    },
    ("mmsi", "first_seen"),
)

EVENTS = TableSpec(
    "events.parquet",
    "one event of a port call",
    {
        "call_id": _CALL_ID,
        "mmsi": _MMSI,
        "time": Column(_TIME, "UTC", "when the event was first seen"),
        "event": Column(
            pa.string(),
            "",
            "arrival, anchorage_start, anchorage_end, berth_start, berth_end, shift, gap_start, gap_end or departure",
        ),
        "zone": _ZONE,
    },
    ("mmsi", "time", "event"),
)

VOYAGES = TableSpec(
    "voyages.parquet",
    "one voyage of a vessel between two of its calls",
    {
        "mmsi": _MMSI,
        "from_call_id": _CALL_ID,
        "to_call_id": _CALL_ID,
        "from_port": Column(pa.string(), "UN/LOCODE", "port left"),
        "to_port": Column(pa.string(), "UN/LOCODE", "port reached"),
        "departure": Column(_TIME, "UTC", "departure from the first call"),
        "arrival": Column(_TIME, "UTC", "arrival at the second call"),
        "hours": Column(_H, "h", "between departure and arrival"),
        "unobserved_h": Column(_H, "h", "part of it without reports"),
        "distance_nm": Column(_H, "nm", "distance sailed in the observed part"),
    },
    ("mmsi", "departure"),
)

ACTIVITY = TableSpec(
    "activity.parquet",
    "one hour of one vessel in one mode, zone and evidence; every position of a vessel in the inventory counts",
    {
        "mmsi": _MMSI,
        "call_id": _CALL_ID,
        "hour": Column(_TIME, "UTC", "beginning of the hour"),
        "mode": _MODE,
        "zone": _ZONE,
        "evidence": Column(pa.string(), "", "what decided the mode: zone, learnt_zone, status, motion or interpolated"),
        "hours": Column(_H, "h", "time in this row"),
        "distance_nm": Column(_H, "nm", "speed over ground times time"),
        "main_kwh": Column(_H, "kWh", "work of the main engine"),
        "aux_kwh": Column(_H, "kWh", "work of the auxiliary engines"),
        "boiler_kwh": Column(_H, "kWh", "work of the boilers"),
        "shore_kwh": Column(_H, "kWh", "electricity taken from shore"),
    },
    ("mmsi", "hour", "call_id", "mode", "zone", "evidence"),
)

INVENTORY = TableSpec(
    "inventory.parquet",
    "the mass of one pollutant from one source of one vessel, by call, mode and zone",
    {
        "call_id": _CALL_ID,
        "mmsi": _MMSI,
        "mode": _MODE,
        "source": Column(pa.string(), "", "main, auxiliary, boiler or shore_power"),
        "zone": _ZONE,
        "pollutant": Column(pa.string(), "", "co2, ch4, n2o, co2e, nox, so2, pm10, pm25, dpm, hc, co or bc"),
        "grams": Column(_H, "g", "mass emitted"),
        "basis": Column(pa.string(), "", "ttw (tank-to-wake) or wtw (well-to-wake, CO2e only)"),
        "grade": Column(pa.string(), "A-D", "worst grade among the inputs and factors the figure rests on"),
    },
    ("mmsi", "call_id", "mode", "source", "zone", "basis", "pollutant"),
)

LINES = TableSpec(
    "load_lines.parquet",
    "hours of one vessel at one speed, draught, mode, place and fuel regime: what every figure is the sum of",
    {
        "mmsi": _MMSI,
        "call_id": _CALL_ID,
        "mode": _MODE,
        "zone": _ZONE,
        "evidence": Column(pa.string(), "", "what decided the mode"),
        "regime": Column(pa.string(), "", "fuel and engine rules by place and date"),
        "sea_margin": Column(_H, "fraction", "sea margin of the propulsion formula"),
        "shore_power": Column(pa.bool_(), "", "connected to shore power"),
        "draught_m": Column(_H, "m", "draught used; null where unknown"),
        "speed_kn": Column(_H, "kn", "speed over ground, in steps of 0.1"),
        "hours": Column(_H, "h", "time in this line"),
        "load": Column(_H, "fraction", "load of the main engine"),
        "main_kw": Column(_H, "kW", "power of the main engine"),
        "aux_kw": Column(_H, "kW", "power of the auxiliary engines"),
        "boiler_kw": Column(_H, "kW", "power of the boilers"),
        "shore_kw": Column(_H, "kW", "power taken from shore"),
    },
    (
        "mmsi",
        "call_id",
        "mode",
        "zone",
        "evidence",
        "regime",
        "shore_power",
        "sea_margin",
        "draught_m",
        "speed_kn",
    ),
)

GRID = TableSpec(
    "grid.parquet",
    "one cell of 0.01 degrees of the heat map, all vessels together, tank-to-wake",
    {
        "lat": Column(_H, "deg", "southern edge of the cell"),
        "lon": Column(_H, "deg", "western edge of the cell"),
        "hours": Column(_H, "h", "vessel hours"),
        "main_kwh": Column(_H, "kWh", "work of main engines"),
        "hotel_kwh": Column(_H, "kWh", "work of auxiliary engines and boilers"),
        **{f"{name}_g": Column(_H, "g", f"mass of {name}; null where no ship has a factor") for name in PRICED[:-1]},
    },
    ("lat", "lon"),
)

# Not among TABLES: written only where it is asked for.
TRACKS = TableSpec(
    "tracks.parquet",
    "one clean position of a ship in the inventory; only where tracks are kept (--tracks)",
    {
        "mmsi": _MMSI,
        "time": Column(_TIME, "UTC", "time of the report"),
        "lat": Column(_H, "deg", "latitude, WGS 84"),
        "lon": Column(_H, "deg", "longitude, WGS 84"),
        "speed_kn": Column(_H, "kn", "speed over ground; null where neither reported nor to be derived"),
        "speed_derived": Column(pa.bool_(), "", "the speed was worked out from positions"),
        "heading_deg": Column(pa.int16(), "deg", "true heading as reported; null where not available"),
        "nav_status": Column(pa.int8(), "AIS code", "navigational status as reported; null where not given"),
    },
    ("mmsi", "time"),
)

TABLES: dict[str, TableSpec] = {
    "calls": CALLS,
    "events": EVENTS,
    "voyages": VOYAGES,
    "activity": ACTIVITY,
    "inventory": INVENTORY,
    "load_lines": LINES,
    "grid": GRID,
}
