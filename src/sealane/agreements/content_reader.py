"""Reads the content of an executable agreement document and reports every fault with its path."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sealane.agreements.aggregates import grouping_faults
from sealane.agreements.catalogue import Catalogue, load_agreements
from sealane.agreements.clauses import Clause, Prohibition
from sealane.agreements.document_model import (
    PLANNABLE,
    SIGNABLE,
    Activity,
    ActivityKind,
    AgreementDocument,
    Aim,
    AreaNamed,
    Commitment,
    DocumentParty,
    KnownDatasets,
    Participant,
    SourceNamed,
)
from sealane.agreements.documents_reader import blanks_of
from sealane.agreements.model import Kind, PartyKind, PartyPort, Status
from sealane.agreements.terms_reader import Setting, check_contradictions, read_clause, read_prohibition
from sealane.agreements.values import (
    ID,
    MAX_FAULTS,
    MAX_TITLE,
    Reader,
    locode_fault,
    origin_fault,
    participant_fault,
    root_key_x,
    texts,
)
from sealane.errors import Fault

FIRST_YEAR, LAST_YEAR = 1900, 2100
_WithId = TypeVar("_WithId", DocumentParty, AreaNamed, Clause, Prohibition, Activity, Commitment)
_COUNTRY = re.compile(r"[A-Z]{2}")


def read_content(
    content: Mapping[str, Any], name: str, known: KnownDatasets | None, faults: list[Fault]
) -> AgreementDocument | None:
    """Read a document that is parsed already, or return None after adding its faults.

    Parameters
    ----------
    known : datasets with their fields; None for a document that was checked when it was written: its parties, areas,
        datasets, fields and purposes are then not looked up.
    """
    blanks = blanks_of(content, name)
    found: list[Fault] = []
    document = _read(Reader(name, content, found), known)
    blank = {fault.where for fault in blanks}
    # One fault a blank: what else is wrong with the same place follows from it.
    faults += blanks + [fault for fault in found if fault.where not in blank]
    return document if not blanks else None


def _read(fields: Reader, known: KnownDatasets | None) -> AgreementDocument | None:
    faults = fields.faults
    catalogue = load_agreements() if known is not None else None
    agreement_id = fields.identifier()
    version = fields.whole("version", 1, "Give the version, a whole number from 1")
    supersedes = fields.whole("supersedes", 1, "Give the version it takes the place of, or null", optional=True)
    if version is not None and supersedes is not None and supersedes >= version:
        fields.fault("supersedes", f"{supersedes}", f"Give a version below {version}, or null")
    title = fields.text("title", "Name the agreement", longest=MAX_TITLE)
    kind = fields.choice("kind", SIGNABLE)
    status = fields.choice("status", Status)
    year = fields.whole("year", FIRST_YEAR, f"Give a year from {FIRST_YEAR} to {LAST_YEAR}, or null", optional=True)
    if year is not None and year > LAST_YEAR:
        fields.fault("year", f"{year}", f"Give a year from {FIRST_YEAR} to {LAST_YEAR}, or null")
    date = fields.day("date", optional=True)
    if date is not None and year is not None and date.year != year:
        fields.fault("date", f"{date}", f"Must lie in the year {year}")
    valid_from = fields.time("valid_from")
    valid_until = fields.time("valid_until", optional=True)
    if valid_from is not None and valid_until is not None and valid_from >= valid_until:
        fields.fault("valid_until", f"{valid_until.isoformat()} is not after valid_from", "Give a later end, or null")
    demonstration = fields.take(
        "demonstration", bool, "true where the terms are made up for a demonstration, else false"
    )
    parties = _read_parties(fields, "parties", catalogue, optional=False)
    facilitators = _read_parties(fields, "facilitators", catalogue, optional=True)
    party_ids = _named(fields, "parties")
    if len(party_ids) < 2:
        fields.fault("parties", f"{len(party_ids)} named", "An agreement has at least two parties")
    for party in facilitators:
        if party.id in party_ids:
            fields.fault("facilitators", f"{party.id} is also a party", "Name it once")
    participants = _read_participants(fields, party_ids, demonstration is True)
    executing = tuple(dict.fromkeys(_named(fields, "participants")))
    setting = Setting(executing, party_ids, valid_from, valid_until, demonstration is True, known)
    clauses: list[tuple[str, Clause]] = []
    for reader in fields.rows("clauses", "List clauses, or [] where no data flow"):
        clause = read_clause(reader, setting)
        if clause is not None:
            clauses.append((reader.where, clause))
    prohibitions: list[Prohibition] = []
    for reader in fields.rows("prohibitions", "List prohibitions", optional=True):
        prohibition = read_prohibition(reader, setting)
        if prohibition is not None:
            prohibitions.append(prohibition)
    faults += check_contradictions(clauses, prohibitions, known)
    if known is not None:
        faults += grouping_faults(clauses)
    activities = [_activity(r) for r in fields.rows("activities", "List activities", optional=True)]
    commitments = [_commitment(r, party_ids) for r in fields.rows("commitments", "List commitments", optional=True)]
    _check_ids(fields)
    areas = _read_areas(fields, catalogue)
    sources = _read_sources(fields)
    antecedents = fields.members(
        "antecedents", "List ids of earlier agreements", _id_fault, optional=True, may_be_empty=True
    )
    notes = texts(fields, "notes")
    fields.close()
    if faults:
        return None
    assert version is not None and valid_from is not None  # no fault was found
    return AgreementDocument(
        id=str(agreement_id),
        version=version,
        supersedes=supersedes,
        title=str(title),
        kind=Kind(str(kind)),
        status=Status(str(status)),
        year=year,
        date=date,
        valid_from=valid_from,
        valid_until=valid_until,
        demonstration=bool(demonstration),
        parties=_sorted(parties),
        facilitators=_sorted(facilitators),
        participants=tuple(sorted(participants, key=lambda p: p.party)),
        areas=_sorted(areas),
        antecedents=antecedents,
        sources=tuple(sorted(sources, key=lambda s: (s.document, s.lines))),
        clauses=_sorted([clause for _, clause in clauses]),
        prohibitions=_sorted(prohibitions),
        activities=_sorted([a for a in activities if a is not None]),
        commitments=_sorted([c for c in commitments if c is not None]),
        notes=notes,
    )


def _sorted(values: Sequence[_WithId]) -> tuple[_WithId, ...]:
    return tuple(sorted(values, key=lambda value: value.id))


def _named(fields: Reader, key: str) -> tuple[str, ...]:
    """Return the party ids a list names, also of entries that have other faults, so that one fault is told once."""
    entries = fields.content.get(key)
    if not isinstance(entries, list):
        return ()
    found = [entry.get("party") for entry in entries if isinstance(entry, dict)]
    return tuple(dict.fromkeys(party for party in found if isinstance(party, str)))


def _id_fault(value: str) -> str | None:
    return None if ID.fullmatch(value) else "An id is lower-case words joined by - or _"


def _country_fault(value: str) -> str | None:
    return None if _COUNTRY.fullmatch(value) else 'Give a two-letter country code, quoted: "NO"'


def _read_parties(fields: Reader, key: str, catalogue: Catalogue | None, *, optional: bool) -> list[DocumentParty]:
    """Read parties; one of the shipped list needs its id only, any other its particulars."""
    found: list[DocumentParty] = []
    for reader in fields.rows(key, "List {party: ID}", optional=optional):
        if len(fields.faults) >= MAX_FAULTS:
            fields.fault(key, "more of them", "Correct the other faults first; the rest was not read")
            break
        before = len(reader.faults)
        party_id = reader.identifier("party")
        shipped = catalogue.parties.get(party_id) if catalogue and party_id else None
        if catalogue and shipped is None and set(reader.content) <= {"party", "named"}:
            if party_id:
                near = difflib.get_close_matches(party_id, list(catalogue.parties), n=3, cutoff=0.5)
                hint = f"nearest: {', '.join(near)}; " if near else ""
                reader.fault(
                    "party", f"{party_id!r} is not known", f"{hint}or give its name, kind, countries and ports"
                )
            continue
        given = shipped is not None
        name = reader.text("named", "Give the name as the agreement prints it", optional=True, longest=MAX_TITLE)
        if name is None or "name" in reader.content:
            name = reader.text("name", "Give the party's name", optional=given, longest=MAX_TITLE) or name
        kind = reader.choice("kind", PartyKind) if not given or "kind" in reader.content else None
        countries = reader.members(
            "countries", "List ISO 3166-1 alpha-2 codes, or []", _country_fault, optional=given, may_be_empty=True
        )
        ports = [
            _port(port) for port in reader.rows("ports", "List name and locode of each port, or []", optional=given)
        ]
        reader.close()
        if any(party_id == other.id for other in found):
            reader.fault("party", f"{party_id!r} a second time", "Name each party once")
        if len(reader.faults) > before:
            continue
        own = tuple(sorted((port for port in ports if port), key=lambda port: (port.locode, port.name)))
        if shipped is not None:
            theirs = tuple(sorted(shipped.ports, key=lambda port: (port.locode, port.name)))
            same = {"kind": (kind, shipped.kind), "countries": (countries, tuple(sorted(shipped.countries)))}
            for what, (here, there) in (same | {"ports": (own, theirs)}).items():
                if what in reader.content and here != there:
                    reader.fault(what, "differs from the shipped list of parties", "Leave it out")
            own, countries = theirs, tuple(sorted(shipped.countries))
            kind, name = shipped.kind.value, name or shipped.name
        found.append(DocumentParty(str(party_id), str(name), PartyKind(str(kind)), countries, own))
    return found


def _port(reader: Reader) -> PartyPort | None:
    name = reader.text("name", "Give the port's name", longest=MAX_TITLE)
    locode = reader.take("locode", str, "Give the UN/LOCODE, e.g. USLAX")
    if locode is not None and (wrong := locode_fault(locode)):
        reader.fault("locode", f"{locode!r}", wrong)
        locode = None
    reader.close()
    return PartyPort(name, locode) if name and locode else None


def _read_participants(fields: Reader, parties: Sequence[str], demonstration: bool) -> list[Participant]:
    found: list[Participant] = []
    seen: dict[tuple[str, str], str] = {}
    readers = fields.rows("participants", "List party, participant, origin and root_key of each party with a node")
    for reader in readers:
        party = reader.take("party", str, "Give the id of a party")
        if party is not None and party not in parties:
            reader.fault("party", f"{party!r}", f"Name one of the parties: {', '.join(parties) or 'none is named'}")
        participant = reader.take("participant", str, "Give its id towards other nodes, a URN or https address")
        if participant is not None and (wrong := participant_fault(participant)):
            reader.fault("participant", f"{participant!r}", wrong)
        origin = reader.take("origin", str, "Give scheme, host and port of its node")
        if origin is not None and (wrong := origin_fault(origin, demonstration=demonstration)):
            reader.fault("origin", f"{origin!r}", wrong)
        jwk = reader.take("root_key", dict, "Give the public root key as a JWK: kty, crv, x")
        x = root_key_x(reader.child("root_key", jwk)) if jwk is not None else None
        reader.close()
        for what, value in (("party", party), ("participant", participant), ("origin", origin), ("root_key", x)):
            if value is not None and seen.setdefault((what, value), reader.where) != reader.where:
                reader.fault(
                    what, "the same as another participant's", "Each party has a node and a root key of its own"
                )
        if None not in (party, participant, origin, x):
            found.append(Participant(str(party), str(participant), str(origin), str(x)))
    if len(readers) < 2 and isinstance(fields.content.get("participants"), list):
        fields.fault("participants", f"{len(readers)} named", "At least two parties must have a node to sign")
    return found


def _check_ids(fields: Reader) -> None:
    """Every clause, prohibition, activity and commitment has an id of its own: explanations name nothing else."""
    seen: dict[str, str] = {}
    for key in ("clauses", "prohibitions", "activities", "commitments"):
        entries = fields.content.get(key)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            value = entry.get("id") if isinstance(entry, dict) else None
            where = f"{key}[{index}].id"
            if isinstance(value, str) and seen.setdefault(value, where) != where:
                fields.fault(where, f"{value!r} is also {seen[value]}", "Give each its own id")


def _read_areas(fields: Reader, catalogue: Catalogue | None) -> list[AreaNamed]:
    found: list[AreaNamed] = []
    seen: set[str] = set()
    for where, entry in fields.items("areas", "List ids of areas, or {area: ID, name: NAME} for one of your own"):
        if len(fields.faults) >= MAX_FAULTS:
            fields.fault("areas", "more of them", "Correct the other faults first; the rest was not read")
            break
        if isinstance(entry, str) and catalogue is not None:
            area = catalogue.areas.get(entry)
            if area is None:
                near = difflib.get_close_matches(entry, list(catalogue.areas), n=3, cutoff=0.5)
                hint = f"nearest: {', '.join(near)}; " if near else ""
                remedy = f"{hint}or write {{area: ID, name: NAME}} for one of your own"
                fields.faults.append(Fault(where, f"{entry!r} is not known", remedy))
                continue
            named: AreaNamed | None = AreaNamed(area.id, " ".join(area.name.split()))
        else:
            reader = Reader(where, entry, fields.faults)
            area_id, name = reader.identifier("area"), reader.text("name", "Name the area", longest=MAX_TITLE)
            reader.close()
            named = AreaNamed(area_id, name) if area_id and name else None
        if named is not None and named.id in seen:
            fields.faults.append(Fault(where, f"{named.id!r} a second time", "Name it once"))
        elif named is not None:
            seen.add(named.id)
            found.append(named)
    return found


def _read_sources(fields: Reader) -> list[SourceNamed]:
    found = []
    for reader in fields.rows("sources", "List {document: NAME, lines: [1]}", optional=True):
        document = reader.text("document", "Name the document in which the agreement is written", longest=MAX_TITLE)
        lines = reader.take("lines", list, "List line numbers counted from 1, or leave the key out", [])
        reader.close()
        if lines is not None and not all(type(n) is int and 0 < n < 2**31 for n in lines):
            reader.fault("lines", f"{lines!r}", "List line numbers counted from 1")
        elif document is not None and lines is not None:
            found.append(SourceNamed(document, tuple(sorted(set(lines)))))
    return found


def _activity(reader: Reader) -> Activity | None:
    before = len(reader.faults)
    activity_id = reader.identifier()
    kind = reader.choice("kind", PLANNABLE)
    title = reader.text("title", "Name the activity", longest=MAX_TITLE)
    day = reader.day("day", optional=True)
    note = reader.text("note", "Give a text", optional=True)
    reader.close()
    if len(reader.faults) > before:
        return None
    return Activity(str(activity_id), ActivityKind(str(kind)), str(title), day, note)


def _commitment(reader: Reader, parties: Sequence[str]) -> Commitment | None:
    before = len(reader.faults)

    def party_fault(party: str) -> str | None:
        return None if party in parties else f"Name one of the parties: {', '.join(parties)}"

    commitment_id = reader.identifier()
    by = reader.members("by", "List the party ids of those who promise it", party_fault)
    what = reader.text("what", "Say what is promised")
    due = reader.day("due")
    indicator = reader.text("indicator", "Name the indicator that measures it", longest=MAX_TITLE)
    unit = reader.text("unit", "Give the indicator's unit", optional=True, longest=40)
    target = reader.take("target", (int, float, type(None)), "Give a number, or leave the key out", None)
    if target is None and reader.content.get("aim") is not None:
        reader.fault("aim", "stands without a target", "Give a target, or leave it out")
    aim = (
        reader.choice("aim", Aim) if target is not None else reader.take("aim", (str, type(None)), "Leave it out", None)
    )
    reader.close()
    # Whole numbers beyond this have no exact form in JSON (RFC 8785); not-a-number is below nothing.
    if target is not None and not abs(target) < 2**53:
        reader.fault("target", f"{target}", "Give a finite number below 2^53")
    if len(reader.faults) > before:
        return None
    assert due is not None  # no fault was found
    number = None if target is None else float(target)
    return Commitment(str(commitment_id), by, str(what), due, str(indicator), unit, number, Aim(aim) if aim else None)
