"""The derivation of one row of the inventory: the lines the kernel priced, and each line's product."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sealane.errors import DataError, Fault, Phrase, SealaneError
from sealane.inventory import explain as inventory
from sealane.web.derivation import Figure, Input, Origin, Part, PublishedRow
from sealane.web.explain import names
from sealane.web.explain.derive import Subject, call_path, framed
from sealane.web.explain.model import InventoryDerivation
from sealane.web.explain.selection import Selection
from sealane.web.explain.sums import Grade, worst_grade
from sealane.web.port.index import Facts, Index
from sealane.web.words import N_

LINE = N_("grams = hours x kW x g/kWh x adjustment")
LINE_SHORE = N_("grams = hours x kW from shore x g/kWh of the grid")
LINE_UPSTREAM = N_("grams = hours x kW x g/kWh from well to tank")
UPSTREAM = N_("tank-to-wake + well-to-tank")
DIFFERS = N_(
    "The lines do not come to the inventory's figure: files of the result or published tables are not those of its run."
)
CANNOT = N_("The lines cannot be priced again by this release:")
_ORIGINS: dict[str, Origin] = {
    "AIS static": "observed",
    "user file": "entered",
    "class default": "filled",
    "assumption": "filled",
    "rule": "computed",
}


def origin_of(words: str | None) -> Origin:
    """Kind of origin of a ship's particular, from the words of the vessel table."""
    return "missing" if words is None else _ORIGINS.get(words, "filled")


@lru_cache(maxsize=16)
def _explanation(folder: Path, call_id: str | None, mmsi: int, pollutant: str) -> inventory.Explanation:
    if call_id is None:
        return inventory.explain_outside_calls(folder, mmsi, pollutant)
    return inventory.explain(folder, call_id, pollutant)


def row_place(index: Index, facts: Facts) -> tuple[str | None, int, str, str | None]:
    """(call, MMSI, mode, zone) of the one row in `facts`."""
    call, ship, mode, zone = (int(facts.dims[name][0]) for name in ("call", "ship", "mode", "zone"))
    return (
        index.members("call")[call] if call >= 0 else None,
        int(index.members("ship")[ship]),
        index.members("mode")[mode],
        index.members("zone")[zone] if zone >= 0 else None,
    )


def of_row(subject: Subject, selection: Selection, facts: Facts) -> InventoryDerivation:
    """Return the derivation of one row of masses, or of one load line of it."""
    if len(facts.value) != 1:
        raise DataError(
            Phrase("The figure cannot be derived."),
            [
                Fault(
                    "basis",
                    Phrase("well-to-tank is told of one row only"),
                    Phrase("Give wtw, and narrow it down to one row."),
                )
            ],
        )
    index = subject.index
    call_id, mmsi, mode, zone = row_place(index, facts)
    source = index.members("source")[int(facts.dims["source"][0])]
    grade = worst_grade(facts)
    try:
        explanation = _explanation(index.source, call_id, mmsi, str(selection.pollutant))
    except SealaneError as error:
        return framed(
            subject, selection,
            Figure(value=facts.total, quantity="mass_g", explain=selection.path(subject.result_id), grade=grade,
                   simulated=subject.simulated),
            notes=[CANNOT, str(error)], adds_up=False, call_path=call_path(subject, call_id),
        )  # fmt: skip
    basis = "wtw" if selection.basis == "wtt" else selection.basis
    same = (mode, source, zone)
    found = [f for f in explanation.figures if (f.mode, f.source, f.zone) == same]
    own = next(figure for figure in found if figure.basis == basis)
    below = next((figure for figure in found if figure.basis == "ttw"), None)
    values = [line.upstream_g if selection.basis == "wtt" else line.grams for line in own.lines]
    if selection.line is not None:
        return _of_line(subject, selection, explanation, own, values, grade, call_id)
    has_upstream = basis == "wtw" and below is not None and any(line.upstream_g for line in own.lines)
    parts: list[Part]
    if has_upstream and selection.basis == "wtw" and below is not None:
        upstream = _in_order([line.upstream_g for line in own.lines])
        parts = [
            _part(subject, names.BASES["ttw"], selection.narrowed(basis="ttw"), below.grams, grade),
            _part(subject, names.BASES["wtt"], selection.narrowed(basis="wtt"), upstream, grade),
        ]
        equation, total = UPSTREAM, below.grams + upstream
    else:
        parts = [
            _part(subject, _line_label(line), selection.narrowed(line=number), value, grade)
            for number, (line, value) in enumerate(zip(own.lines, values, strict=True), start=1)
        ]
        equation, total = own.equation, _in_order(values)
    in_inventory = own.in_inventory if selection.basis != "wtt" else total
    adds_up = own.adds_up and total == in_inventory
    return framed(
        subject,
        selection,
        Figure(
            value=in_inventory, quantity="mass_g", explain=selection.path(subject.result_id), grade=grade,
            simulated=subject.simulated,
        ),
        equation=equation,
        inputs=_particulars(explanation),
        rows=published(own.factor_rows),
        parts=parts,
        part_dimension=names.DIMENSIONS["basis"] if equation is UPSTREAM else names.LINES,
        notes=[] if adds_up else [DIFFERS],
        adds_up=adds_up,
        call_path=call_path(subject, call_id),
        file="inventory.parquet, load_lines.parquet, vessels.parquet",
    )  # fmt: skip


