"""The columns of every table that ``sealane lane`` writes. The reference documentation is generated from here.

``lane.json`` beside them holds the summary: document, attribution rules side by side, quality, targets, provenance.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from sealane.inventory.schemas import Column, TableSpec

_TIME = pa.timestamp("us", tz="UTC")
_F = pa.float64()
_S = pa.string()
_I = pa.int32()

RULES = ("direct", "rotation", "cargo")
"""Attribution rules, see docs/method/lanes.md."""

PARTS = ("sea", "anchorage", "berth", "manoeuvring", "drift")
"""What a ship does: at sea between two calls, or one of the modes inside a call."""

PLACES = ("sea", "end_a", "end_b", "between")
"""Where: at sea, at one of the corridor's ends, or at a port between them."""

AREAS = ("north_american", "us_caribbean", "north_sea", "baltic")
"""Emission control areas a leg is divided by, as table ``eca_date`` names them."""

POLLUTANTS = ("ttw_co2e_g", "wtw_co2e_g", "nox_g", "so2_g", "pm10_g", "pm25_g")

_SHIP = {
    "ship": Column(pa.int64(), "", "IMO number, else MMSI"),
    "imo": Column(_I, "IMO number", "null where unknown"),
    "mmsi": Column(_I, "MMSI", "null where unknown"),
    "ship_name": Column(_S, "", "as told; SIMULATED ships begin so"),
    "ship_class": Column(_S, "", "EPA ship type; null where nobody told it"),
    "subtype": Column(_S, "", "EPA size class"),
}
_SHARES = {
    "share_direct": Column(_F, "fraction", "share of the lane by rule direct"),
    "share_rotation": Column(_F, "fraction", "share of the lane by rule rotation"),
    "share_cargo": Column(_F, "fraction", "share of the lane by rule cargo; null where the cargo is not known"),
    "share": Column(_F, "fraction", "share by the rule the document names"),
}
_ENERGY = {
    "main_kwh": Column(_F, "kWh", "work of the main engine, the whole leg or stay, not the share"),
    "aux_kwh": Column(_F, "kWh", "work of the auxiliary engines"),
    "boiler_kwh": Column(_F, "kWh", "work of the boilers"),
    "shore_kwh": Column(_F, "kWh", "electricity taken from shore"),
    "fuel_t": Column(_F, "t", "fuel burnt, all fuels"),
    "energy_mj": Column(_F, "MJ", "lower heating value of that fuel"),
    "ttw_co2e_g": Column(_F, "g", "tank-to-wake CO2e, the whole leg or stay, not the share"),
    "wtw_co2e_g": Column(_F, "g", "well-to-wake CO2e, electricity from shore included where its intensity is known"),
    "nox_g": Column(_F, "g", "NOx"),
    "so2_g": Column(_F, "g", "SO2"),
    "pm10_g": Column(_F, "g", "PM10"),
    "pm25_g": Column(_F, "g", "PM2.5"),
    "grade": Column(_S, "A-D", "worst grade among the inputs and factors behind well-to-wake CO2e; null: not priced"),
}

LEGS = TableSpec(
    "legs.parquet",
    "one leg of a ship between two calls, of every leg that any rule counts to the lane",
    {
        "leg_id": Column(_S, "", "name of the leg: its two calls"),
        **_SHIP,
        "carrier": Column(_S, "", "as told with the call left"),
        "from_call_id": Column(_S, "", "call left"),
        "to_call_id": Column(_S, "", "call reached"),
        "from_port": Column(_S, "UN/LOCODE", "port left"),
        "to_port": Column(_S, "UN/LOCODE", "port reached"),
        "from_end": Column(_S, "", "a or b where the port left belongs to an end of the corridor, else ''"),
        "to_end": Column(_S, "", "the same for the port reached"),
        "pass_id": Column(_S, "", "pass from one end to the other the leg is part of; null outside every pass"),
        "direction": Column(_S, "", "a_to_b or b_to_a; null outside every pass"),
        "departure": Column(_TIME, "UTC", "of the call left; null where unknown"),
        "arrival": Column(_TIME, "UTC", "at the call reached; null where unknown"),
        "year": Column(_I, "year", "the leg counts to: that of its end"),
        "quarter": Column(_I, "1-4", "the leg counts to"),
        "hours": Column(_F, "h", "between departure and arrival; null where one is unknown or no time lies between"),
        "distance_nm": Column(_F, "nm", "length of the leg; null where it cannot be told"),
        "distance_source": Column(_S, "", "observed, part_observed, logged, route or unknown"),
        "observed_share": Column(_F, "fraction", "part of the distance that was observed or logged"),
        "route_nm": Column(_F, "nm", "shortest feasible distance over water; null where a port is not known"),
        "eca_nm": Column(_F, "nm", "part of the distance inside emission control areas"),
        **{f"eca_{area}_nm": Column(_F, "nm", f"part of it inside the area {area}") for area in AREAS},
        "speed_kn": Column(_F, "kn", "distance over hours"),
        "flags": Column(_S, "", "what is doubtful, joined by blanks; see docs/method/lanes.md"),
        **_SHARES,
        "onboard_teu": Column(_F, "TEU", "on board; null where unknown"),
        "onboard_t": Column(_F, "t", "on board; null where unknown"),
        "lane_teu": Column(_F, "TEU", "of it bound from one end of the corridor to the other"),
        "lane_t": Column(_F, "t", "of it bound from one end of the corridor to the other"),
        "cargo_basis": Column(_S, "", "told, mixed (worked out from loads and discharges) or null"),
        **_ENERGY,
    },
    ("ship", "arrival", "leg_id"),
)

