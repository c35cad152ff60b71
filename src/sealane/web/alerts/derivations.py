"""Where the figures of alerts come from: which alerts are counted, and which value was held against which limit."""

from __future__ import annotations

import sqlalchemy as sa

from sealane.web.alerts.book import Alert, alerts, counts
from sealane.web.alerts.kinds import SEVERITIES, TITLES, AlertKind, Severity
from sealane.web.derivation import Derivation, Figure, Input, Origin, Part, Quantity
from sealane.web.words import N_

MAX_COUNTED = 10_000
# kind -> the rule, in words. What it compares stands among the inputs.
RULES: dict[AlertKind, str] = {
    AlertKind.NEGOTIATION_STALLED: N_("unchanged for longer than the limit while an answer is awaited"),
    AlertKind.TRANSFER_STALLED: N_("unchanged for longer than the limit while an answer is awaited"),
    AlertKind.AGREEMENT_UNDELIVERED: N_("refused by the partner, or not taken within the limit"),
    AlertKind.COMMITMENT_LATE: N_("the last day is over and no report came on or after it"),
    AlertKind.STREAM_STOPPED: N_("the stream's state is stopped"),
    AlertKind.STREAM_LAG: N_("now − due time of the longest waiting message > limit"),
    AlertKind.DEAD_LETTERS: N_("messages of the stream in the state dead > 0"),
    AlertKind.DATA_GAP: N_("now − arrival of the newest record > limit set, or else > 2 × longest pause so far"),
    AlertKind.EXCEEDANCE: N_("figure of the result > limit set"),
    AlertKind.PEER_ALARM: N_("an alarm about the partner stands"),
    AlertKind.PEER_KEYS: N_("the list of keys cannot be read, or the last valid key ends within 14 days"),
    AlertKind.LOG_FAULT: N_("the last check of the log found faults"),
    AlertKind.IMPORT_FAILED: N_("the import's state is failed"),
    AlertKind.TASK_FAILED: N_("the task's state is failed"),
    AlertKind.DISK_LOW: N_("free space / size of the disk < limit"),
    AlertKind.KEY_ENDS: N_("the node's signing key ends within 14 days"),
    AlertKind.ROOT_KEY_HERE: N_("the private root key is in the node's folder"),
    AlertKind.BACKUP_OLD: N_("now − time of the last backup > limit"),
    AlertKind.CHANNEL_FAILED: N_("a message was given up after a day of tries"),
    AlertKind.CARGO_MILESTONE: N_("records of the cargo came that you were not told of yet"),
}
_NAMES = {
    "peer": N_("partner"),
    "state": N_("state"),
    "pending": N_("message on its way"),
    "attempts": N_("failed tries"),
    "since": N_("since"),
    "ends": N_("ends at"),
    "limit_minutes": N_("limit"),
    "cause": N_("noted cause"),
    "due": N_("due"),
    "letters": N_("dead letters"),
    "allowed_hours": N_("allowed silence"),
    "longest_pause_hours": N_("longest pause so far"),
    "pauses": N_("pauses known"),
    "value": N_("value"),
    "limit": N_("limit"),
    "free_gb": N_("free space"),
    "free_percent": N_("free share"),
    "limit_percent": N_("limit"),
    "limit_days": N_("limit"),
    "last": N_("last backup"),
    "checked": N_("keys last read"),
    "days": N_("days late"),
    "clause": N_("clause"),
    "dataset": N_("data product"),
    "source": N_("source"),
    "agreement": N_("agreement"),
    "result": N_("result"),
}
_UNITS = {
    "limit_minutes": "min",
    "allowed_hours": "h",
    "longest_pause_hours": "h",
    "free_gb": "GB",
    "free_percent": "%",
    "limit_percent": "%",
    "limit_days": "d",
    "days": "d",
}
# Settings of the node's operator; the others are limits that people entered on a page.
_BY_SETTING = {
    "limit_minutes": "node.toml: alert_stalled_minutes, alert_lag_minutes",
    "limit_percent": "node.toml: alert_disk_free_percent",
    "limit_days": "node.toml: alert_backup_days",
}
# The figure that the rule looked at; where there is none, that one thing was found.
_FIGURES: dict[AlertKind, tuple[str, Quantity, str | None]] = {
    AlertKind.STREAM_LAG: ("due", "count", None),
    AlertKind.DEAD_LETTERS: ("letters", "count", None),
    AlertKind.EXCEEDANCE: ("value", "mass_t", None),
    AlertKind.CARGO_MILESTONE: ("number", "count", None),
    AlertKind.DISK_LOW: ("free_percent", "other", "%"),
    AlertKind.COMMITMENT_LATE: ("days", "other", "d"),
}


def count_derivation(connection: sa.Connection, user_id: str | None, severity: Severity | None) -> Derivation:
    """Return how many open alerts nobody has acknowledged, by severity or, of one severity, by kind."""
    counted = counts(connection, user_id)
    chosen = "" if severity is None else f"?severity={severity}"
    if severity is None:
        total = sum(counted.values())
        parts = [
            Part(
                label=SEVERITIES[one],
                figure=Figure(value=number, quantity="count", explain=f"/explain/alerts?severity={one}"),
            )
            for one, number in counted.items()
        ]
    else:
        total = counted[severity]
        found = alerts(connection, user_id=user_id, limit=MAX_COUNTED)
        mine = [one for one in found if one.severity is severity and one.acknowledged_at is None]
        parts = [
            Part(label=TITLES[one.kind], figure=Figure(value=1, quantity="count", explain=f"/explain/alerts/{one.id}"))
            for one in mine
        ]
    return Derivation(
        title=N_("Things that need attention"),
        figure=Figure(value=total, quantity="count", explain=f"/explain/alerts{chosen}"),
        equation=N_("Number of alerts that are open and that nobody has acknowledged"),
        filters={} if severity is None else {N_("severity"): SEVERITIES[severity]},
        parts=parts,
        part_dimension=N_("severity") if severity is None else N_("alert"),
        notes=[N_("The rules are run again by the job alerts; its period is the setting alert_period_s.")],
    )


def alert_derivation(alert: Alert) -> Derivation:
    """Return which value was held against which limit, and where both come from."""
    name, quantity, unit = _FIGURES.get(alert.kind, ("", "count", None))
    value = alert.details.get(name, 1) if name else 1
    simulated = bool(alert.details.get("simulated"))
    return Derivation(
        title=TITLES[alert.kind],
        figure=Figure(
            value=float(value),
            quantity=quantity,
            unit=unit,
            explain=f"/explain/alerts/{alert.id}",
            simulated=simulated,
        ),
        equation=RULES[alert.kind],
        filters={N_("subject"): alert.subject},
        inputs=[
            Input(
                name=_NAMES[key],
                value=_plain(given),
                unit=_UNITS.get(key, "t" if alert.kind is AlertKind.EXCEEDANCE and key in {"value", "limit"} else ""),
                origin=_origin(key),
                source=_BY_SETTING.get(key, ""),
                link=alert.link if key == "value" else None,
            )
            for key, given in alert.details.items()
            if key in _NAMES and given is not None
        ],
    )


def _plain(given: object) -> float | str:
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else str(given)


def _origin(key: str) -> Origin:
    if key in {"limit", "allowed_hours"} or key in _BY_SETTING:
        return "entered"
    return "computed" if key in {"free_percent", "days", "longest_pause_hours", "pauses", "value"} else "observed"