def _of_line(
    subject: Subject,
    selection: Selection,
    explanation: inventory.Explanation,
    own: inventory.Figure,
    values: list[float],
    grade: Grade | None,
    call_id: str | None,
) -> InventoryDerivation:
    number = selection.line or 0
    if number > len(own.lines):
        raise DataError(
            Phrase("The figure cannot be derived."),
            [
                Fault(
                    "line",
                    Phrase("%(number)s of %(count)s", number=number, count=len(own.lines)),
                    Phrase("Open the row and choose one of its lines."),
                )
            ],
        )
    line = own.lines[number - 1]
    upstream = selection.basis == "wtt"
    factor = values[number - 1] / (line.hours * line.power_kw) if upstream else line.factor_g_per_kwh
    equation = LINE_UPSTREAM if upstream else LINE_SHORE if own.source == "shore_power" else LINE
    filled = line.evidence == "interpolated"
    inputs = [
        Input(name=N_("Hours"), value=line.hours, unit="h", origin="filled" if filled else "observed",
              source=f"load_lines.parquet: {line.evidence}"),
        Input(name=N_("Speed over ground"), value=line.speed_kn, unit="kn", origin="filled" if filled else "observed",
              source="load_lines.parquet"),
        Input(name=N_("Draught"), value=line.draught_m, unit="m",
              origin="missing" if line.draught_m is None else "observed", source="load_lines.parquet"),
        Input(name=N_("Load of the main engine"), value=line.load, unit="1", origin="computed",
              source="load_lines.parquet"),
        Input(name=N_("Power"), value=line.power_kw, unit="kW", origin="computed", source="load_lines.parquet"),
        Input(name=N_("Emission factor"), value=factor, unit="g/kWh", origin="published", source=line.regime),
        Input(name=N_("Adjustment for the load"), value=line.adjustment, unit="1", origin="computed"),
        *_particulars(explanation),
    ]  # fmt: skip
    return framed(
        subject,
        selection,
        Figure(
            value=values[number - 1], quantity="mass_g", explain=selection.path(subject.result_id),
            grade=grade, simulated=subject.simulated,
        ),
        equation=f"{equation}\n{own.equation}",
        inputs=inputs,
        rows=published(own.factor_rows),
        call_path=call_path(subject, call_id),
        file="load_lines.parquet, vessels.parquet",
    )  # fmt: skip


def _in_order(values: list[float]) -> float:
    """The sum in the kernel's order."""
    total = 0.0
    for value in values:
        total += value
    return total


def _line_label(line: inventory.Line) -> str:
    draught = f", {line.draught_m:g} m" if line.draught_m is not None else ""
    return f"{line.speed_kn:g} kn{draught}, {line.evidence}, {line.regime}"


def _part(subject: Subject, label: str, selection: Selection, value: float, grade: Grade | None) -> Part:
    return Part(
        label=label,
        figure=Figure(
            value=value, quantity="mass_g", explain=selection.path(subject.result_id), grade=grade,
            simulated=subject.simulated,
        ),
    )  # fmt: skip


def _particulars(explanation: inventory.Explanation) -> list[Input]:
    return [
        Input(
            name=PARTICULARS.get(one.name, one.name),
            value=one.value if isinstance(one.value, str) else float(one.value),
            unit=one.unit,
            origin=origin_of(one.origin),
            grade=one.grade or None,
            source=one.source or one.origin,
        )
        for one in explanation.inputs
    ]


PARTICULARS = {
    "ship_class": N_("Ship type"),
    "subtype": N_("Size class"),
    "engine_type": N_("Main engine"),
    "aux_engine_type": N_("Auxiliary engine"),
    "installed_kw": N_("Main engine power"),
    "max_speed_kn": N_("Maximum speed"),
    "max_draught_m": N_("Maximum draught"),
    "nox_tier": N_("NOx tier"),
    "keel_year": N_("Keel year"),
    "main_fuel": N_("Main fuel"),
    "length_m": N_("Length"),
    "beam_m": N_("Beam"),
    "teu": N_("Nominal capacity"),
    "dwt": N_("Deadweight"),
    "gt": N_("Gross tonnage"),
}


def published(rows: tuple[inventory.Source, ...]) -> list[PublishedRow]:
    """Published rows as the page shows them."""
    found = []
    for row in rows:
        table, _, key = row.label.partition("/")
        found.append(
            PublishedRow(
                table=table, key=key, value=row.value, unit=row.unit, source=row.source, edition=row.edition,
                grade=row.grade,
            )
        )  # fmt: skip
    return found
