"""What a person does on the pages, for locust; run by bench/users.py in the bench's own environment."""

import os
import re
from typing import Any

import requests
from locust import HttpUser, between, events, task

PAGES = ("/", "/ports/USLAX", "/corridors/la-lb-shanghai", "/agreements", "/exchange", "/cargo/container/SIMU1000028")
PAUSE_S = float(os.environ.get("PAUSE_S", "1"))  # how long a person looks at what was opened, on the mean
STATE: dict[str, str] = {}


@events.test_start.add_listener
def log_in(environment: Any, **_: object) -> None:
    """Log in once for all: fifty logins a minute from one address would rightly be refused."""
    host = environment.host
    with requests.Session() as session:
        session.headers["Accept"] = "text/html"
        found = re.search(r'name="form" value="([^"]+)"', session.get(f"{host}/login", timeout=30).text)
        form = {"login": "analyst", "password": os.environ["BENCH_PASSWORD"], "next": "/"}
        form["form"] = found.group(1) if found else ""
        session.post(f"{host}/login", form, headers={"Origin": host}, timeout=30).raise_for_status()
        for path in PAGES:
            session.get(host + path, timeout=60).raise_for_status()
        STATE.update(session.cookies.get_dict())


class Person(HttpUser):
    """Looks at pages and opens derivations, as somebody who has logged in."""

    wait_time = between(0.5 * PAUSE_S, 1.5 * PAUSE_S)

    def on_start(self) -> None:
        """Take the session."""
        for name, value in STATE.items():
            self.client.cookies.set(name, value)

    @task(6)
    def look(self) -> None:
        """Open a page, and one of the derivations on it."""
        path = PAGES[self.environment.stats.num_requests % len(PAGES)]
        answer = self.client.get(path, headers={"Accept": "text/html"})
        figures = re.findall(r'href="(/explain/[^"]+)" data-figure', answer.text)
        if figures:
            self.client.get(figures[0].replace("&amp;", "&"), headers={"Accept": "text/html"}, name="a derivation")

    @task(1)
    def ask(self) -> None:
        """Ask the interface as a script does."""
        self.client.get("/api/v1/overview")
