"""The agreements the program knows, read from YAML documents with every fault reported at once.

A folder of agreements holds ``sources.yaml``, ``parties.yaml``, ``areas.yaml`` and ``documents/*.yaml``, one
document per agreement. ``load_agreements`` reads the shipped folder, ``read_agreements`` any other.
"""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sealane.agreements.documents_reader import Fields, kind_of, read_yaml
from sealane.agreements.model import (
    Agreement,
    Area,
    AreaKind,
    Kind,
    Participation,
    Party,
    PartyKind,
    PartyPort,
    SourceDocument,
    SourceLines,
    Status,
)
from sealane.errors import DataError, Fault, InputError

_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_LOCODE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class Catalogue:
    """Agreements, ordered by year and id, and the parties, areas and sources they refer to."""

    agreements: tuple[Agreement, ...]
    parties: Mapping[str, Party]
    areas: Mapping[str, Area]
    sources: Mapping[str, SourceDocument]

    def get(self, agreement_id: str) -> Agreement:
        """Return one agreement.

        Raises
        ------
        InputError
            If no agreement has this id; names the nearest ones.
        """
        for agreement in self.agreements:
            if agreement.id == agreement_id:
                return agreement
        ids = [agreement.id for agreement in self.agreements]
        near = difflib.get_close_matches(agreement_id.lower(), ids, n=3, cutoff=0.4)
        hint = f"Nearest: {', '.join(near)}. " if near else ""
        raise InputError(
            f"No agreement has the id {agreement_id!r}. {hint}`sealane agreement list` prints all {len(ids)} ids."
        )

    def find(self, kind: Kind | None = None, partner: str | None = None) -> tuple[Agreement, ...]:
        """Return the agreements of a kind, with a partner.

        Parameters
        ----------
        kind : None for all kinds.
        partner : UN/LOCODE, country code or part of a name of any party or facilitator; case and accents
            do not matter.
        """
        return tuple(
            agreement
            for agreement in self.agreements
            if (kind is None or agreement.kind is kind)
            and (partner is None or any(_matches(p, partner) for p in agreement.parties + agreement.facilitators))
        )


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def _matches(participation: Participation, wanted: str) -> bool:
    party = participation.party
    code = wanted.replace(" ", "").upper()
    if code in party.countries or any(port.locode == code for port in party.ports):
        return True
    text = _plain(wanted).strip()
    names = (party.id, party.name, participation.named, *(port.name for port in party.ports))
    return len(text) > 2 and any(text in _plain(name) for name in names)


@functools.cache
def load_agreements() -> Catalogue:
    """Return the agreements shipped with the package."""
    return read_agreements(_SHIPPED)


def read_agreements(folder: Path) -> Catalogue:
    """Read a folder of agreements.

    Raises
    ------
    DataError
        Lists every fault of every document with its file and path.
    """
    faults: list[Fault] = []
    sources = _read_sources(folder / "sources.yaml", faults)
    parties = _read_parties(folder / "parties.yaml", faults)
    areas = _read_areas(folder / "areas.yaml", sources, faults)
    paths = sorted((folder / "documents").glob("*.yaml"))
    if not paths:
        faults.append(Fault("documents/", "no *.yaml file", "Put one YAML document per agreement there"))
    agreements = [_read_agreement(path, sources, parties, areas, faults) for path in paths]
    known = [agreement for agreement in agreements if agreement is not None]
    _check_antecedents(known, faults)
    if faults:
        raise DataError(f"The agreements in {folder} cannot be used.", faults)
    known.sort(key=lambda a: (a.year is None, a.year or 0, a.id))
    return Catalogue(tuple(known), MappingProxyType(parties), MappingProxyType(areas), MappingProxyType(sources))


def _entries(path: Path, faults: list[Fault]) -> list[tuple[str, Fields]]:
    """Return (id, fields) of a file that maps ids to mappings."""
    entries = []
    for key, value in read_yaml(path, faults).items():
        if not _ID.fullmatch(key.lower()):
            faults.append(Fault(f"{path.name}: {key}", "not an id", "Use letters, digits, - or _"))
        entries.append((key, Fields(f"{path.name}: {key}", value, faults)))
    return entries


def _read_sources(path: Path, faults: list[Fault]) -> dict[str, SourceDocument]:
    found = {}
    for key, fields in _entries(path, faults):
        title = fields.take("title", str, "Give the document's title")
        publisher = fields.take("publisher", str, "Say who published it")
        read_as_of = fields.take("read_as_of", int, "Give the year whose state it describes")
        fields.close()
        found[key] = SourceDocument(key, title or "", publisher or "", read_as_of or 0)
    return found


