"""Structured logs: one JSON object a line, and no secret in any of them.

Nobody should log a secret; the filter here is the net beneath. It takes out what looks like a credential (tokens, JWS,
passwords in addresses, private keys), in messages, in extra fields and in tracebacks.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
from typing import Any, TextIO

REDACTED = "[redacted]"
# Signed tokens and statements; credentials of a header; user:password@; members and options that hold a secret; PEM.
_SECRETS = (
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic|dpop)(\s+)[A-Za-z0-9._~+/=-]{6,}"), rf"\1\2{REDACTED}"),
    (re.compile(r"(?i)(://[^\s/:@]*:)[^\s/@]+(@)"), rf"\1{REDACTED}\2"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), REDACTED),
    (re.compile(r"""(["']d["']\s*:\s*["'])[A-Za-z0-9_-]{20,}(["'])"""), rf"\1{REDACTED}\2"),
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|token|api[_-]?key|authorization|private[_-]?key)[\"']?\s*[=:]\s*[\"']?)"
            r"[^\s\"'&,;}{]{4,}"
        ),
        rf"\1{REDACTED}",
    ),
    # Tokens of the port's own systems say what they are, so that they can be found where they do not belong.
    (re.compile(r"\bsealane_[A-Za-z0-9_-]{32,}"), REDACTED),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def redact(text: str) -> str:
    """Return the text without what looks like a credential."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the extra fields and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; never fails, whatever is logged."""
        when = dt.datetime.fromtimestamp(record.created, dt.UTC)
        document: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(_message(record)),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and value is not None:
                document[name] = value if isinstance(value, bool | int | float) else redact(str(value))
        if record.exc_info:
            document["traceback"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            document["stack"] = redact(record.stack_info)
        return json.dumps(document, ensure_ascii=True)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # the arguments do not fit the message; show both
        return f"{record.msg} {record.args}"


def configure_logs(level: str, stream: TextIO | None = None) -> None:
    """Send every log of the process to a stream as JSON lines; called once, by the process that serves.

    Parameters
    ----------
    level : debug, info, warning or error.
    stream : standard error when not given.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING if level != "debug" else logging.INFO)
    logging.captureWarnings(True)
    logging.getLogger("sealane").setLevel(_LEVELS[level])
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(_LEVELS[level])
    # The application logs each request itself, with its id and without the query.
    logging.getLogger("uvicorn.access").disabled = True
