"""Reads an uploaded file in the child process and says what it holds, before anything is changed.

What it returns is shown as a preview: columns as they were understood, first rows, rows taken and rejected by reason,
period, ships and ports. The rejects go to ``rejects.csv`` in the working folder.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sealane.errors import DataError, Fault, Phrase, SealaneError
from sealane.web.imports.guard import look_at
from sealane.web.imports.guard_parquet import look_at_parquet
from sealane.web.imports.preview import FIRST_ROWS, MAX_COLUMNS, REJECTS, count_reasons, iso, table_of, write_faults

Say = Callable[[str, int, int], None]
_BLOCK = 1 << 20


def check(arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Check a file.

    Parameters
    ----------
    arguments : kind; file, path in the working folder; name, as its sender calls it; size_bytes; sha256, declared by
        the sender or None; options; now; current, the file applied last where the kind compares; current_name.

    Returns
    -------
    digest, and what the kind's reader found.

    Raises
    ------
    DataError
        with all that is wrong; rows with a place stand in ``rejects.csv`` as well.
    """
    path, name = Path(arguments["file"]), str(arguments["name"])
    digest = _digest(path, int(arguments["size_bytes"]), say)
    declared = arguments.get("sha256")
    if declared is not None and declared != digest:
        raise DataError(
            Phrase("The file did not arrive as it was sent."),
            [
                Fault(
                    name,
                    Phrase("its SHA-256 is %(digest)s, %(declared)s was declared", digest=digest, declared=declared),
                    Phrase("Upload it again"),
                )
            ],
        )
    if look_at(path, name).form == "parquet":
        look_at_parquet(path, name)
    say("reading", 0, int(arguments["size_bytes"]))
    try:
        found = _KINDS[arguments["kind"]](path, arguments, say)
    except DataError as error:
        named = _named(error, path, name)
        write_faults(named.faults, name)
        raise named from None
    except SealaneError as error:
        words = str(error).replace(str(path), name).replace(path.name, name)
        raise DataError(Phrase("The file cannot be read."), [_fault(words, name)]) from None
    return {"digest": digest, **found}


def _fault(words: str, name: str) -> Fault:
    text = words.removeprefix(f"{name}: ").removeprefix(f"{name} ")
    found, _, remedy = text.partition(". ")
    return Fault(name, found, remedy or Phrase("Correct it, and upload it again"))


def _named(error: DataError, path: Path, name: str) -> DataError:
    """Name the file as its sender does."""

    def named(text: str) -> str:
        return text.replace(str(path), name).replace(path.name, name)

    return DataError(named(error.title), [Fault(named(f.where), named(f.found), named(f.remedy)) for f in error.faults])


def _digest(path: Path, size: int, say: Say) -> str:
    found, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
            done += len(block)
            say("digest", done, size)
    return found.hexdigest()


