"""Row S7: addresses that would lead the node to places inside the port's network.

Listeners stand at real sockets of loopback, over IPv4 and IPv6, and count who comes. ``outside`` counts connections
that came although they must not. The control sends the same with an ordinary client, which must reach the listeners.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpcore
import httpx
from tests.faults.sent_by_hand import quiet
from tests.faults.world import NotProvenError, machine, result
from tests.live_nodes import Clock
from tests.wire import Listener, answering, http, listener

from sealane.database import Database
from sealane.errors import SealaneError
from sealane.exchange import outbound as outbound_module
from sealane.exchange.jws import new_key, public_jwk
from sealane.exchange.keys import Identity
from sealane.exchange.outbound import Outbound
from sealane.exchange.peers import add_peer, remove_peer

ROOT = public_jwk(new_key())
# Every way to write 127.0.0.1 and ::1 that a resolver or a URL reader is known to take.
HOSTS = (
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "0127.0.0.1",
    "127.0.0.01",
    "127.000.000.001",
    "0",
    "0.0.0.0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[::1%lo]",
    "[::1%25lo]",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "ⓛocalhost",
    "%31%32%37.0.0.1",
    "user@127.0.0.1",
    "b.example@127.0.0.1",
    "b.example:443@127.0.0.1",
    "127.0.0.1#@b.example",
    "127.0.0.1?@b.example",
    "127.0.0.1\\@b.example",
    "127.0.0.1\t",
    "127.0.0.1%00.b.example",
)
RESOLVED = (
    ["127.0.0.1"],
    ["127.0.0.2"],
    ["::1"],
    ["::ffff:127.0.0.1"],
    ["::ffff:7f00:1"],
    ["::127.0.0.1"],
    ["64:ff9b::7f00:1"],
    ["64:ff9b:1::7f00:1"],
    ["2002:7f00:1::1"],
    ["2001:0:7f00:1::"],
    ["0.0.0.0"],
    ["::"],
    ["169.254.169.254"],
    ["fe80::1"],
    ["224.0.0.1"],
    ["10.0.0.1"],
    ["192.168.0.1"],
    ["100.64.0.1"],
    ["198.18.0.1"],
    ["fd00::1"],
    ["8.8.8.8", "127.0.0.1"],
    ["2606:4700:4700::1111", "::1"],
)
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Found:
    """What was tried; `let_through` names what a listener saw."""

    tried: int = 0
    lost: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    let_through: list[str] = field(default_factory=list)

    @property
    def outside(self) -> int:
        return len(self.let_through)


@dataclass
class Site:
    """A node's way out, and the listeners that must stay alone."""

    database: Database
    identity: Identity
    clock: Clock
    traps: list[Listener]

    def visits(self) -> int:
        return sum(trap.connections for trap in self.traps)

    def register(self, origin: str, allow_private: bool = False) -> None:
        """Register the partner at an origin, as the operator might be talked into."""
        with self.database.write() as connection:
            remove_peer(connection, "port-b")
            add_peer(
                connection,
                participant="port-b",
                name="B",
                origin=origin,
                root_key=ROOT,
                allow_private=allow_private,
                now=self.clock(),
            )


def attempt(site: Site, found: Found, name: str, url: str, **options: Any) -> None:
    """Send one request and look whether somebody came."""
    before = site.visits()
    way_out = Outbound(site.identity, site.database, site.clock, **options)
    found.tried += 1
    try:
        way_out.request("POST", url, participant="port-b", content=b"{}", timeout_s=2.0)
        outcome = "answered"
    except SealaneError as error:
        outcome = type(error).__name__
    finally:
        way_out.close()
    found.refused[outcome] = found.refused.get(outcome, 0) + 1
    if site.visits() != before:
        found.let_through.append(name)


def urls(port: int) -> Iterator[tuple[str, str]]:
    """Yield (name, URL) for every spelling of loopback."""
    for host, scheme in itertools.product(HOSTS, ("http", "https")):
        yield f"{scheme} {host}", f"{scheme}://{host}:{port}/latest/meta-data"


def campaign(site: Site, rng: random.Random, rounds: int) -> Found:
    """Try every address in every way."""
    found = Found()
    for _ in range(rounds):
        port = rng.choice(site.traps).port
        # Addresses that a partner hands over (callback, data address), the partner being somewhere else.
        site.register(f"https://b.example:{port}")
        for name, url in urls(port):
            attempt(site, found, f"handed over: {name}", url)
        # An operator who is talked into registering such an origin.
        for name, url in urls(port):
            with suppress(SealaneError):
                site.register(url.removesuffix("/latest/meta-data"))
                attempt(site, found, f"registered: {name}", url)
                continue
            found.tried += 1
            found.refused["not registered"] = found.refused.get("not registered", 0) + 1
        # Names whose resolver gives inner addresses; also the system's own resolver.
        site.register(f"https://b.example:{port}")
        for addresses in RESOLVED:
            attempt(
                site,
                found,
                f"resolved: {addresses}",
                f"https://b.example:{port}/",
                resolver=lambda *_, addresses=addresses: addresses,
            )
        site.register(f"https://localhost:{port}")
        attempt(site, found, "resolved by the system: localhost", f"https://localhost:{port}/")
        rebinding(site, found)
        redirects(site, found)
        proxies(site, found, port)
    return found


