"""Row S2: what was changed on the way: flipped bits, signatures taken off, doubled or put in another order, JSON keys
that stand twice. ``outside`` counts changed messages that were taken.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from fastapi import Depends, FastAPI, Request
from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from starlette.types import ASGIApp
from tests.faults.sent_by_hand import Raw, quiet, send, signed_request
from tests.faults.world import Machine, NotProvenError, machine, result
from tests.live_nodes import Clock, LiveNode, introduce, live_node

from sealane.errors import RequestRefusedError
from sealane.exchange import evidence, jws, strict_json
from sealane.exchange.evidence import KnownKey, Typ, known_keys, verify_with
from sealane.exchange.peers import refresh_keys
from sealane.exchange.request_signatures import Message, SignedRequest
from sealane.node.api import identity as identity_api
from sealane.node.api import security
from sealane.node.api.security import peer_of
from sealane.node.edge import Edge
from sealane.node.problems import add_problem_handlers

FULL, SMALL = 20_000, 400
FIELDS = (b"authorization", b"content-digest", b"signature-input", b"signature")
REFUSED = RequestRefusedError(401, "refused", "Refused.", "None.")
DOUBLED_KEYS = (
    b'{"n": 1, "n": 2}',
    b'{"a": {"n": 1, "n": 1}}',
    b'{"n": 1, "\\u006e": 2}',
    b'[{"id": "x", "amount": 1, "id": "y"}]',
    b'{"n": NaN}',
    b'{"n": 1} {"n": 2}',
    b'{"n": "\\ud800"}',
    b'{"n": 100000000000000000000}',
)


@dataclass
class Found:
    """What happened; `taken` has one example of each kind of change that was taken."""

    tried: int = 0
    lost: int = 0
    outside: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)

    def note(self, kind: str, taken: bool, example: object) -> None:
        self.tried += 1
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
        if taken:
            self.outside += 1
            self.taken.setdefault(kind, repr(example)[:300])


@dataclass
class World:
    """A sender, a receiver, and the keys of the sender that the receiver knows."""

    clock: Clock
    sender: LiveNode
    receiver: LiveNode
    keys: list[KnownKey]


def parsing_app(live: LiveNode) -> ASGIApp:
    """Return an application that reads every body as JSON, as all endpoints do."""
    app = FastAPI()
    add_problem_handlers(app, {})
    app.include_router(identity_api.router(live.node))
    peer = Depends(peer_of(live.node))

    @app.post("/{anything:path}")
    async def take(request: Request, _: str = peer) -> dict[str, str]:
        strict_json.parse(request.state.body)
        return {}

    return Edge(app, body_limit_bytes=100_000, forms={}, observe=lambda *_: None, is_https=False)


@contextmanager
def world(place: Machine) -> Iterator[World]:
    clock = Clock()
    folder = place.folder / f"world-{place.made}"
    with (
        live_node(folder / "sender", place.database(), "port-a", clock) as sender,
        live_node(folder / "receiver", place.database(), "port-b", clock, parsing_app) as receiver,
    ):
        introduce(receiver, sender)
        refresh_keys(receiver.node, "port-a")
        with receiver.node.database.read() as connection:
            keys = known_keys(connection, "port-a")
        yield World(clock, sender, receiver, keys)


def flipped(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes with one bit changed."""
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flip_request(raw: Raw, rng: random.Random) -> Raw:
    """Return a request with one bit changed in something the signature covers, or in the signature."""
    place = rng.choice(["target", "body", *FIELDS])
    if place == "target":
        return replace(raw, target=flipped(raw.target, rng))
    if place == "body":
        return replace(raw, body=flipped(raw.body, rng))
    assert isinstance(place, bytes)
    return raw.with_field(place, flipped(raw.field(place), rng))


def restructured(raw: Raw, second: Raw) -> Iterator[tuple[str, Raw]]:
    """Yield a signed request with its signature stripped, doubled, or put in another order."""
    for name in FIELDS:
        without = tuple((key, value) for key, value in raw.fields if key != name)
        yield "stripped", replace(raw, fields=without)
        for position in (0, len(raw.fields)):
            for other in (raw.field(name), second.field(name)):
                doubled = [*raw.fields]
                doubled.insert(position, (name, other))
                yield "doubled", replace(raw, fields=tuple(doubled))
        yield "exchanged", raw.with_field(name, second.field(name))
    bare = tuple((key, value) for key, value in raw.fields if key == b"authorization")
    yield "stripped", replace(raw, fields=bare)
    for one, other in ((raw, second), (second, raw)):
        both = raw
        for name in (b"signature", b"signature-input"):
            relabelled = other.field(name).replace(b"sealane=", b"second=", 1)
            both = both.with_field(name, one.field(name) + b", " + relabelled)
        yield "reordered", both
        for name in (b"signature", b"signature-input"):
            both = both.with_field(name, one.field(name) + b", " + other.field(name))
        yield "reordered", both
    for old, new in (
        (b'"@method" "@target-uri"', b'"@target-uri" "@method"'),
        (b' "content-digest"', b""),
        (b' "authorization"', b""),
        (b"created=", b"expires=9999999999;created="),
        (b'alg="ed25519"', b'alg="hmac-sha256"'),
        (b'tag="sealane"', b'tag="other"'),
    ):
        yield "rewritten", raw.with_field(b"signature-input", raw.field(b"signature-input").replace(old, new))


