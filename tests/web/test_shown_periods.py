"""Periods are half-open in the store; on pages the last day is named."""

import datetime as dt

from sealane.web.formats import day, last_day


def test_a_period_that_ends_at_midnight_does_not_touch_the_new_day() -> None:
    midnight = dt.datetime(2051, 1, 1, tzinfo=dt.UTC)
    assert last_day(midnight) == "31 Dec 2050"
    assert last_day(midnight + dt.timedelta(seconds=1)) == day(midnight) == "1 Jan 2051"
    assert last_day(midnight, "ja") == "2050/12/31"
    assert last_day(None) == day(None)
