"""Row S11: guessing of passwords, sessions planted beforehand, requests of other sites, made-up addresses.

A node with its pages runs as a process, on PostgreSQL with two workers; it is killed and started again in mid-attack.
``outside`` counts attempts judged beyond the limit, logins that should not be, and foreign requests that were done.
The controls are four broken nodes (`tests.faults.web_process`), which must fail.
"""

from __future__ import annotations

import math
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.faults.access_world import filled
from tests.faults.sent_by_hand import quiet
from tests.faults.world import ROOT, Machine, NotProvenError, close_node, machine, result
from tests.nodes import environment, free_port

from sealane.node.context import Node
from sealane.node.open import init_node, open_node
from sealane.web.accounts import login, users
from sealane.web.accounts.passwords import hash_password
from sealane.web.accounts.roles import access_table

PASSWORD = "nobody guesses this one"
START_S = 240.0
THREADS = 8
EVIL = {"sec-fetch-site": "cross-site", "origin": "https://evil.example", "referer": "https://evil.example/"}


@dataclass
class Found:
    """What was tried; `wrong` says in words what should not have been."""

    tried: int = 0
    judged: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def outside(self) -> int:
        return len(self.wrong)

    def note(self, is_right: bool, words: str) -> None:
        with self.lock:
            self.tried += 1
            if not is_right:
                self.wrong.append(words)


