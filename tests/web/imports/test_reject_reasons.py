"""Reasons for rejected rows are told in the reader's language, whatever reader of files gave them."""

from __future__ import annotations

import pytest

from sealane.errors import Phrase
from sealane.movement.readers import delimited, nmea
from sealane.movement.readers.fields import FieldError, parsers
from sealane.web.imports.reasons import REASONS, reason_of
from sealane.web.words import Words

WRONG = ("", "x", "-1", "99999999999", "1e400", "2020-01-01", "1901-01-01T00:00:00", "IMO-", "400", "1_0")


def given_by_fields() -> set[str]:
    """What the parsers of every column and every form of time say of wrong values."""
    found = set()
    for kind in ("iso", "day_first", "unix"):
        for parse in parsers(kind).values():
            for text in WRONG:
                try:
                    parse(text)
                except FieldError as error:
                    found |= {str(error), f"field ignored: {error}"}
    return found


def test_every_reason_of_a_field_is_known() -> None:
    reasons = given_by_fields()
    assert len(reasons) >= 20
    assert [reason for reason in sorted(reasons) if not Words("ja").has_phrase(reason_of(reason))] == []


def test_every_reason_of_a_log_and_of_a_record_is_known() -> None:
    reasons = {reason for _, reason in nmea.REASONS.values()} | set(delimited._WRONG.values())
    reasons |= {"3 fields where the header has 12", "not a WKB point"}
    assert [reason for reason in sorted(reasons) if not Words("ja").has_phrase(reason_of(reason))] == []


def test_a_reason_nobody_knows_stays_as_it_is() -> None:
    assert reason_of("the moon is full") == "the moon is full"
    assert not isinstance(reason_of("the moon is full"), Phrase)
    # What it holds is no number: it could be a sentence of a file.
    assert not isinstance(reason_of("<b>x</b> fields where the header has 2"), Phrase)


def test_a_reason_within_a_reason_is_told_whole() -> None:
    told = Words("ja").phrase(reason_of("field ignored: outside 0 to 15, the navigational statuses"))
    assert "0" in told
    assert "15" in told
    assert "outside" not in told
    assert "statuses" not in told


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_every_reason_has_japanese_words(reason: Phrase) -> None:
    assert Words("ja").has_phrase(reason)
