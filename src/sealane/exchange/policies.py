"""A clause of an agreement as a Dataspace Protocol offer, and back.

The offer of a clause says everything that a decision needs, and names the signed document it stands in. Texts that
only explain (notes) stay in the document, whose digest the offer carries.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

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
from sealane.errors import DataError, Fault
from sealane.exchange.odrl import (
    PROFILE,
    Action,
    Constraint,
    Operand,
    Policy,
    Rule,
    Value,
    duration_text,
    read_duration,
    read_policy,
    read_time,
    time_text,
    write_policy,
)

__all__ = ["PROFILE", "Offer", "canonical", "offer_of", "public_offer", "read_offer", "same_rules", "terms_of"]

_GROUPING = frozenset({Operand.GROUPED_BY, Operand.MEASURE, Operand.PERIOD, Operand.CONTRIBUTOR, Operand.MINIMUM_GROUP})
_PROHIBITED = frozenset({Operand.DATASET, Operand.PURPOSE, Operand.FIELD})
_PROHIBITION = _PROHIBITED | {Operand.PROHIBITION, Operand.SOURCE}
_CLAUSE = frozenset(Operand) - {
    Operand.DATASET,
    Operand.ELAPSED_TIME,
    Operand.PROHIBITION,
    Operand.SOURCE,
    Operand.PUBLIC,
}
MAX_ID = 400
_REFERENCE = re.compile(r"(?P<agreement>[^@#]+)@(?P<version>[1-9][0-9]{0,8})#(?P<clause>[^@#]+)")


@dataclass(frozen=True)
class Offer:
    """An offer as one participant makes it to another.

    Attributes
    ----------
    id : made from its content, so that equal offers have equal ids.
    target : id of the data product.
    assigner, assignee : participant ids of provider and consumer; None where the sender left them out.
    terms : the clause behind it; None for public data and for what a test profile seeds.
    """

    id: str
    target: str
    policy: Policy
    assigner: str | None = None
    assignee: str | None = None
    terms: Terms | None = None

    def document(self, *, with_target: bool) -> dict[str, Any]:
        """Write it as JSON; inside a catalogue an offer has no target, its dataset says it."""
        parties = {"assigner": self.assigner, "assignee": self.assignee, "target": self.target if with_target else None}
        given = {key: value for key, value in parties.items() if value is not None}
        return {"@type": "Offer", "@id": self.id, **given, **write_policy(self.policy)}


def offer_of(terms: Terms, digest: str, assigner: str, assignee: str) -> Offer:
    """Return the offer that a clause makes to one participant.

    Parameters
    ----------
    digest : SHA-256 of the signed document, hex.
    assigner, assignee : participant ids.

    Raises
    ------
    ValueError
        When a duration of the clause is not whole seconds.
    """
    policy = _policy_of(terms, digest)
    said = json.dumps([write_policy(policy), terms.clause.dataset, assigner, assignee], sort_keys=True)
    fingerprint = hashlib.sha256(said.encode()).hexdigest()[:32]
    name = f"urn:sealane:offer:{terms.agreement_id}:{terms.version}:{terms.clause.id}:{fingerprint}"
    return Offer(name, terms.clause.dataset, policy, assigner, assignee, terms)


def public_offer(dataset: str, assigner: str) -> Offer:
    """Return the offer of open data: it needs no contract and cannot be negotiated."""
    rule = Rule(Action.USE, frozenset({Constraint(Operand.PUBLIC, "eq", "true")}))
    return Offer(f"urn:sealane:offer:public:{dataset}", dataset, Policy(frozenset({rule})), assigner)


def read_offer(data: object, path: str) -> Offer:
    """Read an offer or agreement somebody sent.

    Raises
    ------
    DataError
        With every fault of its policy, or when ``@id`` or ``target`` is missing.
    """
    faults: list[Fault] = []
    policy: Policy | None = None
    try:
        policy = read_policy(data, path)
    except DataError as error:
        faults.extend(error.faults)
    known: Mapping[str, Any] = data if isinstance(data, dict) else {}
    for key in ("@id", "target"):
        if not _is_id(known.get(key)):
            faults.append(Fault(f"{path}.{key}", "missing, no text or too long", f"Send the {key} of the offer."))
    for key in ("assigner", "assignee"):
        if known.get(key) is not None and not _is_id(known[key]):
            faults.append(Fault(f"{path}.{key}", "not text", "Send a participant id, or leave it out."))
    if faults or policy is None:
        raise DataError("The offer cannot be used.", faults)
    return Offer(known["@id"], known["target"], policy, known.get("assigner"), known.get("assignee"))


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable()


def same_rules(one: Offer, other: Offer) -> list[str]:
    """Return what differs between two offers; empty when they say the same. An absent party says nothing."""
    differing = ["target"] if one.target != other.target else []
    differing += ["rules"] if one.policy != other.policy else []
    for name in ("assigner", "assignee"):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine is not None and theirs is not None and mine != theirs:
            differing.append(name)
    return differing


def canonical(terms: Terms) -> Terms:
    """Bring terms into the form in which `terms_of` gives them: sets sorted, explaining notes left out."""
    clause = terms.clause
    grouping = clause.grouping
    if grouping is not None:
        by, measures = tuple(sorted(set(grouping.by))), tuple(sorted(set(grouping.measures)))
        grouping = replace(grouping, by=by, measures=measures)
    clause = replace(
        clause,
        recipients=tuple(sorted(set(clause.recipients))),
        fields=tuple(sorted(set(clause.fields))),
        grouping=grouping,
        note=None,
    )
    prohibitions = (replace(each, fields=tuple(sorted(set(each.fields))), note=None) for each in terms.prohibitions)
    kept = sorted((p for p in prohibitions if p.datasets or p.fields or p.purposes), key=lambda p: p.id)
    return replace(terms, clause=clause, prohibitions=tuple(kept))


def _policy_of(terms: Terms, digest: str) -> Policy:
    clause = terms.clause
    rows, grouping = clause.rows, clause.grouping
    said: list[tuple[Operand, str, Value | None]] = [
        (Operand.AGREEMENT, "eq", f"{terms.agreement_id}@{terms.version}#{clause.id}"),
        (Operand.DOCUMENT, "eq", f"sha-256:{digest}"),
        (Operand.PROVIDER, "eq", clause.provider),
        (Operand.RECIPIENT, "isAnyOf", _set(clause.recipients)),
        (Operand.PURPOSE, "isAnyOf", _set(clause.purposes)),
        (Operand.FIELD, "isAnyOf", _set(clause.fields)),
        (Operand.GRANULARITY, "eq", str(clause.granularity)),
        (Operand.DELAY, "gteq", duration_text(clause.delay)),
        (Operand.DATE_TIME, "gteq", time_text(clause.valid_from)),
        (Operand.DATE_TIME, "lt", _time(clause.valid_until)),
        (Operand.ONWARD, "eq", str(clause.onward)),
        (Operand.DEMONSTRATION, "eq", "true" if clause.demonstration else None),
        (Operand.PORT, "isAnyOf", _set(rows.ports)),
        (Operand.TERMINAL, "isAnyOf", _set(rows.terminals)),
        (Operand.VESSEL, "isAnyOf", _set(rows.vessels)),
        (Operand.OCCURRED, "gteq", _time(rows.occurred_from)),
        (Operand.OCCURRED, "lt", _time(rows.occurred_until)),
    ]
    if grouping is not None:
        said += [
            (Operand.GROUPED_BY, "isAnyOf", _set(grouping.by)),
            (Operand.MEASURE, "isAnyOf", _set(grouping.measures)),
            (Operand.PERIOD, "eq", str(grouping.period)),
            (Operand.CONTRIBUTOR, "eq", grouping.contributor),
            (Operand.MINIMUM_GROUP, "gteq", str(grouping.minimum_group)),
        ]
    prohibitions = {rule for prohibition in terms.prohibitions for rule in _prohibition_rules(prohibition)}
    obligations: set[Rule] = set()
    if clause.delete_after is not None:
        within = Constraint(Operand.ELAPSED_TIME, "lteq", duration_text(clause.delete_after))
        obligations.add(Rule(Action.DELETE, frozenset({within})))
    return Policy(frozenset({_rule(said)}), frozenset(prohibitions), frozenset(obligations))


def _prohibition_rules(prohibition: Prohibition) -> list[Rule]:
    """Constraints of a rule hold together, a prohibition's sets each for themselves: one rule for each set."""
    sets: tuple[tuple[Operand, tuple[str, ...] | None], ...] = (
        (Operand.DATASET, _set(prohibition.datasets)),
        (Operand.PURPOSE, _set(prohibition.purposes)),
        (Operand.FIELD, _set(prohibition.fields)),
    )
    named: list[tuple[Operand, str, Value | None]] = [
        (Operand.PROHIBITION, "eq", prohibition.id),
        (Operand.SOURCE, "eq", prohibition.source or None),
    ]
    return [_rule([*named, (operand, "isAnyOf", values)]) for operand, values in sets if values]


