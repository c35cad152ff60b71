"""`sealane agreement propose|sign|renew|decline|retire|resend`: the life of a node's own agreements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_json
from sealane.errors import InputError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from sealane.exchange.registry import Registered
    from sealane.node.context import Node

AgreementId = Annotated[str, typer.Argument(metavar="ID", help="As `sealane agreement list --node FOLDER` prints it.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Agreement document, YAML or JSON.")]
Version = Annotated[int | None, typer.Option("--version", min=1, help="Version; omitted: the one it can only be.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; the partners read it.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group `sealane agreement`."""
    for command in (propose, sign, renew, decline, retire, resend):
        group.command(command.__name__)(command)


def propose(
    folder: NodeFolder,
    file: File,
    draft: Annotated[bool, typer.Option("--draft", help="Only keep it; nobody is told.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign a document first and send it to every other participant."""
    from sealane.agreements.documents import read_document
    from sealane.exchange import registry

    document = read_document(file.read_bytes(), file.name, registry.known_datasets())
    step = registry.draft if draft else registry.propose
    _do(folder, lambda node, connection: [step(connection, node.identity, document, node.clock())], as_json)


def sign(folder: NodeFolder, agreement_id: AgreementId, version: Version = None, as_json: AsJson = False) -> None:
    """Countersign a proposal; once all have signed it is in force.

    Read it first: `sealane agreement show ID --node FOLDER`.
    """
    from sealane.exchange import registry
    from sealane.exchange.agreement_states import AgreementState

    def step(node: Node, connection: sa.Connection) -> list[Registered]:
        number = version or _only(connection, agreement_id, (AgreementState.PROPOSED,), "proposed")
        return [registry.sign(connection, node.identity, agreement_id, number, node.clock())]

    _do(folder, step, as_json)


def renew(
    folder: NodeFolder,
    agreement_id: AgreementId,
    valid_from: Annotated[
        str | None, typer.Option("--valid-from", metavar="TIME", help="When the next version takes over, with zone.")
    ] = None,
    valid_until: Annotated[
        str | None, typer.Option("--valid-until", metavar="TIME", help="Until when it holds; omitted: open.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="The next version, instead of the same terms.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose the next version of an agreement in force: the same terms for another time, or a document of your own."""
    from sealane.agreements.documents import read_document
    from sealane.exchange import registry

    if (file is None) == (valid_from is None):
        raise InputError("Give either --valid-from (and --valid-until), or --file with the next version.")
    if file is not None and valid_until is not None:
        raise InputError("--valid-until goes with --valid-from; a --file says itself until when it holds.")
    times = (_time("--valid-from", valid_from), _time("--valid-until", valid_until))

    def step(node: Node, connection: sa.Connection) -> list[Registered]:
        if file is not None:
            document = read_document(file.read_bytes(), file.name, registry.known_datasets())
            if document.id != agreement_id:
                raise InputError(f"{file.name} is about {document.id}, not {agreement_id}.")
        else:
            current = registry.newest_in_force(connection, agreement_id)
            assert times[0] is not None  # checked above
            document = registry.next_version(current.document, times[0], times[1])
        return [registry.renew(connection, node.identity, document, node.clock())]

    _do(folder, step, as_json)


def decline(folder: NodeFolder, agreement_id: AgreementId, reason: Reason, as_json: AsJson = False) -> None:
    """Say no to a proposal that this node has not signed."""
    from sealane.exchange import registry
    from sealane.exchange.agreement_states import AgreementState

    def step(node: Node, connection: sa.Connection) -> list[Registered]:
        number = _only(connection, agreement_id, (AgreementState.PROPOSED,), "proposed")
        return [registry.decline(connection, node.identity, agreement_id, number, reason, node.clock())]

    _do(folder, step, as_json)


def retire(
    folder: NodeFolder, agreement_id: AgreementId, reason: Reason, version: Version = None, as_json: AsJson = False
) -> None:
    """End an agreement alone and at once: nothing is sent under it any more. What was delivered is not recalled.

    Without --version every version is ended, also one that is still proposed or begins later.
    """
    from sealane.exchange import registry
    from sealane.node.open import open_node

    with open_node(folder) as node:
        with node.database.read() as connection:
            versions = registry.live_versions(connection, agreement_id)
        numbers = [version] if version else [v.document.version for v in versions]
        if not numbers:
            raise InputError(
                f"{agreement_id}: no version is drafted, proposed or in force here; there is nothing to end."
                " `sealane agreement list --node FOLDER` shows what this node has."
            )
        done = []
        for number in numbers:  # a transaction each: one that holds the log's lock takes no other any more
            with node.database.write() as connection:
                done.append(registry.retire(connection, node.identity, agreement_id, number, reason, node.clock()))
        _tell(node, done, as_json)


def resend(folder: NodeFolder, agreement_id: AgreementId, as_json: AsJson = False) -> None:
    """Send again at once what partners have not taken: what waits, was refused, or was given up."""
    from sealane.exchange import registry

    def step(node: Node, connection: sa.Connection) -> list[Registered]:
        if not registry.send_again(connection, agreement_id, node.clock()):
            message(f"note: nothing of {agreement_id} waits for a partner.")
        return registry.list_agreements(connection, agreement_id)

    _do(folder, step, as_json)


def _do(folder: Path, step: Callable[[Node, sa.Connection], list[Registered]], as_json: bool) -> None:
    """Do a step in one transaction, then tell the partners and print how it stands."""
    from sealane.node.open import open_node

    with open_node(folder) as node:
        with node.database.write() as connection:
            done = step(node, connection)
        _tell(node, done, as_json)


def _tell(node: Node, done: list[Registered], as_json: bool) -> None:
    from sealane.cli.agreement_text import message_dict, message_line, standing_dict
    from sealane.exchange import registry

    ids = {found.document.id for found in done}
    told = [m for m in registry.send_pending(node) if m.agreement_id in ids]
    with node.database.read() as connection:
        after = [registry.get_agreement(connection, f.document.id, f.document.version) for f in done]
    now = node.clock()
    versions = [found for found in after if found is not None]
    if as_json:
        content = [standing_dict(found, now) for found in versions]
        print_json({"agreements": content, "messages": [message_dict(m) for m in told]})
        return
    for found in versions:
        waiting = f"; not signed yet by {', '.join(found.missing)}" if found.state.value == "proposed" else ""
        message(f"{found.document.ref}: {found.standing(now)}{waiting} ({found.document.label})")
    for sent in told:
        message(f"  {message_line(sent)}")


def _only(connection: sa.Connection, agreement_id: str, states: tuple[str, ...], what: str) -> int:
    """Return the one version in one of the states."""
    from sealane.exchange import registry

    versions = registry.list_agreements(connection, agreement_id)
    found = [v.document.version for v in versions if v.state in states]
    if len(found) == 1:
        return found[0]
    standing = (
        ", ".join(f"{v.document.version} {v.state.value.replace('_', ' ')}" for v in versions) or "this node has none"
    )
    raise InputError(
        f"{agreement_id}: no version is {what} (versions: {standing})."
        " `sealane agreement list --node FOLDER` shows what this node has."
    )


def _time(option: str, text: str | None) -> dt.datetime | None:
    from sealane.agreements.values import TIME_REMEDY, read_time

    if text is None:
        return None
    try:
        return read_time(text)
    except (ValueError, OverflowError):
        raise InputError(f"{option} {text!r}: is no time with zone. {TIME_REMEDY}.") from None
