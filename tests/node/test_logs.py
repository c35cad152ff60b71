"""Logs are JSON lines, and planted secrets never appear in them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from sealane.exchange import jws
from sealane.node.logs import REDACTED, JsonLines, configure_logs, redact

PASSWORD = "hunter2-Hunter2_hunter2"
KEY = jws.new_key().as_dict(private=True)
TOKEN = "sealane_" + "aB3-_" * 8 + "xyz"  # as long as a real one
JWT = "eyJhbGciOiJFZDI1NTE5In0.eyJpc3MiOiJ1cm46eCJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----"
SECRETS = {
    "database address": (f"cannot reach postgresql://node:{PASSWORD}@db:5432/node today", PASSWORD),
    "address with an at sign in it": (f"sqlite+x://a:{PASSWORD}@h/n", PASSWORD),
    "bearer token": (f"Authorization: Bearer {TOKEN}", TOKEN),
    "token on its own": (f"got {TOKEN} from the feed", TOKEN),
    "signed token": (f"refused {JWT}, expired", JWT),
    "start of a signed token": (f"refused {JWT[:40]}", JWT[20:40]),
    "basic credentials": ("authorization=Basic dXNlcjpodW50ZXIyaHVudGVyMg==", "dXNlcjpodW50ZXIyaHVudGVyMg"),
    "private key as JWK": (json.dumps(KEY), str(KEY["d"])),
    "private key as Python shows it": (str(KEY), str(KEY["d"])),
    "private key as PEM": (f"read {PEM} from disk", "MC4CAQAwBQYDK2VwBCIEIAAAA"),
    "cut PEM": (PEM[:70], "MC4CAQAwBQYDK2VwBCIEIAAAA"),
    "query": (f"GET /x?token={PASSWORD}&page=2", PASSWORD),
    "setting": (f"password = '{PASSWORD}'", PASSWORD),
    "header as a pair": (f"[('X-Api-Key', 'a'), ('authorization', '{PASSWORD}')] api_key: {PASSWORD}", None),
}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    names = ("sealane", "uvicorn", "uvicorn.error", "uvicorn.access")
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).handlers) for name in names}
    handlers, level, disabled = root.handlers, root.level, logging.getLogger("uvicorn.access").disabled
    out = io.StringIO()
    configure_logs("debug", out)
    yield out
    logging.captureWarnings(False)
    root.handlers, root.level = handlers, level
    for name, (old, own) in before.items():
        logging.getLogger(name).setLevel(old)
        logging.getLogger(name).handlers = own
    logging.getLogger("uvicorn.access").disabled = disabled


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("name", [name for name, (_, secret) in SECRETS.items() if secret])
def test_planted_secrets_never_appear(name: str, stream: io.StringIO) -> None:
    text, secret = SECRETS[name]
    assert secret is not None
    assert secret in text  # control: it is there before
    log = logging.getLogger("sealane.test")
    log.info(text)
    log.info("with an argument: %s", text)
    log.info("with a field", extra={"detail": text})
    log.info("with a field of parts", extra={"detail": [text, {"x": text}]})
    try:
        int(text)  # its error repeats what it was given
    except ValueError as error:
        log.exception("with a traceback", exc_info=ValueError(f"{error} {text}"))
    logging.getLogger("uvicorn.error").error(text)
    found = lines(stream)
    assert len(found) == 6
    assert secret not in stream.getvalue()
    assert secret not in json.dumps(found, ensure_ascii=False)
    assert REDACTED in stream.getvalue()


def test_what_is_no_secret_stays() -> None:
    for text in (
        "stream 5f1c0d closed by urn:sealane:port:jp-yok, agreement yokohama version 2",
        "tokens are refused for 30 s; the token of a stream has ended",
        "sealane_http_requests_total and sealane_node",
        "https://node.example:8443/sealane/v1/events?after=20",
        "digest 3b5d5c3712955042212316173ccf37be800000000000000000000000000000000",
    ):
        assert redact(text) == text


def test_a_line_has_time_level_logger_and_fields(stream: io.StringIO) -> None:
    logging.getLogger("sealane.test").warning("said\nin two lines", extra={"status": 200, "peer": None, "route": "/x"})
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "sealane.test",
        "message": "said\nin two lines",
        "status": 200,
        "route": "/x",
    }


def test_a_wrong_log_call_still_gives_a_line() -> None:
    record = logging.LogRecord("n", logging.INFO, "f", 1, "needs %d and %s", ("one",), None)
    assert json.loads(JsonLines().format(record))["message"] == "needs %d and %s ('one',)"


def test_levels(stream: io.StringIO) -> None:
    configure_logs("warning", stream)
    logging.getLogger("sealane.test").info("no")
    logging.getLogger("uvicorn.error").info("no")
    logging.getLogger("sealane.test").warning("yes")
    assert [line["message"] for line in lines(stream)] == ["yes"]
