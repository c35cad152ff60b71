"""Tables of results as CSV, Excel, Parquet and GeoJSON: the same values in each, units in headers, any length."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corridor_folders import write_comparison_folder, write_scenario_folder
from voyage_folders import write_arrival_folder, write_lane_folder

from conftest import FORMULA
from sealane.errors import DataError
from sealane.reports.export import Export, ExportFormat, export, export_folder, file_name, names_for
from sealane.reports.export_tables import INVENTORY_REPORT
from sealane.spreadsheet_text import plain


@pytest.fixture(scope="module")
def folders(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("export")
    return {
        "inventory": made,
        "lane": write_lane_folder(base / "lane", ships=3),
        "arrival": write_arrival_folder(base / "arrival"),
        "scenario": write_scenario_folder(base / "scenario"),
        "comparison": write_comparison_folder(base / "comparison"),
    }


def content(made: Export) -> bytes:
    return b"".join(made.chunks)


def csv_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.parametrize("kind", ["inventory", "lane", "arrival", "scenario", "comparison"])
def test_every_table_says_the_same_in_every_form(folders: dict[str, Path], kind: str, tmp_path: Path) -> None:
    found = export_folder(folders[kind])
    assert len(found.names) > 8
    for name in found.names:
        table = found.table(name)
        rows = csv_rows(content(export(found, name, ExportFormat.CSV)))
        assert [plain(head) for head in rows[0]] == [column.title for column in table.columns], name
        (tmp_path / "t.parquet").write_bytes(content(export(found, name, ExportFormat.PARQUET)))
        stored = pq.read_table(tmp_path / "t.parquet")
        assert stored.num_rows == table.rows == len(rows) - 1, name
        assert [f.metadata[b"title"].decode() for f in stored.schema] == [c.title for c in table.columns]
        (tmp_path / "t.xlsx").write_bytes(content(export(found, name, ExportFormat.XLSX)))
        book = openpyxl.load_workbook(tmp_path / "t.xlsx")
        sheet = book.worksheets[0]
        assert sheet.freeze_panes == "B2"
        assert book.sheetnames[1] == "Method and provenance"
        for at, values in enumerate(zip(*(column.to_pylist() for column in stored.columns), strict=True), start=1):
            for k, value in enumerate(values):
                text, cell = rows[at][k], sheet.cell(at + 1, k + 1)
                where = (name, at, table.columns[k].title)
                if value is None or (isinstance(value, float) and not math.isfinite(value)):
                    assert text == "", where
                    assert cell.value in {None, "not seen"}, where
                elif isinstance(value, bool):
                    assert text == str(value).lower(), where
                elif isinstance(value, int | float):
                    assert float(text) == value, where  # every digit
                    assert cell.data_type == "n", where
                    assert float(cell.value) == pytest.approx(float(value), rel=1e-14), where  # type: ignore[arg-type]  # a number, as asserted
                elif isinstance(value, datetime):
                    assert datetime.fromisoformat(text) == value, where
                    assert cell.is_date, where
                else:
                    assert plain(text) == value, where
                    assert cell.data_type in {"s", "n"} and cell.hyperlink is None, where


def test_units_stand_in_headers_and_are_those_of_the_tables(folders: dict[str, Path]) -> None:
    found = export_folder(folders["inventory"])
    heads = [column.title for column in found.table("activity").columns]
    assert heads == [
        "mmsi", "call_id", "hour [UTC]", "mode", "zone", "evidence", "time [h]", "distance [nm]", "main [kWh]",
        "aux [kWh]", "boiler [kWh]", "shore [kWh]",
    ]  # fmt: skip
    assert "mass [g]" in [column.title for column in found.table("inventory").columns]
    assert "CO2e well-to-wake [t]" in [column.title for column in found.table("port-calls").columns]
    assert "wtw_co2e [g]" in [column.title for column in export_folder(folders["lane"]).table("legs").columns]
    years = [column.title for column in export_folder(folders["scenario"]).table("year").columns]
    assert {"energy [TJ]", "cost_gap [USD/TEU]", "intensity [g/MJ]"} <= set(years)


def test_names_of_report_tables_are_as_announced(folders: dict[str, Path]) -> None:
    found = export_folder(folders["inventory"])
    assert tuple(found.reported) == INVENTORY_REPORT


def test_the_byte_order_mark_is_there_when_asked_for(folders: dict[str, Path]) -> None:
    for bom in (False, True):
        data = content(export(folders["inventory"], "port-calls", ExportFormat.CSV, bom=bom))
        assert data.startswith(b"\xef\xbb\xbf") == bom
        assert csv_rows(data)[0][0] == "ship"


def test_a_hostile_name_is_inert_and_comes_back(folders: dict[str, Path]) -> None:
    cells = {
        cell for row in csv_rows(content(export(folders["inventory"], "vessels", ExportFormat.CSV))) for cell in row
    }
    assert f"'{FORMULA}" in cells
    assert FORMULA not in cells
    assert FORMULA in {plain(cell) for cell in cells}


def test_simulated_data_are_labelled_in_every_row_name_and_sheet(tmp_path: Path) -> None:
    folder = write_lane_folder(tmp_path / "lane", simulated=True)
    found = export_folder(folder)
    made = export(found, "legs", ExportFormat.CSV)
    assert made.name.startswith("SIMULATED-lane-")
    rows = csv_rows(content(made))
    assert {row[0] for row in rows[1:]} == {"SIMULATED DATA"}
    (tmp_path / "t.xlsx").write_bytes(content(export(found, "legs", ExportFormat.XLSX)))
    assert {sheet["A1"].value for sheet in openpyxl.load_workbook(tmp_path / "t.xlsx")} == {"SIMULATED DATA"}
    (tmp_path / "t.parquet").write_bytes(content(export(found, "legs", ExportFormat.PARQUET)))
    assert pq.read_schema(tmp_path / "t.parquet").metadata[b"sealane.label"] == b"SIMULATED DATA"
    places = json.loads(content(export(found, "legs", ExportFormat.GEOJSON)))
    assert places["label"] == "SIMULATED DATA"
    assert {f["properties"]["label"] for f in places["features"]} == {"SIMULATED DATA"}


def test_geojson_of_an_inventory_lies_where_its_tables_say(folders: dict[str, Path]) -> None:
    found = export_folder(folders["inventory"])
    assert names_for(found, ExportFormat.GEOJSON) == ("calls", "voyages", "grid", "zones")
    cells = json.loads(content(export(found, "grid", ExportFormat.GEOJSON)))["features"]
    grid = pq.read_table(folders["inventory"] / "grid.parquet").to_pylist()
    assert len(cells) == len(grid) > 0
    for cell, row in zip(cells, grid, strict=True):
        ring = cell["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1] == pytest.approx([row["lon"], row["lat"]], abs=1e-6)
        assert ring[2] == pytest.approx([row["lon"] + 0.01, row["lat"] + 0.01], abs=1e-6)
        area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
        assert area > 0  # counter-clockwise, as RFC 7946 wants it
    calls = json.loads(content(export(found, "calls", ExportFormat.GEOJSON)))["features"]
    assert all(
        33 < f["geometry"]["coordinates"][1] < 34 and -119 < f["geometry"]["coordinates"][0] < -118 for f in calls
    )
    assert all(f["properties"]["placed"] for f in calls)
    zones = json.loads(content(export(found, "zones", ExportFormat.GEOJSON)))["features"]
    assert {"berth", "port_limit"} <= {f["properties"]["kind"] for f in zones}


def test_a_leg_across_the_antimeridian_is_cut_there(folders: dict[str, Path]) -> None:
    legs = json.loads(content(export(folders["lane"], "legs", ExportFormat.GEOJSON)))["features"]
    crossing = [f["geometry"] for f in legs if f["geometry"]["type"] == "MultiLineString"]
    assert crossing
    for geometry in crossing:
        for one, following in pairwise(geometry["coordinates"]):
            assert abs(one[-1][0]) == abs(following[0][0]) == 180.0
            assert one[-1][1] == following[0][1]
    for f in legs:
        lines = (
            f["geometry"]["coordinates"]
            if f["geometry"]["type"] == "MultiLineString"
            else [f["geometry"]["coordinates"]]
        )
        for line in lines:
            assert all(-180 <= lon <= 180 for lon, _ in line)
            assert all(abs(a[0] - b[0]) < 180 for a, b in pairwise(line))


@pytest.mark.parametrize("table", ["nope", "../calls", "", "calls.parquet", "ACTIVITY"])
@pytest.mark.parametrize("form", list(ExportFormat))
def test_an_unknown_table_is_refused_and_the_known_are_listed(
    folders: dict[str, Path], table: str, form: ExportFormat
) -> None:
    with pytest.raises(DataError, match=r"calls"):
        export(folders["inventory"], table, form)


def test_names_of_files_mean_nothing_to_anybody(tmp_path: Path) -> None:
    folder = write_scenario_folder(tmp_path / "s")
    (folder / "scenario.json").write_text(
        json.dumps(json.loads((folder / "scenario.json").read_text()) | {"scenario": '../..\r\n";港"$(x)'})
    )
    name = file_name(export_folder(folder), "year", ExportFormat.CSV)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert name.endswith("year.csv") and ".." not in name


def test_missing_and_damaged_files_are_told_at_once(folders: dict[str, Path], tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(folders["inventory"], tmp_path / "copy"))
    (folder / "activity.parquet").write_bytes(b"no")
    (folder / "grid.parquet").write_bytes(b"no")
    with pytest.raises(DataError) as caught:
        export_folder(folder)
    assert {Path(fault.where).name for fault in caught.value.faults} == {"activity.parquet", "grid.parquet"}


def test_a_table_of_no_rows_is_a_file_with_its_header(folders: dict[str, Path], tmp_path: Path) -> None:
    found = export_folder(folders["inventory"])
    empty = [name for name in found.names if not found.table(name).rows]
    assert empty
    for name in empty:
        assert len(csv_rows(content(export(found, name, ExportFormat.CSV)))) == 1
        (tmp_path / "t.parquet").write_bytes(content(export(found, name, ExportFormat.PARQUET)))
        assert pq.read_table(tmp_path / "t.parquet").num_rows == 0


ROWS, MOST_MB = 600_000, 160


def test_a_long_table_is_never_held_whole(folders: dict[str, Path], tmp_path: Path) -> None:
    """Written in batches, a table adds to the memory a part of what it takes as a whole."""
    import shutil

    folder = Path(shutil.copytree(folders["inventory"], tmp_path / "long"))
    schema = pq.read_schema(folder / "activity.parquet")
    part = ROWS // 30
    hour = datetime(2024, 3, 4, tzinfo=UTC)
    columns = {
        "mmsi": pa.array(range(part), pa.int32()),
        "call_id": pa.array([f"USLAX-{k:0360d}" for k in range(part)]),
        "hour": pa.array([hour] * part, schema.field("hour").type),
        "mode": pa.array(["berth"] * part),
        "zone": pa.array([f"zone {k % 97} of the port" for k in range(part)]),
        "evidence": pa.array(["=zone"] * part),
    }
    columns |= {name: pa.array([k * 0.1 for k in range(part)], pa.float64()) for name in schema.names[6:]}
    block = pa.table(columns, schema=schema)
    with pq.ParquetWriter(folder / "activity.parquet", schema) as writer:
        for _ in range(30):
            writer.write_table(block)
    before = pa.total_allocated_bytes()
    found = export_folder(folder)
    most = size = 0
    for form in (ExportFormat.CSV, ExportFormat.PARQUET):
        for chunk in export(found, "activity", form).chunks:
            most = max(most, pa.total_allocated_bytes() - before + len(chunk))
            size += len(chunk)
    assert size > block.nbytes
    assert most < MOST_MB * 1e6
    whole = pq.read_table(folder / "activity.parquet")
    assert pa.total_allocated_bytes() - before > MOST_MB * 1e6  # what would be seen of a table that is held whole
    assert whole.num_rows == ROWS
