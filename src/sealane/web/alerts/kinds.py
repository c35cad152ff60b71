"""Kinds of alerts, how grave each is, and how long its cause must be gone before it counts as mended."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sealane.web.words import N_

MAX_SUBJECT = 300


class Severity(StrEnum):
    """How soon somebody should look."""

    NOTICE = "notice"  # when there is time
    WARNING = "warning"  # today
    SEVERE = "severe"  # now: something stands still or may be lost


RANK: Mapping[str, int] = {severity.value: rank for rank, severity in enumerate(Severity)}


class AlertKind(StrEnum):
    """What can need attention."""

    NEGOTIATION_STALLED = "negotiation-stalled"
    TRANSFER_STALLED = "transfer-stalled"
    AGREEMENT_UNDELIVERED = "agreement-undelivered"
    COMMITMENT_LATE = "commitment-late"
    STREAM_STOPPED = "stream-stopped"
    STREAM_LAG = "stream-lag"
    DEAD_LETTERS = "dead-letters"
    DATA_GAP = "data-gap"
    EXCEEDANCE = "exceedance"
    PEER_ALARM = "peer-alarm"
    PEER_KEYS = "peer-keys"
    LOG_FAULT = "log-fault"
    IMPORT_FAILED = "import-failed"
    TASK_FAILED = "task-failed"
    DISK_LOW = "disk-low"
    KEY_ENDS = "key-ends"
    ROOT_KEY_HERE = "root-key-here"
    BACKUP_OLD = "backup-old"
    CHANNEL_FAILED = "channel-failed"
    CARGO_MILESTONE = "cargo-milestone"


# Said on pages and in messages; each is translated where it is shown.
TITLES: Mapping[AlertKind, str] = {
    AlertKind.NEGOTIATION_STALLED: N_("Negotiation stalled"),
    AlertKind.TRANSFER_STALLED: N_("Transfer stalled"),
    AlertKind.AGREEMENT_UNDELIVERED: N_("Agreement message not delivered"),
    AlertKind.COMMITMENT_LATE: N_("Commitment late"),
    AlertKind.STREAM_STOPPED: N_("Stream stopped"),
    AlertKind.STREAM_LAG: N_("Stream lags"),
    AlertKind.DEAD_LETTERS: N_("Dead letters"),
    AlertKind.DATA_GAP: N_("Data gap"),
    AlertKind.EXCEEDANCE: N_("Limit exceeded"),
    AlertKind.PEER_ALARM: N_("Alarm about a partner"),
    AlertKind.PEER_KEYS: N_("Keys of a partner"),
    AlertKind.LOG_FAULT: N_("Fault in the log"),
    AlertKind.IMPORT_FAILED: N_("Import failed"),
    AlertKind.TASK_FAILED: N_("Task failed"),
    AlertKind.DISK_LOW: N_("Disk nearly full"),
    AlertKind.KEY_ENDS: N_("Signing key ends"),
    AlertKind.ROOT_KEY_HERE: N_("Root key on this machine"),
    AlertKind.BACKUP_OLD: N_("Backup too old"),
    AlertKind.CHANNEL_FAILED: N_("Messages not delivered"),
    AlertKind.CARGO_MILESTONE: N_("Cargo you follow"),
}
SEVERITIES: Mapping[Severity, str] = {
    Severity.NOTICE: N_("notice"),
    Severity.WARNING: N_("warning"),
    Severity.SEVERE: N_("severe"),
}
# What comes and goes with the network or the load: it must stay away so long before it counts as mended, so that what
# flaps makes one alert and not many. All else is mended by somebody's deed, and at once.
HOLD = dt.timedelta(minutes=5)
FLAPPING = frozenset(
    {
        AlertKind.NEGOTIATION_STALLED,
        AlertKind.TRANSFER_STALLED,
        AlertKind.AGREEMENT_UNDELIVERED,
        AlertKind.STREAM_LAG,
        AlertKind.DATA_GAP,
        AlertKind.PEER_KEYS,
        AlertKind.DISK_LOW,
        AlertKind.CHANNEL_FAILED,
    }
)
# What happened once and stays so: who acknowledges it closes it, and it is not opened again.
ONCE = frozenset({AlertKind.IMPORT_FAILED, AlertKind.TASK_FAILED, AlertKind.EXCEEDANCE})


@dataclass(frozen=True)
class Finding:
    """One thing that needs attention, as a rule found it.

    Attributes
    ----------
    subject : what it is about; with the kind it tells an alert from all others.
    details : values for the words of its kind: texts, numbers, and times as ISO 8601 in UTC.
    link : path of the page where something can be done about it.
    user_id : only this person is told.
    """

    kind: AlertKind
    subject: str
    severity: Severity
    details: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None
    user_id: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Kind and subject; a subject too long for its column stands as its digest."""
        is_long = len(self.subject) > MAX_SUBJECT
        subject = hashlib.sha256(self.subject.encode("utf-8")).hexdigest() if is_long else self.subject
        return self.kind.value, subject
