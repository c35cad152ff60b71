"""The executable document: all faults at once with paths, one canonical form, an exact inverse."""

from __future__ import annotations

import copy
import datetime as dt
import json
import random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.agreements.clauses import Granularity, Onward, Period
from sealane.agreements.document_model import Aim
from sealane.agreements.documents import (
    AgreementDocument,
    DatasetFields,
    document_bytes,
    normal_form,
    parse_document,
    read_document,
)
from sealane.agreements.terms_reader import load_purposes
from sealane.agreements.values import duration_text
from sealane.errors import DataError

# Public keys of RFC 8037 appendix A and RFC 8032 section 7.1 test 2, in base64url.
KEY_1 = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
KEY_2 = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"
KNOWN = {
    "port-calls": DatasetFields(
        ("eventID", "vessel.vesselIMONumber", "vessel.name", "movesForecasts[].carrierCode", "timestamp"),
        ("eventID", "timestamp"),
    ),
    "emission-results": DatasetFields(("corridor", "pollutant", "mass_g", "vessel_imo"), ("corridor",)),
}


def content(**changes: Any) -> dict[str, Any]:
    """Return a document without a fault, with every part in use."""
    base: dict[str, Any] = {
        "id": "a-b",
        "version": 2,
        "supersedes": 1,
        "title": "A and B",
        "kind": "corridor",
        "status": "signed",
        "year": 2026,
        "date": "2026-01-15",
        "valid_from": "2026-02-01T00:00:00Z",
        "valid_until": "2027-02-01T00:00:00Z",
        "demonstration": False,
        "parties": [
            {"party": "port-of-nagoya"},
            {"party": "port-of-x", "name": "Port of X", "kind": "port", "countries": ["SE"],
             "ports": [{"name": "X", "locode": "SEGOT"}]},
        ],
        "facilitators": [{"party": "c40-cities"}],
        "participants": [
            {"party": "port-of-nagoya", "participant": "urn:example:nagoya", "origin": "https://nagoya.example.org",
             "root_key": {"kty": "OKP", "crv": "Ed25519", "x": KEY_1}},
            {"party": "port-of-x", "participant": "https://x.example.org/node", "origin": "https://x.example.org:8443",
             "root_key": {"kty": "OKP", "crv": "Ed25519", "x": KEY_2}},
        ],
        "areas": ["air_quality", {"area": "own_area", "name": "An area of our own"}],
        "antecedents": ["nagoya-mou-2020"],
        "sources": [{"document": "The signed text", "lines": [3, 1]}, {"document": "A letter"}],
        "clauses": [
            {
                "id": "calls", "provider": "port-of-nagoya", "recipients": ["port-of-x"], "dataset": "port-calls",
                "fields": ["timestamp", "eventID", "vessel", "vessel.name"],
                "purposes": ["research", "corridor-reporting"],
                "granularity": "record",
                "rows": {"ports": ["JPNGO"], "vessels": ["9074729"], "terminals": ["TCB"],
                         "occurred_from": "2026-01-01T09:00:00+09:00", "occurred_until": "2026-07-01T00:00:00Z"},
                "delay": "P1W", "valid_from": "2026-03-01T00:00:00Z", "onward": "parties", "delete_after": "PT36H",
                "note": "A note",
            },
            {
                "id": "cells", "provider": "port-of-x", "recipients": ["port-of-nagoya"], "dataset": "emission-results",
                "fields": ["mass_g", "corridor", "pollutant"], "purposes": ["corridor-reporting"],
                "granularity": "aggregate", "rows": "all", "delay": "P14D", "onward": "public",
                "grouping": {"by": ["pollutant", "corridor"], "measures": ["mass_g"], "period": "month",
                             "contributor": "vessel_imo", "minimum_group": 5},
            },
        ],
        "prohibitions": [
            {"id": "no-labour", "purposes": ["labour-tracking"], "fields": ["movesForecasts"], "source": "A law"}
        ],
        "activities": [{"id": "visit-1", "kind": "visit", "title": "A visit", "day": "2026-05-01"}],
        "commitments": [
            {"id": "less", "by": ["port-of-x"], "what": "Less", "due": "2026-12-31", "indicator": "CO2e", "unit": "t",
             "target": 12, "aim": "at_most"}
        ],
        "notes": ["First", "Second"],
    }  # fmt: skip
    return copy.deepcopy(base) | changes


