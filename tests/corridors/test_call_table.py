"""Port calls are read whole or refused with every fault; told once, whatever the order."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.corridors.call_folder import is_inventory_folder
from sealane.corridors.call_merge import Part, merge_parts
from sealane.corridors.call_table import CALL_COLUMNS, CALLS_SCHEMA, read_call_table, read_calls
from sealane.errors import DataError, FileFormatError
from sealane.inventory.schemas import CALLS, EVENTS, VOYAGES

HEADER = "imo,port,arrival,departure"
ONE = "9321483,USLAX,2026-07-01T08:00:00Z,2026-07-03T08:00:00Z"
TWO = "9321483,CNSHA,2026-07-20T08:00:00Z,2026-07-22T08:00:00Z"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def faults_of(*paths: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_calls(paths)
    return [f"{fault.where}: {fault.found}" for fault in caught.value.faults]


def test_all_columns_come_in_and_are_named(tmp_path: Path) -> None:
    table = read_calls([write(tmp_path / "a.csv", HEADER, TWO, ONE)])
    assert table.schema.equals(CALLS_SCHEMA)
    assert set(CALL_COLUMNS) == set(CALLS_SCHEMA.names)
    assert table["port"].to_pylist() == ["USLAX", "CNSHA"]
    assert table["call_id"].to_pylist()[0] == "USLAX-9321483-20260701T080000Z"
    assert table["source"].to_pylist() == ["own_file"] * 2
    assert table["observed"].to_pylist() == [True] * 2
    assert table["simulated"].to_pylist() == [False] * 2


def test_every_fault_is_listed_with_its_row_and_column(tmp_path: Path) -> None:
    path = write(
        tmp_path / "bad.csv",
        "imo,port,arrival,departure,berth_start,berth_h,teu,ship_class,zeppelins",
        "9321484,USLAX,2026-07-01T08:00:00,2026-07-03T08:00:00Z,,,,,",
        ",USLA,2026-13-01T08:00:00Z,2026-07-03T08:00:00Z,,,,,",
        "9321483,USLAX,2026-07-05T08:00:00Z,2026-07-03T08:00:00Z,,,many,,",
        "9321483,CNSHA,2026-08-01T08:00:00Z,2026-08-02T08:00:00Z,2026-08-09T00:00:00Z,99,-5,Zeppelin,",
        "9321483,JPYOK,,,,,,,",
    )
    found = "\n".join(faults_of(path))
    for expected in (
        "bad.csv row 1, column zeppelins: unknown column",
        "bad.csv row 2, column arrival: '2026-07-01T08:00:00'",
        "bad.csv row 3, column arrival: '2026-13-01T08:00:00Z'",
        "bad.csv row 4, column teu: 'many'",
        "bad.csv row 2, column imo: 9321484",
        "bad.csv row 3, column imo: no ship",
        "bad.csv row 3, column port: 'USLA'",
        "bad.csv row 4, column departure: 2026-07-03T08:00:00Z lies before arrival",
        "bad.csv row 5, column berth_start: 2026-08-09T00:00:00Z lies outside arrival to departure",
        "bad.csv row 5, column berth_h: 99.00 h in all modes, but the call lasts 24.00 h",
        "bad.csv row 5, column teu: -5",
        "bad.csv row 5, column ship_class: No ship class 'Zeppelin'",
        "bad.csv row 6, column arrival: neither arrival nor departure",
    ):
        assert expected in found
    assert len(found.splitlines()) == 13


def test_a_file_that_is_no_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not exist"):
        read_calls([tmp_path / "nothing.csv"])
    with pytest.raises(FileFormatError, match="NUL bytes"):
        read_calls([write(tmp_path / "nul.csv", "a\x00b")])
    with pytest.raises(FileFormatError, match=r"no calls\.parquet"):
        read_calls([tmp_path])
    with pytest.raises(DataError, match="no file and no folder"):
        read_calls([])
    assert "no column imo or mmsi" in "\n".join(faults_of(write(tmp_path / "c.csv", "port,arrival", "USLAX,")))


def test_a_ship_in_two_ports_at_once_is_refused_and_explained(tmp_path: Path) -> None:
    other = "9321483,JPYOK,2026-07-02T08:00:00Z,2026-07-05T08:00:00Z"
    found = faults_of(write(tmp_path / "a.csv", HEADER, ONE, other))
    assert found == [
        "a.csv row 3: the ship is at JPYOK from 2026-07-02T08:00:00Z, "
        "but at USLAX until 2026-07-03T08:00:00Z (a.csv row 2)"
    ]
    # Neighbouring port limits overlap: an hour is no fault.
    near = "9321483,USLGB,2026-07-03T07:00:00Z,2026-07-05T08:00:00Z"
    assert len(read_calls([write(tmp_path / "b.csv", HEADER, ONE, near)])) == 2


def test_one_source_telling_one_call_twice_is_refused(tmp_path: Path) -> None:
    again = "9321483,USLAX,2026-07-02T08:00:00Z,2026-07-04T08:00:00Z"
    assert "overlaps the call of the same ship at USLAX" in faults_of(write(tmp_path / "a.csv", HEADER, ONE, again))[0]


def test_the_same_row_twice_is_told_once_even_without_an_end(tmp_path: Path) -> None:
    row = "9321483,USLAX,2026-07-01T08:00:00Z,"
    assert read_call_table([write(tmp_path / "a.csv", HEADER, row, row)]).told_twice == 1


def test_a_partner_fills_what_the_own_row_lacks(tmp_path: Path) -> None:
    own = write(tmp_path / "own.csv", HEADER, ONE)
    partner = write(
        tmp_path / "partner.csv",
        "imo,port,arrival,departure,source,cargo_teu_loaded,carrier",
        "9321483,USLAX,2026-07-01T10:00:00Z,2026-07-03T07:00:00Z,partner:x,600,A Line",
    )
    found = read_call_table([partner, own])
    assert found.told_twice == 1
    row = found.table.to_pylist()[0]
    assert row["source"] == "own_file"
    assert row["arrival"] == dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)
    assert (row["cargo_teu_loaded"], row["carrier"]) == (600.0, "A Line")
    assert "filled from the other" in found.notes[0]


def test_an_mmsi_is_joined_to_its_imo_number(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "imo,mmsi,port,arrival",
        "9321483,366999999,USLAX,2026-07-01T08:00:00Z",
        ",366999999,CNSHA,2026-07-20T08:00:00Z",
    )
    assert read_calls([path])["imo"].to_pylist() == [9321483, 9321483]


def test_simulated_is_carried_from_comment_name_and_column(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", HEADER, ONE)
    commented = write(tmp_path / "b.csv", "# SIMULATED DATA", HEADER, TWO)
    found = read_call_table([plain, commented])
    assert found.table["simulated"].to_pylist() == [False, True]
    assert found.notes[0] == "SIMULATED DATA"
    named = write(tmp_path / "c.csv", "imo,ship_name,port,arrival", "9321483,simulated one,USLAX,2026-07-01T08:00:00Z")
    assert read_calls([named])["simulated"].to_pylist() == [True]


def test_excel_and_parquet_tell_the_same(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    table = read_calls([write(tmp_path / "a.csv", HEADER, ONE, TWO)])
    pq.write_table(table.drop_columns(["call_id"]), tmp_path / "a.parquet")
    book = openpyxl.Workbook()
    book.active.append(HEADER.split(","))
    for line in (ONE, TWO):
        cells: list[object] = list(line.split(","))
        cells[2:] = [dt.datetime.fromisoformat(str(c)).replace(tzinfo=None) for c in cells[2:]]
        book.active.append([int(str(cells[0])), *cells[1:]])
    book.save(tmp_path / "a.xlsx")
    assert read_calls([tmp_path / "a.parquet"]).equals(table)
    assert read_calls([tmp_path / "a.xlsx"]).equals(table)


def _inventory(folder: Path) -> Path:
    folder.mkdir()
    begin = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)

    def rows(spec: object, some: list[dict[str, object]]) -> pa.Table:
        schema = spec.schema  # type: ignore[attr-defined] # a TableSpec
        return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in some], schema=schema)

    call = {
        "call_id": "USLAX-366999999-20260701T000000Z",
        "mmsi": 366999999,
        "vessel_name": "A SHIP",
        "ship_class": "Container Ship",
        "subtype": "8,000 TEU",
        "port": "USLAX",
        "arrival": begin,
        "departure": begin + dt.timedelta(hours=40),
        "first_seen": begin,
        "last_seen": begin + dt.timedelta(hours=40),
        "berth_h": 30.0,
        "anchorage_h": 8.0,
        "manoeuvring_h": 1.0,
        "transit_h": 1.0,
    }
    left_out = {**call, "call_id": "x", "mmsi": 366999998, "ship_class": None}
    pq.write_table(rows(CALLS, [call, left_out]), folder / "calls.parquet")
    events = [
        {"call_id": call["call_id"], "mmsi": 366999999, "time": begin + dt.timedelta(hours=h), "event": name}
        for h, name in ((1, "anchorage_start"), (9, "anchorage_end"), (10, "berth_start"), (20, "berth_end"))
    ]
    events += [
        {**events[2], "time": begin + dt.timedelta(hours=21)},
        {**events[3], "time": begin + dt.timedelta(hours=39)},
    ]
    pq.write_table(rows(EVENTS, events), folder / "events.parquet")
    voyage = {
        "mmsi": 366999999,
        "to_call_id": call["call_id"],
        "from_port": "USOAK",
        "distance_nm": 120.0,
        "unobserved_h": 200.0,
    }
    pq.write_table(rows(VOYAGES, [voyage]), folder / "voyages.parquet")
    (folder / "provenance.json").write_text('{"port": "USLAX"}')
    return folder


def test_an_inventory_folder_is_own_ais(tmp_path: Path) -> None:
    folder = _inventory(tmp_path / "inv")
    assert is_inventory_folder(folder)
    row = read_calls([folder]).to_pylist()
    assert len(row) == 1, "a vessel outside the inventory is left out"
    assert (row[0]["source"], row[0]["sailed_from"]) == ("own_ais", "USOAK")
    assert (row[0]["berth_h"], row[0]["transit_h"], row[0]["sailed_nm"], row[0]["sailed_unobserved_h"]) == (
        30,
        1,
        120,
        200,
    )
    begin = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    assert row[0]["berth_start"] == begin + dt.timedelta(hours=10)
    assert row[0]["berth_end"] == begin + dt.timedelta(hours=39), "the last of two stays"
    assert row[0]["simulated"] is False
    (folder / "quality.json").write_text('{"notes": ["SIMULATED DATA"]}')
    assert read_calls([folder])["simulated"].to_pylist() == [True]
    (folder / "events.parquet").unlink()
    with pytest.raises(FileFormatError, match=r"events\.parquet is missing"):
        read_calls([folder])


sources = st.sampled_from(["own_ais", "own_file", "partner:a", "partner:b"])


@given(
    st.lists(
        st.tuples(st.sampled_from([9321483, 9074729]), st.integers(0, 12), st.integers(0, 5), sources),
        max_size=14,
        unique=True,
    ),
    st.randoms(use_true_random=False),
)
def test_order_and_division_do_not_matter(calls: list[tuple[int, int, int, str]], shuffle: random.Random) -> None:
    """Whatever is told by whom, the same rows give the same table or the same refusal."""
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    rows = [
        {
            "imo": imo,
            "port": ("USLAX", "CNSHA", "JPYOK")[week % 3],
            "arrival": begin + dt.timedelta(days=7 * week, hours=shift),
            "departure": begin + dt.timedelta(days=7 * week + 1, hours=shift),
            "source": source,
            "berth_h": float(shift),
            "carrier": source,
        }
        for imo, week, shift, source in calls
    ]
    schema = pa.schema(
        [CALLS_SCHEMA.field(name) for name in ("imo", "port", "arrival", "departure", "source", "berth_h", "carrier")]
    )

    def merged(some: list[dict[str, object]], cut: int) -> pa.Table | str:
        parts = [
            Part.of(pa.Table.from_pylist(piece, schema=schema), f"part{number}", str(hash(str(piece))), "own_file")
            for number, piece in enumerate((some[:cut], some[cut:]))
        ]
        try:
            return merge_parts(parts, []).table
        except DataError as refusal:
            return f"{len(refusal.faults)} faults"

    first = merged(rows, len(rows))
    other = list(rows)
    shuffle.shuffle(other)
    second = merged(other, shuffle.randint(0, len(rows)))
    assert first == second if isinstance(first, str) else first.equals(second)


def test_a_header_that_is_none_gives_one_fault(tmp_path: Path) -> None:
    semicolons = faults_of(write(tmp_path / "s.csv", "imo;port;arrival", "9321483;USLAX;2026-07-01T08:00:00Z"))
    assert semicolons == ["s.csv row 1: columns with semicolons between them"]
    titled = faults_of(write(tmp_path / "t.csv", "Calls of the service,,,", HEADER, ONE))
    assert titled == ["t.csv row 1: 'Calls of the service' names no column of port calls"]
    lacking = faults_of(write(tmp_path / "l.csv", "imo,port,eta", "9321483,USLAX,2026-07-01T08:00:00Z"))
    assert lacking == ["l.csv row 1, column eta: unknown column", "l.csv row 1: no column arrival or departure"]


def test_a_time_that_cannot_be_read_is_one_fault(tmp_path: Path) -> None:
    bad = faults_of(write(tmp_path / "a.csv", HEADER, "9321483,USLAX,2026-07-01 08:00,"))
    assert bad == ["a.csv row 2, column arrival: '2026-07-01 08:00'"]
    missing = faults_of(write(tmp_path / "b.csv", HEADER, "9321483,USLAX,,"))
    assert missing == ["b.csv row 2, column arrival: neither arrival nor departure"]


def test_an_unknown_class_is_told_of_its_own_column(tmp_path: Path) -> None:
    row = "9321483,USLAX,2026-07-01T08:00:00Z,2026-07-02T08:00:00Z"
    (told,) = faults_of(write(tmp_path / "a.csv", f"{HEADER},ship_class,subtype", f'{row},Boxship,"8,000 TEU"'))
    assert told.startswith("a.csv row 2, column ship_class: No ship class 'Boxship'")
    (told,) = faults_of(write(tmp_path / "a.csv", f"{HEADER},ship_class,subtype", f'{row},Container Ship,"9 TEU"'))
    assert told.startswith("a.csv row 2, column subtype: No subtype of Container Ship '9 TEU'")
    assert not told.endswith("..")


def test_codes_of_no_known_port_are_noted_with_the_nearest(tmp_path: Path) -> None:
    slip = "9321483,USLXA,2026-08-01T08:00:00Z,2026-08-02T08:00:00Z"
    notes = read_call_table([write(tmp_path / "a.csv", HEADER, ONE, slip)]).notes
    assert notes == ("Ports that are not known, so that no distance to them is: USLXA, 1 calls (did you mean USLAX?).",)
    assert read_call_table([write(tmp_path / "b.csv", HEADER, ONE)]).notes == ()
