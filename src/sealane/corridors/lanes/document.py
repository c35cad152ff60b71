"""The corridor document: what lane is meant, how it is attributed, what was promised, and who says so.

A document is a YAML file, read strictly; five are shipped. Every fact in it names one of its sources. What nobody
published is absent: a target is never made up, and a result without one says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

from sealane.corridors.lanes.schemas import RULES
from sealane.corridors.lanes.strict_yaml import Reader, read_document
from sealane.emissions.ship_classes import find_ship_class
from sealane.errors import DataError, Fault, MissingFactorError
from sealane.reference.ports import find_port, port, verified_locodes

STATUSES = ("intended", "announced", "established")
ROLES = ("port", "carrier", "cargo_owner", "core_partner", "facilitator", "research")
METRICS: Mapping[str, tuple[str, str]] = {
    "wtw_t": ("t", "well-to-wake CO2e of the lane in a year"),
    "ttw_t": ("t", "tank-to-wake CO2e of the lane in a year"),
    "wtw_g_per_mj": ("g/MJ", "well-to-wake CO2e over fuel energy"),
    "wtw_g_per_t_km": ("g/(t km)", "well-to-wake CO2e over transport activity"),
    "wtw_g_per_teu_km": ("g/(TEU km)", "well-to-wake CO2e over transport activity in TEU"),
}
GRADES = ("A", "B", "C", "D")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Source:
    """Where facts of a document come from, and how good that is (A-D)."""

    id: str
    title: str
    grade: str


@dataclass(frozen=True)
class End:
    """A port group at one end.

    Attributes
    ----------
    name : as people say it.
    ports : UN/LOCODEs as the document gives them.
    codes : these and other codes of the same ports, e.g. CNSGH beside CNSHA.
    """

    name: str
    ports: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """A dated, measured promise.

    Attributes
    ----------
    metric : one of `METRICS`.
    value : in the metric's unit; None for a target relative to the baseline year.
    reduction_pct : cut against the baseline year [%]; None for an absolute target.
    """

    id: str
    year: int
    metric: str
    value: float | None
    reduction_pct: float | None
    source: str


@dataclass(frozen=True)
class Partner:
    """Who takes part, and as what."""

    name: str
    role: str
    source: str


@dataclass(frozen=True)
class Statement:
    """Something published about the corridor that is no measured target: a goal of a year, or a fact."""

    item: str
    text: str
    year: int | None
    source: str


@dataclass(frozen=True)
class Corridor:
    """A corridor document, checked.

    Attributes
    ----------
    id, title, status : what it is; status of `STATUSES`.
    end_a, end_b : port groups.
    ship_classes : EPA ship types that count; empty: all.
    begin, until : first moment and end of the period, UTC; None: open.
    attribution : rule of `RULES` that counts.
    longest_pass_days : a pass that takes longer is counted by no rule; None: no limit.
    baseline_year : None where none was agreed.
    targets, partners, goals, facts, sources, notes : see there.
    sha256 : of the file.
    """

    id: str
    title: str
    status: str
    end_a: End
    end_b: End
    ship_classes: tuple[str, ...]
    begin: datetime | None
    until: datetime | None
    attribution: str
    longest_pass_days: float | None
    baseline_year: int | None
    targets: tuple[Target, ...]
    partners: tuple[Partner, ...]
    goals: tuple[Statement, ...]
    facts: tuple[Statement, ...]
    sources: Mapping[str, Source]
    notes: tuple[str, ...]
    sha256: str

    def end_of(self) -> dict[str, int]:
        """UN/LOCODE to end: 1 for a, 2 for b."""
        return {**dict.fromkeys(self.end_a.codes, 1), **dict.fromkeys(self.end_b.codes, 2)}


def corridor_ids() -> tuple[str, ...]:
    """Ids of the shipped documents."""
    folder = resources.files("sealane.corridors.lanes") / "documents"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


def read_corridor(id_or_path: str | Path) -> Corridor:
    """Read a shipped document by its id, or a document of one's own by its path.

    Raises
    ------
    DataError
        listing every fault with file, line and key: an unknown key or port, a port at both ends, a fact without
        source, a target without a measure.
    """
    return parse_corridor(*read_document_bytes(id_or_path))


def read_document_bytes(id_or_path: str | Path) -> tuple[bytes, str]:
    """Bytes and file name of a shipped document or of one's own, as they stand."""
    text = str(id_or_path)
    if text in corridor_ids():
        return (resources.files("sealane.corridors.lanes") / "documents" / f"{text}.yaml").read_bytes(), f"{text}.yaml"
    path = Path(text)
    if not path.is_file():
        raise DataError(
            "There is no such corridor.",
            [Fault("corridor", f"'{text}'", f"Give one of {', '.join(corridor_ids())}, or the path of a document")],
        )
    return path.read_bytes(), path.name


