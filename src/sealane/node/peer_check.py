"""Asks a partner's node who it is and whether it knows this one, and says what is wrong in words."""

from __future__ import annotations

from dataclasses import dataclass

from sealane.errors import InputError, RequestRefusedError, SealaneError
from sealane.exchange import strict_json
from sealane.exchange.evidence import known_keys
from sealane.exchange.peers import Peer, get_peer, refresh_keys
from sealane.node.context import Node

WHO_PATH = "/sealane/v1/whoami"


@dataclass(frozen=True)
class PeerCheck:
    """What a check of a partner found.

    Attributes
    ----------
    keys : thumbprints of its keys that are valid now.
    troubles : what is wrong; empty is well.
    """

    peer: Peer
    keys: tuple[str, ...]
    troubles: tuple[str, ...]


def check_peer(node: Node, participant: str) -> PeerCheck:
    """Read a partner's list of keys, and send it a signed request.

    Raises
    ------
    InputError
        If it is not registered.
    """
    with node.database.read() as connection:
        if get_peer(connection, participant) is None:
            raise InputError(f"{participant}: no such partner. `sealane peer list` prints all of them.")
    refresh_keys(node, participant, urgent=True)
    troubles = [text for text in (_ask(node, participant),) if text]
    now = node.clock()
    with node.database.read() as connection:
        peer = get_peer(connection, participant)
        keys = [
            key.kid
            for key in known_keys(connection, participant)
            if key.revoked_at is None and key.valid_from <= now < key.valid_until
        ]
    assert peer is not None
    if peer.keys_error:
        troubles.append(f"its list of keys: {peer.keys_error}")
    elif not keys:
        troubles.append("its list of keys has none that is valid now")
    if peer.alarm:
        troubles.append(f"alarm: {peer.alarm} Once its cause is mended, take it back with --clear-alarm.")
    return PeerCheck(peer, tuple(keys), tuple(troubles))


def _ask(node: Node, participant: str) -> str | None:
    with node.database.read() as connection:
        peer = get_peer(connection, participant)
    assert peer is not None
    try:
        answer = node.outbound.request("GET", peer.origin + WHO_PATH, participant=participant)
        if answer.status == 200:
            return None
        said = strict_json.parse_object(answer.content)
    except RequestRefusedError as error:
        return f"{error.detail} {error.remedy}"
    except SealaneError as error:
        return str(error)
    return f"it refuses this node's requests ({answer.status}): {str(said.get('detail', ''))[:300]}"
