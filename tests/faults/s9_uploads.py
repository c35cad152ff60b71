"""Row S9: bombs, entities, paths that lead outside and links, uploaded to a node that checks them in a limited child.

Each file is refused in words within two seconds, by a process whose memory grows by less than 100 MB over that of
reading a sound file; the node's own grows by less, too; nothing is written outside the upload's own folder, and no
line of a file on the machine comes out. Controls: what people write without thinking fails each of these.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults import s9_files
from tests.faults.s9_files import CANARY, Hostile
from tests.faults.world import Machine, NotProvenError, machine, result
from tests.live_nodes import Clock, make_node

from sealane.node.context import Node
from sealane.web.imports import files, store
from sealane.web.imports.store import Import, State, Step
from sealane.web.tasks.runner import run_checks
from sealane.web.tasks.store import enqueue_as

MAX_S, MAX_BYTES = 2.0, 100_000_000
_TICKS = os.sysconf("SC_CLK_TCK")
NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


@dataclass
class Seen:
    """What one file did."""

    name: str
    seconds: float
    processor_s: float
    child_bytes: int
    node_bytes: int
    state: State
    words: str


@dataclass
class Found:
    """What all files did."""

    seen: list[Seen] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def peak_bytes(process: int | str = "self", name: str = "VmHWM") -> int:
    """Return the most memory a process has held."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