def parse_corridor(data: bytes, name: str) -> Corridor:
    """Read a document from its bytes; see `read_corridor`."""
    faults: list[Fault] = []
    reader = read_document(data, name, faults)
    if faults and not reader.content:
        raise DataError(f"The corridor document {name} cannot be used.", faults)
    sources = _sources(reader)
    ident = reader.text("id", "Give a short id, e.g. la-lb-shanghai") or ""
    if ident and not _ID.fullmatch(ident):
        reader.fault("id", f"'{ident}'", "Use small letters, digits and single hyphens")
    title = reader.text("title", "Give a title") or ""
    status = reader.choice("status", STATUSES) or ""
    ends = _ends(reader)
    classes = []
    for text in reader.texts("ship_classes", "Give a list of EPA ship types; [] for all"):
        try:
            classes.append(find_ship_class(text))
        except MissingFactorError as problem:
            reader.fault("ship_classes", f"'{text}'", str(problem))
    begin, until = _period(reader)
    attribution = reader.choice("attribution", RULES) or RULES[1]
    longest = reader.number("longest_pass_days", 1, 3660, "Give days from 1 to 3660", needed=False)
    baseline = reader.whole("baseline_year", 1990, 2100, "Give a year, or leave the key out", needed=False)
    targets = _targets(reader, sources, baseline)
    partners = tuple(
        Partner(
            item.text("name", "Name the partner") or "", item.choice("role", ROLES) or "", _source_of(item, sources)
        )
        for item in reader.mappings("partners", "Give a list of partners")
    )
    goals = _statements(reader, "goals", sources, dated=True)
    facts = _statements(reader, "facts", sources, dated=False)
    notes = reader.texts("notes", "Give a list of texts", needed=False)
    reader.close()
    if faults or ends is None:
        raise DataError(f"The corridor document {name} cannot be used.", faults)
    return Corridor(
        id=ident,
        title=title,
        status=status,
        end_a=ends[0],
        end_b=ends[1],
        ship_classes=tuple(dict.fromkeys(classes)),
        begin=begin,
        until=until,
        attribution=attribution,
        longest_pass_days=longest,
        baseline_year=baseline,
        targets=targets,
        partners=partners,
        goals=goals,
        facts=facts,
        sources=sources,
        notes=notes,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _sources(reader: Reader) -> dict[str, Source]:
    found: dict[str, Source] = {}
    below = reader.mapping("sources", "Give the sources of the facts: id to title and grade")
    if below is None:
        return found
    for key in list(below.content):
        item = below.mapping(key, "Give title and grade")
        if item is not None:
            title = item.text("title", "Say what the source is") or ""
            grade = item.choice("grade", GRADES) or ""
            item.close()
            found[key] = Source(key, title, grade)
    return found


def _source_of(item: Reader, sources: Mapping[str, Source]) -> str:
    """Id of the item's source; the last key that is asked for."""
    found = item.text("source", "Name the source") or ""
    if found and found not in sources:
        item.fault("source", f"'{found}'", f"Give one of the document's sources: {', '.join(sources) or 'none yet'}")
    item.close()
    return found


def _ends(reader: Reader) -> tuple[End, End] | None:
    below = reader.mapping("ends", "Give the two ends, a and b, each with name and ports")
    if below is None:
        return None
    found: list[End] = []
    for key in ("a", "b"):
        item = below.mapping(key, "Give name and ports")
        if item is None:
            continue
        name = item.text("name", "Name the end") or ""
        codes = item.texts("ports", "Give at least one UN/LOCODE")
        if not codes and "ports" in item.content:
            item.fault("ports", "no port", "Give at least one UN/LOCODE")
        item.close()
        known = []
        for code in codes:
            try:
                known.append(port(code).locode)
            except DataError as problem:
                near = problem.faults[0].remedy.partition("For another port")[0].strip()
                item.fault("ports", f"'{code}' is no known UN/LOCODE", near or "Give a port of the World Port Index")
        ports = tuple(dict.fromkeys(known))
        found.append(End(name, ports, _same_ports(ports)))
    below.close()
    if len(found) != 2:
        return None
    both = set(found[0].codes) & set(found[1].codes)
    if both:
        below.fault("b", f"{', '.join(sorted(both))} at both ends", "Give each port to one end")
    return found[0], found[1]


def _same_ports(ports: tuple[str, ...]) -> tuple[str, ...]:
    """The codes and every other verified code of the same ports."""
    numbers = {p.wpi_number for code in ports if (p := find_port(code)) is not None}
    others = [code for code in verified_locodes() if (p := find_port(code)) is not None and p.wpi_number in numbers]
    return tuple(dict.fromkeys((*ports, *others)))


def _period(reader: Reader) -> tuple[datetime | None, datetime | None]:
    below = reader.mapping("period", "Give from and to, or leave the key out", needed=False)
    if below is None:
        return None, None
    moments: list[datetime | None] = []
    for key, days in (("from", 0), ("to", 1)):
        text = below.day(key, needed=False)
        try:
            day = date.fromisoformat(text) if text else None
        except ValueError:
            below.fault(key, f"'{text}'", "Give a day that the calendar has")
            day = None
        moments.append(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=days) if day else None)
    below.close()
    if moments[0] and moments[1] and moments[1] <= moments[0]:
        below.fault("to", "lies before from", "Give the last day of the period")
    return moments[0], moments[1]


