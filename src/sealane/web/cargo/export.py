"""A journey as a file for a spreadsheet: one line a milestone, times in UTC, no cell a live formula."""

from __future__ import annotations

import csv
import datetime as dt
import io

from sealane.spreadsheet_text import inert
from sealane.web.cargo.models import JourneyPage, Milestone

COLUMNS = (
    "time_utc",
    "time_zone_of_port",
    "classifier",
    "step",
    "what",
    "mode",
    "port",
    "facility",
    "vessel_imo",
    "vessel_name",
    "voyages",
    "container",
    "source",
    "data_product",
    "record",
    "learnt_utc",
    "clause",
    "terms",
    "kept_back_fields",
    "in_conflict",
    "label",
)


def journey_csv(page: JourneyPage) -> str:
    """Return a journey as CSV in the order of the page."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for milestone in page.milestones:
        writer.writerow([inert(cell) for cell in _cells(milestone)])
    return out.getvalue()


def _cells(m: Milestone) -> tuple[str, ...]:
    clause = f"{m.agreement}@{m.version}#{m.clause}" if m.clause else ""
    return (
        _utc(m.at),
        m.zone or "",
        m.classifier or "",
        m.step,
        m.what + (" (schedule)" if m.scheduled else ""),
        m.mode or "",
        m.port or "",
        m.facility or "",
        m.vessel_imo or "",
        m.vessel_name or "",
        " ".join(m.voyages),
        m.equipment or "",
        m.source,
        m.dataset,
        m.record,
        _utc(m.known_at),
        clause,
        "demonstration" if m.terms_made_up else "agreed" if clause else "",
        " ".join(m.kept_back),
        "yes" if m.in_conflict else "",
        "SIMULATED" if m.simulated else "",
    )


def _utc(time: dt.datetime | None) -> str:
    return time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if time is not None else ""
