"""What a person does on the pages, for locust; run by bench/users.py in the bench's own environment."""

import os
import re

from locust import HttpUser, between, task

PAGES = ("/", "/ports/USLAX", "/corridors/la-lb-shanghai", "/agreements", "/exchange", "/cargo/container/SIMU1000028")
STATE: dict[str, str] = {}


class Person(HttpUser):
    """Logs in (the first one, as guessing is limited), then looks at pages and opens derivations."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Use one session for all: fifty logins a minute from one address would rightly be refused."""
        if not STATE:
            page = self.client.get("/login", headers={"Accept": "text/html"}).text
            token = re.search(r'name="form" value="([^"]+)"', page)
            form = {"login": "analyst", "password": os.environ["SEALANE_BENCH_PASSWORD"], "next": "/"}
            form["form"] = token.group(1) if token else ""
            self.client.post("/login", form, headers={"Origin": self.host, "Accept": "text/html"})
            STATE.update(self.client.cookies.get_dict())
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
