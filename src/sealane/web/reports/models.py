"""What the pages of reports answer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sealane.errors import Phrase
from sealane.web.results import ResultKind


class ReportFiles(BaseModel):
    """Addresses of a report in its three forms."""

    html: str
    pdf: str
    xlsx: str


class YearReport(BaseModel):
    """The annual progress report of a corridor."""

    year: int
    files: ReportFiles


class ReportEntry(BaseModel):
    """A kept result and its report.

    Attributes
    ----------
    name : of the port, or of the result where it is not of a port.
    begins_at, ends_at : first and last moment of the data, both included; of a scenario or plan its years, half-open;
        None where the result has none.
    created_by : login; None where the command line added it, and for guests.
    digest : SHA-256 over all files of the result.
    years : annual progress reports, of a lane; the newest first.
    """

    id: str
    kind: ResultKind
    title: str
    name: str
    port: str | None
    corridor: str | None
    begins_at: dt.datetime | None
    ends_at: dt.datetime | None
    simulated: bool
    public: bool
    method_edition: str
    digest: str
    created_at: dt.datetime
    created_by: str | None
    page: str
    files: ReportFiles
    years: list[YearReport] = []


class ReportGroup(BaseModel):
    """Reports of one port or one corridor, the newest period first."""

    about: str
    name: str
    reports: list[ReportEntry]


class ReportsPage(BaseModel):
    """All reports that who asks may see.

    Attributes
    ----------
    ports, corridors : what there are results of, for the filters.
    inventories : by port.
    progress : annual progress reports and lanes, by corridor.
    studies : arrival studies, scenarios, plans and comparisons, by port or corridor.
    """

    kind: ResultKind | None
    port: str | None
    corridor: str | None
    ports: list[str]
    corridors: list[str]
    inventories: list[ReportGroup]
    progress: list[ReportGroup]
    studies: list[ReportGroup]


class TableFiles(BaseModel):
    """A table of a result and the addresses of its files, by format.

    Attributes
    ----------
    of_report : it stands in the report; else it is a table as the run wrote it.
    """

    name: str
    of_report: bool
    files: dict[str, str]


class Fact(BaseModel):
    """One thing a run noted of itself."""

    name: str
    value: str


class ReportPage(BaseModel):
    """One report.

    Attributes
    ----------
    tables : each as CSV, Excel, Parquet, and GeoJSON where it has places.
    facts : method and provenance, as the run noted them.
    first_day, last_day : of the data (UTC); None where the result has no period.
    may_regenerate : whether who asks may have it worked out for another period.
    """

    report: ReportEntry
    tables: list[TableFiles]
    facts: list[Fact]
    first_day: dt.date | None
    last_day: dt.date | None
    may_regenerate: bool


class Regeneration(BaseModel):
    """The same inventory for another period: whole days, UTC."""

    model_config = ConfigDict(extra="forbid")

    first_day: Annotated[dt.date, Field(description="First day of the period, UTC.")]
    last_day: Annotated[dt.date, Field(description="Last day of the period, itself included, UTC.")]
    title: Annotated[str | None, Field(max_length=200, description="How the result is called; else its port.")] = None

    @model_validator(mode="after")
    def _in_order(self) -> Regeneration:
        if self.first_day > self.last_day:
            raise ValueError(Phrase("first_day lies after last_day"))
        if self.last_day == dt.date.max:
            raise ValueError(Phrase("last_day has no day after it"))
        return self


class RegenerationTask(BaseModel):
    """The long work that was begun."""

    task_id: str
    page: str
