"""The kernel against the slow, obvious reference, and the properties that must hold for any input."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.emissions.static_data import STATIC_SUMMARY_SCHEMA
from sealane.emissions.vessels import VesselRegister, resolve_vessels
from sealane.inventory.batch import Batch, compute
from sealane.inventory.batch_context import Context
from sealane.inventory.context import build_context
from sealane.inventory.settings import Settings
from sealane.inventory.shore_power import Connections
from sealane.movement.tracks import Tracks
from tests.inventory.oracle import Ship, reference
from tests.inventory.world import PORT, track, zones

MMSI = 366_000_001


def tracks_of(frames: dict[int, pd.DataFrame]) -> Tracks:
    """Clean tracks from frames."""
    parts = [frame.assign(mmsi=mmsi) for mmsi, frame in sorted(frames.items())]
    table = pd.concat(parts)
    return Tracks(
        mmsi=table["mmsi"].to_numpy(np.int32),
        time_us=table["time_us"].to_numpy(np.int64),
        lat=table["lat"].to_numpy(np.float64),
        lon=table["lon"].to_numpy(np.float64),
        speed_dkn=np.rint(table["sog_kn"] * 10).to_numpy(np.int16),
        speed_derived=np.zeros(len(table), np.uint8),
        heading_deg=np.full(len(table), 511, np.int16),
        nav_status=table["status"].to_numpy(np.int8),
        draught_dm=np.rint(table["draught_m"] * 10).to_numpy(np.int16),
    )


def register_of(mmsi: list[int], ais_type: int = 70, length_m: float = 260.0) -> VesselRegister:
    """Ships known from AIS alone."""
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [
        {
            "mmsi": m,
            "transceiver_class": "A",
            "imo": None,
            "vessel_name": f"TEST {m}",
            "call_sign": None,
            "ais_type": ais_type,
            "length_m": length_m,
            "beam_m": 32.0,
            "draught_max_m": 12.0,
            "rows": 10,
            "first_time": moment,
            "last_time": moment,
        }
        for m in mmsi
    ]
    return resolve_vessels(pa.Table.from_pylist(rows, schema=STATIC_SUMMARY_SCHEMA), None)


def context_of(register: VesselRegister, method: str = "epa-2022") -> Context:
    """A context over the made-up world, periods on both sides of the year 2020."""
    return build_context(
        register,
        zones(),
        PORT,
        method=method,
        gwp="ar5",
        settings=Settings(),
        first=datetime(2019, 12, 30, tzinfo=UTC),
        last=datetime(2020, 1, 10, tzinfo=UTC),
        connections=Connections(),
    ).context


@pytest.fixture(scope="module")
def context() -> Context:
    return context_of(register_of([MMSI, MMSI + 1, MMSI + 2]))


def frame_of(batch: Batch, name: str) -> pd.DataFrame:
    return batch.tables[name].to_pandas()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("ais_type", "length_m"), [(70, 260.0), (80, 180.0), (60, 300.0)])
def test_kernel_equals_reference(seed: int, ais_type: int, length_m: float) -> None:
    register = register_of([MMSI], ais_type, length_m)
    particulars = register.ships[0]
    frame = track(seed)
    batch = compute(tracks_of({MMSI: frame}), context_of(register))
    ship = Ship(
        particulars.engine_type,
        particulars.aux_engine_type,
        particulars.nox_tier,
        particulars.keel_year,
        particulars.ship_class,
        particulars.subtype,
        particulars.installed_kw,
        particulars.max_speed_kn,
        particulars.max_draught_m,
    )
    calls = frame_of(batch, "calls")
    spans = [
        (row.call_id, row.first_seen.value // 1000, row.last_seen.value // 1000)
        for row in calls.itertuples(index=False)
    ]

    def call_of(i: int) -> str | None:
        t = int(frame["time_us"].iloc[i])
        return next((name for name, a, b in spans if a <= t <= b), None)

    want_activity, want_inventory = reference(frame, ship, zones(), call_of)
    got_activity = frame_of(batch, "activity")
    got_activity["hour"] = got_activity["hour"].astype("int64") // 3_600_000_000
    _same(
        got_activity,
        want_activity,
        ["call_id", "hour", "mode", "zone", "evidence"],
        ["hours", "distance_nm", "main_kwh", "aux_kwh", "boiler_kwh"],
    )
    _same(
        frame_of(batch, "inventory"),
        want_inventory,
        ["call_id", "mode", "source", "zone", "pollutant", "basis"],
        ["grams"],
    )
    assert len(calls) >= 1  # the track does berth: the comparison covers calls
    assert want_activity["evidence"].nunique() >= 3


def _same(got: pd.DataFrame, want: pd.DataFrame, keys: list[str], values: list[str]) -> None:
    def grouped(frame: pd.DataFrame) -> pd.DataFrame:
        plain = frame.assign(**{k: frame[k].astype(object).where(frame[k].notna(), "-") for k in keys})
        return plain.groupby(keys)[values].sum().sort_index()

    left, right = grouped(got), grouped(want)
    assert list(left.index) == list(right.index)
    np.testing.assert_allclose(left.to_numpy(float), right.to_numpy(float), rtol=1e-10, atol=1e-12)


def test_reference_would_notice_a_wrong_factor(context: Context) -> None:
    """Negative control: a kernel with one factor a thousandth off does not pass the comparison."""
    frame = track(1)
    right = compute(tracks_of({MMSI: frame}), context)
    factors = context.factors._replace(auxiliary=context.factors.auxiliary * 1.001)
    wrong = compute(tracks_of({MMSI: frame}), replace(context, factors=factors))
    keys = ["call_id", "mode", "source", "zone", "pollutant", "basis"]
    with pytest.raises(AssertionError):
        _same(frame_of(wrong, "inventory"), frame_of(right, "inventory"), keys, ["grams"])


def test_sums_agree_between_tables(context: Context) -> None:
    """Activity, load lines, inventory and heat map tell the same hours, energy and mass."""
    batch = compute(tracks_of({MMSI + k: track(10 + k) for k in range(3)}), context)
    activity, lines, inventory = (frame_of(batch, name) for name in ("activity", "load_lines", "inventory"))
    hours = lines["hours"].sum()
    assert activity["hours"].sum() == pytest.approx(hours, rel=1e-12)
    assert batch.seen_us[:, :2].sum() / 3.6e9 == pytest.approx(hours, rel=1e-12)
    assert batch.grid[:, 0].sum() / 3.6e9 == pytest.approx(hours, rel=1e-12)
    for power, work in (("main_kw", "main_kwh"), ("aux_kw", "aux_kwh"), ("boiler_kw", "boiler_kwh")):
        assert activity[work].sum() == pytest.approx((lines[power] * lines["hours"]).sum(), rel=1e-12)
    nox = inventory[(inventory.pollutant == "nox")]["grams"].sum()
    assert batch.grid[:, 3 + 4].sum() / 1e6 == pytest.approx(nox, rel=1e-9)
    calls = frame_of(batch, "calls")
    by_mode = calls[[c for c in calls if c.endswith("_h") and c not in {"interpolated_h", "unobserved_h"}]].sum().sum()
    assert by_mode == pytest.approx(activity[activity.call_id.notna()]["hours"].sum(), rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.floats(0.05, 0.95))
def test_emissions_are_additive_over_legs(seed: int, cut: float) -> None:
    """A track cut at a report, both parts keeping it, gives the sum of its parts (calls aside, which need both)."""
    register = register_of([MMSI])
    ctx = context_of(register)
    frame = track(seed, hours=30)
    at = int(len(frame) * cut)
    whole = frame_of(compute(tracks_of({MMSI: frame}), ctx), "inventory")
    parts = pd.concat(
        frame_of(compute(tracks_of({MMSI: part}), ctx), "inventory") for part in (frame[: at + 1], frame[at:])
    )
    assert (whole["grams"] >= 0).all()
    keys = ["mode", "source", "zone", "pollutant", "basis"]
    _same(parts, whole, keys, ["grams"])


def test_antimeridian_and_pole() -> None:
    """Positions on both sides of 180 degrees and near the pole yield finite, small distances."""
    start = int(datetime(2020, 1, 2, tzinfo=UTC).timestamp() * 1e6)
    minutes = np.arange(0, 300, 20)
    lon = 179.9 + minutes / 60 * 0.2
    frame = pd.DataFrame(
        {
            "time_us": start + minutes * 60_000_000,
            "lat": 10.0,
            "lon": np.where(lon > 180, lon - 360, lon),
            "sog_kn": 12.0,
            "status": 0,
            "draught_m": 10.0,
        }
    )
    polar = frame.assign(lat=89.99, lon=np.linspace(-180, 180, len(frame)))
    batch = compute(tracks_of({MMSI: frame, MMSI + 1: polar}), context_of(register_of([MMSI, MMSI + 1])))
    activity = frame_of(batch, "activity").groupby("mmsi")[["hours", "distance_nm"]].sum()
    hours = 280 / 60
    assert activity.loc[MMSI, "hours"] == pytest.approx(hours)
    # 20-minute steps are bridged by the great circle: 0.2 degrees an hour at 10 N is 11.8 nm.
    assert activity.loc[MMSI, "distance_nm"] == pytest.approx(11.8 * hours, rel=0.01)
    assert activity.loc[MMSI + 1, "distance_nm"] < 5 * hours


def test_main_engine_is_off_at_rest(context: Context) -> None:
    """Position noise of 0.1 kn at berth or at anchor is no propulsion."""
    lines = frame_of(compute(tracks_of({MMSI: track(3)}), context), "load_lines")
    resting = lines[(lines["mode"] == "berth") | ((lines["mode"] == "anchorage") & (lines["speed_kn"] <= 1.0))]
    assert len(resting) > 0
    assert (resting["main_kw"] == 0).all()
    moving = lines[lines["mode"].isin(["transit", "manoeuvring"])]
    assert (moving["load"] >= 0.02).all()


def test_imo4_method_runs_and_differs(context: Context) -> None:
    register = register_of([MMSI])
    tracks = tracks_of({MMSI: track(2)})
    epa = frame_of(compute(tracks, context_of(register)), "inventory")
    imo = frame_of(compute(tracks, context_of(register, "imo4-2020")), "inventory")
    a, b = (f[(f.pollutant == "co2") & (f.basis == "ttw")]["grams"].sum() for f in (epa, imo))
    assert 0.4 < b / a < 2.5
    assert a != b
    assert "bc" in set(imo["pollutant"])
    assert "bc" not in set(epa["pollutant"])
