"""Says alerts in words, in each language: for pages, for e-mails, and beside the data of webhooks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sealane.web.alerts.kinds import RANK, SEVERITIES, TITLES, AlertKind, Severity
from sealane.web.formats import add_filters
from sealane.web.render import FOLDER
from sealane.web.words import N_, Words

WORDS = "alerts/words.html.j2"
# Values of details that are times and days; they travel as ISO 8601.
_TIMES = ("since", "ends", "checked", "last")
_DAYS = ("due",)


@dataclass(frozen=True)
class Told:
    """One event of an alert, in words.

    Attributes
    ----------
    kind : one of `AlertKind`, or ``test``.
    event : ``opened``, ``worse`` or ``closed``.
    cause : what was noted as the cause, as it was noted; empty where nothing was.
    link : absolute address of the page that shows more.
    """

    alert_id: str
    kind: str
    event: str
    severity: Severity
    title: str
    text: str
    cause: str
    link: str | None
    at: dt.datetime


def facts(kind: AlertKind, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert's details with times and days as such, and None for what a template may ask for besides."""
    found = _Lenient(details)
    for name in _TIMES:
        if isinstance(found.get(name), str):
            found[name] = dt.datetime.fromisoformat(found[name])
    if kind is AlertKind.COMMITMENT_LATE:
        for name in _DAYS:
            found[name] = dt.date.fromisoformat(found[name])
    return found


class _Lenient(dict[str, Any]):
    """Details of an older version may lack a value that today's words ask for; it is left out, not an error."""

    def __missing__(self, key: str) -> None:
        return None


def tell(
    language: str,
    units: str,
    *,
    alert_id: str,
    kind: AlertKind,
    event: str,
    severity: Severity,
    details: Mapping[str, Any],
    link: str | None,
    at: dt.datetime,
) -> Told:
    """Return an event of an alert in plain words of a language."""
    words = Words(language)
    module = _plain().get_template(WORDS).make_module(_context(words, units))
    d = facts(kind, details)
    return Told(
        alert_id=alert_id,
        kind=kind.value,
        event=event,
        severity=severity,
        title=words(TITLES[kind]),
        text=" ".join(str(module.told(kind.value, d)).split()),  # type: ignore[attr-defined]  # macros are attributes
        cause=str(details.get("cause") or ""),
        link=link,
        at=at,
    )


def test_message(language: str, link: str, now: dt.datetime) -> Told:
    """Return what a channel is sent to try it."""
    words = Words(language)
    return Told(
        alert_id="",
        kind="test",
        event="test",
        severity=Severity.NOTICE,
        title=words(N_("Test message")),
        text=words(N_("This channel works. Nothing needs to be done.")),
        cause="",
        link=link,
        at=now,
    )


def email_text(told: Sequence[Told], more: int, language: str, node_name: str, origin: str) -> tuple[str, str]:
    """Return subject and text of an e-mail about events, the gravest first.

    Parameters
    ----------
    more : events beyond those told.
    origin : public address of the node.
    """
    words = Words(language)
    ordered = sorted(told, key=lambda one: (one.event == "closed", -RANK[one.severity], one.at))
    text = (
        _plain()
        .get_template("alerts/email.txt.j2")
        .render(_context(words, "metric") | {"told": ordered, "more": more, "node_name": node_name, "origin": origin})
    )
    return subject(ordered, more, words, node_name), text


def subject(told: Sequence[Told], more: int, words: Words, node_name: str) -> str:
    """Return one line that says what it is about."""
    number = len(told) + more
    first = told[0]
    state = words(N_("mended")) if first.event == "closed" else words(SEVERITIES[first.severity])
    line = f"[{node_name}] {first.title} ({state})"
    if number > 1:
        line += " " + words(N_("and %(number)s more"), number=number - 1)
    # A head line ends at a line break; names come from outside.
    return " ".join(line.split())[:200]


def _context(words: Words, units: str) -> dict[str, Any]:
    return {
        "_": lambda text, **named: words(text, **named) if named else words(text),
        "language": words.language,
        "units": units,
        "zone": None,
        "severities": SEVERITIES,
    }


@cache
def _plain() -> Environment:
    """Return the templates' environment for plain text: nothing is escaped, times are words and not elements."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=False,  # plain text, sent as text/plain and as JSON
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    add_filters(made.filters)
    made.filters["moment"] = lambda time: time.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC") if time else "–"
    return made
