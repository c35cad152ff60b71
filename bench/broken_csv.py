"""A large MarineCadastre CSV with known broken rows: generate it, stage it, compare the rejects with the list.

    python bench/broken_csv.py --megabytes 2000 --folder /some/folder

Prints rows per second, peak memory of the staging process, and whether the rejects equal the list exactly. The data are
simulated (seeded) and say so in every vessel name.
"""

from __future__ import annotations

import argparse
import csv
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

HEADER = (
    "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo,"
    "TransceiverClass"
)
# What is broken -> (column of the reject, is the row lost).
KINDS: dict[str, tuple[str, bool]] = {
    "mmsi_word": ("MMSI", True),
    "mmsi_long": ("MMSI", True),
    "mmsi_empty": ("MMSI", True),
    "time_word": ("BaseDateTime", True),
    "time_month": ("BaseDateTime", True),
    "lat_word": ("LAT", True),
    "lon_empty": ("LON", True),
    "too_few": ("", True),
    "too_many": ("", True),
    "quote_open": ("", True),
    "quote_unclosed": ("", True),
    "sog_word": ("SOG", False),
    "status_word": ("Status", False),
    "type_large": ("VesselType", False),
}
Expected = tuple[int, int, str, str]


def rows(count: int, seed: int, broken_share: float, vessels: int = 5000) -> Iterator[tuple[str, str | None]]:
    """(text of a record without its line end, what is broken or None)."""
    rng = random.Random(seed)
    kinds = list(KINDS)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for i in range(count):
        vessel = rng.randrange(vessels)
        name = f'"SIMULATED, {vessel}"' if vessel % 50 == 0 else f"SIMULATED {vessel}"
        if vessel % 500 == 0:
            name = f'"SIMULATED\n{vessel}"'
        fields = [
            str(200_000_000 + vessel * 97),
            (start + timedelta(seconds=i // 50)).strftime("%Y-%m-%dT%H:%M:%S"),
            f"{33 + rng.random():.5f}",
            f"{-118 - rng.random():.5f}",
            f"{rng.random() * 20:.1f}",
            f"{rng.random() * 360:.1f}",
            str(rng.randrange(360)),
            name,
            f"IMO{9_000_000 + vessel}",
            f"SIM{vessel}",
            "70",
            "0",
            "190",
            "32",
            "11.2",
            "70",
            "A",
        ]
        kind = rng.choice(kinds) if rng.random() < broken_share else None
        yield _broken(fields, kind), kind


def _broken(fields: list[str], kind: str | None) -> str:
    edits = {
        "mmsi_word": (0, "abc"),
        "mmsi_long": (0, "12345678901"),
        "mmsi_empty": (0, ""),
        "time_word": (1, "yesterday"),
        "time_month": (1, "2024-13-01T00:00:00"),
        "lat_word": (2, "N33.5"),
        "lon_empty": (3, ""),
        "sog_word": (4, "fast"),
        "status_word": (11, "parked"),
        "type_large": (10, "4711"),
    }
    if kind in edits:
        at, text = edits[kind]
        fields[at] = text
    elif kind == "too_few":
        fields = [f for f in fields if "\n" not in f][:-2]
    elif kind == "too_many":
        fields = [f.replace("\n", " ") for f in fields] + ["surplus"]
    elif kind == "quote_open":
        # A quote that closes in the middle of its field: the record cannot be told apart into fields.
        fields[7] = '"SIMULATED" BROKEN'
    elif kind == "quote_unclosed":
        # It runs into the next quote of the file; only its own line may be lost.
        fields[7] = '"SIMULATED BROKEN'
    return ",".join(fields)


def write(path: Path, megabytes: float, seed: int, broken_share: float) -> tuple[int, list[Expected]]:
    """Write the file; return the rows that must be taken and the rejects (record, line, column, value) expected."""
    expected: list[Expected] = []
    good = written = record = 0
    line = 2
    limit = int(megabytes * 1e6)
    # A block of rows is generated once and repeated, so that the generator does not outlast the reader.
    block = list(rows(200_000, seed, broken_share))
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(HEADER + "\n")
        while written < limit:
            for text, kind in block:
                handle.write(text + "\n")
                written += len(text) + 1
                record += 1
                if kind is not None:
                    column, lost = KINDS[kind]
                    good += not lost
                    expected.append((record, line, column, _value(text, column)))
                else:
                    good += 1
                line += 1 + text.count("\n")
                if written >= limit:
                    break
    return good, expected


def _value(text: str, column: str) -> str:
    if not column:
        return text[:200] + ("…" if len(text) > 200 else "")
    return next(csv.reader([*text.splitlines(keepends=True)]))[HEADER.split(",").index(column)]


def found_rejects(path: Path) -> list[Expected]:
    """The rejects as (record, line, column, value)."""
    with path.open(encoding="utf-8", newline="") as handle:
        return [(int(r["record"]), int(r["line"]), r["column"], r["value"]) for r in csv.DictReader(handle)]


def _stage(source: Path, out: Path) -> None:
    from sealane.movement.staging import stage

    begin = time.perf_counter()
    staged = stage([source], out)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    speed = staged.rows / seconds / 1e6
    print(f"staged {staged.rows} rows in {seconds:.1f} s ({speed:.2f} M rows/s, {cpu:.1f} s of processor)")
    print(f"peak memory {peak:.0f} MiB, rejected {staged.rejected}, buckets {len(staged.buckets)}")


def main() -> None:
    """Generate, stage in a process of its own, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=200)
    parser.add_argument("--broken", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/broken_csv"))
    parser.add_argument("--stage-only", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage_only:
        _stage(*options.stage_only)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    source, out = options.folder / "broken.csv", options.folder / "staged"
    good, expected = write(source, options.megabytes, options.seed, options.broken)
    print(f"wrote {source.stat().st_size / 1e6:.0f} MB, {good} good rows, {len(expected)} faults")
    subprocess.run([sys.executable, __file__, "--stage-only", str(source), str(out)], check=True)
    found = found_rejects(out / "rejects.csv")
    print("rejects equal the list exactly" if found == expected else "REJECTS DIFFER")
    if found != expected:
        wrong = [pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]][:5]
        print(len(found), len(expected), wrong)
        sys.exit(1)


if __name__ == "__main__":
    main()
