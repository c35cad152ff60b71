"""Every port we verify has clocks, and they are told by the sun within what governments decree."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from sealane.reference import ports
from sealane.reference.time_zones import time_zone

FURTHEST_H = 2.5  # civil time from the sun's, over the shipped ports; daylight saving included


def _hours_from_the_sun(zone: str, lon: float) -> float:
    offset = dt.datetime(2026, 1, 15, 12, tzinfo=ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return abs((offset.total_seconds() / 3600 - lon / 15 + 12) % 24 - 12)


@pytest.mark.parametrize("locode", ports.verified_locodes())
def test_every_verified_port_has_a_zone_near_its_meridian(locode: str) -> None:
    zone = time_zone(locode)
    assert zone is not None
    assert _hours_from_the_sun(zone, ports.port(locode).lon) < FURTHEST_H


def test_a_wrong_zone_would_be_seen() -> None:
    assert _hours_from_the_sun("America/New_York", ports.port("USLAX").lon) > FURTHEST_H
    assert _hours_from_the_sun("Asia/Tokyo", ports.port("ITNAP").lon) > FURTHEST_H


def test_a_port_without_a_row_has_none() -> None:
    assert time_zone("NLRTM") is None
    assert time_zone("") is None
    assert time_zone(None) is None


def test_case_and_blanks_do_not_matter() -> None:
    assert time_zone("us lax") == "America/Los_Angeles"
