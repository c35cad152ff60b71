"""The columns of the tables that ``sealane speed-zones`` writes."""

from __future__ import annotations

import pyarrow as pa

from sealane.inventory.schemas import Column, TableSpec

_TIME = pa.timestamp("us", tz="UTC")
_S, _F, _B, _I = pa.string(), pa.float64(), pa.bool_(), pa.int32()

_WHO = {
    "programme": Column(_S, "", "programme"),
    "season": Column(_S, "", "season, or always"),
    "zone": Column(_S, "", "zone the passage lies in"),
    "mmsi": Column(_I, "MMSI", "Maritime Mobile Service Identity"),
    "imo": Column(_I, "IMO number", "null where none is known"),
    "ship_name": Column(_S, "", "name of the ship; SIMULATED ships begin so"),
    "ship_class": Column(_S, "", "class as in EPA Table E.1"),
    "subtype": Column(_S, "", "size class as in EPA Table E.1"),
}


def _kwh_and_grams(what: str, meaning: str) -> dict[str, Column]:
    columns = {}
    for sort, words in (
        ("gross", "of the main engine alone"),
        ("net", "longer running of all other engines taken off"),
    ):
        columns[f"{what}_{sort}_kwh"] = Column(_F, "kWh", f"{meaning}, {words}")
        for name in ("wtw_co2e", "nox", "pm25", "so2"):
            columns[f"{what}_{sort}_{name}_g"] = Column(_F, "g", f"{name} {meaning}, {words}")
    return columns


_SUMS = {
    "hours": Column(_F, "h", "time under way inside the zone"),
    "distance_nm": Column(_F, "nm", "speed over ground times time"),
    "mean_speed_kn": Column(_F, "kn", "distance over time"),
    "max_speed_kn": Column(_F, "kn", "highest speed between two reports"),
    "cap_kn": Column(_F, "kn", "highest speed the programme asks for"),
    "share_within_cap": Column(_F, "fraction", "share of the miles at the cap or slower"),
}
_PRICED = {
    "main_kwh": Column(_F, "kWh", "work of the main engine"),
    "hotel_kwh": Column(_F, "kWh", "work of auxiliary engines and boilers"),
    **{
        f"{name}_g": Column(_F, "g", f"mass of {name}; null where a factor is not published")
        for name in ("wtw_co2e", "nox", "pm25", "so2")
    },
    "possible_h": Column(_F, "h", "longer time, had the miles above the cap been sailed at it"),
    **_kwh_and_grams("possible", "saved, had the miles above the cap been sailed at it"),
    "saved_h": Column(_F, "h", "longer time than at the usual transit speed of the class"),
    **_kwh_and_grams("saved", "saved against the usual transit speed of the class"),
}

PASSAGES = TableSpec(
    "speed_zone_passages.parquet",
    "one passage of one ship through the zone of one programme",
    {
        **_WHO,
        "start": Column(_TIME, "UTC", "first moment inside the zone and under way"),
        "end": Column(_TIME, "UTC", "last moment"),
        "direction": Column(_S, "", "arrival, departure, through, or part where the data begin or end inside"),
        **_SUMS,
        "compliant": Column(_B, "", "mean speed at most the cap"),
        "usual_speed_kn": Column(_F, "kn", "usual transit speed of the class; null where none is published"),
        **_PRICED,
        "grade": Column(_S, "A-D", "worst grade among the ship's particulars and factors"),
    },
    ("programme", "season", "mmsi", "start"),
)

SHIPS = TableSpec(
    "speed_zone_ships.parquet",
    "all passages of one ship through the zone of one programme",
    {
        **_WHO,
        "passages": Column(_I, "", "passages"),
        "compliant_passages": Column(_I, "", "passages whose mean speed was at most the cap"),
        "compliant_share": Column(_F, "fraction", "compliant passages over passages"),
        **_SUMS,
        **_PRICED,
        "grade": Column(_S, "A-D", "worst grade among the ship's particulars and factors"),
    },
    ("programme", "season", "mmsi"),
)

TABLES = {"passages": PASSAGES, "ships": SHIPS}