def read(document: dict[str, Any]) -> AgreementDocument:
    return read_document(json.dumps(document).encode(), "a-b.json", KNOWN)


def faults_of(document: dict[str, Any] | bytes, name: str = "a-b.json") -> dict[str, str]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(DataError) as caught:
        read_document(data, name, KNOWN)
    assert caught.value.exit_code == 2
    found = {f.where.removeprefix(name).removeprefix(": "): f"{f.found}. {f.remedy}" for f in caught.value.faults}
    assert len(found) == len(caught.value.faults), "two faults at one place"
    return found


def change(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set what stands at a path such as ``clauses[0].rows.ports``; ``...`` takes it out."""
    place: Any = document
    steps = [int(s) if s.isdigit() else s for s in path.replace("[", ".").replace("]", "").split(".")]
    for step in steps[:-1]:
        place = place[step]
    if value is ...:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return document


def test_a_document_is_read_with_every_part() -> None:
    document = read(content())
    assert (document.ref, document.kind, document.supersedes) == ("a-b/2", "corridor", 1)
    assert document.label == "agreed terms"
    calls, cells = document.clauses
    assert calls.fields == ("eventID", "timestamp", "vessel")  # vessel covers vessel.name
    assert calls.purposes == {"research", "corridor-reporting"}
    assert calls.delay == dt.timedelta(days=7)
    assert calls.delete_after == dt.timedelta(hours=36)
    assert calls.rows.occurred_from == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert (calls.valid_from.month, calls.valid_until) == (3, dt.datetime(2027, 2, 1, tzinfo=dt.UTC))
    assert (calls.onward, calls.granularity) == (Onward.PARTIES, Granularity.RECORD)
    assert cells.grouping is not None
    assert (cells.grouping.period, cells.grouping.minimum_group) == (Period.MONTH, 5)
    assert cells.valid_from == document.valid_from
    assert document.commitments[0].aim is Aim.AT_MOST
    assert [p.name for p in document.parties] == ["Port of Nagoya", "Port of X"]
    assert document.participants[0].root_key == {"kty": "OKP", "crv": "Ed25519", "x": KEY_1}
    assert document.names("urn:example:nagoya")
    assert not document.names("urn:example:other")


def test_terms_carry_the_prohibitions_and_are_the_same_each_time() -> None:
    document = read(content())
    terms = document.terms("calls")
    assert terms is not None
    assert terms is document.terms("calls")
    assert (terms.agreement_id, terms.version, terms.clause.id) == ("a-b", 2, "calls")
    assert terms.prohibitions == document.prohibitions
    assert document.terms("nowhere") is None


def test_validity_is_half_open() -> None:
    document = read(content())
    assert document.valid_until is not None
    tick = dt.timedelta(microseconds=1)
    assert not document.valid_at(document.valid_from - tick)
    assert document.valid_at(document.valid_from)
    assert document.valid_at(document.valid_until - tick)
    assert not document.valid_at(document.valid_until)


TEN_FAULTS = {
    "kind": "treaty",
    "valid_from": "2026-02-01T00:00:00",
    "parties[1].ports[0].locode": "SE-GOT",
    "participants[0].root_key.x": "AAAA",
    "clauses[0].recipients": ["port-of-nagoya"],
    "clauses[0].purposes[0]": "gossip",
    "clauses[0].rows.vessels[0]": "9074728",
    "clauses[0].delay": "P1M",
    "clauses[1].grouping.minimum_group": 2,
    "colour": "blue",
}


def test_ten_faults_are_ten_faults_each_with_its_path() -> None:
    broken = content()
    for path, value in TEN_FAULTS.items():
        change(broken, path, value)
    assert set(faults_of(broken)) == set(TEN_FAULTS)
    for path, value in TEN_FAULTS.items():  # and each is found on its own
        assert set(faults_of(change(content(), path, value))) == {path}


@pytest.mark.parametrize(
    ("path", "value", "where", "said"),
    [
        ("id", "A B", "id", "lower-case"),
        ("version", 0, "version", "from 1"),
        ("version", True, "version", "true/false"),
        ("supersedes", 2, "supersedes", "below 2"),
        ("kind", "general", "kind", "Choose one of: sister"),
        ("date", "2025-12-31", "date", "in the year 2026"),
        ("date", "20260115", "date", "YYYY-MM-DD"),
        ("valid_from", "2026-02-01", "valid_from", "no zone"),
        ("valid_from", "2026-02-01T00:00:00.1234567Z", "valid_from", "no time"),
        ("valid_from", "2026-02-30T00:00:00Z", "valid_from", "no time"),
        ("valid_from", "0001-01-01T00:00:00+14:00", "valid_from", "no time"),
        ("valid_until", "2026-02-01T00:00:00Z", "valid_until", "not after"),
        ("demonstration", "no", "demonstration", "text"),
        ("title", "tur\u202ened", "title", "U+202E"),
        ("parties[1].party", "port-of-nagoya", "parties[1].name", None),
        ("parties", [{"party": "port-of-nagoya"}], "parties", "at least two"),
        ("parties[0].party", "port-of-nagoja", "parties[0].party", "nearest: port-of-nagoya"),
        ("parties[0].ports", [{"name": "Elsewhere", "locode": "CNSHA"}], "parties[0].ports", "differs"),
        ("facilitators[0].party", "port-of-nagoya", "facilitators", "also a party"),
        ("participants", [], "participants", "At least two"),
        ("participants[0].participant", "nagoya", "participants[0].participant", "URN"),
        ("participants[1].participant", "urn:example:nagoya", "participants[1].participant", "another participant"),
        ("participants[0].origin", "http://nagoya.example.org", "participants[0].origin", "Use https"),
        ("participants[0].origin", "https://nagoya.example.org/", "participants[0].origin", "and port only"),
        ("participants[0].origin", "https://u@nagoya.example.org", "participants[0].origin", "and port only"),
        ("participants[0].origin", "https://nagoya.example.org:443", "participants[0].origin", "own port"),
        ("participants[0].origin", "https://NAGOYA.example.org", "participants[0].origin", "and port only"),
        ("participants[1].root_key", {"kty": "OKP", "crv": "Ed25519", "x": KEY_1}, "participants[1].root_key", "own"),
        ("participants[0].root_key.crv", "X25519", "participants[0].root_key.crv", "Choose one of: Ed25519"),
        ("participants[0].root_key.kty", "RSA", "participants[0].root_key.kty", "Choose one of: OKP"),
        ("participants[0].root_key.x", KEY_1 + "=", "participants[0].root_key.x", "base64url"),
        ("participants[0].root_key.x", KEY_1[:-1] + "p", "participants[0].root_key.x", "base64url"),  # stray bits
        ("areas[0]", "air_qualty", "areas[0]", "nearest: air_quality"),
        ("areas[1].area", "air_quality", "areas[1]", "second time"),
        ("sources[0].lines", [0], "sources[0].lines", "counted from 1"),
        ("clauses[0].id", "no-labour", "prohibitions[0].id", "is also clauses[0].id"),
        ("clauses[1].id", "calls", "clauses[1].id", "is also clauses[0].id"),
        ("clauses[0].provider", "port-of-y", "clauses[0].provider", "Not a known party"),
        ("clauses[0].provider", "c40-cities", "clauses[0].provider", "Not a known party"),
        ("clauses[0].recipients", [], "clauses[0].recipients", "an empty list"),
        ("clauses[0].recipients", ["port-of-x", "port-of-x"], "clauses[0].recipients[1]", "second time"),
        ("clauses[0].dataset", "port-call", "clauses[0].dataset", "nearest: port-calls"),
        ("clauses[0].fields[2]", "vesel.name", "clauses[0].fields[2]", "nearest: vessel.name"),
        ("clauses[0].fields[2]", "vessel..name", "clauses[0].fields[2]", "keys joined by dots"),
        ("clauses[0].fields", ["eventID"], "clauses[0].fields", "timestamp is missing"),
        ("clauses[0].fields", [], "clauses[0].fields", "an empty list"),
        ("clauses[0].purposes[0]", "reserch", "clauses[0].purposes[0]", "nearest: research"),
        ("clauses[0].purposes[0]", "labour-tracking", "clauses[0].purposes", "prohibited by no-labour"),
        ("clauses[0].granularity", "row", "clauses[0].granularity", "record, aggregate"),
        ("clauses[0].granularity", "aggregate", "clauses[0].grouping", "is missing"),
        ("clauses[0].rows", ..., "clauses[0].rows", "is missing"),
        ("clauses[0].rows", {}, "clauses[0].rows", "an empty filter"),
        ("clauses[0].rows", "some", "clauses[0].rows", "rows: all"),
        ("clauses[0].rows.ports", [], "clauses[0].rows.ports", "an empty list"),
        ("clauses[0].rows.ports", ["jpngo"], "clauses[0].rows.ports[0]", "UN/LOCODE"),
        ("clauses[0].rows.ports", ["JPNG1"], "clauses[0].rows.ports[0]", "UN/LOCODE"),
        ("clauses[0].rows.vessels", ["907472"], "clauses[0].rows.vessels[0]", "seven digits"),
        ("clauses[0].rows.vessels", [9074729], "clauses[0].rows.vessels[0]", "in quotes"),
        ("clauses[0].rows.occurred_until", "2025-01-01T00:00:00Z", "clauses[0].rows.occurred_until", "not after"),
        ("clauses[0].rows.port", ["JPNGO"], "clauses[0].rows.port", "unknown key"),
        ("clauses[0].delay", "P1Y", "clauses[0].delay", "ISO 8601"),
        ("clauses[0].delay", "P", "clauses[0].delay", "ISO 8601"),
        ("clauses[0].delay", "PT", "clauses[0].delay", "ISO 8601"),
        ("clauses[0].delay", "-PT1H", "clauses[0].delay", "ISO 8601"),
        ("clauses[0].delay", "PT1H30S", "clauses[0].delay", "ISO 8601"),
        ("clauses[0].delay", "P99999D", "clauses[0].delay", "longest"),
        ("clauses[0].delete_after", "PT0M", "clauses[0].delete_after", "no time at all"),
        ("clauses[0].valid_from", "2026-01-31T23:59:59Z", "clauses[0].valid_from", "before the agreement's"),
        ("clauses[0].valid_until", "2027-02-01T00:00:01Z", "clauses[0].valid_until", "after the agreement's"),
        ("clauses[0].valid_until", "2026-03-01T00:00:00Z", "clauses[0].valid_until", "not after"),
        ("clauses[0].demonstration", True, "clauses[0].demonstration", "Say the same"),
        ("clauses[0].grouping", {"by": ["eventID"]}, "clauses[0].grouping", "single records"),
        ("clauses[1].grouping", ..., "clauses[1].grouping", "is missing"),
        ("clauses[1].grouping.minimum_group", ..., "clauses[1].grouping.minimum_group", "is missing"),
        ("clauses[1].grouping.by", ["vessel_imo"], "clauses[1].grouping.by", "not among the clause's fields"),
        ("clauses[1].grouping.contributor", "ship", "clauses[1].grouping.contributor", "Not a known field"),
        ("clauses[1].grouping.period", "hour", "clauses[1].grouping.period", "Choose one of: day"),
        ("clauses[1].grouping.contributor", "pollutant", "clauses[1].grouping.by", "pollutant is the contributor"),
        ("clauses[1].grouping.least", 3, "clauses[1].grouping.least", "unknown key"),
        ("prohibitions[0].purposes", ["gossip"], "prohibitions[0].purposes[0]", "Not a known purpose"),
        ("prohibitions[0].fields", ["moves"], "prohibitions[0].fields[0]", "Not a known field"),
        ("prohibitions[0].fields", ["vessel"], "clauses[0].fields", "prohibited by no-labour"),
        ("prohibitions[0].datasets", ["port-calls"], "clauses[0].dataset", "prohibited by no-labour"),
        ("prohibitions[0]", {"id": "no", "source": "A law"}, "prohibitions[0]", "prohibits nothing"),
        ("prohibitions[0].source", ..., "prohibitions[0].source", "is missing"),
        ("activities[0].kind", "report", "activities[0].kind", "Choose one of: visit"),
        ("commitments[0].by", ["c40-cities"], "commitments[0].by[0]", "Name one of the parties"),
        ("commitments[0].due", ..., "commitments[0].due", "is missing"),
        ("commitments[0].aim", ..., "commitments[0].aim", "is missing"),
        ("commitments[0].target", None, "commitments[0].aim", "without a target"),
        ("commitments[0].target", 2**53, "commitments[0].target", "below 2^53"),
    ],
)  # fmt: skip
def test_one_fault(path: str, value: Any, where: str, said: str | None) -> None:
    faults = faults_of(change(content(), path, value))
    if said is None:
        assert faults
        return
    assert where in faults, faults
    assert said in faults[where], faults[where]


def test_a_private_key_is_refused_and_never_shown() -> None:
    document = content()
    document["participants"][0]["root_key"]["d"] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
    faults = faults_of(document)
    assert "private key" in faults["participants[0].root_key.d"]
    assert "nWGxne" not in str(faults)


def test_a_required_leaf_that_is_prohibited_cannot_flow() -> None:
    document = content()
    document["prohibitions"][0]["fields"] = ["timestamp"]
    assert "prohibited by no-labour" in faults_of(document)["clauses[0].fields"]


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (b'{"id": "a", "id": "b"}', "", "'id' is given twice"),
        (b'{"clauses": [{"id": 1, "id": 2}]}', "", "'id' is given twice"),
        (b'{"version": NaN}', "", "NaN is no JSON number"),
        (b'{"version": -Infinity}', "", "-Infinity is no JSON number"),
        (b'{"version": 1', "line 1", "delimiter"),
        (b"\xff\xfe", "byte 0", "UTF-8"),
        (b"[1]", "", "a list"),
        (b'{"a":' + b"[" * 200_000, "", "Correct the JSON"),
        (b'{"a":' + b"[" * 30 + b"]" * 30 + b"}", "", "nested over 20 deep"),
        (b'{"version": ' + b"9" * 5000 + b"}", "", "beyond all measure"),
        (b" " * 1_000_001, "", "1000001 bytes"),
    ],
)
def test_json_that_is_not_strict(text: bytes, where: str, said: str) -> None:
    faults = faults_of(text)
    assert any(found.strip().startswith(where) and said in told for found, told in faults.items()), faults


def test_yaml_and_json_of_the_same_document_give_the_same_bytes() -> None:
    text = yaml.safe_dump(content(), allow_unicode=True).replace("'2026-02-01T00:00:00Z'", "2026-02-01T00:00:00Z")
    assert "valid_from: 2026-02-01T00:00:00Z" in text  # unquoted: YAML's own time type would swallow the zone
    from_yaml = read_document(text.encode(), "a-b.yaml", KNOWN)
    assert document_bytes(from_yaml) == document_bytes(read(content()))


def test_a_yaml_time_without_zone_is_refused_though_yaml_knows_it() -> None:
    text = yaml.safe_dump(content()).replace("'2026-02-01T00:00:00Z'", "2026-02-01 00:00:00")
    assert "no zone" in faults_of(text.encode(), "a-b.yaml")["valid_from"]


def test_a_key_given_twice_in_yaml() -> None:
    faults = faults_of(b"id: a\nid: b\n", "a-b.yaml")
    assert "given twice" in next(iter(faults.values()))


def test_blanks_of_a_template_are_faults_and_nothing_else_is_said_of_them() -> None:
    document = content(valid_from="FILL: when it begins")
    change(document, "clauses[0].delay", "FILL: how long")
    assert faults_of(document) == {
        "valid_from": "a blank of the template. Fill in: when it begins",
        "clauses[0].delay": "a blank of the template. Fill in: how long",
    }


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return the same content with other order of keys and of every list that is a set."""
    if isinstance(value, dict):
        items = [(key, item if key == "notes" else shuffled(item, chance)) for key, item in value.items()]
        chance.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return chance.sample([shuffled(item, chance) for item in value], len(value))
    return value


SAME_MEANING = [
    ("valid_from", ["2026-02-01T00:00:00Z", "2026-02-01T09:00:00+09:00", "2026-01-31T19:00:00.000-05:00"]),
    ("title", ["A and B", "A  and\nB"]),
    ("clauses[0].delay", ["P1W", "P7D", "PT168H", "P6DT24H", "PT10080M"]),
    ("clauses[0].delete_after", ["PT36H", "P1DT12H", "PT2160M"]),
    ("clauses[0].fields", [["eventID", "timestamp", "vessel"], ["timestamp", "vessel", "vessel.name", "eventID"]]),
    ("clauses[0].valid_until", [None, "2027-02-01T00:00:00Z"]),
    ("clauses[0].demonstration", [False]),
    ("commitments[0].target", [12, 12.0]),
    ("areas[0]", ["air_quality", {"area": "air_quality", "name": "Air quality"}]),
]


@settings(max_examples=50)
@given(st.integers(0, 2**32))
def test_equal_meaning_gives_equal_bytes(seed: int) -> None:
    chance = random.Random(seed)
    document = content()
    for path, spellings in SAME_MEANING:
        change(document, path, chance.choice(spellings))
    again = read(shuffled(document, chance))
    assert document_bytes(again) == document_bytes(read(content()))


@settings(max_examples=50)
@given(st.integers(0, 2**32))
def test_parse_is_the_exact_inverse(seed: int) -> None:
    document = read(shuffled(content(), random.Random(seed)))
    data = document_bytes(document)
    assert parse_document(data) == document
    assert document_bytes(parse_document(data)) == data
    # What was signed can also be proposed again as it is.
    assert read_document(data, "a-b.json", KNOWN) == document


DIFFERENT_MEANING = [
    ("valid_from", "2026-02-01T00:00:00.000001Z"),
    ("demonstration", True),
    ("clauses[0].delay", "PT167H"),
    ("clauses[0].fields", ["eventID", "timestamp", "vessel.name"]),
    ("clauses[0].rows", "all"),
    ("clauses[0].onward", "none"),
    ("clauses[1].grouping.minimum_group", 6),
    ("participants[0].root_key.x", "d" * 42 + "A"),
    ("prohibitions", []),
    ("notes", ["Second", "First"]),
]


@pytest.mark.parametrize(("path", "value"), DIFFERENT_MEANING, ids=[path for path, _ in DIFFERENT_MEANING])
def test_another_meaning_gives_other_bytes(path: str, value: Any) -> None:
    document = change(content(), path, value)
    if path == "demonstration":
        for clause in document["clauses"]:
            clause.pop("demonstration", None)
    assert document_bytes(read(document)) != document_bytes(read(content()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b" ",
        lambda data: data.replace(b'"version":2', b'"version":2.0'),
        lambda data: data.replace(b'"valid_from":"2026-02-01T00:00:00Z"', b'"valid_from":"2026-02-01T01:00:00+01:00"'),
        lambda data: data.replace(b'"delay":"P7D"', b'"delay":"P1W"'),
        lambda data: data.replace(b'"id":"a-b"', b'"id":"a-b","id":"a-b"'),
        lambda data: json.dumps(json.loads(data)).encode(),
        lambda data: data.replace(b'"notes":["First","Second"],', b""),
        lambda data: b"",
    ],
)
def test_only_the_canonical_bytes_are_parsed(spoil: Any) -> None:
    data = document_bytes(read(content()))
    assert spoil(data) != data
    with pytest.raises(DataError):
        parse_document(spoil(data))


def test_two_ways_to_the_same_records_are_refused() -> None:
    """Cells beside single records of the same dataset single out what the cells hide."""
    document = content()
    second = copy.deepcopy(document["clauses"][1]) | {"id": "singly", "granularity": "record"}
    del second["grouping"]
    document["clauses"].append(second)
    assert "in two ways" in faults_of(document)["clauses[2]"]
    change(document, "clauses[1].rows", {"ports": ["SEGOT"]})
    change(document, "clauses[2].rows", {"ports": ["JPNGO"]})
    assert len(read(document).clauses) == 3  # about other records: no fault


def test_what_was_signed_stays_readable_without_the_datasets() -> None:
    """A dataset, field or purpose this program does not know (any more) can be read back, not written."""
    data = document_bytes(read(content())).replace(b'"port-calls"', b'"tea-parties"').replace(b"research", b"retreats")
    assert parse_document(data).clauses[0].dataset == "tea-parties"
    assert {"clauses[0].dataset", "clauses[0].purposes[1]"} <= set(faults_of(data))


@given(st.integers(min_value=0, max_value=36_500 * 24 * 60))
def test_durations_have_one_spelling_that_reads_back(minutes: int) -> None:
    length = dt.timedelta(minutes=minutes)
    document = read(change(content(), "clauses[0].delay", duration_text(length)))
    assert document.clauses[0].delay == length


def test_demonstration_terms_say_so() -> None:
    document = read(content(demonstration=True))
    assert document.label == "demonstration terms"
    assert all(clause.demonstration for clause in document.clauses)
    assert all(clause["demonstration"] for clause in normal_form(document)["clauses"])


def test_http_is_for_demonstrations_and_this_machine() -> None:
    document = content(demonstration=True)
    change(document, "participants[0].origin", "http://node:8080")
    assert read(document).participants[0].origin == "http://node:8080"
    document = content()
    change(document, "participants[0].origin", "http://127.0.0.1:8001")
    assert read(document).participants[0].origin == "http://127.0.0.1:8001"


def test_every_purpose_is_described() -> None:
    purposes = load_purposes()
    assert {"labour-tracking", "labour-productivity", "supply-chain-visibility"} <= set(purposes)
    assert all(len(text) > 10 for text in purposes.values())
