"""Sends an e-mail through the mail server of the settings: over TLS, or to this very machine."""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

from sealane.errors import Phrase, UnreachableError
from sealane.node.settings import NodeSettings, is_loopback

TIMEOUT_S = 15.0
PORTS = {"smtps": 465, "smtp": 587}


def send_email(
    settings: NodeSettings, to: str, subject: str, text: str, now: dt.datetime, *, message_id: str | None = None
) -> None:
    """Send a plain-text e-mail.

    Parameters
    ----------
    message_id : id that stays the same when the message is sent again, so that mail programs show it once.

    Raises
    ------
    UnreachableError
        When the server cannot be reached, offers no TLS, or does not take the message; never with a password in it.
    """
    server = urlsplit(settings.smtp_url.get_secret_value())
    host = server.hostname or ""
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.alert_from
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    domain = settings.alert_from.rpartition("@")[2]
    message["Message-ID"] = f"<{message_id}@{domain}>" if message_id else make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice shall answer it
    message.set_content(text)
    authorities = settings.tls_authorities
    context = ssl.create_default_context(cafile=None if authorities is None else str(authorities))
    port = server.port or PORTS[server.scheme]
    try:
        with _connect(server.scheme, host, port, context) as connection:
            if server.username:
                connection.login(unquote(server.username), unquote(server.password or ""))
            connection.send_message(message)
    except smtplib.SMTPException as error:
        raise UnreachableError(
            Phrase(
                "The mail server %(host)s:%(port)s did not take the message: %(error)s",
                host=host,
                port=port,
                error=_told(error),
            )
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnreachableError(
            Phrase(
                "The mail server %(host)s:%(port)s cannot be reached: %(reason)s", host=host, port=port, reason=reason
            )
        ) from None


def _connect(scheme: str, host: str, port: int, context: ssl.SSLContext) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
    connection = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    try:
        connection.ehlo()
        # To another machine it raises where the server offers no TLS; somebody on the way may have taken the offer out.
        if connection.has_extn("starttls") or not is_loopback(host):
            connection.starttls(context=context)
            connection.ehlo()
    except BaseException:
        connection.close()
        raise
    return connection


def _told(error: smtplib.SMTPException) -> str:
    """Return what the server said, in one bounded line; an answer to a login could repeat what it was given."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"it refused the login ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {ascii(text)[:200]}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "it refused the recipient"
    return str(error)[:200]