def request_cases(made: World, rng: random.Random, count: int, found: Found) -> None:
    """Send changed requests; each has a signature that was good before the change."""
    target = "/inbox?agreement=mou-1&n=7"
    body = b'{"events": [{"id": "e-1", "port": "JPNGO"}], "count": 1}'

    def fresh(content: bytes = body) -> Raw:
        return signed_request(made.sender, made.receiver, content, target=target)

    sent = 0
    while sent < count:
        for _ in range(50):
            changed = flip_request(fresh(), rng)
            found.note("flipped bit", send(changed, made.receiver) == 200, changed)
            sent += 1
        for kind, changed in restructured(fresh(), fresh(body + b" ")):
            found.note(kind, send(changed, made.receiver) == 200, changed)
            sent += 1
        for doubled in DOUBLED_KEYS:
            raw = signed_request(made.sender, made.receiver, doubled)
            found.note("ambiguous JSON", send(raw, made.receiver) == 200, doubled)
            sent += 1
        found.lost += send(fresh(), made.receiver) != 200  # what was not changed passes


def evidence_cases(made: World, rng: random.Random, count: int, found: Found) -> None:
    """Change signed statements and read them as every kind."""
    now = made.clock()
    for number in range(count):
        typ = rng.choice(list(Typ))
        text = made.sender.node.identity.sign(json.dumps({"n": number}).encode(), typ, now)
        parts = text.split(".")
        other = rng.choice([kind for kind in Typ if kind is not typ])
        changes = {
            "statement, flipped bit": (flipped(text.encode(), rng).decode("latin-1"), typ),
            "statement, other kind": (text, other),
            "statement, no signature": (f"{parts[0]}.{parts[1]}.", typ),
            "statement, parts exchanged": (f"{parts[1]}.{parts[0]}.{parts[2]}", typ),
            "statement, padded": (text + "=", typ),
        }
        for kind, (changed, read_as) in changes.items():
            found.note(kind, reads(made, changed, read_as), changed)
        found.lost += not reads(made, text, typ)


def reads(made: World, text: str, typ: Typ) -> bool:
    try:
        verify_with(made.keys, text, typ, made.clock())
    except RequestRefusedError:
        return False
    return True


def campaign(place: Machine, seed: int, count: int) -> Found:
    """Send and read changed messages; return what happened."""
    found, rng = Found(), random.Random(seed)
    with world(place) as made:
        request_cases(made, rng, count, found)
        evidence_cases(made, rng, count // 5, found)
    return found


def by_default(method: str, url: str, fields: Any, body: bytes, *, key: Any, kid: str, now: Any) -> SignedRequest:
    """Verify as the library does when it is told nothing: any cover will do, and the body is not looked at."""

    class Timeless(HTTPMessageVerifier):
        def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
            pass

    keys = MappingKeyResolver(public_keys={kid: key.public_key}, private_keys={})
    verifier = Timeless(signature_algorithm=ED25519, key_resolver=keys)
    try:
        found = verifier.verify(Message(method, url, dict(fields)))[0]
    except HTTPMessageSignaturesException as error:
        raise REFUSED from error
    return SignedRequest(kid, str(found.nonce), now)


def controls(place: Machine, seed: int) -> dict[str, bool]:
    """Return for each broken receiver whether it took something changed, as it must."""

    def takes(kind: str, *broken: Any) -> bool:
        with contextlib.ExitStack() as stack:
            for each in broken:
                stack.enter_context(each)
            return kind in campaign(place, seed, 60).taken

    def unsigned_will_do(*_: Any) -> None:
        return None

    def lenient(data: bytes, *_: Any) -> Any:
        try:
            return json.JSONDecoder().raw_decode(data.decode())[0]
        except ValueError:
            raise REFUSED from None

    return {
        "library's defaults: the body is not looked at": takes(
            "flipped bit", patch.object(security, "verify_request", by_default)
        ),
        "signatures not asked for": takes("stripped", patch.object(security, "_verify_signature", unsigned_will_do)),
        "ordinary JSON": takes("ambiguous JSON", patch.object(strict_json, "parse", lenient)),
        "kinds not told apart": takes("statement, other kind", patch.object(evidence, "open_sealed", any_kind)),
    }


def any_kind(text: str, *, typ: str, key: Any) -> Any:
    """Open a statement without a look at its kind."""
    return jws.open_sealed(text, typ=jws.read_header(text).typ, key=key)


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row S2 on one kind of database."""
    try:
        with machine(database) as place, quiet():
            found = campaign(place, seed, FULL if full else SMALL)
            caught = controls(place, seed)
    except NotProvenError as lacking:
        return result("S2", seed, database, passed=False, control_failed=False) | {
            "verdict": "not proven",
            "reason": str(lacking),
        }
    return result(
        "S2",
        seed,
        database,
        passed=found.outside == 0 and found.lost == 0,
        control_failed=all(caught.values()),
        tried=found.tried,
        lost=found.lost,
        outside=found.outside,
        by_kind=found.by_kind,
        taken=found.taken,
        controls=caught,
    )
