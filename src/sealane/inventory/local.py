"""The local engine: threads over buckets, memory bounded by the buckets in flight."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from sealane.inventory.batch import compute
from sealane.inventory.batch_context import Context
from sealane.inventory.outputs import BatchStore
from sealane.inventory.prepare import prepare
from sealane.inventory.settings import Settings
from sealane.movement.learned_zones import Stop
from sealane.movement.staging import Staged, read_bucket
from sealane.movement.tracks import TRACK_SCHEMA, Tracks

Progress = Callable[[str, int, int], None]
_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True)
class FirstPass:
    """What all buckets together say before anything can be computed: static data, stops, quality, clean tracks."""

    static: pa.Table
    stops: tuple[Stop, ...]
    quality: pa.Table
    tracks: tuple[Path, ...]  # empty where the engine keeps them elsewhere
    period_us: tuple[int, int] | None  # first and last moment of the clean tracks; None where nothing is left


def default_threads() -> int:
    """Number of threads: what the scheduler lets this process use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _in_order_of_completion(
    work: Callable[[_In], _Out], items: Sequence[_In], threads: int
) -> Iterator[tuple[int, _Out]]:
    """Run ``work`` over ``items``, no more than ``threads`` at a time and no result waiting; yield (place, result)."""
    with ThreadPoolExecutor(max_workers=threads) as pool:
        running: dict[Future[_Out], int] = {}
        todo = iter(enumerate(items))
        try:
            while True:
                while len(running) < threads and (following := next(todo, None)) is not None:
                    running[pool.submit(work, following[1])] = following[0]
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()


def first_pass(
    staged: Staged,
    folder: Path,
    settings: Settings,
    *,
    with_stops: bool,
    threads: int,
    progress: Progress | None = None,
) -> FirstPass:
    """Sort and clean every bucket; the clean tracks wait in ``folder``."""

    def work(bucket: int) -> tuple[Path, pa.Table, tuple[Stop, ...], pa.Table, tuple[int, int] | None]:
        prepared = prepare(read_bucket(staged, bucket), settings, with_stops=with_stops)
        path = folder / f"tracks-{bucket:06d}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, TRACK_SCHEMA) as writer:
            writer.write_table(prepared.tracks.to_arrow().combine_chunks())
        return path, prepared.static, prepared.stops, prepared.quality, prepared.tracks.period_us()

    results: dict[int, tuple[Path, pa.Table, tuple[Stop, ...], pa.Table, tuple[int, int] | None]] = {}
    for number, result in _in_order_of_completion(work, staged.buckets, threads):
        results[number] = result
        if progress:
            progress("cleaning", len(results), len(staged.buckets))
    ordered = [results[number] for number in range(len(staged.buckets))]
    return FirstPass(
        static=pa.concat_tables([static for _, static, _, _, _ in ordered]),
        stops=tuple(stop for _, _, stops, _, _ in ordered for stop in stops),
        quality=pa.concat_tables([quality for _, _, _, quality, _ in ordered]).sort_by("mmsi"),
        tracks=tuple(path for path, *_ in ordered),
        period_us=widest([period for *_, period in ordered]),
    )


def widest(periods: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    """From the first moment of any period to the last of any; None where there is none."""
    known = [period for period in periods if period is not None]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else None


def read_tracks(path: Path) -> Tracks:
    """Clean tracks of one bucket, memory-mapped."""
    return Tracks.from_arrow(pa.ipc.open_file(pa.memory_map(str(path))).read_all())


def second_pass(
    tracks: Sequence[Path], context: Context, store: BatchStore, *, threads: int, progress: Progress | None = None
) -> None:
    """Compute every bucket and keep its rows in ``store``."""
    finished = _in_order_of_completion(lambda path: compute(read_tracks(path), context), tracks, threads)
    for done, (number, batch) in enumerate(finished, start=1):
        store.add(number, batch)
        if progress:
            progress("computing", done, len(tracks))
