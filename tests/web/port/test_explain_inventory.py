"""Derivations: parts add up to their figure to the last bit, down to the lines the kernel priced."""

from __future__ import annotations

import csv
import dataclasses
import io
import random
import shutil
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sealane.errors import DataError
from sealane.web.explain import sums
from sealane.web.explain.derive import Subject, derive
from sealane.web.explain.model import InventoryDerivation
from sealane.web.explain.room import parts_csv
from sealane.web.explain.selection import Selection, explain_path
from sealane.web.port.index import Index, open_index

ROOTS = [
    Selection(quantity="mass", pollutant="nox", basis="ttw"),
    Selection(quantity="mass", pollutant="co2e", basis="wtw"),
    Selection(quantity="energy"),
    Selection(quantity="hours"),
    Selection(quantity="distance"),
    Selection(quantity="calls"),
    Selection(quantity="ships"),
    Selection(quantity="unobserved"),
    Selection(quantity="interpolated"),
]


def selection_of(path: str) -> Selection:
    return Selection.model_validate(dict(parse_qsl(urlsplit(path).query)))


def total(found: InventoryDerivation, *, backwards: bool = False) -> float:
    summed = 0.0
    for part in found.parts[::-1] if backwards else found.parts:
        assert part.figure.value is not None
        summed += part.figure.value
    return summed


def is_row(selection: Selection, found: InventoryDerivation) -> bool:
    """Whether the figure is one row of the inventory, which the kernel added up in floats."""
    return selection.quantity == "mass" and (found.adds_up is not None or selection.line is not None)


def walk(subject: Subject, root: Selection, visits: int) -> list[tuple[Selection, InventoryDerivation]]:
    """Derivations met on random ways down from one figure."""
    chance = random.Random(7)
    waiting, seen = [root.path("the-result")], set()
    found: list[tuple[Selection, InventoryDerivation]] = []
    while waiting and len(found) < visits:
        path = waiting.pop(chance.randrange(len(waiting)))
        if path in seen:
            continue
        seen.add(path)
        selection = selection_of(path)
        derivation = derive(subject, selection)
        found.append((selection, derivation))
        waiting += [part.figure.explain for part in chance.sample(derivation.parts, min(4, len(derivation.parts)))]
        waiting += [way.path for way in derivation.divisions]
    return found


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.query())
def test_parts_add_up_to_the_last_bit(subject: Subject, root: Selection) -> None:
    found = walk(subject, root, 60)
    for selection, derivation in found:
        assert derivation.figure.explain == selection.path("the-result")
        assert derivation.adds_up is not False
        if not derivation.parts:
            continue
        assert total(derivation) == derivation.figure.value, selection.query()
        if not is_row(selection, derivation):
            assert total(derivation, backwards=True) == derivation.figure.value, selection.query()
    assert any(len(derivation.parts) > 1 for _, derivation in found)


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.query())
def test_a_part_is_the_figure_of_its_own_derivation(subject: Subject, root: Selection) -> None:
    step = subject.index.meta["quanta"].get(f"{root.pollutant}-{root.basis}", 0.0)
    for selection, derivation in walk(subject, root, 25):
        for part in derivation.parts[:5]:
            own = derive(subject, selection_of(part.figure.explain))
            if is_row(selection_of(part.figure.explain), own) and not is_row(selection, derivation):
                assert own.figure.value is not None
                assert part.figure.value is not None
                assert abs(own.figure.value - part.figure.value) <= step / 2
            else:
                assert own.figure.value == part.figure.value


