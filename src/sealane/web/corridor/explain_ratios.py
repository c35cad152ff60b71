"""Where a ratio of a lane comes from: intensity of the fuel, CO2e by transport activity, share observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc

from sealane.corridors.lanes.lane_tables import KM_PER_NM
from sealane.corridors.lanes.schemas import TABLES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_query import LaneQuery, Ratio
from sealane.web.corridor.lane_sums import lane_sum
from sealane.web.corridor.measures import Measure, Rule
from sealane.web.derivation import Derivation, Figure, Input, Origin, Quantity
from sealane.web.words import N_

# column of trend.parquet, words, quantity, unit, equation
RATIOS: Mapping[Ratio, tuple[str, str, Quantity, str | None, str]] = {
    "per_mj": (
        "wtw_g_per_mj",
        N_("CO2e of the fuel by energy, well-to-wake"),
        "intensity_g_per_mj",
        None,
        N_("CO2e, well-to-wake / fuel energy"),
    ),
    "per_t_km": (
        "wtw_g_per_t_km",
        N_("CO2e by tonne carried and kilometre, well-to-wake"),
        "other",
        "g/(t km)",
        N_("CO2e of voyages with known cargo by rule cargo / transport activity (ISO 14083)"),
    ),
    "per_teu_km": (
        "wtw_g_per_teu_km",
        N_("CO2e by TEU and kilometre, well-to-wake"),
        "other",
        "g/(TEU km)",
        N_("CO2e of voyages with known cargo by rule cargo / transport activity in TEU"),
    ),
    "per_teu": (
        "wtw_kg_per_teu",
        N_("CO2e by TEU carried from end to end, well-to-wake"),
        "other",
        "kg/TEU",
        N_("CO2e of voyages with known cargo by rule cargo / TEU they carried from end to end"),
    ),
    "transport_t_km": (
        "transport_t_km",
        N_("Transport activity"),
        "other",
        "t km",
        N_("sum over voyages with known cargo of t carried from end to end x shortest feasible distance [km]"),
    ),
    "observed": (
        "observed_share",
        N_("Share of energy on observed or logged activity"),
        "share",
        None,
        N_("fuel energy of observed or logged activity / fuel energy"),
    ),
}

OF_CARGO: tuple[Ratio, ...] = ("per_t_km", "per_teu_km", "per_teu")


def ratio_figure(files: LaneFiles, result_id: str, query: LaneQuery) -> Figure:
    """Return a ratio as pages show it."""
    if query.ratio is None or query.year is None:
        raise _refused()
    column, _, quantity, unit, _ = RATIOS[query.ratio]
    row = files.trend_of(_rule(query), query.year)
    value = None if row is None else row[column]
    return Figure(value=value, quantity=quantity, unit=unit, explain=query.address(result_id))


def _rule(query: LaneQuery) -> str:
    """Intensities of transport stand with rule cargo, whatever rule counts."""
    return "cargo" if query.ratio in OF_CARGO else str(query.cell()["rule"])


def _refused() -> RequestRefusedError:
    return RequestRefusedError(
        404, "unknown-figure", Phrase("The lane holds no such figure."), Phrase("Name ratio and year.")
    )


def explain_ratio(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """Return the derivation of a ratio."""
    figure = ratio_figure(files, result_id, query)
    assert query.ratio is not None  # ratio_figure refuses it
    row = files.trend_of(_rule(query), int(query.year or 0))
    if row is None:
        raise _refused()
    _, title, _, _, equation = RATIOS[query.ratio]
    inputs = {
        "per_mj": _per_mj,
        "observed": _observed,
        "transport_t_km": _activity,
    }.get(query.ratio, _per_transport)(files, result_id, query, row)
    return Derivation(
        title=title,
        figure=figure,
        equation=equation,
        filters={N_("Year"): str(query.year)},
        inputs=inputs,
        notes=_notes(query.ratio, figure),
        source_files=[TABLES["trend"].file],
    )


def _notes(ratio: Ratio, figure: Figure) -> list[str]:
    if figure.value is None:
        return [N_("Not known: nobody told the cargo on board, or nothing was priced.")]
    if ratio in OF_CARGO:
        return [N_("By rule cargo, of the voyages whose cargo is known on every leg; whatever rule counts.")]
    return []


def _sum_input(files: LaneFiles, result_id: str, query: LaneQuery, measure: Measure, name: str, unit: str) -> Input:
    of = LaneQuery(measure=measure, rule=Rule(_rule(query)), year=query.year)
    value = lane_sum(files.totals, of.cell(), measure)
    return Input(name=name, value=value, unit=unit, origin="computed", link=of.address(result_id))


def _per_mj(files: LaneFiles, result_id: str, query: LaneQuery, row: Mapping[str, Any]) -> list[Input]:
    return [
        _sum_input(files, result_id, query, Measure.WTW, N_("CO2e, well-to-wake"), "t"),
        _sum_input(files, result_id, query, Measure.ENERGY, N_("fuel energy"), "TJ"),
    ]


def _observed(files: LaneFiles, result_id: str, query: LaneQuery, row: Mapping[str, Any]) -> list[Input]:
    share = row["observed_share"]
    energy = _sum_input(files, result_id, query, Measure.ENERGY, N_("fuel energy"), "TJ")
    seen = None if share is None or energy.value is None else share * float(energy.value)
    return [
        energy,
        Input(name=N_("of it on observed or logged activity"), value=seen, unit="TJ", origin="computed"),
        *(
            Input(name=DISTANCES.get(name, name), value=nm, unit="nm", origin=_SOURCES.get(name, "filled"))
            for name, nm in files.summary["quality"]["distance_nm_by_source"].items()
            if nm
        ),
    ]


DISTANCES: Mapping[str, str] = {
    "observed": N_("distance observed"),
    "part_observed": N_("distance observed in part"),
    "logged": N_("distance told with the call"),
    "route": N_("distance filled along the route"),
    "unknown": N_("distance not known"),
}
_SOURCES: Mapping[str, Origin] = {"observed": "observed", "logged": "entered"}


def _activity(files: LaneFiles, result_id: str, query: LaneQuery, row: Mapping[str, Any]) -> list[Input]:
    """Voyages with known cargo in a year, and what they carried how far."""
    where = (pc.field("year") == query.year) & (pc.field("too_long") == False)  # noqa: E712  # an expression
    passes = files.table("passes", ["pass_id", "lane_t", "route_nm"], where)
    legs = files.table("legs", ["pass_id"], pc.field("share_cargo").is_null())
    known = pc.invert(pc.is_in(passes["pass_id"], value_set=pc.unique(legs["pass_id"])))
    chosen = passes.filter(known)
    tonnes, nm = (np.asarray(chosen[name].to_numpy(), dtype=float) for name in ("lane_t", "route_nm"))
    km = nm * KM_PER_NM
    carried = float(np.nansum(tonnes))
    activity = float(np.nansum(tonnes * km))
    return [
        Input(name=N_("voyages of the year"), value=passes.num_rows, origin="computed"),
        Input(name=N_("of them with known cargo on every leg"), value=chosen.num_rows, origin="entered"),
        Input(name=N_("carried from end to end"), value=carried, unit="t", origin="entered"),
        Input(name=N_("sum over them of t x km, worked out anew"), value=activity, unit="t km", origin="computed"),
    ]


def _per_transport(files: LaneFiles, result_id: str, query: LaneQuery, row: Mapping[str, Any]) -> list[Input]:
    column = RATIOS[query.ratio or "per_t_km"][0]
    under, unit, scale = {
        "wtw_g_per_t_km": ("transport_t_km", "t km", 1.0),
        "wtw_g_per_teu_km": ("transport_teu_km", "TEU km", 1.0),
        "wtw_kg_per_teu": ("cargo_teu", "TEU", 1e3),
    }[column]
    value, activity = row[column], row[under]
    link = LaneQuery(ratio="transport_t_km", rule=Rule.CARGO, year=query.year).address(result_id)
    if (
        column == "wtw_kg_per_teu"
    ):  # cargo_teu holds every voyage whose cargo is known at its end, not only on every leg
        activity = row["transport_teu_km"] * row["wtw_g_per_teu_km"] / (value * scale) if value else None
    co2e = None if value is None or activity is None else value * activity * scale / 1e6
    return [
        Input(name=N_("CO2e of voyages with known cargo, by rule cargo"), value=co2e, unit="t", origin="computed"),
        Input(
            name=N_("transport activity") if under != "cargo_teu" else N_("carried from end to end"),
            value=activity,
            unit=unit,
            origin="entered",
            link=link if under == "transport_t_km" else None,
        ),
    ]
