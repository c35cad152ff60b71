"""Sends a webhook: JSON, signed so that the receiver knows who sent it and when, and sees it once.

The form is that of Standard Webhooks (https://www.standardwebhooks.com): ``webhook-id`` stays the same when a message
is sent again, ``webhook-timestamp`` is the time of the try in seconds, and ``webhook-signature`` is ``v1,`` with the
base64 of HMAC-SHA256 over ``id.timestamp.body`` by the decoded secret. It goes through the node's one way out.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sealane.errors import InputError, Phrase, UnreachableError
from sealane.exchange.outbound import Outbound
from sealane.web.alerts.channels import SECRET_PREFIX
from sealane.web.alerts.messages import Told

TIMEOUT_S = 10.0
TOLERANCE = dt.timedelta(minutes=5)  # what the specification advises receivers to allow


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``.

    Raises
    ------
    InputError
        If the secret is not of the form ``whsec_`` and base64.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InputError(Phrase("The secret of the webhook is not whsec_ and base64.")) from None
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: dt.datetime) -> bool:
    """Say whether a message is what the holder of the secret sent lately; as a receiver should check it.

    Parameters
    ----------
    headers : names in lower case.
    """
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return False
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        return False
    expected = signature(secret, message_id, int(stamp), body)
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected, one) for one in given)


def content(told: Sequence[Told], details: Sequence[Mapping[str, Any]], more: int, participant: str) -> dict[str, Any]:
    """Return the body of a webhook about events, as plain values."""
    return {
        "type": "sealane.alerts",
        "node": participant,
        "alerts": [
            {
                "id": one.alert_id,
                "kind": one.kind,
                "event": one.event,
                "severity": one.severity.value,
                "at": one.at.isoformat(),
                "title": one.title,
                "text": one.text,
                "link": one.link,
                "details": dict(given),
            }
            for one, given in zip(told, details, strict=True)
        ],
        "more": more,
    }


def send_webhook(
    outbound: Outbound,
    url: str,
    secret: str,
    message_id: str,
    body: Mapping[str, Any],
    now: dt.datetime,
    *,
    allow_private: bool,
) -> None:
    """Send one try of a message.

    Raises
    ------
    RequestRefusedError
        When the address leads to where the node may not connect.
    UnreachableError
        When no answer came, or it was not 2xx; a redirect is not followed.
    """
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    stamp = int(now.timestamp())
    answer = outbound.request_elsewhere(
        "POST",
        url,
        content=data,
        headers={
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(secret, message_id, stamp, data),
        },
        allow_private=allow_private,
        timeout_s=TIMEOUT_S,
    )
    if not 200 <= answer.status < 300:
        raise UnreachableError(Phrase("The receiver answered %(status)s.", status=answer.status))
