"""Time zones of ports: which clocks people on the quay read.

`ports_time_zone.csv` names a zone of the tz database (public domain) for the ports whose UN/LOCODE is verified. Nothing
is computed with local time; it stands beside UTC on pages. A port without a row has UTC only.
"""

from __future__ import annotations

from functools import cache

from sealane.errors import ReferenceDataError
from sealane.reference import load_table


@cache
def _zones() -> dict[str, str]:
    from zoneinfo import available_timezones

    zones = {row.text("locode"): row.text("time_zone") for row in load_table("ports_time_zone").rows}
    unknown = sorted(set(zones.values()) - available_timezones())
    if unknown:
        raise ReferenceDataError(
            f"ports_time_zone.csv names {', '.join(unknown)}, which this machine's tz database does not hold. "
            "Install the package tzdata."
        )
    return zones


def time_zone(locode: str | None) -> str | None:
    """The tz database zone of a port, for instance ``America/Los_Angeles``; None where no row names one.

    Parameters
    ----------
    locode : UN/LOCODE; blanks and case do not matter.
    """
    return _zones().get((locode or "").replace(" ", "").upper())
