"""Tables of the carbon intensity indicator, of At-Berth and of speed-reduction programmes."""

from __future__ import annotations

from sealane.reference.loader import TableSpec

_SIZED = ("ship_type", "size_unit", "size_min", "size_max")

SPECS: tuple[TableSpec, ...] = (
    TableSpec(
        "cii_reference_lines",
        "parameters a and c of the CII reference lines by ship type and size, MEPC.353(78)",
        keys=("symbol", *_SIZED),
        texts=("note",),
        units=("g CO2 per unit capacity and nm, times capacity^c", "1"),
        size_range=("size_min", "size_max"),
    ),
    TableSpec(
        "cii_reference_capacity",
        "capacity at which a CII reference line is held, MEPC.353(78)",
        keys=("ship_type", "size_unit", "bound"),
        units=("DWT", "GT"),
    ),
    TableSpec(
        "cii_reduction_factors",
        "reduction of the required CII against 2019 by year, MEPC.338(76) and MEPC.400(83)",
        keys=("year",),
        units=("%",),
        maximum=100.0,
    ),
    TableSpec(
        "cii_rating_boundaries",
        "rating boundaries exp(d) as a share of the required CII, MEPC.354(78)",
        keys=("boundary", *_SIZED),
        texts=("note",),
        units=("1",),
        size_range=("size_min", "size_max"),
        minimum=0.5,
        maximum=2.0,
    ),
    TableSpec(
        "cii_fuel_carbon",
        "CO2 per mass of fuel for the CII, MEPC.364(79)",
        keys=("fuel",),
        units=("g/g",),
        maximum=4.0,
    ),
    TableSpec(
        "at_berth_start",
        "when the California At-Berth rule begins to bind, by vessel category and place",
        keys=("category", "place"),
        texts=("requirement", "section"),
        has_value=False,
    ),
    TableSpec(
        "at_berth_limits",
        "hours, shares and limits of the California At-Berth rule",
        keys=("item",),
        units=("h", "d", "visits", "years", "%", "g/kWh", "deg"),
        minimum=-180.0,
    ),
    TableSpec(
        "at_berth_categories",
        "vessel category of the California At-Berth rule by ship class, our assumption",
        keys=("ship_class",),
        texts=("category", "note"),
        has_value=False,
    ),
    TableSpec(
        "speed_programmes",
        "speed-reduction programmes: cap, season, zone, size",
        keys=("programme", "season", "quantity"),
        texts=("zone", "in_force_from", "in_force_to", "note"),
        units=("kn", "nm", "%", "GT"),
    ),
)
