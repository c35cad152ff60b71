"""JSON from outside: one meaning only, elements cut out byte by byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.errors import Fault
from sealane.products.json_text import MAX_DEPTH, elements, parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.integers(0, 3))
def test_what_python_writes_is_read_back(value: object, indent: int) -> None:
    faults: list[Fault] = []
    assert parse(json.dumps(value, indent=indent or None).encode(), "x", faults) == value
    assert faults == []


@given(st.lists(VALUES, max_size=5), st.booleans())
def test_elements_keep_their_bytes(values: list[object], spaced: bool) -> None:
    written = [json.dumps(value, indent=2 if spaced else None, ensure_ascii=False) for value in values]
    text = '{ "before": {"events": [1]}, "events" : [' + (" , " if spaced else ",").join(written) + ' ] , "after": [] }'
    faults: list[Fault] = []
    found = elements(text.encode(), "events", "$", faults)
    assert faults == []
    assert found is not None
    assert [value for value, _ in found] == values
    assert [body.decode() for _, body in found] == written


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' twice"),
        ('{"b": {"a": 1, "c": 0, "a": 1}}', "the key 'a' twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "which no machine can hold"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ('{"a": 1} x', "more text"),
        ('{"a": 1', "no JSON at line 1"),
        ("", "no JSON"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "levels"),
        ("[" * 100_000, "without end"),
        ("9" * 5000, "too many digits"),
    ],
)
def test_what_has_two_meanings_is_refused(text: str, found: str) -> None:
    faults: list[Fault] = []
    assert parse(text.encode(), "body", faults) is None
    assert len(faults) == 1
    assert found in faults[0].found
    # The same inside an array of events.
    inside: list[Fault] = []
    assert elements(b'{"events": [' + text.encode() + b"]}", "events", "$", inside) is None or text == ""
    assert len(inside) == (0 if text == "" else 1)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '"x"',
        "{}",
        "{1: 2}",
        '{"events": 1}',
        '{"events": {}}',
        '{"events": [1,]}',
        '{"events": [1 2]}',
        '{"events": [], "events": []}',
        '{"events": []',
        '{"events" []}',
        '{"events": []} {}',
        '{"events": [], }',
    ],
)
def test_a_document_of_another_form_is_refused(text: str) -> None:
    faults: list[Fault] = []
    assert elements(text.encode(), "events", "$", faults) is None
    assert len(faults) == 1


def test_bytes_that_are_no_utf8_are_refused() -> None:
    faults: list[Fault] = []
    assert parse(b'{"a": "\xff"}', "f.json", faults) is None
    assert "byte 8 is no UTF-8" in faults[0].found


def test_the_depth_allowed_is_read() -> None:
    faults: list[Fault] = []
    parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "x", faults)
    assert faults == []
