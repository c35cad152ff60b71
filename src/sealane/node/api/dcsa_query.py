"""Query parameters of the DCSA interfaces, read and checked: what the database and the payloads are asked."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request

from sealane.errors import Fault, RequestRefusedError
from sealane.products.shapes import read_time
from sealane.products.store import Filters

DEFAULT_PAGE = 100
MAX_PAGE = 1_000


@dataclass(frozen=True)
class Parameter:
    """One query parameter.

    Attributes
    ----------
    paths : properties of a payload, each as a tuple of names; the record fits if one of them has the value.
    column : field of ``Filters`` that narrows the same in the database, if there is one.
    narrows : whether the column holds such a value; other values are looked for in the payloads.
    is_list : several values, separated by commas; one of them must fit.
    """

    name: str
    paths: tuple[tuple[str, ...], ...]
    column: str | None = None
    is_list: bool = False
    narrows: Callable[[str], bool] = bool


@dataclass(frozen=True)
class Query:
    """What a request asks for, read and checked.

    Attributes
    ----------
    filters : what the database can narrow.
    texts : parameters with the values that fit.
    narrowed : the database asks all of them, no payload need be looked at.
    time_path : property that an interval was asked of; None where none was.
    """

    filters: Filters
    texts: tuple[tuple[Parameter, frozenset[str]], ...]
    narrowed: bool
    after: int
    limit: int
    time_path: tuple[str, ...] | None = None

    def shows(self, body: Mapping[str, Any]) -> bool:
        """Say whether a payload as a partner sees it has what was asked for.

        The database narrows an interval of time by what is held: a payload that does not show its time must not fit,
        else the interval would tell it.
        """
        return self.matches(body) and (self.time_path is None or bool(_values(body, self.time_path)))

    def matches(self, body: Mapping[str, Any]) -> bool:
        """Say whether a payload has the values asked for; what it does not have does not fit."""
        return all(any(_values(body, path) & wanted for path in parameter.paths) for parameter, wanted in self.texts)


@dataclass(frozen=True)
class Interface:
    """One interface of DCSA.

    Attributes
    ----------
    dataset : product behind it.
    version : of the standard, for the header API-Version.
    parameters : query parameters with a value that a property must have.
    time_min, time_max : names of the parameters for an interval of time, both ends included.
    time_column : ``occurred`` or ``known``.
    time_path : property that this column is made of.
    """

    dataset: str
    version: str
    path: str
    parameters: tuple[Parameter, ...]
    time_min: str
    time_max: str
    time_column: str
    time_path: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of all query parameters."""
        own = (parameter.name for parameter in self.parameters)
        return frozenset([*own, self.time_min, self.time_max, "limit", "cursor"])


def read_query(interface: Interface, request: Request) -> Query:
    """Read the query of a request.

    Raises
    ------
    RequestRefusedError
        400 with every fault: unknown or doubled parameters, values of the wrong form.
    """
    faults: list[Fault] = []
    given = _given(interface, request, faults)
    texts = []
    narrowed = True
    columns: dict[str, Any] = {}
    for parameter in interface.parameters:
        value = given.get(parameter.name)
        if value is None:
            continue
        wanted = frozenset(value.split(",")) if parameter.is_list else frozenset([value])
        texts.append((parameter, wanted))
        if parameter.column is not None and parameter.narrows(value):
            columns[parameter.column] = value
        else:
            narrowed = False
    begin = _time(given, interface.time_min, faults)
    end = _time(given, interface.time_max, faults)
    columns[f"{interface.time_column}_from"] = begin
    # Both ends belong to the interval; the store's intervals are half-open.
    columns[f"{interface.time_column}_until"] = None if end is None else end + dt.timedelta(microseconds=1)
    limit = _limit(given.get("limit"), faults)
    after = read_cursor(given["cursor"], faults) if "cursor" in given else 0
    check_version(interface.version, request, faults)
    if faults:
        raise _refused(faults)
    time_path = None if begin is None and end is None else interface.time_path
    return Query(Filters(**columns), tuple(texts), narrowed, after, limit, time_path)


def _given(interface: Interface, request: Request, faults: list[Fault]) -> dict[str, str]:
    known = interface.names
    given: dict[str, str] = {}
    for name, value in parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True):
        if name not in known:
            faults.append(Fault(name[:100], "is no query parameter here", f"Use {', '.join(sorted(known))}."))
        elif name in given:
            faults.append(Fault(name, "is given twice", "Give it once."))
        elif "\x00" in value or len(value) > 1000:
            faults.append(Fault(name, "is no text that a record can hold", "Correct it."))
        else:
            given[name] = value
    return given


def _time(given: Mapping[str, str], name: str, faults: list[Fault]) -> dt.datetime | None:
    if name not in given:
        return None
    found = read_time(given[name])
    if found is None or found.year >= 9999:
        faults.append(Fault(name, repr(given[name][:60]), "Give date, time and zone as in 2026-11-22T05:58:00Z."))
        return None
    return found


def _limit(value: str | None, faults: list[Fault]) -> int:
    if value is None:
        return DEFAULT_PAGE
    if not (value.isascii() and value.isdigit() and int(value[:12]) >= 1):
        faults.append(Fault("limit", repr(value[:60]), f"Give a whole number from 1; a page has {MAX_PAGE} at most."))
        return DEFAULT_PAGE
    return min(int(value[:12]), MAX_PAGE)


def check_version(version: str, request: Request, faults: list[Fault]) -> None:
    asked = request.headers.get("api-version")
    if asked and asked.split(".")[0].strip() != version.split(".", maxsplit=1)[0]:
        faults.append(Fault("API-Version", repr(asked[:40]), f"This interface implements {version}."))


def _refused(faults: list[Fault]) -> RequestRefusedError:
    return RequestRefusedError(400, "invalid-query", "The request is not valid.", "Correct what is listed.", faults)


def write_cursor(after: int) -> str:
    """Return the cursor that goes on behind a position."""
    return base64.urlsafe_b64encode(f"p{after}".encode()).decode().rstrip("=")


def read_cursor(text: str, faults: list[Fault]) -> int:
    """Return the position of a cursor; 0 after a fault."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        decoded = ""
    if re.fullmatch(r"p[0-9]{1,18}", decoded):
        return int(decoded[1:])
    faults.append(Fault("cursor", repr(text[:60]), "Give the value of the header Next-Page-Cursor."))
    return 0


def _values(body: Any, path: tuple[str, ...]) -> frozenset[str]:
    """Return the texts at the end of a path; lists on the way are looked through."""
    if isinstance(body, list):
        return frozenset().union(*(_values(item, path) for item in body))
    if not path:
        return frozenset([body]) if isinstance(body, str) else frozenset()
    return _values(body.get(path[0]), path[1:]) if isinstance(body, dict) else frozenset()
