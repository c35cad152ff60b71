"""Writes the records of a data product to a file: JSON Lines, Parquet, or EPCIS for container milestones."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from sealane.errors import InputError
from sealane.products.epcis import epcis_document
from sealane.products.forms import FileForm
from sealane.products.store import Filters, iterate_records


def export_records(
    connection: sa.Connection, dataset: str, filters: Filters, form: FileForm, path: Path, now: dt.datetime
) -> tuple[int, int]:
    """Write records and return how many were written and how many were left out.

    Raises
    ------
    InputError
        If EPCIS is asked for a product that holds no milestones.
    """
    if form is FileForm.EPCIS and dataset != "container-milestones":
        raise InputError(f"EPCIS holds events of containers; {dataset} has none. Use jsonl or parquet.")
    rows = iterate_records(connection, dataset, filters)
    if form is FileForm.JSONL:
        return _write_lines(rows, path), 0
    if form is FileForm.PARQUET:
        return _write_parquet(rows, path), 0
    document, left_out = epcis_document((json.loads(row["body"]) for row in rows), now)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return len(document["epcisBody"]["eventList"]), left_out


def _write_lines(rows: Iterable[Any], path: Path) -> int:
    count = 0
    with path.open("wb") as file:
        for row in rows:
            # A body may hold line breaks between its members, never inside its texts: one record, one line.
            file.write(bytes(row["body"]).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
            count += 1
    return count


def _write_parquet(rows: Iterable[Any], path: Path) -> int:
    """Write one column for each leaf; lists as JSON text; numbers as numbers where every row has one."""
    found: list[dict[str, Any]] = []
    for row in rows:
        facts = {name: row[name] for name in ("source", "known_at", "simulated", "agreement_id", "clause_id")}
        found.append({**dict(_leaves(json.loads(row["body"]), "")), **{f"_{name}": v for name, v in facts.items()}})
    names = sorted({name for row in found for name in row})
    columns = [_column([row.get(name) for row in found]) for name in names]
    pq.write_table(pa.table(columns, names=names), path, compression="zstd")
    return len(found)


def _column(values: list[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    elif len(kinds) > 1:
        values = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    return pa.array(values) if kinds else pa.nulls(len(values), pa.string())


def _leaves(body: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(body, dict):
        for key, value in body.items():
            yield from _leaves(value, f"{name}.{key}" if name else key)
    elif isinstance(body, list):
        yield name, json.dumps(body, ensure_ascii=False)
    else:
        yield name, body
