"""Cleaning: each rule does what it says, counts what it did, and does not depend on the order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.movement.cleaning import RULE_NAMES, CleaningSettings, CleanResult, clean, mmsi_class

SHIP = 366_000_001
Row = tuple[int, float, float, float, float]  # time [s], lat, lon, sog, mmsi


def run(rows: list[Row], **columns: float) -> CleanResult:
    """Clean rows after the sort that staging promises."""
    rows = sorted(rows, key=lambda r: (r[4], r[0], r[1], r[2], r[3]))
    n = len(rows)
    return clean(
        np.array([r[4] for r in rows], np.int32),
        np.array([r[0] * 1_000_000 for r in rows], np.int64),
        np.array([r[1] for r in rows], float),
        np.array([r[2] for r in rows], float),
        np.array([r[3] for r in rows], float),
        np.full(n, columns.get("cog", 10.0)),
        np.full(n, columns.get("heading", 10.0)),
        np.full(n, columns.get("status", 0), np.int8),
        np.full(n, columns.get("draught", 9.0)),
    )


def count(result: CleanResult, rule: str) -> int:
    return int(result.counts[:, RULE_NAMES.index(rule)].sum())


def sail(n: int = 20, step_s: int = 60, knots: float = 10.0, lat: float = 33.0, mmsi: int = SHIP) -> list[Row]:
    """A ship going north at a steady speed."""
    return [(k * step_s, lat + k * step_s / 3600 * knots / 60, -118.0, knots, mmsi) for k in range(n)]


@pytest.mark.parametrize(
    ("mmsi", "kind"),
    [
        (366000001, "ship"),
        (993692001, "aid to navigation"),
        (111366000, "sar aircraft"),
        (3669999, "coast station"),
        (36699999, "group"),
        (982123456, "craft of a parent ship"),
        (970123456, "sart, mob or epirb"),
        (812345678, "handheld"),
        (0, "default or test"),
        (123456789, "default or test"),
        (111111111, "default or test"),
        (199999999, "invalid"),
        (799999999, "invalid"),
        (1_000_000_000, "invalid"),
        (-5, "invalid"),
    ],
)
def test_mmsi_class(mmsi: int, kind: str) -> None:
    assert mmsi_class(mmsi) == kind


def test_only_ships_stay() -> None:
    result = run([*sail(), *sail(mmsi=993_692_001)])
    assert count(result, "mmsi_not_a_ship") == 20
    assert set(result.tracks.mmsi) == {SHIP}
    assert result.reports.tolist() == [20, 20]


def test_duplicates_and_ties() -> None:
    rows = sail()
    tie = (rows[5][0], rows[5][1] + 0.001, rows[5][2], rows[5][3], SHIP)
    result = run([*rows, rows[3], rows[3], tie])
    assert count(result, "duplicate") == 2
    assert count(result, "tie") == 1
    assert len(result.tracks) == 20
    assert result.tracks.lat[5] == rows[5][1]  # the smaller latitude stays


@pytest.mark.parametrize(
    ("lat", "lon", "rule"),
    [
        (91.0, 0.0, "position_not_available"),
        (10.0, 181.0, "position_not_available"),
        (float("nan"), 1.0, "position_not_available"),
        (95.0, 10.0, "position_impossible"),
        (10.0, -200.0, "position_impossible"),
        (0.0, 0.0, "position_impossible"),
    ],
)
def test_sentinels(lat: float, lon: float, rule: str) -> None:
    result = run([*sail(), (90, lat, lon, 10.0, SHIP)])
    assert count(result, rule) == 1
    assert len(result.tracks) == 20


def test_jump_is_removed_and_counted() -> None:
    result = run([*sail(), (630, 10.0, 20.0, 10.0, SHIP)])
    assert count(result, "position_jump") == 1
    assert len(result.tracks) == 20


@pytest.mark.parametrize(("stray_nm", "removed"), [(1.30, 0), (1.37, 1)])
def test_what_can_be_sailed_is_no_jump(stray_nm: float, removed: int) -> None:
    """In a minute at 50 kn, and half a mile of slack: 1.333 nm."""
    rows = [(k * 60, 33.0 + (stray_nm / 60 if k == 5 else 0.0), -118.0, 0.0, SHIP) for k in range(20)]
    assert count(run(rows), "position_jump") == removed


def test_shared_mmsi_keeps_the_longer_track() -> None:
    other = [(t + 30, lat + 20, lon, sog, mmsi) for t, lat, lon, sog, mmsi in sail(12)]
    result = run([*sail(), *other])
    assert count(result, "shared_mmsi") == 12
    assert result.tracks.lat.max() < 40


def test_unseen_move_is_no_fault() -> None:
    """Two long tracks one after the other, out of reach of each other: a clock fault or an unseen move; both stay."""
    later = [(t + 1400, lat + 20, lon, sog, mmsi) for t, lat, lon, sog, mmsi in sail()]
    result = run([*sail(), *later])
    assert len(result.tracks) == 40
    assert count(result, "position_jump") == count(result, "shared_mmsi") == 0


def test_jump_across_the_antimeridian_is_none() -> None:
    rows = [(k * 60, 10.0, (179.99 + k * 0.004 + 180) % 360 - 180, 14.0, SHIP) for k in range(10)]
    assert len(run(rows).tracks) == 10


def test_speed_sentinels_are_derived_from_positions() -> None:
    for bad in (102.3, float("nan"), -1.0, 80.0):
        rows = [(t, lat, lon, bad if k == 7 else sog, mmsi) for k, (t, lat, lon, sog, mmsi) in enumerate(sail())]
        result = run(rows)
        assert result.tracks.speed_dkn[7] == pytest.approx(100, abs=1)
        assert result.tracks.speed_derived.sum() == 1
        assert count(result, "speed_not_available") + count(result, "speed_impossible") == 1


def test_missing_speed_column_is_derived_throughout() -> None:
    rows = [(t, lat, lon, float("nan"), mmsi) for t, lat, lon, _, mmsi in sail(step_s=7)]
    result = run(rows)
    assert result.tracks.speed_dkn.tolist() == pytest.approx([100] * 20, abs=1)


def test_position_noise_at_rest_is_no_motion() -> None:
    """Positions every 2 s with 3 m of noise look like 5 kn from one to the next; over a minute like nothing."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 3 / 1852 / 60, (300, 2))
    rows = [(k * 2, 33.0 + noise[k, 0], -118.0 + noise[k, 1], float("nan"), SHIP) for k in range(300)]
    assert run(rows).tracks.speed_dkn.max() <= 7