def _rule(said: list[tuple[Operand, str, Value | None]]) -> Rule:
    return Rule(Action.USE, frozenset(Constraint(a, b, value) for a, b, value in said if value is not None))


def _set(values: Any) -> tuple[str, ...] | None:
    return tuple(sorted(set(values))) or None


def _time(value: dt.datetime | None) -> str | None:
    return None if value is None else time_text(value)


def terms_of(policy: Policy, dataset: str) -> tuple[Terms, str]:
    """Return the terms an offer of a clause states, and the digest of the document it names.

    Raises
    ------
    DataError
        When a part that every clause has is missing, or parts contradict each other.
    """
    faults: list[Fault] = []
    if len(policy.permissions) != 1 or len(policy.obligations) > 1:
        raise DataError(
            "The policy is no clause.",
            [Fault("permission", "more than one permission or duty", "A clause has one permission, at most one duty.")],
        )
    (rule,) = policy.permissions
    reader = _Reader(rule, faults)
    _only(rule, _CLAUSE, "permission", faults)
    reference = _REFERENCE.fullmatch(reader.text(Operand.AGREEMENT, "eq"))
    if reference is None:
        faults.append(Fault(Operand.AGREEMENT, "not agreement@version#clause", "Name the clause."))
    granularity = reader.text(Operand.GRANULARITY, "eq")
    grouped = granularity == Granularity.AGGREGATE or any(c.operand in _GROUPING for c in rule.constraints)
    grouping = _grouping(rule, reader) if grouped else None
    digest = reader.text(Operand.DOCUMENT, "eq").removeprefix("sha-256:")
    texts = {
        "provider": reader.text(Operand.PROVIDER, "eq"),
        "delay": reader.text(Operand.DELAY, "gteq"),
        "onward": reader.text(Operand.ONWARD, "eq"),
        "valid_from": reader.text(Operand.DATE_TIME, "gteq"),
    }
    recipients, purposes, fields = (
        reader.texts(operand) for operand in (Operand.RECIPIENT, Operand.PURPOSE, Operand.FIELD)
    )
    prohibitions = _prohibitions(policy.prohibitions, faults)
    if faults or reference is None:
        raise DataError("The policy is no clause.", faults)
    clause = Clause(
        id=reference["clause"],
        provider=texts["provider"],
        recipients=recipients,
        dataset=dataset,
        fields=fields,
        purposes=frozenset(purposes),
        granularity=Granularity(granularity),
        rows=RowFilter(
            ports=frozenset(rule.get(Operand.PORT, "isAnyOf") or ()),
            terminals=frozenset(rule.get(Operand.TERMINAL, "isAnyOf") or ()),
            vessels=frozenset(rule.get(Operand.VESSEL, "isAnyOf") or ()),
            occurred_from=_read_time(rule.get(Operand.OCCURRED, "gteq")),
            occurred_until=_read_time(rule.get(Operand.OCCURRED, "lt")),
        ),
        delay=read_duration(texts["delay"]),
        valid_from=read_time(texts["valid_from"]),
        valid_until=_read_time(rule.get(Operand.DATE_TIME, "lt")),
        grouping=grouping,
        onward=Onward(texts["onward"]),
        delete_after=_delete_after(policy.obligations),
        demonstration=rule.get(Operand.DEMONSTRATION, "eq") == "true",
    )
    return Terms(reference["agreement"], int(reference["version"]), clause, prohibitions), digest


