"""The NMEA decoder against pyais (MIT), and its armour against a few lines of the standard library.

Messages are random: fields encoded by pyais, and raw bits, so that every value of every field comes up.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import numpy as np
import pyais
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyais.constants import ShipType

from sealane.movement.readers import nmea, nmea_payload

ALPHABET = [chr(v + 48 if v < 40 else v + 56) for v in range(64)]
CLASSES = {1: "A", 2: "A", 3: "A", 5: "A", 18: "B", 19: "B", 24: "B", 27: None}
LENGTHS = {1: 168, 2: 168, 3: 168, 5: 424, 18: 168, 19: 312, 24: 168, 27: 96}
FILES = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path, sentences: list[str]) -> list[dict[str, Any]]:
    path.write_text("".join(f"1593475200,{sentence}\n" for sentence in sentences))
    rejects: list[tuple[Any, ...]] = []
    batches = list(nmea.read(path, on_reject=lambda *reject: rejects.append(reject)))
    assert rejects == []
    return pa.Table.from_batches(batches).to_pylist()


def sentences_of(bits: str, cuts: tuple[int, ...] = ()) -> list[str]:
    """Sentences with these payload bits, the payload cut at the given characters."""
    chars = "".join(ALPHABET[int(bits[i : i + 6].ljust(6, "0"), 2)] for i in range(0, len(bits), 6))
    edges = [0, *cuts, len(chars)]
    found = []
    for number in range(1, len(edges)):
        last = number == len(edges) - 1
        body = f"AIVDM,{len(edges) - 1},{number},{3 if cuts else ''},A,{chars[edges[number - 1] : edges[number]]},"
        body += str(-len(bits) % 6 if last else 0)
        found.append(f"!{body}*{reduce(xor, body.encode()):02X}")
    return found


def position_bits(mmsi: int) -> str:
    return f"{1:06b}00{mmsi:030b}".ljust(168, "0")


def check_position(row: dict[str, Any], message: Any) -> None:
    kind = int(message.msg_type)
    assert row["mmsi"] == message.mmsi
    assert abs(row["lat"] - message.lat) < 1e-9
    assert abs(row["lon"] - message.lon) < 1e-9
    missing = 63 if kind == 27 else 102.3
    assert row["sog_kn"] == (None if message.speed == missing else message.speed)
    assert row["cog_deg"] == message.course
    assert row["heading_deg"] == (None if kind == 27 else message.heading)
    assert row["nav_status"] == (None if kind in (18, 19) else int(message.status))
    assert row["transceiver_class"] == CLASSES[kind]


def check_static(row: dict[str, Any], message: Any) -> None:
    def value(name: str) -> Any:
        return getattr(message, name, None)

    kind, part = int(message.msg_type), value("partno")
    named = kind in (5, 19) or part == 0
    assert row["vessel_name"] == ((message.shipname or None) if named else None)
    assert row["call_sign"] == ((value("callsign") or None) if kind != 19 else None)
    assert row["imo"] == (value("imo") or None)
    assert row["draught_m"] == value("draught")
    if kind == 24:
        assert row["ais_type"] == value("ship_type")
    else:
        assert ShipType.from_value(row["ais_type"]) == message.ship_type
    if value("to_bow") is None:
        assert row["length_m"] is row["beam_m"] is None
    else:
        assert row["length_m"] == message.to_bow + message.to_stern
        assert row["beam_m"] == message.to_port + message.to_starboard


def check(path: Path, messages: list[list[str]]) -> None:
    """Compare one log of messages, each followed by a position of its vessel where it is a static report."""
    decoded = [pyais.decode(*parts, error_if_checksum_invalid=True) for parts in messages]
    sentences = []
    for parts, message in zip(messages, decoded, strict=True):
        sentences += parts
        if int(message.msg_type) in (5, 24):
            sentences += sentences_of(position_bits(message.mmsi))
    rows = read(path, sentences)
    assert len(rows) == len(messages)
    for row, message in zip(rows, decoded, strict=True):
        kind = int(message.msg_type)
        assert row["mmsi"] == message.mmsi
        if kind not in (5, 24):
            check_position(row, message)
        if kind in (5, 19, 24):
            check_static(row, message)


TEXT = st.text(string.ascii_uppercase + string.digits + " .-/&'", max_size=20)
POSITION = {
    "lat": st.floats(-90, 90),
    "lon": st.floats(-180, 180),
    "speed": st.integers(0, 1023).map(lambda v: v / 10),
    "course": st.integers(0, 3600).map(lambda v: v / 10),
    "heading": st.integers(0, 511),
}
SIZE = {
    "ship_type": st.integers(0, 99),
    "to_bow": st.integers(0, 511),
    "to_stern": st.integers(0, 511),
    "to_port": st.integers(0, 63),
    "to_starboard": st.integers(0, 63),
}
STATUS = {"status": st.integers(0, 15)}
CALL_SIGN = TEXT.map(lambda text: text[:7])
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    **{str(kind): {"msg_type": st.just(kind), **POSITION, **STATUS} for kind in (1, 2, 3)},
    "5": {
        "msg_type": st.just(5),
        "imo": st.integers(0, 2**30 - 1),
        "callsign": CALL_SIGN,
        "shipname": TEXT,
        "draught": st.integers(0, 255).map(lambda v: v / 10),
        **SIZE,
    },
    "18": {"msg_type": st.just(18), **POSITION},
    "19": {"msg_type": st.just(19), **POSITION, "shipname": TEXT, **SIZE},
    "24A": {"msg_type": st.just(24), "partno": st.just(0), "shipname": TEXT},
    "24B": {"msg_type": st.just(24), "partno": st.just(1), "callsign": CALL_SIGN, **SIZE},
    "27": {
        "msg_type": st.just(27),
        **POSITION,
        **STATUS,
        "speed": st.integers(0, 63),
        "course": st.integers(0, 511),
    },
}


@pytest.mark.parametrize("kind", FIELDS)
@FILES
@given(data=st.data())
def test_messages_encoded_by_pyais(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    fields = FIELDS[kind]
    given_fields = data.draw(st.lists(st.fixed_dictionaries(fields), min_size=1, max_size=8))
    mmsi = data.draw(st.lists(st.integers(0, 999_999_999), unique=True, min_size=8, max_size=8))
    messages = [
        pyais.encode_dict(
            {**message, "mmsi": mmsi[i]}, talker_id="AI", sentence_type="VDM", radio_channel="B", seq_id=i
        )
        for i, message in enumerate(given_fields)
    ]
    check(tmp_path / "log.nmea", messages)


@pytest.mark.parametrize("kind", LENGTHS)
def test_random_bits(tmp_path: Path, kind: int) -> None:
    source = random.Random(kind)
    messages = []
    for vessel in range(3_000):
        mmsi = 970_000_000 + vessel * 10_000 if vessel % 3 else vessel  # with craft of parent ships (98...)
        bits = f"{kind:06b}{source.getrandbits(2):02b}{mmsi:030b}"
        if kind == 24:
            bits += f"{source.getrandbits(1):02b}"
        free = LENGTHS[kind] - len(bits)
        bits += f"{source.getrandbits(free):0{free}b}"
        cuts = tuple(sorted(source.sample(range(1, len(bits) // 6), source.choice([0, 1, 2, 8]))))
        messages.append(sentences_of(bits, cuts))
    check(tmp_path / "log.nmea", messages)


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    """Negative control: a row of another message does not pass."""
    message = pyais.decode("!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A")
    (row,) = read(tmp_path / "log.nmea", ["!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"])
    check_position(row, message)
    for column, wrong in (("lat", row["lat"] + 2e-9), ("sog_kn", 12.2), ("nav_status", None), ("heading_deg", 214)):
        with pytest.raises(AssertionError):
            check_position({**row, column: wrong}, message)


@settings(deadline=None, max_examples=200)
@given(values=st.lists(st.integers(0, 63), min_size=30, max_size=70), data=st.data())
def test_armour_and_bits_by_the_standard_library(values: list[int], data: st.DataObject) -> None:
    text = np.frombuffer("".join(ALPHABET[v] for v in values).encode(), np.uint8)
    symbols = np.zeros(100, np.uint8)
    assert nmea_payload.unarmour(text, 0, len(text), symbols, 0)
    assert symbols[: len(values)].tolist() == values
    bits = "".join(f"{v:06b}" for v in values)
    start = data.draw(st.integers(0, 140))
    width = data.draw(st.integers(2, 30))
    expected = int(bits[start : start + width], 2)
    assert nmea_payload.unsigned(symbols, start, width) == expected
    negative = expected - (1 << width) if bits[start] == "1" else expected
    assert nmea_payload.signed(symbols, start, width) == negative


def test_the_armour_knows_64_characters() -> None:
    symbols = np.zeros(1, np.uint8)
    known = [c for c in range(256) if nmea_payload.unarmour(np.array([c], np.uint8), 0, 1, symbols, 0)]
    assert known == sorted(ord(c) for c in ALPHABET)


@pytest.mark.parametrize("kind", LENGTHS)
def test_every_shorter_payload_is_truncated_and_none_is_read_beyond_its_end(tmp_path: Path, kind: int) -> None:
    """Spare bits at the end may be missing: two in message 5, eight in 24 A."""
    spare = {5: 4, 24: 8}.get(kind, 0)
    path = tmp_path / "log.nmea"
    whole = f"{kind:06b}00{200_000_000:030b}".ljust(LENGTHS[kind], "0")
    for bits in range(40, LENGTHS[kind] + 1, 2):
        (sentence,) = sentences_of(whole[:bits])
        path.write_text(f"1593475200,{sentence}\n")
        rejects: list[str] = []
        note: Callable[..., None] = lambda *reject, to=rejects: to.append(reject[4])  # noqa: E731 - one line says it
        list(nmea.read(path, on_reject=note))
        assert bool(rejects) == (bits < LENGTHS[kind] - spare), bits
        assert all("truncated" in reason for reason in rejects)