def rebinding(site: Site, found: Found) -> None:
    """A resolver that gives an allowed address first and the trap's afterwards, both on the trap's port."""
    trap = next(trap for trap in site.traps if trap.host == "127.0.0.1")
    with listener(host="127.0.0.2", port=trap.port) as allowed:
        site.register(f"http://b.example:{trap.port}", allow_private=True)
        answers = iter([["127.0.0.2"], *[["127.0.0.1"]] * 9])
        attempt(site, found, "rebinding", f"http://b.example:{trap.port}/", resolver=lambda *_: next(answers))
        found.lost += allowed.connections != 1  # the control inside: the allowed address was reached


def redirects(site: Site, found: Found) -> None:
    """A partner that sends the node on to a trap."""
    for status, trap in itertools.product(REDIRECTS, site.traps):
        host = f"[{trap.host}]" if ":" in trap.host else trap.host
        moved = http(b"", f"{status} Moved", f"Location: http://{host}:{trap.port}/", "Refresh: 0")
        with listener(answering(moved)) as partner:
            site.register(f"http://127.0.0.1:{partner.port}", allow_private=True)
            attempt(site, found, f"redirect {status}", f"http://127.0.0.1:{partner.port}/")
            found.lost += partner.connections != 1


def proxies(site: Site, found: Found, port: int) -> None:
    """An environment that names the trap as its proxy."""
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    with patch.dict("os.environ", dict.fromkeys(names, f"http://127.0.0.1:{port}")), listener() as partner:
        site.register(f"http://127.0.0.1:{partner.port}", allow_private=True)
        attempt(site, found, "proxy", f"http://127.0.0.1:{partner.port}/")
        found.lost += partner.connections != 1


def controls(site: Site) -> dict[str, bool]:
    """Return for each broken way out whether it reached a trap, as it must."""
    port = site.traps[0].port
    caught = {}
    reached = 0
    for host in HOSTS:
        reached += _goes_there(site, f"http://{host}:{port}/latest/meta-data")
    caught[f"an ordinary client (came by {reached} of {len(HOSTS)} spellings)"] = reached >= 10
    with listener(answering(http(b"", "302 Found", f"Location: http://127.0.0.1:{port}/"))) as partner:
        moved = _goes_there(site, f"http://127.0.0.1:{partner.port}/")
    caught["an ordinary client follows redirects"] = moved

    def reaches(name: str, url: str, **broken: Any) -> None:
        found = Found()
        with ExitStack() as stack:
            for attribute, value in broken.items():
                stack.enter_context(patch.object(outbound_module, attribute, value))
            site.register(f"http://b.example:{port}", allow_private=True)
            attempt(site, found, name, url, resolver=lambda *_: ["::ffff:127.0.0.1"])
        caught[name] = found.outside > 0

    reaches("addresses not judged", f"http://b.example:{port}/", may_connect=lambda *_: True)
    reaches(
        "any address a partner hands over, resolved by the library",
        f"http://2130706433:{port}/",
        check_url=lambda url, _: url,
        _PinnedBackend=lambda *_: httpcore.SyncBackend(),
    )
    return caught


def _goes_there(site: Site, url: str) -> bool:
    visits = site.visits()
    with suppress(httpx.HTTPError, httpx.InvalidURL, ValueError, OSError):
        httpx.get(url, follow_redirects=True, timeout=0.5, trust_env=False)
    return site.visits() != visits


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row S7 on one kind of database."""
    try:
        with machine(database) as place, quiet(), ExitStack() as stack:
            traps = [stack.enter_context(listener())]
            with suppress(OSError):
                traps.append(stack.enter_context(listener(host="::1")))
            site = _site(place.folder, place.database(), traps)
            found = campaign(site, random.Random(seed), 20 if full else 1)
            visits = site.visits()
            caught = controls(site)
            site.database.close()
    except NotProvenError as lacking:
        return result("S7", seed, database, passed=False, control_failed=False) | {
            "verdict": "not proven",
            "reason": str(lacking),
        }
    return result(
        "S7",
        seed,
        database,
        passed=visits == 0 and found.lost == 0,
        control_failed=all(caught.values()),
        tried=found.tried,
        lost=found.lost,
        outside=visits,
        outcomes=found.refused,
        let_through=found.let_through[:20],
        listeners=[trap.host for trap in traps],
        controls=caught,
    )


def _site(folder: Path, database: Database, traps: list[Listener]) -> Site:
    clock = Clock()
    return Site(database, Identity.create(folder / "keys", "port-a", "https://a.example", clock()), clock, traps)
