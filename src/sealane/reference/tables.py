"""The catalogue of shipped tables: their keys and units. The numbers themselves are in ``tables/``."""

from __future__ import annotations

import difflib

from sealane.errors import MissingFactorError
from sealane.reference.loader import FactorRow, Table, TableSpec, load_spec
from sealane.reference.table_specs import arrival, fuels, lanes, routes, rules, scenarios, speed_zones

G_KWH = ("g/kWh",)
KW = ("kW",)

_HOTEL_SIZED = ("load", "ship_type", "size_unit", "size_min", "size_max", "mode")
_SIZE = ("size_min", "size_max")

SPECS: tuple[TableSpec, ...] = (
    TableSpec(
        "method_constants",
        "single numbers that a method's equations contain",
        keys=("method", "symbol"),
        units=("1", "%", "g/g", "kn/kn"),
        minimum=-2.0,
    ),
    TableSpec(
        "sea_margin",
        "sea margin added to propulsion power",
        keys=("method", "place"),
        units=("1",),
        maximum=1.0,
    ),
    TableSpec(
        "ogv_bsfc",
        "brake specific fuel consumption of ocean-going vessels",
        keys=("engine_group", "engine", "fuel"),
        units=G_KWH,
        minimum=100.0,
        maximum=500.0,
    ),
    TableSpec(
        "ogv_nox",
        "NOx emission factors of ocean-going vessels",
        keys=("engine_group", "engine", "fuel", "tier"),
        units=G_KWH,
        maximum=30.0,
    ),
    TableSpec(
        "ogv_hc_co",
        "HC and CO emission factors of ocean-going vessels",
        keys=("pollutant", "engine_group", "engine"),
        units=G_KWH,
        maximum=5.0,
    ),
    TableSpec(
        "ogv_pm10_fixed",
        "PM10 emission factors of turbines and LNG engines",
        keys=("engine", "fuel"),
        units=G_KWH,
        maximum=5.0,
    ),
    TableSpec(
        "ogv_pm_sulphur",
        "coefficients of the PM10 equation by fuel sulphur",
        keys=("fuel", "symbol"),
        units=("g/kWh", "%", "1"),
    ),
    TableSpec(
        "ogv_ch4_n2o",
        "CH4 and N2O emission factors of ocean-going vessels",
        keys=("pollutant", "engine_group", "engine", "fuel"),
        units=G_KWH,
        maximum=10.0,
    ),
    TableSpec(
        "ogv_llaf",
        "coefficients of the low-load adjustment factor",
        keys=("pollutant", "symbol"),
        units=("g/kWh", "1"),
        minimum=-10.0,
    ),
    TableSpec(
        "ogv_fuel_mix",
        "share of each fuel burnt by engine and place",
        keys=("engine_group", "engine", "place", "fuel"),
        units=("1",),
        maximum=1.0,
    ),
    TableSpec(
        "fuel_co2",
        "CO2 per mass of fuel",
        keys=("fuel",),
        units=("g/g",),
        maximum=4.0,
    ),
    TableSpec(
        "ogv_class_defaults",
        "typical particulars by ship class and subtype",
        keys=("ship_class", "subtype", "quantity"),
        units=("kW", "kn", "m", "category"),
        texts=("engine",),
    ),
    TableSpec(
        "ogv_transit_speed_ratio",
        "transit speed as a share of maximum speed by ship class",
        keys=("ship_class",),
        units=("1",),
        maximum=1.0,
    ),
    TableSpec(
        "ship_class_size",
        "lowest size of each EPA subtype and the matching types of the other hotel-load tables",
        keys=("ship_class", "subtype"),
        texts=("imo4_type", "imo3_type", "pola_type"),
        units=("DWT", "TEU", "GT", "m3", "vehicles"),
    ),
    TableSpec(
        "hotel_load_epa",
        "auxiliary and boiler loads by ship class and mode, EPA-420-B-22-011 Tables E.1 and E.2",
        keys=("load", "ship_class", "subtype", "mode"),
        units=KW,
        maximum=50000.0,
    ),
    TableSpec(
        "hotel_load_pola2016",
        "auxiliary and boiler loads by ship type, size and mode, Port of Los Angeles 2016",
        keys=_HOTEL_SIZED,
        units=KW,
        texts=("subtype",),
        size_range=_SIZE,
        maximum=50000.0,
    ),
    TableSpec(
        "hotel_load_imo3",
        "auxiliary and boiler loads by ship type, size and mode, Third IMO GHG Study bins",
        keys=_HOTEL_SIZED,
        units=KW,
        texts=("subtype",),
        size_range=_SIZE,
        maximum=50000.0,
    ),
    TableSpec(
        "hotel_load_imo4",
        "auxiliary and boiler loads by ship type, size and mode, Fourth IMO GHG Study Table 17",
        keys=_HOTEL_SIZED,
        units=KW,
        texts=("subtype",),
        size_range=_SIZE,
        maximum=50000.0,
    ),
    TableSpec(
        "imo4_sfc",
        "baseline specific fuel consumption by engine, fuel and age, Fourth IMO GHG Study Table 19",
        keys=("engine", "fuel", "age"),
        units=G_KWH,
        minimum=100.0,
        maximum=500.0,
    ),
    TableSpec(
        "imo4_load_constants",
        "correction factors of the Fourth IMO GHG Study's load equation",
        keys=("symbol", "ship_type", "size_min", "size_max"),
        units=("1",),
        size_range=_SIZE,
        maximum=1.0,
    ),
    TableSpec(
        "imo4_fuel_properties",
        "heating value and tank-to-wake mass factors of marine fuels",
        keys=("fuel", "quantity"),
        units=("MJ/kg", "g/g"),
        maximum=150.0,
    ),
    TableSpec(
        "imo_lca_defaults",
        "well-to-wake defaults of the IMO life-cycle guidelines",
        keys=("fuel", "quantity"),
        units=("MJ/kg", "g/g", "g CO2e/MJ"),
        maximum=200.0,
    ),
    TableSpec(
        "fueleu_annex2_fossil",
        "well-to-wake defaults of FuelEU Maritime Annex II, fossil fuels",
        keys=("fuel", "consumer", "quantity"),
        units=("MJ/kg", "g/g", "g CO2e/MJ", "% of fuel mass"),
        maximum=200.0,
    ),
    TableSpec(
        "gwp100",
        "global warming potential over 100 years",
        keys=("gwp_set", "gas"),
        units=("g CO2e/g",),
        minimum=1.0,
        maximum=1000.0,
    ),
    TableSpec(
        "fuel_sulphur",
        "sulphur content of marine fuel by place and date",
        keys=("place",),
        units=("%",),
        maximum=5.0,
    ),
    TableSpec(
        "fuel_default_sulphur",
        "sulphur content taken where a fuel is named and its sulphur is not",
        keys=("fuel",),
        units=("%",),
        maximum=5.0,
    ),
    TableSpec(
        "fuel_by_place",
        "fuel burnt by diesel engines by place and date",
        keys=("place",),
        texts=("fuel", "fuel_rows"),
        has_value=False,
    ),
    TableSpec(
        "nox_tier",
        "NOx tier by year of keel laying",
        keys=("keel_year_min", "keel_year_max"),
        units=("tier",),
        size_range=("keel_year_min", "keel_year_max"),
        maximum=3.0,
    ),
    TableSpec(
        "nox_area",
        "first keel year to which NOx Tier III applies, by emission control area",
        keys=("area",),
        units=("year",),
        minimum=2000.0,
        maximum=2100.0,
    ),
    TableSpec(
        "eca_date",
        "date from which an emission control area binds ships, SOx limits",
        keys=("area",),
        has_value=False,
    ),
    TableSpec(
        "ship_type_map",
        "registry ship type to the ship types of the hotel-load tables",
        keys=("registry_ship_type",),
        texts=("imo_ship_type", "starcrest_ship_type"),
        has_value=False,
    ),
    # The next five belong to other rooms, which read them too; here they are listed for `sealane factors`.
    TableSpec(
        "ais_type_to_class",
        "AIS type and size to ship class, our assumption",
        keys=("ais_type_from", "ais_type_to", "length_from_m", "length_to_m", "beam_from_m", "beam_to_m"),
        texts=("ship_class", "subtype", "left_out_reason"),
        has_value=False,
    ),
    TableSpec(
        "class_nearest",
        "Listed class that stands in for a class a table does not list, our assumption",
        keys=("table", "ship_class", "subtype"),
        texts=("takes_ship_class", "takes_subtype", "reason"),
        has_value=False,
    ),
    TableSpec(
        "class_nearest_size_bins",
        "Subtype of a class by its size in TEU, dwt or GT",
        keys=("ship_class", "size_unit", "size_from", "size_to"),
        texts=("subtype", "note"),
        size_range=("size_from", "size_to"),
        has_value=False,
    ),
    TableSpec(
        "ports_limit_radius",
        "radius of a port limit where no polygon is sourced",
        keys=("locode",),
        units=("nm",),
        maximum=100.0,
    ),
    TableSpec(
        "ports_locode",
        "UN/LOCODE of a port of the World Port Index, verified",
        keys=("locode",),
        texts=("wpi_number", "list_name", "note"),
        has_value=False,
    ),
    TableSpec(
        "ports_time_zone",
        "time zone of a port's clocks, a zone of the tz database",
        keys=("locode",),
        texts=("time_zone",),
        has_value=False,
    ),
    TableSpec(
        "grid_carbon_intensity",
        "greenhouse gas intensity of grid electricity",
        keys=("zone",),
        texts=("name",),
        units=("g CO2e/kWh",),
        maximum=2000.0,
    ),
    TableSpec(
        "oakland_activity",
        "published activity of the Port of Oakland, for the plausibility check",
        keys=("year", "quantity"),
        units=("calls", "TEU"),
    ),
    TableSpec(
        "oakland_inventory",
        "published ocean-going vessel emissions of the Port of Oakland, for the plausibility check",
        keys=("year", "statement", "part", "pollutant"),
        units=("short ton", "tonne"),
    ),
    TableSpec(
        "oakland_port_year",
        "what a port-year of Oakland is taken to consist of, for the plausibility check",
        keys=("year", "item", "subject"),
        units=("nm", "kn", "h", "1", "year", "%", "TEU", "g"),
    ),
    TableSpec(
        "harbour_craft_load_factors",
        "load factors and installed power of harbour craft",
        keys=("vessel", "quantity"),
        units=("1", "kW"),
    ),
    TableSpec(
        "locomotive_conversions",
        "conversion factors of locomotives",
        keys=("item",),
        units=("bhp-h/gal", "g/bhp-h"),
    ),
    TableSpec(
        "locomotive_standards",
        "emission standards of locomotives (standards, not factors in use)",
        keys=("duty", "tier", "years", "basis", "pollutant"),
        units=("g/bhp-h",),
        maximum=20.0,
    ),
)