def _read_parties(path: Path, faults: list[Fault]) -> dict[str, Party]:
    found = {}
    for key, fields in _entries(path, faults):
        name = fields.take("name", str, "Give the party's name")
        kind = fields.choice("kind", PartyKind)
        countries = []
        for where, country in fields.items("countries", "List ISO 3166-1 alpha-2 codes, or [] where none applies"):
            if isinstance(country, str) and _COUNTRY.fullmatch(country):
                countries.append(country)
            else:
                # Unquoted NO is `false` in YAML: the remedy must say so.
                faults.append(Fault(where, f"{country!r}", 'Give a two-letter country code, quoted: "NO"'))
        ports = []
        for where, entry in fields.items("ports", "List name and locode of each port, or [] where none is named"):
            port = Fields(where, entry, faults)
            port_name = port.take("name", str, "Give the port's name")
            locode = port.take("locode", str, "Give the UN/LOCODE, e.g. USLAX")
            if locode is not None and not _LOCODE.fullmatch(locode):
                port.fault("locode", f"{locode!r}", "A UN/LOCODE is two letters and three letters or digits 2-9")
            elif locode is not None and countries and locode[:2] not in countries:
                port.fault("locode", f"{locode!r}", f"Must begin with one of the party's countries {countries}")
            port.close()
            ports.append(PartyPort(port_name or "", locode or ""))
        fields.close()
        found[key] = Party(key, name or "", PartyKind(kind or "port"), tuple(countries), tuple(ports))
    return found


def _read_areas(path: Path, sources: Mapping[str, SourceDocument], faults: list[Fault]) -> dict[str, Area]:
    found = {}
    for key, fields in _entries(path, faults):
        name = fields.take("name", str, "Name the area in plain words")
        kind = fields.choice("kind", AreaKind)
        named_in = fields.take("named_in", dict, "Give document: [line, ...]") or {}
        fields.close()
        if not named_in:
            fields.fault("named_in", "no source", "Say where the area is named: {A: [6]}")
        lines = [
            _source_lines(f"{fields.where}.named_in.{document}", document, numbers, sources, faults)
            for document, numbers in named_in.items()
        ]
        area_kind = AreaKind(kind or "area")
        found[key] = Area(key, name or "", area_kind, tuple(line for line in lines if line is not None))
    return found


def _source_lines(
    where: str, document: object, lines: object, sources: Mapping[str, SourceDocument], faults: list[Fault]
) -> SourceLines | None:
    if not isinstance(document, str) or document not in sources:
        faults.append(Fault(where, f"document {document!r}", f"Choose one of: {', '.join(sources)}"))
        return None
    good = isinstance(lines, list) and lines and all(type(n) is int and n > 0 for n in lines)
    if not good or not isinstance(lines, list):
        faults.append(Fault(where, f"lines {lines!r}", "List line numbers counted from 1, e.g. [23]"))
        return None
    if lines != sorted(set(lines)):
        faults.append(Fault(where, f"lines {lines!r}", "List each line once, in ascending order"))
    return SourceLines(sources[document], tuple(lines))