class Watch(threading.Thread):
    """Looks at the child processes of this one until told to end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.processor_s = 0, 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        tasks = Path(f"/proc/{os.getpid()}/task")
        while not self.ended.wait(0.005):
            for task in tasks.iterdir():
                with suppress(OSError):
                    for child in (task / "children").read_text().split():
                        # Before it has become another program it is a copy of this one, and holds as much.
                        if b"sealane.web.tasks.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                            self.peak = max(self.peak, peak_bytes(child))
                            spent = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:13]
                            self.processor_s = max(self.processor_s, sum(map(int, spent)) / _TICKS)


def upload(node: Node, one: Hostile) -> Import:
    """Put a file into the node as if all its bytes had come."""
    options = {"port": "USNYC", "dataset": one.dataset}
    with node.database.write() as connection:
        made, _ = store.insert(
            connection,
            kind=one.kind,
            file_name=one.name,
            options=options,
            size_bytes=len(one.data),
            created_by="tester",
            key=None,
            now=NOW,
        )
        files.make_folder(node, made.id)
        files.content_of(node, made.id).write_bytes(one.data)
        task = enqueue_as(connection, "tester", "import-check", {}, NOW, import_id=made.id)
        return store.step(connection, made, Step.COMPLETE, NOW, task_id=task)


def judge(node: Node, one: Hostile) -> tuple[Seen, str]:
    """Let a file be checked; return what it did, and all that the node says of it."""
    made = upload(node, one)
    watch = Watch()
    before = peak_bytes(name="VmRSS")
    watch.start()
    begun = time.monotonic()
    run_checks(node)
    seconds = time.monotonic() - begun
    watch.ended.set()
    watch.join()
    with node.database.read() as connection:
        after = store.import_of(connection, made.id)
    text = json.dumps([after.outcome, after.preview], ensure_ascii=False, default=str)
    rejects = files.folder_of(node, made.id) / files.REJECTS
    if rejects.is_file():
        text += rejects.read_text(encoding="utf-8")
    return Seen(
        f"{made.kind}: {made.file_name}",
        seconds,
        watch.processor_s,
        watch.peak,
        peak_bytes(name="VmRSS") - before,
        after.state,
        text[:300],
    ), text


def names_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@contextmanager
def port(place: Machine) -> Iterator[tuple[Node, Path]]:
    """Give a node in a folder of its own, and a file beside it that nothing may read or replace."""
    canary = place.folder / "beside" / "canary.txt"
    canary.parent.mkdir()
    canary.write_text(CANARY + "\n")
    node = make_node(
        place.folder / "deep" / "er" / "node", place.database(), "urn:test:s9", "http://127.0.0.1:1", Clock()
    )
    try:
        yield node, canary
    finally:
        node.outbound.close()


def campaign(place: Machine, seed: int, full: bool) -> Found:
    """Try every file."""
    found = Found()
    with port(place) as (node, canary):
        usual: dict[str, int] = {}
        for kind, sound in s9_files.harmless().items():
            usual[kind] = max(judge(node, sound)[0].child_bytes for _ in range(2))
        secret = Path("/etc/passwd").read_text().splitlines()[0]
        for one in s9_files.files(seed, canary, full):
            before = names_in(place.folder)
            seen, text = judge(node, one)
            found.seen.append(seen)
            strays = {name for name in names_in(place.folder) - before if not _is_own(name)}
            grown = seen.child_bytes - usual[one.kind]
            reasons = [
                (seen.state is not State.FAILED, f"is {seen.state}"),
                ('"kind": "fault"' in text, "was a fault of the program"),
                # A machine that does other work as well makes everything slow; then its own time is what counts.
                (min(seen.seconds, seen.processor_s) >= MAX_S, f"took {seen.seconds:.2f} s"),
                (grown >= MAX_BYTES, f"child held {grown / 1e6:.0f} MB more than for a sound file"),
                (seen.node_bytes >= MAX_BYTES, f"node held {seen.node_bytes / 1e6:.0f} MB more"),
                (bool(strays), f"wrote {sorted(strays)[:3]}"),
                (CANARY in text or secret in text, "told what stands in another file"),
                (canary.read_text() != CANARY + "\n", "changed another file"),
            ]
            found.wrong += [f"{seen.name}: {words}" for is_wrong, words in reasons if is_wrong]
    return found


def _is_own(name: str) -> bool:
    own = ("deep/er/node/imports", "deep/er/node/tasks", "database-")
    return name.startswith(own) and (".." not in name)


_CONTROL = """
import io, resource, sys, time
begun = time.monotonic()
{}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, time.monotonic() - begun)
"""
_PLAIN_OPENPYXL = "import openpyxl; [list(r) for r in openpyxl.load_workbook(sys.argv[1]).active.iter_rows()]"
_PLAIN_GUNZIP = "import gzip; data = gzip.open(sys.argv[1]).read({})"


def controls(place: Machine, seed: int) -> dict[str, bool]:
    """Return for each careless reader whether it fails, as it must."""
    caught: dict[str, bool] = {}
    bombs = {"workbook": s9_files.sheet_bomb(), "gzip": s9_files.gzip_bomb(400 << 20)}
    for name, code in (("workbook", _PLAIN_OPENPYXL), ("gzip", _PLAIN_GUNZIP.format(400_000_000))):
        path = place.folder / f"bomb.{'xlsx' if name == 'workbook' else 'gz'}"
        path.write_bytes(bombs[name])
        command = [sys.executable, "-c", _CONTROL.format(code), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        peak, seconds = (float(word) for word in done.stdout.split())
        caught[f"plain reader of a {name}"] = peak > MAX_BYTES * 1.5 or seconds > MAX_S
    base = place.folder / "unpacked" / "here"
    base.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(_outside())) as archive:
        for info in archive.infolist():
            (base / info.filename).write_bytes(archive.read(info))
    caught["names taken as they are"] = (place.folder / "unpacked" / "evil.txt").exists()
    caught["sizes believed"] = _declared(s9_files.lying(bombs["workbook"])) < 10_000_000
    del seed
    return caught


def _outside() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("../evil.txt", b"evil")
    return made.getvalue()


def _declared(data: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(info.file_size for info in archive.infolist())


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row S9 on one kind of database."""
    if not Path("/proc/self/status").exists():
        raise NotProvenError("memory of processes is read from /proc, which this system has not")
    with machine(database) as place:
        found = campaign(place, seed, full)
        caught = controls(place, seed)
    worst = max(found.seen, key=lambda one: one.processor_s)
    fattest = max(found.seen, key=lambda one: one.child_bytes)
    return result(
        "S9",
        seed,
        database,
        passed=not found.wrong,
        control_failed=all(caught.values()),
        tried=len(found.seen),
        outside=sum("wrote" in words or "told" in words or "changed" in words for words in found.wrong),
        slowest={"file": worst.name, "seconds": round(worst.seconds, 2), "processor_s": worst.processor_s},
        largest={"file": fattest.name, "megabytes": round(fattest.child_bytes / 1e6, 1)},
        wrong=found.wrong,
        controls=caught,
    )
