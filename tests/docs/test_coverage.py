"""The coverage page: every named area has a state, what is said to exist exists, and *not built* can only shorten."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import typer

from sealane.agreements import load_agreements
from sealane.agreements.coverage import State, coverage_markdown, read_coverage
from sealane.cli.main import app
from sealane.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
CEILING = Path(__file__).with_name("not_built.txt")
CATALOGUE = load_agreements()
ROWS = read_coverage(CATALOGUE)
# The founding list had this many entries; the number may only go down.
MOST_NOT_BUILT = 21


def ceiling() -> set[str]:
    lines = CEILING.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def check_not_built(not_built: set[str], committed: set[str]) -> None:
    grown = sorted(not_built - committed)
    assert not grown, f"these were built or unknown and are now *not built*: {grown}; the list may only shorten"
    done = sorted(committed - not_built)
    assert not done, f"these are built now: take them out of {CEILING.name}: {done}"


def test_every_area_of_the_documents_has_one_row() -> None:
    assert [row.area.id for row in ROWS] == list(CATALOGUE.areas)
    assert len(ROWS) == 61


def test_the_not_built_list_can_only_shorten() -> None:
    check_not_built({row.area.id for row in ROWS if row.state is State.NOT_BUILT}, ceiling())
    assert len(ceiling()) <= MOST_NOT_BUILT


def test_the_guard_can_fail() -> None:
    committed = ceiling()
    with pytest.raises(AssertionError, match="may only shorten"):
        check_not_built(committed | {"something_new"}, committed)
    with pytest.raises(AssertionError, match="take them out"):
        check_not_built(committed - {"water_quality"}, committed)


@pytest.mark.parametrize("row", [row for row in ROWS if row.state is not State.NOT_BUILT], ids=lambda row: row.area.id)
def test_object_command_and_page_exist(row: object) -> None:
    module, _, name = row.object.rpartition(".")  # type: ignore[attr-defined] # parametrised over rows
    assert callable(getattr(importlib.import_module(module), name))
    command = typer.main.get_command(app)
    for word in row.command.split():  # type: ignore[attr-defined] # see above
        command = command.get_command(None, word)  # type: ignore[attr-defined] # groups only
        assert command is not None
    assert (ROOT / "docs" / row.page).is_file()  # type: ignore[attr-defined] # see above


def test_the_page_lists_every_row_and_agreement() -> None:
    page = coverage_markdown(CATALOGUE, ROWS)
    for row in ROWS:
        line = next(line for line in page.splitlines() if f"(`{row.area.id}`)" in line)
        assert row.state in line
        assert all(str(source) in line for source in row.area.named_in)
    for agreement in CATALOGUE.agreements:
        assert re.search(rf"^\| `{agreement.id}` \|", page, re.MULTILINE)


def test_a_faulty_coverage_file_lists_all_faults(tmp_path: Path) -> None:
    file = tmp_path / "coverage.yaml"
    file.write_text(
        "metrics: {state: done, object: sealane.calc, command: calc, page: index.md}\n"
        "air: {state: built, object: sealane.calc, command: calc, page: index.md}\n"
        "energy_use: {state: partly built, object: sealane.calc, command: calc, page: index.md}\n"
        "water_quality: {state: built}\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError) as caught:
        read_coverage(CATALOGUE, file)
    where = {fault.where for fault in caught.value.faults}
    assert where == {
        "coverage.yaml: metrics.state",
        "coverage.yaml: air",
        "coverage.yaml: energy_use.note",
        "coverage.yaml: water_quality.object",
        "coverage.yaml: water_quality.command",
        "coverage.yaml: water_quality.page",
    }
