"""Checks port calls and puts together what several sources tell of the same call."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane.corridors.call_table import (
    CALLS_SCHEMA,
    HOUR_COLUMNS,
    NUMBER_COLUMNS,
    CallInput,
    CallTable,
    micros,
    numbers,
    ship_key,
    take_calls,
)
from sealane.errors import DataError, Fault
from sealane.movement.compiled import njit
from sealane.reference import load_table
from sealane.reference.ports import find_port, verified_locodes

MOST_FAULTS = 1_000
"""Faults of one kind that are listed; the rest are counted."""

UNKNOWN_PORTS = "Ports that are not known, so that no distance to them is"
_MOST_PORTS = 10
_NO_TIME = "neither arrival nor departure"
_TIMES = (", column arrival", ", column departure")
US_PER_H = 3_600_000_000
UNKNOWN_TIME = np.iinfo(np.int64).min
_ORDER = ("arrival", "anchorage_start", "berth_start", "berth_end", "departure")
_INTERVALS = (
    ("arrival", "departure"),
    ("anchorage_start", "anchorage_end"),
    ("berth_start", "berth_end"),
    ("shore_power_start", "shore_power_end"),
)
_INSIDE = ("anchorage_start", "anchorage_end", "berth_start", "berth_end")
_AT_MOST = (
    ("lane_teu_departure", "onboard_teu_departure"),
    ("lane_t_departure", "onboard_t_departure"),
    ("sailed_eca_nm", "sailed_nm"),
)
# What may be filled from another source is all but what says who tells the row, and what is counted or measured in
# one piece with other columns: another source's hours need not fit these times.
_OWN = ("call_id", "source", "observed", "simulated")


@dataclass(frozen=True)
class Part:
    """Calls of one file or folder, in `CALLS_SCHEMA`, with the row each stands in."""

    table: pa.Table
    rows: NDArray[np.int64]
    name: str
    sha256: str
    source: str

    @classmethod
    def of(cls, table: pa.Table, name: str, sha256: str, source: str) -> Part:
        """Part of a table that may lack columns; its rows are numbered from 1."""
        columns = [
            table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
            for field in CALLS_SCHEMA
        ]
        full = pa.table(columns, schema=CALLS_SCHEMA)
        for column, value in (("observed", True), ("simulated", False), ("source", source)):
            filled = pc.fill_null(full[column], value)
            full = full.set_column(CALLS_SCHEMA.get_field_index(column), CALLS_SCHEMA.field(column), filled)
        return cls(full, np.arange(len(table), dtype=np.int64) + 1, name, sha256, source)


@dataclass(frozen=True)
class _Where:
    """Says where a row of the joined table stood."""

    parts: Sequence[Part]
    starts: NDArray[np.int64]

    def __call__(self, at: int) -> str:
        part = int(np.searchsorted(self.starts, at, side="right")) - 1
        return f"{self.parts[part].name} row {self.parts[part].rows[at - self.starts[part]]}"


def merge_parts(parts: Sequence[Part], faults: list[Fault], particulars: Sequence[pa.Table] = ()) -> CallTable:
    """Check the rows of all parts, leave out what is told twice, and sort by ship and time.

    Parameters
    ----------
    parts : files and folders; their order does not matter.
    faults : what the readers found wrong; raised with what is found here.
    particulars : ``vessels.parquet`` of the folders.

    Raises
    ------
    DataError
        as `sealane.corridors.call_table.read_call_table`.
    """
    parts = sorted(parts, key=lambda part: (part.sha256, part.name))
    table = pa.concat_tables([part.table for part in parts]).combine_chunks()
    starts = np.cumsum([0, *(len(part.table) for part in parts[:-1])])
    where = _Where(parts, starts)
    # A time that cannot be read is one fault, not also a missing one.
    unread = {fault.where.rpartition(", column ")[0] for fault in faults if fault.where.endswith(_TIMES)}
    found: list[Fault] = []
    check_rows(table, where, found)
    faults += [f for f in found if not (f.found == _NO_TIME and f.where.rpartition(", column ")[0] in unread)]
    table, notes = _one_name_a_ship(table)
    told_twice = 0
    if not faults and len(table):
        kept, table, told_twice = _tell_once(table, where, faults)
        if not faults:
            _check_overlaps(table, kept, where, faults)
    if faults:
        raise DataError("The port calls cannot be used.", faults)
    table = _name_calls(table)
    if told_twice:
        notes.append(
            f"Rows left out because another row tells the same call: {told_twice:,}. Own AIS stands before an own "
            "file, that before a partner; what the row that stands lacks is filled from the other."
        )
    notes += _unknown_ports(table)
    if pc.any(table["simulated"]).as_py():
        notes.insert(0, "SIMULATED DATA")
    inputs = tuple(CallInput(part.name, part.sha256, len(part.table), part.source) for part in parts)
    joined = pa.concat_tables(particulars, promote_options="default") if particulars else None
    return CallTable(table, inputs, told_twice, tuple(notes), joined)


def _unknown_ports(table: pa.Table) -> list[str]:
    """A note on codes that are no port Sealane knows: small ports, or a slip of the pen."""
    counted = {item["values"]: item["counts"] for item in pc.value_counts(table["port"]).to_pylist()}
    unknown = sorted(code for code in counted if find_port(code) is None)
    if not unknown:
        return []
    told = []
    here = sorted((counted.keys() - set(unknown)) | set(verified_locodes()))
    for code in unknown[:_MOST_PORTS]:
        near = difflib.get_close_matches(code, here, n=1)
        told.append(f"{code}, {counted[code]:,} calls" + (f" (did you mean {near[0]}?)" if near else ""))
    if len(unknown) > _MOST_PORTS:
        told.append(f"and {len(unknown) - _MOST_PORTS:,} more codes")
    return [f"{UNKNOWN_PORTS}: {'; '.join(told)}."]


def first_time(table: pa.Table) -> NDArray[np.int64]:
    """First moment of each call: arrival, else anchor, else berth, else departure [us since 1970]."""
    return micros(pc.coalesce(*(table[name] for name in _ORDER)))


def last_time(table: pa.Table) -> NDArray[np.int64]:
    """Last moment known of each call: departure, else the latest time before it [us since 1970]."""
    return micros(pc.coalesce(*(table[name] for name in ("departure", "berth_end", "anchorage_end", *_ORDER))))


def check_rows(table: pa.Table, where: Callable[[int], str], faults: list[Fault]) -> None:
    """Add a fault for every cell that cannot be true by itself or within its row."""

    def add(bad: NDArray[np.bool_], column: str, found: Callable[[int], str], remedy: str) -> None:
        at = np.flatnonzero(bad)
        faults.extend(Fault(f"{where(int(i))}, column {column}", found(int(i)), remedy) for i in at[:MOST_FAULTS])
        if len(at) > MOST_FAULTS:
            faults.append(Fault(f"column {column}", f"{len(at) - MOST_FAULTS:,} more rows with the same fault", remedy))

    imo = table["imo"].fill_null(0).to_numpy().astype(np.int64)
    mmsi = table["mmsi"].fill_null(0).to_numpy().astype(np.int64)
    digits = imo[:, None] // 10 ** np.arange(6, 0, -1) % 10
    imo_good = (imo >= 1_000_000) & (imo <= 9_999_999) & (digits @ np.arange(7, 1, -1) % 10 == imo % 10)
    add((imo != 0) & ~imo_good, "imo", lambda i: f"{imo[i]}", "Give an IMO number with its right check digit")
    mmsi_good = (mmsi >= 200_000_000) & (mmsi <= 799_999_999)
    add((mmsi != 0) & ~mmsi_good, "mmsi", lambda i: f"{mmsi[i]}", "Give the nine digits of a ship's MMSI")
    add((imo == 0) & (mmsi == 0), "imo", lambda i: "no ship", "Give the IMO number or the MMSI")
    port = table["port"]
    port_good = pc.fill_null(pc.match_substring_regex(port, r"^[A-Z]{2}[A-Z2-9]{3}$"), False).to_numpy()
    add(~port_good, "port", lambda i: f"'{port[i].as_py() or ''}'", "Give a UN/LOCODE, e.g. USLAX")
    first = micros(pc.coalesce(table["arrival"], table["departure"]))
    add(first == UNKNOWN_TIME, "arrival", lambda i: _NO_TIME, "Give at least one of them")

    time = {name: micros(table[name]) for pair in _INTERVALS for name in pair}

    def stamp(name: str, i: int) -> str:
        return str(np.datetime64(int(time[name][i]), "us").astype("datetime64[s]")) + "Z"

    for begin, end in _INTERVALS:
        known = (time[begin] != UNKNOWN_TIME) & (time[end] != UNKNOWN_TIME)
        add(
            known & (time[end] < time[begin]),
            end,
            lambda i, b=begin, e=end: f"{stamp(e, i)} lies before {b} {stamp(b, i)}",  # type: ignore[misc] # bound now
            "Give times in their order",
        )
    for name in _INSIDE:
        early = (time["arrival"] != UNKNOWN_TIME) & (time[name] != UNKNOWN_TIME) & (time[name] < time["arrival"])
        late = (time["departure"] != UNKNOWN_TIME) & (time[name] != UNKNOWN_TIME) & (time[name] > time["departure"])
        add(
            early | late,
            name,
            lambda i, n=name: f"{stamp(n, i)} lies outside arrival to departure",  # type: ignore[misc] # bound now
            "Give a time inside the call",
        )
    for name in NUMBER_COLUMNS:
        values = numbers(table[name])
        bad = np.isinf(values) | (values < 0)
        add(bad, name, lambda i, v=values: f"{v[i]:g}", "Give a number that is not negative")  # type: ignore[misc] # bound now
    for part, whole in _AT_MOST:
        less, more = numbers(table[part]), numbers(table[whole])
        add(
            less > more * (1 + 1e-12),
            part,
            lambda i, a=less, b=more, w=whole: f"{a[i]:g} is more than {w} {b[i]:g}",  # type: ignore[misc] # bound now
            f"Give at most {whole}",
        )
    known = (time["arrival"] != UNKNOWN_TIME) & (time["departure"] >= time["arrival"])
    length_h = np.where(known, (time["departure"] - time["arrival"]) / US_PER_H, np.inf)
    told_h = np.zeros(len(table))
    for name in HOUR_COLUMNS:
        told_h += np.nan_to_num(numbers(table[name]))
    slack = load_table("lane_limits").row("hours_slack").value
    add(
        told_h > length_h + slack,
        "berth_h",
        lambda i: f"{told_h[i]:.2f} h in all modes, but the call lasts {length_h[i]:.2f} h",
        "Give hours inside the call",
    )


def _one_name_a_ship(table: pa.Table) -> tuple[pa.Table, list[str]]:
    """Give rows with an MMSI only the IMO number that other rows give with it, where that is one number."""
    imo = table["imo"].fill_null(0).to_numpy().astype(np.int64)
    mmsi = table["mmsi"].fill_null(0).to_numpy().astype(np.int64)
    both = np.unique(np.stack([mmsi, imo])[:, (mmsi > 0) & (imo > 0)], axis=1)
    alone = (imo == 0) & (mmsi > 0)
    if not both.size or not alone.any():
        return table, []
    ships, count = np.unique(both[0], return_counts=True)
    notes = []
    if (count > 1).any():
        twice = ships[count > 1]
        notes.append(
            f"{len(twice)} MMSI stand with several IMO numbers (first: {twice[0]}); calls that give only such an MMSI "
            "are taken for a ship of its own."
        )
    single = both[:, np.isin(both[0], ships[count == 1])]
    if single.size:
        place = np.minimum(np.searchsorted(single[0], mmsi), single.shape[1] - 1)
        found = alone & (single[0][place] == mmsi)
        imo = np.where(found, single[1][place], imo)
    column = pa.array(imo, pa.int32(), mask=imo == 0)
    return table.set_column(CALLS_SCHEMA.get_field_index("imo"), CALLS_SCHEMA.field("imo"), column), notes


@njit(nogil=True, cache=True)
def _clusters(
    ship: NDArray[np.int64],
    port: NDArray[np.int64],
    source: NDArray[np.int64],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    apart_us: int,
) -> NDArray[np.int64]:
    """Number of the call each row tells, rows sorted by ship, port and begin.

    A row belongs to the call before it where their times overlap, or where another source tells it at most `apart_us`
    later.
    """
    cluster = np.empty(len(ship), np.int64)
    number = -1
    until = 0
    last_source = -1
    for i in range(len(ship)):
        same = i > 0 and ship[i] == ship[i - 1] and port[i] == port[i - 1]
        if same and begin[i] >= until and source[i] != last_source:
            same = begin[i] - until <= apart_us
        elif same:
            # Two rows may begin together and have no end.
            same = begin[i] < until or begin[i] == begin[i - 1] or (begin[i] == until and source[i] != last_source)
        if same:
            until = max(until, end[i])
        else:
            number += 1
            until = end[i]
        last_source = source[i]
        cluster[i] = number
    return cluster


def _tell_once(
    table: pa.Table, where: Callable[[int], str], faults: list[Fault]
) -> tuple[NDArray[np.int64], pa.Table, int]:
    """Leave out rows that tell a call another row tells better.

    Returns
    -------
    the places of the rows kept in the joined table, the table of them, sorted by ship and time, and how many rows were
    left out.
    """
    ship = ship_key(table)
    begin, end = first_time(table), np.maximum(last_time(table), first_time(table))
    port = table["port"].combine_chunks().dictionary_encode()
    names = port.dictionary.to_pylist()
    port_rank = np.argsort(np.argsort(names))[port.indices.to_numpy()] if names else np.empty(0, np.int64)
    sources = table["source"].combine_chunks().dictionary_encode()
    of_source = sources.dictionary.to_pylist()
    order = sorted(of_source, key=lambda name: (name != "own_ais", name != "own_file", name))
    rank = np.array([order.index(name) for name in of_source], np.int64)[sources.indices.to_numpy()]
    # Equal rows must come in one order whatever the files' order was, so every column that may differ takes part.
    row_digest = _row_digest(table)
    sort = np.lexsort((row_digest, rank, end, begin, port_rank, ship))
    apart_us = int(load_table("lane_limits").row("same_call").value * US_PER_H)
    cluster = _clusters(ship[sort], port_rank[sort], rank[sort], begin[sort], end[sort], apart_us)
    by_trust = np.lexsort((np.arange(len(sort)), rank[sort], cluster))
    rows, cluster = sort[by_trust], cluster[by_trust]
    best = np.minimum.reduceat(rank[rows], np.flatnonzero(np.diff(cluster, prepend=-1)))[cluster]
    same_as_last = (cluster == np.roll(cluster, 1)) & (rank[rows] == rank[np.roll(rows, 1)])
    same_as_last[0] = False
    before = np.roll(rows, 1)
    equal = same_as_last & (row_digest[rows] == row_digest[before])
    # Both begin together, or the later begins before the earlier has ended: one source tells two calls in one.
    double = same_as_last & ~equal & ((begin[rows] < end[before]) | (begin[rows] == begin[before]))
    for i in np.flatnonzero(double)[:MOST_FAULTS]:
        faults.append(
            Fault(
                where(int(rows[i])),
                f"overlaps the call of the same ship at {table['port'][int(rows[i])].as_py()} in "
                f"{where(int(before[i]))}, told by the same source",
                "Keep one of them, or correct the times",
            )
        )
    stands = (rank[rows] == best) & ~equal
    kept, of_kept = rows[stands], cluster[stands]
    final = np.lexsort((begin[kept], ship[kept]))
    kept, of_kept = kept[final], of_kept[final]
    result = take_calls(table, kept)
    others = ~stands & ~equal
    if others.any():
        result = _fill(result, of_kept, table, rows[others], cluster[others])
    return kept, result, int(len(rows) - len(kept))


def _row_digest(table: pa.Table) -> NDArray[np.int64]:
    """A number for each row that is the same for rows of the same content."""
    digest = np.zeros(len(table), np.uint64)
    for field in CALLS_SCHEMA:
        column = table[field.name].combine_chunks()
        if column.null_count == len(column):
            continue
        if pa.types.is_string(field.type):
            coded = column.dictionary_encode()
            names = np.array([_text_number(text) for text in coded.dictionary.to_pylist()], np.uint64)
            values = names[coded.indices.fill_null(0).to_numpy()]
        elif pa.types.is_floating(field.type):
            values = column.fill_null(0.0).to_numpy().view(np.uint64)
        else:
            kind = pa.int8() if pa.types.is_boolean(field.type) else field.type
            values = column.cast(kind).cast(pa.int64()).fill_null(0).to_numpy().astype(np.uint64)
        values = np.where(column.is_valid().to_numpy(zero_copy_only=False), values, np.uint64(0x9E3779B97F4A7C15))
        digest = (digest ^ values) * np.uint64(0x100000001B3)
        digest ^= digest >> np.uint64(29)
    return digest.view(np.int64)


def _text_number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _fill(
    kept: pa.Table, of_kept: NDArray[np.int64], table: pa.Table, others: NDArray[np.int64], of_others: NDArray[np.int64]
) -> pa.Table:
    """Fill nulls of calls that one row tells from the rows that tell them with less trust, best first."""
    single = np.bincount(of_kept, minlength=int(max(of_kept.max(), of_others.max())) + 1) == 1
    place_of = np.full(len(single), -1, np.int64)
    place_of[of_kept] = np.arange(len(of_kept))
    usable = single[of_others]
    others, of_others = others[usable], of_others[usable]
    nth = np.arange(len(of_others)) - np.searchsorted(of_others, of_others)
    for level in range(int(nth.max()) + 1 if len(nth) else 0):
        at = nth == level
        source = np.full(len(kept), -1, np.int64)
        source[place_of[of_others[at]]] = others[at]
        rows = pa.array(source, mask=source < 0)
        for number, field in enumerate(CALLS_SCHEMA):
            if field.name not in _OWN and kept[field.name].null_count:
                found = pc.coalesce(kept[field.name], table[field.name].take(rows))
                kept = kept.set_column(number, field, found)
    return kept


def _check_overlaps(table: pa.Table, kept: NDArray[np.int64], where: Callable[[int], str], faults: list[Fault]) -> None:
    """A ship cannot be in two ports at once, except where port limits overlap."""
    ship, begin = ship_key(table), first_time(table)
    end = np.maximum(last_time(table), begin)
    slack_us = int(load_table("lane_limits").row("port_overlap").value * US_PER_H)
    early = (ship[1:] == ship[:-1]) & (begin[1:] < end[:-1] - slack_us)
    for i in np.flatnonzero(early)[:MOST_FAULTS]:
        ports = [table["port"][int(k)].as_py() for k in (i, i + 1)]
        until, since = (str(np.datetime64(int(t), "us").astype("datetime64[s]")) + "Z" for t in (end[i], begin[i + 1]))
        faults.append(
            Fault(
                where(int(kept[i + 1])),
                f"the ship is at {ports[1]} from {since}, but at {ports[0]} until {until} ({where(int(kept[i]))})",
                "A ship cannot be in two ports at once; correct the times, or leave out the row that is wrong",
            )
        )
    if int(early.sum()) > MOST_FAULTS:
        faults.append(Fault("calls", f"{int(early.sum()) - MOST_FAULTS:,} more overlaps", "Correct the times"))


def _name_calls(table: pa.Table) -> pa.Table:
    """Name the calls that have no name: ``USLAX-9321483-20260701T081500Z``."""
    if not table["call_id"].null_count:
        return table
    missing = table["call_id"].is_null()
    some = table.select(["port", "imo", "mmsi", *_ORDER]).filter(missing)
    # 2026-07-01 08:15:00; Arrow's strftime takes ten times as long.
    stamp = pa.array(first_time(some) // 1_000_000, pa.timestamp("s")).cast(pa.string())
    for old, new in (("-", ""), (":", ""), (" ", "T")):
        stamp = pc.replace_substring(stamp, old, new)
    names = pc.binary_join_element_wise(
        some["port"].combine_chunks(),
        pa.array(ship_key(some)).cast(pa.string()),
        pc.binary_join_element_wise(stamp, "Z", ""),
        "-",
    )
    if len(some) < len(table):
        names = pc.replace_with_mask(table["call_id"].combine_chunks(), missing.combine_chunks(), names)
    return table.set_column(0, CALLS_SCHEMA.field("call_id"), names)
