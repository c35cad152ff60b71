"""Requests between nodes as bytes, so that a thief or a faulty network can send them again or change them."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.live_nodes import LiveNode

from sealane.exchange.jws import seal
from sealane.exchange.keys import OperationalKey
from sealane.exchange.request_signatures import sign_request
from sealane.exchange.tokens import IDENTITY_TYP, issue_token

NO_ANSWER = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Keep out of the output the refusals and alarms that an attack makes."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@dataclass(frozen=True)
class Raw:
    """One request as it stands on the wire.

    Attributes
    ----------
    fields : header field lines in order; Host and Content-Length are added when it is sent.
    """

    method: bytes
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def with_field(self, name: bytes, value: bytes) -> Raw:
        """Return the request with another value of a field."""
        return replace(self, fields=tuple((key, value if key == name else old) for key, old in self.fields))

    def field(self, name: bytes) -> bytes:
        """Return the value of a field."""
        return next(value for key, value in self.fields if key == name)


def signed_request(
    sender: LiveNode,
    receiver: LiveNode,
    body: bytes,
    *,
    target: str = "/inbox",
    sign: bool = True,
    key: OperationalKey | None = None,
) -> Raw:
    """Return a request as the sender's node would send it.

    Parameters
    ----------
    key : an operational key used in spite of its end or its revocation, as a thief would.
    """
    now = sender.clock()
    if key is None:
        key = sender.node.identity.signing_key(now)
        token = issue_token(sender.node.identity, receiver.participant, now)
    else:
        token = _token_of_thief(sender, receiver, key)
    assert key.private is not None
    fields = {"authorization": f"Bearer {token}"}
    if sign:
        url = receiver.origin + target
        fields |= sign_request("POST", url, fields["authorization"], body, key=key.private, kid=key.kid, now=now)
    lines = tuple((name.lower().encode(), value.encode()) for name, value in fields.items())
    return Raw(b"POST", target.encode(), lines, body)


def _token_of_thief(sender: LiveNode, receiver: LiveNode, key: OperationalKey) -> str:
    issued = int(sender.clock().timestamp())
    payload = (
        f'{{"iss":"{sender.participant}","sub":"{sender.participant}","aud":"{receiver.participant}",'
        f'"iat":{issued},"nbf":{issued},"exp":{issued + 120},"jti":"{"j" * 16}-{issued}"}}'
    )
    assert key.private is not None
    return seal(payload.encode(), typ=IDENTITY_TYP, kid=key.kid, key=key.private, now=sender.clock())


def send(raw: Raw, receiver: LiveNode, timeout_s: float = 10.0) -> int:
    """Send the bytes on a connection of their own and return the status, `NO_ANSWER` when none came."""
    host, _, port = receiver.origin.rpartition("/")[2].rpartition(":")
    head = [raw.method + b" " + raw.target + b" HTTP/1.1", b"Host: " + host.encode(), b"Connection: close"]
    head += [name + b": " + value for name, value in raw.fields]
    head += [b"Content-Length: " + str(len(raw.body)).encode()]
    with socket.create_connection((host, int(port)), timeout_s) as connection:
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + raw.body)
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except (TimeoutError, ConnectionResetError):
            pass
    line = answer.split(b"\r\n", 1)[0].split(b" ")
    return int(line[1]) if len(line) > 1 and line[1].isdigit() else NO_ANSWER