def _targets(reader: Reader, sources: Mapping[str, Source], baseline: int | None) -> tuple[Target, ...]:
    found = []
    for item in reader.mappings("targets", "Give a list of targets; [] where none was published", needed=False):
        ident = item.text("id", "Give the target an id") or ""
        year = item.whole("year", 2000, 2100, "Give the year the target is due") or 0
        metric = item.choice("metric", METRICS) or ""
        value = item.number("value", 0.0, 1e15, "Give the target in the metric's unit", needed=False)
        cut = item.number("reduction_pct", 0.0, 100.0, "Give per cent against the baseline year", needed=False)
        if (value is None) == (cut is None):
            item.fault("value", "value and reduction_pct, or neither", "Give one of them")
        if cut is not None and baseline is None:
            item.fault("reduction_pct", "no baseline year", "Give baseline_year, or an absolute value")
        found.append(Target(ident, year, metric, value, cut, _source_of(item, sources)))
    if len({target.id for target in found}) < len(found):
        reader.fault("targets", "an id twice", "Give each target its own id")
    return tuple(sorted(found, key=lambda target: (target.year, target.id)))


def _statements(reader: Reader, key: str, sources: Mapping[str, Source], *, dated: bool) -> tuple[Statement, ...]:
    found = []
    for item in reader.mappings(key, "Give a list"):
        name = item.text("item", "Name what is stated") or ""
        text = item.text("text", "Say what is stated") or ""
        year = item.whole("year", 1950, 2100, "Give a year", needed=False) if dated else None
        found.append(Statement(name, text, year, _source_of(item, sources)))
    return tuple(found)
