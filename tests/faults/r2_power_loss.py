"""R2: the power fails; what was acknowledged is there when the machine comes back.

The database lies on an ext4 file system of its own, in an image on a loop device. A process appends to a node's log and
reports each commit. Then the file system is shut down without flushing its journal (EXT4_IOC_SHUTDOWN, as the kernel's
own tests of file systems do), so that everything that was not synced is lost, as at power loss; killing a process does
not show that. It is mounted again, the database recovers, and every reported entry must be there and the log be sound.

Controls: SQLite with ``synchronous=OFF``, PostgreSQL with ``synchronous_commit=off``; both must lose.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests import postgresql
from tests.faults.world import ROOT, NotProvenError, result

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables.ledger import leaf
from sealane.errors import StoreError
from sealane.exchange.ledger_check import faults_of_stored

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32), linux/fs/ext4/ext4.h
NOLOGFLUSH = 2
IMAGE_BYTES = 320 * 1024 * 1024
SMALL, FULL = 2, 20  # trials
COMMITS = (20, 150)  # acknowledged before the power fails
COMMAND_S = 120.0


@dataclass
class Disk:
    """An ext4 file system that can lose its power."""

    folder: Path
    device: str
    mounted: bool = False
    place: Path = field(init=False)

    def __post_init__(self) -> None:
        self.place = self.folder / "disk"
        self.place.mkdir()

    def mount(self) -> None:
        """Mount it; the kernel replays its journal."""
        command("mount", "-t", "ext4", self.device, str(self.place))
        self.mounted = True

    def fail(self) -> None:
        """Cut the power: nothing that is not on the device yet will ever get there."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        """Unmount; at last lazily, so that nothing stays."""
        for _ in range(50):
            if subprocess.run(["umount", self.place], capture_output=True, check=False).returncode == 0:
                self.mounted = False
                return
            time.sleep(0.1)
        subprocess.run(["umount", "-l", self.place], capture_output=True, check=False)
        self.mounted = False


def command(*words: str, **options: Any) -> str:
    """Run a command of the system; what it says goes into the reason when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=COMMAND_S, **options)
    if done.returncode != 0:
        raise NotProvenError(f"{words[0]}: {(done.stderr or done.stdout).strip()[:300]}")
    return done.stdout