def _read_agreement(
    path: Path,
    sources: Mapping[str, SourceDocument],
    parties: Mapping[str, Party],
    areas: Mapping[str, Area],
    faults: list[Fault],
) -> Agreement | None:
    before = len(faults)
    content = read_yaml(path, faults)
    if len(faults) > before:
        return None
    fields = Fields(path.name, content, faults)
    agreement_id = fields.take("id", str, "Repeat the file's name without .yaml")
    if agreement_id is not None and (agreement_id != path.stem or not _ID.fullmatch(agreement_id)):
        fields.fault("id", f"{agreement_id!r}", f"Must be {path.stem!r}: lower-case words joined by -")
    title = fields.take("title", str, "Name the agreement")
    kind = fields.choice("kind", Kind)
    status = fields.choice("status", Status)
    year = fields.take("year", (int, type(None)), "Give the year as printed, or null")
    if year is not None and not _FIRST_YEAR <= year <= _LAST_YEAR:
        fields.fault("year", f"{year}", f"Give a year from {_FIRST_YEAR} to {_LAST_YEAR}, or null")
    date = fields.take("date", (dt.date, type(None)), "Give the day as YYYY-MM-DD, or null")
    if isinstance(date, dt.datetime):
        fields.fault("date", f"{date}", "Give a day without a time")
    if date is not None and year is not None and date.year != year:
        fields.fault("date", f"{date}", f"Must lie in the year {year}")
    who = _participations(fields, "parties", parties, optional=False)
    facilitators = _participations(fields, "facilitators", parties, optional=True)
    if kind is not None and kind != Kind.GENERAL and len(who) < 2:
        fields.fault("parties", f"{len(who)} usable", "An agreement has at least two parties")
    separate = fields.take("separate_agreements", bool, "true or false", False)
    antecedents = _ids(fields, "antecedents", None)
    area_ids = _ids(fields, "areas", areas)
    lines = []
    for where, entry in fields.items("sources", "List {document: A, lines: [23]}"):
        source = Fields(where, entry, faults)
        document = source.take("document", str, f"Choose one of: {', '.join(sources)}")
        numbers = source.take("lines", list, "List line numbers counted from 1, e.g. [23]")
        source.close()
        if document is not None and numbers is not None:
            lines.append(_source_lines(where, document, numbers, sources, faults))
    if not lines:
        fields.fault("sources", "no source", "Say where the agreement is written")
    if fields.items("clauses", "Write `clauses: []`"):
        # Refused, not ignored: the catalogue tells of public texts, none of which prints a clause on data. Clauses
        # that run stand in documents the parties sign (sealane.agreements.documents).
        fields.fault(
            "clauses",
            "a clause",
            "Write `clauses: []`: no clause is public; agree on clauses in a document of your own",
        )
    notes = []
    for where, note in fields.items("notes", "List texts", optional=True):
        if isinstance(note, str) and note.strip():
            notes.append(" ".join(note.split()))
        else:
            faults.append(Fault(where, kind_of(note), "Give a text"))
    fields.close()
    if len(faults) > before:
        return None
    return Agreement(
        id=str(agreement_id),
        title=str(title),
        kind=Kind(str(kind)),
        status=Status(str(status)),
        year=year,
        date=date,
        parties=tuple(who),
        facilitators=tuple(facilitators),
        separate_agreements=bool(separate),
        antecedents=tuple(antecedents),
        areas=tuple(areas[area] for area in area_ids),
        sources=tuple(line for line in lines if line is not None),
        notes=tuple(notes),
    )


def _participations(fields: Fields, key: str, parties: Mapping[str, Party], *, optional: bool) -> list[Participation]:
    found: list[Participation] = []
    for where, entry in fields.items(key, "List {party: ID} of parties.yaml", optional=optional):
        item = Fields(where, entry, fields.faults)
        party = item.take("party", str, "Give an id of parties.yaml")
        named = item.take("named", str, "Give the name as the source prints it", None)
        item.close()
        if party is None:
            continue
        if party not in parties:
            item.fault("party", f"{party!r}", _nearest(party, parties, "parties.yaml"))
        elif any(party == other.party.id for other in found):
            item.fault("party", f"{party!r} a second time", "Name each party once")
        else:
            found.append(Participation(parties[party], named or parties[party].name))
    return found


def _ids(fields: Fields, key: str, known: Mapping[str, Any] | None) -> list[str]:
    found: list[str] = []
    for where, value in fields.items(key, "List ids, or [] where none is named", optional=known is None):
        if not isinstance(value, str):
            fields.faults.append(Fault(where, f"{kind_of(value)} ({value!r})", "Give an id"))
        elif known is not None and value not in known:
            fields.faults.append(Fault(where, f"{value!r}", _nearest(value, known, f"{key}.yaml")))
        elif value in found:
            fields.faults.append(Fault(where, f"{value!r} a second time", "Name it once"))
        else:
            found.append(value)
    return found


def _nearest(value: str, known: Mapping[str, Any], file: str) -> str:
    near = difflib.get_close_matches(value, list(known), n=3, cutoff=0.5)
    return f"Give an id of {file}" + (f"; nearest: {', '.join(near)}" if near else "")


def _check_antecedents(agreements: list[Agreement], faults: list[Fault]) -> None:
    """An antecedent exists and is not younger than what grew out of it."""
    by_id = {agreement.id: agreement for agreement in agreements}
    for agreement in agreements:
        for position, antecedent in enumerate(agreement.antecedents):
            where = f"{agreement.id}.yaml: antecedents[{position}]"
            if antecedent not in by_id:
                faults.append(Fault(where, f"{antecedent!r}", "Give the id of another document"))
                continue
            earlier = by_id[antecedent].year
            if antecedent == agreement.id or (agreement.year and earlier and earlier > agreement.year):
                faults.append(Fault(where, f"{antecedent!r} ({earlier})", "An antecedent comes earlier"))
