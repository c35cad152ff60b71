"""Where the figures of one leg and of one stay come from: share, work, factor rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from sealane.corridors.lanes.explain import LegExplanation, Line, explain_leg
from sealane.corridors.lanes.schemas import TABLES
from sealane.errors import DataError, Phrase, RequestRefusedError
from sealane.inventory.explain import Source
from sealane.reference import load_table
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_legs import leg_adds
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.corridor.measures import MEASURES, Measure, Rule, measured
from sealane.web.derivation import Derivation, Input, Origin, Part, PublishedRow
from sealane.web.words import N_

_GASES = ("co2", "ch4", "n2o")
_ORIGINS: Mapping[str, Origin] = {
    "user file": "entered",
    "AIS static": "observed",
    "class default": "filled",
    "assumption": "filled",
}
DISTANCE_ORIGINS: Mapping[str, tuple[Origin, str]] = {
    "observed": ("observed", N_("seen by own AIS without a gap")),
    "part_observed": ("filled", N_("observed in part, the rest filled along the route")),
    "logged": ("entered", N_("as told with the call reached")),
    "route": ("filled", N_("shortest way over water between the two ports")),
    "unknown": ("missing", N_("not known")),
}
SAME = N_("The table holds the same figure, but for the order of addition.")


@lru_cache(maxsize=64)
def _explained(folder: Path, leg: str) -> LegExplanation:
    # A kept result never changes, and a reader opens several products of one leg after another.
    try:
        return explain_leg(folder, leg)
    except DataError:
        raise RequestRefusedError(
            404, "unknown-figure", Phrase("The lane holds no such leg."), Phrase("See the corridor's voyages.")
        ) from None


def explain_leg_share(files: LaneFiles, result_id: str, query: LaneQuery, filters: dict[str, str]) -> Derivation:
    """What a leg adds to the lane: its share times its whole figure."""
    found, rule = _explained(files.folder, str(query.leg)), (query.rule or Rule.ROTATION).value
    leg, shown = found.leg, MEASURES[query.measure]
    value = leg[shown.column]
    origin, words = DISTANCE_ORIGINS[leg["distance_source"]]
    whole = query.but(whole=True).address(result_id)
    inputs = [
        Input(
            name=N_("share of the lane"),
            value=leg[f"share_{rule}"] if leg[f"share_{rule}"] is not None else N_("not known"),
            origin="computed" if leg[f"share_{rule}"] is not None else "missing",
            source=found.shares[rule],
        ),
        Input(
            name=N_("figure of the whole leg"),
            value=None if value is None else value / shown.divisor,
            unit=shown.unit or ("nm" if query.measure is Measure.DISTANCE else "t"),
            origin=origin if query.measure is Measure.DISTANCE else "computed" if value is not None else "missing",
            source=words if query.measure is Measure.DISTANCE else "",
            grade=leg["grade"],
            link=None if query.measure is Measure.DISTANCE else whole,
        ),
    ]
    return Derivation(
        title=shown.words,
        figure=measured(
            query.measure,
            leg_adds(leg, rule, query.measure),
            query.address(result_id),
            grade=leg["grade"],
            filled_share=None if leg["observed_share"] is None else 1.0 - leg["observed_share"],
        ),
        equation=N_("share of the lane x figure of the whole leg"),
        filters=filters | ({N_("Doubtful"): str(leg["flags"])} if leg["flags"] else {}),
        inputs=inputs,
        source_files=[TABLES["legs"].file],
    )


def explain_whole_leg(files: LaneFiles, result_id: str, query: LaneQuery, filters: dict[str, str]) -> Derivation:
    """The figure of a whole leg: the products it is the sum of, worked out anew."""
    found = _explained(files.folder, str(query.leg))
    shown, products = MEASURES[query.measure], _products(files, found, query.measure)
    parts = [
        Part(
            label=f"{line.pollutant}, {line.source}, {line.place}",
            figure=measured(query.measure, grams / shown.divisor, query.but(line=at).address(result_id)),
        )
        for at, line, grams in products
    ]
    held = found.leg[shown.column]
    held = None if held is None else held / shown.divisor
    value = math.fsum(part.figure.value or 0.0 for part in parts) if parts else held
    notes = []
    if parts and held is not None:
        close = math.isclose(value or 0.0, held, rel_tol=1e-9, abs_tol=1e-12)
        notes.append(SAME if close else f"legs.parquet holds {held!r}: tell the node's operator.")
    equations = {figure.name: figure.equation for figure in found.figures}
    return Derivation(
        title=shown.words,
        figure=measured(query.measure, value, query.address(result_id), grade=found.leg["grade"]),
        equation="\n".join((equations.get(shown.column, ""), *found.steps)).strip(),
        filters=filters,
        inputs=[*_ship_inputs(found), *_work_inputs(found.leg)],
        parts=parts,
        part_dimension=N_("work x factor, by pollutant, engine and control area") if parts else "",
        notes=notes,
        source_files=[TABLES[name].file for name in ("legs", "particulars")],
    )


def _products(files: LaneFiles, found: LegExplanation, measure: Measure) -> list[tuple[int, Line, float]]:
    """Products that add to a measure, with their number and what they add [g]."""
    gwp = str(files.summary["request"]["gwp"])
    potential = {gas: load_table("gwp100").row(gwp, gas).value for gas in _GASES}
    counted: dict[str, float] = {}
    if measure in (Measure.WTW, Measure.TTW):
        counted = dict(potential) | ({"wtt_co2e": 1.0} if measure is Measure.WTW else {})
    elif measure in (Measure.NOX, Measure.SO2, Measure.PM10, Measure.PM25):
        counted = {measure.value: 1.0}
    return [
        (at, line, line.grams * counted[line.pollutant])
        for at, line in enumerate(found.lines)
        if line.pollutant in counted
    ]


def explain_line(files: LaneFiles, result_id: str, query: LaneQuery, filters: dict[str, str]) -> Derivation:
    """One product: work, factor and the published rows behind it."""
    found = _explained(files.folder, str(query.leg))
    chosen = [item for item in _products(files, found, query.measure) if item[0] == query.line]
    if not chosen:
        raise RequestRefusedError(
            404, "unknown-figure", Phrase("The leg has no such product."), Phrase("See the leg's derivation.")
        )
    _, line, grams = chosen[0]
    shown = MEASURES[query.measure]
    inputs = [
        Input(name=N_("power"), value=line.power_kw, unit="kW", origin="computed", source=line.source),
        Input(name=N_("hours"), value=line.hours, unit="h", origin="computed", source=line.place),
        Input(name=N_("factor"), value=line.factor_g_per_kwh, unit="g/kWh", origin="published", source=line.equation),
        Input(name=N_("adjustment for low load"), value=line.adjustment, origin="published"),
    ]
    rows = [_row(source) for source in line.published]
    product = N_("power x hours x factor x adjustment")
    if line.pollutant in _GASES and query.measure in (Measure.WTW, Measure.TTW):
        row = load_table("gwp100").row(str(files.summary["request"]["gwp"]), line.pollutant)
        unit = f"g CO2e/g {line.pollutant}"
        inputs.append(
            Input(
                name=N_("warming potential, 100 years"),
                value=row.value,
                unit=unit,
                origin="published",
                source=row.source,
                grade=row.grade,
            )
        )
        rows.append(_row(Source(row.label, row.value, row.unit, row.source, row.edition, row.grade)))
        product = N_("power x hours x factor x adjustment x warming potential")
    return Derivation(
        title=shown.words,
        figure=measured(query.measure, grams / shown.divisor, query.address(result_id), grade=_worst(line)),
        equation=f"{product}\nfactor = {line.equation}",
        filters=filters | {N_("Pollutant"): line.pollutant, N_("Engine"): line.source, N_("Fuel"): line.fuel},
        inputs=inputs,
        rows=rows,
        source_files=[TABLES["legs"].file],
    )


def _row(source: Source) -> PublishedRow:
    table, _, key = source.label.partition("/")
    return PublishedRow(
        table=table,
        key=key,
        value=source.value,
        unit=source.unit,
        source=source.source,
        edition=source.edition,
        grade=source.grade,
    )


def _worst(line: Line) -> str | None:
    return max((row.grade for row in line.published), default=None)


def _ship_inputs(found: LegExplanation) -> list[Input]:
    return [
        Input(
            name=str(row["field"]).replace("_", " "),
            value=str(row["value"]),
            origin=_ORIGINS.get(str(row["origin"]), "computed"),
            source=str(row["source"] or ""),
            grade=row["grade"],
        )
        for row in found.particulars
    ]


def _work_inputs(row: Mapping[str, Any]) -> list[Input]:
    return [
        Input(name=name, value=row[column], unit=unit, origin="computed")
        for column, name, unit in (
            ("main_kwh", N_("work of the main engine"), "kWh"),
            ("aux_kwh", N_("work of the auxiliary engines"), "kWh"),
            ("boiler_kwh", N_("work of the boilers"), "kWh"),
            ("shore_kwh", N_("electricity from shore"), "kWh"),
            ("fuel_t", N_("fuel burnt"), "t"),
        )
        if row[column]
    ]


def explain_stay(
    files: LaneFiles,
    result_id: str,
    query: LaneQuery,
    filters: dict[str, str],
    rows: Sequence[tuple[Mapping[str, Any], float, float]],
) -> Derivation:
    """What a call adds in one mode: its figure, times half the shares of the legs before and after."""
    shown = MEASURES[query.measure]
    row, before, behind = rows[0]  # one row a mode, and the query names the mode
    value = row[shown.column]
    at = query.address(result_id)
    adds = [] if value is None else [half * (value / shown.divisor) for half in (before, behind)]
    parts = [
        Part(label=label, figure=measured(query.measure, number, at, grade=row["grade"]))
        for label, number in zip(
            (N_("by the leg that ends here"), N_("by the leg that begins here")), adds, strict=False
        )
    ]
    source: Origin = "entered" if row["hours_source"] in ("told", "from_times") else "filled"
    inputs = [
        Input(name=N_("hours"), value=row["hours"], unit="h", origin=source, source=row["hours_source"]),
        Input(name=N_("half the share of the leg that ends here"), value=before, origin="computed"),
        Input(name=N_("half the share of the leg that begins here"), value=behind, origin="computed"),
        Input(
            name=N_("figure of the whole stay"),
            value=None if value is None else value / shown.divisor,
            unit=shown.unit or "t",
            origin="missing" if value is None else "computed",
            grade=row["grade"],
        ),
        *_work_inputs(row),
    ]
    if row["shore_power_h"]:
        inputs.insert(1, Input(name=N_("hours on shore power"), value=row["shore_power_h"], unit="h", origin="entered"))
    ship = f"{row['ship_name'] or ''} {row['imo'] or row['mmsi'] or ''}".strip()
    return Derivation(
        title=shown.words,
        figure=measured(query.measure, math.fsum(adds) if adds else None, at, grade=row["grade"]),
        equation=N_("figure of the whole stay x (half the share of the leg before + half the share of the leg after)"),
        filters=filters | {N_("Ship"): ship, N_("Port"): str(row["port"])},
        inputs=inputs,
        parts=parts,
        part_dimension=N_("legs the stay belongs to") if parts else "",
        source_files=[TABLES[name].file for name in ("legs", "stays")],
    )
