"""Records of data products on their way from the child process to the database: a file of framed bodies, an index."""

from __future__ import annotations

import datetime as dt
import json
import re
import struct
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from sealane.errors import DataError, Fault, InputError, Phrase
from sealane.products.store import MAX_RECORD_BYTES
from sealane.web.imports.preview import FIRST_ROWS, REJECTS, count_reasons, table_of, write_faults

RECORDS = Path("records.bin")
INDEX = Path("index.jsonl")
# length of the body; 1 where the record is simulated
_FRAME = struct.Struct(">IB")
Say = Callable[[str, int, int], None]


def check_records(path: Path, arguments: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Read a file of a data product; write its sound records and what names them.

    Faulty EDIFACT messages alone are left out and stand among the rejects; any other fault refuses the file.
    """
    from sealane.products.loading import load_files

    options = arguments["options"]
    now = dt.datetime.fromisoformat(arguments["now"])
    loaded = load_files(
        options["dataset"],
        [path],
        now,
        zone=zone_of(options.get("time_zone")),
        simulated=bool(options.get("simulated")),
    )
    if loaded.faults:
        raise DataError(Phrase("Nothing of the file can be loaded."), loaded.faults)
    if loaded.refused and not loaded.prepared:
        raise DataError(Phrase("Every EDIFACT message of the file is faulty."), loaded.refused)
    times: list[dt.datetime] = []
    ships: set[str] = set()
    ports: set[str] = set()
    total = len(loaded.prepared)
    with RECORDS.open("wb") as records, INDEX.open("w", encoding="utf-8") as index:
        for number, (one, simulated) in enumerate(zip(loaded.prepared, loaded.simulated, strict=True), 1):
            records.write(_FRAME.pack(len(one.body), int(simulated)) + one.body)
            index.write(json.dumps([one.record.id, one.digest, one.record.known_at.isoformat()]) + "\n")
            if one.record.occurred_at is not None:
                times.append(one.record.occurred_at)
            ships |= {one.record.vessel_imo} if one.record.vessel_imo else set()
            ports |= {one.record.port} if one.record.port else set()
            say("counting", number, total)
    write_faults([_without_path(f, path, str(arguments["name"])) for f in loaded.refused], str(arguments["name"]))
    reasons, lines = count_reasons(REJECTS)
    columns = ("id", "occurred_at", "known_at", "port", "terminal", "vessel_imo")
    rows = [{name: getattr(one.record, name) for name in columns} for one in loaded.prepared[:FIRST_ROWS]]
    sound = sum(not message.faults for message in loaded.messages)
    return {
        "dataset": options["dataset"],
        "first": table_of(rows, columns),
        "accepted": total,
        "rejected": len(loaded.messages) - sound,
        "messages": {"read": len(loaded.messages), "sound": sound} if loaded.messages else None,
        "reject_lines": lines,
        "reasons": reasons,
        "begins_at": min(times).isoformat() if times else None,
        "ends_at": max(times).isoformat() if times else None,
        "ships": len(ships),
        "ports": sorted(ports)[:200],
        "simulated_rows": sum(loaded.simulated),
        "notes": [],
        "words": [str(c).replace(str(path), str(arguments["name"])) for c in loaded.cautions[:50]],
    }


def _without_path(fault: Fault, path: Path, name: str) -> Fault:
    return Fault(fault.where.replace(str(path), name), fault.found, fault.remedy)


def zone_of(text: str | None) -> dt.tzinfo | None:
    """Return the time zone a text names: an IANA name, UTC, or an offset such as +09:00.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if not text:
        return None
    if text.upper() in {"UTC", "Z"}:
        return dt.UTC
    offset = re.fullmatch(r"([+-])([01][0-9]):?([0-5][0-9])", text)
    if offset:
        delta = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return dt.timezone(delta if offset[1] == "+" else -delta)
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", text):
        raise InputError(Phrase("%(text)s is no time zone. Write Asia/Tokyo or +09:00.", text=repr(text)))
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            Phrase("%(text)s is no time zone here. Write Asia/Tokyo or +09:00.", text=repr(text))
        ) from None


def read_bodies(path: Path, skip: int = 0) -> Iterator[tuple[bytes, bool]]:
    """Yield record bodies and whether they are simulated, the first `skip` left out.

    Raises
    ------
    InputError
        If the file is not as the check wrote it.
    """
    with path.open("rb") as file:
        number = 0
        while (frame := _read(file, _FRAME.size)) is not None:
            length, simulated = _FRAME.unpack(frame)
            if length > MAX_RECORD_BYTES or simulated > 1:
                raise InputError(Phrase("The checked records are damaged. Upload the file again."))
            body = _read(file, length)
            if body is None:
                raise InputError(Phrase("The checked records are cut off. Upload the file again."))
            number += 1
            if number > skip:
                yield body, bool(simulated)


def _read(file: IO[bytes], length: int) -> bytes | None:
    data = file.read(length)
    if not data and length:
        return None
    if len(data) < length:
        raise InputError(Phrase("The checked records are cut off. Upload the file again."))
    return data


def compare(path: Path, held: Callable[[list[str]], Mapping[str, tuple[str, dt.datetime]]]) -> dict[str, int]:
    """Count what applying would change: new, revised, unchanged, outdated.

    Parameters
    ----------
    path : the index that the check wrote.
    held : digest and ``known_at`` of the records held, of the ids asked for.
    """
    counts: Counter[str] = Counter()
    seen: dict[str, tuple[str, dt.datetime]] = {}
    with path.open(encoding="utf-8") as file:
        page: list[tuple[str, str, dt.datetime]] = []
        for line in file:
            record_id, digest, known_at = json.loads(line)
            page.append((str(record_id), str(digest), dt.datetime.fromisoformat(known_at)))
            if len(page) == 500:
                _count(page, held, seen, counts)
                page = []
        _count(page, held, seen, counts)
    return {name: counts[name] for name in ("new", "revised", "unchanged", "outdated")}


def _count(
    page: list[tuple[str, str, dt.datetime]],
    held: Callable[[list[str]], Mapping[str, tuple[str, dt.datetime]]],
    seen: dict[str, tuple[str, dt.datetime]],
    counts: Counter[str],
) -> None:
    known = dict(held([one[0] for one in page])) if page else {}
    for record_id, digest, known_at in page:
        before = seen.get(record_id) or known.get(record_id)
        if before is None:
            counts["new"] += 1
        elif before[0] == digest:
            counts["unchanged"] += 1
            continue
        elif known_at < before[1]:
            counts["outdated"] += 1
            continue
        else:
            counts["revised"] += 1
        seen[record_id] = (digest, known_at)