@dataclass(frozen=True)
class _Reader:
    rule: Rule
    faults: list[Fault]

    def text(self, operand: Operand, operator: str) -> str:
        value = self.rule.get(operand, operator)
        if isinstance(value, str):
            return value
        self.faults.append(Fault(operand, "missing", f"A clause says {operand} {operator}."))
        return ""

    def texts(self, operand: Operand) -> tuple[str, ...]:
        value = self.rule.get(operand, "isAnyOf")
        if isinstance(value, tuple):
            return value
        self.faults.append(Fault(operand, "missing", f"A clause says {operand} isAnyOf."))
        return ()


def _only(rule: Rule, allowed: frozenset[Operand], where: str, faults: list[Fault]) -> None:
    for constraint in sorted(rule.constraints, key=lambda c: (c.operand, c.operator)):
        if constraint.operand not in allowed:
            faults.append(Fault(where, f"{constraint.operand} says nothing here", "Leave it out."))


def _grouping(rule: Rule, reader: _Reader) -> Grouping | None:
    period, contributor = reader.text(Operand.PERIOD, "eq"), reader.text(Operand.CONTRIBUTOR, "eq")
    minimum = reader.text(Operand.MINIMUM_GROUP, "gteq")
    if not (period and contributor and minimum):
        return None
    by, measures = rule.get(Operand.GROUPED_BY, "isAnyOf") or (), rule.get(Operand.MEASURE, "isAnyOf") or ()
    return Grouping(tuple(by), tuple(measures), Period(period), contributor, int(minimum))


