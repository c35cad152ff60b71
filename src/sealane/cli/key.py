"""`sealane node key`: the keys a node signs with."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_json, print_table
from sealane.cli.times import parse_utc
from sealane.errors import InputError

group = typer.Typer(
    name="key",
    help="The keys the node signs with. The root key certifies them and belongs off the machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
RootKey = Annotated[
    Path | None,
    typer.Option("--root-key", metavar="F", help="Private root key; omitted: root.private.json in the folder of keys."),
]
# A thumbprint may begin with "-": it is an argument all the same.
_KID_FIRST = {"ignore_unknown_options": True}


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("list")
def list_keys(folder: NodeFolder, as_json: AsJson = False) -> None:
    """List the operational keys, newest first: until when they are valid, and which one signs now."""
    from sealane.node.open import open_node

    with open_node(folder) as node:
        now = node.clock()
        rows = [_row(key, now) for key in node.identity.operational_keys()]
    if as_json:
        print_json(rows)
        return
    columns = ("kid", "state", "valid_from", "valid_until", "revoked_at")
    print_table(columns, [[row[column] or "-" for column in columns] for row in rows])


@group.command("root")
def show_root(folder: NodeFolder) -> None:
    """Print the public root key, which partners register with `sealane peer add --root-key`."""
    from sealane.node.open import open_node

    with open_node(folder) as node:
        print_json(node.identity.root_jwk)
        message(f"Its thumbprint, to be compared by voice: {node.identity.root_kid}")


@group.command("rotate")
def rotate(
    folder: NodeFolder,
    root_key: RootKey = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Validity of the new key in days.")] = 365,
) -> None:
    """Make a new key, certified by the root key; it signs at once, also in a node that is serving.

    Partners fetch it by themselves. What older keys signed stays verifiable.
    """
    from sealane.node.open import open_node

    with open_node(folder) as node:
        key = node.identity.rotate(node.clock(), root_file=root_key, lifetime=dt.timedelta(days=days))
        _log_rotation(node, key.certificate)
    message(f"The node signs with {key.kid} until {_utc(key.certificate.valid_until)}.")


@group.command("revoke", context_settings=_KID_FIRST)
def revoke(
    folder: NodeFolder,
    kid: Annotated[str, typer.Argument(metavar="KID", help="As `sealane node key list` prints it.")],
    reason: Annotated[str, typer.Option(help="Why; partners see it.")],
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="Since when it may be in other hands, ISO 8601 in UTC; omitted: now."),
    ] = None,
    root_key: RootKey = None,
) -> None:
    """Tell all partners not to trust a key any more; they refuse it a minute later at most.

    What it signed before `--since` and was received before stays valid. Make a new key with `sealane node key rotate`.
    """
    from sealane.node.open import open_node

    revoked_at = parse_utc(since, "--since")
    with open_node(folder) as node:
        now = node.clock()
        revocation = node.identity.revoke(kid, now, reason=reason, revoked_at=revoked_at, root_file=root_key)
        _log_revocation(node, revocation)
        left = any(key.signs_at(now) for key in node.identity.operational_keys())
    message(f"The key {kid} is revoked as of {_utc(revocation.revoked_at)}.")
    if not left:
        message("The node has no key to sign with now. Make one with `sealane node key rotate`.")


@group.command("request")
def request(folder: NodeFolder) -> None:
    """Make a key and print the request for its certificate; for a root key that never comes to this machine.

    Carry it to where the root key is, `sealane node key certify` it there, and `install` the answer here.
    """
    from sealane.node.open import open_node

    with open_node(folder) as node:
        print_json(node.identity.request_key())


@group.command("certify")
def certify(
    request_file: Annotated[Path, typer.Argument(metavar="REQUEST", help="What `sealane node key request` printed.")],
    root_key: Annotated[Path, typer.Option("--root-key", metavar="F", help="Private root key.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Validity of the key in days.")] = 365,
) -> None:
    """Sign a requested key with the root key and print the certificate; needs no node."""
    from sealane.exchange.key_files import read_private
    from sealane.exchange.keys import certify_request
    from sealane.node.context import utc_now

    try:
        wanted = json.loads(request_file.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{request_file}: is not JSON. Give what `sealane node key request` printed.") from None
    certificate = certify_request(read_private(root_key), wanted, utc_now(), dt.timedelta(days=days))
    sys.stdout.write(certificate.text + "\n")
    message(f"{certificate.kid} of {certificate.participant} is certified until {_utc(certificate.valid_until)}.")


@group.command("sign-revocation", context_settings=_KID_FIRST)
def sign_revocation(
    participant: Annotated[str, typer.Argument(metavar="PARTICIPANT", help="Id of the port whose key it is.")],
    kid: Annotated[str, typer.Argument(metavar="KID", help="Thumbprint of the key.")],
    reason: Annotated[str, typer.Option(help="Why; partners see it.")],
    root_key: Annotated[Path, typer.Option("--root-key", metavar="F", help="Private root key.")],
    since: Annotated[str | None, typer.Option(metavar="T", help="As for `revoke`.")] = None,
) -> None:
    """Sign with the root key that a key is revoked, and print that; needs no node. `install` it at the node."""
    from sealane.exchange.certificates import revoke as sign
    from sealane.exchange.key_files import read_private
    from sealane.exchange.keys import check_participant
    from sealane.node.context import utc_now

    check_participant(participant)
    now = utc_now()
    revocation = sign(read_private(root_key), participant, kid, parse_utc(since, "--since") or now, reason, now)
    sys.stdout.write(revocation.text + "\n")


@group.command("install")
def install(
    folder: NodeFolder,
    statement: Annotated[Path, typer.Argument(metavar="FILE", help="A certificate or a revocation by the root key.")],
) -> None:
    """Take over a certificate or a revocation that was signed where the root key is."""
    from sealane.exchange.certificates import Certificate
    from sealane.node.open import open_node

    with open_node(folder) as node:
        done = node.identity.install(statement.read_text(encoding="utf-8").strip())
        if isinstance(done, Certificate):
            _log_rotation(node, done)
            message(f"The node signs with {done.kid} until {_utc(done.valid_until)}.")
        else:
            _log_revocation(node, done)
            message(f"The key {done.kid} is revoked as of {_utc(done.revoked_at)}.")


def _log_rotation(node: Any, certificate: Any) -> None:
    body = {
        "kid": certificate.kid,
        "valid_from": _utc(certificate.valid_from),
        "valid_until": _utc(certificate.valid_until),
    }
    _log(node, "key_rotated", body)


def _log_revocation(node: Any, revocation: Any) -> None:
    body = {"kid": revocation.kid, "revoked_at": _utc(revocation.revoked_at), "reason": revocation.reason}
    _log(node, "key_revoked", body)


def _log(node: Any, kind: str, body: dict[str, str]) -> None:
    from sealane.exchange.keys import record_own_keys
    from sealane.exchange.ledger import Entry, EntryKind, append

    with node.database.write() as connection:
        record_own_keys(connection, node.identity)
        append(connection, [Entry(EntryKind(kind), None, body["kid"], body)], node.clock())


def _row(key: Any, now: dt.datetime) -> dict[str, str | None]:
    certificate, revocation = key.certificate, key.revocation
    if revocation is not None:
        state = "revoked"
    elif now >= certificate.valid_until:
        state = "expired"
    else:
        state = "signs" if key.signs_at(now) else "verifies"
    return {
        "kid": key.kid,
        "state": state,
        "valid_from": _utc(certificate.valid_from),
        "valid_until": _utc(certificate.valid_until),
        "revoked_at": _utc(revocation.revoked_at) if revocation else None,
        "reason": revocation.reason if revocation else None,
    }


def _utc(time: dt.datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
