"""Reads the times given on the command line."""

from __future__ import annotations

import datetime as dt

from sealane.errors import InputError


def parse_utc(text: str | None, option: str) -> dt.datetime | None:
    """Return a time in UTC.

    Parameters
    ----------
    text : ISO 8601 date or time; without a zone it is UTC; a bare date is its first moment.
    option : the option it came from, for the message.

    Raises
    ------
    InputError
        If the text is no such time.
    """
    if text is None:
        return None
    try:
        time = dt.datetime.fromisoformat(text)
        return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise InputError(
            f"{option} {text!r} is no time. Give ISO 8601 in UTC, e.g. 2020-06-30 or 2020-06-30T12:00:00Z."
        ) from None