_BY_NAME = {
    spec.name: spec
    for spec in (
        *SPECS,
        *(spec for module in (routes, fuels, rules, arrival, speed_zones, scenarios, lanes) for spec in module.SPECS),
    )
}


def table_names() -> tuple[str, ...]:
    """Names of all shipped tables."""
    return tuple(_BY_NAME)


def load_table(name: str) -> Table:
    """The shipped table of this name, checked and cached.

    Raises
    ------
    MissingFactorError
        if there is no table of this name.
    ReferenceDataError
        if the table breaks its own rules.
    """
    if name not in _BY_NAME:
        near = difflib.get_close_matches(name, list(_BY_NAME), n=3, cutoff=0.4)
        raise MissingFactorError(
            f"There is no table '{name}'. {'Near: ' + ', '.join(near) + '. ' if near else ''}"
            f"Tables: {', '.join(_BY_NAME)}."
        )
    return load_spec(_BY_NAME[name])


def list_factors(name: str | None = None) -> list[FactorRow]:
    """Rows of a table, of every table whose name or row holds a text, or of all tables in the catalogue's order.

    Parameters
    ----------
    name : name of a table (``ogv_nox``); or part of table names (``hotel_load``); or part of row labels
        (``SSD/MGO``). Case does not matter. None: everything.

    Raises
    ------
    MissingFactorError
        if nothing matches.
    """
    if name is None:
        return [row for table in _BY_NAME for row in load_table(table).rows]
    if name in _BY_NAME:
        return list(load_table(name).rows)
    wanted = name.casefold()
    tables = [table for table in _BY_NAME if wanted in table.casefold()]
    rows = [row for table in tables for row in load_table(table).rows]
    if not rows:
        rows = [row for table in _BY_NAME for row in load_table(table).rows if wanted in row.label.casefold()]
    # Nothing holds the text: the error of a table look-up names the nearest tables.
    return rows or list(load_table(name).rows)
