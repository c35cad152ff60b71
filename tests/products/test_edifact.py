"""EDIFACT: sound messages become milestones; every fault is named by message, segment and element."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.errors import Fault
from sealane.products.catalogue import DATASETS
from sealane.products.edifact import MessageResult, read_edifact
from sealane.samples.exchange import FAULTY, JOURNEY

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
SAMPLES = [path for files in JOURNEY.values() for _, path in files if path.suffix == ".edi"]
CODECO = [
    "BGM+34+DOC1+9",
    "DTM+137:202610050400UTC:303",
    "TDT+20+042E+1++SIM:172:20+++9321483:146::KING OF THE SEAS",
    "NAD+CA+SIM:172:20",
    "EQD+CN+CSQU3054383+45G1:102:5++2+5",
    "RFF+BN:BK1",
    "RFF+BM:BL1",
    "DTM+7:202610050010UTC:303",
    "LOC+165+JPNGO:139:6+ADT:TER:306",
    "SEL+S1+CA",
    "TDT+1++3+31++++ABC123:146",
    "CNT+16:1",
]
COARRI = [
    "BGM+44+DOC2+9",
    "TDT+20+042E+1++SIM:172:20+++9321483:146::KING OF THE SEAS",
    "NAD+CA+SIM:172:20",
    "EQD+CN+CSQU3054383+45G1:102:5++3+5",
    "DTM+203:202610050010UTC:303",
    "LOC+147+0140682::5",
    "LOC+9+JPNGO:139:6",
    "LOC+11+USLAX:139:6+ADT:TER:ZZZ",
    "CNT+16:1",
]
IFTSTA = [
    "BGM+77+DOC3+9",
    "CNI+1+BL1",
    "STS+1+24",
    "RFF+BM:BL1",
    "DTM+334:202610050010UTC:303",
    "LOC+175+USLAX:139:6",
    "TDT+1+R1+2+++++CAR 1",
    "EQD+CN+CSQU3054383+45G1:102:5++3+5",
]
TYPES = {"CODECO": ("D:95B:UN", CODECO), "COARRI": ("D:95B:UN", COARRI), "IFTSTA": ("D:00B:UN", IFTSTA)}


def interchange(kind: str, segments: list[str], level: str = "UNOA:2", encoding: str = "ascii") -> bytes:
    lines = [
        f"UNB+{level}+SENDER+RECIPIENT+261005:0400+REF1",
        f"UNH+1+{kind}:{TYPES[kind][0]}",
        *segments,
        f"UNT+{len(segments) + 2}+1",
        "UNZ+1+REF1",
    ]
    return "".join(f"{line}'\n" for line in lines).encode(encoding)


def read(data: bytes, zone: dt.tzinfo | None = None) -> tuple[list[MessageResult], list[Fault]]:
    faults: list[Fault] = []
    return read_edifact(data, faults, zone), faults


def message(kind: str, segments: list[str], **options: Any) -> MessageResult:
    (found,), faults = read(interchange(kind, segments), **options)
    assert faults == []
    return found


def changed(segments: list[str], number: int, text: str | None) -> list[str]:
    """Return the segments with one replaced, or left out; its number is that in the message, UNH being 1."""
    return [*segments[: number - 2], *([text] if text is not None else []), *segments[number - 1 :]]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_samples_are_sound_milestones(path: Any) -> None:
    messages, faults = read(path.read_bytes())
    assert faults == []
    for found in messages:
        assert found.faults == ()
        assert found.events
        for body in found.events:
            problems: list[Fault] = []
            assert DATASETS["container-milestones"].read(json.loads(body), "$", problems, NOW) is not None
            assert problems == []


def test_a_gate_in_becomes_a_milestone() -> None:
    (body,) = message("CODECO", CODECO).events
    event = json.loads(body)
    assert event["eventDateTime"] == "2026-10-05T00:10:00Z"
    assert event["eventUpdatedDateTime"] == "2026-10-05T04:00:00Z"
    assert event["eventClassification"] == {
        "eventClassifierCode": "ACT",
        "eventTypeCode": "EQUIPMENT",
        "equipmentEventTypeCode": "GTIN",
    }
    assert event["eventLocation"] == {
        "UNLocationCode": "JPNGO",
        "facility": {"facilityCode": "ADT", "facilityCodeListProvider": "SMDG"},
    }
    assert event["equipmentDetails"] == {
        "equipmentReference": "CSQU3054383",
        "ISOEquipmentCode": "45G1",
        "emptyIndicatorCode": "LADEN",
        "movementType": "EXPORT",
        "seals": [{"number": "S1", "source": "CAR"}],
    }
    assert event["transportDetails"]["transportCall"] == {
        "modeOfTransport": "TRUCK",
        "truckTransport": {"tractorDetails": {"licensePlate": "ABC123"}},
    }
    assert event["shipmentDetails"]["documentReference"] == {"typeCode": "BKG", "reference": "BK1"}


@pytest.mark.parametrize(
    ("code", "event", "place"),
    [("44", "DISC", "USLAX"), ("98", "DISC", "USLAX"), ("46", "LOAD", "JPNGO"), ("270", "LOAD", "JPNGO")],
)
def test_loading_and_discharge(code: str, event: str, place: str) -> None:
    (body,) = message("COARRI", changed(COARRI, 2, f"BGM+{code}+DOC2+9")).events
    found = json.loads(body)
    assert found["eventClassification"]["equipmentEventTypeCode"] == event
    assert found["eventLocation"]["UNLocationCode"] == place
    assert found["transportDetails"]["transportCall"]["vesselTransport"]["vesselIMONumber"] == "9321483"


def test_a_train_departs() -> None:
    (body,) = message("IFTSTA", IFTSTA).events
    found = json.loads(body)
    assert found["eventClassification"]["transportEventTypeCode"] == "DEPA"
    assert found["transportDetails"]["transportCall"] == {
        "modeOfTransport": "RAIL",
        "railTransport": {"railServiceReference": "R1", "railCarReference": "CAR 1"},
    }


def event_of(segments: list[str]) -> dict[str, Any]:
    (body,) = message("CODECO", segments).events
    found: dict[str, Any] = json.loads(body)
    return found


def test_a_replacement_is_the_same_event_and_a_cancellation_retracts_it() -> None:
    original = event_of(CODECO)
    later = changed(changed(CODECO, 2, "BGM+34+DOC1+5"), 9, "DTM+7:202610050020UTC:303")
    assert event_of(later)["eventID"] == original["eventID"]
    assert event_of(later)["eventDateTime"] == "2026-10-05T00:20:00Z"
    other_number = ["BGM+34+DOC9+5", "RFF+ACW:DOC1", *CODECO[1:]]
    assert event_of(other_number)["eventID"] == original["eventID"]
    cancelled = event_of(changed(CODECO, 2, "BGM+34+DOC1+1"))
    assert (cancelled["eventID"], cancelled["isRetracted"]) == (original["eventID"], True)
    assert event_of(changed(CODECO, 2, "BGM+34+DOC2+9"))["eventID"] != original["eventID"]


# kind, segment replaced (number in the message), new text or None to leave it out, expected place of the fault
BROKEN = [
    ("CODECO", 2, None, "segment 2 DTM"),
    ("CODECO", 2, "BGM+35+DOC1+9", "segment 2 BGM, element 1.1"),
    ("CODECO", 2, "BGM+34+DOC1+7", "segment 2 BGM, element 3"),
    ("CODECO", 3, "DTM+137:202610320400UTC:303", "segment 3 DTM, element 1.2"),
    ("CODECO", 3, "DTM+137:202610050400:999", "segment 3 DTM, element 1.3"),
    ("CODECO", 4, "TDT+20+042E+9++SIM:172:20+++9321483:146", "segment 4 TDT, element 3.1"),
    ("CODECO", 4, "TDT+20+042E+1++SIM:172:20+++9321484:146", "segment 4 TDT, element 8.1"),
    ("CODECO", 5, None, "message 1 (CODECO 1)"),
    ("CODECO", 5, "XYZ+1", "segment 5 XYZ"),
    ("CODECO", 6, "EQD+CN+CSQU3054384+45G1:102:5++2+5", "segment 6 EQD, element 2.1"),
    ("CODECO", 6, "EQD+CN+CSQU305438+45G1:102:5++2+5", "segment 6 EQD, element 2.1"),
    ("CODECO", 6, "EQD+TE+CSQU3054383+45G1:102:5++2+5", "segment 6 EQD, element 1"),
    ("CODECO", 6, "EQD+CN+CSQU3054383+45G:102:5++2+5", "segment 6 EQD, element 3.1"),
    ("CODECO", 6, "EQD+CN+CSQU3054383+45G1:102:5++9+5", "segment 6 EQD, element 5"),
    ("CODECO", 6, "EQD+CN+CSQU3054383+45G1:102:5++2+6", "segment 6 EQD, element 6"),
    ("CODECO", 9, None, "segment 6 EQD"),
    ("CODECO", 9, "DTM+7:202610050010:203", "segment 9 DTM, element 1.3"),
    ("CODECO", 9, "DTM+7:202610052510UTC:303", "segment 9 DTM, element 1.2"),
    ("CODECO", 9, "DTM+7:202610050010JST:303", "segment 9 DTM, element 1.2"),
    ("CODECO", 9, "DTM+7:20261005:102", "segment 9 DTM, element 1.3"),
    ("CODECO", 10, None, "segment 6 EQD"),
    ("CODECO", 10, "LOC+165+JP NGO:139:6", "segment 10 LOC, element 2.1"),
    ("CODECO", 10, "LOC+165+YARD17", "segment 10 LOC, element 2.1"),
    ("CODECO", 11, "SEL+0123456789012345+CA", "segment 11 SEL, element 1"),
    ("CODECO", 12, "TDT+1++7", "segment 12 TDT, element 3.1"),
    ("CODECO", 13, None, "message 1 (CODECO 1)"),
    ("CODECO", 13, "CNT+16:2", "segment 13 CNT, element 1.2"),
    ("CODECO", 13, "CNT+7:1", "segment 13 CNT, element 1.1"),
    ("COARRI", 2, "BGM+34+DOC2+9", "segment 2 BGM, element 1.1"),
    ("COARRI", 3, None, "message 1 (COARRI 1)"),
    ("COARRI", 6, None, "segment 5 EQD"),
    ("COARRI", 9, None, "segment 5 EQD"),
    ("COARRI", 10, "CNT+16:0", "segment 10 CNT, element 1.2"),
    ("IFTSTA", 3, None, "segment 3 STS"),
    ("IFTSTA", 4, "STS+1+200", "segment 4 STS, element 2.1"),
    ("IFTSTA", 4, "STS+2+24", "segment 4 STS, element 1.1"),
    ("IFTSTA", 6, None, "segment 4 STS"),
    ("IFTSTA", 7, None, "segment 4 STS"),
    ("IFTSTA", 8, None, "segment 4 STS"),
    ("IFTSTA", 9, None, "segment 4 STS"),
]


@pytest.mark.parametrize(("kind", "number", "text", "place"), BROKEN)
def test_a_fault_is_named_by_its_place_and_refuses_the_message(
    kind: str, number: int, text: str | None, place: str
) -> None:
    found = message(kind, changed(TYPES[kind][1], number, text))
    assert found.events == ()
    assert any(place in fault.where for fault in found.faults), [str(fault) for fault in found.faults]
    assert all(fault.found and fault.remedy for fault in found.faults)


@pytest.mark.parametrize("kind", TYPES)
def test_the_control_of_the_faults_is_sound(kind: str) -> None:
    found = message(kind, TYPES[kind][1])
    assert (found.faults, len(found.events)) == ((), 1)


def test_all_faults_of_a_message_are_told_in_order() -> None:
    (path,) = [path for path in FAULTY if path.name == "codeco_faulty_second_message.edi"]
    (sound, faulty), faults = read(path.read_bytes())
    assert (faults, sound.faults, len(sound.events)) == ([], (), 1)
    assert faulty.events == ()
    assert len(faulty.faults) >= 10
    numbers = [int(fault.where.split("segment ")[1].split()[0]) for fault in faulty.faults if "segment " in fault.where]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.name)
def test_every_faulty_sample_has_a_message_refused(path: Any) -> None:
    messages, faults = read(path.read_bytes())
    assert faults or any(found.faults for found in messages)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("UNZ+1+REF1", "UNZ+2+REF1", "UNZ, element 1"),
        ("UNZ+1+REF1", "UNZ+1+REF2", "UNZ, element 2"),
        ("UNZ+1+REF1'", "", "segment"),
        ("UNZ+1+REF1'", "UNZ+1+REF1", "after"),
        ("SENDER", "", "UNB, element 2"),
        ("261005:0400", "2610050400", "UNB, element 4"),
        ("UNOA:2", "UNOA:9", "UNB, element 1"),
        ("UNOA:2", "UNOZ:2", "UNB, element 1.1"),
        ("UNB+", "UNC+", "interchange"),
        ("NAD+CA", "nad+CA", "'nad'"),
        ("NAD+CA", "NAD+Ca", "element 1.1"),
        ("UNH+1+", "FTX+X'UNH+1+", "outside"),
        ("UNH+1+", "UNG+X'UNH+1+", "UNG"),
    ],
)
def test_a_faulty_envelope_refuses_the_interchange(old: str, new: str, place: str) -> None:
    data = interchange("CODECO", CODECO)
    assert old.encode() in data
    messages, faults = read(data.replace(old.encode(), new.encode(), 1))
    assert messages == []
    assert any(place in str(fault) for fault in faults), [str(fault) for fault in faults]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("UNT+14+1", "UNT+13+1", "UNT, element 1"),
        ("UNT+14+1", "UNT+14+2", "UNT, element 2"),
        ("CODECO:D:95B:UN", "CODECO", "UNH, element 2.2"),
        ("CODECO:D:95B:UN", "BAPLIE:D:95B:UN", "message 1 (BAPLIE 1)"),
        ("UNT+14+1'", "", "message 1"),
    ],
)
def test_a_faulty_message_frame_refuses_the_message(old: str, new: str, place: str) -> None:
    data = interchange("CODECO", CODECO)
    assert old.encode() in data
    (found,), faults = read(data.replace(old.encode(), new.encode()))
    assert (faults, found.events) == ([], ())
    assert any(place in fault.where for fault in found.faults)


def test_times_without_a_zone_want_one() -> None:
    local = changed(CODECO, 9, "DTM+7:202610050910:203")
    tokyo = zoneinfo.ZoneInfo("Asia/Tokyo")
    refused = message("CODECO", local)
    assert (refused.events, len(refused.faults)) == ((), 1)
    (found,), _ = read(interchange("CODECO", local), tokyo)
    assert json.loads(found.events[0])["eventDateTime"] == "2026-10-05T00:10:00Z"


def test_times_that_do_not_exist_or_exist_twice_are_refused() -> None:
    zone = zoneinfo.ZoneInfo("America/Los_Angeles")
    for text, remark in (("202603080230", "does not exist"), ("202611010130", "exists twice")):
        (found,), _ = read(interchange("CODECO", changed(CODECO, 9, f"DTM+7:{text}:203")), zone)
        assert [remark in fault.found for fault in found.faults] == [True]
        offset = changed(CODECO, 9, f"DTM+7:{text}+0000:205".replace("+0000", "?+0000"))
        (found,), _ = read(interchange("CODECO", offset), zone)
        assert found.faults == ()


@pytest.mark.parametrize(
    ("level", "encoding", "name", "sound"),
    [
        ("UNOA:2", "ascii", "KING", True),
        ("UNOA:2", "ascii", "King", False),
        ("UNOB:2", "ascii", "King", True),
        ("UNOB:2", "iso8859-1", "Königin", False),
        ("UNOC:3", "iso8859-1", "Königin", True),
        ("UNOC:3", "utf-8", "名古屋", False),
        ("UNOY:4", "utf-8", "名古屋", True),
        ("UNOY:4", "iso8859-1", "Königin", False),
    ],
)
def test_character_sets(level: str, encoding: str, name: str, sound: bool) -> None:
    segments = changed(CODECO, 4, f"TDT+20+042E+1++SIM:172:20+++9321483:146::{name}")
    messages, faults = read(interchange("CODECO", segments, level, encoding))
    assert (faults == [] and messages[0].faults == ()) is sound


def test_other_separators_and_the_release_character() -> None:
    data = interchange("CODECO", CODECO).replace(b"+", b"*").replace(b":", b"|").replace(b"\n", b"")
    (found,), faults = read(b"UNA|*.? '" + data)
    assert (faults, found.faults) == ([], ())
    assert len(found.events) == 1
    escaped = changed(CODECO, 7, "RFF+BN:A?+B?:C?'D??")
    (body,) = message("CODECO", escaped).events
    assert json.loads(body)["shipmentDetails"]["documentReference"]["reference"] == "A+B:C'D?"


def test_sizes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    data = interchange("CODECO", CODECO)
    for name, value in (("MAX_BYTES", 100), ("MAX_SEGMENTS", 5), ("MAX_ELEMENTS", 3), ("MAX_SEGMENT_CHARACTERS", 20)):
        with monkeypatch.context() as patch:
            patch.setattr(f"sealane.products.edifact.segments.{name}", value)
            messages, faults = read(data)
            assert messages == []
            assert faults


@given(st.binary(max_size=300))
def test_any_bytes_give_faults_and_no_crash(data: bytes) -> None:
    messages, faults = read(data)
    assert messages == []
    assert faults


@given(st.integers(0, 2000), st.sampled_from([b"", b"+", b":", b"'", b"?", b"\x00", b"9", b"\xff"]))
def test_any_damage_is_refused_or_harmless(place: int, sign: bytes) -> None:
    data = interchange("CODECO", CODECO)
    place %= len(data)
    messages, faults = read(data[:place] + sign + data[place + 1 :])
    for found in messages:
        assert found.events == () or found.faults == ()
        for body in found.events:
            problems: list[Fault] = []
            DATASETS["container-milestones"].read(json.loads(body), "$", problems, NOW)
            assert problems == []
    assert faults or messages
