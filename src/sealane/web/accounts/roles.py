"""Roles of people, and the one declared table of what each may ask: ``access.csv``.

Machines have roles of their own: a partner's node, and the roles of the port's tokens (`sealane.node.api_tokens`). The
table has a column for each of them and a row for every endpoint of the node.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from sealane.errors import DataError, Fault
from sealane.node.api_tokens import ROLES as TOKEN_ROLES

TABLE = Path(__file__).parents[1] / "access.csv"
PARTNER = "partner"


class Role(StrEnum):
    """What a person may be; `guest` is who has not logged in."""

    GUEST = "guest"
    ANALYST = "analyst"
    STEWARD = "steward"  # data steward
    OFFICER = "officer"  # agreement officer
    ADMINISTRATOR = "administrator"


# Who can have an account, from least to most.
PEOPLE = (Role.ANALYST, Role.STEWARD, Role.OFFICER, Role.ADMINISTRATOR)
COLUMNS = (*(role.value for role in Role), PARTNER, *TOKEN_ROLES)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
YES, WHERE_GUESTS = "yes", "guests"


@dataclass(frozen=True)
class Access:
    """One row: who may use an endpoint.

    Attributes
    ----------
    path : as the endpoint declares it, parameters in braces.
    allowed : columns that may.
    if_guests : guests may only where the setting `guests` lets them in.
    why : reason, in a few words.
    """

    method: str
    path: str
    allowed: frozenset[str]
    if_guests: bool
    why: str

    def lets_in(self, role: str, guests: bool) -> bool:
        """Say whether a role may use the endpoint; `guests` is the node's setting."""
        if role == Role.GUEST and self.if_guests:
            return guests
        return role in self.allowed


@cache
def access_table() -> Mapping[tuple[str, str], Access]:
    """Return the shipped table by method and path."""
    return read_access(TABLE)


def read_access(path: Path) -> dict[tuple[str, str], Access]:
    """Read a table of access.

    Raises
    ------
    DataError
        With every row that says something unknown, or the same endpoint twice.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = ["method", "path", *COLUMNS, "why"]
    if not rows or list(rows[0]) != expected:
        raise DataError(f"{path.name} cannot be used.", [Fault(path.name, "has other columns", ", ".join(expected))])
    found: dict[tuple[str, str], Access] = {}
    faults = []
    for number, row in enumerate(rows, 2):
        where = f"{path.name} row {number}"
        key = (row["method"], row["path"])
        if row["method"] not in METHODS or not row["path"].startswith("/"):
            faults.append(Fault(where, f"{row['method']} {row['path']} is no endpoint", "Name method and path."))
        if key in found:
            faults.append(Fault(where, f"{row['method']} {row['path']} stands twice", "Keep one row."))
        for column in COLUMNS:
            words = ("", YES, WHERE_GUESTS) if column == Role.GUEST else ("", YES)
            if row[column] not in words:
                faults.append(Fault(f"{where}, {column}", repr(row[column]), f"Write {' or '.join(map(repr, words))}."))
        if not row["why"]:
            faults.append(Fault(f"{where}, why", "is empty", "Say in a few words why."))
        allowed = frozenset(column for column in COLUMNS if row[column] == YES)
        found[key] = Access(*key, allowed, row[Role.GUEST] == WHERE_GUESTS, row["why"])
    if faults:
        raise DataError(f"{path.name} cannot be used.", faults)
    return found


def access_markdown() -> str:
    """Return the reference page of the table."""
    heads = {"administrator": "admin", "operator": "operator token", "feed": "feed token", "reader": "reader token"}
    heads |= {"monitor": "monitor token", "steward": "data steward", "officer": "agreement officer"}
    lines = [
        "# Who may do what",
        "",
        "Every endpoint of a node, and who may use it. An endpoint that does not stand here is refused to everybody,",
        "and the tests fail until it does. People log in; tokens are those of `sealane node token`; a partner is",
        "another port's node, which signs its requests. *public* marks what guests see where the setting `guests` lets",
        "them in.",
        "",
        f"| endpoint | {' | '.join(heads.get(c, c) for c in COLUMNS)} | why |",
        f"|---|{':-:|' * len(COLUMNS)}---|",
    ]
    for row in access_table().values():
        marks = ["✓" if c in row.allowed else "" for c in COLUMNS]
        if row.if_guests:
            marks[0] = "public"
        lines.append(f"| `{row.method} {row.path}` | {' | '.join(marks)} | {row.why} |")
    return "\n".join(lines) + "\n"
