"""`sealane agreement`: the agreements between partner ports, of the public catalogue and of the own node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sealane.agreements import Agreement, Kind, Participation, load_agreements
from sealane.cli import agreement_steps, agreement_work, explain_agreement
from sealane.cli.options import AsJson
from sealane.cli.output import counted, message, print_fields, print_json, print_table

group = typer.Typer(
    name="agreement",
    help="Agreements between ports: those of the Port of Los Angeles as public documents describe them, and the "
    "signed, executable ones of a node.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
OUR_SIDE = "port-of-los-angeles"
COUNT_NOTE = (
    "note: the port's page counts 17 sister and friendship agreements and lists 15 lines. 17 holds if the three ports"
    " of the Central Tyrrhenian Sea are counted singly: our reading, the page does not say so."
)
OwnNode = Annotated[
    Path | None,
    typer.Option(
        "--node",
        metavar="FOLDER",
        envvar="SEALANE_NODE",
        help="Folder of a node: its own agreements.",
        show_envvar=True,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    agreement_steps.add_to(group)
    agreement_work.add_to(group)
    explain_agreement.add_to(group)
    app.add_typer(group)


@group.command("list")
def list_agreements(
    kind: Annotated[Kind | None, typer.Option(help="Only agreements of this kind.")] = None,
    partner: Annotated[
        str | None, typer.Option(help="Only with this partner: UN/LOCODE, country code or part of a name.")
    ] = None,
    folder: OwnNode = None,
    catalogue: Annotated[
        bool, typer.Option("--catalogue", help="The public catalogue, also where SEALANE_NODE is set.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List agreements by year: kind, status, partners; with --node the node's own: state, version, kind, validity."""
    if folder is not None and not catalogue:
        _list_own(folder, kind, partner, as_json)
        return
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
    if partner is None and kind in (None, Kind.SISTER, Kind.FRIENDSHIP):
        message(COUNT_NOTE)


def _list_own(folder: Path, kind: Kind | None, partner: str | None, as_json: bool) -> None:
    from sealane.agreements.values import time_text
    from sealane.cli.agreement_text import standing_dict
    from sealane.exchange.registry import list_agreements, messages
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.read() as connection:
        now = node.clock()
        found = [
            own
            for own in list_agreements(connection)
            if (kind is None or own.document.kind is kind) and (partner is None or own.document.concerns(partner))
        ]
        stuck = {(m.agreement_id, m.version) for m in messages(connection, open_only=True)}
    if as_json:
        print_json([standing_dict(own, now) for own in found])
        return
    if not found:
        message("note: this node has no such agreement. `sealane agreement propose` proposes one.")
        return
    rows = [
        (
            own.document.id,
            own.document.version,
            own.document.kind.value,
            own.standing(now),
            time_text(own.document.valid_from),
            time_text(own.document.valid_until) if own.document.valid_until else "open",
            own.document.label,
            "; ".join(p.name for p in own.document.parties),
        )
        for own in found
    ]
    print_table(("id", "version>", "kind", "state", "valid from", "valid until", "terms", "parties"), rows)
    for own in found:
        if (own.document.id, own.document.version) in stuck:
            message(f"note: partners have not taken everything of {own.document.ref}; see `sealane agreement show`.")


@group.command("validate")
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Agreement document, YAML or JSON.")],
    as_json: AsJson = False,
) -> None:
    """Check an agreement document and report every fault with its path."""
    from sealane.agreements.documents import document_bytes, document_digest, read_document
    from sealane.errors import DataError
    from sealane.exchange.agreement_checks import known_datasets

    try:
        document = read_document(file.read_bytes(), file.name, known_datasets())
    except DataError as error:
        if not as_json:
            raise
        faults = [{"where": f.where, "found": f.found, "remedy": f.remedy} for f in error.faults]
        print_json({"valid": False, "faults": faults})
        raise typer.Exit(error.exit_code) from None
    digest = document_digest(document_bytes(document))
    if as_json:
        print_json(
            {"valid": True, "faults": [], "agreement": document.id, "version": document.version, "digest": digest}
        )
        return
    parts = (
        counted(len(document.clauses), "clause"),
        counted(len(document.prohibitions), "prohibition"),
        document.label,
    )
    message(f"{file.name}: {document.ref} is valid ({', '.join(parts)}). Digest of what is signed: {digest}")


@group.command("show")
def show_agreement(
    agreement_id: Annotated[str, typer.Argument(metavar="ID", help="As `sealane agreement list` prints it.")],
    folder: OwnNode = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="With --node: this version; omitted: the one in force.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one agreement: parties, areas of cooperation, antecedents, clauses and where it is written."""
    if folder is not None and _show_own(folder, agreement_id, version, as_json):
        return
    if folder is not None:
        message(f"note: this node has no agreement {agreement_id}; looked up among the public documents.")
    agreement = load_agreements().get(agreement_id)
    if as_json:
        print_json(as_dict(agreement))
        return
    print_fields(catalogue_fields(agreement))


def _show_own(folder: Path, agreement_id: str, version: int | None, as_json: bool) -> bool:
    """Show an agreement of the node; say whether it has one of this id."""
    from sealane.cli.agreement_text import version_dict, version_fields
    from sealane.errors import InputError
    from sealane.exchange.activities import current_version
    from sealane.exchange.registry import list_agreements, messages
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.read() as connection:
        now = node.clock()
        versions = list_agreements(connection, agreement_id)
        told = messages(connection, agreement_id)
    if not versions:
        return False
    found = current_version(versions, now)
    if version is not None:
        found = next((v for v in versions if v.document.version == version), None)
    if found is None:
        numbers = ", ".join(str(v.document.version) for v in versions)
        raise InputError(f"{agreement_id} has no version {version} on this node; there are: {numbers}.")
    of_version = [m for m in told if m.version == found.document.version]
    if as_json:
        print_json(version_dict(found, of_version, now))
    else:
        print_fields(version_fields(found, of_version, now))
    return True


def catalogue_fields(agreement: Agreement) -> list[tuple[str, object]]:
    """Return everything about an agreement of the catalogue as name and text."""
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
    return fields


def partners(agreement: Agreement) -> list[Participation]:
    """Return the parties other than the Port (or City) of Los Angeles."""
    return [p for p in agreement.parties if p.party.id not in (OUR_SIDE, "city-of-los-angeles")]


def _party_line(participation: Participation) -> str:
    codes = " ".join(port.locode for port in participation.party.ports)
    return f"{participation.named} ({', '.join(filter(None, (participation.party.id, codes)))})"


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
