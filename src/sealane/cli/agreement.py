"""`sealane agreement`: the agreements between partner ports."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sealane.agreements import Agreement, Kind, Participation, load_agreements
from sealane.cli.output import message, print_fields, print_json, print_table

group = typer.Typer(
    name="agreement",
    help="The agreements between the Port of Los Angeles and its partners, as public documents describe them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
OUR_SIDE = "port-of-los-angeles"


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("list")
def list_agreements(
    kind: Annotated[Kind | None, typer.Option(help="Only agreements of this kind.")] = None,
    partner: Annotated[
        str | None, typer.Option(help="Only with this partner: UN/LOCODE, country code or part of a name.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List agreements by year: kind, status, partners."""
    found = load_agreements().find(kind, partner)
    if as_json:
        print_json([as_dict(agreement) for agreement in found])
        return
    if not found:
        asked = [f"kind {kind.value}"] if kind else []
        asked += [f"partner {partner!r}"] if partner else []
        message(f"note: no agreement fits {' and '.join(asked)}. `sealane agreement list` prints all of them.")
        return
    rows = [(a.id, a.kind, a.year or "-", a.status, "; ".join(p.named for p in partners(a)) or "-") for a in found]
    print_table(("id", "kind", "year>", "status", "partners"), rows)


@group.command("show")
def show_agreement(
    agreement_id: Annotated[str, typer.Argument(metavar="ID", help="As `sealane agreement list` prints it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one agreement: parties, areas of cooperation, antecedents and where it is written."""
    agreement = load_agreements().get(agreement_id)
    if as_json:
        print_json(as_dict(agreement))
        return
    fields: list[tuple[str, object]] = [
        ("id", agreement.id),
        ("title", agreement.title),
        ("kind", agreement.kind),
        ("status", agreement.status),
        ("year", agreement.year or "none printed"),
        ("date", agreement.date or "none printed"),
        ("parties", "\n".join(_party_line(p) for p in agreement.parties)),
    ]
    if agreement.facilitators:
        fields.append(("facilitators", "\n".join(_party_line(p) for p in agreement.facilitators)))
    if agreement.separate_agreements:
        fields.append(("form", "one agreement with each partner"))
    if agreement.antecedents:
        fields.append(("grew out of", "\n".join(agreement.antecedents)))
    areas = "\n".join(f"{area.name} ({area.id})" for area in agreement.areas)
    fields.append(("areas", areas or "none named in the documents"))
    fields.append(("clauses on data", "none is public; nothing is let through"))
    sources = (f"{s}: {s.document.title}, {s.document.publisher}" for s in agreement.sources)
    fields.append(("source", "\n".join(sources)))
    fields.extend(("note", note) for note in agreement.notes)
    print_fields(fields)


def partners(agreement: Agreement) -> list[Participation]:
    """Return the parties other than the Port (or City) of Los Angeles."""
    return [p for p in agreement.parties if p.party.id not in (OUR_SIDE, "city-of-los-angeles")]


def _party_line(participation: Participation) -> str:
    codes = " ".join(port.locode for port in participation.party.ports)
    return f"{participation.named} ({codes})" if codes else participation.named


def _party_dict(participation: Participation) -> dict[str, Any]:
    party = participation.party
    return {
        "id": party.id,
        "name": party.name,
        "named": participation.named,
        "kind": party.kind.value,
        "countries": list(party.countries),
        "ports": [{"name": port.name, "locode": port.locode} for port in party.ports],
    }


def as_dict(agreement: Agreement) -> dict[str, Any]:
    """Return an agreement as plain values for JSON."""
    return {
        "id": agreement.id,
        "title": agreement.title,
        "kind": agreement.kind.value,
        "status": agreement.status.value,
        "year": agreement.year,
        "date": agreement.date.isoformat() if agreement.date else None,
        "parties": [_party_dict(p) for p in agreement.parties],
        "facilitators": [_party_dict(p) for p in agreement.facilitators],
        "separate_agreements": agreement.separate_agreements,
        "antecedents": list(agreement.antecedents),
        "areas": [{"id": area.id, "name": area.name, "kind": area.kind.value} for area in agreement.areas],
        "sources": [
            {"document": s.document.id, "title": s.document.title, "lines": list(s.lines)} for s in agreement.sources
        ],
        "clauses": [],
        "notes": list(agreement.notes),
    }