def _read_time(value: Value | None) -> dt.datetime | None:
    return read_time(value) if isinstance(value, str) else None


def _delete_after(obligations: frozenset[Rule]) -> dt.timedelta | None:
    for rule in obligations:
        value = rule.get(Operand.ELAPSED_TIME, "lteq")
        if len(rule.constraints) != 1:
            value = None
        if not isinstance(value, str):
            fault = Fault(Operand.ELAPSED_TIME, "missing", "Say within what time the data are to be deleted.")
            raise DataError("The policy is no clause.", [fault])
        return read_duration(value)
    return None


def _prohibitions(rules: frozenset[Rule], faults: list[Fault]) -> tuple[Prohibition, ...]:
    found: dict[str, Prohibition] = {}
    for rule in rules:
        name = rule.get(Operand.PROHIBITION, "eq")
        if not isinstance(name, str):
            faults.append(Fault("prohibition", "without its id", f"Say {Operand.PROHIBITION} eq."))
            continue
        _only(rule, _PROHIBITION, f"prohibition {name}", faults)
        if len([c for c in rule.constraints if c.operand in _PROHIBITED]) != 1:
            remedy = "Say one of datasets, purposes or fields in each rule."
            faults.append(Fault(f"prohibition {name}", "not exactly one set of what is prohibited", remedy))
        source = str(rule.get(Operand.SOURCE, "eq") or "")
        one = found.get(name) or Prohibition(name, frozenset(), (), frozenset(), source)
        if one.source != source:
            faults.append(Fault(f"prohibition {name}", "two sources for one id", "Give each prohibition its own id."))
        found[name] = replace(
            one,
            datasets=one.datasets | frozenset(rule.get(Operand.DATASET, "isAnyOf") or ()),
            purposes=one.purposes | frozenset(rule.get(Operand.PURPOSE, "isAnyOf") or ()),
            fields=tuple(sorted({*one.fields, *(rule.get(Operand.FIELD, "isAnyOf") or ())})),
        )
    return tuple(found[name] for name in sorted(found))
