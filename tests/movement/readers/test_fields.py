"""Fields as they come: numbers of any length and clocks that were never set are rejected, never a crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.movement.readers.fields import FieldError, parsers

LONG = "9" * 400  # no float
LONGER = "9" * 5000  # more digits than Python turns into a whole number

TEXTS = st.one_of(st.text(max_size=30), st.text("0123456789+-.eE: TZ/", max_size=30), st.sampled_from([LONG, LONGER]))


@given(text=TEXTS, kind=st.sampled_from(["iso", "day_first", "unix"]), comma=st.booleans())
def test_any_text_gives_a_value_or_a_reason(text: str, kind: str, comma: bool) -> None:
    for column, parse in parsers(kind, decimal_comma=comma).items():
        try:
            value = parse(text)
        except FieldError as error:
            assert str(error), column
        else:
            assert value is None or isinstance(value, int | float | str)


@pytest.mark.parametrize("digits", [LONG, LONGER])
@pytest.mark.parametrize("column", ["mmsi", "imo", "nav_status", "ais_type", "lat", "sog_kn"])
def test_endless_numbers_are_faults(column: str, digits: str) -> None:
    for text in (digits, f"{digits}.0"):
        with pytest.raises(FieldError):
            parsers()[column](text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1970-01-01T00:00:00", "iso"),
        ("1980-01-06 00:00:00", "iso"),
        ("0001-01-01T00:00:00+14:00", "iso"),
        ("1997-12-31T23:59:59Z", "iso"),
        ("2100-01-01T00:00:00Z", "iso"),
        ("9999-12-31T23:59:59-14:00", "iso"),
        ("31/12/1997 23:59:59", "day_first"),
        ("100000000", "unix"),
    ],
)
def test_a_clock_that_was_never_set_is_a_fault(text: str, kind: str) -> None:
    with pytest.raises(FieldError, match="clock was not set"):
        parsers(kind)["time"](text)


def test_the_first_and_last_moment_are_taken() -> None:
    assert parsers()["time"]("1998-01-01T00:00:00") == 883_612_800_000_000
    assert parsers()["time"]("2099-12-31T23:59:59.999999") == 4_102_444_799_999_999
