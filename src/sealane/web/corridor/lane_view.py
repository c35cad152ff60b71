"""A lane as its page shows it: by rule, by year against what was promised, by place, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sealane.corridors.lanes.schemas import PARTS, PLACES
from sealane.web.corridor.documents import reference
from sealane.web.corridor.explain_ratios import ratio_figure
from sealane.web.corridor.explain_targets import target_figure
from sealane.web.corridor.lane_files import LaneFiles, lane_files
from sealane.web.corridor.lane_query import Counted, LaneQuery, Ratio
from sealane.web.corridor.lane_sums import lane_sum
from sealane.web.corridor.measures import Measure, Rule, measured
from sealane.web.corridor.models import CellRow, Flag, LaneView, Missing, RuleRow, TargetRow, YearRow
from sealane.web.derivation import Figure
from sealane.web.results import Result
from sealane.web.words import N_

_TARGET_METRICS = {Measure.WTW: "wtw_t", Measure.TTW: "ttw_t"}
_COUNTS: tuple[tuple[Counted, str], ...] = (
    ("unpriced", N_("legs without emissions: particulars or distance are missing; they are in no total")),
    ("no_cargo", N_("legs whose cargo is not known; rule cargo leaves them out")),
    ("no_particulars", N_("ships without particulars: give their class with the calls")),
)


def leading_year(files: LaneFiles, rule: str) -> int:
    """The last year with at least half as many legs as the fullest: data that end in January tell nothing of a year."""
    legs = {int(r["year"]): int(r["legs"] or 0) for r in files.trend if r["rule"] == rule and not r["quarter"]}
    most = max(legs.values(), default=0)
    return max((year for year, n in legs.items() if 2 * n >= most), default=files.years[-1])


@lru_cache(maxsize=8192)
def _amount(files: LaneFiles, query: LaneQuery) -> float | None:
    return lane_sum(files.totals, query.cell(), query.measure)


def lane_amount(files: LaneFiles, result_id: str, query: LaneQuery) -> Figure:
    """Return a sum of the lane as a figure."""
    return measured(
        query.measure,
        _amount(files, query),
        query.address(result_id),
        simulated=files.simulated,
    )


class LaneFigures:
    """Figures of one lane, all of one rule and year unless said otherwise."""

    def __init__(self, files: LaneFiles, result_id: str, rule: Rule, year: int) -> None:
        self.files, self.result_id, self.rule, self.year = files, result_id, rule, year

    def amount(self, measure: Measure, **cell: object) -> Figure:
        """A sum."""
        query = LaneQuery(**{"measure": measure, "rule": self.rule, "year": self.year} | cell)  # type: ignore[arg-type]  # checked by the model
        return lane_amount(self.files, self.result_id, query)

    def ratio(self, ratio: Ratio) -> Figure:
        """A ratio."""
        figure = ratio_figure(self.files, self.result_id, LaneQuery(ratio=ratio, rule=self.rule, year=self.year))
        return figure.model_copy(update={"simulated": self.files.simulated})

    def count(self, count: Counted) -> Figure:
        """A count of the year: legs, voyages or ships."""
        row = self.files.trend_of(self.rule, self.year)
        column = {"legs": "legs", "ships": "ships"}.get(count, "passes")
        if count == "voyages" and self.rule is Rule.DIRECT:
            column = "direct_passes"
        at = LaneQuery(count=count, rule=self.rule, year=self.year).address(self.result_id)
        value = None if row is None else row[column]
        return Figure(value=value, quantity="count", explain=at, simulated=self.files.simulated)

    def distance(self) -> Figure:
        """Share times distance."""
        row = self.files.trend_of(self.rule, self.year)
        query = LaneQuery(measure=Measure.DISTANCE, rule=self.rule, year=self.year)
        value = None if row is None else row["distance_nm"]
        return measured(Measure.DISTANCE, value, query.address(self.result_id), simulated=self.files.simulated)


def lane_view(
    result: Result, others: Sequence[Result], rule: Rule | None, measure: Measure, year: int | None
) -> LaneView:
    """Return the view of a lane.

    Parameters
    ----------
    result, others : the result shown and those beside it.
    rule, year : None: the document's rule, the leading year.
    """
    files = lane_files(result.folder)
    document_rule = Rule(files.rule)
    rule = rule or document_rule
    year = year if year in files.years else leading_year(files, rule)
    of = LaneFigures(files, result.id, rule, year)
    headline = {
        "wtw": of.amount(Measure.WTW),
        "per_mj": of.ratio("per_mj"),
        "per_t_km": of.ratio("per_t_km"),
        "observed": of.ratio("observed"),
    }
    return LaneView(
        result=reference(result),
        others=[reference(one) for one in others],
        rule=rule,
        document_rule=document_rule,
        measure=measure,
        year=year,
        headline=headline,
        rules=[_rule(files, result.id, one, document_rule, measure, year) for one in Rule],
        years=[_year(files, result.id, rule, measure, one) for one in files.years],
        targets=[
            TargetRow(
                id=row["target"],
                value=target_figure(files, result.id, row, "value"),
                actual=target_figure(files, result.id, row, "actual"),
                gap=target_figure(files, result.id, row, "gap"),
                **{k: row[k] for k in TargetRow.model_fields.keys() - {"id", "value", "actual", "gap"}},
            )
            for row in files.targets
        ],
        places=_places(files, of, measure),
        missing=_missing(files, result.id),
        flags=[
            Flag(
                name=name,
                meaning=item["meaning"],
                legs=_counted(files, result.id, item["legs"], LaneQuery(count="flag", flag=name)),
            )
            for name, item in files.summary["quality"]["flags"].items()
            if item["legs"]
        ],
        notes=[str(note) for note in files.summary["notes"] if "SIMULATED" not in str(note)],
        simulated=files.simulated,
    )


def _rule(files: LaneFiles, result_id: str, rule: Rule, document_rule: Rule, measure: Measure, year: int) -> RuleRow:
    of = LaneFigures(files, result_id, rule, year)
    return RuleRow(
        rule=rule,
        counts=rule is document_rule,
        voyages=of.count("voyages"),
        legs=of.count("legs"),
        ships=of.count("ships"),
        distance=of.distance(),
        energy=of.amount(Measure.ENERGY),
        amount=of.amount(measure),
        per_mj=of.ratio("per_mj"),
        observed=of.ratio("observed"),
    )


def _year(files: LaneFiles, result_id: str, rule: Rule, measure: Measure, year: int) -> YearRow:
    of = LaneFigures(files, result_id, rule, year)
    target = next((t for t in files.targets if t["year"] == year and t["metric"] == _TARGET_METRICS.get(measure)), None)
    return YearRow(
        year=year,
        quarters=_counted(files, result_id, files.quarters(year), LaneQuery(count="quarters", year=year)),
        amount=of.amount(measure),
        per_t_km=of.ratio("per_t_km"),
        target=None if target is None or target["value"] is None else target_figure(files, result_id, target, "value"),
        target_source=target["source"] if target else "",
    )


def _places(files: LaneFiles, of: LaneFigures, measure: Measure) -> list[CellRow]:
    held = {(row["place"], row["part"]) for row in files.totals if (row["rule"], row["year"]) == (of.rule, of.year)}
    rows = []
    for place in PLACES:
        parts = {part: of.amount(measure, place=place, part=part) for part in PARTS if (place, part) in held}
        if parts:
            rows.append(CellRow(place=place, parts=parts, amount=of.amount(measure, place=place)))
    return rows


def _missing(files: LaneFiles, result_id: str) -> list[Missing]:
    quality = files.summary["quality"]
    legs = int(files.summary["counts"]["legs_on_lane"])
    ships = int(files.summary["counts"]["ships_on_lane"])
    every_leg = _counted(files, result_id, legs, LaneQuery(count="lane_legs"))
    every_ship = _counted(files, result_id, ships, LaneQuery(count="lane_ships"))
    values = {
        "unpriced": (int(quality["legs_not_priced"]), every_leg),
        "no_cargo": (int(quality["legs_without_known_cargo"]), every_leg),
        "no_particulars": (len(quality["ships_without_particulars"]), every_ship),
    }
    return [
        Missing(
            what=words,
            figure=_counted(files, result_id, values[count][0], LaneQuery(count=count)),
            of=values[count][1],
        )
        for count, words in _COUNTS
    ]


def _counted(files: LaneFiles, result_id: str, value: int, query: LaneQuery) -> Figure:
    return Figure(value=value, quantity="count", explain=query.address(result_id), simulated=files.simulated)
