"""A real PostgreSQL for tests: an own cluster in a temporary folder, under an unprivileged account, on a free port.

It comes from the system's package (Debian: ``postgresql``); where that is missing the tests that need it are reported
as *not proven*. The server is stopped at the end of the process that started it, also when that is killed.
"""

from __future__ import annotations

import atexit
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

WATCH = Path(__file__).with_name("postgresql_watch.py")
START_S = 90.0
ROLE = "sealane"
SETTINGS = {
    "fsync": "off",  # a test's cluster need not outlive the machine's power; it does survive a killed server
    "shared_buffers": "32MB",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "10min",
    "timezone": "Pacific/Kiritimati",  # far from UTC: code that leans on the server's zone shows at once
    "logging_collector": "off",
}


def binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL server on this machine, or None."""

    def version(folder: Path) -> int:
        found = re.search(r"\d+", folder.parent.name)
        return int(found.group()) if found else 0

    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def account() -> str | None:
    """Return the account the server shall run as: an unprivileged one when we are root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return "-"
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    return None


def missing() -> str | None:
    """Say what is missing for a PostgreSQL cluster, or None."""
    if binaries() is None:
        return "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
    if account() is None:
        return "there is no unprivileged account (postgres or nobody) for PostgreSQL's server"
    return None


@dataclass
class Cluster:
    """A running server with one role that may create databases but is no superuser."""

    folder: Path
    port: int
    password: str
    watch: subprocess.Popen[bytes]
    made: int = 0
    templates: set[str] = field(default_factory=set)

    def url(self, name: str) -> str:
        """Return the address of a database, password included."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{name}"

    def run(self, statement: str) -> None:
        """Run one statement as the role, outside a transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, template: str | None = None) -> str:
        """Create a database and return its name."""
        self.made += 1
        name = f"t{self.made}_{secrets.token_hex(3)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        """Stop the server and remove its folder; harmless when called twice."""
        if self.watch.poll() is None:
            assert self.watch.stdin is not None
            self.watch.stdin.close()
            self.watch.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


def start() -> Cluster:
    """Make a cluster and start its server.

    Raises
    ------
    RuntimeError
        When it does not start; the message ends with the server's log.
    """
    found, user = binaries(), account()
    if found is None or user is None:
        raise RuntimeError(missing())
    folder = Path(tempfile.mkdtemp(prefix="sealane-pg-"))
    as_user: dict[str, object] = {}
    if user != "-":
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    password = secrets.token_urlsafe(12)
    secret = folder / "password"
    secret.write_text(password)
    if user != "-":
        os.chown(secret, entry.pw_uid, entry.pw_gid)
    command = [
        found / "initdb",
        "-D",
        folder / "data",
        "-U",
        "admin",
        "-E",
        "UTF8",
        "--locale=C",
        "-A",
        "scram-sha-256",
    ]
    command += ["--pwfile", secret, "--no-sync", "--no-instructions"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, **as_user)  # type: ignore[call-overload]  # account's options only as root
    if done.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise RuntimeError(f"initdb failed: {done.stderr.strip()}")
    for _ in range(5):  # a free port can be taken before the server has it
        port = _free_port()
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        server = [found / "postgres", "-D", folder / "data", "-p", str(port), "-h", "127.0.0.1", "-k", folder, *options]
        watch = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WATCH), str(os.getpid()), str(folder), user, *map(str, server)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        cluster = Cluster(folder, port, password, watch)
        if _is_ready(cluster):
            atexit.register(cluster.stop)
            return cluster
    log = (folder / "server.log").read_text(errors="replace")
    cluster.stop()
    raise RuntimeError(f"PostgreSQL does not start:\n{log[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(cluster: Cluster) -> bool:
    admin = f"postgresql://admin:{cluster.password}@127.0.0.1:{cluster.port}/postgres"
    until = time.monotonic() + START_S
    while cluster.watch.poll() is None and time.monotonic() < until:
        try:
            with psycopg.connect(admin, autocommit=True, connect_timeout=5) as connection:
                connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{cluster.password}'".encode())
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    if cluster.watch.poll() is None:
        assert cluster.watch.stdin is not None
        cluster.watch.stdin.close()
        cluster.watch.wait(60)
    elif cluster.watch.stdin is not None:
        cluster.watch.stdin.close()
    return False