def _positions(path: Path, arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    import shutil

    import numpy as np
    import pyarrow.parquet as pq

    from sealane.movement.buckets import bucket_folder
    from sealane.movement.readers.registry import identify
    from sealane.movement.staging import stage

    options = arguments["options"]
    asked, columns = options.get("format") or "auto", options.get("columns") or None
    opened = identify(path, asked, columns)
    mapping = []
    if opened.layout is not None:
        by_index: dict[int, list[str]] = {}
        for ours, index in opened.layout.columns.items():
            by_index.setdefault(index, []).append(ours)
        header = opened.layout.header[:MAX_COLUMNS]
        mapping = [{"found": name[:100], "as": ", ".join(by_index.get(n, []))} for n, name in enumerate(header)]
    first = _first_positions(path, asked, columns)
    staged = stage(
        [path],
        Path("staged"),
        format=asked,
        columns=columns,
        progress=lambda _, done, total: say("reading", done, total),
    )
    ships = np.empty(0, np.uint32)
    for number, bucket in enumerate(staged.buckets):
        part = pq.read_table(bucket_folder(staged.folder, bucket), columns=["mmsi"], partitioning=None)
        ships = np.union1d(ships, part["mmsi"].to_numpy())
        say("counting", number + 1, len(staged.buckets))
    staged.rejects.rename(REJECTS)
    shutil.rmtree(staged.folder)
    reasons, lines = count_reasons(REJECTS)
    file = staged.files[0]
    return {
        "format": opened.format,
        "mapping": mapping,
        "missing": list(staged.columns_missing),
        "first": first,
        "accepted": staged.rows,
        "rejected": staged.rejected,
        "ignored_fields": file.fields_ignored,
        "reject_lines": lines,
        "reasons": reasons,
        "begins_at": iso(staged.time_first),
        "ends_at": iso(staged.time_last),
        "ships": int(ships.size),
        "ports": [],
        "notes": _notes_of_positions(staged.has_speed, staged.has_status, file.latin1_fields),
    }


def _first_positions(path: Path, asked: str, columns: Mapping[str, str] | None) -> dict[str, Any]:
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow as pa

    from sealane.movement.positions import POSITION_SCHEMA
    from sealane.movement.readers.chunks import TextPool, to_arrow
    from sealane.movement.readers.registry import identify, reading

    texts = TextPool()
    with ThreadPoolExecutor(1) as pool, reading(identify(path, asked, columns), texts, pool) as source:
        for chunk in source.chunks:
            if chunk.rows:
                head = {name: values[:FIRST_ROWS] for name, values in chunk.columns.items()}
                table = pa.table(to_arrow(head, texts), names=POSITION_SCHEMA.names)
                return table_of(table.to_pylist(), POSITION_SCHEMA.names)
    return {"columns": [], "rows": []}


def _notes_of_positions(has_speed: bool, has_status: bool, latin1: int) -> list[str]:
    notes = []
    if not has_speed:
        notes.append("no-speed")
    if not has_status:
        notes.append("no-status")
    if latin1:
        notes.append("latin-1")
    return notes


def _vessels(path: Path, arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    from dataclasses import asdict

    from sealane.emissions.table_file import read_rows
    from sealane.emissions.user_vessels import COLUMN_ALIASES, VESSEL_FILE_COLUMNS, _column_key, read_user_vessels

    rows = [asdict(vessel) for vessel in read_user_vessels(path).rows]
    header = next(iter(read_rows(path, "vessels file")))[1]
    say("reading", 1, 1)
    mapping = []
    for text in header[:MAX_COLUMNS]:
        key = _column_key(text)
        known = key if key in VESSEL_FILE_COLUMNS else COLUMN_ALIASES.get(key, ("", 1))[0]
        mapping.append({"found": text[:100], "as": known})
    names = ["row", *VESSEL_FILE_COLUMNS]
    changes = None
    if arguments.get("current"):
        changes = _changed_ships(rows, [asdict(one) for one in read_user_vessels(arguments["current"]).rows])
    return {
        "mapping": mapping,
        "first": table_of(rows[:FIRST_ROWS], names),
        "accepted": len(rows),
        "rejected": 0,
        "reasons": [],
        "ships": len(rows),
        "ports": [],
        "notes": [],
        "changes": changes,
    }


def _changed_ships(rows: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count ships that are new, changed, the same, or no longer there; a ship is known by IMO number, else MMSI."""

    def keyed(some: Sequence[Mapping[str, Any]]) -> dict[Any, dict[str, Any]]:
        return {row["imo"] or -row["mmsi"]: {k: v for k, v in row.items() if k != "row"} for row in some}

    new, old = keyed(rows), keyed(before)
    return {
        "new": len(new.keys() - old.keys()),
        "changed": sum(new[key] != old[key] for key in new.keys() & old.keys()),
        "same": sum(new[key] == old[key] for key in new.keys() & old.keys()),
        "gone": len(old.keys() - new.keys()),
    }


def _calls(path: Path, arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    import pyarrow.compute as pc

    from sealane.corridors.call_table import CALLS_SCHEMA, read_call_table, ship_key

    del arguments
    table = read_call_table([path])
    calls = table.table
    say("reading", 1, 1)
    begins = [pc.min(calls[name]).as_py() for name in ("arrival", "departure")]
    ends = [pc.max(calls[name]).as_py() for name in ("arrival", "departure")]
    return {
        "first": table_of(calls.slice(0, FIRST_ROWS).to_pylist(), CALLS_SCHEMA.names),
        "accepted": calls.num_rows,
        "rejected": 0,
        "reasons": [],
        "begins_at": iso(min((t for t in begins if t), default=None)),
        "ends_at": iso(max((t for t in ends if t), default=None)),
        "ships": len(set(ship_key(calls).tolist())),
        "ports": sorted(set(calls["port"].to_pylist()))[:200],
        "simulated_rows": int(pc.sum(calls["simulated"]).as_py() or 0),
        "notes": [],
        "words": list(table.notes)[:50],
    }


def _zones(path: Path, arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    from sealane.movement.zones import read_zones, shipped_zones

    zones = read_zones(path)
    say("reading", 1, 1)
    port = arguments["options"].get("port")
    shipped = {zone.id for zone in shipped_zones(port)} if port else set()
    columns = ("id", "name", "kind", "port", "source", "grade")
    rows = [{name: getattr(zone, name) for name in columns} for zone in zones]
    kinds = Counter(zone.kind for zone in zones)
    return {
        "first": table_of(rows[:FIRST_ROWS], columns),
        "accepted": len(zones),
        "rejected": 0,
        "reasons": [],
        "ports": sorted({zone.port for zone in zones if zone.port}),
        "zone_kinds": dict(sorted(kinds.items())),
        "notes": [],
        "changes": {"new": sum(z.id not in shipped for z in zones), "changed": sum(z.id in shipped for z in zones)},
    }


def _product(path: Path, arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    from sealane.web.imports.records import check_records

    return check_records(path, arguments, say)


_KINDS: Mapping[str, Callable[[Path, Mapping[str, Any], Say], dict[str, Any]]] = {
    "positions": _positions,
    "vessels": _vessels,
    "calls": _calls,
    "zones": _zones,
    "product": _product,
}
