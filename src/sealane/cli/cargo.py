"""`sealane cargo`: where a container is, as every source held at this node tells it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder, named_partner
from sealane.cli.output import message, print_json, print_table
from sealane.errors import DataError, Fault, InputError

if TYPE_CHECKING:
    from sealane.exchange.sent_and_withheld import StoredDecision
    from sealane.products.cargo import CargoKey, Timeline
    from sealane.products.cargo_entries import CargoEntry


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("cargo")(cargo)


def cargo(
    folder: NodeFolder,
    container: Annotated[str | None, typer.Argument(metavar="[CONTAINER]", help="Container number (ISO 6346).")] = None,
    bill_of_lading: Annotated[str | None, typer.Option("--bill-of-lading", help="Transport document number.")] = None,
    booking: Annotated[str | None, typer.Option(help="Booking number.")] = None,
    vessel: Annotated[str | None, typer.Option(help="IMO number of a vessel; with --voyage.")] = None,
    voyage: Annotated[str | None, typer.Option(help="Carrier voyage number, with --vessel.")] = None,
    partner: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="PARTNER",
            help="Beside each own record: what was sent to it. Participant id or part of a name.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the journey of a container, a bill of lading, a booking or a voyage as one timeline.

    Joins vessel schedules, port calls, terminal, gate, rail and truck milestones of this port and of its partners. Each
    line tells its source, how old it is, and the clause it came under; estimates that differ stand side by side, and
    steps nobody tells are named.
    """
    from sealane.exchange.held_back import held_back_by
    from sealane.exchange.sent_and_withheld import demonstrations, stored_decisions
    from sealane.node.open import open_node
    from sealane.products.cargo import timeline
    from sealane.products.catalogue import DATASETS

    key = _key(container, bill_of_lading, booking, vessel, voyage)
    with open_node(folder) as node, node.database.read() as connection:
        now = node.clock()
        own_id = node.identity.participant
        found = timeline(connection, key, held_back_by(connection, DATASETS))
        own = {(e.provenance.dataset, e.provenance.record_id) for e in found.entries if e.provenance.source == own_id}
        peer = named_partner(connection, partner) if partner else ""
        decisions = stored_decisions(connection, peer, own) if peer else {}
        made_up = {f"{agreement}@{version}" for agreement, version in demonstrations(connection)}
    if as_json:
        print_json(as_dict(found, now, decisions if partner else None))
        return
    if not found.entries:
        message(f"note: no record held here names {key}. `sealane product list` shows what is held.")
        return
    _print(found, now, own_id, decisions if partner else None)
    used = {e.provenance.received_under or "" for e in found.entries} | {d.clause for d in decisions.values()}
    for agreement in sorted(made_up & {clause.partition("#")[0] for clause in used}):
        message(f"\n{agreement}: demonstration terms, no port has agreed to them.")


def _key(
    container: str | None, bill_of_lading: str | None, booking: str | None, vessel: str | None, voyage: str | None
) -> CargoKey:
    from sealane.products.cargo import CargoKey
    from sealane.products.codes import container_fault, imo_fault

    faults = []
    if container is not None:
        container = container.replace(" ", "").replace("-", "").upper()
        wrong = container_fault(container)
        if wrong:
            faults.append(Fault("CONTAINER", wrong.found, wrong.remedy))
    if vessel is not None:
        vessel = vessel.upper().removeprefix("IMO").strip()
        wrong = imo_fault(vessel)
        if wrong:
            faults.append(Fault("--vessel", wrong.found, wrong.remedy))
    if voyage is not None and vessel is None:
        faults.append(Fault("--voyage", "without --vessel", "A voyage number is a vessel's: give --vessel as well"))
    if faults:
        raise DataError("This cannot be looked for.", faults)
    if sum(value is not None for value in (container, bill_of_lading, booking, vessel)) != 1:
        raise InputError("Give a container number, or one of --bill-of-lading, --booking, --vessel (with --voyage).")
    return CargoKey(container, bill_of_lading, booking, vessel, voyage)


