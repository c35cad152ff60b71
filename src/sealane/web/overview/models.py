"""What the overview answers."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from pydantic import BaseModel

from sealane.web.alerts.models import AlertShown
from sealane.web.derivation import Figure


class HeadlineKind(StrEnum):
    """The three figures at the top."""

    PORT = "port"
    LANE = "lane"
    SHARED = "shared"


class TrendPoint(BaseModel):
    """One period of a headline."""

    period: str
    figure: Figure


class Headline(BaseModel):
    """A figure at the top, with the same figure of earlier periods.

    Attributes
    ----------
    about : port or corridor it speaks of.
    change : against the period before, as a share; None where there is none that can be compared.
    link : page that shows more.
    """

    kind: HeadlineKind
    about: str
    period: str
    figure: Figure
    change: Figure | None = None
    trend: list[TrendPoint] = []
    link: str


class Link(BaseModel):
    """An agreement between ports.

    Attributes
    ----------
    signed : it is a document that nodes execute; else what public documents say.
    """

    id: str
    title: str
    kind: str
    year: int | None
    parties: list[str]
    ports: list[str]
    signed: bool
    demonstration: bool
    page: str


class CallOfDay(BaseModel):
    """A port call that touches the chosen day; times are None where the end was not seen."""

    result: str
    call_id: str
    port: str
    vessel_name: str | None
    imo: int | None
    mmsi: int
    ship_class: str | None
    arrival: dt.datetime | None
    departure: dt.datetime | None
    first_seen: dt.datetime
    last_seen: dt.datetime
    zone: str | None
    simulated: bool
    page: str


class Overview(BaseModel):
    """The first page.

    Attributes
    ----------
    day : whose port calls are shown; None where no result holds any.
    first_day, last_day : days with results.
    open_alerts : number of things that need attention, of which `attention` holds the newest; None where who asks may
        not see them.
    guide : begin with a few steps for somebody who sees it for the first time.
    """

    guide: bool

    day: dt.date | None
    first_day: dt.date | None
    last_day: dt.date | None
    partner: str | None
    corridor: str | None
    partners: list[str]
    corridors: list[tuple[str, str]]
    headlines: list[Headline]
    links: list[Link]
    calls: list[CallOfDay]
    calls_in_all: Figure
    attention: list[AlertShown]
    open_alerts: Figure | None
    map: str
