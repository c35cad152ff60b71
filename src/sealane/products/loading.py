"""Reads files into records that are ready to be stored: JSON, CSV, EDIFACT, results of the port-call job.

Everything is read and checked before anything is stored. A faulty file refuses the whole load; of an EDIFACT
interchange the faulty messages are refused and the others kept, as its parties expect.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sealane.errors import Fault, FileFormatError, InputError
from sealane.products.catalogue import dataset_named
from sealane.products.dcsa_schedules import split
from sealane.products.edifact import MessageResult, read_edifact
from sealane.products.from_calls import emission_results, is_results_folder, port_call_events
from sealane.products.json_text import elements, parse
from sealane.products.milestones_csv import column_of, read_milestones
from sealane.products.shapes import Faults
from sealane.products.store import Prepared, prepare

MAX_FILE_BYTES = 256 * 1024 * 1024
# Property that holds the records, where a document is an object.
_KEYS = {"port-calls": "events", "container-milestones": "events"}


@dataclass
class Loaded:
    """What was read from files.

    Attributes
    ----------
    prepared : records ready to be stored.
    simulated : by file, whether its data are simulated; told for the records in the same order.
    faults : what refuses the whole load.
    cautions : what the user should know.
    refused : faults of single EDIFACT messages, which alone are left out.
    messages : EDIFACT messages that were read, sound or not.
    """

    prepared: list[Prepared] = field(default_factory=list)
    simulated: list[bool] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    refused: list[Fault] = field(default_factory=list)
    messages: list[MessageResult] = field(default_factory=list)

    @property
    def cautions(self) -> list[Fault]:
        """What the user should know although it refuses nothing."""
        return self.faults.cautions


def load_files(
    dataset: str, paths: Sequence[Path], now: dt.datetime, *, zone: dt.tzinfo | None = None, simulated: bool = False
) -> Loaded:
    """Read files of one data product.

    Parameters
    ----------
    dataset : id of a data product.
    paths : JSON or JSON Lines, CSV and EDIFACT (container milestones), folders of results (port calls, emission
        results). The form is told from the content.
    zone : of EDIFACT times that name none.
    simulated : all of them are simulated data.

    Raises
    ------
    InputError
        If a file does not exist, is too large or of a form that the product is not read from.
    """
    dataset_named(dataset)
    loaded = Loaded()
    for path in paths:
        before = len(loaded.prepared)
        own = _load_file(dataset, path, now, zone, loaded)
        loaded.simulated += [simulated or own] * (len(loaded.prepared) - before)
    return loaded


def _load_file(dataset: str, path: Path, now: dt.datetime, zone: dt.tzinfo | None, loaded: Loaded) -> bool:
    """Read one file; return whether it says itself that it is simulated."""
    if is_results_folder(path):
        readers = {"port-calls": port_call_events, "emission-results": emission_results}
        if dataset not in readers:
            raise InputError(f"{path}: holds port calls and emission results, no {dataset}.")
        records, simulated = readers[dataset](path)
        _prepare(dataset, records, now, loaded)
        return simulated
    data = _bytes(path)
    head = data[:512].lstrip()
    if head.startswith((b"UNA", b"UNB")):
        if dataset != "container-milestones":
            raise InputError(f"{path}: is EDIFACT, which holds container-milestones, no {dataset}.")
        _load_edifact(path, data, now, zone, loaded)
        return False
    if dataset == "container-milestones" and (path.suffix.lower() == ".csv" or not head.startswith((b"{", b"["))):
        records = read_milestones(data, str(path), loaded.faults)
        before = len(loaded.faults)
        _prepare(dataset, records, now, loaded)
        loaded.faults[before:] = [_with_column(fault) for fault in loaded.faults[before:]]
        return False
    _load_json(dataset, path, data, now, loaded)
    return False


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise FileFormatError(f"{path}: is a folder without calls.parquet. Give files, or a folder of results.")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise InputError(f"{path}: has {size:,} bytes. Split it; {MAX_FILE_BYTES:,} can be read at once.")
    return path.read_bytes()


def _load_json(dataset: str, path: Path, data: bytes, now: dt.datetime, loaded: Loaded) -> None:
    faults, name = loaded.faults, str(path)
    if dataset == "vessel-schedules":
        before = len(faults)
        content = parse(data, name, faults)
        if len(faults) == before:
            for where, body in split(content, "$", faults):
                _prepare_call(where, name, body, now, loaded)
        return
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        lines = ((f"{name} line {n}", line) for n, line in enumerate(data.splitlines(), 1) if line.strip())
        _prepare(dataset, list(lines), now, loaded)
        return
    key = None if data.lstrip()[:1] == b"[" else _KEYS.get(dataset, "records")
    found = elements(data, key, f"{name} $", faults) or []
    prefix = f"{name} $" + (f".{key}" if key else "")
    for number, (value, body) in enumerate(found):
        _add(prepare(dataset, body, f"{prefix}[{number}]", faults, now, value), loaded)


def _prepare_call(where: str, name: str, body: bytes, now: dt.datetime, loaded: Loaded) -> None:
    """Prepare one transport call of a schedule; its faults name the place in the file, not in the single call."""
    schedule, _, rest = where.partition(".vesselSchedules")
    vessel, _, _ = rest.partition(".transportCalls")
    own = Faults()
    _add(prepare("vessel-schedules", body, "@", own, now), loaded)
    for found, all_of in ((own, loaded.faults), (own.cautions, loaded.faults.cautions)):
        for fault in found:
            place = fault.where.replace("@.vesselSchedules[0].transportCalls[0]", where)
            place = place.replace("@.vesselSchedules[0]", f"{schedule}.vesselSchedules{vessel}").replace("@", schedule)
            moved = Fault(f"{name} {place}", fault.found, fault.remedy)
            if moved not in all_of:  # a fault of the service or vessel shows once, not with each of its calls
                all_of.append(moved)


def _load_edifact(path: Path, data: bytes, now: dt.datetime, zone: dt.tzinfo | None, loaded: Loaded) -> None:
    envelope: list[Fault] = []
    messages = read_edifact(data, envelope, zone)
    loaded.refused += [Fault(f"{path}: {fault.where}", fault.found, fault.remedy) for fault in envelope]
    for message in messages:
        own = Faults()
        where = f"message {message.number} ({message.kind} {message.reference})"
        events = [
            prepare("container-milestones", body, f"{where}, event {n}", own, now)
            for n, body in enumerate(message.events, 1)
        ]
        faults = [*message.faults, *own]
        loaded.refused += [Fault(f"{path}: {fault.where}", fault.found, fault.remedy) for fault in faults]
        loaded.messages.append(message)
        if not faults:
            for one in events:
                _add(one, loaded)


def _prepare(dataset: str, records: Sequence[tuple[str, bytes]], now: dt.datetime, loaded: Loaded) -> None:
    for where, body in records:
        _add(prepare(dataset, body, where, loaded.faults, now), loaded)


def _add(one: Prepared | None, loaded: Loaded) -> None:
    if one is not None:
        loaded.prepared.append(one)


def _with_column(fault: Fault) -> Fault:
    """Name the column instead of the property that was made from it."""
    line, dot, rest = fault.where.rpartition(" line ")
    if dot and "." in rest:
        number, _, path = rest.partition(".")
        column = column_of(path)
        if column is not None:
            return Fault(f"{line} line {number}, column {column}", fault.found, fault.remedy)
    return fault
