"""The NMEA reader on published sentences, in each form of log, and what it rejects."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard

from sealane.errors import FileFormatError, InputError
from sealane.movement.positions import POSITION_SCHEMA
from sealane.movement.readers import nmea

# Sentences published with their fields: gpsd's test/sample.aivdm (after K. Schwehr's noaadata), and for message 27
# libais (ais27_test). The values are those of the publications, coordinates to 1e-6 degree.
TYPE_1 = "!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"
TYPE_2 = "!AIVDM,1,1,,B,25Cjtd0Oj;Jp7ilG7=UkKBoB0<06,0*60"
TYPE_3 = "!AIVDM,1,1,,A,38Id705000rRVJhE7cl9n;160000,0*40"
TYPE_5 = (
    "!AIVDM,2,1,1,A,55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0*1C",
    "!AIVDM,2,2,1,A,88888888880,2*25",
)
TYPE_18 = "!AIVDM,1,1,,A,B52K>;h00Fc>jpUlNV@ikwpUoP06,0*4C"
TYPE_19 = "!AIVDM,1,1,,B,C5N3SRgPEnJGEBT>NhWAwwo862PaLELTBJ:V00000000S0D:R220,0*0B"
TYPE_24 = ("!AIVDM,1,1,,A,H42O55i18tMET00000000000000,2*6D", "!AIVDM,1,1,,A,H42O55lti4hhhilD3nink000?050,0*40")
TYPE_27 = "!AIVDM,1,1,,B,K815>P8=5EikdUet,0*6B"
TYPE_4 = "!AIVDM,1,1,,A,403OviQuMGCqWrRO9>E6fE700@GO,0*4D"

LONG = f"1593475200,{TYPE_1}\n".encode() * 200_000

Reject = tuple[int, int, str, str, str]


def closed(body: str) -> str:
    """A sentence with its checksum."""
    return f"!{body}*{reduce(xor, body.encode()):02X}"


def tagged(tag: str, sentence: str) -> str:
    """A sentence behind a tag block with its checksum."""
    return f"\\{tag}*{reduce(xor, tag.encode()):02X}\\{sentence}"


def armoured(bits: str) -> str:
    """A sentence whose payload has these bits, encoded with the standard library only."""
    values = [int(bits[i : i + 6].ljust(6, "0"), 2) for i in range(0, len(bits), 6)]
    return closed(f"AIVDM,1,1,,A,{''.join(chr(v + 48 if v < 40 else v + 56) for v in values)},{-len(bits) % 6}")


def position(mmsi: int, lat_raw: int = 600_000) -> str:
    """A message 1 of any vessel."""
    bits = f"{1:06b}{0:02b}{mmsi:030b}{0:04b}{0:08b}{100:010b}0{600_000:028b}{lat_raw:027b}{900:012b}{90:09b}{0:031b}"
    return armoured(bits)


def read_file(path: Path, **options: Any) -> tuple[list[dict[str, Any]], list[Reject], nmea.NmeaCounts]:
    rejects: list[Reject] = []
    counts: list[nmea.NmeaCounts] = []
    batches = list(
        nmea.read(path, on_reject=lambda *reject: rejects.append(reject), on_counts=counts.append, **options)
    )
    for batch in batches:
        batch.validate(full=True)
        assert batch.schema == POSITION_SCHEMA
    return pa.Table.from_batches(batches, POSITION_SCHEMA).to_pylist(), rejects, counts[0]


def read_lines(
    folder: Path, lines: Sequence[str], **options: Any
) -> tuple[list[dict[str, Any]], list[Reject], nmea.NmeaCounts]:
    path = folder / "log.nmea"
    path.write_text("\n".join(lines) + "\n")
    return read_file(path, **options)


def timed(*sentences: str) -> list[str]:
    return [f"1593475200,{sentence}" for sentence in sentences]


PUBLISHED = [
    (TYPE_1, 371798000, 48.381633, -123.395383, 12.3, 224.0, 215.0, 0, "A"),
    (TYPE_2, 356302000, 40.392358, -71.626143, 13.9, 87.7, 91.0, 0, "A"),
    (TYPE_3, 563808000, 36.91, -76.327533, 0.0, 252.0, 352.0, 5, "A"),
    (TYPE_18, 338087471, 40.68454, -74.072132, 0.1, 79.6, 511.0, None, "B"),
    (TYPE_19, 367059850, 29.543695, -88.810392, 8.7, 335.9, 511.0, None, "B"),
    (TYPE_27, 538005120, 24.681667, -79.641667, 11.0, 223.0, None, 0, None),
]


@pytest.mark.parametrize(
    ("sentence", "mmsi", "lat", "lon", "sog", "cog", "heading", "status", "kind"), PUBLISHED, ids=lambda v: str(v)[:24]
)
def test_published_positions(
    tmp_path: Path,
    sentence: str,
    mmsi: int,
    lat: float,
    lon: float,
    sog: float,
    cog: float,
    heading: float | None,
    status: int | None,
    kind: str | None,
) -> None:
    (row,), rejects, counts = read_lines(tmp_path, timed(sentence))
    assert rejects == []
    assert counts.positions == counts.sentences == 1
    assert row["time"] == datetime(2020, 6, 30, tzinfo=UTC)
    assert (row["mmsi"], row["lat"], row["lon"], row["sog_kn"]) == (mmsi, lat, lon, sog)
    assert (row["cog_deg"], row["heading_deg"]) == (cog, heading)
    assert (row["nav_status"], row["transceiver_class"]) == (status, kind)


def test_published_static_report_of_a_container_ship_stands_in_later_rows_only(tmp_path: Path) -> None:
    own = position(351759000)
    (before, after), rejects, counts = read_lines(tmp_path, timed(own, *TYPE_5, own))
    assert rejects == []
    assert (counts.positions, counts.static_reports) == (2, 1)
    assert before["vessel_name"] is before["imo"] is before["draught_m"] is before["length_m"] is None
    assert (after["vessel_name"], after["call_sign"], after["imo"]) == ("EVER DIADEM", "3FOF8", 9134270)
    assert (after["ais_type"], after["draught_m"]) == (70, 12.2)
    assert (after["length_m"], after["beam_m"]) == (225 + 70, 1 + 31)


def test_published_class_b_reports(tmp_path: Path) -> None:
    yacht = position(271041815)
    rows, rejects, _ = read_lines(tmp_path, timed(TYPE_24[0], yacht, TYPE_24[1], yacht, TYPE_19))
    assert rejects == []
    assert (rows[0]["vessel_name"], rows[0]["call_sign"], rows[0]["length_m"]) == ("PROGUY", None, None)
    assert (rows[1]["vessel_name"], rows[1]["call_sign"], rows[1]["ais_type"]) == ("PROGUY", "TC6163", 60)
    assert (rows[1]["length_m"], rows[1]["beam_m"], rows[1]["draught_m"]) == (15, 5, None)
    assert (rows[2]["vessel_name"], rows[2]["ais_type"], rows[2]["length_m"]) == ("CAPT.J.RIMES", 70, 26)


def test_the_class_of_a_long_range_report_comes_from_the_static_report(tmp_path: Path) -> None:
    static = armoured(f"{24:06b}{0:02b}{538005120:030b}{0:02b}{0:0120b}{0:08b}")
    rows, rejects, _ = read_lines(tmp_path, timed(TYPE_27, static, TYPE_27))
    assert rejects == []
    assert [row["transceiver_class"] for row in rows] == [None, "B"]
    assert rows[1]["vessel_name"] is None  # twenty @ are no name


TIMES = [
    ("tag block in seconds", tagged("s:r003669945,c:1593475201", TYPE_1), "2020-06-30T00:00:01"),
    ("tag block in milliseconds", tagged("c:1593475201250,s:x", TYPE_1), "2020-06-30T00:00:01.250"),
    ("tag block without checksum", f"\\c:1593475201\\{TYPE_1}", "2020-06-30T00:00:01"),
    ("two tag blocks", tagged("s:x", tagged("c:1593475201", TYPE_1)), "2020-06-30T00:00:01"),
    ("Unix, comma", f"1593475201,{TYPE_1}", "2020-06-30T00:00:01"),
    ("Unix, tab", f"1593475201\t{TYPE_1}", "2020-06-30T00:00:01"),
    ("Unix, semicolon", f"1593475201;{TYPE_1}", "2020-06-30T00:00:01"),
    ("Unix with fraction, blank", f"1593475201.125 {TYPE_1}", "2020-06-30T00:00:01.125"),
    ("Unix milliseconds", f"1593475201125 {TYPE_1}", "2020-06-30T00:00:01.125"),
    ("ISO 8601 in UTC", f"2020-02-29T23:59:59Z,{TYPE_1}", "2020-02-29T23:59:59"),
    ("ISO 8601 with fraction", f"2020-02-29T23:59:59.123456Z {TYPE_1}", "2020-02-29T23:59:59.123456"),
    ("ISO 8601 with offset", f"2020-03-01T01:59:59+02:00;{TYPE_1}", "2020-02-29T23:59:59"),
    ("ISO 8601 basic", f"20200229T235959Z,{TYPE_1}", "2020-02-29T23:59:59"),
    ("date, blank, time", f"2020-02-29 23:59:59 {TYPE_1}", "2020-02-29T23:59:59"),
    ("date, time, comma", f"2020-02-29 23:59:59,{TYPE_1}", "2020-02-29T23:59:59"),
    ("decimal comma", f"2020-02-29 23:59:59,250 {TYPE_1}", "2020-02-29T23:59:59.250"),
    ("quotes", f'"2020-02-29 23:59:59","{TYPE_1}"', "2020-02-29T23:59:59"),
    ("brackets", f"[2020-02-29 23:59:59] {TYPE_1}", "2020-02-29T23:59:59"),
    ("trailing station and time", f"{TYPE_1},r003669976,1166058609", "2006-12-14T01:10:09"),
    (
        "trailing, with counters",
        f"{TYPE_1},x367022,s32171,d-079,T08.48347459,r003669976,1166058609",
        "2006-12-14T01:10:09",
    ),
    ("tag block before leading time", f"1593475299{tagged('c:1593475201', TYPE_1)}", "2020-06-30T00:00:01"),
    ("leading before trailing time", f"1593475201,{TYPE_1},1593475299", "2020-06-30T00:00:01"),
]


@pytest.mark.parametrize(("line", "expected"), [case[1:] for case in TIMES], ids=[case[0] for case in TIMES])
def test_times(tmp_path: Path, line: str, expected: str) -> None:
    rows, rejects, _ = read_lines(tmp_path, [line])
    assert rejects == []
    assert [row["time"] for row in rows] == [datetime.fromisoformat(expected).replace(tzinfo=UTC)]


@pytest.mark.parametrize(
    "lead",
    [
        "30.06.2020 00:00:00 ",
        "2020-02-30 00:00:00 ",
        "2020-06-30 24:00:00 ",
        "20200630,",
        "20200630000000,",
        "station 7,",
        "0,",
    ],
)
def test_a_lead_that_is_no_time_is_rejected_and_not_guessed(tmp_path: Path, lead: str) -> None:
    rows, rejects, _ = read_lines(tmp_path, [lead + TYPE_1])
    assert rows == []
    assert [reject[:3] for reject in rejects] == [(1, 1, "time")]
    assert rejects[0][3] == lead
    assert "YYYY-MM-DD" in rejects[0][4]


def test_without_a_time_a_sentence_is_rejected_with_the_remedy(tmp_path: Path) -> None:
    rows, rejects, _ = read_lines(tmp_path, [TYPE_1, *timed(TYPE_3), *TYPE_5])
    assert [row["mmsi"] for row in rows] == [563808000]
    assert [reject[:3] for reject in rejects] == [(1, 1, "time"), (4, 4, "time")]
    assert rejects[0][3] == TYPE_1
    assert "base_time" in rejects[0][4]


def test_base_time_is_for_sentences_without_a_time(tmp_path: Path) -> None:
    moment = datetime(2021, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    rows, rejects, _ = read_lines(tmp_path, [TYPE_1, *timed(TYPE_3)], base_time=moment)
    assert rejects == []
    assert [row["time"] for row in rows] == [datetime(2021, 1, 1, tzinfo=UTC), datetime(2020, 6, 30, tzinfo=UTC)]
    with pytest.raises(InputError, match="zone"):
        read_lines(tmp_path, [TYPE_1], base_time=datetime(2021, 1, 1))


def test_any_talker_and_own_ship(tmp_path: Path) -> None:
    body = TYPE_1[1:].split("*", maxsplit=1)[0]
    sentences = [closed(body.replace("AIVDM", name)) for name in ("AIVDO", "ABVDM", "BSVDM", "ANVDM", "SAVDM")]
    rows, rejects, counts = read_lines(tmp_path, timed(*sentences))
    assert (len(rows), rejects, counts.sentences) == (5, [], 5)


def test_grouped_parts_have_the_time_of_the_first(tmp_path: Path) -> None:
    # A published pair: the second part's tag block has the group only.
    lines = [
        r"\g:1-2-1130,c:1334278696*29\!BSVDM,2,1,0,A,55DSBL02<Dm7<I`OP005<T4r0hTiT00000000016=hJ<855f?>kV`54Qh000,0*0B",
        r"\g:2-2-1130*5E\!BSVDM,2,2,0,A,00000000002,0*3D",
    ]
    rows, rejects, counts = read_lines(tmp_path, lines)
    assert (rows, rejects, counts.static_reports) == ([], [], 1)


def test_parts_out_of_order_interleaved_and_from_two_stations(tmp_path: Path) -> None:
    first, second = TYPE_5
    other = [closed(part[1:].split("*")[0].replace(",1,A,", ",1,B,")) for part in TYPE_5]
    own = position(351759000)
    lines = timed(second, other[0], first, other[1])
    lines += [tagged("s:one,c:1593475200", first), tagged("s:two,c:1593475200", first)]
    lines += [tagged("s:two,c:1593475201", second), tagged("s:one,c:1593475201", second)]
    rows, rejects, counts = read_lines(tmp_path, [*lines, *timed(own)])
    assert (rejects, counts.static_reports) == ([], 4)
    assert rows[0]["vessel_name"] == "EVER DIADEM"


def test_parts_apart_in_time_or_station_are_not_joined(tmp_path: Path) -> None:
    first, second = TYPE_5
    lines = [f"1593475200,{first}", f"1593475260,{second}"]
    lines += [tagged("s:one,c:1593475300", first), tagged("s:two,c:1593475300", second)]
    _, rejects, counts = read_lines(tmp_path, lines)
    assert counts.static_reports == 0
    assert sorted(reject[:3] for reject in rejects) == [(n, n, "parts") for n in (1, 2, 3, 4)]
    assert rejects[0][3] == first


def test_a_sequence_number_that_comes_again_takes_the_newest_first_part(tmp_path: Path) -> None:
    first, second = TYPE_5
    orphan = closed(first[1:].split("*")[0].replace("55?MbV02", "55?MbV42"))
    rows, rejects, counts = read_lines(tmp_path, timed(orphan, first, second, position(351759000)))
    assert counts.static_reports == 1
    assert rows[0]["imo"] == 9134270
    assert [(reject[0], reject[3]) for reject in rejects] == [(1, orphan)]


FAULTS = [
    ("checksum", TYPE_1.replace("*4A", "*4B"), TYPE_1.replace("*4A", "*4B")),
    ("checksum", TYPE_1.replace("15RT", "15RS"), None),
    ("checksum", TYPE_1.removesuffix("*4A"), None),
    ("checksum", TYPE_1.removesuffix("4A") + "G!", None),
    ("tag_block", "\\c:1593475201*00\\" + TYPE_1, "\\c:1593475201*00\\"),
    ("tag_block", "\\c:1593475201*5A " + TYPE_1, None),
    ("time", tagged("c:yesterday", TYPE_1), None),
    ("payload", closed("AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208C,0"), "15RTgt0PAso;90TKcjM8h6g208C"),
    ("payload", closed("AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,1"), "15RTgt0PAso;90TKcjM8h6g208CQ"),
    ("payload", closed("AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g20XCQ,0"), "15RTgt0PAso;90TKcjM8h6g20XCQ"),
    ("payload", closed("AIVDM,1,1,,A,,0"), None),
    ("payload", closed("AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,7"), None),
    ("payload", closed("AIVDM,1,1,,A,H42O55pti4hhhilD3nink000?050,0"), None),
    ("sentence", closed("AIVDM,1,1,A,15RTgt0PAso;90TKcjM8h6g208CQ,0"), None),
    ("sentence", closed("AIVDM,1,2,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0"), None),
    ("sentence", closed("AIVDM,x,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0"), None),
    ("sentence", "not a sentence", "not a sentence"),
    ("sentence", "hello world!", "hello world!"),
    ("sentence", "x" * 10_000, None),
]


@pytest.mark.parametrize(("column", "line", "value"), FAULTS)
def test_faults_are_rejected_with_place_value_and_reason(
    tmp_path: Path, column: str, line: str, value: str | None
) -> None:
    bare = column in ("tag_block", "time") or not line.startswith("!")
    lines = [*timed(TYPE_3), "", line if bare else f"1593475200,{line}", *timed(TYPE_3)]
    rows, rejects, counts = read_lines(tmp_path, lines)
    assert [row["mmsi"] for row in rows] == [563808000] * 2
    assert [reject[:3] for reject in rejects] == [(2, 3, column)]
    assert counts.rejected == 1
    if value is not None:
        assert rejects[0][3] == value
    assert len(rejects[0][3]) < 800
    assert rejects[0][4] in {reason for _, reason in nmea.REASONS.values()}


def test_a_second_sentence_on_a_line_is_not_lost_silently(tmp_path: Path) -> None:
    rows, rejects, _ = read_lines(tmp_path, timed(TYPE_1 + TYPE_3))
    assert [row["mmsi"] for row in rows] == [371798000]
    assert [reject[2:4] for reject in rejects] == [("sentence", TYPE_3)]


def test_other_types_other_sentences_and_comments_are_counted(tmp_path: Path) -> None:
    gps = "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47"
    lines = ["# a log", gps, *timed(TYPE_4, TYPE_1), "", TYPE_4, "!AIALR,x"]
    rows, rejects, counts = read_lines(tmp_path, lines)
    assert (len(rows), rejects) == (1, [])
    assert counts == nmea.NmeaCounts(
        lines=7, sentences=3, positions=1, static_reports=0, other_type=2, other_sentences=2, comments=1, rejected=0
    )


def test_sentinels_are_kept_but_speed(tmp_path: Path) -> None:
    lost = f"{1:06b}{0:02b}{1:030b}{15:04b}{128:08b}{1023:010b}0{181 * 600_000:028b}{91 * 600_000:027b}"
    lost += f"{3600:012b}{511:09b}{0:031b}"
    far = f"{27:06b}{0:02b}{1:030b}00{15:04b}{181 * 600:018b}{91 * 600:017b}{63:06b}{511:09b}00"
    rows, rejects, _ = read_lines(tmp_path, timed(armoured(lost), armoured(far)))
    assert rejects == []
    assert [(row["lat"], row["lon"], row["sog_kn"], row["nav_status"]) for row in rows] == [(91.0, 181.0, None, 15)] * 2
    assert [(row["cog_deg"], row["heading_deg"]) for row in rows] == [(360.0, 511.0), (511.0, None)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_byte_order_mark(tmp_path: Path, end: str) -> None:
    path = tmp_path / "log.nmea"
    path.write_bytes(("\ufeff" + end.join([*timed(TYPE_1), "", *timed(TYPE_3), "bad"])).encode())
    rows, rejects, counts = read_file(path)
    assert [row["mmsi"] for row in rows] == [371798000, 563808000]
    assert [reject[:2] for reject in rejects] == [(3, 4)]
    assert counts.lines == 4


def test_compressed_logs_give_the_same(tmp_path: Path) -> None:
    lines = [
        line
        for i in range(2_000)
        for line in timed(position(200_000_000 + i % 50, i), *TYPE_5, "bad line", position(351759000))
    ]
    text = ("\n".join(lines) + "\n").encode()
    (tmp_path / "plain.nmea").write_bytes(text)
    expected = read_file(tmp_path / "plain.nmea")
    assert len(expected[0]) == 4_000
    (tmp_path / "log.gz").write_bytes(gzip.compress(text[:5_000]) + gzip.compress(text[5_000:]))
    (tmp_path / "log.zst").write_bytes(zstandard.compress(text))
    with zipfile.ZipFile(tmp_path / "log.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder")
        archive.writestr("folder/log.nmea", text)
    for name in ("log.gz", "log.zst", "log.zip"):
        assert read_file(tmp_path / name) == expected


def test_block_and_batch_borders_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        line
        for i in range(300)
        for line in timed(position(200_000_000 + i % 7, i), *TYPE_5, "bad", position(351759000))
    ]
    path = tmp_path / "log.nmea"
    path.write_text("\r\n".join(lines))
    expected = read_file(path)
    for block in (1, 7, 61, 4_096):
        monkeypatch.setattr(nmea, "BLOCK_BYTES", block)
        assert read_file(path) == expected
    for batch_rows in (1, 13):
        rejects: list[Reject] = []
        batches = list(nmea.read(path, on_reject=lambda *r, to=rejects: to.append(r), batch_rows=batch_rows))
        assert max(batch.num_rows for batch in batches) == batch_rows
        assert (pa.Table.from_batches(batches).to_pylist(), rejects) == expected[:2]


def test_static_data_that_change_stand_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # More versions than the table holds, so that it must let old ones go and grow.
    monkeypatch.setattr(nmea, "_VERSIONS", 64)

    def named(mmsi: int, draught: int) -> str:
        bits = f"{5:06b}{0:02b}{mmsi:030b}{0:02b}{0:030b}{0:042b}{1:06b}{0:0114b}{70:08b}{0:030b}{0:024b}"
        bits += f"{draught:08b}{0:0122b}"
        return armoured(bits)

    lines, expected = [], []
    for i in range(3_000):
        mmsi, draught = 200_000_000 + i * 7 % 400, i % 251
        lines += timed(named(mmsi, draught), position(mmsi))
        expected.append((mmsi, draught / 10, "A"))
    rows, rejects, _ = read_lines(tmp_path, lines)
    assert rejects == []
    assert [(row["mmsi"], row["draught_m"], row["vessel_name"]) for row in rows] == expected


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"mmsi,lat,lon\n1,2,3\n", "mmsi,lat,lon"),
        (b"$GPGGA,1*00\n", "1 lines"),
        (("\ufeff" + TYPE_1).encode("utf-16-le"), "UTF-16"),
        (bytes(range(256)) * 40, r"\x00"),
        (b"\x1f\x8b" + b"broken", "damaged"),
        (gzip.compress(TYPE_1.encode() * 100)[:-20], "damaged"),
        (b"\x28\xb5\x2f\xfd" + b"broken", "damaged"),
        (b"PK\x03\x04 broken", "damaged"),
        (gzip.compress(bytes(50_000_000)), "found"),
        (zstandard.compress(LONG)[:-3], "damaged"),
        (gzip.compress(LONG) + b"more", "damaged"),
        (gzip.compress(LONG)[:-5] + b"\0" * 5, "damaged"),
    ],
    ids=[
        "empty",
        "csv",
        "no AIS",
        "UTF-16",
        "binary",
        "gzip",
        "gzip cut",
        "zstd",
        "zip",
        "gzip bomb",
        "zstd cut",
        "gzip and more",
        "gzip CRC",
    ],
)
def test_a_file_that_is_no_log_says_what_was_expected_and_found(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "log.nmea"
    path.write_bytes(content)
    rejects: list[Reject] = []
    with pytest.raises(FileFormatError) as caught:
        list(nmea.read(path, on_reject=lambda *reject: rejects.append(reject)))
    assert str(path) in str(caught.value)
    assert found in str(caught.value)
    assert caught.value.exit_code == 2


def test_missing_file_and_archive_with_two_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(nmea.read(tmp_path / "none.nmea", on_reject=print))
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a", TYPE_1)
        archive.writestr("b", TYPE_1)
    with pytest.raises(FileFormatError, match="found 2"):
        list(nmea.read(tmp_path / "two.zip", on_reject=print))
