"""Takes records of data products into the node's database and gives them out again.

A record is one row per source, product and id. The same content again changes nothing; new content under the same id
is a revision: it replaces the row and gets a new position, unless it is older than what is held. Positions count
acceptances without a gap, under a row lock, so that a reader who has seen position n has seen all before it.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Record
from sealane.database.engine import for_update
from sealane.database.tables.products import record as table
from sealane.database.tables.products import record_counter
from sealane.errors import DataError, Fault
from sealane.products.catalogue import dataset_named
from sealane.products.dataset import JoinKeys
from sealane.products.json_text import parse
from sealane.products.shapes import Faults

MAX_RECORD_BYTES = 262_144
# Bound parameters of one query; SQLite's oldest limit is 999.
_CHUNK = 500
SIMULATED = b"SIMULATED"
Received = tuple[str, int, str]


@dataclass(frozen=True)
class Prepared:
    """A record that was read and found sound, ready to be stored.

    Attributes
    ----------
    body : the exact bytes it came in.
    digest : SHA-256 of the body, hexadecimal.
    """

    record: Record
    keys: JoinKeys
    body: bytes
    digest: str


@dataclass(frozen=True)
class PutResult:
    """What became of a batch.

    Attributes
    ----------
    accepted : positions given out, in the order of the batch.
    unchanged : records held already with the same content.
    outdated : records of which a newer revision is held.
    faults : what is wrong; if there is any, nothing was stored.
    cautions : what the sender should know although the records were stored.
    """

    accepted: tuple[int, ...] = ()
    unchanged: int = 0
    outdated: int = 0
    faults: tuple[Fault, ...] = ()
    cautions: tuple[Fault, ...] = field(default=())


def prepare(
    dataset: str, body: bytes, path: str, faults: list[Fault], now: dt.datetime, value: Any = None
) -> Prepared | None:
    """Read one record.

    Parameters
    ----------
    dataset : id of a data product.
    body : JSON in UTF-8.
    path : of the record in its document, for faults.
    faults : gets every fault; a ``Faults`` also gets the cautions.
    now : ``known_at`` of a record that has no time of its own.
    value : the body as parsed JSON where the caller has it already.

    Returns
    -------
    None after faults.
    """
    product = dataset_named(dataset)
    if len(body) > MAX_RECORD_BYTES:
        faults.append(Fault(path, f"{len(body):,} bytes", f"A record has at most {MAX_RECORD_BYTES:,} bytes."))
        return None
    if value is None:
        before = len(faults)
        value = parse(body, path, faults)
        if len(faults) > before:
            return None
    read = product.read(value, path, faults, now)
    if read is None:
        return None
    return Prepared(read[0], read[1], body, hashlib.sha256(body).hexdigest())


def put_records(
    connection: sa.Connection,
    source: str,
    dataset: str,
    bodies: Sequence[bytes],
    now: dt.datetime,
    *,
    public: bool | None = None,
    simulated: bool = False,
    received: Received | None = None,
    paths: Sequence[str] | None = None,
) -> PutResult:
    """Read and store records; all or none.

    Parameters
    ----------
    connection : inside a write transaction.
    source : participant the records come from.
    bodies : one JSON payload each.
    public : whether everybody may have them, also those held already with the same content; None leaves these as they
        are, and opens none.
    received : (agreement id, version, clause id) they came under.
    paths : name of each record for faults; its number by default.

    Returns
    -------
    With every fault of every record; then nothing was written.
    """
    faults = Faults()
    prepared = []
    for number, body in enumerate(bodies):
        one = prepare(dataset, body, paths[number] if paths else f"$[{number}]", faults, now)
        if one is not None:
            prepared.append(one)
    if faults:
        return PutResult(faults=tuple(faults), cautions=tuple(faults.cautions))
    return put_prepared(
        connection,
        source,
        prepared,
        now,
        public=public,
        simulated=simulated,
        received=received,
        cautions=tuple(faults.cautions),
    )


def put_prepared(
    connection: sa.Connection,
    source: str,
    prepared: Sequence[Prepared],
    now: dt.datetime,
    *,
    public: bool | None = None,
    simulated: bool = False,
    received: Received | None = None,
    cautions: tuple[Fault, ...] = (),
) -> PutResult:
    """Store records that were read already; see `put_records`.

    Raises
    ------
    DataError
        If a product that may not be opened is to be made public.
    """
    for dataset in {one.record.dataset for one in prepared}:
        if public and not dataset_named(dataset).can_be_public:
            raise DataError(
                "The records cannot be made public.", [Fault(dataset, "may not be opened", "Store them without it.")]
            )
    last = _lock_counter(connection)
    held = _held(connection, source, prepared)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    unchanged = outdated = 0
    changed_openness: dict[str, list[str]] = {}
    agreement_id, version, clause_id = received if received is not None else (None, None, None)
    for one in prepared:
        key = (one.record.dataset, one.record.id)
        digest, known_at, is_public = held.get(key, (None, None, False))
        if digest == one.digest:
            unchanged += 1
            if public is not None and is_public != public and key not in rows:
                changed_openness.setdefault(one.record.dataset, []).append(one.record.id)
            continue
        if known_at is not None and one.record.known_at < known_at:
            outdated += 1
            continue
        held[key] = (one.digest, one.record.known_at, bool(public))
        rows.pop(key, None)  # a later revision in the same batch comes at its own place
        rows[key] = {
            "source": source,
            "dataset": one.record.dataset,
            "id": one.record.id,
            "occurred_at": one.record.occurred_at,
            "known_at": one.record.known_at,
            "received_at": now,
            "port": one.record.port,
            "terminal": one.record.terminal,
            "vessel_imo": one.record.vessel_imo,
            "voyage": one.keys.voyage,
            "equipment": one.keys.equipment,
            "bill_of_lading": one.keys.bill_of_lading,
            "booking": one.keys.booking,
            "public": bool(public),
            # What calls itself simulated is marked so, whatever its sender says or forgets.
            "simulated": simulated or SIMULATED in one.body,
            "body": one.body,
            "digest": one.digest,
            "agreement_id": agreement_id,
            "agreement_version": version,
            "clause_id": clause_id,
        }
    for position, row in enumerate(rows.values(), start=last + 1):
        row["position"] = position
    for dataset, ids in changed_openness.items():
        _open_or_close(connection, source, dataset, ids, bool(public))
    if rows:
        _replace(connection, source, list(rows.values()))
        connection.execute(sa.update(record_counter).where(record_counter.c.id == 1).values(position=last + len(rows)))
    return PutResult(tuple(range(last + 1, last + 1 + len(rows))), unchanged, outdated, (), cautions)


def _lock_counter(connection: sa.Connection) -> int:
    """Return the last position given out; from here to the commit no other writer gives out any."""
    query = for_update(sa.select(record_counter.c.position).where(record_counter.c.id == 1), connection)
    found = connection.execute(query).scalar()
    if found is None:
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(record_counter).values(id=1, position=0))
        except sa.exc.IntegrityError:
            pass  # another writer was first; its row is locked below
        found = connection.execute(query).scalar_one()
    return int(found)


def _open_or_close(connection: sa.Connection, source: str, dataset: str, ids: Sequence[str], public: bool) -> None:
    """Make records public or no longer so; to partners nothing has changed, so they keep their positions."""
    for begin in range(0, len(ids), _CHUNK):
        some = (table.c.source == source, table.c.dataset == dataset, table.c.id.in_(ids[begin : begin + _CHUNK]))
        connection.execute(sa.update(table).where(*some).values(public=public))


def _held(
    connection: sa.Connection, source: str, prepared: Sequence[Prepared]
) -> dict[tuple[str, str], tuple[str | None, dt.datetime | None, bool]]:
    held: dict[tuple[str, str], tuple[str | None, dt.datetime | None, bool]] = {}
    ids: dict[str, list[str]] = {}
    for one in prepared:
        ids.setdefault(one.record.dataset, []).append(one.record.id)
    for dataset, wanted in ids.items():
        for begin in range(0, len(wanted), _CHUNK):
            query = sa.select(table.c.id, table.c.digest, table.c.known_at, table.c.public).where(
                table.c.source == source, table.c.dataset == dataset, table.c.id.in_(wanted[begin : begin + _CHUNK])
            )
            for row in connection.execute(query):
                held[dataset, row.id] = (row.digest, row.known_at, row.public)
    return held


def _replace(connection: sa.Connection, source: str, rows: list[dict[str, Any]]) -> None:
    ids: dict[str, list[str]] = {}
    for row in rows:
        ids.setdefault(row["dataset"], []).append(row["id"])
    for dataset, wanted in ids.items():
        for begin in range(0, len(wanted), _CHUNK):
            connection.execute(
                sa.delete(table).where(
                    table.c.source == source, table.c.dataset == dataset, table.c.id.in_(wanted[begin : begin + _CHUNK])
                )
            )
    connection.execute(sa.insert(table), rows)


@dataclass(frozen=True)
class Filters:
    """Which records are asked for; None asks nothing. Intervals of time are half-open, in UTC."""

    source: str | None = None
    id: str | None = None
    port: str | None = None
    terminal: str | None = None
    vessel_imo: str | None = None
    voyage: str | None = None
    equipment: str | None = None
    bill_of_lading: str | None = None
    booking: str | None = None
    public: bool | None = None
    simulated: bool | None = None
    clause_id: str | None = None
    agreement_id: str | None = None
    occurred_from: dt.datetime | None = None
    occurred_until: dt.datetime | None = None
    known_from: dt.datetime | None = None
    known_until: dt.datetime | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on the table of records."""
        names = (
            *("source", "id", "port", "terminal", "vessel_imo", "voyage", "equipment", "bill_of_lading", "booking"),
            *("public", "simulated", "clause_id", "agreement_id"),
        )
        found: list[sa.ColumnElement[bool]] = [
            table.c[name] == value for name in names if (value := getattr(self, name)) is not None
        ]
        for column, begin, end in (
            (table.c.occurred_at, self.occurred_from, self.occurred_until),
            (table.c.known_at, self.known_from, self.known_until),
        ):
            if begin is not None:
                found.append(column >= begin)
            if end is not None:
                found.append(column < end)
        return found


