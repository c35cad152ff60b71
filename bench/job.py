"""The whole job in a process of its own, so that its time and peak memory are its own.

    python bench/job.py POSITIONS ZONES OUT local|spark

Prints one line of JSON: seconds without the interpreter's start, seconds by stage, peak memory as the kernel of the
operating system counts it (resident: memory-mapped files count too).
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from pathlib import Path

from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory


def _status(field: str) -> int:
    """A field of the process's status in bytes; 0 where the system has no such file."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


class Watch:
    """Time and memory by stage, told from the progress messages, and the largest anonymous memory."""

    def __init__(self) -> None:
        self.begin = time.perf_counter()
        self.last: dict[str, float] = {}
        self.busy: dict[str, float] = {}
        self.peaks: dict[str, int] = {}
        self.anonymous = 0
        self._stage = "reading"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Called by the job."""
        name = stage if stage in ("cleaning", "computing") else "reading"
        self.last[name] = time.perf_counter() - self.begin
        self.busy[name] = time.process_time()
        if done == total:
            self._stage = {"reading": "cleaning", "cleaning": "computing"}.get(name, "writing")
        else:
            self._stage = name

    def _sample(self) -> None:
        while not self._done.wait(0.05):
            self.anonymous = max(self.anonymous, _status("RssAnon"))
            self.peaks[self._stage] = max(self.peaks.get(self._stage, 0), _status("VmRSS"))

    def finish(self) -> dict[str, object]:
        """What was seen."""
        total = time.perf_counter() - self.begin
        self._done.set()
        self._thread.join()
        stages = _differences({**self.last, "writing": total})
        busy = _differences({**self.busy, "writing": time.process_time()})
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        scale = 1 if sys.platform == "darwin" else 1024
        return {
            "seconds": total,
            "cpu_seconds": own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
            "stages": stages,
            "stages_cpu": busy,
            "stage_peaks": self.peaks,
            # Not ru_maxrss where it can be helped: a process inherits it from the one that started it.
            "peak_bytes": _status("VmHWM") or own.ru_maxrss * scale,
            "anonymous_bytes": self.anonymous,
        }


def _differences(until: dict[str, float]) -> dict[str, float]:
    """What each stage took, from when each ended."""
    found, before = {}, 0.0
    for name, end in until.items():
        found[name] = round(end - before, 2)
        before = end
    return found


def main() -> None:
    """Run the job."""
    positions, zones, out, engine = sys.argv[1:5]
    watch = Watch()
    run_inventory(
        InventoryRequest((Path(positions),), "USLAX", Path(out), zones=Path(zones), engine=engine), watch.progress
    )
    print(json.dumps(watch.finish()))


if __name__ == "__main__":
    main()
