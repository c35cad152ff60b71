"""Reads and writes ODRL policies of one closed profile, in the compact form of the Dataspace Protocol.

Closed means: an action, operand, operator or member that the profile does not name is a fault, never ignored. What is
read is brought into one normal form (order, spelling of times and durations, one value instead of a list of one), so
that two policies that say the same compare equal.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sealane.errors import DataError, Fault

PROFILE = "urn:sealane:policy:1"
MAX_RULES = 100
MAX_CONSTRAINTS = 64
MAX_VALUES = 2_000
MAX_TEXT = 2_000

_ODRL = "http://www.w3.org/ns/odrl/2/"


class Action(StrEnum):
    """Actions of the profile: data may be used; a duty can be to delete them."""

    USE = "use"
    DELETE = "odrl:delete"


class Operand(StrEnum):
    """Left operands of the profile."""

    PURPOSE = "odrl:purpose"
    DATE_TIME = "odrl:dateTime"
    ELAPSED_TIME = "odrl:elapsedTime"
    AGREEMENT = f"{PROFILE}:agreement"
    DOCUMENT = f"{PROFILE}:document"
    PROVIDER = f"{PROFILE}:provider"
    RECIPIENT = f"{PROFILE}:recipient"
    DATASET = f"{PROFILE}:dataset"
    FIELD = f"{PROFILE}:field"
    GRANULARITY = f"{PROFILE}:granularity"
    DELAY = f"{PROFILE}:delay"
    ONWARD = f"{PROFILE}:onward"
    DEMONSTRATION = f"{PROFILE}:demonstration"
    PORT = f"{PROFILE}:port"
    TERMINAL = f"{PROFILE}:terminal"
    VESSEL = f"{PROFILE}:vessel"
    OCCURRED = f"{PROFILE}:occurred"
    GROUPED_BY = f"{PROFILE}:groupedBy"
    MEASURE = f"{PROFILE}:measure"
    PERIOD = f"{PROFILE}:period"
    CONTRIBUTOR = f"{PROFILE}:contributor"
    MINIMUM_GROUP = f"{PROFILE}:minimumGroup"
    PROHIBITION = f"{PROFILE}:prohibition"
    SOURCE = f"{PROFILE}:source"
    PUBLIC = f"{PROFILE}:public"


Value = str | tuple[str, ...]


@dataclass(frozen=True, order=True)
class Constraint:
    """One atomic constraint in normal form; sets of values are sorted tuples."""

    operand: str
    operator: str
    value: Value


@dataclass(frozen=True)
class Rule:
    """An action under constraints that all hold together; at most one constraint for an operand and operator."""

    action: Action
    constraints: frozenset[Constraint]

    def get(self, operand: Operand, operator: str) -> Value | None:
        """Return the value of the one constraint with this operand and operator, or None."""
        for constraint in self.constraints:
            if constraint.operand == operand and constraint.operator == operator:
                return constraint.value
        return None


@dataclass(frozen=True)
class Policy:
    """Rules of an offer or agreement in normal form; equal policies compare equal."""

    permissions: frozenset[Rule]
    prohibitions: frozenset[Rule] = frozenset()
    obligations: frozenset[Rule] = frozenset()


def duration_text(value: dt.timedelta) -> str:
    """Write a duration of whole seconds as ISO 8601 with days, hours, minutes and seconds.

    Raises
    ------
    ValueError
        When it is negative or has fractions of a second.
    """
    if value.microseconds or value < dt.timedelta(0):
        raise ValueError(f"a duration must be whole seconds and not negative: {value}")
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    days = f"{value.days}D" if value.days else ""
    return f"P{days}{'T' + time if time else ''}" if days or time else "PT0S"


_DURATION = re.compile(r"P(?:(\d{1,6})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,10})S)?)?", re.ASCII)


def read_duration(text: str) -> dt.timedelta:
    """Read an ISO 8601 duration of fixed length (weeks, days, hours, minutes, seconds).

    Raises
    ------
    ValueError
        When it is anything else; months and years have no fixed length.
    """
    found = _DURATION.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        raise ValueError("not a duration of weeks, days, hours, minutes or seconds such as P1D or PT6H")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return dt.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError("longer than any duration that can be counted") from None


def time_text(value: dt.datetime) -> str:
    """Write a time in UTC with ``Z``; microseconds only where there are any."""
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def read_time(text: str) -> dt.datetime:
    """Read a time with its zone, return it in UTC.

    Raises
    ------
    ValueError
        When it cannot be read or has no zone.
    """
    value = dt.datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("a time without zone")
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("a time outside the calendar") from None


def _count(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("not a whole number")
    return str(int(text))


def _one_of(*allowed: str) -> Callable[[str], str]:
    def normal(text: str) -> str:
        if text not in allowed:
            raise ValueError("not one of " + ", ".join(allowed))
        return text

    return normal


def _digest(text: str) -> str:
    if not re.fullmatch(r"sha-256:[0-9a-f]{64}", text):
        raise ValueError("not sha-256: and 64 hexadecimal digits")
    return text


def _same(text: str) -> str:
    return text


_SET = "isAnyOf"
# What the profile allows: operand -> operator -> how one value is brought into normal form.
_ALLOWED: Mapping[Operand, Mapping[str, Callable[[str], str]]] = {
    Operand.PURPOSE: {_SET: _same},
    Operand.DATE_TIME: {"gteq": lambda t: time_text(read_time(t)), "lt": lambda t: time_text(read_time(t))},
    Operand.ELAPSED_TIME: {"lteq": lambda t: duration_text(read_duration(t))},
    Operand.AGREEMENT: {"eq": _same},
    Operand.DOCUMENT: {"eq": _digest},
    Operand.PROVIDER: {"eq": _same},
    Operand.RECIPIENT: {_SET: _same},
    Operand.DATASET: {_SET: _same},
    Operand.FIELD: {_SET: _same},
    Operand.GRANULARITY: {"eq": _one_of("record", "aggregate")},
    Operand.DELAY: {"gteq": lambda t: duration_text(read_duration(t))},
    Operand.ONWARD: {"eq": _one_of("none", "parties", "public")},
    Operand.DEMONSTRATION: {"eq": _one_of("true", "false")},
    Operand.PORT: {_SET: _same},
    Operand.TERMINAL: {_SET: _same},
    Operand.VESSEL: {_SET: _same},
    Operand.OCCURRED: {"gteq": lambda t: time_text(read_time(t)), "lt": lambda t: time_text(read_time(t))},
    Operand.GROUPED_BY: {_SET: _same},
    Operand.MEASURE: {_SET: _same},
    Operand.PERIOD: {"eq": _one_of("day", "week", "month", "quarter", "year")},
    Operand.CONTRIBUTOR: {"eq": _same},
    Operand.MINIMUM_GROUP: {"gteq": _count},
    Operand.PROHIBITION: {"eq": _same},
    Operand.SOURCE: {"eq": _same},
    Operand.PUBLIC: {"eq": _one_of("true")},
}
_ACTIONS = {
    **dict.fromkeys(("use", "odrl:use", f"{_ODRL}use"), Action.USE),
    **dict.fromkeys(("delete", "odrl:delete", f"{_ODRL}delete"), Action.DELETE),
}
_POLICY_KEYS = {
    "@id",
    "@type",
    "@context",
    "profile",
    "target",
    "assigner",
    "assignee",
    "timestamp",
    "permission",
    "prohibition",
    "obligation",
}


def read_policy(data: object, path: str) -> Policy:
    """Read an offer or agreement into its normal form.

    Parameters
    ----------
    data : parsed JSON.
    path : where it stands, for the faults.

    Raises
    ------
    DataError
        With every fault: what is not in the profile, malformed, contradictory or too long. Nothing is skipped.
    """
    faults: list[Fault] = []
    if not isinstance(data, dict):
        raise DataError("The policy cannot be used.", [Fault(path, "not an object", "Send an Offer or Agreement.")])
    for key in sorted(set(data) - _POLICY_KEYS):
        faults.append(Fault(f"{path}.{key}", "not a member of the profile", f"Leave it out; the profile is {PROFILE}."))
    profile = data.get("profile")
    if profile is not None and profile not in (PROFILE, [PROFILE]):
        faults.append(Fault(f"{path}.profile", f"{_shown(profile)} is not known", f"Use {PROFILE}."))
    permissions = _rules(data, "permission", Action.USE, path, faults)
    prohibitions = _rules(data, "prohibition", Action.USE, path, faults)
    obligations = _rules(data, "obligation", Action.DELETE, path, faults)
    if not permissions and not faults:
        faults.append(Fault(f"{path}.permission", "missing", "A policy must permit something."))
    if faults:
        raise DataError("The policy cannot be used.", faults)
    return Policy(permissions, prohibitions, obligations)


def write_policy(policy: Policy) -> dict[str, Any]:
    """Write the rules of a policy as compact JSON, always in the same order."""
    members = (("permission", policy.permissions), ("prohibition", policy.prohibitions))
    written: dict[str, Any] = {"profile": PROFILE}
    for name, rules in (*members, ("obligation", policy.obligations)):
        if rules:
            written[name] = [_written_rule(rule) for rule in sorted(rules, key=_rule_order)]
    return written


def _rule_order(rule: Rule) -> tuple[str, list[tuple[str, str, str]]]:
    return rule.action, sorted((c.operand, c.operator, str(c.value)) for c in rule.constraints)


def _written_rule(rule: Rule) -> dict[str, Any]:
    written: dict[str, Any] = {"action": str(rule.action)}
    constraints = [
        {
            "leftOperand": str(constraint.operand),
            "operator": constraint.operator,
            "rightOperand": constraint.value if isinstance(constraint.value, str) else list(constraint.value),
        }
        for constraint in sorted(rule.constraints, key=lambda c: (c.operand, c.operator))
    ]
    return written | ({"constraint": constraints} if constraints else {})


def _rules(data: Mapping[str, Any], key: str, action: Action, path: str, faults: list[Fault]) -> frozenset[Rule]:
    found = data.get(key, [])
    if not isinstance(found, list) or len(found) > MAX_RULES:
        faults.append(Fault(f"{path}.{key}", "not a list, or too long", f"Send at most {MAX_RULES} rules."))
        return frozenset()
    rules = (_rule(item, action, f"{path}.{key}[{number}]", faults) for number, item in enumerate(found))
    return frozenset(rule for rule in rules if rule is not None)


def _rule(data: object, action: Action, path: str, faults: list[Fault]) -> Rule | None:
    if not isinstance(data, dict):
        faults.append(Fault(path, "not an object", "Send a rule with an action."))
        return None
    for key in sorted(set(data) - {"action", "constraint", "@type", "@id"}):
        faults.append(Fault(f"{path}.{key}", "not a member of the profile", "Leave it out."))
    said = data.get("action")
    if not isinstance(said, str) or _ACTIONS.get(said) is not action:
        faults.append(Fault(f"{path}.action", f"{_shown(said)} is not allowed here", f"Use {action}."))
    constraints: set[Constraint] = set()
    before = len(faults)
    _collect(data.get("constraint", []), f"{path}.constraint", constraints, faults, depth=0)
    if len(faults) > before:
        return None
    seen: set[tuple[str, str]] = set()
    for constraint in sorted(constraints, key=lambda c: (c.operand, c.operator, str(c.value))):
        if (constraint.operand, constraint.operator) in seen:
            where = f"{path}.constraint"
            faults.append(Fault(where, f"{constraint.operand} {constraint.operator} twice, differing", "Say it once."))
        seen.add((constraint.operand, constraint.operator))
    return Rule(action, frozenset(constraints))


def _collect(data: object, path: str, into: set[Constraint], faults: list[Fault], depth: int) -> None:
    """Add the atomic constraints of a list; ``and`` says the same as the list itself and is taken apart."""
    if not isinstance(data, list) or len(data) > MAX_CONSTRAINTS or depth > 3:
        faults.append(Fault(path, "not a list, too long or too deep", f"Send at most {MAX_CONSTRAINTS} constraints."))
        return
    for number, item in enumerate(data):
        where = f"{path}[{number}]"
        if isinstance(item, dict) and set(item) - {"@type", "@id"} == {"and"}:
            _collect(item["and"], f"{where}.and", into, faults, depth + 1)
        elif (constraint := _constraint(item, where, faults)) is not None:
            into.add(constraint)


def _constraint(item: object, path: str, faults: list[Fault]) -> Constraint | None:
    keys = {"leftOperand", "operator", "rightOperand"}
    if not isinstance(item, dict) or set(item) - {"@type", "@id"} != keys:
        faults.append(Fault(path, "not an atomic constraint", "Send exactly leftOperand, operator and rightOperand."))
        return None
    operand, operator = _operand(item["leftOperand"]), item["operator"]
    if operand is None:
        remedy = f"Use an operand of {PROFILE}."
        faults.append(Fault(f"{path}.leftOperand", f"{_shown(item['leftOperand'])} is not known", remedy))
        return None
    values = _texts(item["rightOperand"])
    if operator == "eq" and _SET in _ALLOWED[operand] and values is not None and len(values) == 1:
        operator = _SET  # one value to choose from
    normal = _ALLOWED[operand].get(operator) if isinstance(operator, str) else None
    if normal is None:
        remedy = "Use " + " or ".join(_ALLOWED[operand]) + "."
        faults.append(Fault(f"{path}.operator", f"{_shown(operator)} is not allowed with {operand}", remedy))
        return None
    if values is None or (operator != _SET and len(values) != 1):
        faults.append(Fault(f"{path}.rightOperand", _shown(item["rightOperand"]), "Send text, or a list of texts."))
        return None
    try:
        written = tuple(sorted({normal(value) for value in values}))
    except ValueError as error:
        found = f"{_shown(item['rightOperand'])} is {error}"
        faults.append(Fault(f"{path}.rightOperand", found, f"Correct the value of {operand}."))
        return None
    return Constraint(operand, operator, written if operator == _SET else written[0])


def _operand(name: object) -> Operand | None:
    if not isinstance(name, str):
        return None
    if name.startswith(_ODRL):
        name = "odrl:" + name.removeprefix(_ODRL)
    elif name in {"purpose", "dateTime", "elapsedTime"}:
        name = f"odrl:{name}"
    return Operand(name) if name in set(Operand) else None


def _texts(value: object) -> list[str] | None:
    """Return the texts of a right operand, or None when it is anything but one or more texts."""
    found = value if isinstance(value, list) else [value]
    if not found or len(found) > MAX_VALUES:
        return None
    texts = [text for text in found if isinstance(text, str) and 0 < len(text) <= MAX_TEXT]
    return texts if len(texts) == len(found) else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