@dataclass
class Pages:
    """A node with pages as a process."""

    folder: Path
    environ: dict[str, str]
    origin: str
    process: subprocess.Popen[bytes] | None = None

    def start(self, broken: str = "") -> None:
        """Begin, and wait until it answers."""
        with self.folder.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.web_process", str(self.folder), broken],
                cwd=ROOT,
                env=environment(**self.environ),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.origin}/ready", trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(self.folder.with_suffix(".log").read_text()[-3000:])

    def kill(self) -> None:
        """Kill it with its workers, without warning."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def pages(place: Machine, name: str) -> Iterator[tuple[Pages, Node]]:
    """Make a node with people, not started yet; gives it and the node as this process opens it."""
    port = free_port()
    environ = {"SEALANE_DATABASE_URL": place.url(), "SEALANE_LOG_LEVEL": "error"}
    environ["SEALANE_WORKERS"] = "2" if place.kind == "postgresql" else "1"
    values = {"participant": f"urn:sealane:test:{name}", "name": name, "port": port}
    values |= {"origin": f"http://127.0.0.1:{port}", "trusted_proxies": "192.0.2.0/24"}
    folder = place.folder / name
    node = init_node(folder, values, environ=environ)
    now, hashed = node.clock(), hash_password(PASSWORD)
    with node.database.write() as connection:
        for number in range(40):
            user = users.add_user(connection, login=f"person{number}", name="P", role="administrator", now=now)
            users.set_password(connection, user.id, hashed, now)
    close_node(node)
    found = Pages(folder, environ, f"http://127.0.0.1:{port}")
    opened = open_node(folder, environ=environ)
    try:
        yield found, opened
    finally:
        found.kill()
        close_node(opened)


class Client:
    """A browser that can come from another address of loopback."""

    def __init__(self, origin: str, address: str = "127.0.0.1") -> None:
        transport = httpx.HTTPTransport(local_address=address)
        headers = {"sec-fetch-site": "same-origin", "accept": "text/html"}
        self.http = httpx.Client(base_url=origin, transport=transport, headers=headers, timeout=60, trust_env=False)
        self.form = ""

    def log_in(self, name: str, password: str, **headers: str) -> int:
        """Return the status: 303 in, 200 wrong, 429 not judged."""
        if not self.form:
            self.form = _found(r'name="form" value="([^"]+)"', self.http.get("/login").text)
        fields = {"form": self.form, "login": name, "password": password, "next": "/"}
        return self.http.post("/login", data=fields, headers=headers).status_code

    @property
    def csrf(self) -> str:
        return _found(r'name="csrf" content="([^"]+)"', self.http.get("/account").text)

    def cookie(self) -> str:
        return next((cookie.value or "" for cookie in self.http.cookies.jar if cookie.name == "sealane"), "")


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def most_judged(free: int, seconds: float) -> int:
    """Return how many attempts the waits allow in a time: `free`, then after 1 s, 2 s, 4 s more, and so on."""
    return free + math.floor(math.log2(seconds + 1)) + 1


def guess(
    site: Pages, found: Found, attempts: int, names: list[str], address: str, *, lies: bool, restart: bool
) -> None:
    """Guess passwords with several threads at once, and count how many guesses were judged."""
    rng = random.Random(attempts)
    begun = time.monotonic()
    judged: list[int] = []

    def work(number: int) -> None:
        source = address if address else f"127.0.1.{number + 1}"
        client = Client(site.origin, source)
        done = 0
        while done < attempts // THREADS:
            name = names[(number * 7 + done) % len(names)]
            headers = {"x-forwarded-for": f"198.51.100.{rng.randrange(255)}"} if lies else {}
            try:
                judged.append(client.log_in(name, f"guess number {done}", **headers))
                done += 1
            except httpx.TransportError:  # the node is being killed
                client.form = ""
                time.sleep(0.2)
        client.http.close()

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    if restart:
        while judged.count(200) < login.FREE_OF_ACCOUNT - 1 and len(judged) < attempts // 2:
            time.sleep(0.05)
        site.kill()
        site.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begun
    count = judged.count(200)
    found.tried += len(judged)
    found.judged += count
    free = login.FREE_OF_ACCOUNT if len(names) == 1 else login.FREE_OF_ADDRESS
    limit = most_judged(free, seconds)
    found.note(count <= limit, f"{count} of {len(judged)} guesses judged in {seconds:.1f} s, {limit} allowed")
    found.note(judged.count(303) == 0 and 0 not in judged, "somebody got in")


def planted_sessions(site: Pages, found: Found, first: int) -> None:
    """Plant a made-up id, an attacker's own session and a dead one in the victim's browser before its login."""
    attacker = Client(site.origin, "127.0.2.1")
    found.note(attacker.log_in(f"person{first}", PASSWORD) == 303, "the attacker's own login")
    for number, planted in enumerate(("attackers-choice-" + "0" * 26, attacker.cookie(), "")):
        victim = Client(site.origin, f"127.0.2.{number + 2}")
        if planted:
            victim.http.cookies.set("sealane", planted, domain="127.0.0.1", path="/")
            # Logged in as the attacker one would be led on: a victim posts the form it had open.
            clean = Client(site.origin)
            victim.form = _found(r'name="form" value="([^"]+)"', clean.http.get("/login").text)
            victim.http.cookies.update({c.name: c.value or "" for c in clean.http.cookies.jar})
            clean.http.close()
        found.note(victim.log_in(f"person{first + 1}", PASSWORD) == 303, f"the victim's login ({number})")
        thief = Client(site.origin)
        thief.http.cookies.set("sealane", planted or "x", domain="127.0.0.1", path="/")
        status = thief.http.get("/account").status_code
        found.note(status == 303, f"a planted session ({number}) opened the victim's account: {status}")
        for client in (victim, thief):
            client.http.close()
    attacker.http.close()


def foreign_requests(site: Pages, node: Node, found: Found, who: str) -> None:
    """Send everything that changes something as another site could make a browser do: with the cookie, no more."""
    browser = Client(site.origin, "127.0.3.1")
    found.note(browser.log_in(who, PASSWORD) == 303, "the login")
    before = _state(node)
    csrf = browser.csrf
    found.note(bool(csrf), "the page names a token")
    for (method, path), access in access_table().items():
        if method == "GET" or not access.allowed & {"administrator"} or path in {"/login"} or "/test/" in path:
            continue
        # What a form or a simple request can carry, and what would need a preflight that nobody answers.
        for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "application/json"):
            headers = {**EVIL, "content-type": kind, "accept": "application/json"}
            body = b"csrf=&role=administrator" if "form" in kind else b'{"name": "Mallory"}'
            for more in ({}, {"x-csrf-token": ""}, {"x-csrf-token": csrf[:-1] + "A"}):
                status = browser.http.request(method, filled(path), headers=headers | more, content=body).status_code
                found.note(status == 403, f"{method} {path} from elsewhere as {kind}: {status}")
        # Even with the right token it must come from a page of ours.
        headers = {**EVIL, "x-csrf-token": csrf, "content-type": "application/json", "accept": "application/json"}
        status = browser.http.request(method, filled(path), headers=headers, content=b"{}").status_code
        found.note(status == 403, f"{method} {path} from elsewhere with the token: {status}")
    status = browser.http.post("/login", data={"login": who, "password": PASSWORD}, headers=EVIL).status_code
    found.note(status == 403, f"a login that another site began: {status}")
    found.note(_state(node) == before, "a foreign request changed something")
    found.note(browser.http.get("/account").status_code == 200, "a foreign request ended the session")
    browser.http.close()


def _state(node: Node) -> list[tuple[str, str, str, bool]]:
    with node.database.read() as connection:
        found = users.list_users(connection)
    return [(user.login, user.name, user.role, user.disabled_at is None) for user in found]


def campaign(site: Pages, node: Node, attempts: int) -> Found:
    """Attack in every way."""
    found = Found()
    site.start()
    # One account, from many addresses, with a kill -9 in between.
    guess(site, found, attempts, ["person0"], "", lies=False, restart=True)
    # Many accounts from one address that says it is many.
    guess(site, found, attempts, [f"person{n}" for n in range(1, 30)], "127.0.9.9", lies=True, restart=False)
    planted_sessions(site, found, 30)
    foreign_requests(site, node, found, "person32")
    return found


def controls(place: Machine, attempts: int) -> dict[str, bool]:
    """Return for each way in which a node is broken whether it was found out."""
    caught = {}
    with pages(place, "forgetful") as (site, _):
        caught["counts_in_memory"] = forgets(site, attempts) > 0
    with pages(place, "broken") as (site, node):
        site.start("believes_headers,keeps_session,asks_no_token")
        names = [f"person{n}" for n in range(1, 30)]
        found = Found()
        guess(site, found, attempts, names, "127.0.9.8", lies=True, restart=False)
        caught["believes_headers"] = found.outside > 0
        found = Found()
        planted_sessions(site, found, 33)
        caught["keeps_session"] = any("planted" in words for words in found.wrong)
        found = Found()
        foreign_requests(site, node, found, "person36")
        caught["asks_no_token"] = any("from elsewhere" in words for words in found.wrong)
    return caught


def forgets(site: Pages, attempts: int) -> int:
    """Guess, start a node anew that counts in memory, guess on: many attempts in a short time."""
    begun = time.monotonic()
    judged = 0
    for _ in range(3):
        site.start("counts_in_memory")
        client = Client(site.origin, "127.0.8.8")
        for turn in range(max(12, attempts // 10)):
            judged += client.log_in("person0", f"guess {turn}") == 200
        client.http.close()
        site.kill()
    return max(0, judged - most_judged(login.FREE_OF_ACCOUNT, time.monotonic() - begun))


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row S11 on one kind of database."""
    attempts = 2000 if full else 120
    try:
        with machine(database) as place, quiet():
            with pages(place, "guarded") as (site, node):
                found = campaign(site, node, attempts)
            caught = controls(place, attempts)
    except NotProvenError as lacking:
        return result("S11", seed, database, passed=False, control_failed=False) | {
            "verdict": "not proven",
            "reason": str(lacking),
        }
    return result(
        "S11",
        seed,
        database,
        passed=found.outside == 0,
        control_failed=all(caught.values()),
        tried=found.tried,
        outside=found.outside,
        judged=found.judged,
        workers=2 if database == "postgresql" else 1,
        wrong=found.wrong[:40],
        controls=caught,
    )
