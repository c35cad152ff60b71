"""A clause as an offer and back; the closed profile refuses everything it does not name."""

from __future__ import annotations

import copy
import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.dsp_schemas import validator

from sealane.agreements.clauses import (
    Clause,
    Granularity,
    Grouping,
    Onward,
    Period,
    Prohibition,
    RowFilter,
    Terms,
)
from sealane.errors import DataError
from sealane.exchange.odrl import PROFILE, duration_text, read_duration, read_policy, write_policy
from sealane.exchange.policies import canonical, offer_of, public_offer, read_offer, same_rules, terms_of

DIGEST = "0123456789abcdef" * 4
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-.[]0123456789", min_size=1, max_size=12)
SETS = st.frozensets(NAMES, max_size=3)
TIMES = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2090, 1, 1), timezones=st.just(dt.UTC))
DURATIONS = st.integers(0, 10**8).map(lambda seconds: dt.timedelta(seconds=seconds))


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    granularity = draw(st.sampled_from(Granularity))
    grouping = Grouping(
        by=tuple(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))),
        measures=tuple(draw(st.lists(NAMES, max_size=2, unique=True))),
        period=draw(st.sampled_from(Period)),
        contributor=draw(NAMES),
        minimum_group=draw(st.integers(3, 50)),
    )
    clause = Clause(
        id=draw(NAMES),
        provider=draw(NAMES),
        recipients=tuple(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))),
        dataset="port-calls",
        fields=tuple(draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))),
        purposes=draw(st.frozensets(NAMES, min_size=1, max_size=3)),
        granularity=granularity,
        rows=RowFilter(draw(SETS), draw(SETS), draw(SETS), draw(st.none() | TIMES), draw(st.none() | TIMES)),
        delay=draw(DURATIONS),
        valid_from=draw(TIMES),
        valid_until=draw(st.none() | TIMES),
        grouping=grouping if granularity is Granularity.AGGREGATE else None,
        onward=draw(st.sampled_from(Onward)),
        delete_after=draw(st.none() | DURATIONS),
        demonstration=draw(st.booleans()),
        note=draw(st.none() | NAMES),
    )
    prohibitions = tuple(
        Prohibition(name, draw(SETS), tuple(draw(SETS)), draw(SETS), draw(NAMES), draw(st.none() | NAMES))
        for name in draw(st.lists(NAMES, max_size=2, unique=True))
    )
    return Terms(draw(NAMES), draw(st.integers(1, 99)), clause, prohibitions)


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return the same JSON with every list and every object in another order."""
    if isinstance(value, list):
        items = [shuffled(item, chance) for item in value]
        chance.shuffle(items)
        return items
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return value


@given(terms(), st.randoms(use_true_random=False))
def test_a_clause_survives_the_way_through_an_offer(given_terms: Terms, chance: random.Random) -> None:
    offer = offer_of(given_terms, DIGEST, "urn:p", "urn:c")
    got = read_offer(shuffled(offer.document(with_target=True), chance), "offer")
    assert same_rules(got, offer) == []
    assert terms_of(got.policy, got.target) == (canonical(given_terms), DIGEST)
    assert read_policy(write_policy(got.policy), "again") == got.policy


@given(terms(), terms())
def test_other_terms_never_give_the_same_offer(one: Terms, other: Terms) -> None:
    first, second = (offer_of(each, DIGEST, "urn:p", "urn:c") for each in (one, other))
    assert (first.policy == second.policy) == (canonical(one) == canonical(other))
    assert (first.id == second.id) == (canonical(one) == canonical(other))


def example() -> Terms:
    clause = Clause(
        id="calls",
        provider="a",
        recipients=("b",),
        dataset="port-calls",
        fields=("eventID", "portCall"),
        purposes=frozenset({"port-call-optimisation"}),
        granularity=Granularity.RECORD,
        rows=RowFilter(frozenset({"JPYOK"})),
        delay=dt.timedelta(hours=6),
        valid_from=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        valid_until=dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
        delete_after=dt.timedelta(days=30),
        demonstration=True,
    )
    labour = Prohibition("labour", frozenset({"labour"}), (), frozenset({"labour-tracking"}), "a law")
    return Terms("agreement", 3, clause, (labour,))


def document() -> dict[str, Any]:
    return copy.deepcopy(offer_of(example(), DIGEST, "urn:p", "urn:c").document(with_target=True))


def constraint(data: dict[str, Any], operand: str, operator: str | None = None) -> dict[str, Any]:
    for found in data["permission"][0]["constraint"]:
        if found.get("leftOperand", "").endswith(operand) and operator in (None, found["operator"]):
            return found  # type: ignore[no-any-return]
    raise AssertionError(operand)


def test_equal_meaning_in_other_words_is_equal() -> None:
    plain, other = document(), document()
    other["permission"][0]["action"] = "http://www.w3.org/ns/odrl/2/use"
    other["profile"] = [PROFILE]
    constraint(other, ":delay")["rightOperand"] = "PT360M"
    constraint(other, "dateTime", "gteq")["rightOperand"] = "2026-01-01T09:00:00+09:00"
    constraint(other, "purpose").update(operator="eq", rightOperand="port-call-optimisation")
    constraint(other, "purpose")["leftOperand"] = "http://www.w3.org/ns/odrl/2/purpose"
    rule = other["permission"][0]
    rule["constraint"] = [{"and": rule["constraint"][:3]}, *rule["constraint"][2:]]
    assert read_policy(other, "other") == read_policy(plain, "plain")
    constraint(other, ":port")["rightOperand"] = ["JPNGO"]
    assert read_policy(other, "other") != read_policy(plain, "plain")


def test_the_offer_says_that_its_terms_are_a_demonstration() -> None:
    assert constraint(document(), ":demonstration")["rightOperand"] == "true"


def broken(change: str) -> dict[str, Any]:
    data = document()
    rule = data["permission"][0]
    first = rule["constraint"][0]
    match change:
        case "unknown operand":
            first["leftOperand"] = f"{PROFILE}:mood"
        case "operand of another vocabulary":
            first["leftOperand"] = "odrl:spatial"
        case "unknown action":
            rule["action"] = "odrl:sell"
        case "delete as permission":
            rule["action"] = "odrl:delete"
        case "unknown operator":
            constraint(data, ":delay")["operator"] = "lteq"
        case "operator of another kind":
            constraint(data, ":granularity")["operator"] = "isAnyOf"
        case "no right operand":
            del first["rightOperand"]
        case "right operand is no text":
            constraint(data, ":delay")["rightOperand"] = 6
        case "right operand is empty":
            constraint(data, ":field")["rightOperand"] = []
        case "two delays":
            rule["constraint"].append(constraint(data, ":delay") | {"rightOperand": "PT7H"})
        case "or":
            rule["constraint"] = [{"or": rule["constraint"]}]
        case "xone":
            rule["constraint"].append({"xone": [first]})
        case "and with more":
            rule["constraint"].append({"and": [first], "or": [first]})
        case "deeper than anyone writes":
            for _ in range(6):
                rule["constraint"] = [{"and": rule["constraint"]}]
        case "months":
            constraint(data, ":delay")["rightOperand"] = "P1M"
        case "local time":
            constraint(data, "dateTime", "lt")["rightOperand"] = "2027-01-01T00:00:00"
        case "granularity unknown":
            constraint(data, ":granularity")["rightOperand"] = "person"
        case "digest":
            constraint(data, ":document")["rightOperand"] = "md5:1"
        case "duty inside":
            rule["duty"] = [{"action": "odrl:compensate"}]
        case "refinement":
            rule["assignee"] = "urn:other"
        case "member of the policy":
            data["inheritFrom"] = "urn:other"
        case "other profile":
            data["profile"] = "urn:other:profile"
        case "no permission":
            del data["permission"]
        case "permission is an object":
            data["permission"] = rule
        case "a constraint is a text":
            rule["constraint"].append("everything")
        case "too many":
            rule["constraint"] = rule["constraint"] * 10
    return data


REFUSED_WHEN_READ = [
    "unknown operand",
    "operand of another vocabulary",
    "unknown action",
    "delete as permission",
    "unknown operator",
    "operator of another kind",
    "no right operand",
    "right operand is no text",
    "right operand is empty",
    "two delays",
    "or",
    "xone",
    "and with more",
    "deeper than anyone writes",
    "months",
    "local time",
    "granularity unknown",
    "digest",
    "duty inside",
    "refinement",
    "member of the policy",
    "other profile",
    "no permission",
    "permission is an object",
    "a constraint is a text",
    "too many",
]


@pytest.mark.parametrize("change", REFUSED_WHEN_READ)
def test_what_the_profile_does_not_name_is_refused(change: str) -> None:
    with pytest.raises(DataError) as refused:
        read_offer(broken(change), "offer")
    assert all(fault.where.startswith("offer") for fault in refused.value.faults)


def test_the_unbroken_offer_is_taken() -> None:
    assert read_offer(broken("nothing"), "offer").target == "port-calls"


@pytest.mark.parametrize("data", [None, [], "use", 3, {}, {"permission": []}])
def test_what_is_no_policy_is_refused(data: object) -> None:
    with pytest.raises(DataError):
        read_policy(data, "policy")


def test_all_faults_are_told_at_once() -> None:
    data = document()
    data["inheritFrom"] = "urn:other"
    data["permission"][0]["action"] = "sell"
    constraint(data, ":delay")["rightOperand"] = "soon"
    del data["target"]
    with pytest.raises(DataError) as refused:
        read_offer(data, "offer")
    assert len(refused.value.faults) == 4


@pytest.mark.parametrize(
    "operand",
    [":agreement", ":document", ":provider", ":recipient", ":field", ":granularity", ":delay", ":onward", "purpose"],
)
def test_a_policy_that_lacks_what_a_clause_says_is_no_clause(operand: str) -> None:
    data = document()
    rule = data["permission"][0]
    rule["constraint"].remove(constraint(data, operand))
    got = read_offer(data, "offer")  # well-formed
    with pytest.raises(DataError):
        terms_of(got.policy, got.target)


def test_a_prohibition_of_both_is_not_taken_for_one_of_either() -> None:
    data = document()
    both = data["prohibition"][0]["constraint"] + data["prohibition"][1]["constraint"]
    unique = [item for number, item in enumerate(both) if item not in both[:number]]
    data["prohibition"] = [{"action": "use", "constraint": unique}]
    with pytest.raises(DataError):
        terms_of(read_offer(data, "offer").policy, "port-calls")


def test_an_offer_of_open_data_is_no_clause() -> None:
    offer = public_offer("port-calls", "urn:p")
    assert read_offer(offer.document(with_target=True), "offer").policy == offer.policy
    with pytest.raises(DataError):
        terms_of(offer.policy, "port-calls")


@given(DURATIONS)
def test_durations_are_read_as_written(value: dt.timedelta) -> None:
    assert read_duration(duration_text(value)) == value


@pytest.mark.parametrize("text", ["", "P", "PT", "P1M", "P1Y", "1D", "P-1D", "P1.5D", "P1DT", "p1d", "P٣D"])
def test_what_has_no_fixed_length_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError):
        read_duration(text)


def test_offers_hold_by_the_published_schema() -> None:
    problems = validator()
    message = {
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
        "@type": "ContractOfferMessage",
        "providerPid": "p",
        "consumerPid": "c",
        "offer": document(),
    }
    assert problems(message) == []
