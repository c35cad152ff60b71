"""Days and moments as addresses name them: of years that calendars and databases can count with."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, TypeVar

from pydantic import AfterValidator

from sealane.errors import Phrase

FIRST_YEAR, LAST_YEAR = 1900, 2199
_Time = TypeVar("_Time", dt.date, dt.date | None)


def sensible(value: _Time) -> _Time:
    """Return a day or a moment unchanged; a day later or another time zone must still be one.

    Raises
    ------
    ValueError
        Outside of 1900 to 2199.
    """
    if value is not None and not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(Phrase("the year must be from %(first)s to %(last)s", first=FIRST_YEAR, last=LAST_YEAR))
    return value


Day = Annotated[dt.date, AfterValidator(sensible)]
