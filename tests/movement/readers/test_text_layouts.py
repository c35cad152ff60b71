"""MarineCadastre by year, Danish Maritime Authority and generic text give the same rows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sealane.errors import DataError, FileFormatError, InputError
from sealane.movement.staging import Staged, read_bucket, stage

HEADER_2018 = (
    "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo,"
    "TransceiverClass\n"
)
EXPECTED = {
    "mmsi": 367000140,
    "time": datetime(2020, 6, 30, 1, 2, 3, tzinfo=UTC),
    "lat": 40.64409,
    "lon": -74.07157,
    "sog_kn": 12.5,
    "cog_deg": -60.6,
    "heading_deg": 511.0,
    "nav_status": 5,
    "draught_m": 11.2,
    "transceiver_class": "A",
    "imo": 9295268,
    "vessel_name": "OOCL TEST",
    "call_sign": "WYR3371",
    "ais_type": 70,
    "length_m": 294.0,
    "beam_m": 32.0,
}


def staged_rows(
    folder: Path, text: str | bytes, name: str = "in.csv", **options: Any
) -> tuple[Staged, list[dict[str, Any]]]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    staged = stage([path], folder / "out", **options)
    return staged, [row for bucket in staged.buckets for row in read_bucket(staged, bucket).to_pylist()]


LAYOUTS = {
    "2015-2017, status in words": (
        HEADER_2018.replace(",TransceiverClass", ""),
        "367000140,2020-06-30T01:02:03,40.64409,-74.07157,12.5,-60.6,511.0,OOCL TEST,IMO9295268,WYR3371,1004,moored,"
        "294,32,11.2,70\n",
    ),
    "2018-2024": (
        HEADER_2018,
        "367000140,2020-06-30T01:02:03,40.64409,-74.07157,12.5,-60.6,511.0,OOCL TEST,IMO9295268,WYR3371,70,5,294,32,"
        "11.2,70,A\n",
    ),
    "2025, lower case": (
        "mmsi,base_date_time,longitude,latitude,sog,cog,heading,vessel_name,imo,call_sign,vessel_type,status,length,"
        "width,draft,cargo,transceiver\n",
        "367000140,2020-06-30 01:02:03,-74.07157,40.64409,12.5,-60.6,511,OOCL TEST,IMO9295268,WYR3371,70,5,294,32,11.2,"
        "70,A\n",
    ),
    "sample, codes as decimals": (
        "BaseDateTime,LON,LAT,MMSI,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,draught,"
        "Cargo,TranscieverClass,ETA\n",
        "2020-06-30T01:02:03,-74.07157,40.64409,367000140,12.5,-60.6,511.0,OOCL TEST,IMO9295268,WYR3371,70.0,5.0,294.0,"
        "32.0,11.2,69.0,A,2020-06-30T12:01:00\n",
    ),
    "Danish Maritime Authority": (
        "# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational status,ROT,SOG,COG,Heading,IMO,Callsign,Name,"
        "Ship type,Cargo type,Width,Length,Type of position fixing device,Draught,Destination,ETA,Data source type,A,"
        "B,C,D\n",
        "30/06/2020 01:02:03,Class A,367000140,40.64409,-74.07157,Moored,0.0,12.5,-60.6,511,9295268,WYR3371,OOCL TEST,"
        "Cargo,,32,294,GPS,11.2,AARHUS,01/07/2020 12:00:00,AIS,200,94,16,16\n",
    ),
    "our own names": (
        ",".join(EXPECTED) + "\n",
        "367000140,2020-06-30T01:02:03Z,40.64409,-74.07157,12.5,-60.6,511,5,11.2,A,9295268,OOCL TEST,WYR3371,70,294,"
        "32\n",
    ),
    "semicolons and decimal commas": (
        "mmsi;timestamp;lat;lon;sog;cog;heading;nav_status;draught;transceiver;imo;name;callsign;ship_type;length;beam\n",
        "367000140;2020-06-30 01:02:03;40,64409;-74,07157;12,5;-60,6;511;5;11,2;A;9295268;OOCL TEST;WYR3371;70;294;"
        "32\n",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_layout_gives_the_same_row(layout: str, newline: str, tmp_path: Path) -> None:
    header, row = LAYOUTS[layout]
    staged, rows = staged_rows(tmp_path, (header + row).replace("\n", newline))
    expected = dict(EXPECTED)
    if "TransceiverClass" not in header and layout.startswith("2015"):
        expected["transceiver_class"] = None
        assert staged.columns_missing == ("transceiver_class",)
    assert rows == [expected]
    assert staged.rejected == 0
    assert staged.has_speed
    assert staged.has_status


def test_format_names(tmp_path: Path) -> None:
    names = []
    for i, (header, row) in enumerate(LAYOUTS.values()):
        path = tmp_path / f"{i}.csv"
        path.write_text(header + row)
        names.append(path)
    staged = stage(names, tmp_path / "out")
    assert [f.format for f in staged.files] == ["marinecadastre"] * 4 + ["dma"] + ["generic"] * 2
    assert staged.rows == len(LAYOUTS)


def test_tracks_without_speed_say_what_is_missing(tmp_path: Path) -> None:
    text = "track_id,MMSI,BaseDateTime,LON,LAT\r\na-1,367697580,2020-06-30T02:07:55,-118.18221,33.84278\r\n"
    staged, rows = staged_rows(tmp_path, text)
    assert not staged.has_speed
    assert not staged.has_status
    assert "sog_kn" in staged.columns_missing
    assert rows[0]["sog_kn"] is None
    assert rows[0]["lon"] == -118.18221


def test_dma_words(tmp_path: Path) -> None:
    header, row = LAYOUTS["Danish Maritime Authority"]
    base = row.replace("Class A", "Base Station").replace("Moored", "Unknown value").replace("9295268", "Unknown")
    tow = row.replace("Cargo,", "Towing long/wide,").replace("Moored", "Reserved for future use [11]")
    far = row.replace("40.64409,-74.07157", "91,0").replace("Cargo,", "Undefined,")
    staged, rows = staged_rows(tmp_path, header + base + tow + far)
    assert staged.rejected == 0
    by_type = {row["ais_type"]: row for row in rows}
    assert by_type[70]["transceiver_class"] is None
    assert by_type[70]["nav_status"] is None
    assert by_type[70]["imo"] is None
    assert by_type[32]["nav_status"] == 11
    assert by_type[None]["lat"] == 91.0, "sentinels are for cleaning to count"


def test_mapping_and_unix_times(tmp_path: Path) -> None:
    text = "ship,when,y,x,v\n367000140,1593478923,40.5,-74.25,3.5\n367000140,1593478924.5,40.5,-74.25,3.5\n"
    mapping = {"mmsi": "ship", "time": "when", "lat": "y", "lon": "x", "sog_kn": "v"}
    staged, rows = staged_rows(tmp_path, text, columns=mapping)
    assert [row["time"] for row in rows] == [
        datetime(2020, 6, 30, 1, 2, 3, tzinfo=UTC),
        datetime(2020, 6, 30, 1, 2, 4, 500_000, tzinfo=UTC),
    ]
    assert rows[0]["sog_kn"] == 3.5
    assert staged.files[0].format == "generic"


def test_other_zones_become_utc(tmp_path: Path) -> None:
    text = "mmsi,time,lat,lon\n367000140,2020-06-30T03:02:03+02:00,1,2\n367000140,2020-06-30T01:02:04.25Z,1,2\n"
    _, rows = staged_rows(tmp_path, text)
    assert rows[0]["time"] == datetime(2020, 6, 30, 1, 2, 3, tzinfo=UTC)
    assert rows[1]["time"] == datetime(2020, 6, 30, 1, 2, 4, 250_000, tzinfo=UTC)


def test_speed_of_unknown_unit_is_not_taken(tmp_path: Path) -> None:
    staged, _ = staged_rows(tmp_path, "mmsi,time,lat,lon,speed\n367000140,2020-06-30T01:02:03,1,2,9\n")
    assert "sog_kn" in staged.columns_missing


def test_missing_columns_are_all_named_with_near_misses(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        staged_rows(tmp_path, "MMSI,BaseDateTime,LATT,Longitud,SOG\n1,2020-06-30T01:02:03,1,2,3\n")
    text = str(caught.value)
    assert "column lat" in text
    assert "'LATT'" in text
    assert "column lon" in text
    assert len(caught.value.faults) == 2


def test_wrong_mapping_lists_every_fault(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        staged_rows(tmp_path, "a,b\n1,2\n", columns={"tonnage": "a", "lat": "c"})
    assert len(caught.value.faults) == 2


def test_column_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="stands twice"):
        staged_rows(tmp_path, "mmsi,time,lat,lon,LAT\n1,2020-06-30T01:02:03,1,2,3\n")


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="format 'xml'"):
        staged_rows(tmp_path, "mmsi,time,lat,lon\n1,2020-06-30T01:02:03,1,2\n", format="xml")


def test_named_format_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Danish"):
        staged_rows(tmp_path, "".join(LAYOUTS["2018-2024"]), format="dma")
    with pytest.raises(FileFormatError, match="PAR1"):
        staged_rows(tmp_path, "".join(LAYOUTS["2018-2024"]), format="parquet")


def test_quoted_newlines_bom_and_blank_lines(tmp_path: Path) -> None:
    header, row = LAYOUTS["2018-2024"]
    text = "\ufeff" + header + "\n" + row.replace("OOCL TEST", '"OOCL ""X"",\nTWO"') + "\r\n\n" + row.rstrip("\n")
    staged, rows = staged_rows(tmp_path, text)
    assert staged.rows == 2
    assert {row["vessel_name"] for row in rows} == {'OOCL "X",\nTWO', "OOCL TEST"}


def test_latin1_names_are_read_and_counted(tmp_path: Path) -> None:
    header, row = LAYOUTS["2018-2024"]
    staged, rows = staged_rows(tmp_path, (header + row.replace("OOCL TEST", "MÆRSK Å") + row).encode("latin-1"))
    assert {row["vessel_name"] for row in rows} == {"MÆRSK Å", "OOCL TEST"}
    assert staged.files[0].latin1_fields == 1


def test_nmea_goes_through_the_same_door(tmp_path: Path) -> None:
    sentence = "1577836800,!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A\n"
    damaged = sentence.replace("*4A", "*4B")
    staged, rows = staged_rows(tmp_path, sentence + damaged, name="log.nmea")
    assert staged.files[0].format == "nmea"
    assert [row["mmsi"] for row in rows] == [371798000]
    assert rows[0]["time"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert staged.rejected == 1
    assert "checksum does not match" in staged.rejects.read_text()


def test_one_clock_that_was_never_set_does_not_stretch_the_period(tmp_path: Path) -> None:
    """A single row of 1970 in a file of 2020 once made the whole job fail for want of a fuel rule of that year."""
    path = tmp_path / "in.csv"
    good = "367000140,2020-06-30T01:02:03,40.5,-74.2\n"
    path.write_text("MMSI,BaseDateTime,LAT,LON\n" + good + good.replace("2020", "1970") + good.replace("2020", "9999"))
    staged = stage([path], tmp_path / "out")
    assert (staged.rows, staged.rejected) == (1, 2)
    assert staged.time_first == staged.time_last == datetime(2020, 6, 30, 1, 2, 3, tzinfo=UTC)
    assert staged.rejects.read_text("utf-8").count("the clock was not set") == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_column_names_with_umlauts_can_be_mapped(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("Schlüssel,Zeit,LAT,LON\n367000140,2020-06-30T01:02:03,40.5,-74.2\n".encode(encoding))
    assert stage([path], tmp_path / "out", columns={"mmsi": "Schlüssel", "time": "Zeit"}).rows == 1