@pytest.mark.parametrize(("pollutant", "basis"), [("nox", "ttw"), ("co2e", "ttw"), ("co2e", "wtw"), ("pm25", "ttw")])
def test_every_row_comes_to_its_lines(subject: Subject, week_folder: Path, pollutant: str, basis: str) -> None:
    """Each row of the inventory, inside calls and outside, is priced again and found bit for bit."""
    wanted = (pc.field("pollutant") == pollutant) & (pc.field("basis") == basis)
    rows = pq.read_table(week_folder / "inventory.parquet", filters=wanted).to_pylist()
    chance = random.Random(3)
    shore = [row for row in rows if row["source"] == "shore_power"][:5]
    for row in [*chance.sample(rows, min(60, len(rows))), *shore]:
        found = derive(
            subject,
            selection_of(
                explain_path(
                    "the-result", pollutant=pollutant, basis=basis, mode=row["mode"], source=row["source"],
                    zone=row["zone"] or "none", call_id=row["call_id"] or "none", mmsi=row["mmsi"],
                )
            ),
        )  # fmt: skip
        assert found.adds_up is True
        assert found.figure.value == row["grams"]
        assert found.figure.grade == row["grade"]
        assert total(found) == row["grams"]
        assert found.rows or not found.parts
        assert found.equation


def test_shore_power_is_derived_from_the_grid(subject: Subject) -> None:
    found = derive(subject, Selection(quantity="mass", pollutant="co2e", basis="wtw", source="shore_power"))
    assert found.figure.value
    while found.parts and selection_of(found.parts[0].figure.explain).line is None:
        found = derive(subject, selection_of(found.parts[0].figure.explain))
    assert [row.table for row in found.rows] == ["grid_carbon_intensity"]
    line = derive(subject, selection_of(found.parts[0].figure.explain))
    values = {one.name: one.value for one in line.inputs}
    hours, power, factor = values["Hours"], values["Power"], values["Emission factor"]
    assert isinstance(hours, float)
    assert isinstance(power, float)
    assert isinstance(factor, float)
    assert line.figure.value == power * hours * factor


def test_changed_lines_are_told(week_folder: Path, tmp_path: Path) -> None:
    """The control: where a file of the result was changed, the derivation says that it does not add up."""
    broken = tmp_path / "week"
    shutil.copytree(week_folder, broken)
    table = pq.read_table(broken / "load_lines.parquet")
    hours = [value * 1.0000001 for value in table["hours"].to_pylist()]
    place = table.schema.get_field_index("hours")
    pq.write_table(table.set_column(place, "hours", pa.array(hours)), broken / "load_lines.parquet")
    subject = Subject("the-result", True, "0" * 64, open_index(broken, tmp_path / "index"))
    found = [one for _, one in walk(subject, ROOTS[0], 80) if one.adds_up is not None]
    assert found
    assert all(one.adds_up is False and one.notes for one in found if one.figure.value)


def test_well_to_wake_is_both_of_its_parts(subject: Subject) -> None:
    rows = [one for s, one in walk(subject, ROOTS[1], 120) if one.adds_up is not None and len(one.parts) == 2
            and s.basis == "wtw" and selection_of(one.parts[0].figure.explain).line is None]  # fmt: skip
    assert rows
    for found in rows:
        ttw, wtt = (derive(subject, selection_of(part.figure.explain)) for part in found.parts)
        assert ttw.figure.value is not None
        assert wtt.figure.value is not None
        assert ttw.figure.value + wtt.figure.value == found.figure.value
        assert total(wtt) == wtt.figure.value
        assert wtt.adds_up


def test_many_ships_are_told_by_the_hundred(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "MAX_PARTS", 4)
    found = derive(subject, Selection(quantity="mass", pollutant="nox", basis="ttw", by="mmsi"))
    ships, told = len(found.parts), 0
    assert ships == 5
    while True:
        assert total(found) == found.figure.value
        told += len(found.parts)
        last = selection_of(found.parts[-1].figure.explain)
        if last.skip is None:
            break
        told -= 1
        rest = found.parts[-1].figure.value
        found = derive(subject, last)
        assert found.figure.value == rest
    everyone = subject.index.mass("nox", "ttw").dims["ship"]
    assert told == len(set(everyone.tolist()))


def test_shares_are_told_with_both_masses(subject: Subject) -> None:
    filled = derive(subject, Selection(quantity="filled", pollutant="nox", basis="ttw"))
    above, below = (one.value for one in filled.inputs)
    assert isinstance(above, float)
    assert isinstance(below, float)
    assert filled.figure.value == above / below
    share = derive(subject, Selection(quantity="share", pollutant="nox", basis="ttw", mode="berth"))
    for one in (*filled.inputs, *share.inputs):
        assert one.link is not None
        assert derive(subject, selection_of(one.link)).figure.value == one.value


