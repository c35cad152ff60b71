"""Tables on what the figures rest on: vessels left out, cleaning rules, rejected rows, provenance."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sealane.reports.results import Results
from sealane.reports.tables import Column, Table
from sealane.spreadsheet_text import plain

MAX_REJECTS = 1_000_000


def left_out_table(results: Results) -> Table:
    """Vessels seen but not in the inventory, with the reason."""
    return Table(
        "Left out",
        (
            Column("vessel", width=26),
            Column("MMSI", "", "id", 12),
            Column("IMO", "", "id", 10),
            Column("AIS type", "AIS code", "id", 18),
            Column("length", "m", "number"),
            Column("reports", "", "integer", 10),
            Column("reason", width=70),
            Column("rule", width=50),
        ),
        [
            (v["name"], v["mmsi"], v["imo"], v["ais_type"], v["length_m"], v["rows"], v["reason"], v["rule"])
            for v in results.quality["vessels_left_out"]["vessels"]
        ],
    )


def rules_table(results: Results) -> Table:
    """Cleaning rules with what each did."""
    totals = results.quality["totals"]
    touched: dict[str, int] = dict.fromkeys(totals, 0)
    for counts in results.quality["by_vessel"].values():
        for rule in counts.keys() & touched.keys():
            touched[rule] += 1
    return Table(
        "Cleaning rules",
        (
            Column("rule", width=26),
            Column("what happens", width=22),
            Column("reports", "", "integer", 12),
            Column("vessels", "", "integer", 12),
            Column("meaning", width=80),
        ),
        [
            (name, rule["does"], totals.get(name, 0), touched.get(name, 0), rule["meaning"])
            for name, rule in results.quality["rules"].items()
        ],
    )


def reject_rows(results: Results) -> Iterator[dict[str, str]]:
    """Rows of rejects.csv, one after the other."""
    with (results.folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {name: plain(value or "") for name, value in row.items() if name is not None}


def rejects_table(results: Results, most: int = MAX_REJECTS) -> Table:
    """The first rows that could not be read."""
    names = ("file", "record", "line", "column", "value", "reason")
    return Table(
        "Rejected rows",
        tuple(Column(name, width=20) for name in names),
        [tuple(row.get(name) or "" for name in names) for row in islice(reject_rows(results), most)],
    )


def provenance_table(results: Results) -> Table:
    """Everything provenance.json says, as name and value."""
    return Table(
        "Provenance",
        (Column("item", width=50), Column("value", width=100)),
        [(name, value) for name, value in flat(results.provenance)],
    )


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Leaves of a JSON value with their path, e.g. ``inputs 1 / sha256``."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name} / {key}" if name else str(key))
    elif isinstance(value, list):
        for k, inner in enumerate(value, start=1):
            yield from flat(inner, f"{name} {k}")
    else:
        yield name, "" if value is None else str(value)
