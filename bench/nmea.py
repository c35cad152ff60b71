"""Messages a second of the NMEA reader and of pyais (MIT) on the same generated log, in one run.

    python bench/nmea.py [--messages 1000000] [--repeats 3]

The log is simulated: positions and static reports of made-up vessels, encoded by pyais, with tag blocks. Both read the
same file and verify checksums; pyais is given the first part of it only, because it would take minutes for the whole.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import reduce
from operator import xor
from pathlib import Path

import numpy as np
import pyais

from sealane.movement.readers import nmea


def vessel_sentences(random: np.random.Generator, vessel: int) -> list[list[str]]:
    """Messages of one simulated vessel: twelve positions and one static report, each as a list of sentences."""
    mmsi = 200_000_000 + vessel
    lat, lon = random.uniform(-60, 60), random.uniform(-180, 180)
    kind = 18 if vessel % 4 == 0 else (1, 2, 3)[vessel % 3]
    messages: list[dict[str, str | float]] = [
        {
            "msg_type": kind,
            "mmsi": mmsi,
            "lat": lat + step * 0.001,
            "lon": lon,
            "speed": round(random.uniform(0, 22), 1),
            "course": round(random.uniform(0, 359), 1),
            "heading": int(random.integers(0, 360)),
        }
        for step in range(12)
    ]
    name = f"SIMULATED {vessel}"
    if kind == 18:
        messages.append({"msg_type": 24, "partno": 0, "mmsi": mmsi, "shipname": name})
    else:
        messages.append({"msg_type": 5, "mmsi": mmsi, "shipname": name, "imo": 9_000_000 + vessel, "draught": 9.5})
    return [pyais.encode_dict(message, radio_channel="A", seq_id=vessel % 10) for message in messages]


def write_log(path: Path, messages: int) -> int:
    """Write a simulated log of about so many messages; returns how many there are."""
    random = np.random.default_rng(2)
    vessels = [vessel_sentences(random, vessel) for vessel in range(2_000)]
    written = 0
    with path.open("w", encoding="ascii") as log:
        second = 1_593_475_200
        while written < messages:
            for step in range(13):
                second += 10
                tag = f"s:simulated,c:{second}"
                tag = f"\\{tag}*{reduce(xor, tag.encode()):02X}\\"
                log.writelines(f"{tag}{line}\n" for vessel in vessels for line in vessel[step])
                written += len(vessels)
    return written


def read_ours(path: Path) -> int:
    """Read the log with Sealane; returns the number of messages."""
    counts: list[nmea.NmeaCounts] = []
    rows = sum(batch.num_rows for batch in nmea.read(path, on_reject=_no_reject, on_counts=counts.append))
    if rows != counts[0].positions:
        raise RuntimeError(f"{rows} rows for {counts[0].positions} positions")
    return counts[0].positions + counts[0].static_reports


def _no_reject(*reject: object) -> None:
    raise RuntimeError(f"unexpected reject: {reject}")


def read_pyais(path: Path) -> int:
    """Decode the log with pyais; returns the number of messages."""
    found = 0
    with pyais.FileReaderStream(str(path)) as stream:
        for message in stream:
            if not message.is_valid:
                raise RuntimeError("unexpected checksum")
            message.decode()
            found += 1
    return found


def rates(read: Callable[[Path], int], path: Path, repeats: int) -> tuple[float, float]:
    """Median messages a second over `repeats` runs, by the clock and by the processor time used."""
    by_clock, by_processor = [], []
    for _ in range(repeats):
        clock, processor = time.perf_counter(), time.process_time()
        found = read(path)
        by_clock.append(found / (time.perf_counter() - clock))
        by_processor.append(found / (time.process_time() - processor))
    return statistics.median(by_clock), statistics.median(by_processor)


def main() -> None:
    """Run the comparison and print it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--messages", type=int, default=1_000_000)
    arguments.add_argument("--repeats", type=int, default=3)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, short = Path(folder) / "log.nmea", Path(folder) / "short.nmea"
        messages = write_log(whole, given.messages)
        with whole.open() as log, short.open("w") as cut:
            cut.writelines(line for line, _ in zip(log, range(60_000), strict=False))
        read_ours(short)  # compiles, or loads the compiled code
        ours = rates(read_ours, whole, given.repeats)
        theirs = rates(read_pyais, short, given.repeats)
        print(f"simulated log: {messages:,} messages, {whole.stat().st_size / 1e6:,.0f} MB, tag blocks, 1 process")
        print(f"medians of {given.repeats}, messages a second    by the clock   by processor time")
        print(f"  sealane                {ours[0]:>18,.0f} {ours[1]:>18,.0f}")
        print(f"  pyais {pyais.__version__:<16} {theirs[0]:>18,.0f} {theirs[1]:>18,.0f}")
        print(f"  ratio                  {ours[0] / theirs[0]:>18,.1f} {ours[1] / theirs[1]:>18,.1f}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of this process {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