@pytest.mark.parametrize(
    ("selection", "where"),
    [
        (Selection(quantity="mass", pollutant="bc", basis="ttw"), ["pollutant and basis"]),
        (Selection(quantity="mass", confidence=3, evidence="zone"), ["evidence", "confidence"]),
        (Selection(quantity="hours", source="main", ship_class="Rowing boat"), ["source", "ship_class"]),
        (Selection(quantity="mass", mmsi=123, call_id="USLAX-1"), ["mmsi", "call_id"]),
        (Selection(quantity="mass", line=2), ["line"]),
        (Selection(quantity="mass", basis="wtt", pollutant="co2e"), ["basis"]),
        (Selection(quantity="calls", by="mode"), ["by"]),
        (Selection(quantity="mass", ship="MAERSK"), ["ship"]),
        (Selection(quantity="quality", item="made_up"), ["item"]),
    ],
)
def test_every_wrong_filter_is_named(subject: Subject, selection: Selection, where: list[str]) -> None:
    with pytest.raises(DataError) as error:
        derive(subject, selection)
    assert sorted(fault.where for fault in error.value.faults) == sorted(where)


def test_parts_as_a_table_sum_to_the_figure(subject: Subject) -> None:
    found = derive(subject, Selection(quantity="mass", pollutant="nox", basis="ttw", by="mmsi"))
    rows = list(csv.DictReader(io.StringIO(parts_csv(found, "https://port.example"))))
    assert sum(float(row["value [g]"]) for row in rows) == found.figure.value
    assert all(row["simulated"] == "SIMULATED" for row in rows)
    assert rows[0]["derivation"].startswith("https://port.example/explain/inventory/the-result?")


def test_a_name_that_looks_like_a_formula_stays_a_name(subject: Subject) -> None:
    found = derive(subject, Selection(quantity="mass", pollutant="nox", basis="ttw", by="mmsi"))
    evil = found.model_copy(update={"parts": [found.parts[0].model_copy(update={"label": '=HYPERLINK("http://x")'})]})
    rows = list(csv.reader(io.StringIO(parts_csv(evil, "https://port.example"))))
    assert rows[1][0] == '\'=HYPERLINK("http://x")'


def test_links_are_the_same_for_the_same_figure() -> None:
    a = explain_path("r", pollutant="nox", mode="berth", ship_class="Oil Tanker", zone="A & B")
    b = explain_path("r", zone="A & B", ship_class="Oil Tanker", mode="berth", pollutant="nox")
    assert a == b == "/explain/inventory/r?pollutant=nox&mode=berth&ship_class=Oil+Tanker&zone=A+%26+B"
    assert selection_of(a) == Selection(pollutant="nox", mode="berth", ship_class="Oil Tanker", zone="A & B")


def test_calls_of_a_ship_by_number_or_name(week_index: Index) -> None:
    calls = week_index.table("calls").to_pylist()
    ship = next(row for row in calls if row["imo"])
    mine = [row["mmsi"] == ship["mmsi"] for row in calls]
    for text in (
        str(ship["imo"]),
        f"IMO {ship['imo']}",
        f" imo{ship['imo']} ",
        str(ship["mmsi"]),
        f"MMSI {ship['mmsi']}",
    ):
        assert sums.calls_of(week_index, text).tolist() == mine
    assert sums.calls_of(week_index, ship["vessel_name"].lower()).tolist() == mine
    assert not sums.calls_of(week_index, str(ship["imo"])[:-1] + "0").any() or ship["imo"] % 10 == 0
    assert sums.calls_of(week_index, "simulated").all()


def test_result_is_not_touched(week_folder: Path, subject: Subject) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in week_folder.iterdir()}
    walk(dataclasses.replace(subject), ROOTS[0], 10)
    assert {path.name: path.stat().st_mtime_ns for path in week_folder.iterdir()} == before
