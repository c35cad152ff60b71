"""The three attribution rules against naive oracles and their laws."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.corridors.call_merge import Part
from sealane.corridors.call_table import CALLS_SCHEMA
from sealane.corridors.lanes.attribution import (
    cargo_shares,
    direct_shares,
    leg_cargo,
    rotation_shares,
    split_between,
    stay_shares,
)
from sealane.corridors.lanes.rotations import Rotations, find_rotations

ENDS = {"USLAX": 1, "USLGB": 1, "CNSHA": 2}
OTHERS = {"USLAX": 1, "JPYOK": 2}
PORTS = ("USLAX", "USLGB", "CNSHA", "JPYOK", "KRPUS")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def calls_of(*ships: Sequence[str], days: float = 7.0) -> pa.Table:
    """Calls of ships at ports, each a day long, `days` apart."""
    rows = [
        {
            "imo": 2200001 + number,
            "port": port,
            "arrival": START + dt.timedelta(days=days * k),
            "departure": START + dt.timedelta(days=days * k + 1),
            "call_id": f"{number}-{k}",
        }
        for number, ports in enumerate(ships)
        for k, port in enumerate(ports)
    ]
    schema = pa.schema([CALLS_SCHEMA.field(name) for name in ("imo", "port", "arrival", "departure", "call_id")])
    return Part.of(pa.Table.from_pylist(rows, schema=schema), "test", "0", "own_file").table


def test_a_long_leg_between_calls_at_one_end_joins_nothing() -> None:
    """A week is a shift between terminals, more is a voyage nobody told of."""
    ports = ("USLAX", "USLGB", "CNSHA")
    assert rotation_shares(find_rotations(calls_of(ports, days=8.0), ENDS)).tolist() == [1, 1]
    assert rotation_shares(find_rotations(calls_of(ports, days=8.01), ENDS)).tolist() == [0, 1]
    back = tuple(reversed(ports))
    assert rotation_shares(find_rotations(calls_of(back, days=8.0), ENDS)).tolist() == [1, 1]
    assert rotation_shares(find_rotations(calls_of(back, days=8.01), ENDS)).tolist() == [1, 0]


def oracle(ports: Sequence[str], ends: dict[str, int]) -> tuple[list[float], list[float]]:
    """Shares by rules direct and rotation, by looking back and ahead from every leg."""
    of = [ends.get(port, 0) for port in ports]
    direct, rotation = [], []
    for leg in range(len(ports) - 1):
        before = next((k for k in range(leg, -1, -1) if of[k]), None)
        after = next((k for k in range(leg + 1, len(of)) if of[k]), None)
        inside = before is not None and after is not None and of[before] != of[after]
        joined = False
        if of[leg] and of[leg] == of[leg + 1]:
            first, last = leg, leg + 1
            while first and of[first - 1] == of[leg]:
                first -= 1
            while last + 1 < len(of) and of[last + 1] == of[leg]:
                last += 1
            behind = next((of[k] for k in range(first - 1, -1, -1) if of[k]), of[leg])
            ahead = next((of[k] for k in range(last + 1, len(of)) if of[k]), of[leg])
            joined = of[leg] not in (behind, ahead) or behind != ahead
        direct.append(float(inside and before == leg and after == leg + 1))
        rotation.append(float(inside or joined))
    return direct, rotation


routes = st.lists(st.lists(st.sampled_from(PORTS), min_size=1, max_size=9), min_size=1, max_size=3)


@given(routes)
def test_direct_and_rotation_are_those_of_the_oracle(ships: list[list[str]]) -> None:
    rotations = find_rotations(calls_of(*ships), ENDS)
    expected = [oracle(ports, ENDS) for ports in ships]
    assert direct_shares(rotations).tolist() == [share for direct, _ in expected for share in direct]
    assert rotation_shares(rotations).tolist() == [share for _, rotation in expected for share in rotation]


def test_a_rotation_by_hand() -> None:
    """LGB and LAX load, Oakland and Busan lie between, Shanghai discharges; then straight back, then to Yokohama."""
    ports = ("USLGB", "USLAX", "USOAK", "KRPUS", "CNSHA", "USLAX", "JPYOK")
    rotations = find_rotations(calls_of(ports), ENDS)
    assert rotation_shares(rotations).tolist() == [1, 1, 1, 1, 1, 0]
    assert direct_shares(rotations).tolist() == [0, 0, 0, 0, 1, 0]
    assert rotations.inside.tolist() == [False, True, True, True, True, False]
    assert [(int(a), int(b)) for a, b in zip(rotations.pass_from, rotations.pass_to, strict=True)] == [(1, 4), (4, 5)]
    # Half of Los Angeles' second stay belongs to the leg from Shanghai, the half towards Yokohama to no pass.
    assert stay_shares(rotations, rotation_shares(rotations)).tolist() == [0.5, 1, 1, 1, 1, 0.5, 0]


def test_a_pass_too_long_counts_to_nothing() -> None:
    ports = ("USLAX", "KRPUS", "CNSHA")
    assert rotation_shares(find_rotations(calls_of(ports, days=10.0), ENDS, 19)).tolist() == [1, 1]
    short = find_rotations(calls_of(ports, days=10.0), ENDS, 18)
    assert rotation_shares(short).tolist() == [0, 0]
    assert short.too_long.tolist() == [True]


def test_a_ship_does_not_continue_another() -> None:
    rotations = find_rotations(calls_of(("USLAX",), ("CNSHA",)), ENDS)
    assert len(rotations.from_call) == 0
    assert len(rotations.pass_from) == 0


def _cargo(
    rotations: Rotations, loaded: object, discharged: object, onboard: object
) -> tuple[list[float], list[float]]:
    unknown = np.full(len(rotations.ship), np.nan)
    cargo = leg_cargo(rotations, *(np.array(column, float) for column in (loaded, discharged, onboard)), lane=unknown)
    return cargo.onboard.tolist(), cargo.lane.tolist()


def test_cargo_by_hand() -> None:
    """docs/method/lanes.md: 600 loaded at Los Angeles onto 400; Busan takes half of all, Shanghai the rest."""
    rotations = find_rotations(calls_of(("USLAX", "KRPUS", "CNSHA")), ENDS)
    onboard, lane = _cargo(rotations, [600, 100, 0], [0, 500, 600], [1000, np.nan, np.nan])
    assert onboard == [1000, 600]
    assert lane == [300, 300]
    tonnes = leg_cargo(rotations, *(np.full(3, np.nan),) * 4)
    teu = leg_cargo(
        rotations,
        np.array([600.0, 100, 0]),
        np.array([0.0, 500, 600]),
        np.array([1000.0] + [np.nan] * 2),
        np.full(3, np.nan),
    )
    assert cargo_shares(rotations, tonnes, teu).tolist() == pytest.approx([0.3, 0.5])


def test_told_cargo_stands_before_worked_out() -> None:
    rotations = find_rotations(calls_of(("USLAX", "CNSHA")), ENDS)
    cargo = leg_cargo(
        rotations, np.array([600.0, 0]), np.array([0.0, 1000]), np.array([1000.0, 0]), np.array([250.0, np.nan])
    )
    assert cargo.lane.tolist() == [250.0]
    assert cargo.mixed.tolist() == [False]


def test_unknown_discharge_leaves_the_cargo_unknown() -> None:
    rotations = find_rotations(calls_of(("USLAX", "KRPUS", "CNSHA")), ENDS)
    _, lane = _cargo(rotations, [600, 0, 0], [0, np.nan, 100], [1000, 500, 0])
    assert np.isnan(lane).all()


amounts = st.floats(0, 1000).map(lambda x: round(x, 3)) | st.just(float("nan"))


@given(routes, st.data())
def test_cargo_for_the_lane_is_never_more_than_what_is_on_board(ships: list[list[str]], data: st.DataObject) -> None:
    table = calls_of(*ships)
    n = len(table)
    column = st.lists(amounts, min_size=n, max_size=n)
    loaded, discharged, onboard = (np.array(data.draw(column)) for _ in range(3))
    nowhere = np.full(n, np.nan)
    claims = []
    for ends in (ENDS, OTHERS):
        rotations = find_rotations(table, ends)
        cargo = leg_cargo(rotations, loaded, discharged, onboard, nowhere)
        known = ~np.isnan(cargo.lane)
        assert (cargo.lane[known] >= 0.0).all()
        assert (cargo.lane[known] <= cargo.onboard[known] * (1 + 1e-12)).all()
        share = cargo_shares(rotations, cargo, cargo)
        assert ((share >= 0.0) & (share <= 1.0) | np.isnan(share)).all()
        claims.append(share)
    # Two corridors with different ends on one side: the cargo of one is not that of the other.
    total = np.nansum(np.stack(claims), axis=0)
    assert (total <= 1.0 + 1e-9).all()


@given(routes, st.lists(st.sampled_from([ENDS, OTHERS, {"USLAX": 1, "KRPUS": 2}]), min_size=1, max_size=3))
def test_shares_of_several_corridors_sum_to_at_most_the_whole(
    ships: list[list[str]], corridors: list[dict[str, int]]
) -> None:
    table = calls_of(*ships)
    for rule in (direct_shares, rotation_shares):
        claims = [rule(find_rotations(table, ends)) for ends in corridors]
        split = split_between(claims)
        total = np.sum(split, axis=0)
        assert (total <= 1.0 + 1e-12).all()
        # What is claimed by anybody is given out whole; nobody gets what he did not claim.
        assert np.allclose(total, np.minimum(np.sum(claims, axis=0), 1.0))
        assert all(((share > 0) == (claim > 0)).all() for share, claim in zip(split, claims, strict=True))


def test_without_the_split_two_corridors_would_claim_more_than_the_whole() -> None:
    """Negative control: the law above is not fulfilled by itself."""
    table = calls_of(("CNSHA", "JPYOK", "USLAX"))
    claims = [rotation_shares(find_rotations(table, ends)) for ends in (ENDS, OTHERS)]
    assert np.sum(claims, axis=0).max() == 2.0


@given(routes, st.integers(0, 2**32 - 1))
def test_stays_are_given_out_at_most_once(ships: list[list[str]], seed: int) -> None:
    rotations = find_rotations(calls_of(*ships), ENDS)
    shares = np.random.default_rng(seed).uniform(0, 1, len(rotations.from_call))
    stays = stay_shares(rotations, shares)
    assert ((stays >= 0) & (stays <= 1)).all()
    assert stays.sum() <= shares.sum() + 1e-9
