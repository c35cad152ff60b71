"""Passages through a zone: hand-solved cases, ends, breaks, the same whatever vessels are read together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.corridors.arrival.speed_passages import ENDS, Passages, PassageSettings, joined_passages, passages
from sealane.corridors.arrival.speed_zones import programme
from sealane.movement.geodesy import destination
from sealane.movement.tracks import Tracks
from sealane.movement.zones import Zone, circle_polygon

LAT, LON = 10.0, -140.0
RING = Zone("ring", "ring", "speed_zone", None, (circle_polygon(LON, LAT, 20.0 * 1852.0),), "made up for a test")
CORE = Zone("core", "core", "speed_zone", None, (circle_polygon(LON, LAT, 5.0 * 1852.0),), "made up for a test")


def tracks_of(rows: list[tuple[int, float, float, float, float]]) -> Tracks:
    """Tracks of (mmsi, seconds, lat, lon, speed); a speed below 0 is unknown."""
    rows = sorted(rows)
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), (), ()]
    n = len(rows)
    return Tracks(
        mmsi=np.array(columns[0], np.int32),
        time_us=np.array([round(t * 1e6) for t in columns[1]], np.int64),
        lat=np.array(columns[2], np.float64),
        lon=np.array(columns[3], np.float64),
        speed_dkn=np.array([round(v * 10) if v >= 0 else -1 for v in columns[4]], np.int16),
        speed_derived=np.zeros(n, np.uint8),
        heading_deg=np.full(n, 511, np.int16),
        nav_status=np.full(n, -1, np.int8),
        draught_dm=np.zeros(n, np.int16),
    )


def radial(
    speeds: list[tuple[float, float]],
    *,
    mmsi: int = 200_000_001,
    bearing_deg: float = 90.0,
    step_s: float = 60.0,
    known: bool = True,
    start_s: float = 0.0,
) -> list[tuple[int, float, float, float, float]]:
    """Reports on a line through the centre: (distance to reach [nm, negative beyond], speed [kn]) one after another."""
    (distance, _), *legs = speeds
    rows, time = [], start_s
    for reach, speed in legs:
        direction = 1.0 if reach > distance else -1.0
        while (reach - distance) * direction > 1e-9:
            lat, lon = destination(LAT, LON, bearing_deg, distance * 1852.0)
            rows.append((mmsi, time, lat, lon, speed if known else -1.0))
            move = min(speed * step_s / 3600.0, abs(reach - distance))
            distance += direction * move
            time += move / speed * 3600.0
    lat, lon = destination(LAT, LON, bearing_deg, distance * 1852.0)
    rows.append((mmsi, time, lat, lon, legs[-1][1] if known else -1.0))
    return rows


def stay(
    rows: list[tuple[int, float, float, float, float]], hours: float
) -> list[tuple[int, float, float, float, float]]:
    mmsi, time, lat, lon, _ = rows[-1]
    return [*rows, *((mmsi, time + 60.0 * k, lat, lon, 0.0) for k in range(1, round(hours * 60) + 1))]


def ends(found: Passages) -> list[tuple[str, str]]:
    return [(ENDS[a], ENDS[b]) for a, b in zip(found.begins.tolist(), found.ends.tolist(), strict=True)]


def test_hand_solved_case_through_the_ring() -> None:
    """40 nm through a ring of 20 nm at 16 kn, then at 10 kn from the centre on: 1.25 h and 2 h, mean 12.31 kn."""
    found = passages(tracks_of(radial([(30.0, 0.0), (0.0, 16.0), (-30.0, 10.0)])), RING)
    assert len(found) == 1
    # The circle stands as 72 corners, short by 0.1 % between them.
    assert found.distance_nm[0] == pytest.approx(40.0, rel=2e-3)
    assert found.hours[0] == pytest.approx(3.25, rel=2e-3)
    assert found.mean_speed_kn[0] == pytest.approx(40.0 / 3.25, rel=2e-3)
    assert found.share_within(12.0)[0] == pytest.approx(0.5, abs=5e-3)
    assert found.max_speed_kn[0] == 16.0
    assert ends(found) == [("edge", "edge")]


@pytest.mark.parametrize("known", [True, False])
def test_arrival_and_departure_begin_and_end_at_the_stop(known: bool) -> None:
    inward = stay(radial([(30.0, 0.0), (2.0, 12.0)], known=known), 5.0)
    outward = radial([(2.0, 0.0), (30.0, 15.0)], known=known, start_s=inward[-1][1] + 60.0)
    found = passages(tracks_of([*inward, *outward]), RING)
    assert ends(found) == [("edge", "stop"), ("stop", "edge")]
    assert found.distance_nm == pytest.approx([18.0, 18.0], rel=1.5e-2)
    assert found.mean_speed_kn == pytest.approx([12.0, 15.0], rel=1.5e-2)


def test_the_inner_area_does_not_count_and_ends_a_passage() -> None:
    rows = radial([(30.0, 0.0), (6.0, 14.0), (-6.0, 6.0), (-30.0, 14.0)])
    whole = passages(tracks_of(rows), RING)
    cut = passages(tracks_of(rows), RING, CORE)
    assert len(whole) == 1
    assert ends(cut) == [("edge", "stop"), ("stop", "edge")]
    assert cut.distance_nm == pytest.approx([15.0, 15.0], rel=2e-2)
    assert whole.distance_nm[0] == pytest.approx(40.0, rel=2e-3)
    assert (cut.mean_speed_kn > whole.mean_speed_kn[0]).all()


def test_a_step_counts_by_the_share_of_it_inside() -> None:
    """One step of an hour from 30 nm to 10 nm: half of it lies in the ring."""
    patient = PassageSettings(gap_h=2.0, hold_min=120.0)
    coarse = tracks_of(radial([(30.0, 0.0), (-30.0, 20.0)], step_s=3600.0))
    found = passages(coarse, RING, settings=patient)
    assert found.hours[0] == pytest.approx(2.0, rel=2e-3)
    assert found.distance_nm[0] == pytest.approx(40.0, rel=2e-3)
    # The moments are those of the crossings: from 30 nm at 0 h the edge is reached after half an hour.
    assert found.start_us[0] / 3.6e9 == pytest.approx(0.5, abs=2e-3)
    assert found.end_us[0] / 3.6e9 == pytest.approx(2.5, abs=2e-3)


def test_a_silence_cuts_a_passage_and_its_time_does_not_count() -> None:
    rows = radial([(30.0, 0.0), (-30.0, 12.0)])
    silent = [row for row in rows if not 9_000.0 < row[1] < 9_000.0 + 4_200.0]
    found = passages(tracks_of(silent), RING)
    assert ends(found) == [("edge", "data"), ("data", "edge")]
    assert found.distance_nm.sum() == pytest.approx(40.0 - 14.0, abs=0.5)
    # Negative control: a gap limit above the silence joins it again.
    joined = passages(tracks_of(silent), RING, settings=PassageSettings(gap_h=2.0))
    assert ends(joined) == [("edge", "edge")]
    assert joined.distance_nm[0] == pytest.approx(40.0, rel=5e-3)


def test_a_long_stop_cuts_a_passage_and_a_short_one_does_not() -> None:
    for hours, parts in ((0.3, 1), (0.8, 2)):
        inward = stay(radial([(30.0, 0.0), (10.0, 12.0)]), hours)
        onward = radial([(10.0, 0.0), (-30.0, 12.0)], start_s=inward[-1][1] + 60.0)
        found = passages(tracks_of([*inward, *onward]), RING)
        assert len(found) == parts
        assert found.hours.sum() == pytest.approx(40.0 / 12.0, rel=2e-2)


def test_ships_that_lie_still_drift_or_stay_outside_make_no_passage() -> None:
    anchored = stay(radial([(3.0, 0.0), (2.9, 1.0)]), 10.0)
    far = radial([(60.0, 0.0), (25.0, 15.0)], mmsi=200_000_002)
    grazing = radial([(25.0, 0.0), (19.5, 15.0), (25.0, 15.0)], mmsi=200_000_003)
    assert len(passages(tracks_of([*anchored, *far, *grazing]), RING)) == 0
    # Negative control: with no least length the one that grazed the zone is seen.
    grazed = passages(tracks_of([*anchored, *far, *grazing]), RING, settings=PassageSettings(least_nm=0.0))
    assert grazed.mmsi.tolist() == [200_000_003]
    assert len(passages(tracks_of([]), RING)) == 0
    assert len(passages(tracks_of(radial([(3.0, 0.0), (3.0, 1.0)])[:1]), RING)) == 0


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.floats(4.0, 25.0), st.floats(4.0, 25.0), st.floats(0.0, 359.0), st.floats(60.0, 600.0)),
        min_size=1,
        max_size=5,
    ),
    st.floats(5.0, 20.0),
)
def test_ships_read_together_or_apart_give_the_same_passages(
    ships: list[tuple[float, float, float, float]], cap_kn: float
) -> None:
    tracks = [
        radial([(30.0, 0.0), (0.0, a), (-30.0, b)], mmsi=200_000_001 + k, bearing_deg=bearing, step_s=step)
        for k, (a, b, bearing, step) in enumerate(ships)
    ]
    together = passages(tracks_of([row for rows in tracks for row in rows]), RING)
    apart = joined_passages([passages(tracks_of(rows), RING) for rows in reversed(tracks)])
    for name in Passages.__dataclass_fields__:
        assert np.array_equal(getattr(together, name), getattr(apart, name)), name
    within = together.share_within(cap_kn)
    assert ((within >= 0.0) & (within <= 1.0)).all()
    assert (together.mean_speed_kn <= together.max_speed_kn + 1e-9).all()
    line_h = np.bincount(together.line_passage, weights=together.line_h, minlength=len(together))
    miles = np.bincount(
        together.line_passage, weights=together.line_h * together.line_speed_kn, minlength=len(together)
    )
    assert line_h == pytest.approx(together.hours, rel=1e-12)
    assert miles == pytest.approx(together.distance_nm, rel=1e-12)


def test_taking_passages_keeps_their_own_lines() -> None:
    rows = [
        *radial([(30.0, 0.0), (-30.0, 9.0)], mmsi=200_000_001),
        *radial([(30.0, 0.0), (0.0, 16.0), (-30.0, 11.0)], mmsi=200_000_002),
    ]
    found = passages(tracks_of(rows), RING)
    second = found.take(np.array([False, True]))
    assert second.mmsi.tolist() == [200_000_002]
    assert set(second.line_passage.tolist()) == {0}
    assert second.share_within(12.0) == pytest.approx(found.share_within(12.0)[1:])


def test_the_harbour_approach_of_san_pedro_bay_is_cut_off() -> None:
    one = programme("san-pedro-bay-20")
    assert one.inner is not None
    lat, lon = 33.65, -118.21  # before the breakwater, inside the regulated navigation area
    rows = [(200_000_001, 60.0 * k, lat - 0.4 + 0.4 * k / 120, lon, 12.0) for k in range(121)]
    with_inner = passages(tracks_of(rows), one.zone, one.inner)
    without = passages(tracks_of(rows), one.zone)
    assert with_inner.distance_nm[0] < without.distance_nm[0] - 0.5
