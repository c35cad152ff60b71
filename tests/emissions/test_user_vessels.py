"""The user's vessels file: what is understood, and that every fault of a file is told at once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from sealane.emissions import table_file
from sealane.emissions.user_vessels import (
    COLUMN_ALIASES,
    VESSEL_FILE_COLUMNS,
    UserVessel,
    read_user_vessels,
    write_vessels_template,
)
from sealane.errors import DataError, FileFormatError


def write(tmp_path: Path, text: str, name: str = "ships.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def one(tmp_path: Path, header: str, row: str) -> UserVessel:
    (vessel,) = read_user_vessels(write(tmp_path, f"{header}\n{row}\n")).rows
    return vessel


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_user_vessels(write(tmp_path, text))
    assert caught.value.exit_code == 2
    return [str(fault) for fault in caught.value.faults]


def test_full_row(tmp_path: Path) -> None:
    vessel = one(
        tmp_path,
        "mmsi,imo,name,ship_class,teu,installed_kw,max_speed_kn,max_draught_m,engine_type,aux_engine_type,keel_year",
        "799000001,IMO9295268,ALFA,container ship,8749,57100,25.3,14.6,ssd,msd,2005",
    )
    assert vessel.imo == 9295268
    assert (vessel.ship_class, vessel.subtype) == ("Container Ship", "12,000 TEU")
    assert vessel.subtype_source is not None
    assert vessel.subtype_source.startswith("teu 8749")
    assert (vessel.engine_type, vessel.aux_engine_type, vessel.keel_year) == ("SSD", "AUX-MSD", 2005)
    assert vessel.row == 2


def test_header_spellings_units_and_notes_columns(tmp_path: Path) -> None:
    vessel = one(
        tmp_path, " MMSI ,Vessel Name,Installed [MW],Max-Draft (m),Notes of mine", "799000001,ALFA,57.1,14.6,nice ship"
    )
    assert (vessel.name, vessel.installed_kw, vessel.max_draught_m) == ("ALFA", 57_100, 14.6)


def test_excel_gives_the_same_as_csv(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["mmsi", "imo", "ship_class", "subtype", "installed_kw", "electric_drive"],
        [799000001, 9295268, "Container Ship", "5,000 TEU", 37000.5, False],
        [None, 9074729, "Cruise", "Largest", None, True],
    ]
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "ships.xlsx")
    csv_text = (
        "mmsi,imo,ship_class,subtype,installed_kw,electric_drive\n"
        '799000001,9295268,Container Ship,"5,000 TEU",37000.5,no\n'
        ",9074729,Cruise,Largest,,yes\n"
    )
    excel = read_user_vessels(tmp_path / "ships.xlsx")
    assert excel.rows == read_user_vessels(write(tmp_path, csv_text)).rows
    assert excel.file == "ships.xlsx"


def test_comments_and_empty_rows_keep_the_row_numbers(tmp_path: Path) -> None:
    (vessel,) = read_user_vessels(write(tmp_path, "# mine\n\nmmsi\n\n799000001\n")).rows
    assert vessel.row == 5


def test_all_faults_at_once_with_row_and_column(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        "mmsi,imo,ship_class,subtype,installed_kw,engine_type,nox_tier,keel_year,fuel\n"
        ",,Container Ship,Largest,1000,SSD,,,\n"
        "799000001,9295269,Container Shp,,-5,XX,,,\n"
        "799000002,,Container Ship,,37000,LNG,,,MGO\n"
        "799000002,,,,,,1,2017,\n"
        "12,,,,,,7,1800.5,\n",
    )
    text = "\n".join(found)
    for expected in (
        "ships.csv row 2, column mmsi: neither mmsi nor imo",
        "row 3, column imo: '9295269'",
        "row 3, column ship_class: 'Container Shp'",
        "Near: Container Ship",
        "row 3, column installed_kw: '-5'",
        "row 3, column engine_type: 'XX'",
        "row 4, column subtype: empty",
        "row 4, column fuel: 'MGO' in an engine of type LNG",
        "row 5, column nox_tier: 1, with keel_year 2017",
        "row 6, column mmsi: '12'",
        "row 6, column nox_tier: '7'",
        "row 6, column keel_year: '1800.5'",
    ):
        assert expected in text, f"{expected!r} not in\n{text}"
    assert all("..." not in line for line in found)


@pytest.mark.parametrize("column", ["mmsi", "imo"])
def test_the_same_ship_twice(tmp_path: Path, column: str) -> None:
    number = "799000001" if column == "mmsi" else "9295268"
    (fault,) = faults(tmp_path, f"{column}\n{number}\n{number}\n")
    assert "stands in row 2 too" in fault


def test_unknown_double_and_missing_columns(tmp_path: Path) -> None:
    text = "\n".join(faults(tmp_path, "vessel,instaled_kw,name,vessel_name\nA,1,B,C\n"))
    assert "unknown column" in text
    assert "Did you mean installed_kw" in text
    assert "same column as name" in text
    assert "neither a column mmsi nor imo" in text


def test_thousands_separators_are_refused_rather_than_guessed(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, 'mmsi,installed_kw\n799000001,"37,000"\n')
    assert "no thousands separator" in fault


@pytest.mark.parametrize(
    ("header", "row", "word"),
    [
        ("mmsi,service_speed_kn,max_speed_kn", "799000001,25,20", "above max_speed_kn"),
        ("mmsi,engine_type,electric_drive", "799000001,SSD,yes", "Electric drive is known for"),
        ("mmsi,engine_type,electric_drive", "799000001,MSD-ED,no", "Correct one"),
        ("mmsi,fuel", "799000001,LNG", "Give engine_type LNG"),
        ("mmsi,subtype", "799000001,Largest", "Give ship_class too"),
        ("mmsi,ship_class", "799000001,Vehicle Carrier", "subtypes: 4,000 Vehicles; Largest"),
        ("mmsi,electric_drive", "799000001,maybe", "Give yes or no"),
        ("mmsi", "799000001,5", "2 cells under 1 headings"),
    ],
)
def test_contradictions(tmp_path: Path, header: str, row: str, word: str) -> None:
    assert any(word in fault for fault in faults(tmp_path, f"{header}\n{row}\n"))


def test_electric_drive_and_tier_spellings(tmp_path: Path) -> None:
    vessel = one(tmp_path, "mmsi,engine_type,electric_drive,nox_tier", "799000001,MSD,yes,Tier II")
    assert (vessel.engine_type, vessel.nox_tier) == ("MSD-ED", 2)


@pytest.mark.parametrize("text", ['"Container Ship/5,000 TEU"', "container-ship 5000 teu"])
def test_class_and_subtype_may_stand_in_one_cell(tmp_path: Path, text: str) -> None:
    vessel = one(tmp_path, "mmsi,ship_class,teu", f"799000001,{text},9000")
    assert (vessel.ship_class, vessel.subtype) == ("Container Ship", "5,000 TEU")


def test_a_class_of_one_subtype_needs_none(tmp_path: Path) -> None:
    assert one(tmp_path, "mmsi,ship_class", "799000001,reefer").subtype == "All Reefer"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "holds no table"),
        (b"# only a comment\n", "holds no table"),
        ("mmsi\n799000001\n".encode("utf-16"), "NUL"),
        (b"mmsi,name\n799000001,\xe9\xe8\n", "not UTF-8"),
        (b"PK\x03\x04 broken", "no readable .xlsx"),
        (b"mmsi\n" + b"9" * 2000 + b"\n", "a cell of 2,000 characters"),
        (b'mmsi,name\n799000001,"open\n', "no valid CSV"),
        (b",".join(b"c%d" % n for n in range(200)) + b"\n", "200 columns"),
    ],
)
def test_files_that_are_no_vessels_table(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "ships.csv"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=word):
        read_user_vessels(path)


def test_header_only_and_missing_file(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "mmsi,imo\n")
    assert "no ship" in fault
    with pytest.raises(FileFormatError, match="does not exist"):
        read_user_vessels(tmp_path / "none.csv")


def test_an_excel_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ships.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "0" * 5_000_000)
    monkeypatch.setattr(table_file, "MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(FileFormatError, match="unpacks from"):
        read_user_vessels(path)


def test_template_has_every_column_and_reads_as_a_table_without_ships(tmp_path: Path) -> None:
    path = tmp_path / "vessels_template.csv"
    write_vessels_template(path)
    text = path.read_text(encoding="utf-8")
    for name, (_, _, _, meaning) in VESSEL_FILE_COLUMNS.items():
        assert name in text
        assert meaning in text
    with pytest.raises(DataError, match="no ship"):
        read_user_vessels(path)
    path.write_text(text + "799000001\n", encoding="utf-8")
    assert read_user_vessels(path).rows[0].mmsi == 799000001


def test_every_alias_points_to_a_column_and_every_column_to_a_field() -> None:
    assert {target for target, _ in COLUMN_ALIASES.values()} <= set(VESSEL_FILE_COLUMNS)
    assert set(VESSEL_FILE_COLUMNS) <= set(UserVessel.__dataclass_fields__)


def test_reference_page_lists_every_column_and_alias() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "vessels.md").read_text(encoding="utf-8")
    for name in (*VESSEL_FILE_COLUMNS, *COLUMN_ALIASES):
        assert f"`{name}`" in page, name


def workbook(tmp_path: Path, *rows: list[object]) -> Path:
    book = Workbook()
    for row in [["mmsi", "name", "installed_kw"], *rows]:
        book.active.append(row)
    book.save(tmp_path / "ships.xlsx")
    return tmp_path / "ships.xlsx"


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ([366999001, "A", "=1000*20"], "installed_kw"),
        ([366999001, "=B1", 20_000], "name"),
        (["=A9", "A", 20_000], "mmsi"),
        (["#N/A", "A", 20_000], "mmsi"),
        ([366999001, "#REF!", 20_000], "name"),
    ],
)
def test_a_formula_without_value_is_a_fault_never_an_empty_cell(tmp_path: Path, row: list[object], column: str) -> None:
    """Read as empty, a class default would silently stand for what the user wrote; a failed look-up drops the ship."""
    path = workbook(tmp_path, [366999002, "B", 10_000], row)
    with pytest.raises(DataError, match=f"row 3, column {column}"):
        read_user_vessels(path)


def test_the_saved_value_of_a_formula_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path, [366999001, "A", "=1000*20"])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert b"<f>1000*20</f><v></v>" in members[sheet] or b"<f>1000*20</f><v />" in members[sheet]
    for empty in (b"<v></v>", b"<v />"):
        members[sheet] = members[sheet].replace(b"<f>1000*20</f>" + empty, b"<f>1000*20</f><v>20000</v>")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert read_user_vessels(path).rows[0].installed_kw == 20_000


@pytest.mark.parametrize("cut", [True, False], ids=["cut off", "no XML"])
def test_a_workbook_whose_sheet_is_damaged(tmp_path: Path, cut: bool) -> None:
    path = workbook(tmp_path, [366999001, "A", 20_000])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            broken = content[: len(content) // 2] if cut else b"garbage"
            archive.writestr(name, broken if "sheet1" in name else content)
    with pytest.raises(FileFormatError, match=r"no readable \.xlsx"):
        read_user_vessels(path)