NO_FILTERS = Filters()


def read_records(
    connection: sa.Connection,
    dataset: str,
    filters: Filters = NO_FILTERS,
    after: int = 0,
    limit: int = 100,
) -> list[sa.RowMapping]:
    """Return stored rows in the order of acceptance.

    Parameters
    ----------
    after : position; rows behind it are given.
    limit : rows at most.
    """
    query = (
        sa.select(table)
        .where(table.c.dataset == dataset, table.c.position > after, *filters.conditions())
        .order_by(table.c.position)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


@functools.lru_cache(maxsize=256)
def _page_statement(asked: tuple[str, ...]) -> sa.Select[Any]:
    """Return the statement for one set of filters; building it anew costs more than running it."""
    names = {"occurred_from": "occurred_at", "occurred_until": "occurred_at"}
    names |= {"known_from": "known_at", "known_until": "known_at"}
    conditions = []
    for name in asked:
        column = table.c[names.get(name, name)]
        value = sa.bindparam(f"asked_{name}", type_=column.type)
        if name.endswith("_from"):
            conditions.append(column >= value)
        elif name.endswith("_until"):
            conditions.append(column < value)
        else:
            conditions.append(column == value)
    return (
        sa.select(table.c.position, table.c.body, table.c.simulated)
        .where(table.c.dataset == sa.bindparam("dataset"), table.c.position > sa.bindparam("after"), *conditions)
        .order_by(table.c.position)
        .limit(sa.bindparam("rows"))
    )


def read_bodies(connection: sa.Connection, dataset: str, filters: Filters, after: int, limit: int) -> Sequence[Any]:
    """Return position, body and whether it is simulated, in the order of acceptance; see `read_records`."""
    values = {name: value for name, value in vars(filters).items() if value is not None}
    parameters = {f"asked_{name}": value for name, value in values.items()}
    parameters |= {"dataset": dataset, "after": after, "rows": limit}
    return connection.execute(_page_statement(tuple(values)), parameters).all()


# The same without filters, for SQLite's driver itself: the event loop reads short pages with it.
PAGE_SQL = "SELECT position, body, simulated FROM record WHERE dataset = ? AND position > ? ORDER BY position LIMIT ?"


def newest_records(
    connection: sa.Connection, dataset: str, filters: Filters = NO_FILTERS, limit: int = 20
) -> list[sa.RowMapping]:
    """Return stored rows, the last accepted first."""
    query = sa.select(table).where(table.c.dataset == dataset, *filters.conditions())
    return list(connection.execute(query.order_by(table.c.position.desc()).limit(limit)).mappings())


def iterate_records(
    connection: sa.Connection, dataset: str, filters: Filters = NO_FILTERS, after: int = 0, page: int = 500
) -> Iterator[sa.RowMapping]:
    """Give stored rows one by one in the order of acceptance, holding one page of them in memory."""
    while rows := read_records(connection, dataset, filters, after, page):
        yield from rows
        after = rows[-1]["position"]


def count_records(connection: sa.Connection, dataset: str | None = None) -> dict[tuple[str, str], int]:
    """Return how many records are held, by product and source."""
    query = sa.select(table.c.dataset, table.c.source, sa.func.count()).group_by(table.c.dataset, table.c.source)
    if dataset is not None:
        query = query.where(table.c.dataset == dataset)
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def record_of(row: Any) -> Record:
    """Return the record of a stored row (a mapping or a row with the columns as attributes)."""
    found = row if isinstance(row, sa.RowMapping) else row._mapping
    return Record(
        dataset=found["dataset"],
        id=found["id"],
        occurred_at=found["occurred_at"],
        known_at=found["known_at"],
        port=found["port"],
        terminal=found["terminal"],
        vessel_imo=found["vessel_imo"],
        body=json.loads(found["body"]),
    )
