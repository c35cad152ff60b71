"""The job: looks at the node's state, brings the book of alerts up to date, and tells channels."""

from __future__ import annotations

import datetime as dt
import logging

from sealane.node.context import Node
from sealane.web.alerts.book import Changed, forget_old, settle
from sealane.web.alerts.cargo import tell_followers
from sealane.web.alerts.limits import limits
from sealane.web.alerts.rules import findings
from sealane.web.alerts.state import read_state, thresholds
from sealane.web.alerts.telling import collect, forget_sent, send_due

_LOG = logging.getLogger("sealane.alerts")


def look(node: Node) -> Changed:
    """Look for what needs attention and keep the book; sends nothing."""
    now = node.clock()
    with node.database.read() as connection:
        found = findings(read_state(node, connection, limits(connection), now), thresholds(node), now)
    with node.database.write() as connection:
        changed = settle(connection, found, now)
        tell_followers(connection, now)
        collect(connection, now)
        if _is_quiet_hour(now):
            forget_old(connection, now)
            forget_sent(connection, now)
    if changed.opened or changed.worse:
        _LOG.info("alerts", extra={"opened": changed.opened, "worse": changed.worse, "closed": changed.closed})
    return changed


def run(node: Node) -> object:
    """Job: look, then tell."""
    look(node)
    return send_due(node)


def _is_quiet_hour(now: dt.datetime) -> bool:
    """Removing what is old need not be done at every look."""
    return now.minute == 0


# name, setting that holds the period, what is run
JOBS = (("alerts", "alert_period_s", run),)
