"""A slower lane from port calls: the passages that count, and the same balance as slow steaming by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sealane.corridors.arrival.slower_lane import slower_lane
from sealane.corridors.call_table import CallTable, read_call_table
from sealane.corridors.ship_energy import sail, ship_of_class, total
from sealane.errors import InputError

T0 = datetime(2024, 1, 1, tzinfo=UTC)
HEADER = "imo,ship_class,teu,port,arrival,departure,sailed_nm"
ENDS = ({"USLAX", "USLGB"}, {"CNSHA"})


def calls_of(
    folder: Path, rows: list[tuple[int, str, float, float, float | str]], ship: str = "Container Ship,8000"
) -> CallTable:
    """Calls from (IMO number, port, hour of arrival, hour of departure, miles sailed)."""

    def iso(hour: float) -> str:
        return (T0 + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")

    lines = [f"{imo},{ship},{port},{iso(came)},{iso(left)},{miles}" for imo, port, came, left, miles in rows]
    path = folder / "calls.csv"
    path.write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
    return read_call_table([path])


ROUND = [
    (9100011, "CNSHA", 0.0, 30.0, ""),
    (9100011, "USLAX", 380.0, 450.0, 5700.0),
    (9100011, "USOAK", 474.0, 500.0, 380.0),
    (9100011, "CNSHA", 850.0, 880.0, 5500.0),
    (9100011, "USLGB", 1230.0, 1300.0, 5705.0),
]


def test_the_balance_is_that_of_the_passages_by_hand(tmp_path: Path) -> None:
    found = slower_lane(calls_of(tmp_path, ROUND), 0.1, ends=ENDS)
    assert found.passages == 2  # Oakland lies between on the way back, so that way is not direct
    ship = ship_of_class("Container Ship", teu=8000)
    day = T0 + timedelta(days=15)
    legs = [(5700.0, 350.0), (5705.0, 350.0)]
    before = total(sail(ship, miles, miles / hours, day=day, eca_nm=0.0) for miles, hours in legs)
    after = total(sail(ship, miles, 0.9 * miles / hours, day=day, eca_nm=0.0) for miles, hours in legs)
    assert found.slower.balances["energy"].before == pytest.approx(before.kwh)
    assert found.slower.balances["energy"].after == pytest.approx(after.kwh)
    assert found.slower.port_h == 140.0
    assert found.slower.more_ships_share == pytest.approx(700 * (1 / 0.9 - 1) / 840)
    assert found.slower.balances["fuel"].net < found.slower.balances["fuel"].gross
    everything = slower_lane(calls_of(tmp_path, ROUND), 0.1)
    assert everything.passages == 4


def test_what_cannot_be_counted_is_left_out_by_reason(tmp_path: Path) -> None:
    too_fast = [*ROUND, (9100023, "CNSHA", 0.0, 30.0, ""), (9100023, "USLAX", 130.0, 190.0, 5700.0)]
    found = slower_lane(calls_of(tmp_path, too_fast), 0.1, ends=ENDS)
    assert list(found.left_out.values()) == [1]
    assert "faster than the ship's maximum speed" in next(iter(found.left_out))
    with pytest.raises(InputError, match="2: the ship's class is not known"):
        slower_lane(calls_of(tmp_path, ROUND, ship=","), 0.1, ends=ENDS)
    with pytest.raises(InputError, match="The calls show none"):
        slower_lane(calls_of(tmp_path, ROUND), 0.1, ends=({"JPYOK"}, {"USLAX"}))