STAYS = TableSpec(
    "stays.parquet",
    "the hours of one call in one mode, of every call that any rule counts to the lane",
    {
        "call_id": Column(_S, "", "port call"),
        **_SHIP,
        "port": Column(_S, "UN/LOCODE", "port of call"),
        "end": Column(_S, "", "a or b where the port belongs to an end of the corridor, else ''"),
        "place": Column(_S, "", "end_a, end_b or between"),
        "mode": Column(_S, "", "anchorage, berth, manoeuvring or drift"),
        "arrival": Column(_TIME, "UTC", "of the call"),
        "departure": Column(_TIME, "UTC", "of the call"),
        "hours": Column(_F, "h", "in this mode"),
        "hours_source": Column(_S, "", "told, from_times (berth or anchor times), part_filled or filled"),
        "shore_power_h": Column(_F, "h", "of it connected to shore power"),
        "inside_eca": Column(pa.bool_(), "", "the port lies in an emission control area"),
        **_SHARES,
        **_ENERGY,
    },
    ("ship", "arrival", "call_id", "mode"),
)

PASSES = TableSpec(
    "passes.parquet",
    "one pass of a ship from one end of the corridor to the other",
    {
        "pass_id": Column(_S, "", "name of the pass: the call it begins with and the call it ends with"),
        **_SHIP,
        "direction": Column(_S, "", "a_to_b or b_to_a"),
        "from_port": Column(_S, "UN/LOCODE", "last port at the end left"),
        "to_port": Column(_S, "UN/LOCODE", "first port at the end reached"),
        "ports": Column(_S, "", "ports in their order, joined by >"),
        "begin": Column(_TIME, "UTC", "departure from the end left"),
        "end": Column(_TIME, "UTC", "arrival at the end reached"),
        "year": Column(_I, "year", "the pass counts to"),
        "legs": Column(_I, "", "legs from end to end"),
        "direct": Column(pa.bool_(), "", "one leg, no call between"),
        "too_long": Column(pa.bool_(), "", "longer than the document's longest_pass_days: counted by no rule"),
        "hours": Column(_F, "h", "from begin to end"),
        "distance_nm": Column(_F, "nm", "sum over its legs; null where one is unknown"),
        "route_nm": Column(_F, "nm", "shortest feasible distance between the two ports, without the calls between"),
        "lane_teu": Column(_F, "TEU", "carried from end to end; null where unknown"),
        "lane_t": Column(_F, "t", "carried from end to end; null where unknown"),
        "energy_mj": Column(_F, "MJ", "fuel energy of its legs at sea"),
        "wtw_co2e_g": Column(_F, "g", "well-to-wake CO2e of its legs at sea"),
    },
    ("ship", "begin", "pass_id"),
)

TOTALS = TableSpec(
    "totals.parquet",
    "the lane's share by rule, time, ship class, part, place and fuel: what every total is the sum of",
    {
        "rule": Column(_S, "", "direct, rotation or cargo"),
        "year": Column(_I, "year", "the figures count to"),
        "quarter": Column(_I, "1-4", "the figures count to"),
        "ship_class": Column(_S, "", "EPA ship type"),
        "part": Column(_S, "", "sea, anchorage, berth, manoeuvring or drift"),
        "place": Column(_S, "", "sea, end_a, end_b or between"),
        "fuel": Column(_S, "", "fuel burnt, electricity from shore, or the same of unknown intensity"),
        "fuel_t": Column(_F, "t", "fuel burnt; 0 for electricity"),
        "energy_mj": Column(_F, "MJ", "lower heating value of the fuel, or electricity"),
        **{name: Column(_F, "g", name.removesuffix("_g").replace("_", " ")) for name in POLLUTANTS},
    },
    ("rule", "year", "quarter", "ship_class", "part", "place", "fuel"),
)