def test_lone_report_without_speed_stays_unknown() -> None:
    result = run([(0, 33.0, -118.0, float("nan"), SHIP)])
    assert count(result, "speed_unknown") == 1
    assert result.tracks.speed_dkn.tolist() == [-1]


def test_draught_learnt_late_holds_from_the_start() -> None:
    rows = sail()
    n = len(rows)
    draught = np.zeros(n)
    draught[10:] = 9.4
    result = clean(
        np.full(n, SHIP, np.int32),
        np.array([r[0] * 1_000_000 for r in rows], np.int64),
        np.array([r[1] for r in rows]),
        np.array([r[2] for r in rows]),
        np.array([r[3] for r in rows]),
        np.full(n, 10.0),
        np.full(n, 10.0),
        np.zeros(n, np.int8),
        draught,
    )
    assert result.tracks.draught_dm.tolist() == [94] * n
    assert count(result, "draught_not_available") == 10


def test_flags() -> None:
    result = run(sail(), cog=-60.6, heading=511, status=15)
    assert count(result, "course_negative") == 20
    assert count(result, "heading_not_available") == 20
    assert count(result, "status_not_defined") == 20
    assert count(run(sail(), cog=360.0), "course_not_available") == 20


def test_nothing_is_dropped_silently() -> None:
    """Reports read = reports kept + reports that a rule says it removed."""
    removing = ("mmsi_not_a_ship", "duplicate", "tie", "position_not_available", "position_impossible")
    removing += ("position_jump", "shared_mmsi")
    rows = [*sail(), *sail()[:4], (33, 91.0, 181.0, 1.0, SHIP), (35, 10.0, 10.0, 1.0, SHIP), *sail(mmsi=970_000_001)]
    result = run(rows)
    assert len(rows) == len(result.tracks) + sum(count(result, rule) for rule in removing)


@settings(max_examples=60, deadline=None)
@given(st.permutations(list(range(30))), st.integers(0, 10))
def test_order_and_doubling_do_not_matter(order: list[int], doubled: int) -> None:
    rows = [*sail(25), (100, 50.0, 50.0, 3.0, SHIP), (200, 91.0, 181.0, 3.0, SHIP), *sail(3)]
    base = run(rows)
    shuffled = run([rows[k % len(rows)] for k in order] + rows + rows[:doubled])
    for name in base.tracks.__dataclass_fields__:
        assert (getattr(base.tracks, name) == getattr(shuffled.tracks, name)).all()


def test_limits_are_settings() -> None:
    rows = [(t, lat, lon, 45.0, mmsi) for t, lat, lon, _, mmsi in sail(knots=45.0)]
    assert count(run(rows), "speed_impossible") == 0
    columns = (
        np.array([r[0] * 1_000_000 for r in rows], np.int64),
        *(np.array([r[k] for r in rows]) for k in (1, 2, 3)),
    )
    n = len(rows)
    slow = clean(
        np.full(n, SHIP, np.int32),
        *columns,
        np.full(n, 10.0),
        np.full(n, 10.0),
        np.zeros(n, np.int8),
        np.full(n, 9.0),
        CleaningSettings(max_speed_kn=30.0, jump_slack_nm=0.1),
    )
    assert count(slow, "speed_impossible") + count(slow, "position_jump") + count(slow, "shared_mmsi") > 0
