"""The whole job on the simulated week, against its truth: calls, hours by mode, energy.

The bounds are those the project set itself: precision and recall of calls at least 0.98, hours by mode and energy by
source within 2 %.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.samples.comparison import Comparison, compare_with_truth
from sealane.samples.los_angeles_week import PORT, SimulatedWeek, write_simulated


def run(week: SimulatedWeek, folder: Path, positions: Path, vessels: Path | None) -> Comparison:
    out = folder / "out"
    run_inventory(InventoryRequest(positions=(positions,), port=PORT, out=out, vessels=vessels, threads=1))
    return compare_with_truth(week, pq.read_table(out / "calls.parquet"), pq.read_table(out / "activity.parquet"))


@pytest.fixture(scope="module")
def files(week: SimulatedWeek, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return write_simulated(week, tmp_path_factory.mktemp("week"))


def assert_truth_is_found(found: Comparison) -> None:
    assert found.precision >= 0.98, found.invented
    assert found.recall >= 0.98, found.missed
    assert found.same_stops >= 0.98
    for mode, difference in found.hours.items():
        # Next to no hours are truly adrift: there the bound is 2 % of an hour per call, not of nothing.
        assert abs(difference.found - difference.truth) <= max(0.02 * difference.truth, 0.8), (mode, difference)
    for source in found.energy:
        assert abs(found.energy[source].relative) <= 0.02, (source, found.energy[source])
        assert abs(found.energy_anywhere[source].relative) <= 0.02, (source, found.energy_anywhere[source])


def test_calls_hours_and_energy(week: SimulatedWeek, files: tuple[Path, ...], tmp_path: Path) -> None:
    """Berths are not given: the program learns them."""
    assert_truth_is_found(run(week, tmp_path, files[0], files[1]))


def test_without_reported_status(week: SimulatedWeek, files: tuple[Path, ...], tmp_path: Path) -> None:
    table = pa_csv.read_csv(files[0], convert_options=pa_csv.ConvertOptions(strings_can_be_null=True))
    at = table.column_names.index("Status")
    positions = tmp_path / "SIMULATED_without_status.csv"
    pa_csv.write_csv(table.set_column(at, "Status", pa.nulls(table.num_rows, pa.int8())), positions)
    assert_truth_is_found(run(week, tmp_path, positions, files[1]))


def test_without_the_vessels_file_the_energy_is_off(
    week: SimulatedWeek, files: tuple[Path, ...], tmp_path: Path
) -> None:
    """The yardstick can fail: calls need no particulars, energy does."""
    found = run(week, tmp_path, files[0], None)
    assert found.recall >= 0.98
    assert abs(found.energy["auxiliary"].relative) > 0.02
    assert abs(found.energy["boiler"].relative) > 0.02