@contextmanager
def disk() -> Iterator[Disk]:
    """Make an ext4 file system on a loop device; all is gone afterwards.

    Raises
    ------
    NotProvenError
        Where there is no root, no loop device, no mkfs, or it cannot be shut down.
    """
    if os.geteuid() != 0:
        raise NotProvenError("mounting a file system needs root")
    lacking = [name for name in ("mkfs.ext4", "losetup", "mount", "umount") if shutil.which(name) is None]
    if lacking:
        raise NotProvenError(f"{', '.join(lacking)} is not installed")
    folder = Path(tempfile.mkdtemp(prefix="sealane-power-"))
    device, made = None, None
    try:
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        command("mkfs.ext4", "-q", "-F", str(image))
        device = command("losetup", "--find", "--show", str(image)).strip()
        made = Disk(folder, device)
        made.mount()
        folder.chmod(0o755)  # the account of PostgreSQL must get through
        yield made
    finally:
        if made is not None and made.mounted:
            made.unmount()
        if device is not None:
            subprocess.run(["losetup", "-d", device], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def append_until(url: str, synchronous: str, commits: int, cut: Callable[[], None]) -> int:
    """Let a process append; cut the power after so many commits; return how many it had reported by then.

    Only what was reported before the power began to fail was acknowledged. The process lives on for a moment here, and
    the kernel may let the one sync that was under way return without an error: a machine without power tells nobody.
    """
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.r2_writer", url, synchronous],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert writer.stdout is not None
    said = b""
    try:
        until = time.monotonic() + COMMAND_S
        while True:
            # With enough commits, take what lies in the pipe and go on at once.
            enough = said.count(b"\n") >= commits
            ready, _, _ = select.select([writer.stdout], [], [], 0 if enough else 1.0)
            if ready:
                said += os.read(writer.stdout.fileno(), 65536)
            if enough:
                break
            if time.monotonic() > until or writer.poll() is not None:
                raise RuntimeError(f"the writer stopped after {len(said.splitlines())} commits")
        cut()
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(2)  # it finds the disk gone
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    return int(said.split(b"\n")[-2]) + 1


def lost_entries(database: Database, acknowledged: int) -> tuple[int, list[str]]:
    """Return how many acknowledged entries are missing, and what is wrong with those that are there."""
    try:
        with database.read() as connection:
            there = set(connection.execute(sa.select(leaf.c.position)).scalars())
            faults = [str(fault) for fault in faults_of_stored(connection)]
    except (StoreError, sa.exc.DatabaseError) as error:
        return acknowledged, [str(error).splitlines()[0]]  # the database itself is broken
    return len(set(range(acknowledged)) - there), faults


def sqlite_trial(made: Disk, synchronous: str, number: int, chance: random.Random) -> tuple[int, int, list[str]]:
    """Return (acknowledged, lost, faults) of one power loss."""
    path = made.place / f"{synchronous.lower()}-{number}.db"
    database = Database(sqlite_url(path))
    database.create_tables()
    database.close()
    command("sync", "-f", str(path))
    acknowledged = append_until(sqlite_url(path), synchronous, chance.randrange(*COMMITS), made.fail)
    made.unmount()
    made.mount()
    database = Database(sqlite_url(path))
    try:
        return acknowledged, *lost_entries(database, acknowledged)
    finally:
        database.close()


@dataclass
class Server:
    """A PostgreSQL whose data lie on the disk, with fsync on."""

    made: Disk
    bin: Path
    port: int
    user: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        return self.made.place / "data"

    def url(self, name: str, synchronous_commit: str) -> str:
        return f"postgresql://admin@127.0.0.1:{self.port}/{name}?options=-csynchronous_commit%3D{synchronous_commit}"

    def run(self, *words: str) -> str:
        options: dict[str, Any] = {"cwd": "/"}
        if self.user is not None:
            options |= {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        return command(str(self.bin / words[0]), *words[1:], **options)

    def create(self) -> None:
        """Make the cluster."""
        self.data.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", "-D", str(self.data), "-U", "admin", "-E", "UTF8", "--locale=C", "-A", "trust")

    def start(self) -> None:
        """Start; recovers first where the power had failed."""
        options = f"-p {self.port} -h 127.0.0.1 -k '' -c shared_buffers=32MB -c fsync=on -c logging_collector=off"
        log = str(self.data / "server.log")
        # After a real power loss no process has the old number; here a process that ended may still be listed.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        try:
            self.run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", log, "-o", options, "start")
        except NotProvenError as error:
            raise RuntimeError(f"{error}\n{Path(log).read_text(errors='replace')[-1500:]}") from None

    def stop(self) -> None:
        """End every process of the server at once; after a power loss its files cannot be asked."""
        for signal_number in (signal.SIGQUIT, signal.SIGKILL):
            until = time.monotonic() + 10
            while time.monotonic() < until and (there := self.processes()):
                for process in there:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal_number)
                time.sleep(0.1)

    def processes(self) -> list[int]:
        """Return the processes whose working folder is the cluster's: the server's own, nobody else's."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "cwd").readlink() == self.data:
                    found.append(int(entry.name))
        return found


def postgresql_trial(
    server: Server, synchronous_commit: str, number: int, chance: random.Random
) -> tuple[int, int, list[str]]:
    """Return (acknowledged, lost, faults) of one power loss; the server runs before and after it."""
    name = f"trial{number}"
    server.run("createdb", "-h", "127.0.0.1", "-p", str(server.port), "-U", "admin", name)
    # The tables are made with everything synced: only the entries are at stake.
    database = Database(server.url(name, "on"))
    database.create_tables()
    database.close()
    server.run("psql", "-h", "127.0.0.1", "-p", str(server.port), "-U", "admin", "-qc", "CHECKPOINT", name)
    url = server.url(name, synchronous_commit)
    acknowledged = append_until(url, "FULL", chance.randrange(*COMMITS), server.made.fail)
    server.stop()
    server.made.unmount()
    server.made.mount()
    server.start()
    database = Database(server.url(name, "on"))
    try:
        return acknowledged, *lost_entries(database, acknowledged)
    finally:
        database.close()


@contextmanager
def postgresql_on(made: Disk) -> Iterator[Server]:
    """Run a PostgreSQL on the disk."""
    found, account = postgresql.binaries(), postgresql.account()
    if found is None or account is None:
        raise NotProvenError(str(postgresql.missing()))
    user = None if account == "-" else pwd.getpwnam(account)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Server(made, found, port, user)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()


def trials(kind: str, safe: bool, count: int, chance: random.Random) -> dict[str, Any]:
    """Make trials on a fresh disk; ``safe`` is how a node runs, the other is the control."""
    tried = lost = losing = 0
    faults: list[str] = []
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(disk())
        server = stack.enter_context(postgresql_on(made)) if kind == "postgresql" else None
        for number in range(count):
            if server is None:
                found = sqlite_trial(made, "FULL" if safe else "OFF", number, chance)
            else:
                found = postgresql_trial(server, "on" if safe else "off", number, chance)
            tried, lost = tried + found[0], lost + found[1]
            losing += found[1] > 0
            faults += found[2]
    return {"trials": count, "acknowledged": tried, "lost": lost, "trials_with_loss": losing, "faults": faults[:20]}


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row R2 on one database.

    Returns
    -------
    dict
        Keys of every row; ``tried`` and ``lost`` count acknowledged entries. ``control``: the same with the unsafe
        setting, which must lose.
    """
    chance = random.Random(seed)
    count = FULL if full else SMALL
    try:
        safe = trials(database, True, count, chance)
        control = trials(database, False, max(2, count // 4), chance)
    except NotProvenError as reason:
        return result("R2", seed, database, passed=False, control_failed=False) | {
            "verdict": "not proven",
            "reason": str(reason),
        }
    return result(
        "R2",
        seed,
        database,
        passed=safe["lost"] == 0 and not safe["faults"],
        control_failed=control["lost"] > 0,
        tried=safe["acknowledged"],
        lost=safe["lost"],
        trials=safe["trials"],
        faults=safe["faults"],
        control=control,
    )


if __name__ == "__main__":
    for engine in ("sqlite", "postgresql"):
        print(json.dumps(run(full="--full" in sys.argv, database=engine), indent=1))
