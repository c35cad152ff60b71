"""Where a target's figures come from: what the document promises, what the lane reached, what is still to be cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sealane.corridors.lanes.schemas import TABLES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_query import LaneQuery, Ratio
from sealane.web.corridor.measures import Measure, Rule
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.words import N_

Fact = Literal["value", "actual", "gap"]
TITLES: Mapping[Fact, str] = {
    "value": N_("Target of the document"),
    "actual": N_("What the lane reached"),
    "gap": N_("Still to be cut"),
}
_MEASURES = {"wtw_t": Measure.WTW, "ttw_t": Measure.TTW}
_RATIOS: Mapping[str, Ratio] = {
    "wtw_g_per_mj": "per_mj",
    "wtw_g_per_t_km": "per_t_km",
    "wtw_g_per_teu_km": "per_teu_km",
}


def target_figure(files: LaneFiles, result_id: str, row: Mapping[str, Any], fact: Fact) -> Figure:
    """Return a figure of a row of ``targets.parquet``."""
    query = LaneQuery(target=row["target"], fact=fact)
    in_tonnes = row["metric"] in _MEASURES
    return Figure(
        value=row[fact],
        quantity="mass_t" if in_tonnes else "other",
        unit=None if in_tonnes else row["unit"],
        explain=query.address(result_id),
        simulated=files.simulated and fact != "value",
    )


def explain_target(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """Return the derivation of a target's value, of what was reached, or of the gap.

    Raises
    ------
    RequestRefusedError
        404 where the lane's document has no such target.
    """
    row = next((one for one in files.targets if one["target"] == query.target), None)
    if row is None:
        raise RequestRefusedError(
            404, "unknown-figure", Phrase("The lane has no such target."), Phrase("See the corridor's page.")
        )
    value = target_figure(files, result_id, row, "value")
    actual = target_figure(files, result_id, row, "actual")
    own = {"value": value, "actual": actual}.get(query.fact) or target_figure(files, result_id, row, "gap")
    inputs: list[Input] = []
    parts: list[Part] = []
    equation = ""
    if query.fact == "value":
        equation, inputs = _promised(files, result_id, row)
    elif query.fact == "actual":
        inputs = [_of_lane(files, result_id, row, int(row["latest_year"]), row["actual"])]
    else:
        equation = N_("what the lane reached - target")
        if row["gap"] is not None:
            less = value.model_copy(update={"value": -row["value"]})
            parts = [
                Part(label=N_("what the lane reached"), figure=actual),
                Part(label=N_("less the target"), figure=less),
            ]
    due = {N_("Target"): str(row["target"]), N_("Due"): str(row["year"]), N_("State"): str(row["state"])}
    latest = {} if query.fact == "value" else {N_("Year"): str(row["latest_year"])}
    return Derivation(
        title=TITLES[query.fact],
        figure=own,
        equation=equation,
        filters=due | latest,
        inputs=inputs,
        parts=parts,
        part_dimension=N_("difference") if parts else "",
        notes=[] if own.value is not None else [N_("Not known: the data do not hold what it is worked out from.")],
        source_files=[TABLES["targets"].file, "lane.json"],
    )


def _promised(files: LaneFiles, result_id: str, row: Mapping[str, Any]) -> tuple[str, list[Input]]:
    """The promise as the document states it: an amount, or so much less than in the baseline year."""
    stated: Mapping[str, Any] = next(
        (one for one in files.summary["corridor"]["targets"] if one["id"] == row["target"]), {}
    )
    percent = stated.get("reduction_pct")
    if percent is None:
        words = N_("stated by the document")
        return "", [
            Input(name=words, value=row["value"], unit=row["unit"], origin="published", source=str(row["source"]))
        ]
    reduction = Input(
        name=N_("reduction stated by the document"),
        value=percent,
        unit="%",
        origin="published",
        source=str(row["source"]),
    )
    baseline = _of_lane(files, result_id, row, int(row["baseline_year"] or 0), row["baseline"])
    return N_("figure of the baseline year x (1 - reduction / 100)"), [reduction, baseline]


def _of_lane(files: LaneFiles, result_id: str, row: Mapping[str, Any], year: int, value: float | None) -> Input:
    """The lane's own figure of a year, by the rule of the document, with the way to its derivation."""
    measure, ratio = _MEASURES.get(str(row["metric"])), _RATIOS.get(str(row["metric"]))
    link = None
    if value is not None and measure is not None:
        link = LaneQuery(measure=measure, rule=Rule(files.rule), year=year).address(result_id)
    elif value is not None and ratio is not None:
        link = LaneQuery(ratio=ratio, rule=Rule(files.rule), year=year).address(result_id)
    return Input(
        name=f"{row['metric']}, {year}",
        value=value,
        unit=row["unit"],
        origin="missing" if value is None else "computed",
        link=link,
    )
