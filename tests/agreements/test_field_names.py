"""Field names, trimming and the rules that fail closed."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agreements.oracle import leaf_passes, leaves, trimmed

from sealane.agreements.fields import MAX_DEPTH, compile_fields, covers_name, leaves_of, name_faults, trim
from sealane.errors import DataError

CALL = {
    "portCall": {"UNLocationCode": "JPNGO", "reference": "NGO-1"},
    "vessel": {"name": "SIMULATED", "vesselIMONumber": "9321483"},
    "movesForecasts": [
        {"carrierCode": "AAA", "restowUnits": {"totalUnits": 3}},
        {"carrierCode": "BBB", "restowUnits": {"totalUnits": 0}},
    ],
}


def test_leaves_carry_dots_and_list_marks() -> None:
    assert leaves_of(CALL) == (
        "movesForecasts[].carrierCode",
        "movesForecasts[].restowUnits.totalUnits",
        "portCall.UNLocationCode",
        "portCall.reference",
        "vessel.name",
        "vessel.vesselIMONumber",
    )


def test_only_named_leaves_pass_and_the_rest_is_named() -> None:
    kept, withheld = trim(CALL, ["portCall.UNLocationCode", "movesForecasts[].carrierCode"])
    assert kept == {
        "portCall": {"UNLocationCode": "JPNGO"},
        "movesForecasts": [{"carrierCode": "AAA"}, {"carrierCode": "BBB"}],
    }
    assert withheld == (
        "movesForecasts[].restowUnits.totalUnits",
        "portCall.reference",
        "vessel.name",
        "vessel.vesselIMONumber",
    )


def test_a_name_covers_all_below_it_but_no_longer_word() -> None:
    assert trim({"a": {"b": 1, "c": [2]}, "ab": 3}, ["a"]) == ({"a": {"b": 1, "c": [2]}}, ("ab",))
    assert covers_name(["a"], "a.b[].c")
    assert not covers_name(["a.b"], "a.bc")
    assert not covers_name(["a.b.c"], "a.b")


def test_what_passes_whole_is_the_payload_itself() -> None:
    kept, withheld = trim(CALL, ["portCall", "vessel", "movesForecasts"])
    assert kept is CALL
    assert withheld == ()


def test_a_prohibition_wins_with_and_without_list_marks() -> None:
    for name in ("movesForecasts.carrierCode", "movesForecasts[].carrierCode"):
        kept, withheld = trim(CALL, ["movesForecasts", "vessel.name"], [name])
        assert kept["movesForecasts"] == [{"restowUnits": {"totalUnits": 3}}, {"restowUnits": {"totalUnits": 0}}]
        assert "movesForecasts[].carrierCode" in withheld
    assert trim({"crew": {"names": ["x"]}}, ["crew[]", "crew"], ["crew[].names"])[0] == {}


@pytest.mark.parametrize(
    ("body", "allowed", "prohibited", "kept"),
    [
        pytest.param({"a": [{"b": 1}]}, ["a.b"], [], {}, id="a list where a mapping is named"),
        pytest.param({"a": {"b": 1}}, ["a[].b"], [], {}, id="a mapping where a list is named"),
        pytest.param({"a": "b"}, ["a.b"], [], {}, id="a value where a mapping is named"),
        pytest.param({"a": "all in one text"}, ["a"], ["a.b"], {}, id="a value above a prohibited name"),
        pytest.param({"a": None, "c": 1}, ["a", "c"], ["a.b"], {"c": 1}, id="null above a prohibited name"),
        pytest.param({"a.b": 1, "a": {"b": 2}}, ["a.b"], [], {"a": {"b": 2}}, id="a dot inside a key"),
        pytest.param({"a": {"b.c": 1, "": 2, "d[]": 3, 4: 5, "e": 6}}, ["a"], [], {"a": {"e": 6}}, id="odd keys"),
        pytest.param(
            {"a": (1, 2), "b": b"x", "c": float("nan"), "d": 1.5}, ["a", "b", "c", "d"], [], {"d": 1.5}, id="no JSON"
        ),
        pytest.param([{"a": 1}], ["a"], [], {}, id="a list as payload"),
        pytest.param("a", ["a"], [], {}, id="a text as payload"),
        pytest.param(None, ["a"], [], {}, id="nothing as payload"),
        pytest.param({"a": 1}, [], [], {}, id="no name at all"),
    ],
)
def test_odd_shapes_are_withheld(body: Any, allowed: list[str], prohibited: list[str], kept: dict[str, Any]) -> None:
    found, withheld = trim(body, allowed, prohibited)
    assert found == kept
    assert withheld


def test_containers_left_empty_vanish_and_empty_ones_stay_where_they_are_named() -> None:
    body = {"a": [{"b": 1}, {"c": 2}, {}], "d": {"e": {"f": 1}}, "g": [], "h": {}, "i": []}
    kept, withheld = trim(body, ["a[].c", "d.x", "g[].k", "h.k", "i.k"])
    assert kept == {"a": [{"c": 2}, {}], "g": [], "h": {}}
    assert withheld == ("a[].b", "d.e.f", "i")


def test_order_of_keys_and_elements_is_kept() -> None:
    kept, _ = trim({"z": 1, "m": [3, {"q": 1, "p": 5}, {"q": 1}, {"p": 4}], "a": 4}, ["a", "m[].p", "z"])
    assert list(kept) == ["z", "m", "a"]
    assert kept["m"] == [{"p": 5}, {"p": 4}]


def test_nothing_below_the_greatest_depth_passes() -> None:
    def nested(depth: int) -> dict[str, Any]:
        body: dict[str, Any] = {"x": 1}
        for _ in range(depth):
            body = {"x": body}
        return body

    assert trim(nested(MAX_DEPTH), ["x"])[1] == ()
    assert trim(nested(MAX_DEPTH + 1), ["x"])[0] == {}
    assert trim(nested(900), ["x"])[0] == {}


def test_any_mapping_will_do() -> None:
    body = MappingProxyType({"a": MappingProxyType({"b": 1, "c": 2})})
    assert trim(body, ["a.b"]) == ({"a": {"b": 1}}, ("a.c",))


@pytest.mark.parametrize("name", ["", ".", "a..b", "a.", ".a", "[]", "a[0]", "a[]b", "a b", "a[].", 7, None])
def test_what_is_no_name_is_a_fault(name: Any) -> None:
    assert [fault.where for fault in name_faults(["fine.name[].x", name], "clauses[0].fields")] == [
        "clauses[0].fields[1]"
    ]
    with pytest.raises(DataError, match="field name"):
        compile_fields((name,))
    with pytest.raises(DataError, match="field name"):
        compile_fields(("a",), (name,))


KEYS = st.sampled_from(["a", "b", "ab", "c", "a.b", ""])
BODIES = st.dictionaries(
    KEYS,
    st.recursive(
        st.sampled_from([1, "x", None, True, 1.5, float("inf")]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)
NAMES = st.lists(st.from_regex(r"(a|b|ab|c)(\[\])?(\.(a|b|ab|c)(\[\])?){0,3}", fullmatch=True), max_size=6)


@given(BODIES, NAMES, NAMES)
def test_trimming_is_what_judging_each_leaf_alone_gives(body: Any, allowed: list[str], prohibited: list[str]) -> None:
    kept, withheld = trim(body, allowed, prohibited)
    wanted, out = trimmed(body, allowed, prohibited)
    assert kept == wanted
    assert list(withheld) == out


@given(BODIES, NAMES, NAMES)
def test_trimming_again_changes_nothing(body: Any, allowed: list[str], prohibited: list[str]) -> None:
    kept, _ = trim(body, allowed, prohibited)
    again, withheld = trim(kept, allowed, prohibited)
    assert again == kept
    assert withheld == () or not kept


def test_the_oracle_can_say_no() -> None:
    (path, value), *_ = leaves({"a": {"b": 1}})
    assert leaf_passes(path, value, [("a",)], [])
    assert not leaf_passes(path, value, [("a",)], [("a", "b")])
    assert not leaf_passes(path, value, [("b",)], [])