def as_dict(
    found: Timeline, now: dt.datetime, decisions: dict[tuple[str, str], StoredDecision] | None
) -> dict[str, Any]:
    """Return a timeline as JSON; durations in seconds."""

    def entry(item: CargoEntry) -> dict[str, Any]:
        content = asdict(item)
        content["step"] = item.step.name.lower()
        content["age_s"] = round(item.age(now).total_seconds())
        if decisions is not None:
            decided = decisions.get((item.provenance.dataset, item.provenance.record_id))
            content["sent_to_partner"] = asdict(decided) if decided else None
        return content

    return {
        "looked_for": str(found.key),
        "simulated": found.simulated,
        "entries": [entry(item) for item in found.entries],
        "conflicts": [
            {
                "step": conflict.step.name.lower(),
                "port": conflict.port,
                "vessel_imo": conflict.vessel_imo,
                "spread_s": round(conflict.spread.total_seconds()),
                "entries": [entry(item) for item in conflict.entries],
            }
            for conflict in found.conflicts
        ],
        "gaps": [asdict(gap) | {"step": gap.step.name.lower()} for gap in found.gaps],
        "not_agreed": {clause: list(names) for clause, names in found.not_agreed.items()},
    }


def _print(
    found: Timeline, now: dt.datetime, own: str, decisions: dict[tuple[str, str], StoredDecision] | None
) -> None:
    title = f"Journey of {found.key}"
    message(title + (" - SIMULATED data" if found.simulated else ""))
    columns = ["time (UTC)", "", "what", "port", "facility", "vessel", "voyage", "container", "source", "age", "clause"]
    if decisions is not None:
        columns.append("sent to partner")
    rows = []
    for e in found.entries:
        row = [
            f"{e.at:%Y-%m-%d %H:%M}" if e.at else "-",
            e.classifier or "-",
            e.what,
            e.port or "-",
            e.facility or "-",
            e.vessel_name or e.vessel_imo or "-",
            "/".join(e.voyages) or "-",
            e.equipment or "-",
            "own" if e.provenance.source == own else e.provenance.source,
            ago(e.age(now)),
            e.provenance.received_under or "-",
        ]
        if decisions is not None:
            row.append(_sent(e, own, decisions))
        rows.append(row)
    print_table(columns, rows)
    for conflict in found.conflicts:
        message(f"\nSources differ by {hours(conflict.spread)} on {conflict.step.value}, {conflict.port or '-'}:")
        for e in conflict.entries:
            source = "own" if e.provenance.source == own else e.provenance.source
            message(
                f"  {e.at:%Y-%m-%d %H:%M} {e.classifier or '-'}  {source}, {e.provenance.dataset}, "
                f"{ago(e.age(now))} old"
            )
    for gap in found.gaps:
        message(f"\nGap: {gap.step.value}, {gap.port or 'port unknown'}, container {gap.equipment or '-'}: {gap.note}.")
    for clause, names in found.not_agreed.items():
        message(f"\nNot agreed ({clause}): {', '.join(names)}")


def _sent(entry: CargoEntry, own: str, decisions: dict[tuple[str, str], StoredDecision]) -> str:
    if entry.provenance.source != own:
        return "not ours"
    decided = decisions.get((entry.provenance.dataset, entry.provenance.record_id))
    if decided is None:
        return "no: no clause in force covers it"
    if decided.outcome == "withhold":
        return f"no: {decided.reason} ({decided.clause})"
    state = "yes" if decided.delivered else "on its way"
    if decided.withheld_fields:
        return f"{state}, without {len(decided.withheld_fields)} fields ({decided.clause})"
    return f"{state} ({decided.clause})"


def ago(age: dt.timedelta) -> str:
    """Return an age in the largest unit that fits."""
    seconds = age.total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def hours(spread: dt.timedelta) -> str:
    """Return a difference in hours and minutes."""
    minutes = round(spread.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
