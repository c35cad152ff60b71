"""Check digits against published examples, and against every single wrong digit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.products.codes import (
    container_check_digit,
    container_fault,
    imo_check_digit,
    imo_fault,
    locode_fault,
    locode_known,
    mmsi_fault,
    terminal_fault,
)

# CSQU3054383 is the worked example of ISO 6346; the others stand in DCSA's specification and in the field's primers.
CONTAINERS = ("CSQU3054383", "APZU4812090", "MSKU1234565", "SUDU1910806")
# 9074729 is the worked example of the check digit in IMO's circular; the others stand in DCSA's specifications.
IMO_NUMBERS = ("9074729", "9321483", "9295268")


@pytest.mark.parametrize("code", CONTAINERS)
def test_published_container_numbers_are_sound(code: str) -> None:
    assert container_fault(code) is None


@pytest.mark.parametrize("code", IMO_NUMBERS)
def test_published_imo_numbers_are_sound(code: str) -> None:
    assert imo_fault(code) is None


@pytest.mark.parametrize("code", CONTAINERS)
def test_every_other_check_digit_of_a_container_is_refused_and_the_right_one_named(code: str) -> None:
    for digit in "0123456789":
        if digit == code[-1]:
            continue
        wrong = container_fault(code[:-1] + digit)
        assert wrong is not None
        assert f"would be {code[-1]}" in wrong.found


@pytest.mark.parametrize("code", IMO_NUMBERS)
def test_every_other_check_digit_of_a_ship_is_refused_and_the_right_one_named(code: str) -> None:
    for digit in "0123456789":
        if digit == code[-1]:
            continue
        wrong = imo_fault(code[:-1] + digit)
        assert wrong is not None
        assert f"would be {code[-1]}" in wrong.found


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3), st.integers(0, 999_999))
def test_the_container_check_digit_is_one_digit(owner: str, serial: int) -> None:
    code = f"{owner}U{serial:06d}"
    assert 0 <= container_check_digit(code) <= 9
    assert container_fault(f"{code}{container_check_digit(code)}") is None


@given(st.integers(0, 999_999))
def test_the_imo_check_digit_is_one_digit(serial: int) -> None:
    code = f"{serial:06d}"
    assert imo_fault(f"{code}{imo_check_digit(code)}") is None


@pytest.mark.parametrize(
    ("check", "sound", "wrong"),
    [
        (
            container_fault,
            "CSQU3054383",
            ("CSQU305438", "csqu3054383", "CSQX3054383", "CSQU 305438 3", "CSQU305438٣", ""),
        ),
        (imo_fault, "9321483", ("932148", "IMO9321483", "93214833", "932148٣", "")),
        (mmsi_fault, "278111222", ("27811122", "978111222", "1781112222", "27811122a", "")),
        (locode_fault, "JPNGO", ("JP NGO", "jpngo", "JPN", "JPNG1", "J1NGO", "JPNG0", "")),
        (terminal_fault, "ADT", ("A", "adt", "ABCDEFG", "A DT", "")),
    ],
)
def test_forms(check: object, sound: str, wrong: tuple[str, ...]) -> None:
    assert callable(check)
    assert check(sound) is None
    for code in wrong:
        found = check(code)
        assert found is not None, code
        assert found.remedy


def test_a_sea_port_is_known_and_an_inland_place_is_not() -> None:
    assert locode_known("USLAX")
    assert locode_known("JPNGO")
    assert not locode_known("FRPAR")
