"""The SIMULATED service: the same seed gives the same bytes, and cargo is conserved."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealane.emissions.user_vessels import imo_check_digit_ok, read_user_vessels
from sealane.samples.simulated_service import simulate_service, write_simulated_service


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_simulated_service(tmp_path / name, seed=seed, ships=2, rounds=1)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["calls.csv", "truth.json", "vessels.csv"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "calls.csv").read_bytes() != (tmp_path / "c" / "calls.csv").read_bytes()


def test_every_file_says_that_it_is_simulated(tmp_path: Path) -> None:
    write_simulated_service(tmp_path / "s", ships=1, rounds=1)
    assert all(
        "SIMULATED" in path.read_text().splitlines()[0] + path.read_text() for path in (tmp_path / "s").iterdir()
    )
    assert all(ship.name.startswith("SIMULATED") for ship in simulate_service(ships=2, rounds=1).ships)
    assert len(read_user_vessels(tmp_path / "s" / "vessels.csv").rows) == 1


def test_cargo_is_conserved_and_the_lane_has_a_part_of_it() -> None:
    service = simulate_service(ships=5, rounds=2)
    assert all(imo_check_digit_ok(ship.imo) for ship in service.ships)
    for calls in service.calls:
        for unit in (0, 1):
            aboard = 0.0
            for call in calls:
                aboard += sum(c[unit] for c in call.loaded.values()) - call.discharged[unit]
                assert aboard == pytest.approx(call.onboard[unit], abs=1e-6)
                assert 0.0 <= call.lane[unit] <= call.onboard[unit]
    truth = service.truth
    assert truth["direct"]["wtw_co2e_g"] < truth["rotation"]["wtw_co2e_g"]
    assert 0.0 < truth["cargo"]["wtw_co2e_g"] < truth["rotation"]["wtw_co2e_g"]
