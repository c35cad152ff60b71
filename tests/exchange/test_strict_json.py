"""What two JSON readers could understand differently is refused, with the reason; everything else is read."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.errors import RequestRefusedError
from sealane.exchange import strict_json

BAD: list[tuple[bytes, str]] = [
    (b'{"a":1,"a":2}', "duplicate-key"),
    (b'{"b":{"a":1,"\\u0061":2}}', "duplicate-key"),
    (b'{"a":NaN}', "ambiguous-json"),
    (b"[Infinity]", "ambiguous-json"),
    (b"[-Infinity]", "ambiguous-json"),
    (b"[1e400]", "ambiguous-json"),
    (b"[9007199254740992]", "ambiguous-json"),
    (b"[-9007199254740992]", "ambiguous-json"),
    (b"[" + b"9" * 5000 + b"]", "ambiguous-json"),
    (b"[0." + b"1" * 60 + b"]", "ambiguous-json"),
    (b'["\\ud800"]', "ambiguous-json"),
    (b'{"\\udfff":1}', "ambiguous-json"),
    (b'["\\ud800x\\udc00"]', "ambiguous-json"),
    (b'["\xed\xa0\x80"]', "malformed-json"),
    (b"\xef\xbb\xbf{}", "malformed-json"),
    (b'{"a":1} x', "malformed-json"),
    (b"{}{}", "malformed-json"),
    (b'{"a":1,}', "malformed-json"),
    (b"{'a':1}", "malformed-json"),
    (b"[01]", "malformed-json"),
    (b'["\x01"]', "malformed-json"),
    (b"", "malformed-json"),
    (b"\xff", "malformed-json"),
    ("[1]".encode("utf-16"), "malformed-json"),
    (b"[" * 33 + b"]" * 33, "json-too-deep"),
    (b'{"a":' * 33 + b"1" + b"}" * 33, "json-too-deep"),
    (b"[" * 500_000, "json-too-deep"),
]


@pytest.mark.parametrize(("data", "kind"), BAD)
def test_ambiguous_or_malformed_json_is_refused(data: bytes, kind: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        strict_json.parse(data)
    assert (refused.value.status, refused.value.kind) == (400, kind)
    assert refused.value.remedy


def test_an_ordinary_reader_takes_most_of_it() -> None:
    """Negative control: without the strictness these bodies would be understood one way or another."""
    taken = 0
    for data, kind in BAD:
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            continue
        taken += kind in {"duplicate-key", "ambiguous-json"}
    assert taken == sum(kind in {"duplicate-key", "ambiguous-json"} for _, kind in BAD) - 1  # 5,000 digits


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(RequestRefusedError) as refused:
        strict_json.parse(b'{"a":1,"a":2,"b":NaN,"c":[99999999999999999999],"c":1}')
    assert [fault.where for fault in refused.value.faults] == [
        "value NaN",
        "number 99999999999999999999",
        "key 'a'",
        "key 'c'",
    ]


def test_a_body_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(RequestRefusedError) as refused:
        strict_json.parse(b"[" + b" " * 100, max_bytes=100)
    assert refused.value.status == 413


def test_brackets_inside_strings_are_no_depth() -> None:
    text = '["' + "[{" * 1000 + '\\"[["]'
    assert strict_json.parse(text.encode()) == json.loads(text)


def test_an_object_is_asked_for_where_one_is_needed() -> None:
    assert strict_json.parse_object(b'{"a": [1, 2.5, null, true]}') == {"a": [1, 2.5, None, True]}
    for other in (b"[]", b"1", b'"a"', b"null", b"true", b"1.5"):
        with pytest.raises(RequestRefusedError, match="Send a JSON object"):
            strict_json.parse_object(other)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-strict_json.MAX_INTEGER, strict_json.MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_json_writes_is_read_as_it_was(value: object, ascii_only: bool) -> None:
    assert strict_json.parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        strict_json.parse(data)
    except RequestRefusedError as refused:
        assert refused.status == 400


UNFINISHED = b"[]" * (strict_json.MAX_DEPTH + 1) + b'\\"' * 300_000


def test_a_string_without_an_end_costs_no_more_than_any_other_body() -> None:
    """Quotes that all seem to begin a string took hours of processor time, squared in the length of the body."""
    program = "import sys; from sealane.exchange import strict_json; strict_json.parse(sys.stdin.buffer.read())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=UNFINISHED,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20)),
    )
    assert b"malformed-json" in done.stderr or b"The body is not JSON" in done.stderr


def test_the_list_of_faults_is_no_longer_than_it_can_be_shown() -> None:
    for body in (b"{" + b'"a":1,' * 10_000 + b'"a":1}', b"[" + b"1e400," * 10_000 + b"NaN]"):
        with pytest.raises(RequestRefusedError) as caught:
            strict_json.parse(body)
        assert len(caught.value.faults) == 200
