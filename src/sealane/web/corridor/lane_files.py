"""A lane's result folder as the pages read it: small tables whole, large ones by the columns and rows asked for.

A kept result never changes, so what was read once is kept in memory for the next reader: the small tables of a few
lanes, and never legs or stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.corridors.lanes.schemas import TABLES
from sealane.errors import DataError, Fault, Phrase

KEPT = 16
"""Lanes whose small tables stay in memory."""


@dataclass(frozen=True)
class LaneFiles:
    """Tables of one lane.

    Attributes
    ----------
    folder : as ``sealane lane`` wrote it.
    """

    folder: Path

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """Content of ``lane.json``."""
        try:
            found: Mapping[str, Any] = json.loads((self.folder / "lane.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            fault = Fault(
                "lane.json",
                Phrase("cannot be read (%(kind)s)", kind=type(error).__name__),
                Phrase("Run `sealane lane` again"),
            )
            raise DataError(Phrase("The lane's folder is damaged."), [fault]) from None
        return found

    @cached_property
    def totals(self) -> tuple[Mapping[str, Any], ...]:
        """Rows of ``totals.parquet``."""
        return tuple(self.table("totals").to_pylist())

    @cached_property
    def trend(self) -> tuple[Mapping[str, Any], ...]:
        """Rows of ``trend.parquet``."""
        return tuple(self.table("trend").to_pylist())

    @cached_property
    def targets(self) -> tuple[Mapping[str, Any], ...]:
        """Rows of ``targets.parquet``."""
        return tuple(self.table("targets").to_pylist())

    @cached_property
    def rule(self) -> str:
        """The attribution rule of the document."""
        return str(self.summary["attribution"]["rule"])

    @cached_property
    def years(self) -> tuple[int, ...]:
        """Years of the data, rising."""
        return tuple(sorted({int(row["year"]) for row in self.trend}))

    @cached_property
    def simulated(self) -> bool:
        """True where the data, or some of them, are SIMULATED."""
        return "SIMULATED" in str(self.summary.get("label") or "").upper()

    def trend_of(self, rule: str, year: int, quarter: int = 0) -> Mapping[str, Any] | None:
        """Row of a year (or quarter) by a rule."""
        wanted = (rule, year, quarter)
        return next((row for row in self.trend if (row["rule"], row["year"], row["quarter"]) == wanted), None)

    def quarters(self, year: int) -> int:
        """Quarters of a year of which the data hold legs."""
        return len({row["quarter"] for row in self.trend if row["year"] == year and row["quarter"]})

    def table(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
        texts: Sequence[str] = (),
    ) -> pa.Table:
        """Columns and rows of a table.

        Parameters
        ----------
        columns, where : None: all of them.
        texts : columns whose texts repeat; they come as numbers in a list of the different ones.

        Raises
        ------
        DataError
            where the file is missing or damaged.
        """
        path = self.folder / TABLES[name].file
        try:
            found = pq.read_table(
                path,
                columns=None if columns is None else list(columns),
                filters=where,
                read_dictionary=list(texts) or None,
            )
            return found.unify_dictionaries() if texts else found
        except (OSError, pa.ArrowException) as error:
            fault = Fault(
                path.name,
                Phrase("cannot be read (%(kind)s)", kind=type(error).__name__),
                Phrase("Run `sealane lane` again"),
            )
            raise DataError(Phrase("The lane's folder is damaged."), [fault]) from None

    def count(self, name: str) -> int:
        """Rows of a table."""
        return int(pq.read_metadata(self.folder / TABLES[name].file).num_rows)


@lru_cache(maxsize=KEPT)
def lane_files(folder: Path) -> LaneFiles:
    """Return a kept lane; the same object for the same folder, which never changes."""
    return LaneFiles(folder)
