"""The public catalogue as pages show it: the timeline since 1959, areas, parties, and what no document tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sealane.agreements import Agreement, Kind, load_agreements
from sealane.agreements.coverage import State, read_coverage
from sealane.agreements.model import Area, Participation, SourceLines
from sealane.web.agreements.models import (
    AreaRow,
    AreaShown,
    AreasPage,
    Dot,
    PartiesPage,
    PartyRow,
    PartyShown,
    PortShown,
    PublicAgreement,
    SourceShown,
    Strip,
    VersionLink,
    VersionShown,
    Year,
)
from sealane.web.agreements.vocabulary import AREA_STATES, KINDS
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.words import N_

COUNT = "/explain/agreements"
# Rows of the strip, in the order in which such relations commonly grow.
STRIP_KINDS = (Kind.ANTECEDENT, Kind.SISTER, Kind.FRIENDSHIP, Kind.MOU, Kind.CORRIDOR)
TICK_YEARS = 10


def agreements_of(kind: str | None, partner: str | None, area: str | None) -> list[Agreement]:
    """Return the agreements of the catalogue a reader asked for; descriptions that are no agreement are left out."""
    found = load_agreements().find(Kind(kind) if kind else None, partner or None)
    return [a for a in found if a.kind is not Kind.GENERAL and (not area or any(area == one.id for one in a.areas))]


def descriptions() -> list[Agreement]:
    """Return what the sources tell of such agreements in general."""
    return [a for a in load_agreements().agreements if a.kind is Kind.GENERAL]


def public_shown(agreement: Agreement, executed: Iterable[VersionShown] = ()) -> PublicAgreement:
    """Return an agreement of the catalogue, with what its sources do not tell and the versions that grew out of it."""
    links = [
        VersionLink(id=v.id, version=v.version, title=v.title, standing=v.standing)
        for v in executed
        if agreement.id in v.antecedents or v.id == agreement.id
    ]
    return PublicAgreement(
        id=agreement.id,
        title=agreement.title,
        kind=agreement.kind.value,
        status=agreement.status.value,
        year=agreement.year,
        date=agreement.date,
        parties=[party_shown(p) for p in agreement.parties],
        facilitators=[party_shown(p) for p in agreement.facilitators],
        separate_agreements=agreement.separate_agreements,
        antecedents=list(agreement.antecedents),
        areas=[area_shown(area) for area in agreement.areas],
        sources=[source_shown(s) for s in agreement.sources],
        notes=list(agreement.notes),
        silent=_silent(agreement),
        executed=links,
    )


def party_shown(participation: Participation) -> PartyShown:
    """Return a party of the catalogue."""
    party = participation.party
    return PartyShown(
        id=party.id,
        name=party.name,
        named=participation.named,
        kind=party.kind.value,
        countries=list(party.countries),
        ports=[PortShown(name=port.name, locode=port.locode) for port in party.ports],
    )


def area_shown(area: Area) -> AreaShown:
    """Return an area of the catalogue."""
    return AreaShown(id=area.id, name=area.name, kind=area.kind.value)


def source_shown(lines: SourceLines) -> SourceShown:
    """Return where something is written."""
    document = lines.document
    return SourceShown(
        document=document.id, title=document.title, publisher=document.publisher, lines=list(lines.lines)
    )


def _silent(agreement: Agreement) -> list[str]:
    """Return what no public document prints about it; clauses on data are never public."""
    missing = [
        ("year", agreement.year is None),
        ("day", agreement.date is None),
        ("areas", not agreement.areas),
        ("ports", any(not p.party.ports for p in agreement.parties if p.party.kind.value.startswith("port"))),
        ("clauses", agreement.kind is not Kind.GENERAL),
    ]
    return [code for code, is_missing in missing if is_missing]


def grew_from(agreement: Agreement) -> list[tuple[str, str]]:
    """Return id and title of the agreements this one grew out of."""
    titles = {a.id: a.title for a in load_agreements().agreements}
    return [(one, titles[one]) for one in agreement.antecedents]


def grew_into(agreement: Agreement) -> list[tuple[str, str]]:
    """Return id and title of the agreements of the catalogue that name this one as their antecedent."""
    return [(a.id, a.title) for a in load_agreements().agreements if agreement.id in a.antecedents]


def years_of(public: Sequence[PublicAgreement], executed: Sequence[VersionShown]) -> list[Year]:
    """Return the timeline: every year in which something was agreed, public agreements beside executable ones."""
    found = sorted({a.year for a in public if a.year is not None} | {v.valid_from.year for v in executed})
    return [
        Year(
            year=year,
            public=[a for a in public if a.year == year],
            executed=[v for v in executed if v.valid_from.year == year],
        )
        for year in found
    ]


def strip_of(public: Sequence[PublicAgreement], executed: Sequence[VersionShown], this_year: int) -> Strip:
    """Return where each agreement is drawn on the strip of years.

    Agreements of one kind and year stand beside each other, a dot's width apart.
    """
    years = [a.year for a in public if a.year is not None] + [v.valid_from.year for v in executed]
    first = min([*years, this_year]) // TICK_YEARS * TICK_YEARS
    last = max([*years, this_year]) + 1
    span = last - first

    def place(year: int) -> float:
        return round(100.0 * (year - first + 0.5) / (span + 1), 3)

    kinds = [kind.value for kind in STRIP_KINDS if any(a.kind == kind for a in public)]
    rows = [*kinds, "executed"] if executed else kinds
    taken: dict[tuple[int, int], int] = {}
    dots = []
    marked = [
        (a.year, a.kind, a.kind, a.title, f"/agreements/public/{a.id}", False) for a in public if a.year is not None
    ]
    marked += [
        (v.valid_from.year, "executed", v.kind, v.title, f"/agreements/{v.id}/{v.version}", True) for v in executed
    ]
    for year, row_name, kind, title, link, is_executed in marked:
        if year is None or row_name not in rows:
            continue
        row = rows.index(row_name)
        number = taken.get((year, row), 0)
        taken[year, row] = number + 1
        x = min(99.0, place(year) + number * 1.6)
        dots.append(Dot(x=x, row=row, kind=kind, title=title, year=year, link=link, executed=is_executed))
    ticks = [(year, place(year)) for year in range(first, last, TICK_YEARS)]
    return Strip(kinds=rows, ticks=ticks, dots=dots)


def areas_page() -> AreasPage:
    """Return every area with who names it and how far it is served."""
    catalogue = load_agreements()
    rows = [
        AreaRow(
            area=area_shown(row.area),
            named_in=[source_shown(lines) for lines in row.area.named_in],
            agreements=[a.id for a in catalogue.agreements if row.area in a.areas],
            count=count_figure(agreements_of(None, None, row.area.id), None, None, row.area.id),
            state=row.state.name.lower(),
            command=row.command,
            page=row.page,
            note=row.note,
        )
        for row in read_coverage(catalogue)
    ]

    def figure(state: State) -> Figure:
        code = state.name.lower()
        return Figure(
            value=sum(row.state == code for row in rows), quantity="count", explain=f"/explain/agreement-areas/{code}"
        )

    return AreasPage(
        rows=rows,
        built=figure(State.BUILT),
        partly_built=figure(State.PARTLY_BUILT),
        not_built=figure(State.NOT_BUILT),
    )


def explain_areas(state: State) -> Derivation:
    """Return which areas a count of areas counted."""
    found = [row for row in read_coverage(load_agreements()) if row.state is state]
    code = state.name.lower()
    return Derivation(
        title=N_("areas of cooperation"),
        figure=Figure(value=len(found), quantity="count", explain=f"/explain/agreement-areas/{code}"),
        filters={"state": AREA_STATES[code]},
        inputs=[
            Input(
                name=row.area.name,
                value=1,
                origin="published",
                source="; ".join(map(str, row.area.named_in)),
                link="/agreement-areas",
            )
            for row in found
        ],
    )


def parties_page() -> PartiesPage:
    """Return every party with its agreements."""
    catalogue = load_agreements()
    rows = []
    for party in catalogue.parties.values():
        its = [
            (a.id, a.kind.value, a.year)
            for a in catalogue.agreements
            if any(p.party is party for p in (*a.parties, *a.facilitators)) and a.kind is not Kind.GENERAL
        ]
        rows.append(PartyRow(party=party_shown(Participation(party, party.name)), agreements=its))
    return PartiesPage(rows=rows)


def count_figure(found: Sequence[Agreement], kind: str | None, partner: str | None, area: str | None) -> Figure:
    """Return how many public agreements there are, with the path of what was counted."""
    return Figure(value=len(found), quantity="count", explain=_count_path(kind, partner, area))


def asked_words(kind: str | None, partner: str | None, area: str | None) -> dict[str, str]:
    """Return what a count of agreements was narrowed down to, in words."""
    asked = (("kind", KINDS.get(kind or "", kind)), ("partner", partner), ("area", area))
    return {name: value for name, value in asked if value}


def explain_count(kind: str | None, partner: str | None, area: str | None) -> Derivation:
    """Return what a number of public agreements counts: by kind, and for one kind each with its source."""
    found = agreements_of(kind, partner, area)
    parts: list[Part] = []
    inputs: list[Input] = []
    if kind is None:
        for one in STRIP_KINDS:
            count = sum(a.kind is one for a in found)
            if count:
                figure = Figure(value=count, quantity="count", explain=_count_path(one.value, partner, area))
                parts.append(Part(label=KINDS[one.value], figure=figure))
    else:
        inputs = [
            Input(
                name=a.title,
                value=1,
                origin="published",
                source="; ".join(f"{s.document.publisher}, {s.document.title} ({s})" for s in a.sources),
                link=f"/agreements/public/{a.id}",
            )
            for a in found
        ]
    return Derivation(
        title=N_("agreements in public documents"),
        figure=count_figure(found, kind, partner, area),
        filters=asked_words(kind, partner, area),
        parts=parts,
        part_dimension="kind" if parts else "",
        inputs=inputs,
    )


def _count_path(kind: str | None, partner: str | None, area: str | None) -> str:
    from urllib.parse import urlencode

    query = urlencode({k: v for k, v in (("kind", kind), ("partner", partner), ("area", area)) if v})
    return COUNT + (f"?{query}" if query else "")