PARTICULARS = TableSpec(
    "particulars.parquet",
    "one value of one ship's particulars",
    {
        "ship": Column(pa.int64(), "", "IMO number, else MMSI"),
        "field": Column(_S, "", "name of the value, as in docs/reference/vessels.md"),
        "value": Column(_S, "", "the value as text"),
        "origin": Column(_S, "", "user file, AIS static, class default or assumption"),
        "grade": Column(_S, "A-D", "of the value"),
        "source": Column(_S, "", "file, row or publication"),
    },
    ("ship", "field"),
)

SHIPS = TableSpec(
    "ships.parquet",
    "one ship of the lane",
    {
        **_SHIP,
        "carrier": Column(_S, "", "as told with its last call"),
        "particulars": Column(_S, "", "where its particulars come from: user file, own AIS, class default or none"),
        "grade": Column(_S, "A-D", "worst grade among its particulars; null without any"),
        "legs": Column(_I, "", "legs that any rule counts"),
        "passes": Column(_I, "", "passes from end to end"),
        "direct_passes": Column(_I, "", "of these without a call between"),
        "distance_nm": Column(_F, "nm", "of these legs"),
        "observed_share": Column(_F, "fraction", "part of it that was observed or logged"),
        **{
            f"{rule}_{name}": Column(_F, unit, f"{meaning}, the lane's share by rule {rule}")
            for rule in RULES
            for name, unit, meaning in (
                ("energy_mj", "MJ", "fuel energy"),
                ("ttw_co2e_g", "g", "tank-to-wake CO2e"),
                ("wtw_co2e_g", "g", "well-to-wake CO2e"),
            )
        },
    },
    ("ship",),
)

TREND = TableSpec(
    "trend.parquet",
    "the lane in one year or quarter by one rule",
    {
        "rule": Column(_S, "", "direct, rotation or cargo"),
        "period": Column(_S, "", "2026 or 2026-Q1"),
        "year": Column(_I, "year", "of the period"),
        "quarter": Column(_I, "1-4", "of the period; 0 for the whole year"),
        "passes": Column(_I, "", "from end to end"),
        "direct_passes": Column(_I, "", "of these without a call between"),
        "legs": Column(_I, "", "that the rule counts"),
        "ships": Column(_I, "", "on these legs"),
        "distance_nm": Column(_F, "nm", "share times distance"),
        "energy_mj": Column(_F, "MJ", "fuel energy"),
        **{name: Column(_F, "g", name.removesuffix("_g").replace("_", " ")) for name in POLLUTANTS},
        "cargo_teu": Column(_F, "TEU", "carried from end to end, as far as known; null: none known"),
        "cargo_t": Column(_F, "t", "carried from end to end, as far as known; null: none known"),
        "transport_t_km": Column(
            _F, "t km", "transport activity over the shortest feasible distance (ISO 14083); null: cargo not known"
        ),
        "transport_teu_km": Column(_F, "TEU km", "the same in TEU"),
        "wtw_g_per_mj": Column(_F, "g/MJ", "well-to-wake CO2e over fuel energy"),
        "wtw_g_per_t_km": Column(
            _F,
            "g/(t km)",
            "well-to-wake CO2e by rule cargo of the passes whose cargo is known, over their transport activity; null "
            "for the other rules",
        ),
        "wtw_g_per_teu_km": Column(_F, "g/(TEU km)", "the same per TEU km"),
        "wtw_kg_per_teu": Column(_F, "kg/TEU", "the same per TEU carried from end to end"),
        "observed_share": Column(_F, "fraction", "share of energy that rests on observed or logged activity"),
    },
    ("rule", "year", "quarter"),
)

TARGETS = TableSpec(
    "targets.parquet",
    "one target of the document beside what the lane did",
    {
        "target": Column(_S, "", "id of the target"),
        "year": Column(_I, "year", "the target is due"),
        "metric": Column(_S, "", "what is measured, see docs/reference/corridor-documents.md"),
        "unit": Column(_S, "", "of value and actual"),
        "value": Column(_F, "", "the target, worked out against the baseline where it is relative"),
        "baseline_year": Column(_I, "year", "null for an absolute target"),
        "baseline": Column(_F, "", "figure of the baseline year; null where the data do not hold it"),
        "latest_year": Column(_I, "year", "last year the data hold"),
        "actual": Column(_F, "", "figure of that year"),
        "gap": Column(_F, "", "actual less value: what is still to be cut; null where one is unknown"),
        "state": Column(_S, "", "met, not yet, missed, or unknown with the reason"),
        "source": Column(_S, "", "who published the target"),
    },
    ("year", "target"),
)

TABLES: Mapping[str, TableSpec] = {
    "legs": LEGS,
    "stays": STAYS,
    "passes": PASSES,
    "totals": TOTALS,
    "ships": SHIPS,
    "particulars": PARTICULARS,
    "trend": TREND,
    "targets": TARGETS,
}

FILES = (*(table.file for table in TABLES.values()), "lane.json", "report.html", "report.xlsx")
"""What a run writes, its report included."""
